"""Many writers move groups of one tree at random while others read it: no cycle, no lost update, no torn tree."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter

import psycopg
import pytest

from sql.database import Database, PoolSettings
from sql.people import member
from sql.session import Caller
from tests.mutations.documents import mutation
from tests.sql.test_granted_subtrees import check as check_subtrees

pytestmark = pytest.mark.database

SECONDS = float(os.environ.get("MOTOMIND_STRESS_SECONDS", "4"))
WRITERS, READERS, GROUPS = 16, 4, 60
MOVE = mutation("moveFleetGroup", "MoveFleetGroupInput!", "fleetGroup { id version }")
ADD = mutation("createFleetGroup", "CreateFleetGroupInput!", "fleetGroup { id }")
REMOVE = mutation("deleteFleetGroup", "DeleteInput!", "deletedId")
GRANT = mutation("grantGroupPermission", "GrantGroupPermissionInput!", "permission { id }")
REVOKE = mutation("revokeGroupPermission", "DeleteInput!", "deletedId")
LEAVE = mutation("removeMembership", "RemoveMembershipInput!", "deletedId")
JOIN = mutation("setMembership", "SetMembershipInput!", "membership { role }")
TREE = "{ fleetTree { depth parentId group { id } } }"
SEED = """
  insert into fleet_groups (tenant_id, name, parent_group_id)
  select t.id, 'Stress ' || n, null from tenants t, generate_series(1, %s) n where t.name = 'Solo' returning id::text
"""


@pytest.fixture
async def crowd(writable):
    """A pool with a connection for everybody."""
    database = await Database.connect(writable.gateway, PoolSettings(max_size=WRITERS + READERS))
    yield database
    await database.close()


async def test_the_tree_stays_a_tree_and_every_accepted_move_is_in_the_stream_once(writable, crowd, engine, rows):
    """Versions count without a gap, and what was answered is what the stream has."""
    ids = [row["id"] for row in rows(SEED, GROUPS)]
    found = await member(writable.owner, "owner@solo.example", None)
    caller = Caller(found.user_id, found.tenant_id)
    before = len(await read(crowd, engine, caller))
    until = time.monotonic() + SECONDS
    accepted, refused, trees = [], Counter(), 0

    async def writer(number):
        chance = random.Random(number)  # noqa: S311 - anything but secret
        while time.monotonic() < until:
            given = {"id": chance.choice(ids), "newParentId": chance.choice([*ids, None])}
            async with crowd.session(caller, writes=True) as session:
                result = await engine.execute(engine.document(MOVE), session, {"input": given}, None)
            assert not result.errors, result.errors
            payload = result.data["moveFleetGroup"]
            if payload["userErrors"]:
                refused.update(error["code"] for error in payload["userErrors"])
            else:
                accepted.append((payload["fleetGroup"]["id"], payload["fleetGroup"]["version"]))

    async def reader():
        nonlocal trees
        while time.monotonic() < until:
            assert_whole(await read(crowd, engine, caller), before)
            trees += 1

    async with asyncio.TaskGroup() as everybody:
        for number in range(WRITERS):
            everybody.create_task(writer(number))
        for _ in range(READERS):
            everybody.create_task(reader())
    print(f"{len(accepted)} moves accepted, {dict(refused)} refused, {trees} trees read")  # noqa: T201
    assert set(refused) <= {"CYCLE", "VERSION_CONFLICT"}
    assert min(len(accepted), trees) > 0
    assert_whole(await read(crowd, engine, caller), before)
    streamed = rows(
        """select aggregate_id::text as id, version from event_stream
            where aggregate_type = 'fleet_group' and aggregate_id::text = any (%s) and version > 1""",
        ids,
    )
    assert sorted(accepted) == sorted((row["id"], row["version"]) for row in streamed)
    for id_ in ids:
        versions = sorted(version for moved, version in accepted if moved == id_)
        assert versions == list(range(2, 2 + len(versions)))


async def test_changes_of_a_tree_and_of_the_permissions_on_it_queue(writable, crowd, engine, rows):
    """Moves, new and deleted groups, grants, revocations and removed members: none has to give way to another."""
    ids = [row["id"] for row in rows(SEED.replace("Solo", "Enterprise"), 12)]
    found = await member(writable.owner, "owner@enterprise.example", None)
    caller = Caller(found.user_id, found.tenant_id)
    viewers = rows(
        "select u.id::text, u.email from memberships m join users u on u.id = m.user_id"
        " where m.tenant_id = %s and m.role = 'viewer'",
        caller.tenant_id,
    )
    until = time.monotonic() + SECONDS
    done = Counter()

    async def writer(number):
        chance = random.Random(number)  # noqa: S311 - anything but secret
        granted = []
        while time.monotonic() < until:
            group, other, viewer = chance.choice(ids), chance.choice([*ids, None]), chance.choice(viewers)
            given = {
                MOVE: {"id": group, "newParentId": other},
                ADD: {"name": "New", "parentId": other},
                REMOVE: {"id": group},
                GRANT: {"userId": viewer["id"], "fleetGroupId": group, "permissionLevel": "READ"},
                REVOKE: {"id": chance.choice([*granted, group])},
                LEAVE: {"userId": viewer["id"]},
                JOIN: {"email": viewer["email"], "role": "VIEWER"},
            }
            document = chance.choices(list(given), [6, 2, 1, 6, 4, 1, 4])[0]
            async with crowd.session(caller, writes=True) as session:
                result = await engine.execute(engine.document(document), session, {"input": given[document]}, None)
            assert not result.errors, (document, result.errors)
            (payload,) = result.data.values()
            done[document] += not payload["userErrors"]
            if document == GRANT and not payload["userErrors"]:
                granted.append(payload["permission"]["id"])

    async with asyncio.TaskGroup() as everybody:
        for number in range(WRITERS // 2):
            everybody.create_task(writer(number))
    assert min(done[document] for document in (MOVE, ADD, REMOVE, GRANT, REVOKE, LEAVE)) > 0, done
    with psycopg.connect(writable.owner) as connection:
        check_subtrees(connection)


async def read(database, engine, caller):
    """The whole tree in one request."""
    async with database.session(caller) as session:
        result = await engine.execute(engine.document(TREE), session, None, None)
    assert not result.errors
    return result.data["fleetTree"]


def assert_whole(tree, size):
    """Every group once, below its parent, one level deeper."""
    assert len(tree) == size
    depths = {}
    for node in tree:
        id_ = node["group"]["id"]
        assert id_ not in depths
        assert node["depth"] == (depths[node["parentId"]] + 1 if node["parentId"] else 0)
        depths[id_] = node["depth"]

"""What is stored below each grant is what is there, whoever changes trees and permissions, and in whatever order."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from itertools import count
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.oracle import subtree
from tests.sql.test_access import OWN, entered, furnish, key

pytestmark = pytest.mark.database

OWNER = key("owner")


@pytest.fixture
def world(fresh_database):
    """The two tenants of the tests of access, of this test's own."""
    furnish(fresh_database.owner)
    return fresh_database


def stored(connection) -> dict[UUID, list[UUID]]:
    """The groups below each one that has permissions, as they are stored."""
    return dict(connection.execute("select fleet_group_id, group_ids from granted_subtrees").fetchall())


def expected(connection) -> dict[UUID, list[UUID]]:
    """The same from the raw tables, in plain Python."""
    rows = connection.execute("select id, parent_group_id from fleet_groups")
    groups = [{"id": id_, "parent_group_id": parent} for id_, parent in rows]
    granted = [row[0] for row in connection.execute("select distinct fleet_group_id from group_permissions")]
    return {root: list(subtree(groups, root)) for root in granted}


def check(connection) -> None:
    """Each subtree is stored once and whole, with no group twice."""
    found, wanted = stored(connection), expected(connection)
    assert {root: sorted(ids) for root, ids in found.items()} == {root: sorted(ids) for root, ids in wanted.items()}


class Changes:
    """Random changes of two tenants' trees and of the permissions in them, by the owner of the tables."""

    def __init__(self, connection, seed: int) -> None:
        self.connection = connection
        self.random = random.Random(seed)  # noqa: S311 - a test's choices
        self.names = count()
        self.tenants = {key(OWN): OWNER, key("Rival"): key("stranger")}

    def groups(self, tenant: UUID) -> list[UUID]:
        """The tenant's groups."""
        rows = self.connection.execute("select id from fleet_groups where tenant_id = %s order by id", [tenant])
        return [row[0] for row in rows]

    def add(self, tenant: UUID) -> None:
        """New groups by one statement: below old ones, below each other in any order, and roots."""
        new = [UUID(int=self.random.getrandbits(128)) for _ in range(self.random.randint(1, 6))]
        rows = []
        for number, id_ in enumerate(new):
            parent = self.random.choice([None, *self.groups(tenant), *new[:number]])
            rows.append((tenant, id_, parent, f"new {next(self.names)}"))
        self.random.shuffle(rows)
        marks = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
        self.connection.execute(
            f"insert into fleet_groups (tenant_id, id, parent_group_id, name) values {marks}",
            [value for row in rows for value in row],
        )

    def move(self, tenant: UUID) -> None:
        """Some groups by one statement, with what is below them; a cycle is refused."""
        groups = self.groups(tenant)
        moved = self.random.sample(groups, min(len(groups), self.random.randint(1, 3)))
        parents = [self.random.choice([None, *groups]) for _ in moved]
        with self.undone_if_refused():
            self.connection.execute(
                "update fleet_groups g set parent_group_id = m.parent"
                " from unnest(%s::uuid[], %s::uuid[]) m (id, parent) where g.tenant_id = %s and g.id = m.id",
                [moved, parents, tenant],
            )

    def remove(self, tenant: UUID) -> None:
        """A group that nothing is below or in, with the permissions on it."""
        with self.undone_if_refused():
            self.connection.execute(
                "delete from fleet_groups where tenant_id = %s and id = %s",
                [tenant, self.random.choice(self.groups(tenant))],
            )

    def rename(self, tenant: UUID) -> None:
        """What has nothing to do with it."""
        self.connection.execute("update fleet_groups set name = name || '!' where tenant_id = %s", [tenant])

    def grant(self, tenant: UUID) -> None:
        """Permissions on some groups, by one statement."""
        groups = self.groups(tenant)
        self.connection.execute(
            "insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)"
            " select %s, m.user_id, g.id, 'read', %s from unnest(%s::uuid[]) g (id), memberships m"
            " where m.tenant_id = %s and random() < 0.6 on conflict do nothing",
            [tenant, self.tenants[tenant], self.random.sample(groups, min(2, len(groups))), tenant],
        )

    def revoke(self, tenant: UUID) -> None:
        """Some permissions, by one statement."""
        self.connection.execute(
            "delete from group_permissions where tenant_id = %s and id in"
            " (select id from group_permissions where tenant_id = %s order by random() limit 3)",
            [tenant, tenant],
        )

    def carry_over(self, tenant: UUID) -> None:
        """A permission is on another group from now on, which only the owner of the tables can do."""
        with self.undone_if_refused():
            self.connection.execute(
                "update group_permissions set fleet_group_id = %s where id ="
                " (select id from group_permissions where tenant_id = %s order by random() limit 1)",
                [self.random.choice(self.groups(tenant)), tenant],
            )

    @contextmanager
    def undone_if_refused(self):
        """Moves that would be a cycle, groups that are in use, permissions that are there already."""
        try:
            with self.connection.transaction():
                yield
        except psycopg.DatabaseError as error:
            if error.sqlstate not in {"MM010", "23503", "23505", "23514"}:
                raise

    def one(self) -> str:
        """One change."""
        kinds = [self.add, self.move, self.move, self.remove, self.rename, self.grant, self.revoke, self.carry_over]
        kind = self.random.choice(kinds)
        kind(self.random.choice(list(self.tenants)))
        return kind.__name__


@pytest.mark.parametrize("seed", range(4))
def test_what_is_stored_follows_every_change(world, seed):
    """Sixty random changes of two tenants at once; the rest of the transaction sees each of them."""
    with psycopg.connect(world.owner) as connection:
        changes = Changes(connection, seed)
        connection.execute("select setseed(%s)", [seed / 10])
        done, most = set(), 0
        for _ in range(60):
            done.add(changes.one())
            check(connection)
            most = max(most, *map(len, stored(connection).values()), 0)
        assert len(done) == 7
        assert most > 3


def test_a_move_is_seen_at_once_by_whom_it_concerns(world):
    """And by them alone: what a viewer sees follows the tree in the very transaction."""
    look = "select array(select label from vehicles order by label)"
    with entered(world.gateway, "admin", writes=True) as connection:
        (before,) = connection.execute(look).fetchone()
        connection.execute(
            "insert into fleet_groups (tenant_id, id, parent_group_id, name) values (%s, %s, %s, 'new')",
            [key(OWN), key("new"), key("Bay")],
        )
        connection.execute("update vehicles set fleet_group_id = %s where id = %s", [key("new"), key("bay van")])
        assert connection.execute(look).fetchone() == (before,)
    assert before == ["bay van", "used", "west van"]
    with psycopg.connect(world.owner) as connection:
        connection.execute("update fleet_groups set parent_group_id = %s where id = %s", [key("East"), key("Bay")])
    with entered(world.gateway, "admin", writes=False) as connection:
        assert connection.execute(look).fetchone() == (["used", "west van"],)


GRANT = (
    "insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)"
    f" values ('{key(OWN)}', '{key('bystander')}', '{key('East')}', 'read', '{OWNER}')"
)
REVOKE = f"delete from group_permissions where fleet_group_id = '{key('West')}'"
GRANT_AGAIN = GRANT.replace(str(key("East")), str(key("West")))
ADD = f"insert into fleet_groups (tenant_id, parent_group_id, name) values ('{key(OWN)}', '{key('Spare East')}', 'new')"
MOVE = f"update fleet_groups set parent_group_id = '{key('East')}' where id = '{key('Bay')}'"
MOVE_BACK = f"update fleet_groups set parent_group_id = '{key('Bay')}' where id = '{key('Spare East')}'"
REMOVE = f"delete from fleet_groups where id = '{key('Spare West')}'"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *((GRANT, ADD), (ADD, GRANT), (GRANT, MOVE), (MOVE, GRANT), (REVOKE, GRANT_AGAIN), (GRANT_AGAIN, REVOKE)),
        *((ADD, MOVE), (MOVE, ADD), (REMOVE, MOVE), (MOVE, REMOVE), (ADD, ADD), (REVOKE, MOVE), (GRANT_AGAIN, ADD)),
    ],
)
def test_changes_at_the_same_time_queue(world, first, second):
    """The second waits for the first, and sees what it left: neither is lost from what is stored."""
    with psycopg.connect(world.owner) as one, psycopg.connect(world.owner) as other:
        one.execute(first)
        waiting = threading.Thread(target=other.execute, args=[second])
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        one.commit()
        waiting.join(20)
        assert not waiting.is_alive()
        other.commit()
        check(other)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_snapshot_that_would_hide_what_others_left_is_refused(world, isolation):
    """With one from before the lock it would be waited for in vain."""
    for change in (GRANT, REVOKE, ADD, MOVE, REMOVE):
        with psycopg.connect(world.owner) as connection:
            connection.execute(f"set transaction isolation level {isolation}")
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="READ COMMITTED"):
                connection.execute(change)


def test_a_group_of_two_changes_of_one_statement_is_stored_once(world):
    """One that comes below a group which moves in the same statement, by an upsert."""
    with psycopg.connect(world.owner) as connection:
        connection.execute(
            "insert into fleet_groups (tenant_id, id, parent_group_id, name)"
            " values (%s, %s, %s, 'new'), (%s, %s, %s, 'East')"
            " on conflict (tenant_id, id) do update set parent_group_id = excluded.parent_group_id",
            [key(OWN), key("new"), key("East"), key(OWN), key("East"), key("West")],
        )
        check(connection)
        assert key("new") in stored(connection)[key("West")]


def test_a_group_keeps_its_id(world):
    """What is stored would have the old one."""
    with psycopg.connect(world.owner) as connection, pytest.raises(psycopg.errors.FeatureNotSupported):
        connection.execute("update fleet_groups set id = gen_random_uuid() where id = %s", [key("Spare East")])


def test_grants_within_grants_are_left_out_where_much_is_below_them(world):
    """What a person sees is the same; what is stored below the outer one is read once, however many are within it."""
    with psycopg.connect(world.owner) as connection:
        connection.execute(
            "insert into fleet_groups (tenant_id, id, parent_group_id, name)"
            " select %s, gen_random_uuid(), %s, 'many ' || n from generate_series(1, 3000) n",
            [key(OWN), key("Bay")],
        )
        for level, group in (("write", "Root"), ("read", "Bay"), ("admin", "West"), ("read", "Spare East")):
            connection.execute(
                "insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)"
                " values (%s, %s, %s, %s, %s)",
                [key(OWN), key("bystander"), key(group), level, OWNER],
            )
    told = (
        "select {}, (select array_agg(distinct g) from unnest(app.readable_groups()) g),"
        " cardinality(app.admin_groups())"
    )
    grants = ", ".join(f"app.granted_groups('{level}')" for level in ("read", "write", "admin"))
    with entered(world.gateway, "bystander", writes=True) as connection:
        read, write, admin, groups, administered = connection.execute(told.format(grants)).fetchone()
        assert (read, write, admin) == ([key("Root")], [key("Root")], [key("West")])
        assert (len(groups), administered) == (3006, 3003)
        assert connection.execute("select cardinality(app.readable_groups())").fetchone() == (3006,)
    with entered(world.gateway, "reader", writes=False) as connection:
        assert connection.execute("select app.granted_groups('read')").fetchone() == ([key("West")],)


SEE = "select app.see_vehicles(%s)"
EVENTS = "select count(*) from manual_events"
VANS = [key("used van"), key("bay van"), key("east van"), key("their van"), uuid4()]


def test_only_vehicles_that_the_caller_sees_are_seen(world):
    """By the roles' own policies, and only those that are asked for."""
    for person, seen in (("reader", VANS[:2]), ("owner", VANS[:3]), ("bystander", [])):
        with entered(world.gateway, person, writes=False) as connection:
            assert sorted(connection.execute(SEE, [VANS]).fetchone()[0]) == sorted(seen)
            assert connection.execute(SEE, [[]]).fetchone()[0] == []


def test_a_vehicle_is_seen_for_one_statement(world):
    """What it says holds for the statement that asked; afterwards policies look for themselves."""
    both = f"with seen as materialized ({SEE}) select ({EVENTS}), s.* from seen s"
    with entered(world.gateway, "reader", writes=False) as connection:
        assert connection.execute(both, [VANS]).fetchone()[0] == 1
        setting = connection.execute("select current_setting('app.seen_vehicles')").fetchone()[0]
        assert str(key("used van")) in setting
        with psycopg.connect(world.owner) as elsewhere:
            elsewhere.execute("update vehicles set fleet_group_id = %s where id = %s", [key("East"), key("used van")])
        assert connection.execute(EVENTS).fetchone()[0] == 0
        assert connection.execute("select app.seen_vehicles()").fetchone()[0] == []
        assert connection.execute(both, [VANS]).fetchone()[0] == 0


def test_what_is_seen_is_what_the_statement_looks_at(world):
    """A vehicle that comes to be visible while it runs is not seen: its events may be those of one that never was."""
    began = threading.Event()
    late = f"with wait as materialized (select pg_sleep(0.6)) {SEE} from wait"

    def move() -> None:
        began.wait(5)
        time.sleep(0.2)
        with psycopg.connect(world.owner) as elsewhere:
            elsewhere.execute("update vehicles set fleet_group_id = %s where id = %s", [key("Bay"), key("east van")])

    moving = threading.Thread(target=move)
    moving.start()
    with entered(world.gateway, "reader", writes=False) as connection:
        began.set()
        assert key("east van") not in connection.execute(late, [VANS]).fetchone()[0]
        moving.join(5)
        assert key("east van") in connection.execute(SEE, [VANS]).fetchone()[0]


@pytest.mark.parametrize("setting", ["", "{", "{}", "nonsense", f"{{{key('used van')}}}", "2026-01-01 {1}"])
def test_a_setting_that_is_not_of_this_statement_says_nothing(world, setting):
    """However it is made, and also where it was made before the caller was let in."""
    with psycopg.connect(world.gateway) as connection:
        connection.execute("select set_config('app.seen_vehicles', %s, false)", [setting])
        connection.execute("select app.enter(%s, %s, false)", [key("bystander"), key(OWN)])
        assert connection.execute("select app.seen_vehicles()").fetchone()[0] == []
        assert connection.execute(EVENTS).fetchone()[0] == 0

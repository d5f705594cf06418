"""Roles and grants at the level of SQL: what the login of the gateway may do before, inside and after a session."""

from __future__ import annotations

from contextlib import contextmanager
from uuid import UUID, uuid5

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import name_of

pytestmark = pytest.mark.database

OWN, OTHER = "Acme", "Rival"
ROLES = {"owner": "owner", "manager": "manager", "reader": "viewer", "writer": "viewer", "admin": "viewer"}
GRANTS = {"reader": "read", "writer": "write", "admin": "admin"}
WRITERS = {"owner", "manager", "writer", "admin"}
WHOLE = {"owner", "manager"}
ADMINS = {"owner", "admin"}
NOBODY: set[str] = set()
SETTINGS = [
    *("tenant_id", "user_id", "role", "client_ip", "user_agent"),
    *("read_grants", "write_grants", "admin_grants"),
]


def key(name: str) -> UUID:
    """The id of anything by its name."""
    return uuid5(UUID(int=0), name)


TREE = {"Root": None, "West": "Root", "Bay": "West", "Spare West": "West", "East": "Root", "Spare East": "East"}
VEHICLES = {"bay van": "Bay", "west van": "West", "east van": "East", "loose van": None}
KEYS = {name: key(name) for name in (*TREE, *VEHICLES, *ROLES, OWN, OTHER, "stranger", "their group", "their van")}
KEYS |= {"used van": key("used van"), "event": key("event"), "newcomer": key("newcomer"), "bystander": key("bystander")}
NAMED = {name.replace(" ", "_"): value for name, value in KEYS.items()}


def furnish(address: str) -> None:
    """Two tenants: one with a tree, people of every kind and vehicles; another with a little of each."""
    with psycopg.connect(address) as connection:

        def put(table: str, **values: object) -> None:
            columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
            connection.execute(f"insert into {table} ({columns}) values ({marks})", list(values.values()))

        for tenant in (OWN, OTHER):
            put("tenants", id=key(tenant), name=tenant, kind="org")
        for person in (*ROLES, "stranger", "newcomer", "bystander"):
            put("users", id=key(person), email=f"{person}@test.example", name=person)
        for person, role in ROLES.items():
            put("memberships", tenant_id=key(OWN), user_id=key(person), role=role)
        put("memberships", tenant_id=key(OWN), user_id=key("bystander"), role="viewer")
        put("memberships", tenant_id=key(OTHER), user_id=key("stranger"), role="owner")
        for group, parent in TREE.items():
            put("fleet_groups", tenant_id=key(OWN), id=key(group), name=group, parent_group_id=parent and key(parent))
        put("fleet_groups", tenant_id=key(OTHER), id=key("their group"), name="theirs")
        own = {"tenant_id": key(OWN)}
        for person, level in GRANTS.items():
            grant = {"fleet_group_id": key("West"), "permission_level": level, "granted_by": key("owner")}
            put("group_permissions", **own, **grant, user_id=key(person))
        for vehicle, group in VEHICLES.items():
            put("vehicles", tenant_id=key(OWN), id=key(vehicle), label=vehicle, fleet_group_id=group and key(group))
        put("vehicles", tenant_id=key(OTHER), id=key("their van"), label="theirs", fleet_group_id=key("their group"))
        put("vehicles", tenant_id=key(OWN), id=key("used van"), label="used", fleet_group_id=key("West"))
        reading = {"event_type": "odometer_reading", "payload": Jsonb({"miles": 5}), "occurred_at": "2026-03-01 12:00Z"}
        put("manual_events", **own, **reading, id=key("event"), vehicle_id=key("used van"), created_by=key("owner"))


@pytest.fixture(scope="module")
def world(databases, migrated):
    """The two tenants, shared by tests that roll back."""
    addresses = databases.make(name_of(migrated))
    furnish(addresses.owner)
    yield addresses
    databases.drop(addresses)


@contextmanager
def entered(address: str, person: str, *, writes: bool, tenant: str = OWN):
    """A connection of the gateway inside a person's transaction, rolled back at the end."""
    with psycopg.connect(address) as connection:
        connection.execute("select app.enter(%s, %s, %s, '10.1.2.3', 'probe/1')", [key(person), key(tenant), writes])
        yield connection
        connection.rollback()


def count(connection, table: str) -> int:
    """How many rows of a table are visible."""
    return connection.execute(f"select count(*) from {table}").fetchone()[0]


def tables(address: str) -> list[str]:
    """Every table, partitions and yoyo's own included."""
    with psycopg.connect(address) as connection:
        return [
            row[0]
            for row in connection.execute(
                "select format('public.%I', tablename) from pg_tables where schemaname = 'public'"
            )
        ]


def test_the_login_reads_nothing_before_it_enters(world):
    """No table, not even with every setting made by hand."""
    names = tables(world.owner)
    with psycopg.connect(world.gateway, autocommit=True) as connection:
        for setting, value in (("tenant_id", OWN), ("user_id", "owner")):
            connection.execute("select set_config(%s, %s, false)", [f"app.{setting}", str(key(value))])
        connection.execute("select set_config('app.role', 'owner', false)")
        for name in names:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select from {name}")


@pytest.mark.parametrize("person", ["owner", "reader"])
@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_nothing_of_a_session_outlives_its_transaction(world, person, ending):
    """The next transaction on the same connection has neither the role nor a setting."""
    with psycopg.connect(world.gateway, autocommit=True) as connection:
        connection.execute("begin")
        connection.execute("select app.enter(%s, %s, true, '10.1.2.3', 'probe/1')", [key(person), key(OWN)])
        assert count(connection, "vehicles") > 0
        connection.execute(ending)
        left = connection.execute(
            "select current_user, array(select current_setting('app.' || s, true) from unnest(%s::text[]) s)",
            [SETTINGS],
        ).fetchone()
        assert (left[0], {value or "" for value in left[1]}) == ("gateway", {""})
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            count(connection, "vehicles")


@pytest.mark.parametrize(
    ("person", "tenant"), [("owner", OTHER), ("stranger", OWN), ("nobody", OWN), ("owner", "nowhere")]
)
def test_who_is_no_member_is_not_let_in(world, person, tenant):
    """MM001 for a stranger, an unknown person and an unknown tenant alike."""
    with psycopg.connect(world.gateway) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute("select app.enter(%s, %s, false)", [key(person), key(tenant)])
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == (
        "MM001",
        "the caller is no member of the tenant",
    )


def test_who_has_left_is_not_let_in(fresh_database):
    """A membership with left_at is a record, not a right."""
    furnish(fresh_database.owner)
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("update memberships set left_at = now() where user_id = %s", [key("reader")])
    with pytest.raises(psycopg.Error, match="no member"), entered(fresh_database.gateway, "reader", writes=False):
        pass


@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize("setting", ["read_grants", "write_grants", "admin_grants"])
def test_settings_made_by_hand_beforehand_add_nothing_to_a_viewers_session(world, setting, writes):
    """enter() sets every setting that a policy reads, whatever the connection was left with."""
    look = "select array(select count(*) from vehicles union all select count(*) from group_permissions)"
    with entered(world.gateway, "reader", writes=writes) as connection:
        expected = connection.execute(look).fetchone()
    with psycopg.connect(world.gateway) as connection:
        groups = "{" + ",".join(str(key(group)) for group in TREE) + "}"
        connection.execute("select set_config(%s, %s, false)", [f"app.{setting}", groups])
        connection.execute("select app.enter(%s, %s, %s)", [key("reader"), key(OWN), writes])
        assert connection.execute(look).fetchone() == expected
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "insert into vehicles (tenant_id, fleet_group_id, label) values (%s, %s, 'x')", [key(OWN), key("East")]
            )


@pytest.mark.parametrize("writes", [False, True])
def test_a_holder_of_admin_sees_every_grant_on_the_group(world, writes):
    """In a session that reads as in one that writes; the others see their own."""
    seen = {}
    for person in ROLES:
        with entered(world.gateway, person, writes=writes) as connection:
            seen[person] = count(connection, "group_permissions")
    assert seen == {"owner": 3, "manager": 3, "reader": 1, "writer": 1, "admin": 3}


INSERT_VEHICLE = "insert into vehicles (tenant_id, fleet_group_id, label) values (%(Acme)s, {}, 'new')"
INSERT_GROUP = "insert into fleet_groups (tenant_id, parent_group_id, name) values (%(Acme)s, {}, 'new')"
INSERT_GRANT = """insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)
                  values (%(Acme)s, %(manager)s, {}, 'read', {})"""
INSERT_EVENT = """insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
                  values (%(Acme)s, {}, 'odometer_reading', '{{"miles": 1}}', %(me)s, '2026-03-02')"""
INSERT_MEMBER = "insert into memberships (tenant_id, user_id, role) values ({}, %(newcomer)s, 'viewer')"
MOVE = "update fleet_groups set parent_group_id = {} where id = {}"
WRITES = {
    "add a vehicle to West": (INSERT_VEHICLE.format("%(West)s"), WRITERS),
    "add a vehicle below West": (INSERT_VEHICLE.format("%(Bay)s"), WRITERS),
    "add a vehicle to East": (INSERT_VEHICLE.format("%(East)s"), WHOLE),
    "add a vehicle without a group": (INSERT_VEHICLE.format("null"), WHOLE),
    "change a vehicle below West": ("update vehicles set label = 'x' where id = %(bay_van)s", WRITERS),
    "change a vehicle of East": ("update vehicles set label = 'x' where id = %(east_van)s", WHOLE),
    "move a vehicle to East": ("update vehicles set fleet_group_id = %(East)s where id = %(bay_van)s", WHOLE),
    "move a vehicle to West": ("update vehicles set fleet_group_id = %(West)s where id = %(east_van)s", WHOLE),
    "take a vehicle out of West": ("update vehicles set fleet_group_id = null where id = %(west_van)s", WHOLE),
    "claim the loose vehicle": ("update vehicles set fleet_group_id = %(West)s where id = %(loose_van)s", WHOLE),
    "remove a vehicle below West": ("delete from vehicles where id = %(bay_van)s", WRITERS),
    "remove a vehicle of East": ("delete from vehicles where id = %(east_van)s", WHOLE),
    "hand a vehicle to another tenant": ("update vehicles set tenant_id = %(Rival)s, fleet_group_id = null", NOBODY),
    "change another tenant's vehicle": ("update vehicles set label = 'x' where id = %(their_van)s", NOBODY),
    "add a group below West": (INSERT_GROUP.format("%(West)s"), ADMINS),
    "add a group below East": (INSERT_GROUP.format("%(East)s"), {"owner"}),
    "add a root": (INSERT_GROUP.format("null"), {"owner"}),
    "rename West": ("update fleet_groups set name = 'x' where id = %(West)s", ADMINS),
    "rename a group below West": ("update fleet_groups set name = 'x' where id = %(Bay)s", ADMINS),
    "rename the hidden parent": ("update fleet_groups set name = 'x' where id = %(Root)s", {"owner"}),
    "move a group inside West": (MOVE.format("%(Spare_West)s", "%(Bay)s"), ADMINS),
    "move a group out to East": (MOVE.format("%(East)s", "%(Bay)s"), {"owner"}),
    "move a group out to the top": (MOVE.format("null", "%(Bay)s"), {"owner"}),
    "move a group of East in": (MOVE.format("%(West)s", "%(Spare_East)s"), {"owner"}),
    "remove a group below West": ("delete from fleet_groups where id = %(Spare_West)s", ADMINS),
    "remove a group of East": ("delete from fleet_groups where id = %(Spare_East)s", {"owner"}),
    "grant on a group below West": (INSERT_GRANT.format("%(Bay)s", "%(me)s"), ADMINS),
    "grant on East": (INSERT_GRANT.format("%(East)s", "%(me)s"), {"owner"}),
    "grant in another's name": (INSERT_GRANT.format("%(Bay)s", "%(reader)s"), NOBODY),
    "raise the own grant": (
        "update group_permissions set permission_level = 'admin', granted_by = %(me)s where user_id = %(me)s",
        {"admin"},
    ),
    "carry a grant to East": (
        "update group_permissions set fleet_group_id = %(East)s, granted_by = %(me)s where user_id = %(writer)s",
        {"owner"},
    ),
    "revoke a grant on West": ("delete from group_permissions where user_id = %(reader)s", ADMINS),
    "record an event on West": (INSERT_EVENT.format("%(west_van)s"), WRITERS),
    "record an event on East": (INSERT_EVENT.format("%(east_van)s"), WHOLE),
    "record an event in another's name": (
        INSERT_EVENT.replace("%(me)s", "%(bystander)s").format("%(west_van)s"),
        NOBODY,
    ),
    "correct an event on West": ("update manual_events set confidence = 1 where id = %(event)s", WRITERS),
    "carry an event to East": ("update manual_events set vehicle_id = %(east_van)s where id = %(event)s", WHOLE),
    "remove an event": ("delete from manual_events where id = %(event)s", NOBODY),
    "add a member": (INSERT_MEMBER.format("%(Acme)s"), {"owner"}),
    "add a member to another tenant": (INSERT_MEMBER.format("%(Rival)s"), NOBODY),
    "become an owner": ("update memberships set role = 'owner' where user_id = %(me)s", {"owner"}),
    "let a member go": ("update memberships set left_at = now() where user_id = %(reader)s", {"owner"}),
    "remove a member": ("delete from memberships where user_id = %(reader)s", NOBODY),
    "rename the tenant": ("update tenants set name = 'x' where id = %(Acme)s", {"owner"}),
    "rename another tenant": ("update tenants set name = 'x' where id = %(Rival)s", NOBODY),
    "rename a person": ("update users set name = 'x'", NOBODY),
    "empty the archive": ("delete from manual_events_archive", NOBODY),
    "clean the audit trail": ("delete from audit_trail", NOBODY),
    "rewrite the stream": ("update event_stream set event_data = '{}'", NOBODY),
    "invent figures": (
        "insert into fleet_summary_metrics (tenant_id, metric_date) values (%(Acme)s, '2026-03-02')",
        NOBODY,
    ),
}


@pytest.mark.parametrize("what", WRITES)
def test_writing_takes_the_grant_that_the_design_says(world, what):
    """WRITE for vehicles and events, ADMIN for groups and grants on them, owners for members."""
    statement, allowed = WRITES[what]
    done = set()
    for person in ROLES:
        with entered(world.gateway, person, writes=True) as connection:
            try:
                changed = connection.execute(statement, {**NAMED, "me": key(person)}).rowcount
            except psycopg.errors.InsufficientPrivilege:
                changed = 0
            if changed:
                done.add(person)
    assert done == allowed


@pytest.mark.parametrize("what", WRITES)
def test_a_session_that_reads_writes_nothing(world, what):
    """However the caller: the transaction that the gateway begins for reading is read only."""
    for person in ROLES:
        with psycopg.connect(world.gateway) as connection:
            connection.read_only = True
            connection.execute("select app.enter(%s, %s, false)", [key(person), key(OWN)])
            with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
                connection.execute(WRITES[what][0], {**NAMED, "me": key(person)})


@pytest.mark.parametrize("table", ["vehicles", "fleet_groups", "group_permissions"])
def test_a_row_keeps_its_id_or_the_change_of_it_is_recorded(world, table):
    """The audit trail joins old and new rows by id: a new id must not slip through it."""
    free = {"vehicles": "label = 'loose van'", "fleet_groups": "name = 'Spare East'", "group_permissions": "true"}
    granter = ", granted_by = app.user_id()" if table == "group_permissions" else ""
    with entered(world.gateway, "owner", writes=True) as connection:
        before = count(connection, "audit_trail")
        try:
            changed = connection.execute(
                f"update {table} set id = gen_random_uuid(){granter} where {free[table]}"
            ).rowcount
        except psycopg.Error:
            return
        assert count(connection, "audit_trail") - before == changed

"""What the tables refuse and record by themselves: references, cycles, payloads, audit trail, stream, partitions."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import name_of
from tests.sql.test_access import NAMED, OWN, entered, furnish, key

pytestmark = pytest.mark.database

EVENT = """insert into manual_events (tenant_id, id, vehicle_id, event_type, payload, created_by, occurred_at)
           values (%(Acme)s, gen_random_uuid(), %(west_van)s, %(type)s, %(payload)s, %(owner)s, %(at)s) returning id"""


@pytest.fixture(scope="module")
def furnished(databases, migrated):
    """The two tenants of test_access, shared by tests that roll back."""
    addresses = databases.make(name_of(migrated))
    furnish(addresses.owner)
    yield addresses
    databases.drop(addresses)


@pytest.fixture
def owner(furnished):
    """A connection of the tables' owner, rolled back at the end."""
    with psycopg.connect(furnished.owner) as connection:
        yield connection
        connection.rollback()


def record(connection, type_="odometer_reading", payload=None, at="2026-03-05 12:00Z"):
    """Inserts an event and returns its id."""
    values = {**NAMED, "type": type_, "payload": Jsonb({"miles": 10} if payload is None else payload), "at": at}
    return connection.execute(EVENT, values).fetchone()[0]


ACROSS = {
    "a vehicle in their group": "update vehicles set fleet_group_id = %(their_group)s where id = %(west_van)s",
    "a group below their group": "update fleet_groups set parent_group_id = %(their_group)s where id = %(West)s",
    "a grant on their group": "update group_permissions set fleet_group_id = %(their_group)s",
    "a grant to their member": "update group_permissions set user_id = %(stranger)s where user_id = %(reader)s",
    "a grant by their member": "update group_permissions set granted_by = %(stranger)s",
    "an event of their vehicle": "update manual_events set vehicle_id = %(their_van)s",
    "an event by their member": "update manual_events set created_by = %(stranger)s",
    "an event moved to their tenant": "update manual_events set tenant_id = %(Rival)s",
    "an upload for their vehicle": """insert into uploads (tenant_id, vehicle_id, uploaded_by, file_name,
        content_type, size, sha256, storage_key)
        values (%(Acme)s, %(their_van)s, %(owner)s, 'x', 'x', 1, repeat('0', 64), 'x')""",
    "figures of their vehicle": """insert into vehicle_metrics (tenant_id, vehicle_id, metric_date, period_type)
        values (%(Acme)s, %(their_van)s, '2026-03-01', 'daily')""",
    "a summary of their group": """insert into fleet_summary_metrics (tenant_id, fleet_group_id, metric_date,
        total_vehicles, active_vehicles, total_miles_driven)
        values (%(Acme)s, %(their_group)s, '2026-03-01', 1, 1, 1)""",
    "an insight on their vehicle": """insert into explanations (tenant_id, vehicle_id, period_start, period_end, text,
        model_version) values (%(Acme)s, %(their_van)s, '2026-03-01', '2026-03-02', 'x', 'x')""",
}


@pytest.mark.parametrize("what", ACROSS)
def test_no_row_points_across_tenants(owner, what):
    """Not even one that the tables' owner writes: every reference carries the tenant."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute(ACROSS[what], NAMED)


CYCLES = {
    "under itself": "update fleet_groups set parent_group_id = id where id = %(West)s",
    "under its child": "update fleet_groups set parent_group_id = %(Bay)s where id = %(West)s",
    "the root under a leaf": "update fleet_groups set parent_group_id = %(Bay)s where id = %(Root)s",
    "two moves in one statement": """update fleet_groups set parent_group_id =
        case id when %(West)s then %(East)s when %(East)s then %(West)s end where id in (%(West)s, %(East)s)""",
    "two new groups under each other": """insert into fleet_groups (tenant_id, id, parent_group_id, name)
        values (%(Acme)s, %(event)s, %(newcomer)s, 'a'), (%(Acme)s, %(newcomer)s, %(event)s, 'b')""",
}


@pytest.mark.parametrize("what", CYCLES)
def test_a_cycle_of_groups_is_refused(owner, what):
    """Whoever writes it, in one row or in many."""
    with pytest.raises(psycopg.Error) as caught:
        owner.execute(CYCLES[what], NAMED)
    assert caught.value.sqlstate in {"MM010", "23514"}


def test_a_swap_of_parent_and_child_in_one_statement_is_no_cycle(owner):
    """Only what the statement leaves behind counts."""
    owner.execute(
        """update fleet_groups set parent_group_id = case id when %(Bay)s then %(Root)s else %(Bay)s end
            where id in (%(Bay)s, %(West)s)""",
        NAMED,
    )


def test_two_moves_at_once_do_not_make_a_cycle_together(fresh_database):
    """The second waits for the first, then sees it and is refused."""
    furnish(fresh_database.owner)
    move = "update fleet_groups set parent_group_id = %s where id = %s"
    refused = []
    with psycopg.connect(fresh_database.owner) as first, psycopg.connect(fresh_database.owner) as second:
        for connection in (first, second):
            connection.execute("select count(*) from fleet_groups")
        first.execute(move, [key("East"), key("West")])

        def move_the_other() -> None:
            try:
                second.execute(move, [key("West"), key("East")])
                second.commit()
            except psycopg.Error as error:
                refused.append(error.sqlstate)
                second.rollback()

        other = threading.Thread(target=move_the_other)
        other.start()
        other.join(0.3)
        assert other.is_alive(), "the second move did not wait for the first"
        first.commit()
        other.join(10)
        lost = first.execute(
            """with recursive down as (
                 select id from fleet_groups where parent_group_id is null
                 union select g.id from down d join fleet_groups g on g.parent_group_id = d.id)
               select count(*) from fleet_groups where id not in (select id from down)"""
        ).fetchone()[0]
    assert (lost, len(refused)) == (0, 1)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_move_under_a_snapshot_that_would_hide_another_one_is_refused(fresh_database, isolation):
    """It could not see the one it waited for, so there is none."""
    furnish(fresh_database.owner)
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute(f"set transaction isolation level {isolation}")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("update fleet_groups set parent_group_id = %s where id = %s", [key("East"), key("West")])


CHANGES = {
    "vehicles": ("vehicle", "label", "label = 'seen'"),
    "fleet_groups": ("fleet_group", "description", "description = 'seen'"),
    "memberships": ("user", "role", "role = 'manager'"),
}


@pytest.mark.parametrize("table", CHANGES)
def test_every_changed_row_is_recorded_with_who_from_where_and_with_what(furnished, table):
    """A bulk change leaves a record of each row, in the audit trail and in the stream, in the same transaction."""
    aggregate, column, change = CHANGES[table]
    with entered(furnished.gateway, "owner", writes=True) as connection:
        spared = "where user_id <> app.user_id()" if table == "memberships" else ""
        changed = connection.execute(f"update {table} set {change} {spared}").rowcount
        audit = connection.execute(
            """select distinct changed_by, host(client_ip), user_agent, operation from audit_trail where table_name = %s
                  and changed_at = now()""",
            [table],
        ).fetchall()
        records = connection.execute(
            """select old_values ->> %(c)s, new_values ->> %(c)s, new_values ->> 'version' from audit_trail
                where changed_at = now()""",
            {"c": column},
        ).fetchall()
        stream = connection.execute(
            """select event_type, version, event_data ? %s, metadata from event_stream where created_at = now()
                  and aggregate_type = %s""",
            [column, aggregate],
        ).fetchall()
    assert audit == [(key("owner"), "10.1.2.3", "probe/1", "update")]
    assert len(records) == len(stream) == changed > 1
    assert {(after, version) for _, after, version in records} == {(change.split("'")[1], "2")}
    metadata = {"user_id": str(key("owner")), "client_ip": "10.1.2.3", "user_agent": "probe/1"}
    assert all((event, version, of) == (f"{aggregate}.updated", 2, metadata) for event, version, _, of in stream), (
        stream
    )
    assert any(named for _, _, named, _ in stream)


def test_a_move_is_a_move_in_the_stream(owner):
    """Of a vehicle between groups, and of a group between parents."""
    owner.execute("update vehicles set fleet_group_id = %(East)s where id = %(bay_van)s", NAMED)
    owner.execute("update fleet_groups set parent_group_id = %(East)s where id = %(Bay)s", NAMED)
    owner.execute("delete from vehicles where id = %(bay_van)s", NAMED)
    events = owner.execute("select event_type, version from event_stream where version > 1 order by 1, 2").fetchall()
    assert events == [("fleet_group.moved", 2), ("vehicle.deleted", 3), ("vehicle.moved", 2)]


def test_rows_that_are_copied_in_are_recorded(server, furnished):
    """COPY is for who bypasses row security; it fires the same triggers."""
    with psycopg.connect(server, dbname=name_of(furnished)) as connection:
        connection.execute("select set_config('app.user_id', %s, true)", [str(key("manager"))])
        with connection.cursor().copy("copy vehicles (tenant_id, label) from stdin") as copy:
            for number in range(3):
                copy.write_row((key(OWN), f"copied {number}"))
        for query in (
            "select count(*) from audit_trail where new_values ->> 'label' like 'copied _' and changed_by = %s",
            "select count(*) from event_stream where event_data ->> 'label' ~ 'copied' and metadata ->> 'user_id' = %s",
        ):
            assert connection.execute(query, [str(key("manager"))]).fetchone() == (3,)
        connection.rollback()


def test_an_event_that_changes_its_month_is_recorded_as_changed(owner):
    """It moves to another partition, which is no deletion."""
    owner.execute("update manual_events set occurred_at = '2026-05-01 12:00Z' where id = %(event)s", NAMED)
    operations = owner.execute(
        "select operation from audit_trail where table_name = 'manual_events' and changed_at = now()"
    ).fetchall()
    assert operations == [("update",)]


FUEL = {"gallons": 10.5, "total_cost": 42}
TRIP = {"start": "2026-03-01T08:00", "end": "2026-03-01T09:00", "miles": 12.5}
ISSUE = {"severity": "low", "description": "scratch"}
GOOD = [
    ("odometer_reading", {"miles": 0}),
    ("odometer_reading", {"miles": 12, "ocr_confidence": None, "location": {"city": "Reno"}, "parsed_digits": "12"}),
    ("fuel_purchase", {**FUEL, "is_full_tank": False, "extracted_fields": {}}),
    ("fuel_purchase", {"gallons": 1}),
    ("maintenance", {"service_type": "oil_change", "parts_replaced": ["filter"], "next_service": {"miles": 5}}),
    ("issue_report", ISSUE),
    ("trip_batch", {"trips": [TRIP, {**TRIP, "idle_minutes": 3}]}),
    ("trip_batch", {"trips": []}),
]
BAD = [
    *(("odometer_reading", {"miles": miles}) for miles in ("12", -1, None, True, [1], 10_000_000)),
    *(("odometer_reading", payload) for payload in ({}, [], "12", 12, {"miles": 1, "ocr_confidence": "high"})),
    ("odometer_reading", {"miles": 1, "location": "Reno"}),
    *(("fuel_purchase", {**FUEL, "gallons": gallons}) for gallons in (0, -3, "10", None)),
    *(
        ("fuel_purchase", {**FUEL, **wrong})
        for wrong in ({"is_full_tank": "yes"}, {"total_cost": "42"}, {"fuel_type": 1})
    ),
    ("fuel_purchase", {**FUEL, "receipt_data": []}),
    *(
        ("maintenance", payload)
        for payload in ({}, {"service_type": 1}, {"service_type": "x", "parts_replaced": "filter"})
    ),
    ("maintenance", {"service_type": "x", "cost": -1}),
    *(
        ("issue_report", {**ISSUE, **wrong})
        for wrong in ({"severity": "fatal"}, {"description": None}, {"resolved_at": 1})
    ),
    *(
        ("trip_batch", {"trips": trips})
        for trips in (None, {}, [1], [{}], [{**TRIP, "miles": "12"}], [{**TRIP, "end": 9}])
    ),
    ("refuelling", {"gallons": 1}),
]


@pytest.mark.parametrize(("type_", "payload"), GOOD)
def test_a_payload_is_kept_with_whatever_else_it_holds(owner, type_, payload):
    """Unknown keys are kept, in the payload and in its parts."""
    payload = {**payload, "vendor": {"app": "9.1", "raw": [1, None]}}
    id_ = record(owner, type_, payload)
    assert owner.execute("select payload from manual_events where id = %s", [id_]).fetchone() == (payload,)


@pytest.mark.parametrize(("type_", "payload"), BAD)
def test_a_payload_of_wrong_types_is_refused(owner, type_, payload):
    """By the CHECK, and by nothing that comes before it."""
    with pytest.raises(psycopg.errors.CheckViolation):
        record(owner, type_, payload)


FAR = datetime(2031, 7, 15, tzinfo=UTC)


def test_an_event_outside_every_partition_waits_for_its_month(owner):
    """It is caught by the default partition, and moves when the month is made; nothing of it changes on the way."""
    moments = ["2031-06-30 23:59:59Z", "2031-07-01 00:00Z", FAR, "2031-07-31 23:59:59.999999Z", "2031-08-01 00:00Z"]
    ids = [record(owner, at=moment) for moment in moments]
    look = "select to_jsonb(e) from manual_events e where id = any (%s) order by occurred_at"
    where = "select tableoid::regclass::text from manual_events where id = any (%s) order by occurred_at"
    before = owner.execute(look, [ids]).fetchall()
    audited = owner.execute("select count(*) from audit_trail").fetchone()
    assert {row[0] for row in owner.execute(where, [ids])} == {"manual_events_default"}
    owner.execute("set local timezone = 'America/Los_Angeles'")
    assert owner.execute("select app.make_event_partitions('2031-07-31', '2031-07-31')").fetchone() == (1,)
    owner.execute("set local timezone = 'UTC'")
    july, default = "manual_events_2031_07", "manual_events_default"
    assert [row[0] for row in owner.execute(where, [ids])] == [default, july, july, july, default]
    assert owner.execute(look, [ids]).fetchall() == before
    assert owner.execute("select count(*) from audit_trail").fetchone() == audited
    assert owner.execute("select app.make_event_partitions('2031-07-01', '2031-07-31')").fetchone() == (0,)


def test_archived_months_are_read_in_the_archive_and_only_there(fresh_database):
    """By owners and by viewers of the vehicle; events of the default partition are archived with their month."""
    furnish(fresh_database.owner)
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("select app.make_event_partitions('2026-01-01', '2026-04-30')")
        old = [record(connection, at=at) for at in ("2019-02-03 12:00Z", "2026-01-31 23:59Z", "2026-02-01 00:00Z")]
        new = record(connection, at="2026-03-01 00:00Z")
        assert connection.execute("select app.archive_event_partitions('2026-03-15')").fetchone()[0] >= 3
        late = record(connection, at="2026-02-10 12:00Z")
        connection.execute("select app.make_event_partitions('2026-01-01', '2026-04-30')")
    for person in ("owner", "reader"):
        with entered(fresh_database.gateway, person, writes=False) as connection:
            archived = {row[0] for row in connection.execute("select id from manual_events_archive")}
            kept = {row[0] for row in connection.execute("select id from manual_events")}
        assert archived == set(old)
        assert {new, late} <= kept
        assert archived & kept == set()
    with entered(fresh_database.gateway, "stranger", writes=False, tenant="Rival") as connection:
        assert connection.execute("select count(*) from manual_events_archive").fetchone() == (0,)

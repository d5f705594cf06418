"""Events of vehicles are read month after month; which rows there are does not depend on what is known of months."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from resolvers.loading import Loaders
from resolvers.manual_event import events_by_vehicle
from resolvers.paging import Page
from sql import statements
from sql.database import Database, PoolSettings
from sql.sent_text import UNKNOWN_MONTHS, EventMonths
from sql.session import Caller, Session
from sql.statements import Ordering
from tests.conftest import Databases, migrated, name_of  # noqa: F401 - the fixture

pytestmark = pytest.mark.database

LATEST = (Ordering("occurred_at", descending=True), Ordering("id", descending=True))
EARLIEST = (Ordering("occurred_at"), Ordering("id"))
RECORDED = (Ordering("created_at", descending=True), Ordering("id"))
KNOWN = {
    "nothing": ("-infinity", "infinity"),
    "one month": ("2026-03-01 00:00:00+00", "2026-04-01 00:00:00+00"),
    "some months": ("2026-02-01 00:00:00+00", "2026-06-01 00:00:00+00"),
    "within months": ("2026-02-11 10:00:00+00", "2026-06-07 00:00:00+00"),
    "no event's": ("1970-01-01 00:00:00+00", "1971-01-01 00:00:00+00"),
    "the wrong way round": ("2026-06-01 00:00:00+00", "2026-03-01 00:00:00+00"),
}
APART = [datetime(year, 5, 1, tzinfo=UTC) for year in (1999, 2012, 2040)]
"""Caught by the default partition."""
MOMENTS = [
    *(datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 8)),
    *(datetime(2026, month, 1, tzinfo=UTC) - timedelta(microseconds=1) for month in range(2, 8)),
    *[datetime(2026, 3, 9, tzinfo=UTC)] * 4,
]


@dataclass(frozen=True)
class Fleet:
    """Two vehicles with events at all moments, and who may see them."""

    database: Database
    owner: str
    caller: Caller
    vehicles: list[str]
    events: list[dict[str, Any]]

    def page(self, vehicle: str, order: tuple[Ordering, ...], limit: int, after: list[Any] | None) -> list[Any]:
        """The ids of a page of a vehicle's events, as they have to be."""
        rows = [event for event in self.events if event["vehicle_id"] == vehicle]
        for term in reversed(order):
            rows.sort(key=lambda row, name=term.column: row[name], reverse=term.descending)  # type: ignore[misc]
        ids = [row["id"] for row in rows]
        start = 0 if after is None else ids.index(after[-1]) + 1
        return ids[start : start + limit]


@pytest.fixture(scope="module", params=[[], APART], ids=["in months", "elsewhere"])
async def fleet(request: Any, databases: Databases, migrated: Any) -> AsyncIterator[Fleet]:  # noqa: F811 - the fixture
    """A fleet with events in months that have a partition, and perhaps in years that have none."""
    addresses = databases.make(name_of(migrated))
    owner = await asyncpg.connect(addresses.owner)
    tenant = await owner.fetchval("insert into tenants (name, kind) values ('T', 'org') returning id")
    user = await owner.fetchval("insert into users (email, name) values ('o@t.example', 'O') returning id")
    await owner.execute("insert into memberships (tenant_id, user_id, role) values ($1, $2, 'owner')", tenant, user)
    await owner.execute("select app.make_event_partitions('2026-01-01', '2026-07-31')")
    vehicles = [
        await owner.fetchval("insert into vehicles (tenant_id, label) values ($1, $2) returning id", tenant, label)
        for label in "AB"
    ]
    moments = [*request.param, *MOMENTS]
    for number, moment in enumerate(moments):
        for vehicle in vehicles:
            await owner.execute(
                "insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at,"
                " created_at) values ($1, $2, 'odometer_reading', '{\"miles\": 7}', $3, $4, $5)",
                *(tenant, vehicle, user, moment, datetime(2026, 8, 1 + number * 7 % 20, tzinfo=UTC)),
            )
    rows = await owner.fetch("select id::text, vehicle_id::text, occurred_at, created_at from manual_events")
    assert await owner.fetchval("select count(*) from manual_events_default") == 2 * len(request.param)
    await owner.execute("vacuum analyze manual_events")
    await owner.close()
    database = await Database.connect(addresses.gateway, PoolSettings(max_size=1))
    ids = [str(vehicle) for vehicle in vehicles]
    yield Fleet(database, addresses.owner, Caller(user, tenant), ids, [dict(row) for row in rows])
    await database.close()
    databases.drop(addresses)


async def page(session: Session, fleet: Fleet, order: tuple[Ordering, ...], limit: int, after: Any) -> list[list[str]]:
    """The ids of a page of each vehicle's events, as they are resolved."""
    after = None if after is None else tuple(after)
    asked = Page("", order, limit, after, backwards=False, has_bound=False, looks_ahead=False, parameters=())
    return [[row["id"] for row in rows] for rows in await events_by_vehicle(Loaders(session), fleet.vehicles, asked)]


async def months_between(fleet: Fleet, starts: str, ends: str, *, elsewhere: bool) -> EventMonths:
    """What is known where these are the bounds: the partitions are those of the months within."""
    owner = await asyncpg.connect(fleet.owner)
    try:
        partitions = await owner.fetchval(
            "select coalesce(array_agg(m.oid), '{}')::text"
            "  from (select oid, to_date(right(relname, 7), 'YYYY_MM')::timestamp at time zone 'UTC' as month"
            "          from pg_class where relname ~ '^manual_events_[0-9]{4}_[0-9]{2}$') m"
            f" where m.month >= '{starts}' and m.month + interval '1 month' <= '{ends}'"
        )
    finally:
        await owner.close()
    return EventMonths(starts, ends, partitions, elsewhere)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["nothing elsewhere", "something elsewhere"])
@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("order", [LATEST, EARLIEST, RECORDED], ids=["latest", "earliest", "recorded"])
async def test_a_page_is_the_same_whatever_is_known_of_the_months(
    known: str, order: tuple[Ordering, ...], elsewhere: bool, fleet: Fleet
):
    """In every order, of every size, and behind every row: none is missing, none comes twice."""
    one = fleet.page(fleet.vehicles[0], order, 100, None)
    rows = {event["id"]: event for event in fleet.events}
    async with fleet.database.session(fleet.caller) as session:
        session.event_months = await months_between(fleet, *KNOWN[known], elsewhere=elsewhere)
        for limit in (1, 3, len(MOMENTS), 100):
            found = await page(session, fleet, order, limit, None)
            assert found == [fleet.page(vehicle, order, limit, None) for vehicle in fleet.vehicles]
        for id_ in one:
            after = [rows[id_][term.column] for term in order]
            found = await page(session, fleet, order, 4, after)
            assert found[0] == fleet.page(fleet.vehicles[0], order, 4, after)


async def test_the_months_around_now_are_those_without_a_gap(databases: Databases, migrated: Any):  # noqa: F811 - the fixture
    """What lies apart from them does not count, nor does what was archived or caught by default."""
    addresses = databases.make(name_of(migrated))
    owner = await asyncpg.connect(addresses.owner)
    try:
        text, _ = statements.load()["event_months"].render(frozenset())
        (before,) = await owner.fetch(text)
        await owner.execute("select app.make_event_partitions('2011-03-01', '2011-06-30')")
        assert await owner.fetch(text) == [before]
        now, starts, ends = (
            await owner.fetchval("select now()"),
            *(datetime.strptime(f"{before[name]}00", "%Y-%m-%d %H:%M:%S%z") for name in ("starts", "ends")),
        )
        assert starts <= now < ends
        await owner.execute("select app.make_event_partitions($1::date, $1::date)", starts - timedelta(days=1))
        (longer,) = await owner.fetch(text)
        assert longer["starts"] < before["starts"]
        assert longer["ends"] == before["ends"]
        await owner.execute("drop table manual_events_default")
        assert await owner.fetch(text) == [longer]
        await owner.execute("set timezone = 'Asia/Kathmandu'")
        assert await owner.fetch(text) == [longer]
    finally:
        await owner.close()
        databases.drop(addresses)


async def test_a_page_of_the_latest_events_leaves_earlier_months_alone(fleet: Fleet):
    """With the months known, as they are from the beginning, PostgreSQL stops when the page is full."""
    async with fleet.database.session(fleet.caller) as session:
        bounds = ("2026-01-01 00:00:00+00", "2026-08-01 00:00:00+00")
        known = await months_between(fleet, *bounds, elsewhere=False)
        asked = {"ids": fleet.vehicles[:1], "limit": 2, "elsewhere": session.event_months.elsewhere or None}
        for months, stops in ((UNKNOWN_MONTHS, False), (known, True)):
            session.event_months = months
            statement, issued, values = session._issue(  # noqa: SLF001 - what is sent
                "manual_events_page_by_vehicle", LATEST, None, asked
            )
            assert statement.name == issued.name
            await session.connection.execute("set local enable_sort = off; set local enable_seqscan = off")
            plan = await session.connection.fetch(f"explain (analyze) {session._text(issued)}", *values)  # noqa: SLF001
            (first,) = [line[0] for line in plan if re.search(r"Scan .*manual_events_2026_01 ", line[0])]
            assert ("never executed" in first) == stops, "\n".join(line[0] for line in plan)


async def test_months_are_looked_at_anew_while_the_gateway_runs(fleet: Fleet):
    """Every ten minutes, by a session that does not wait for it."""
    database = fleet.database
    before, database._event_months = database._event_months, UNKNOWN_MONTHS  # noqa: SLF001 - as if nothing were known
    async with database.session(fleet.caller) as session:
        assert session.event_months == UNKNOWN_MONTHS
    assert database._looking is None  # noqa: SLF001
    assert database._event_months == UNKNOWN_MONTHS  # noqa: SLF001 - the last look was just now
    database._looked_at_months = float("-inf")  # noqa: SLF001
    async with database.session(fleet.caller):
        pass
    await database._looking  # noqa: SLF001 - nobody else waits for it
    assert database._event_months == before != UNKNOWN_MONTHS  # noqa: SLF001


async def test_a_page_is_asked_for_twice_only_where_events_are_elsewhere_than_known(fleet: Fleet):
    """The gateway knows whether they are when it starts; it notices at once when they come to be."""

    async def asked() -> int:
        async with fleet.database.session(fleet.caller) as session:
            assert await page(session, fleet, LATEST, 3, None) == [
                fleet.page(vehicle, LATEST, 3, None) for vehicle in fleet.vehicles
            ]
            return len(session.issued)

    database, known = fleet.database, fleet.database._event_months  # noqa: SLF001
    assert known.elsewhere == any(event["occurred_at"] in APART for event in fleet.events)
    assert await asked() == 1
    try:
        database._event_months = replace(known, elsewhere=False)  # noqa: SLF001
        assert await asked() == 1 + known.elsewhere
        owner = await asyncpg.connect(fleet.owner)
        await owner.execute(
            "insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)"
            " values ($1, $2, 'odometer_reading', '{\"miles\": 7}', $3, '1980-01-01')",
            *(fleet.caller.tenant_id, fleet.vehicles[0], fleet.caller.user_id),
        )
        assert await asked() == 2
        await owner.execute("delete from manual_events where occurred_at = '1980-01-01'")
        await owner.close()
    finally:
        database._event_months = known  # noqa: SLF001


async def test_months_made_ahead_count_once_something_is_in_them(fleet: Fleet):
    """They lie apart until then; a page has what is in them all the same."""
    owner = await asyncpg.connect(fleet.owner)
    text, _ = statements.load()["event_months"].render(frozenset())
    now = datetime.now(UTC)
    in_two_months = now.replace(day=5) + timedelta(days=62)
    await owner.execute("select app.make_event_partitions(now()::date, (now() + interval '3 months')::date)")
    transaction = owner.transaction()
    await transaction.start()
    try:
        for moment in (now, in_two_months):
            await owner.execute(
                "insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)"
                " values ($1, $2, 'odometer_reading', '{\"miles\": 7}', $3, $4)",
                *(fleet.caller.tenant_id, fleet.vehicles[0], fleet.caller.user_id, moment),
            )
            (row,) = await owner.fetch(text)
            assert row["ends"] == f"{(moment.replace(day=1) + timedelta(days=32)).replace(day=1):%Y-%m-%d} 00:00:00+00"
    finally:
        await transaction.rollback()
        await owner.close()

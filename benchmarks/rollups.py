"""Rollups of every group, beside one recursive function for each. Run: python -m benchmarks.rollups [--help].

A tree of five levels, vehicles dealt out to all of its groups, their daily metrics, fuel purchases and services. Both
sides answer as the role ``gateway`` under row-level security, and must say the same. All of it on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from sql import embedded
from sql.database import Database, PoolSettings
from sql.migrate import migrate
from sql.people import member
from sql.session import Caller, Session

ROUNDS = 2
FIGURES = (
    *("vehicle_count", "miles_driven", "idle_minutes", "harsh_events", "fuel_gallons", "fuel_cost"),
    "maintenance_cost",
)
PERIODS = {
    "a day": (date(2025, 7, 9), date(2025, 7, 10)),
    "a week": (date(2025, 7, 7), date(2025, 7, 14)),
    "a month": (date(2025, 7, 1), date(2025, 8, 1)),
    "from 10 February to 20 March": (date(2025, 2, 10), date(2025, 3, 20)),
    "from 5 March to 27 November": (date(2025, 3, 5), date(2025, 11, 27)),
    "the year": (date(2025, 1, 1), date(2026, 1, 1)),
    "always": (None, None),
}
BRANCHES = 5
FILL = """
insert into tenants (id, name, kind) values (md5('t')::uuid, 'Rollups', 'org');
insert into users (id, email, name)
  values (md5('o')::uuid, 'owner@rollups.example', 'O'), (md5('v')::uuid, 'viewer@rollups.example', 'V');
insert into memberships (tenant_id, user_id, role)
  values (md5('t')::uuid, md5('o')::uuid, 'owner'), (md5('t')::uuid, md5('v')::uuid, 'viewer');
insert into fleet_groups (tenant_id, id, parent_group_id, name)
select md5('t')::uuid, md5('g' || n)::uuid,
       case when n > 0 then md5('g' || (n - 1) / %(branches)s::integer)::uuid end, 'G' || n
  from generate_series(0, %(groups)s::integer - 1) n;
insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)
  values (md5('t')::uuid, md5('v')::uuid, md5('g1')::uuid, 'read', md5('o')::uuid);
insert into vehicles (tenant_id, id, fleet_group_id, label, make)
select md5('t')::uuid, md5('c' || n)::uuid, md5('g' || n %% %(groups)s::integer)::uuid, 'Van ' || n, 'Ford'
  from generate_series(0, %(vehicles)s::integer - 1) n;
insert into vehicle_metrics (tenant_id, vehicle_id, metric_date, period_type, miles_driven, idle_minutes, harsh_events)
select md5('t')::uuid, md5('c' || n)::uuid, date '2025-01-01' + day, 'daily', (n * 7 + day * 13) %% 240,
       (n + day) %% 90, (n + day) %% 4
  from generate_series(0, %(vehicles)s::integer - 1) n, generate_series(0, %(days)s::integer - 1) day;
select app.make_event_partitions('2025-01-01', '2025-12-31');
insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
select md5('t')::uuid, md5('c' || n)::uuid, case when k %% 6 = 5 then 'maintenance' else 'fuel_purchase' end,
       case when k %% 6 = 5 then jsonb_build_object('service_type', 'oil_change', 'cost', 80 + n %% 50)
            else jsonb_build_object('gallons', 8 + n %% 12, 'total_cost', round((8 + n %% 12) * 3.5, 2)) end,
       md5('o')::uuid, timestamptz '2025-01-01 12:00Z' + k * interval '15 days' + n %% 1440 * interval '1 minute'
  from generate_series(0, %(vehicles)s::integer - 1) n, generate_series(0, 23) k
"""
FUNCTION = """
create schema bench;
grant usage on schema bench to gateway_tenant, gateway_groups;
create type bench.rollup as (vehicle_count bigint, miles_driven bigint, idle_minutes bigint, harsh_events bigint,
                             fuel_gallons numeric, fuel_cost numeric, maintenance_cost numeric);
create function bench.rollup(root uuid, starts date, ends date) returns bench.rollup language sql stable as $$
  with recursive below as (
    select root as id
    union all
    select g.id from below b join fleet_groups g on g.tenant_id = app.tenant_id() and g.parent_group_id = b.id
  ),
  member as (
    select v.id from vehicles v
     where v.tenant_id = app.tenant_id() and v.fleet_group_id = any (array(select id from below))
  ),
  driven as (
    select sum(m.miles_driven) as miles, sum(m.idle_minutes) as idle, sum(m.harsh_events) as harsh
      from vehicle_metrics m
     where m.tenant_id = app.tenant_id() and m.vehicle_id = any (array(select id from member))
       and m.period_type = 'daily' and m.metric_date >= starts and m.metric_date < ends
  ),
  spent as (
    select sum(e.gallons) as gallons, sum(e.cost) filter (where e.event_type = 'fuel_purchase') as fuel,
           sum(e.cost) filter (where e.event_type = 'maintenance') as maintenance
      from manual_events e
     where e.tenant_id = app.tenant_id() and e.vehicle_id = any (array(select id from member))
       and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
       and e.occurred_at >= starts::timestamp at time zone 'UTC' and e.occurred_at < ends::timestamp at time zone 'UTC'
  )
  select row((select count(*) from member), coalesce(d.miles, 0), coalesce(d.idle, 0), coalesce(d.harsh, 0),
             coalesce(s.gallons, 0), coalesce(s.fuel, 0), coalesce(s.maintenance, 0))::bench.rollup
    from driven d, spent s
$$;
revoke all on function bench.rollup from public;
grant execute on function bench.rollup to gateway_tenant, gateway_groups
"""
EACH = f"""
select g.id, {", ".join(f"(r.rollup).{name}" for name in FIGURES)}
  from (select g.id, bench.rollup(g.id, coalesce($1::date, '-infinity'), coalesce($2::date, 'infinity')) as rollup
          from fleet_groups g where g.tenant_id = app.tenant_id() offset 0) r
  join fleet_groups g on g.tenant_id = app.tenant_id() and g.id = r.id"""
WRITE = """
insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
select tenant_id, id, 'odometer_reading', '{"miles": 5}', md5('o')::uuid, '2025-12-30 12:00Z'
  from vehicles order by md5(id::text) limit %s"""
Rows = dict[Any, tuple[Any, ...]]


def main() -> None:
    """Prints a table of ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--groups", type=int, default=1000)
    options.add_argument("--vehicles", type=int, default=20_000)
    options.add_argument("--days", type=int, default=365)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory, embedded.database(Path(directory)) as addresses:
        migrate(addresses.owner)
        fill(addresses.owner, {"branches": BRANCHES, **vars(given)})
        asyncio.run(measure(addresses))


def fill(address: str, given: dict[str, Any]) -> None:
    """Writes the rows, and stores what is stored of them."""
    for text in (FILL, FUNCTION):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("set jit = off")
            for statement in text.split(";\n") if text is FILL else [text]:
                begun = time.monotonic()
                connection.execute(statement, given if text is FILL else None)
                print(f"  {statement.strip().splitlines()[0][:60]:60} {time.monotonic() - begun:6.1f} s", flush=True)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("set jit = off")
        begun = time.monotonic()
        connection.execute("select app.refresh_changed_figures()")
        print(f"  {'stored figures and totals':60} {time.monotonic() - begun:6.1f} s", flush=True)
        connection.execute("vacuum (freeze, analyze)")


async def measure(addresses: embedded.Addresses) -> None:
    """Asks both sides by turns, for each period, as the owner and as a viewer; then with changes that nobody stored."""
    database = await Database.connect(addresses.gateway, PoolSettings(max_size=1, statement_timeout_ms=600_000))
    for person in ("owner", "viewer"):
        found = await member(addresses.owner, f"{person}@rollups.example", "Rollups")
        caller = Caller(found.user_id, found.tenant_id)
        print(f"\n| period, as {person} | rollup / function | function, ms | rollup, ms |\n| --- | --- | --- | --- |")
        for name, period in PERIODS.items():
            await compare(database, caller, name, period)
    with psycopg.connect(addresses.owner, autocommit=True) as connection:
        for written in (20, 200, 2000):
            connection.execute(WRITE, [written])
            found = await member(addresses.owner, "owner@rollups.example", "Rollups")
            caller = Caller(found.user_id, found.tenant_id)
            await compare(database, caller, f"the year, {written} vehicles just written", PERIODS["the year"])
    await database.close()


async def compare(database: Database, caller: Caller, name: str, period: tuple[date | None, date | None]) -> None:
    """One line of the table."""
    times: dict[str, list[float]] = {"rollup": [], "function": []}
    for _ in range(ROUNDS):
        answers = {}
        for side, ask in (("rollup", stored), ("function", by_function)):
            async with database.session(caller) as session:
                taken, answers[side] = await timed(ask, session, period)
                times[side].append(taken)
        if answers["rollup"] != answers["function"]:
            raise SystemExit(f"{name}: the answers differ")
    rollup, function = (statistics.median(times[side]) * 1000 for side in ("rollup", "function"))
    print(f"| {name} | {rollup / function:.3f} | {function:.0f} | {rollup:.1f} |", flush=True)


async def timed(
    ask: Callable[[Session, tuple[date | None, date | None]], Awaitable[Rows]],
    session: Session,
    period: tuple[date | None, date | None],
) -> tuple[float, Rows]:
    """Seconds and rows."""
    await session.connection.fetch("select 1")
    begun = time.perf_counter()
    rows = await ask(session, period)
    return time.perf_counter() - begun, rows


async def stored(session: Session, period: tuple[date | None, date | None]) -> Rows:
    """The gateway's statement, of every visible group."""
    ids = [str(row["id"]) for row in await session.connection.fetch("select id from fleet_groups")]
    granted = True if session.role == "viewer" else None
    rows = await session.fetch(
        "rollups_by_group", ids=ids, whole_tenant=None, granted=granted, period_start=period[0], period_end=period[1],
        spans=None, active=None,
    )  # fmt: skip
    return {row["key_id"]: tuple(row[name] for name in FIGURES) for row in rows}


async def by_function(session: Session, period: tuple[date | None, date | None]) -> Rows:
    """The same by one recursive function for each group."""
    return {row["id"]: tuple(row[name] for name in FIGURES) for row in await session.connection.fetch(EACH, *period)}


if __name__ == "__main__":
    main()

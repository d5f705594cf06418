"""Rollups against sums over the raw rows in plain Python: random trees, grants, zones, periods and changes."""

from __future__ import annotations

import asyncio
import random
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import psycopg
import pytest

from sql import metrics
from sql.database import Database, PoolSettings
from sql.demo import DemoSize, load_demo
from sql.people import member
from sql.session import Caller
from tests.changes import CHANGES
from tests.conftest import name_of
from tests.oracle import Oracle, subtree

pytestmark = pytest.mark.database

UNTIL = date(2026, 4, 1)
OWNER, VIEWER = "owner@fleet-1.example", "viewer@fleet-1.example"
FIGURES = (
    "groupCount vehicleCount activeVehicleCount milesDriven idleMinutes harshEvents fuelGallons fuelCost"
    " maintenanceCost fuelEfficiencyMpg costPerMile"
)
ASKED = f"""query ($period: Period) {{ tenant {{ rollup(period: $period) {{ {FIGURES} }} }}
  fleetGroups(first: 200) {{ nodes {{ id rollup(period: $period) {{ {FIGURES} }} }} }} }}"""
ZONES = ["America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati", "Europe/Berlin", "UTC", "no/where", None]
NAMED = {
    "a vehicle's zone": """
      update vehicles set extended_attributes = jsonb_set(extended_attributes, '{operational,time_zone}', %(zone)s)
       where id = (select id from vehicles order by id offset %(n)s %% 40 limit 1)""",
    "a group's zone": """
      update fleet_groups set metadata = jsonb_set(metadata, '{time_zone}', %(zone)s)
       where id = (select id from fleet_groups order by id offset %(n)s %% 12 limit 1)""",
}


@pytest.fixture
def world(databases, migrated):
    """A small tenant over two months."""
    addresses = databases.make(name_of(migrated))
    load_demo(addresses.owner, size=DemoSize(1, 12, 40, 60), until=UNTIL, progress=lambda *_: None)
    yield addresses
    databases.drop(addresses)


def zone_of(vehicle, seen):
    """A vehicle's time zone: its own, else that of the nearest group upwards, else the tenant's."""

    def known(name):
        return name is not None and name in ZONES and name != "no/where"

    own = vehicle["extended_attributes"].get("operational", {}).get("time_zone")
    if known(own):
        return ZoneInfo(own)
    groups = {group["id"]: group for group in seen["fleet_groups"]}
    at = vehicle["fleet_group_id"]
    while at is not None:
        if known(groups[at]["metadata"].get("time_zone")):
            return ZoneInfo(groups[at]["metadata"]["time_zone"])
        at = groups[at]["parent_group_id"]
    return ZoneInfo("UTC")


class Sums:
    """What the raw rows say, vehicle by vehicle."""

    def __init__(self, address, tenant):
        self.oracle = Oracle(address)
        self.tenant = tenant
        rows, own = self.oracle.rows, self.oracle.tenants[tenant]
        everything = self.oracle.see(OWNER, tenant)
        self.zones = {car["id"]: zone_of(car, everything) for car in everything["vehicles"]}
        self.days = [
            (row["vehicle_id"], row["metric_date"], row)
            for row in rows["vehicle_metrics"]
            if row["tenant_id"] == own and row["period_type"] == "daily"
        ]
        self.events = [
            (row["vehicle_id"], self.day(row["vehicle_id"], row["occurred_at"]), row)
            for row in rows["manual_events"] + rows["manual_events_archive"]
            if row["tenant_id"] == own
            and row["event_type"] in {"fuel_purchase", "maintenance"}
            and row["voided_at"] is None
        ]
        with psycopg.connect(address) as connection:
            spans = connection.execute(
                """select vehicle_id, ended_at, miles, gallons
                     from app.fuel_spans(%s, array(select id from vehicles)) where rejected_reason is null""",
                [own],
            ).fetchall()
        self.spans = [(vehicle, self.day(vehicle, at), (miles, gallons)) for vehicle, at, miles, gallons in spans]

    def day(self, vehicle, at):
        """The day of a moment where the vehicle is."""
        return at.astimezone(self.zones[vehicle]).date()

    def of(self, person, groups, period):
        """The rollup of some groups, or of all that a person sees."""
        seen = self.oracle.see(person, self.tenant)
        cars = {car["id"] for car in seen["vehicles"] if groups is None or car["fleet_group_id"] in groups}

        def within(rows):
            return [row for car, day, row in rows if car in cars and (period is None or period[0] <= day < period[1])]

        days, events, spans = within(self.days), within(self.events), within(self.spans)
        miles, gallons = sum(row["miles_driven"] or 0 for row in days), sum(fuel for _, fuel in spans)
        costs = {
            kind: sum((row["cost"] or 0 for row in events if row["event_type"] == kind), Decimal(0))
            for kind in ("fuel_purchase", "maintenance")
        }
        return {
            "groupCount": len(seen["fleet_groups"] if groups is None else groups),
            "vehicleCount": len(cars),
            "activeVehicleCount": len(
                {row["vehicle_id"] for row in days if row["miles_driven"]} | {row["vehicle_id"] for row in events}
            ),
            "milesDriven": miles,
            "idleMinutes": sum(row["idle_minutes"] for row in days),
            "harshEvents": sum(row["harsh_events"] for row in days),
            "fuelGallons": sum((row["gallons"] or 0 for row in events), Decimal(0)),
            "fuelCost": costs["fuel_purchase"],
            "maintenanceCost": costs["maintenance"],
            "fuelEfficiencyMpg": pytest.approx(float(sum(each for each, _ in spans) / gallons)) if spans else None,
            "costPerMile": round(sum(costs.values()) / miles, 4) if miles else None,
        }


def exact(rollup):
    """An answer's figures as numbers."""
    return {name: Decimal(value) if isinstance(value, str) else value for name, value in rollup.items()}


async def compare(world, gateway, engine, fortune):
    """Asks as the owner and as the viewer for a random period; every figure is that of the raw rows."""
    start = UNTIL - timedelta(days=fortune.randint(1, 70))
    period = fortune.choice([None, (start, start + timedelta(days=fortune.choice([1, 7, 31, 45, 80])))])
    sums = Sums(world.owner, "Fleet 1")
    for person in (OWNER, VIEWER):
        found = await member(world.owner, person, "Fleet 1")
        variables = {"period": period and {"start": str(period[0]), "end": str(period[1])}}
        async with gateway.session(Caller(found.user_id, found.tenant_id)) as session:
            result = await engine.execute(engine.document(ASKED), session, variables, None)
        assert not result.errors
        answer = orjson.loads(orjson.dumps(result.data, default=str))
        assert exact(answer["tenant"]["rollup"]) == sums.of(person, None, period)
        groups = sums.oracle.see(person, "Fleet 1")["fleet_groups"]
        trees = {group["id"]: subtree(groups, group["id"]) for group in groups}
        assert {UUID(node["id"]) for node in answer["fleetGroups"]["nodes"]} == set(trees)
        for node in answer["fleetGroups"]["nodes"]:
            assert exact(node["rollup"]) == sums.of(person, trees[UUID(node["id"])], period)


@pytest.mark.parametrize("seed", range(4))
async def test_a_rollup_is_the_sum_over_the_visible_vehicles_whatever_changes(seed, world, engine):
    """After each change, before and after the worker stored it: to the last digit, for every group and both people."""
    fortune = random.Random(seed)  # noqa: S311 - to be the same every time
    gateway = await Database.connect(world.gateway, PoolSettings(max_size=2))
    with psycopg.connect(world.owner, autocommit=True, options="-c jit=off") as connection:
        ((tenant_id,),) = connection.execute("select id from tenants where name = 'Fleet 1'").fetchall()
        connection.execute("update vehicles set fleet_group_id = null where id::text < '2'")
        connection.execute("delete from group_permissions")
        connection.execute(
            """insert into group_permissions (tenant_id, fleet_group_id, user_id, granted_by, permission_level)
               select g.tenant_id, g.id, m.user_id, m.user_id, 'read' from fleet_groups g
                 join memberships m on m.tenant_id = g.tenant_id and m.role = 'viewer'
                order by md5(g.id::text || %s) limit 3""",
            [str(seed)],
        )
        for turn in range(12):
            if turn % 4 == 3:
                name = fortune.choice(list(NAMED))
                zone = orjson.dumps(fortune.choice(ZONES)).decode()
                connection.execute(NAMED[name], {"n": fortune.randrange(10_000), "zone": zone})
            else:
                name = fortune.choice(list(CHANGES))
                given = {"n": fortune.randrange(10_000)} if "%" in CHANGES[name] else None
                await asyncio.to_thread(
                    connection.execute, CHANGES[name], given
                )  # a reader's transaction ends meanwhile
                await compare(world, gateway, engine, fortune)
            for _ in metrics.work_off(connection, tenant_id):
                pass
            ((left,),) = connection.execute(
                "select count(*) from group_changes where tenant_id = %s", [tenant_id]
            ).fetchall()
            assert left == 0
            await compare(world, gateway, engine, fortune)
    await gateway.close()


async def test_what_has_nothing_to_do_with_a_rollup_changes_nothing_in_it(world, engine):
    """Issues, notes, a reading that is void: every group's answer is the same before, after, and when it is stored."""
    for _ in metrics.rebuild(world.owner, None):  # what the demo wrote by itself is from no event
        pass
    gateway = await Database.connect(world.gateway, PoolSettings(max_size=1))
    found = await member(world.owner, OWNER, "Fleet 1")

    async def ask():
        async with gateway.session(Caller(found.user_id, found.tenant_id)) as session:
            result = await engine.execute(engine.document(ASKED), session, {"period": None}, None)
        assert not result.errors
        return orjson.dumps(result.data, default=str)

    before = await ask()
    with psycopg.connect(world.owner, autocommit=True, options="-c jit=off") as connection:
        connection.execute(
            """insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at,
                                          voided_at, void_reason)
               select v.tenant_id, v.id, e.kind, e.payload, %s, '2026-03-03 12:00Z', e.voided_at, e.why
                 from vehicles v,
                      (values ('issue_report', '{"severity": "low", "description": "It squeaks."}'::jsonb,
                               null::timestamptz, null),
                              ('odometer_reading', '{"miles": 5}', now(), 'Wrong.')
                      ) e (kind, payload, voided_at, why)""",
            [found.user_id],
        )
        connection.execute("update vehicles set notes = 'Looked at.'")
        assert await ask() == before
        for _ in metrics.work_off(connection, found.tenant_id):
            pass
    assert await ask() == before
    await gateway.close()

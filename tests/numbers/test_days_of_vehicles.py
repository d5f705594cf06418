"""Days are those of each vehicle's time zone: whoever asks for a period's economy is told the same, whichever way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest

from resolvers.execution import Engine
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.session import Caller
from tests.numbers.conftest import EPOCH, Garage

pytestmark = pytest.mark.database

MARCH, APRIL = (
    {"start": "2026-03-01", "end": "2026-04-01"},
    {"start": "2026-04-01", "end": "2026-05-01"},
)
FILLS = [  # moments around both ends of March: each is another day in Tokyo, in Los Angeles or in both
    *("2026-02-20T12:00Z", "2026-02-28T16:00Z", "2026-03-01T04:00Z", "2026-03-15T12:00Z"),
    *("2026-03-31T14:59Z", "2026-03-31T15:00Z", "2026-04-01T06:59Z", "2026-04-01T07:00Z"),
]
ASKED = """query ($period: Period!) {
  vehicles(first: 10, orderBy: {field: LABEL}) { nodes {
    id label
    fuelEconomy(period: $period) { mpg miles spans { endedAt } }
    odometerReadings(period: $period) { occurredAt }
  } }
  fleetGroups(first: 10) { nodes { name rollup(period: $period) { fuelEfficiencyMpg } } }
  byVehicle: metricsSeries(interval: YEAR, measures: [FUEL_EFFICIENCY_MPG], groupBy: [VEHICLE], period: $period) {
    vehicle { id } fuelEfficiencyMpg }
  total: metricsSeries(interval: YEAR, measures: [FUEL_EFFICIENCY_MPG], period: $period) { fuelEfficiencyMpg }
  costs: costBreakdown(groupBy: [VEHICLE], period: $period) { vehicle { id } fuelEfficiencyMpg }
  economyDeclines(period: $period, thresholdPct: 1) { vehicle { id } mpg }
}"""


@pytest.fixture
async def gateway(fresh_database: Addresses) -> AsyncIterator[Database]:
    """The gateway's pool."""
    database = await Database.connect(fresh_database.gateway, PoolSettings(max_size=1))
    yield database
    await database.close()


def journey(garage: Garage, vehicle: UUID) -> None:
    """A full tank at each of these moments: so many miles on ten gallons that every span has another economy."""
    odometer = 1000
    for number, moment in enumerate(FILLS):
        at = (datetime.fromisoformat(moment.replace("Z", ":00+00:00")) - EPOCH).total_seconds() / 86400
        garage.fill(vehicle, at, 10, odometer := odometer + 100 + 11 * number)


def told_by_hand(zone: str, period: dict[str, str]) -> list[int]:
    """The numbers of the spans that end in a period where the vehicle is."""
    start, end = (date.fromisoformat(period[key]) for key in ("start", "end"))
    days = [datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).date() for moment in FILLS]
    return [number for number, day in enumerate(days) if number > 0 and start <= day < end]


async def compare(
    garage: Garage,
    gateway: Database,
    engine: Engine,
    person: UUID,
    zones: dict[UUID, str],
    groups: dict[str, list[UUID]],
) -> None:
    """Every way to a period's economy tells that of the spans which end in it where each vehicle is."""
    for period in (MARCH, APRIL):
        async with gateway.session(Caller(person, garage.tenant)) as session:
            result = await engine.execute(engine.document(ASKED), session, {"period": period}, None)
        assert not result.errors
        data = orjson.loads(orjson.dumps(result.data, default=str))
        ended = {vehicle: told_by_hand(zone, period) for vehicle, zone in zones.items()}
        miles = {vehicle: sum(100 + 11 * number for number in spans) for vehicle, spans in ended.items()}
        expected: dict[str, Any] = {
            str(vehicle): miles[vehicle] / (10 * len(spans)) if spans else None for vehicle, spans in ended.items()
        }
        nodes = {node["id"]: node for node in data["vehicles"]["nodes"]}
        assert {id_: node["fuelEconomy"]["mpg"] for id_, node in nodes.items()} == pytest.approx(expected)
        for vehicle, spans in ended.items():
            moments = {datetime.fromisoformat(FILLS[number]).astimezone(UTC).isoformat() for number in spans}
            node = nodes[str(vehicle)]
            assert {span["endedAt"] for span in node["fuelEconomy"]["spans"]} == moments
            assert {reading["occurredAt"] for reading in node["odometerReadings"]} == moments
        spans = sum(map(len, ended.values()))
        total = pytest.approx(sum(miles.values()) / (10 * spans)) if spans else None
        assert [row["fuelEfficiencyMpg"] for row in data["total"]] == [total][: spans > 0]
        for rows in (data["byVehicle"], data["costs"]):
            found = {row["vehicle"]["id"]: row["fuelEfficiencyMpg"] for row in rows}
            assert found == pytest.approx({id_: mpg for id_, mpg in expected.items() if mpg or id_ in found})
        found = {row["vehicle"]["id"]: row["mpg"] for row in data["economyDeclines"]}
        enough = {str(vehicle) for vehicle, spans in ended.items() if len(spans) >= 4}
        assert found == pytest.approx({id_: expected[id_] for id_ in enough})
        rollups = {node["name"]: node["rollup"]["fuelEfficiencyMpg"] for node in data["fleetGroups"]["nodes"]}
        assert rollups == pytest.approx({
            name: sum(miles[one] for one in below) / (10 * sum(len(ended[one]) for one in below))
            for name, below in groups.items()
        })  # fmt: skip


async def test_every_way_to_an_economy_takes_the_days_of_the_vehicle(garage: Garage, gateway: Database, engine: Engine):
    """Its own, its group's or the tenant's; before the worker knew them the tenant's; for who sees a part as well."""
    garage.connection.execute("update tenants set time_zone = 'America/New_York' where id = %s", [garage.tenant])
    whole = garage.group("Whole")
    west, east = garage.group("West", whole), garage.group("East", whole)
    cars = [garage.vehicle(group=group, baseline=99) for group in (west, east, whole)]
    for car in cars:
        journey(garage, car)
    groups = {"Whole": cars, "West": cars[:1], "East": cars[1:2]}
    await compare(garage, gateway, engine, garage.user, dict.fromkeys(cars, "America/New_York"), groups)
    garage.connection.execute(
        """update fleet_groups set metadata = '{"time_zone": "America/Los_Angeles"}' where id = %s""", [west]
    )
    garage.keep(cars[1], "Asia/Tokyo")
    garage.work()
    zones = dict(zip(cars, ["America/Los_Angeles", "Asia/Tokyo", "America/New_York"], strict=True))
    assert len({tuple(told_by_hand(zone, MARCH)) for zone in zones.values()}) == 3
    await compare(garage, gateway, engine, garage.user, zones, groups)
    viewer = UUID(int=7)
    garage.connection.execute("insert into users (id, email, name) values (%s, 'v@garage.example', 'V')", [viewer])
    garage.connection.execute("insert into memberships values (%s, %s, 'viewer')", [garage.tenant, viewer])
    garage.connection.execute(
        "insert into group_permissions (tenant_id, fleet_group_id, user_id, granted_by, permission_level)"
        " values (%s, %s, %s, %s, 'read')",
        [garage.tenant, east, viewer, garage.user],
    )
    await compare(garage, gateway, engine, viewer, {cars[1]: "Asia/Tokyo"}, {"East": cars[1:2]})


async def test_a_vehicle_whose_zone_changes_has_its_old_days_until_they_are_computed_anew(
    garage: Garage, gateway: Database, engine: Engine
):
    """All ways change over together, as its metrics do; what is not stored yet of its events counts at once."""
    group = garage.group("All")
    car = garage.vehicle(group=group, baseline=99)
    garage.keep(car, "Asia/Tokyo")
    garage.work()
    journey(garage, car)
    await compare(garage, gateway, engine, garage.user, {car: "Asia/Tokyo"}, {"All": [car]})
    garage.work()
    await compare(garage, gateway, engine, garage.user, {car: "Asia/Tokyo"}, {"All": [car]})
    garage.keep(car, "America/Los_Angeles")
    await compare(garage, gateway, engine, garage.user, {car: "Asia/Tokyo"}, {"All": [car]})
    garage.work()
    await compare(garage, gateway, engine, garage.user, {car: "America/Los_Angeles"}, {"All": [car]})


async def test_why_a_period_has_no_economy_goes_by_the_same_days(garage: Garage, gateway: Database, engine: Engine):
    """A single fill on 31 March at 20:00 UTC is one of April in Tokyo, archived or not."""
    car = garage.vehicle(group=garage.group("All"))
    garage.keep(car, "Asia/Tokyo")
    garage.fill(car, 89 + 1 / 3, 10, 1000)
    garage.work()
    economy = "fuelEconomy(period: $period) { unavailableReason }"
    query = f"query ($period: Period!) {{ vehicles(first: 1) {{ nodes {{ {economy} }} }} }}"
    told = []
    for period in (MARCH, APRIL, MARCH, APRIL):
        if len(told) == len((MARCH, APRIL)):
            await asyncio.to_thread(garage.connection.execute, "select app.archive_event_partitions('2026-06-01')")
        async with gateway.session(Caller(garage.user, garage.tenant)) as session:
            result = await engine.execute(engine.document(query), session, {"period": period}, None)
        told.append(result.data["vehicles"]["nodes"][0]["fuelEconomy"]["unavailableReason"])
    assert told == ["NO_FILLS", "NEEDS_TWO_FULL_FILLS"] * 2

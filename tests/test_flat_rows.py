"""Costs and series: flat rows against sums over the raw tables in plain Python, for random questions and grants."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from sql.database import Database, PoolSettings
from sql.demo import DemoSize, load_demo
from sql.encryption import EncryptedFields, Keyring, MasterKeys, new_master_key
from sql.people import member
from sql.session import Caller
from tests.conftest import name_of
from tests.numbers.world import CHANGES
from tests.oracle import Oracle, subtree

pytestmark = pytest.mark.database

UNTIL = date(2026, 4, 1)
OWNER, VIEWER, OTHER = "owner@fleet-1.example", "viewer@fleet-1.example", "owner@fleet-2.example"
TENANT = {OWNER: "Fleet 1", VIEWER: "Fleet 1", OTHER: "Fleet 2"}
ROLLUP = "vehicleCount milesDriven fuelGallons fuelCost maintenanceCost"
COSTS = (*ROLLUP.split(), "totalCost", "fuelCostPerMile", "maintenanceCostPerMile", "totalCostPerMile")
PLACE = "fleetGroup { id } vehicle { id } make model costCentre"
BREAKDOWN = f"""query ($groupBy: [CostDimension!]!, $period: Period, $groupId: ID, $below: Boolean!,
    $filter: VehicleFilter, $path: [String!]!) {{
  rows: costBreakdown(groupBy: $groupBy, period: $period, groupId: $groupId, includeDescendants: $below,
                      filter: $filter, costCentrePath: $path) {{ month {PLACE} {" ".join(COSTS)} }} }}"""
MEASURES = {
    "MILES_DRIVEN": "milesDriven",
    "IDLE_MINUTES": "idleMinutes",
    "HARSH_EVENTS": "harshEvents",
    "FUEL_GALLONS": "fuelGallons",
    "FUEL_COST": "fuelCost",
    "MAINTENANCE_COST": "maintenanceCost",
    "TOTAL_COST": "totalCost",
    "COST_PER_MILE": "costPerMile",
    "ACTIVE_VEHICLES": "activeVehicles",
    "VEHICLE_COUNT": "vehicleCount",
}
OF_DAYS, OF_EVENTS = {*MEASURES} & {*list(MEASURES)[:3]}, {*list(MEASURES)[3:7]}
SERIES = f"""query ($groupBy: [SeriesDimension!]!, $interval: SeriesInterval!, $measures: [Measure!]!, $period: Period,
    $groupId: ID, $below: Boolean!, $filter: VehicleFilter, $path: [String!]!) {{
  rows: metricsSeries(groupBy: $groupBy, interval: $interval, measures: $measures, period: $period, groupId: $groupId,
                      includeDescendants: $below, filter: $filter, costCentrePath: $path) {{
    start {PLACE} {" ".join(MEASURES.values())} }} }}"""
DEFAULTS = {"groupBy": [], "below": True, "path": ["custom_fields", "cost_center"]}
EXTRAS = """
  -- Vehicles without a group, a make, a figure; cost centres of every kind.
  update vehicles set fleet_group_id = null where label like '%1' and id::text < '8';
  update vehicles set make = null, model = null where label like '%2';
  update vehicles set extended_attributes = jsonb_set(extended_attributes, '{custom_fields,cost_center}', value)
    from (values ('%3', '{"$enc": "v1", "key": "0123456789ab", "nonce": "AAAA", "data": "BBBB"}'::jsonb),
                 ('%4', '{"a": 1}'), ('%5', '12'), ('%6', 'true'), ('%7', 'null'), ('%8', '""')) t (pattern, value)
   where label like pattern;
  insert into vehicles (tenant_id, fleet_group_id, label)
    select tenant_id, id, 'Idle of ' || name from fleet_groups;
  -- Costs that nobody knows, events that are void, and the last moment of a month in UTC.
  update manual_events set payload = payload - 'total_cost' - 'price_per_gallon' - 'cost' where id::text < '2';
  update manual_events set voided_at = now(), void_reason = 'Wrong.' where id::text > 'f';
  update manual_events set occurred_at = '2026-02-28 23:59:59.999Z' where id::text between '2' and '3';
  update vehicle_metrics set miles_driven = null where vehicle_id::text < '2';
"""
MARK_ALL = """
  insert into group_changes (tenant_id, fleet_group_id, since)
  select tenant_id, id, date '-infinity' from fleet_groups union all select id, id, date '-infinity' from tenants
"""


@pytest.fixture(scope="module")
def world(databases, migrated):
    """Two small tenants over three months, with what is missing in real fleets."""
    addresses = databases.make(name_of(migrated))
    load_demo(addresses.owner, size=DemoSize(2, 12, 40, 90), until=UNTIL, progress=lambda *_: None)
    with psycopg.connect(addresses.owner) as connection:
        connection.execute(EXTRAS)
    yield addresses
    databases.drop(addresses)


@pytest.fixture(scope="module")
def oracle(world):
    """The raw tables."""
    return Oracle(world.owner)


@pytest.fixture(scope="module")
async def gateway(world):
    """The gateway's pool, with a field that is encrypted."""
    keyring = Keyring(
        EncryptedFields.of(["vehicles.extended_attributes.custom_fields.owner"]), MasterKeys.of(new_master_key("test"))
    )
    database = await Database.connect(world.gateway, PoolSettings(max_size=2), keyring)
    yield database
    await database.close()


@pytest.fixture
def tell(world, gateway, engine):
    """A function that asks as somebody: the data, the codes of its errors, and the names of the statements."""

    async def tell(person, query, **variables):
        found = await member(world.owner, person, TENANT[person])
        document = engine.document(query)
        assert not document.errors, document.errors
        async with gateway.session(Caller(found.user_id, found.tenant_id)) as session:
            result = await engine.execute(document, session, {**DEFAULTS, **variables}, None)
        codes = [error.extensions["code"] for error in result.errors or ()]
        codes = [code for code in codes if code != "ENCRYPTED_FIELD_UNAVAILABLE"]  # what EXTRAS made up does not open
        return orjson.loads(orjson.dumps(result.data, default=str)), codes, [issued.name for issued in session.issued]

    return tell


def grant_at_random(world, fortune):
    """Gives the viewer other groups than before: none to three."""
    with psycopg.connect(world.owner) as connection:
        found = connection.execute(
            """select g.tenant_id, g.id, v.user_id, o.user_id from fleet_groups g
                 join memberships v on v.tenant_id = g.tenant_id and v.role = 'viewer'
                 join memberships o on o.tenant_id = g.tenant_id and o.role = 'owner'
                 join tenants t on t.id = g.tenant_id
                where t.name = 'Fleet 1' order by g.id"""
        ).fetchall()
        connection.execute("delete from group_permissions where tenant_id = %s", [found[0][0]])
        with connection.cursor() as cursor:
            cursor.executemany(
                """insert into group_permissions (tenant_id, fleet_group_id, user_id, granted_by, permission_level)
                   values (%s, %s, %s, %s, 'read')""",
                fortune.sample(found, fortune.choice([0, 1, 2, 3])),
            )


def store(world):
    """Stores the totals of every group, as the worker does."""
    with psycopg.connect(world.owner, autocommit=True, options="-c jit=off") as connection:
        connection.execute("select app.refresh_changed_figures()")


def keep(world, *, stored):
    """Stores the totals of every group; or marks each as changed, as where the worker is behind."""
    store(world)
    with psycopg.connect(world.owner) as connection:
        if not stored:
            connection.execute(MARK_ALL)


def live_on(world, fortune):
    """So that groups are as their totals say, or some of them no more: stores, or not; and lets something happen."""
    if fortune.random() < 0.7:
        store(world)
    with psycopg.connect(world.owner) as connection:
        for _ in range(fortune.choice([0, 0, 1, 2])):
            change = fortune.choice(list(CHANGES.values()))
            connection.execute(change, {"n": fortune.randrange(10_000)} if "%" in change else None)


def start_of(day, interval):
    """The first day of the interval that a day is in."""
    match interval:
        case "DAY":
            return day
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
        case "QUARTER":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case "YEAR":
            return date(day.year, 1, 1)


def centre_of(vehicle, path):
    """The text, number or boolean at a path, as PostgreSQL writes it."""
    value = vehicle["extended_attributes"]
    for key in path:
        value = value.get(key) if isinstance(value, dict) and "$enc" not in value else None
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool | int) else None


def selected(seen, asked):
    """The vehicles that a question is about."""
    cars = seen["vehicles"]
    if asked.get("groupId"):
        root = UUID(asked["groupId"])
        groups = subtree(seen["fleet_groups"], root) if asked["below"] else {root}
        cars = [car for car in cars if car["fleet_group_id"] in groups]
    wanted = asked.get("filter") or {}
    if "make" in wanted:
        cars = [car for car in cars if car["make"] in wanted["make"]["in"]]
    if "label" in wanted:
        cars = [car for car in cars if wanted["label"]["contains"] in car["label"]]
    return cars


def place_of(car, asked):
    """The values of the dimensions asked for, as an answer has them."""
    dimensions = asked["groupBy"]
    group = car["fleet_group_id"]
    return (
        str(group) if "GROUP" in dimensions and group else None,
        str(car["id"]) if "VEHICLE" in dimensions else None,
        car["make"] if "MAKE" in dimensions else None,
        car["model"] if "MODEL" in dimensions else None,
        centre_of(car, asked["path"]) if "COST_CENTRE" in dimensions else None,
    )


def added(values):
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def per_mile(cost, miles):
    """A cost by its miles, to a hundredth of a cent."""
    return (Decimal(cost) / miles).quantize(Decimal("0.0001"), ROUND_HALF_UP) if miles and cost is not None else None


def captured(oracle, seen, asked, interval, days, events):
    """The rows of metrics and events by place and interval, with the vehicles of each place."""
    cars = selected(seen, asked)
    places = {car["id"]: place_of(car, asked) for car in cars}
    period = asked.get("period")

    def key(vehicle, day):
        within = period is None or date.fromisoformat(period["start"]) <= day < date.fromisoformat(period["end"])
        return (places[vehicle], interval and start_of(day, interval)) if vehicle in places and within else None

    found = defaultdict(lambda: ([], []))
    if interval is None:
        for place in places.values():
            found[place, None]  # a row even where nothing was captured
    for row in oracle.rows["vehicle_metrics"] if days else ():
        if row["period_type"] == "daily" and (at := key(row["vehicle_id"], row["metric_date"])):
            found[at][0].append(row)
    for row in oracle.rows["manual_events"] + oracle.rows["manual_events_archive"] if events else ():
        if row["event_type"] in {"fuel_purchase", "maintenance"} and row["voided_at"] is None:
            at = key(row["vehicle_id"], row["occurred_at"].astimezone(UTC).date())
            if at:
                found[at][1].append(row)
    return found, {place: sum(one == place for one in places.values()) for place in places.values()}


def figures(days, events, vehicles):
    """Every figure of a row, by brute force."""
    by_kind = {
        kind: added(row["cost"] for row in events if row["event_type"] == kind)
        for kind in ("fuel_purchase", "maintenance")
    }
    miles, total = added(row["miles_driven"] for row in days), added(by_kind.values())
    active = {row["vehicle_id"] for row in days if row["miles_driven"]} | {row["vehicle_id"] for row in events}
    return {
        "vehicleCount": vehicles,
        "activeVehicles": len(active),
        "milesDriven": miles,
        "idleMinutes": added(row["idle_minutes"] for row in days),
        "harshEvents": added(row["harsh_events"] for row in days),
        "fuelGallons": added(row["gallons"] for row in events),
        "fuelCost": by_kind["fuel_purchase"],
        "maintenanceCost": by_kind["maintenance"],
        "totalCost": total,
        "fuelCostPerMile": per_mile(by_kind["fuel_purchase"], miles),
        "maintenanceCostPerMile": per_mile(by_kind["maintenance"], miles),
        "totalCostPerMile": per_mile(total, miles),
        "costPerMile": per_mile(total, miles),
    }


def by_key(rows, start):
    """The rows of an answer by place and interval; no two share one."""
    found = {}
    for row in rows:
        at = row.pop(start)
        group, vehicle = (place and place["id"] for place in (row.pop("fleetGroup"), row.pop("vehicle")))
        place = (group, vehicle, row.pop("make"), row.pop("model"), row.pop("costCentre"))
        values = {name: Decimal(value) if isinstance(value, str) else value for name, value in row.items()}
        found[place, at and date.fromisoformat(at)] = values
    assert len(found) == len(rows)
    return found


def question(fortune, oracle, dimensions):
    """Arguments drawn at random; groups are taken from all tenants."""
    if fortune.random() < 0.5:  # what whole groups answer
        dimensions = [one for one in dimensions if one in {"GROUP", "MONTH"}]
    group_by = fortune.sample(dimensions, fortune.randint(0, min(3, len(dimensions))))
    asked = {**DEFAULTS, "groupBy": group_by, "below": fortune.random() < 0.7}
    if fortune.random() < 0.7:
        start = UNTIL - timedelta(days=fortune.randint(1, 100))
        end = start + timedelta(days=fortune.randint(1, 100))
        asked["period"] = {"start": start.isoformat(), "end": end.isoformat()}
    if fortune.random() < 0.5:
        asked["groupId"] = str(fortune.choice(oracle.rows["fleet_groups"])["id"])
    if fortune.random() < 0.4:
        asked["filter"] = fortune.choice([{"make": {"in": ["Ford", "Toyota", "Ram"]}}, {"label": {"contains": "an 1"}}])
    if fortune.random() < 0.2:
        asked["path"] = fortune.choice([["operational", "shift"], ["physical"], ["no", "such"]])
    return asked


@pytest.mark.parametrize("seed", range(40))
async def test_costs_are_those_of_the_raw_rows(seed, world, tell):
    """Any dimensions, period, group, filter, grants and changes: the same rows and figures, to the last digit."""
    fortune = random.Random(seed)  # noqa: S311
    grant_at_random(world, fortune)
    live_on(world, fortune)
    oracle = Oracle(world.owner)
    person = fortune.choice([OWNER, VIEWER, VIEWER, OTHER])
    asked = question(fortune, oracle, ["GROUP", "VEHICLE", "MONTH", "MAKE", "MODEL", "COST_CENTRE"])
    data, codes, _ = await tell(person, BREAKDOWN, **asked)
    assert codes == []
    interval = "MONTH" if "MONTH" in asked["groupBy"] else None
    seen = oracle.see(person, TENANT[person])
    found, counts = captured(oracle, seen, asked, interval, days=True, events=True)
    expected = {at: figures(*rows, counts[at[0]]) for at, rows in found.items()}
    expected = {at: {name: row[name] for name in COSTS} for at, row in expected.items()}
    assert by_key(data["rows"], "month") == expected


@pytest.mark.parametrize("seed", range(40))
async def test_series_are_those_of_the_raw_rows(seed, world, tell):
    """Any interval, measures, dimensions, period, group, filter, grants, changes; what was not asked for is null."""
    fortune = random.Random(1000 + seed)  # noqa: S311
    grant_at_random(world, fortune)
    live_on(world, fortune)
    oracle = Oracle(world.owner)
    person = fortune.choice([OWNER, VIEWER, VIEWER, OTHER])
    asked = question(fortune, oracle, ["GROUP", "VEHICLE", "MAKE", "MODEL", "COST_CENTRE"])
    interval = fortune.choice(["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"])
    measures = fortune.sample(list(MEASURES), fortune.choice([1, 2, 3, 10]))
    data, codes, _ = await tell(person, SERIES, **asked, interval=interval, measures=measures)
    assert codes == []
    both = {"days": bool(set(measures) - OF_EVENTS), "events": bool(set(measures) - OF_DAYS)}
    found, counts = captured(oracle, oracle.see(person, TENANT[person]), asked, interval, **both)
    expected = {at: figures(*rows, counts[at[0]]) for at, rows in found.items()}
    expected = {
        at: {field: row[field] if name in measures else None for name, field in MEASURES.items()}
        for at, row in expected.items()
    }
    assert by_key(data["rows"], "start") == expected


@pytest.mark.parametrize("group_by", [[], ["GROUP"], ["VEHICLE", "MONTH"], ["MAKE", "COST_CENTRE"]], ids="-".join)
@pytest.mark.parametrize("person", [OWNER, VIEWER])
async def test_all_rows_together_are_the_rollup_of_the_same_subtree(group_by, person, world, tell):
    """Of the tenant and of each group: miles, gallons, costs and vehicles."""
    live_on(world, random.Random(person))  # noqa: S311
    grant_at_random(world, random.Random(3))  # noqa: S311
    period = {"start": "2026-02-01", "end": "2026-03-15"}
    query = f"query ($period: Period) {{ fleetGroups {{ nodes {{ id rollup(period: $period) {{ {ROLLUP} }} }} }} "
    data, _, _ = await tell(person, query + f"tenant {{ id rollup(period: $period) {{ {ROLLUP} }} }} }}", period=period)
    assert data["fleetGroups"]["nodes"]
    for place in [*data["fleetGroups"]["nodes"], data["tenant"]]:
        group = None if place is data["tenant"] else place["id"]
        rows, codes, _ = await tell(person, BREAKDOWN, groupBy=group_by, period=period, groupId=group)
        assert codes == []
        assert rows["rows"]
        for name in ROLLUP.split():
            if name == "vehicleCount" and "MONTH" in group_by:
                continue
            total = sum(Decimal(row[name] or 0) for row in rows["rows"])
            assert total == Decimal(place["rollup"][name]), name


async def test_viewers_see_their_own_vehicles_alone(world, tell):
    """By vehicle: those of the groups granted and no other, and of a group that is hidden nothing, as of none."""
    grant_at_random(world, random.Random(4))  # noqa: S311
    oracle = Oracle(world.owner)
    seen = {str(row["id"]) for row in oracle.see(VIEWER, TENANT[VIEWER])["vehicles"]}
    assert 0 < len(seen) < len(oracle.rows["vehicles"])
    data, _, _ = await tell(VIEWER, BREAKDOWN, groupBy=["VEHICLE"])
    assert {row["vehicle"]["id"] for row in data["rows"]} == seen
    own = {row["id"] for row in oracle.see(VIEWER, TENANT[VIEWER])["fleet_groups"]}
    hidden = [str(row["id"]) for row in oracle.rows["fleet_groups"] if row["id"] not in own]
    for group in (*hidden, str(uuid4())):
        for query in (BREAKDOWN, SERIES):
            answer = await tell(VIEWER, query, groupId=group, interval="DAY", measures=["TOTAL_COST"])
            assert answer[:2] == ({"rows": []}, [])


@pytest.mark.parametrize("group_by", [[], ["GROUP"], ["VEHICLE", "MONTH"], ["MODEL", "MONTH"]], ids="-".join)
@pytest.mark.parametrize("period", [None, {"start": "2026-02-01", "end": "2026-03-15"}], ids=["always", "period"])
@pytest.mark.parametrize("stored", [True, False])
async def test_fuel_economy_is_total_over_total_of_the_accepted_spans(group_by, period, stored, world, tell):
    """Of those that end in the period; and asking for it neither adds rows nor takes any away."""
    keep(world, stored=stored)
    grant_at_random(world, random.Random(3))  # noqa: S311
    query = BREAKDOWN.replace("totalCost ", "totalCost %s ", 1)
    oracle = Oracle(world.owner)
    with psycopg.connect(world.owner) as connection:
        spans = connection.execute(
            """select vehicle_id, (ended_at at time zone 'UTC')::date, miles, gallons
                 from app.fuel_spans((select id from tenants where name = 'Fleet 1'), array(select id from vehicles))
                where rejected_reason is null"""
        ).fetchall()
    for person in (OWNER, VIEWER):
        cars = {row["id"]: row for row in oracle.see(person, TENANT[person])["vehicles"]}
        asked = {**DEFAULTS, "groupBy": group_by}
        sums = defaultdict(lambda: [0, Decimal(0)])
        for vehicle, day, miles, gallons in spans:
            within = period is None or date.fromisoformat(period["start"]) <= day < date.fromisoformat(period["end"])
            if vehicle in cars and within:
                total = sums[place_of(cars[vehicle], asked), start_of(day, "MONTH") if "MONTH" in group_by else None]
                total[0] += miles
                total[1] += gallons
        without = by_key((await tell(person, query % "", groupBy=group_by, period=period))[0]["rows"], "month")
        rows = by_key(
            (await tell(person, query % "fuelEfficiencyMpg", groupBy=group_by, period=period))[0]["rows"], "month"
        )
        found = {at: row.pop("fuelEfficiencyMpg") for at, row in rows.items()}
        assert rows == without
        found = {at: mpg for at, mpg in found.items() if mpg is not None}
        assert found == {at: pytest.approx(miles / float(gallons)) for at, (miles, gallons) in sums.items()}
        assert found


@pytest.mark.parametrize("group_by", [[], ["GROUP"], ["MAKE", "MODEL"]], ids="-".join)
@pytest.mark.parametrize("interval", ["WEEK", "QUARTER"])
@pytest.mark.parametrize("stored", [True, False])
async def test_a_series_of_fuel_economy_is_total_over_total_of_the_accepted_spans(
    group_by, interval, stored, world, tell
):
    """A row for each interval in which one ends; with other measures beside it the same figures."""
    keep(world, stored=stored)
    grant_at_random(world, random.Random(3))  # noqa: S311
    oracle = Oracle(world.owner)
    with psycopg.connect(world.owner) as connection:
        spans = connection.execute(
            """select vehicle_id, (ended_at at time zone 'UTC')::date, miles, gallons
                 from app.fuel_spans((select id from tenants where name = 'Fleet 1'), array(select id from vehicles))
                where rejected_reason is null"""
        ).fetchall()
    query = SERIES.replace("costPerMile", "costPerMile fuelEfficiencyMpg")
    for person in (OWNER, VIEWER):
        cars = {row["id"]: row for row in oracle.see(person, TENANT[person])["vehicles"]}
        asked = {"groupBy": group_by, "interval": interval}
        sums = defaultdict(lambda: [0, Decimal(0)])
        for vehicle, day, miles, gallons in spans:
            if vehicle in cars:
                total = sums[place_of(cars[vehicle], {**DEFAULTS, **asked}), start_of(day, interval)]
                total[0] += miles
                total[1] += gallons
        alone = by_key((await tell(person, query, **asked, measures=["FUEL_EFFICIENCY_MPG"]))[0]["rows"], "start")
        found = {at: row["fuelEfficiencyMpg"] for at, row in alone.items()}
        assert found == {at: pytest.approx(miles / float(gallons)) for at, (miles, gallons) in sums.items()}
        assert found
        both = ["FUEL_EFFICIENCY_MPG", "MILES_DRIVEN", "TOTAL_COST"]
        beside = by_key((await tell(person, query, **asked, measures=both))[0]["rows"], "start")
        assert {at: row["fuelEfficiencyMpg"] for at, row in beside.items() if row["fuelEfficiencyMpg"]} == found
        plain = by_key((await tell(person, SERIES, **asked, measures=both[1:]))[0]["rows"], "start")
        for row in beside.values():
            del row["fuelEfficiencyMpg"]
        assert beside == plain


WHOLE = [
    (BREAKDOWN, {}),
    (BREAKDOWN, {"groupBy": ["GROUP"]}),
    (BREAKDOWN, {"groupBy": ["GROUP", "MONTH"]}),
    (SERIES, {"interval": "DAY", "measures": ["MILES_DRIVEN"]}),
    (SERIES, {"interval": "QUARTER", "measures": ["MILES_DRIVEN", "TOTAL_COST"], "groupBy": ["GROUP"]}),
]
SINGLE = [
    (BREAKDOWN, {"groupBy": ["MAKE"]}),
    (BREAKDOWN, {"groupBy": ["GROUP", "VEHICLE"]}),
    (BREAKDOWN, {"filter": {"label": {"contains": "a"}}}),
    (SERIES, {"interval": "MONTH", "measures": ["MILES_DRIVEN", "ACTIVE_VEHICLES"]}),
    (SERIES, {"interval": "MONTH", "measures": ["FUEL_COST"]}),
]


@pytest.mark.parametrize("person", [OWNER, VIEWER])
async def test_whole_groups_are_told_from_what_is_stored_of_them(person, world, tell):
    """Where no vehicle is told from another, and nothing changed since: a wrong total shows there, and there alone."""
    grant_at_random(world, random.Random(4))  # noqa: S311
    store(world)

    async def told():
        answers = [(await tell(person, query, **asked))[0]["rows"] for query, asked in WHOLE + SINGLE]
        return answers[: len(WHOLE)], answers[len(WHOLE) :]

    whole, single = await told()
    with psycopg.connect(world.owner) as connection:
        connection.execute("update group_metrics set miles_driven = miles_driven + 1000, fuel_cost = fuel_cost + 1000")
    try:
        wrong, right = await told()
        assert right == single
        assert all(one != other for one, other in zip(wrong, whole, strict=True))
        with psycopg.connect(world.owner) as connection:
            connection.execute(MARK_ALL)
        assert await told() == (whole, single)
    finally:
        store(world)
    assert await told() == (whole, single)


async def test_many_events_of_a_vehicle_multiply_nothing(world, oracle, tell):
    """A hundred more purchases add their cost; vehicles, miles and maintenance stay, in every way to group."""
    (car, *_) = (row for row in oracle.see(OWNER, "Fleet 1")["vehicles"] if row["fleet_group_id"])
    ways = [[], ["GROUP"], ["VEHICLE"], ["MAKE", "MODEL"], ["GROUP", "MONTH"]]
    before = [(await tell(OWNER, BREAKDOWN, groupBy=way))[0]["rows"] for way in ways]
    with psycopg.connect(world.owner) as connection:
        connection.execute(
            """insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
               select %s, %s, 'fuel_purchase', '{"gallons": 1, "total_cost": 4}', user_id, '2026-02-10 10:00Z'
                 from memberships, generate_series(1, 100) where tenant_id = %s and role = 'owner'""",
            [car["tenant_id"], car["id"], car["tenant_id"]],
        )
    try:
        after = [(await tell(OWNER, BREAKDOWN, groupBy=way))[0]["rows"] for way in ways]
    finally:
        with psycopg.connect(world.owner) as connection:
            connection.execute('delete from manual_events where payload = \'{"gallons": 1, "total_cost": 4}\'')
    for old, new in zip(before, after, strict=True):
        changes = [
            {name: (Decimal(one[name] or 0), Decimal(other[name] or 0)) for name in COSTS if "Per" not in name}
            for one, other in zip(old, new, strict=True)
            if one != other
        ]
        ((only,)) = changes
        differences = {name: later - earlier for name, (earlier, later) in only.items() if later != earlier}
        assert differences == {"fuelGallons": 100, "fuelCost": 400, "totalCost": 400}


BY_HAND = """
  insert into fleet_groups (tenant_id, id, name) select id, %(group)s, 'By hand' from tenants where name = 'Fleet 2';
  insert into vehicles (tenant_id, fleet_group_id, label)
    select tenant_id, id, label from fleet_groups, (values ('Van 1'), ('Van 2')) t (label) where id = %(group)s;
  insert into vehicle_metrics (tenant_id, vehicle_id, metric_date, period_type, miles_driven)
    select v.tenant_id, v.id, '2026-10-05', 'daily', case label when 'Van 1' then 1000 else 100 end
      from vehicles v where fleet_group_id = %(group)s;
  insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
    select v.tenant_id, v.id, type, payload::jsonb, m.user_id, '2026-10-09 12:00Z'
      from (values ('Van 1', 'fuel_purchase', '{"gallons": 50, "total_cost": 150}'),
                   ('Van 1', 'maintenance', '{"service_type": "tires", "cost": 250}'),
                   ('Van 2', 'fuel_purchase', '{"gallons": 10, "price_per_gallon": 3.5}')) t (label, type, payload)
      join vehicles v on v.label = t.label and v.fleet_group_id = %(group)s
      join memberships m on m.tenant_id = v.tenant_id and m.role = 'owner'
"""


async def test_the_example_by_hand_in_the_docs(world, tell):
    """Two vans in October, as docs/numbers.md reckons them."""
    group = str(uuid4())
    with psycopg.connect(world.owner) as connection:
        connection.execute(psycopg.sql.SQL(BY_HAND.replace("%(group)s", f"'{group}'")))
    asked = {"groupId": group, "period": {"start": "2026-10-01", "end": "2026-11-01"}}

    async def told(name, *dimensions):
        data, codes, _ = await tell(OTHER, BREAKDOWN, **asked, groupBy=list(dimensions))
        assert codes == []
        return [row[name] for row in data["rows"]]

    assert await told("totalCostPerMile", "VEHICLE") == ["0.4000", "0.3500"]
    assert await told("maintenanceCost", "VEHICLE") == ["250", None]
    assert await told("maintenanceCostPerMile", "VEHICLE") == ["0.2500", None]
    assert await told("totalCostPerMile", "GROUP", "MONTH") == ["0.3955"]
    assert await told("totalCost") == ["435.00"]
    assert await told("fuelGallons") == ["60"]


async def test_a_query_is_one_statement_and_one_more_for_each_kind_of_object(ask):
    """However many rows; groups and vehicles come from the loaders, for all rows together."""
    flat = "query ($groupBy: [CostDimension!]!) { costBreakdown(groupBy: $groupBy) { month make %s totalCost } }"
    every = ["GROUP", "VEHICLE", "MONTH", "MAKE", "MODEL", "COST_CENTRE"]
    person = "owner@enterprise.example"
    answer = await ask(flat % "", person, groupBy=every)
    assert (answer.errors, [one.name for one in answer.issued]) == ([], ["cost_breakdown"])
    assert len(answer.data["costBreakdown"]) > 3000
    answer = await ask(flat % "fleetGroup { name } vehicle { label }", person, groupBy=every)
    assert sorted(one.name for one in answer.issued) == ["cost_breakdown", "fleet_groups_by_id", "vehicles_by_id"]
    series = "{ metricsSeries(interval: WEEK, measures: [MILES_DRIVEN, TOTAL_COST], groupBy: [GROUP]) { start make } }"
    answer = await ask(series, person)
    assert (answer.errors, [one.name for one in answer.issued]) == ([], ["metrics_series"])


async def test_first_cuts_and_rows_come_in_order(tell):
    """By vehicle and then by month, whatever the order of groupBy; the first of them are the first of all."""
    query = """query ($first: Int) { costBreakdown(groupBy: [MONTH, VEHICLE], first: $first) {
      month vehicle { id label } } }"""
    rows = (await tell(OWNER, query))[0]["costBreakdown"]
    vehicles = list(dict.fromkeys(row["vehicle"]["id"] for row in rows))
    assert [(vehicles.index(row["vehicle"]["id"]), row["month"]) for row in rows] == sorted(
        (vehicles.index(row["vehicle"]["id"]), row["month"]) for row in rows
    )
    for first in (0, 1, 7, 10_000):
        assert (await tell(OWNER, query, first=first))[0]["costBreakdown"] == rows[:first]


async def test_more_rows_than_there_may_be_are_an_error(tell, monkeypatch):
    """Nothing is cut off silently: without first the answer has all rows or none."""
    query = "query ($first: Int) { rows: costBreakdown(groupBy: [VEHICLE], first: $first) { vehicleCount } }"
    rows = (await tell(OWNER, query))[0]["rows"]
    monkeypatch.setattr("resolvers.dimensions.MAX_ROWS", len(rows))
    assert (await tell(OWNER, query))[:2] == ({"rows": rows}, [])
    monkeypatch.setattr("resolvers.dimensions.MAX_ROWS", len(rows) - 1)
    assert (await tell(OWNER, query))[:2] == (None, ["TOO_MANY_ROWS"])
    assert (await tell(OWNER, query, first=5))[:2] == ({"rows": rows[:5]}, [])


async def test_nothing_is_grouped_by_what_is_encrypted(tell):
    """A path to it, or into it, is refused, also through lists; what is stored encrypted counts as none."""
    for path in (["custom_fields", "owner"], ["custom_fields", "owner", "name"], ["custom_fields", "0", "owner"]):
        for query in (BREAKDOWN, SERIES):
            asked = {"groupBy": ["COST_CENTRE"], "path": path, "interval": "YEAR", "measures": ["TOTAL_COST"]}
            assert (await tell(OWNER, query, **asked))[1] == ["INVALID_ARGUMENT"]
    for path in (["custom_fields", "cost_center"], ["custom_fields", "cost_center", "data"], ["custom_fields"]):
        data, codes, _ = await tell(OWNER, BREAKDOWN, groupBy=["COST_CENTRE"], path=path)
        assert codes == []
        assert "BBBB" not in orjson.dumps(data).decode()
        assert None in {row["costCentre"] for row in data["rows"]}


def test_which_paths_lead_to_an_encrypted_value():
    """Keys in order, with positions of lists between them."""
    fields = EncryptedFields.of(["vehicles.extended_attributes.a.b", "manual_events.payload.c"])
    leading = [["a", "b"], ["a", "b", "c"], ["a", "0", "b"], ["a", "-1", "b", "x"], ["a", " 2", "b"]]
    other = [["a"], ["b"], ["b", "a"], ["a", "x", "b"], ["c"], ["x", "a", "b"]]
    assert all(fields.cover("vehicles", path) for path in leading)
    assert not any(fields.cover("vehicles", path) for path in other)

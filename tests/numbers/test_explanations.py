"""Explanations: each rule by hand, at its bounds, and what becomes of its sentence when figures change."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from sql import metrics
from sql.embedded import Addresses
from sql.explanations import explain
from sql.owner import statements
from tests.conftest import Ask
from tests.numbers.conftest import Garage

pytestmark = pytest.mark.database

SUMMER, AUTUMN = date(2026, 6, 30), date(2026, 8, 1)
SPRING = 95  # the sixth of April
FIGURES = {
    "miles": "milesDriven",
    "fuel_cost": "fuelCost",
    "maintenance_cost": "maintenanceCost",
    "cost": "totalCost",
    "cost_per_mile": "totalCostPerMile",
}
ECONOMY, SERVICE, COST, READINGS = "ECONOMY_FALLING", "SERVICE_OVERDUE", "COST_OUTLIER", "REJECTED_READINGS"


def figures(garage: Garage, subject: UUID, kind: str) -> dict[str, Any]:
    """The figures of what holds now."""
    ((found,),) = garage.connection.execute(
        "select figures from explanations where %s in (vehicle_id, fleet_group_id) and kind = %s and closed_at is null",
        [subject, kind],
    ).fetchall()
    return dict(found)


def rows(garage: Garage) -> list[tuple[Any, ...]]:
    """Every explanation, whole."""
    return garage.connection.execute("select * from explanations order by id").fetchall()


def thirsty(garage: Garage, *, miles: int = 270, **columns: Any) -> UUID:
    """A vehicle of which 30 mpg are expected, with four spans of 10 gallons in spring."""
    vehicle = garage.vehicle(baseline=30, **columns)
    garage.drive(vehicle, begin=True, at=SPRING, odometer=1000, spans=4, miles=miles)
    return vehicle


def spender(garage: Garage, cost: float, *, miles: int = 1000, **columns: Any) -> UUID:
    """A vehicle that drove so many miles in January, with a repair at that cost."""
    vehicle = garage.vehicle(interval=90_000, **columns)
    garage.record(vehicle, "odometer_reading", 1, miles=5000)
    garage.record(vehicle, "odometer_reading", 20, miles=5000 + miles)
    garage.record(vehicle, "maintenance", 10, service_type="repair", cost=cost)
    return vehicle


def test_nothing_captured_nothing_said(garage: Garage):
    """Not of a vehicle without events, and not of a group without vehicles."""
    garage.group("Empty")
    garage.vehicle(group=garage.group("North"))
    assert garage.explain(SUMMER).written == 0
    assert rows(garage) == []


@pytest.mark.parametrize(("miles", "is_said"), [(271, False), (270, True)])
def test_falling_economy_in_a_sentence(garage: Garage, miles: int, is_said: bool):
    """A tenth below what is expected, to the mile."""
    vehicle = thirsty(garage, miles=miles, label="Van 3")
    garage.explain(SUMMER)
    sentence = "Van 3 has got 27.0 mpg since 1 April 2026 (1,080 miles on 40.0 gallons): "
    sentence += "10 % less than the 30.0 mpg expected of it."
    assert garage.said(vehicle) == ({ECONOMY: sentence} if is_said else {})


def test_falling_economy_against_last_year(garage: Garage):
    """The baseline is the year before, 4 x 300 + 4 x 320 miles of 80 gallons; both are in the figures."""
    vehicle = garage.vehicle(label="Van 3")
    miles = garage.drive(vehicle, begin=True, at=SPRING - 365, odometer=0, spans=4, miles=300)
    miles = garage.drive(vehicle, at=10, odometer=miles, spans=4, miles=320)
    garage.drive(vehicle, at=SPRING, odometer=miles, spans=4, miles=260)
    garage.explain(SUMMER)
    assert garage.said(vehicle)[ECONOMY] == (
        "Van 3 has got 26.0 mpg since 1 April 2026 (1,040 miles on 40.0 gallons): "
        "16 % less than its 31.0 mpg over the year before, and 13 % less than the 30.0 of the same days last year."
    )
    assert figures(garage, vehicle, ECONOMY) == {
        "vehicle": "Van 3",
        "miles": 1040,
        "gallons": 40.0,
        "mpg": 26.0,
        "baseline_mpg": 31.0,
        "baseline_source": "YEAR_BEFORE",
        "change_pct": -16.1,
        "last_year_mpg": 30.0,
        "last_year_change_pct": -13.3,
        "is_over": False,
    }


def test_the_later_quarter_that_says_anything_counts(garage: Garage):
    """Spring's stands in summer, until summer has four spans; then it is history."""
    vehicle = thirsty(garage, label="Van 3")
    assert garage.explain(SUMMER).written == 1
    assert garage.explain(AUTUMN).written == 1, "the period is over now"
    assert "got 27.0 mpg from 1 April to 30 June 2026" in garage.said(vehicle)[ECONOMY]
    miles = garage.drive(vehicle, at=185, odometer=2080, spans=3, miles=260)
    garage.explain(AUTUMN)
    assert "from 1 April" in garage.said(vehicle)[ECONOMY]
    garage.drive(vehicle, at=205, odometer=miles, spans=1, miles=260)
    done = garage.explain(AUTUMN)
    assert (done.written, done.closed) == (1, 1)
    assert "has got 26.0 mpg since 1 July 2026" in garage.said(vehicle)[ECONOMY]
    assert "from 1 April to 30 June" in garage.said(vehicle, closed=True)[ECONOMY]


@pytest.mark.parametrize(("driven", "is_said"), [(5500, False), (5501, True)])
def test_an_overdue_service_by_miles(garage: Garage, driven: int, is_said: bool):
    """Past 110 % of the interval, to the mile."""
    vehicle = garage.vehicle(label="Van 3")
    garage.record(vehicle, "maintenance", 1, service_type="oil_change", odometer_miles=1000)
    garage.record(vehicle, "odometer_reading", 60, miles=1000 + driven)
    garage.explain(61)
    sentence = "Van 3 is 501 miles past its service: it has driven 5,501 since the last one on 2 January 2026, "
    assert garage.said(vehicle) == ({SERVICE: sentence + "and 5,000 are meant to be between two."} if is_said else {})


def test_an_overdue_service_before_any_by_date_and_by_engine_hours(garage: Garage):
    """Each says by what; days that pass say nothing new."""
    new, dated, hourly = garage.vehicle(label="A"), garage.vehicle(label="B"), garage.vehicle(label="C")
    garage.read(new, 1000, 7000, every=30)
    garage.record(dated, "maintenance", 1, service_type="inspection", next_service={"date": "2026-02-01"})
    garage.record(
        hourly, "maintenance", 1, service_type="oil_change", engine_hours=10, next_service={"engine_hours": 50}
    )
    garage.record(hourly, "odometer_reading", 9, miles=100, engine_hours=70)
    garage.explain(60)
    assert garage.said(new)[SERVICE] == (
        "A is 1,000 miles past its service: it has driven 6,000 since its first reading, and 5,000 are meant to be "
        "between two."
    )
    assert (
        garage.said(dated)[SERVICE] == "B was due for service on 1 February 2026; the last one was on 2 January 2026."
    )
    assert "C has run more engine hours since its service on 2 January 2026" in garage.said(hourly)[SERVICE]
    assert garage.explain(70) == garage.explain(80)
    assert garage.explain(80).written == 0


def test_a_service_that_is_done_closes_what_was_said(garage: Garage):
    """It stays as history, and the next one that is overdue is told beside it."""
    vehicle = garage.vehicle()
    garage.read(vehicle, 1000, 7000, every=30)
    garage.explain(31)
    garage.record(vehicle, "maintenance", 32, service_type="oil_change", odometer_miles=7100)
    done = garage.explain(33)
    assert (done.written, done.closed) == (0, 1)
    assert garage.said(vehicle) == {}
    assert "6,000" in garage.said(vehicle, closed=True)[SERVICE]
    garage.record(vehicle, "odometer_reading", 60, miles=13_000)
    garage.explain(61)
    assert "driven 5,900 since the last one on 2 February 2026" in garage.said(vehicle)[SERVICE]
    assert len(rows(garage)) == 2


@pytest.mark.parametrize(("cost", "is_said"), [(617, False), (620, True)])
def test_a_cost_outlier_among_the_vehicles_of_a_group(garage: Garage, cost: float, is_said: bool):
    """Of 0.25, 0.36, 0.40, 0.442 and x a mile: median 0.40, deviations 0, 0.04, 0.042, 0.15 and more, so MAD 0.042.

    0.6745 x (x - 0.40) / 0.042 is 3.5 at x = 0.6179.
    """
    group = garage.group("North")
    for one in (250, 360, 400, 442):
        spender(garage, one, group=group, make="Ford", model="Transit")
    vehicle = spender(garage, cost, group=group, label="Van 3", make="Ford", model="Transit")
    garage.explain(SUMMER)
    sentence = "Van 3 has cost $0.62 a mile since 1 July 2025 ($620.00 over 1,000 miles): "
    sentence += "55 % more than the $0.40 that is usual among the 5 Ford Transit of its group."
    assert garage.said(vehicle) == ({COST: sentence} if is_said else {})
    assert len(rows(garage)) == is_said


@pytest.mark.parametrize(("cost", "is_said"), [(499, False), (500, True)])
def test_among_vehicles_that_cost_the_same_a_quarter_more_is_told(garage: Garage, cost: float, is_said: bool):
    """The median absolute deviation is 0: no cents matter."""
    for _ in range(4):
        spender(garage, 400)
    vehicle = spender(garage, cost, label="Van 3")
    garage.explain(SUMMER)
    assert (COST in garage.said(vehicle)) == is_said
    if is_said:
        assert garage.said(vehicle)[COST].endswith(
            "25 % more than the $0.40 that is usual among the 5 vehicles without a group."
        )


def test_costs_are_compared_with_the_own_group_and_model_where_there_are_five(garage: Garage):
    """Trucks are dear among cars, and not among five trucks; of four vehicles, or 999 miles, nothing is said."""
    north, south = garage.group("North"), garage.group("South")
    cars = [spender(garage, 200, group=north, make="Toyota", model="Corolla") for _ in range(6)]
    trucks = [spender(garage, 600, group=north, make="Isuzu", model="NPR") for _ in range(5)]
    few = [spender(garage, cost, group=south) for cost in (100, 100, 100, 900)]
    short = spender(garage, 5000, miles=999, group=north, make="Isuzu", model="NPR")
    garage.explain(SUMMER)
    assert rows(garage) == []
    (fifth,) = (spender(garage, 100, group=south),)
    garage.explain(SUMMER)
    assert set(garage.said(few[3])) == {COST}
    assert figures(garage, few[3], COST)["compared_with"] == "GROUP"
    assert not any(garage.said(one) for one in (*cars, *trucks, *few[:3], short, fifth))


def test_rejected_readings_with_the_latest_and_why(garage: Garage):
    """One, then two; a reading that is made void says nothing more."""
    vehicle = garage.vehicle(label="Van 3")
    _, wrong, *_ = garage.read(vehicle, 1000, 200_000, 1100, 1200)
    garage.explain(20)
    assert garage.said(vehicle)[READINGS] == (
        "1 of the 4 odometer readings of Van 3 since 1 January 2026 was not accepted: 200,000 miles on 2 January 2026, "
        "more than a later reading. Please verify what is right and void what is not."
    )
    low = garage.record(vehicle, "odometer_reading", 10, miles=12)
    garage.explain(20)
    assert garage.said(vehicle)[READINGS].startswith(
        "2 of the 5 odometer readings of Van 3 since 1 January 2026 were not accepted; the latest is 12 miles on "
        "11 January 2026, less than an earlier reading."
    )
    for event in (wrong, low):
        garage.connection.execute(
            "update manual_events set voided_at = now(), void_reason = 'x' where id = %s", [event]
        )
    assert garage.explain(20).closed == 1
    assert garage.said(vehicle) == {}


def test_the_quarter_of_a_rejected_reading_is_that_of_the_vehicle(garage: Garage):
    """One of 31 March at 20:00 UTC is of 1 April in Tokyo."""
    vehicle = garage.vehicle(label="Van 3")
    garage.keep(vehicle, "Asia/Tokyo")
    for at, miles in ((79, 1000), (80, 1010), (89 + 1 / 3, 500), (95, 1100)):
        garage.record(vehicle, "odometer_reading", at, miles=miles)
    garage.explain(SUMMER)
    assert garage.said(vehicle)[READINGS].startswith(
        "1 of the 2 odometer readings of Van 3 since 1 April 2026 was not accepted: 500 miles on 1 April 2026,"
    )


def test_rejected_readings_of_half_a_year_ago_are_history(garage: Garage):
    """They stand for the quarter they are in and the one after it."""
    vehicle = garage.vehicle()
    garage.read(vehicle, 1000, 500, 1100)
    garage.explain(40)
    assert garage.explain(SUMMER).written == 1
    assert "from 1 January to 31 March 2026" in garage.said(vehicle)[READINGS]
    assert garage.explain(AUTUMN).closed == 1


def test_a_group_is_told_of_two_vehicles_and_more_below_it(garage: Garage):
    """With their names, those first that wait longest; the group with one of them is told nothing."""
    top = garage.group("Top")
    north, south = garage.group("North", top), garage.group("South", top)
    for number, group in enumerate((north, north, north, south)):
        vehicle = garage.vehicle(label=f"Van {number}", group=group)
        garage.record(vehicle, "odometer_reading", number, miles=100)
        garage.record(vehicle, "odometer_reading", 60, miles=9000)
    garage.vehicle(group=south)
    garage.explain(61)
    assert garage.said(north) == {
        SERVICE: "3 of the 3 vehicles in North are overdue for service: Van 0, Van 1 and Van 2."
    }
    assert garage.said(top) == {
        SERVICE: "4 of the 5 vehicles in Top are overdue for service: Van 0, Van 1, Van 2 and 1 more."
    }
    assert garage.said(south) == {}


def test_a_group_is_told_of_rejected_readings_and_costs(garage: Garage):
    """Counted over its vehicles."""
    group = garage.group("North")
    for cost in (400, 400, 400, 400, 900, 800):
        vehicle = spender(garage, cost, group=group, label=f"Van {cost}")
        if cost > 400:
            garage.record(vehicle, "odometer_reading", 30, miles=12)
    garage.explain(80)
    assert garage.said(group) == {
        COST: "2 of the 6 vehicles in North have cost far more a mile than others of their groups since 1 April 2025: "
        "Van 900 and Van 800.",
        READINGS: "2 of the 6 vehicles in North have odometer readings that were not accepted, 2 in all since "
        "1 October 2025: Van 800 and Van 900.",
    }


@pytest.mark.parametrize(("miles", "is_said"), [(270, True), (272, False)])
def test_falling_economy_of_a_group_over_the_same_miles(garage: Garage, miles: int, is_said: bool):
    """Two vehicles of 30 and 15 mpg: 1,080 and 540 miles took 80 gallons, by their baselines 72. No mix of models."""
    group = garage.group("North")
    thirsty(garage, miles=miles, group=group)
    truck = garage.vehicle(baseline=15, group=group)
    garage.drive(truck, begin=True, at=SPRING, odometer=1000, spans=4, miles=135)
    garage.explain(SUMMER)
    sentence = "2 vehicles in North have got 20.3 mpg since 1 April 2026 (1,620 miles on 80.0 gallons): "
    assert garage.said(group) == (
        {ECONOMY: sentence + "10 % less than the 22.5 mpg of their baselines."} if is_said else {}
    )


def test_falling_economy_of_a_group_against_last_year(garage: Garage):
    """Where it is known, over the miles of the vehicles that it is known of: 9.6 % below last spring is no decline."""
    group = garage.group("North")
    for last_year in (299, 299):
        vehicle = garage.vehicle(baseline=40, group=group)
        miles = garage.drive(vehicle, begin=True, at=SPRING - 365, odometer=0, spans=4, miles=last_year)
        garage.drive(vehicle, at=SPRING, odometer=miles, spans=4, miles=270)
    garage.explain(SUMMER)
    assert garage.said(group) == {}
    garage.connection.execute(
        "update manual_events set payload = payload || '{\"gallons\": 9.9}' where occurred_at < '2026-1-1'"
    )
    garage.explain(SUMMER)
    assert garage.said(group)[ECONOMY] == (
        "2 vehicles in North have got 27.0 mpg since 1 April 2026 (2,160 miles on 80.0 gallons): 33 % less than the "
        "40.0 mpg of their baselines, and 11 % less than the 30.2 of the same days last year."
    )


def test_the_same_figures_write_nothing(garage: Garage):
    """Not a row, not a moment; changed ones are written in place, and what ceases to hold is closed."""
    vehicle = thirsty(garage)
    garage.explain(SUMMER)
    before = rows(garage)
    assert garage.explain(SUMMER) == garage.explain(date(2026, 6, 29))
    assert rows(garage) == before
    garage.drive(vehicle, at=120, odometer=2080, spans=1, miles=250)
    assert garage.explain(SUMMER).written == 1
    ((same_id, *_),) = [row[1:] for row in rows(garage)]
    assert same_id == before[0][1]
    assert "26.6 mpg" in garage.said(vehicle)[ECONOMY]
    garage.drive(vehicle, at=125, odometer=2330, spans=4, miles=400)
    done = garage.explain(SUMMER)
    assert (done.written, done.closed) == (0, 1)
    assert garage.explain(SUMMER).closed == 0


def test_what_holds_again_is_said_again_in_its_place(garage: Garage):
    """The same row, open again."""
    vehicle = thirsty(garage)
    garage.explain(SUMMER)
    garage.connection.execute("update vehicles set baseline_fuel_mpg = 20 where id = %s", [vehicle])
    assert garage.explain(SUMMER).closed == 1
    garage.connection.execute("update vehicles set baseline_fuel_mpg = 30 where id = %s", [vehicle])
    assert garage.explain(SUMMER).written == 1
    assert len(rows(garage)) == 1
    assert garage.said(vehicle)


def test_a_new_label_is_in_the_sentence(garage: Garage):
    """And marks the tenant, as a new baseline does; notes do not."""
    vehicle = thirsty(garage)
    garage.explain(SUMMER)
    due = "select count(*) from explanations_due"
    garage.connection.execute("update vehicles set notes = 'x'")
    assert garage.connection.execute(due).fetchone() == (0,)
    garage.connection.execute("update vehicles set label = 'Blue'")
    assert garage.connection.execute(due).fetchone() == (1,)
    garage.explain(SUMMER)
    assert garage.said(vehicle)[ECONOMY].startswith("Blue has got")
    assert garage.connection.execute(due).fetchone() == (0,)


def test_what_others_wrote_is_left_alone(garage: Garage):
    """A row without a kind is no rule's."""
    vehicle = garage.vehicle()
    garage.connection.execute(
        "insert into explanations (tenant_id, vehicle_id, period_start, period_end, text, model_version)"
        " values (%s, %s, '2026-01-01', '2026-02-01', 'By hand.', 'me')",
        [garage.tenant, vehicle],
    )
    before = rows(garage)
    garage.explain(SUMMER)
    assert rows(garage) == before


def test_a_vehicle_and_a_group_go_with_what_was_said_of_them(garage: Garage):
    """Explanations, open and closed, keep nothing from being deleted."""
    group = garage.group("North")
    for _ in range(2):
        vehicle = garage.vehicle(group=group)
        garage.read(vehicle, 1000, 9000, every=30)
    garage.explain(40)
    assert set(garage.said(group)) == {SERVICE}
    garage.connection.execute("update vehicles set fleet_group_id = null")
    garage.connection.execute("delete from fleet_groups where id = %s", [group])
    assert garage.said(group) == {}
    assert garage.explain(40).closed == 0


def due(garage: Garage) -> bool:
    """Whether a worker would write the tenant's explanations now."""
    statement = statements("sql.explanations")["tenants_due"]
    return garage.connection.execute(statement).fetchall() == [(garage.tenant,)]


def test_when_a_tenant_is_due(garage: Garage):
    """Once in any case, each day, and a minute or twenty times the last run's time after that, if figures changed."""
    assert due(garage)
    explain(garage.connection, garage.tenant)
    assert not due(garage)
    thirsty(garage)
    assert sum(batch.changes for batch in metrics.work_off(garage.connection, garage.tenant)) > 0
    assert not due(garage), "the last time is not a minute ago"
    ago = "update explanation_runs set ended_at = now() - make_interval(secs => %s), took = make_interval(secs => %s)"
    for ended, took, is_due in ((59, 1, False), (61, 1, True), (199, 10, False), (201, 10, True)):
        garage.connection.execute(ago, [ended, took])
        assert due(garage) == is_due
    job = """insert into jobs.procrastinate_jobs (queue_name, task_name, args)
             values ('default', 'explanations', jsonb_build_object('tenant_id', %s::text))"""
    garage.connection.execute("set search_path = jobs, public")
    garage.connection.execute(job, [garage.tenant])
    assert not due(garage), "there is a job for it"
    garage.connection.execute("delete from jobs.procrastinate_jobs")
    garage.connection.execute("reset search_path")
    explain(garage.connection, garage.tenant)
    garage.connection.execute(ago, [3600, 1])
    assert not due(garage), "nothing changed"
    garage.connection.execute("update explanation_runs set as_of = as_of - 1")
    assert due(garage), "it is another day"


def test_only_one_writes_the_explanations_of_a_tenant(garage: Garage, fresh_database: Addresses):
    """The other one leaves them alone, and the marks as well."""
    thirsty(garage)
    garage.explain(SUMMER)
    garage.connection.execute("update vehicles set label = 'Blue'")
    with psycopg.connect(fresh_database.owner, autocommit=True) as other, other.transaction():
        other.execute(statements("sql.explanations")["take_turn"], {"tenant_id": garage.tenant})
        assert explain(garage.connection, garage.tenant, today=SUMMER) is None
    assert garage.explain(SUMMER).written == 1


def test_a_run_that_is_refused_is_tried_again_later(garage: Garage, monkeypatch: pytest.MonkeyPatch):
    """It leaves nothing but that the tenant is due, in a minute."""
    thirsty(garage)
    monkeypatch.setattr("sql.explanations.RULES", ("find_members", "keep", "make_tables"))
    with pytest.raises(psycopg.ProgrammingError):
        explain(garage.connection, garage.tenant)
    assert (rows(garage), due(garage)) == ([], False)
    garage.connection.execute("update explanation_runs set ended_at = now() - interval '61 s'")
    assert due(garage)


def test_a_rebuild_writes_explanations(garage: Garage, fresh_database: Addresses):
    """As of today; of an overdue service whatever day that is."""
    vehicle = garage.vehicle()
    garage.read(vehicle, 1000, 9000, every=30)
    for _ in metrics.rebuild(fresh_database.owner, None):
        pass
    assert set(garage.said(vehicle)) == {SERVICE}


VIEWED = """{ explanations(first: 200, filter: {isClosed: false}) {
  nodes { kind text figures closedAt vehicle { id fleetGroup { id vehicles { totalCount } } } fleetGroup { id } } }
  vehicles(first: 200) { nodes { id explanations { kind text } } }
  fleetGroups(first: 200) { nodes { id name explanations { kind text } } } }"""


async def test_a_viewer_is_told_of_what_they_see_alone(ask: Ask):
    """Every figure and name behind a sentence is of vehicles that the viewer sees; nothing of groups above."""
    seen, whole = await ask(VIEWED, "viewer@enterprise.example"), await ask(VIEWED, "owner@enterprise.example")
    assert not seen.errors
    vehicles = {node["id"] for node in seen.data["vehicles"]["nodes"]}
    groups = {node["id"] for node in seen.data["fleetGroups"]["nodes"]}
    told = seen.data["explanations"]["nodes"]
    assert {READINGS, ECONOMY, COST} <= {node["kind"] for node in told}
    for node in told:
        subject = node["vehicle"] or node["fleetGroup"]
        assert subject["id"] in vehicles | groups
        assert set(node["figures"].get("named_ids", ())) <= vehicles
        if node["kind"] == COST and node["vehicle"]:
            assert node["figures"]["vehicles"] <= node["vehicle"]["fleetGroup"]["vehicles"]["totalCount"]
    told_whole = whole.data["explanations"]["nodes"]
    assert len(told) < len(told_whole)
    above = {node["fleetGroup"]["id"] for node in told_whole if node["fleetGroup"]} - groups
    assert above, "something is said of groups that the viewer does not see"
    beside = [
        one for kind in ("vehicles", "fleetGroups") for node in seen.data[kind]["nodes"] for one in node["explanations"]
    ]
    assert sorted(one["text"] for one in beside) == sorted(node["text"] for node in told)


async def test_a_cost_outlier_has_the_figures_of_the_breakdown(ask: Ask):
    """Cost, miles and cost per mile of the vehicle in the period, as costBreakdown has them."""
    query = """{ explanations(first: 200, filter: {kind: COST_OUTLIER}) {
      nodes { periodStart periodEnd figures vehicle { id } } } }"""
    breakdown = """query ($period: Period!) { rows: costBreakdown(groupBy: [VEHICLE], period: $period) {
      vehicle { id } milesDriven fuelCost maintenanceCost totalCost totalCostPerMile } }"""
    nodes = [n for n in (await ask(query, "owner@enterprise.example")).data["explanations"]["nodes"] if n["vehicle"]]
    assert nodes
    period = {"start": nodes[0]["periodStart"], "end": nodes[0]["periodEnd"]}
    rows = (await ask(breakdown, "owner@enterprise.example", period=period)).data["rows"]
    costs = {row.pop("vehicle")["id"]: {key: float(value or 0) for key, value in row.items()} for row in rows}
    for node in nodes:
        said = {key: float(value or 0) for key, value in node["figures"].items() if key in {*FIGURES}}
        assert {FIGURES[key]: value for key, value in said.items()} == pytest.approx(costs[node["vehicle"]["id"]])


async def test_of_another_tenant_nothing_is_told(ask: Ask):
    """A group's id of another tenant is as one that is not there."""
    whole = await ask(VIEWED, "owner@enterprise.example")
    group = next(node["fleetGroup"]["id"] for node in whole.data["explanations"]["nodes"] if node["fleetGroup"])
    query = "query ($id: ID!) { explanations(filter: {fleetGroupId: $id}) { totalCount nodes { id } } }"
    for id_ in (group, str(uuid4())):
        answer = await ask(query, "owner@medium.example", id=id_)
        assert (answer.errors, answer.data) == ([], {"explanations": {"totalCount": 0, "nodes": []}})


async def test_explanations_by_kind_and_by_whether_they_hold(ask: Ask):
    """The demo is new: nothing is closed yet."""
    query = "query ($filter: ExplanationFilter) { explanations(filter: $filter) { totalCount } }"

    async def count(**filter: object) -> int:
        return int((await ask(query, "owner@enterprise.example", filter=filter)).data["explanations"]["totalCount"])

    assert (
        await count()
        == await count(isClosed=False)
        == sum([await count(kind=k) for k in (ECONOMY, SERVICE, COST, READINGS)])
    )
    assert await count(isClosed=True) == 0
    assert await count(kind=READINGS) > 0

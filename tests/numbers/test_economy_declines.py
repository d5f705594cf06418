"""Declining economy: against the baseline and the same days of last year, total over total, with enough to say so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from sql.embedded import Addresses
from tests.conftest import Ask
from tests.numbers.conftest import Garage, day

pytestmark = pytest.mark.database

QUARTER = (date(2026, 4, 1), date(2026, 7, 1))
APRIL, APRIL_OF_LAST_YEAR = 95, 95 - 365
OWNER, VIEWER = "owner@enterprise.example", "viewer@enterprise.example"
ROW = """vehicle { id label } periodStart periodEnd miles gallons mpg baselineMpg baselineSource lastYearMpg changePct
         lastYearChangePct"""
DECLINES = f"""query ($period: Period, $threshold: Float = 10, $group: ID, $below: Boolean = true, $first: Int = 200) {{
  rows: economyDeclines(period: $period, thresholdPct: $threshold, groupId: $group, includeDescendants: $below,
                        first: $first) {{ {ROW} }} }}"""


def declines(garage: Garage, threshold: float = 10, today: date = date(2026, 6, 30)) -> dict[UUID, tuple[Any, ...]]:
    """By vehicle: miles, gallons, baseline and where it is from, last year, and both changes, rounded."""
    rows = garage.connection.execute(
        "select vehicle_id, miles, gallons::float8, round(baseline_mpg, 2)::float8, baseline_source,"
        " round(last_year_mpg, 2)::float8, round(change_pct, 2)::float8, round(last_year_change_pct, 2)::float8"
        " from app.economy_changes(%s, array(select id from vehicles), %s, %s, %s, %s) where is_decline",
        [garage.tenant, *QUARTER, today, Decimal(str(threshold))],
    ).fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}


@pytest.mark.parametrize(("miles", "is_told"), [(271, False), (270, True), (269, True)])
def test_a_tenth_below_what_is_expected(garage: Garage, miles: int, is_told: bool):
    """Of 30 mpg: 27.1 is no decline, 27.0 is one; without last year's, that does not speak against it."""
    vehicle = garage.vehicle(baseline=30)
    garage.drive(vehicle, begin=True, at=APRIL, odometer=1000, spans=4, miles=miles)
    expected = (4 * miles, 40.0, 30.0, "EXPECTED", None, round(miles / 3 - 100, 2), None)
    assert declines(garage) == ({vehicle: expected} if is_told else {})


@pytest.mark.parametrize(("last_year", "is_told"), [(299, False), (300, True), (310, True)])
def test_and_a_tenth_below_the_same_days_of_last_year(garage: Garage, last_year: int, is_told: bool):
    """27.0 mpg in spring, 33.3 in winter: a decline only where last spring was 30 or better, as springs are."""
    vehicle = garage.vehicle()
    miles = garage.drive(vehicle, begin=True, at=APRIL_OF_LAST_YEAR, odometer=0, spans=4, miles=last_year)
    miles = garage.drive(vehicle, at=10, odometer=miles, spans=6, miles=333)
    garage.drive(vehicle, at=APRIL, odometer=miles, spans=4, miles=270)
    found = declines(garage)
    assert set(found) == ({vehicle} if is_told else set())
    if is_told:
        baseline = (4 * last_year + 6 * 333) / 100
        assert found[vehicle] == (
            *(1080, 40.0, round(baseline, 2), "YEAR_BEFORE", last_year / 10),
            *(round(100 * (27 / baseline - 1), 2), round(100 * (270 / last_year - 1), 2)),
        )


def test_last_year_goes_no_further_than_today(garage: Garage):
    """In April it is compared with last April, not with last June."""
    vehicle = garage.vehicle(baseline=40)
    miles = garage.drive(vehicle, begin=True, at=APRIL_OF_LAST_YEAR, odometer=0, spans=4, miles=400)
    miles = garage.drive(vehicle, at=APRIL_OF_LAST_YEAR + 50, odometer=miles, spans=4, miles=200)
    garage.drive(vehicle, at=APRIL, odometer=miles, spans=4, miles=290)
    assert declines(garage, today=day(APRIL + 20).date())[vehicle][4] == 40.0
    assert declines(garage) == {}, "last spring as a whole was 30 mpg"


@pytest.mark.parametrize(("spans", "gallons"), [(3, 10), (4, 2.4), (0, 0)])
def test_too_little_fuel_says_nothing(garage: Garage, spans: int, gallons: float):
    """Three spans, or 9.6 gallons; and nothing at all."""
    vehicle = garage.vehicle(baseline=60)
    garage.drive(vehicle, begin=True, at=APRIL, odometer=1000, spans=spans, miles=100, gallons=gallons)
    assert declines(garage) == {}


def test_without_a_baseline_nothing_is_said(garage: Garage):
    """Three spans before the period are no baseline; a fourth one makes it one."""
    vehicle = garage.vehicle()
    garage.drive(vehicle, begin=True, at=20, odometer=0, spans=3, miles=300)
    garage.drive(vehicle, at=APRIL, odometer=900, spans=4, miles=200)
    assert declines(garage) == {}
    other = garage.vehicle()
    garage.drive(other, begin=True, at=20, odometer=0, spans=4, miles=300)
    garage.drive(other, at=APRIL, odometer=1200, spans=4, miles=200)
    assert declines(garage) == {other: (800, 40.0, 30.0, "YEAR_BEFORE", None, -33.33, None)}


def test_economy_is_total_over_total_and_spans_that_tell_nothing_are_out(garage: Garage):
    """A missed fill breaks a span; a long cheap one counts by its miles. The threshold is the caller's."""
    vehicle = garage.vehicle(baseline=30)
    garage.drive(vehicle, begin=True, at=APRIL, odometer=0, spans=3, miles=200)
    garage.fill(vehicle, APRIL + 20, 10, 10_000, missed_previous=True)
    garage.fill(vehicle, APRIL + 25, 30, 10_900)
    assert declines(garage)[vehicle][:2] == (1500, 60.0)
    assert set(declines(garage, threshold=16.6)) == {vehicle}
    assert declines(garage, threshold=16.7) == {}, "25 mpg is 16.67 % below 30"


@pytest.mark.parametrize(("zone", "is_told"), [("Asia/Tokyo", True), ("UTC", False), ("America/Los_Angeles", False)])
def test_days_are_those_of_the_vehicle(garage: Garage, zone: str, is_told: bool):
    """Four spans, the first of which ends on 31 March at 20:00 UTC: in Tokyo that is the quarter's first day."""
    vehicle = garage.vehicle(baseline=30)
    garage.keep(vehicle, zone)
    garage.drive(vehicle, begin=True, at=APRIL - 6 + 1 / 3, odometer=1000, spans=4, miles=250)
    garage.work()
    assert set(declines(garage)) == ({vehicle} if is_told else set())


@pytest.mark.parametrize(("zone", "last_year"), [("Asia/Tokyo", None), ("UTC", 40.0), ("America/Los_Angeles", 40.0)])
def test_so_are_the_days_of_last_year(garage: Garage, zone: str, last_year: float | None):
    """Up to today: the last of four spans ends on that day of last year at 20:00 UTC, in Tokyo a day later."""
    vehicle = garage.vehicle(baseline=50)
    garage.keep(vehicle, zone)
    last = day(APRIL_OF_LAST_YEAR + 14 + 1 / 3)
    miles = garage.drive(vehicle, begin=True, at=APRIL_OF_LAST_YEAR - 1 + 1 / 3, odometer=0, spans=4, miles=400)
    garage.drive(vehicle, at=APRIL, odometer=miles, spans=4, miles=290)
    garage.work()
    told = declines(garage, today=last.date().replace(year=2026))
    assert told[vehicle][4] == last_year


def test_figures_that_are_not_stored_yet_count(garage: Garage):
    """Before and after they are stored the same."""
    vehicle = garage.vehicle(baseline=30)
    garage.drive(vehicle, begin=True, at=APRIL, odometer=1000, spans=4, miles=250)
    before = declines(garage)
    garage.refresh()
    assert before == declines(garage) != {}


@pytest.mark.parametrize("person", [OWNER, VIEWER])
@pytest.mark.parametrize("threshold", [2.0, 10.0])
async def test_declines_of_the_demo_against_its_rows(ask: Ask, demo: Addresses, person: str, threshold: float):
    """Worked out in Python from the spans of the vehicles that the caller sees; the largest decline first."""
    seen = await ask("{ vehicles(first: 200) { nodes { id baselineFuelMpg } } }", person)
    baselines = {node["id"]: float(node["baselineFuelMpg"] or 0) for node in seen.data["vehicles"]["nodes"]}
    sums: dict[str, list[float]] = {}
    with psycopg.connect(demo.owner) as connection:
        for vehicle, miles, gallons in connection.execute(
            "select vehicle_id::text, miles, gallons from fuel_spans where rejected_reason is null"
            " and ended_at >= '2026-08-01Z' and ended_at < '2026-11-01Z'"
        ):
            total = sums.setdefault(vehicle, [0, 0, 0])
            for index, value in enumerate((miles, float(gallons), 1)):
                total[index] += value
    expected = {
        vehicle: miles / gallons
        for vehicle, (miles, gallons, spans) in sums.items()
        if spans >= 4 and gallons >= 10 and miles / gallons <= (1 - threshold / 100) * baselines.get(vehicle, 0)
    }
    answer = await ask(DECLINES, person, period={"start": "2026-08-01", "end": "2026-11-01"}, threshold=threshold)
    assert not answer.errors
    rows = {row["vehicle"]["id"]: row for row in answer.data["rows"]}
    if person == VIEWER or len(rows) < 200:  # else the first of many
        assert {id_: row["mpg"] for id_, row in rows.items() if id_ in baselines} == pytest.approx(expected)
    changes = [row["changePct"] for row in answer.data["rows"]]
    assert changes == sorted(changes)
    assert threshold == 10 or rows
    assert [issued.name for issued in answer.issued] == ["economy_declines", "vehicles_by_id"][: 1 + bool(rows)]


async def test_declines_of_a_group_and_below_it(ask: Ask):
    """Those of a group and of the groups below; of one that is hidden none, as of one that is not there."""
    groups = await ask("{ fleetGroups(first: 200) { nodes { id name } } }", OWNER)
    ids = {node["name"]: node["id"] for node in groups.data["fleetGroups"]["nodes"]}
    asked = {"period": {"start": "2026-08-01", "end": "2026-11-01"}, "threshold": 1.0}

    async def labels(person: str, **more: Any) -> set[str]:
        return {row["vehicle"]["id"] for row in (await ask(DECLINES, person, **asked, **more)).data["rows"]}

    everywhere, below = await labels(OWNER), await labels(OWNER, group=ids["US West"])
    assert await labels(OWNER, group=ids["US West"], below=False) < below < everywhere
    assert await labels(VIEWER) == await labels(VIEWER, group=ids["US West"]) == below
    assert await labels(VIEWER, group=ids["Europe"]) == set()
    assert len((await ask(DECLINES, OWNER, **asked, first=1)).data["rows"]) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 0", "INVALID_PAGE"),
        ("thresholdPct: 0", "INVALID_ARGUMENT"),
        ("thresholdPct: 100", "INVALID_ARGUMENT"),
        ('groupId: "x"', "INVALID_ID"),
        ('period: {start: "2026-02-01", end: "2026-02-01"}', "INVALID_PERIOD"),
    ],
)
async def test_what_cannot_be_asked_of_declines(ask: Ask, arguments: str, code: str):
    """Each with its code."""
    (error,) = (await ask(f"{{ economyDeclines({arguments}) {{ mpg }} }}", OWNER)).errors
    assert error["extensions"]["code"] == code


async def test_without_a_period_the_quarter_of_today(ask: Ask):
    """Whatever day it is: the answer is one, and its rows name the quarter."""
    answer = await ask(DECLINES, OWNER, threshold=0.1)
    assert not answer.errors
    for row in answer.data["rows"]:
        start = date.fromisoformat(row["periodStart"])
        assert (start.day, start.month % 3) == (1, 1)

"""Predictions: by hand, against a reckoning in plain Python, and for whatever vehicles may have been through."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.numbers.conftest import Garage, day

pytestmark = pytest.mark.database

BLOCK = 30.4
NUMBERS = Path(__file__).resolve().parents[2] / "docs" / "numbers.md"


@dataclass(frozen=True)
class Prediction:
    """A row of the function."""

    next: date | None
    earliest: date | None
    latest: date | None
    risk: float | None
    factors: Any
    as_of: date
    method: str


def predict(garage: Garage, vehicle: UUID, at: float) -> Prediction | None:
    """What is predicted for a vehicle as of noon of a day."""
    row = garage.connection.execute(
        "select next_service_date, earliest, latest, risk_score, factors, as_of_day, method_version"
        " from app.maintenance_predictions(%s, array[%s], %s)",
        [garage.tenant, vehicle, day(at)],
    ).fetchone()
    return None if row is None else Prediction(*row)


def predicted(garage: Garage, vehicle: UUID, at: float) -> Prediction:
    """The same, of a vehicle that has one."""
    found = predict(garage, vehicle, at)
    assert found is not None
    return found


def on(number: float) -> date:
    """The date of a day of the garage."""
    return day(number).date()


def drive(garage: Garage, vehicle: UUID, a_day: int, days: int, first: int = 1000) -> None:
    """Readings every ten days of a vehicle that drives the same every day."""
    garage.read(vehicle, *(first + a_day * at for at in range(0, days + 1, 10)), every=10)


def refresh_rates(garage: Garage) -> None:
    """Adds the rates of classes up."""
    garage.connection.execute("select app.refresh_class_rates(%s, '0')", [garage.tenant])


@pytest.fixture
def vans(garage: Garage) -> list[UUID]:
    """Three vans, which drove 100 miles a day for 400 days: 120,000 miles, with five repairs."""
    vans = [garage.vehicle(make="Ford", model="Transit") for _ in range(3)]
    for van in vans:
        drive(garage, van, 100, 400)
    for at in (50, 100, 150, 200, 250):
        garage.record(vans[0], "maintenance", at, service_type="repair")
    refresh_rates(garage)
    return vans


def test_steady_usage_by_hand(garage: Garage):
    """4,000 of 5,000 miles at 10 a day: 1,000 are left, which are 100 days.

    Their logarithm's variance is 0.05^2 / 12 + 0.01 + 0.05^2 / (100 / 30.4) = 0.010968, so P10 and P90 are at
    exp(-+1.2816 x 0.1047) of them: after 87.4 and 114.4 days.
    """
    vehicle = garage.vehicle()
    drive(garage, vehicle, 10, 400)
    found = predicted(garage, vehicle, 400)
    assert (found.next, found.earliest, found.latest) == (on(500), on(487), on(514))
    assert (found.as_of, found.method) == (on(400), "1")
    usage = found.factors["usage"]
    assert (usage["of"], usage["miles_per_day"], usage["complete_blocks"]) == ("VEHICLE", 10, 13)
    assert (usage["days"], usage["block_deviation"]) == (400, 0)


def test_recent_months_count_more(garage: Garage):
    """Two blocks, 10 miles a day in the older and 20 in the later one: (20 + 10 x 0.891) / (1 + 0.891) = 15.29."""
    vehicle = garage.vehicle()
    for at, miles in ((0, 0), (BLOCK, 304), (2 * BLOCK, 912)):
        garage.record(vehicle, "odometer_reading", at, miles=miles)
    weight = 0.5 ** (1 / 6)
    expected = (20 + 10 * weight) / (1 + weight)
    assert predicted(garage, vehicle, 61).factors["usage"]["miles_per_day"] == pytest.approx(expected, abs=0.005)


def test_nothing_is_predicted_from_fewer_than_two_accepted_readings(garage: Garage):
    """None, one, and one with a rejected one."""
    vehicle = garage.vehicle()
    assert predict(garage, vehicle, 0) is None
    garage.read(vehicle, 1000)
    assert predict(garage, vehicle, 0) is None
    garage.record(vehicle, "odometer_reading", 1, miles=900_000)
    assert predict(garage, vehicle, 1) is None


@pytest.mark.usefixtures("vans")
@pytest.mark.parametrize(
    ("make", "usage"), [("Ford", "MAKE_AND_MODEL"), ("Volvo", "TENANT"), (None, "TENANT"), ("ford", "TENANT")]
)
def test_a_short_history_falls_back_to_its_class_then_to_the_tenant(garage: Garage, make, usage: str):
    """Two readings ten days apart say little; the vans drive 100 miles a day, and a car of the tenant 20."""
    car = garage.vehicle(make="Toyota", model="Prius")
    drive(garage, car, 20, 400)
    new = garage.vehicle(make=make, model="Transit" if make else None)
    garage.read(new, 0, 400, every=10)
    refresh_rates(garage)
    found = predicted(garage, new, 10)
    rate = 100 if usage == "MAKE_AND_MODEL" else 80
    assert (found.factors["usage"]["of"], found.factors["usage"]["miles_per_day"]) == (usage, rate)
    assert found.factors["class"]["of"] == usage
    assert found.factors["class"]["vehicles"] == (3 if usage == "MAKE_AND_MODEL" else 4)
    assert found.next == on(10 + 4600 / rate)
    garage.record(new, "odometer_reading", 30, miles=1200)
    assert predicted(garage, new, 30).factors["usage"]["of"] == "VEHICLE"


def test_a_vehicle_that_is_alone_counts_by_itself_after_a_week(garage: Garage):
    """Without a class: nothing from three days of it, its own usage from ten, and no risk from so few miles."""
    vehicle = garage.vehicle()
    garage.read(vehicle, 0, 300, every=3)
    found = predicted(garage, vehicle, 3)
    assert (found.next, found.latest, found.risk) == (None, None, None)
    assert found.factors["class"] is None
    garage.record(vehicle, "odometer_reading", 10, miles=1000)
    assert predicted(garage, vehicle, 10).next == on(50)


def test_a_new_odometer_goes_on_where_the_old_one_ended(garage: Garage):
    """100 miles a day before and after the replacement: 4,000 driven, 1,000 left."""
    vehicle = garage.vehicle()
    drive(garage, vehicle, 100, 20, first=90_000)
    new = {"service_type": "odometer_replacement", "odometer_miles": 0, "replaced_odometer_miles": 92_050}
    garage.record(vehicle, "maintenance", 20.5, **new)
    garage.record(vehicle, "odometer_reading", 40, miles=1950)
    found = predicted(garage, vehicle, 40)
    assert found.factors["usage"]["miles_per_day"] == 100
    assert found.next == on(50)


@pytest.mark.parametrize(("due", "expected"), [(450, (450, 450, 450)), (490, (490, 487, 490)), (600, (500, 487, 514))])
def test_a_day_that_is_set_counts_where_it_comes_first(garage: Garage, due: int, expected):
    """By miles it is day 500, with day 487 and 514 around it."""
    vehicle = garage.vehicle()
    drive(garage, vehicle, 10, 400)
    garage.record(
        vehicle, "maintenance", 0, service_type="inspection", odometer_miles=1000,
        next_service={"miles": 5000, "date": on(due).isoformat()},
    )  # fmt: skip
    found = predicted(garage, vehicle, 400)
    assert (found.next, found.earliest, found.latest) == tuple(map(on, expected))


def test_what_is_due_is_due_today_and_an_overdue_vehicle_is_at_risk_for_certain(garage: Garage, vans):
    """35,000 miles past the interval; and one that should have come to it since it was last read."""
    found = predicted(garage, vans[0], 420)
    assert (found.next, found.earliest, found.latest, found.risk) == (on(420), on(420), on(420), 1)
    assert (found.factors["service"]["state"], found.factors["p_overdue"]) == ("OVERDUE", 1)
    silent = garage.vehicle()
    drive(garage, silent, 100, 40)
    assert predicted(garage, silent, 300).next == on(300)
    assert 0 < predicted(garage, silent, 300).factors["p_overdue"] < 1


@pytest.mark.usefixtures("vans")
def test_a_vehicle_that_stands_still_is_due_by_the_day_only(garage: Garage):
    """It needs no repair by miles either."""
    vehicle = garage.vehicle(make="Ford", model="Transit")
    garage.read(vehicle, 500, 500, 500, every=50)
    found = predicted(garage, vehicle, 100)
    assert (found.next, found.earliest, found.latest, found.risk) == (None, None, None, 0)
    garage.record(vehicle, "maintenance", 100, service_type="inspection", next_service={"months": 6})
    assert predicted(garage, vehicle, 100).next == date(2026, 10, 11)


def test_repairs_by_hand(garage: Garage, vans):
    """The class has 5.5 repairs (a half more than there were) in 120,000 miles: four are worth 87,273.

    A van of 40,000 miles and none: 4 / 127,273 a mile, and 3,000 miles in 30 days: 1 - exp(-0.09429).
    """
    for repairs, van in ((5, vans[0]), (0, vans[1])):
        rate = (4 + repairs) / (4 * 120_000 / 5.5 + 40_000)
        factors = predicted(garage, van, 400).factors
        assert factors["p_repair"] == pytest.approx(1 - math.exp(-3000 * rate), abs=1e-4)
        assert factors["repair"]["repairs"] == repairs
        assert factors["repair"]["repairs_per_mile"] == pytest.approx(rate, abs=1e-8)
    before = predicted(garage, vans[1], 400).factors
    garage.record(vans[1], "maintenance", 399, service_type="repair")
    after = predicted(garage, vans[1], 400).factors
    assert after["p_repair"] > before["p_repair"]
    garage.record(vans[2], "maintenance", -1, service_type="repair")  # before the first reading: its miles are unknown
    assert predicted(garage, vans[2], 400).factors["repair"]["repairs"] == 0


@pytest.mark.usefixtures("vans")
@pytest.mark.parametrize(
    ("reports", "chance"),
    [
        ([("critical", None)], 0.3),
        ([("low", None), ("medium", None), ("high", None)], 1 - 0.99 * 0.95 * 0.85),
        ([("critical", day(399).isoformat())], 0),
        ([("critical", day(401).isoformat())], 0.3),
        ([("critical", "on Tuesday")], 0),
        ([("critical", "9999-99-99")], 0),
    ],
)
def test_open_issues_by_their_severity(garage: Garage, reports: Sequence[tuple[str, str | None]], chance: float):
    """Thirty days after their report, half of 0.02, 0.1, 0.3 and 0.6. One that is resolved later is still open."""
    vehicle = garage.vehicle(make="Ford", model="Transit", interval=50_000)
    drive(garage, vehicle, 10, 400)
    calm = predicted(garage, vehicle, 400)
    for severity, resolved in reports:
        told = {} if resolved is None else {"resolved_at": resolved}
        garage.record(vehicle, "issue_report", 370, severity=severity, description="It smokes.", **told)
    found = predicted(garage, vehicle, 400)
    assert found.factors["p_open_issue"] == pytest.approx(chance, abs=1e-4)
    assert calm.risk is not None
    assert found.risk == pytest.approx(1 - (1 - calm.risk) * (1 - chance), abs=2e-4)
    void = "update manual_events set voided_at = now(), void_reason = 'no' where event_type = 'issue_report'"
    garage.connection.execute(void)
    assert predicted(garage, vehicle, 400) == calm


@pytest.mark.usefixtures("vans")
def test_whoever_comes_late_to_services_is_held_for_likely_to_do_so_again(garage: Garage):
    """After two intervals kept, or two that were not: (2 x 0.5 + late) / (2 + 2) of the chance that miles say."""
    for late, gap in ((0, 1000), (2, 1200)):
        vehicle = garage.vehicle(interval=1000)
        drive(garage, vehicle, 100, 60, first=0)
        for number in range(3):
            garage.record(
                vehicle, "maintenance", 12 * number, service_type="oil_change", odometer_miles=gap * number,
                next_service={"miles": 1000},
            )  # fmt: skip
        garage.record(vehicle, "maintenance", 60, service_type="oil_change", next_service={"miles": 1000})
        factors = predicted(garage, vehicle, 60).factors
        assert (factors["service"]["services"], factors["service"]["late_services"]) == (2, late)
        assert factors["service"]["late_share"] == (1 + late) / 4
        assert factors["service"]["p_reached"] > 0.8
        assert factors["p_overdue"] == pytest.approx(factors["service"]["p_reached"] * (1 + late) / 4, abs=1e-4)


def test_others_change_nothing_but_by_their_class(garage: Garage, vans):
    """Events of another vehicle, of the same class or not, show when the rates of classes are added up again."""
    before = predicted(garage, vans[1], 400)
    for vehicle in (vans[0], garage.vehicle(make="Volvo", model="FH16")):
        drive(garage, vehicle, 70, 300)
        garage.record(vehicle, "maintenance", 120, service_type="repair")
        garage.record(vehicle, "issue_report", 120, severity="critical", description="It smokes.")
    garage.refresh()
    assert predicted(garage, vans[1], 400) == before
    garage.record(vans[0], "maintenance", 130, service_type="repair")
    refresh_rates(garage)
    after = predicted(garage, vans[1], 400)
    assert after.factors["class"]["repairs"] == before.factors["class"]["repairs"] + 2
    assert {**after.factors, "class": 0, "repair": 0, "p_repair": 0} == {
        **before.factors, "class": 0, "repair": 0, "p_repair": 0,
    }  # fmt: skip


@pytest.mark.usefixtures("vans")
def test_a_change_shows_at_once_and_archiving_changes_nothing(garage: Garage):
    """Of stored readings as of those that are worked out; of events in the archive as of others."""
    vehicle = garage.vehicle()
    drive(garage, vehicle, 10, 400)
    garage.record(vehicle, "maintenance", 20, service_type="repair")
    garage.record(vehicle, "issue_report", 20, severity="high", description="It smokes.")
    before = predicted(garage, vehicle, 400)
    garage.refresh()
    assert predicted(garage, vehicle, 400) == before
    garage.connection.execute("select app.archive_event_partitions('2026-06-01')")
    assert predicted(garage, vehicle, 400) == before
    garage.record(vehicle, "odometer_reading", 410, miles=5500)
    found = predicted(garage, vehicle, 410)
    assert found.factors["repair"]["miles"] == 4500
    assert found.next is not None
    assert before.next is not None
    assert found.next < before.next


def reckoned(readings: Sequence[tuple[float, int]]) -> tuple[float, float, int]:
    """Days, miles a day and complete blocks of readings by time and miles driven: by thousands of small steps."""
    last, size, steps = readings[-1][0], BLOCK / 500, 24 * 500
    weighed = spent = days = 0.0
    for number in range(steps):
        later, earlier = last - number * size, last - (number + 1) * size
        if later <= readings[0][0]:
            break
        earlier = max(earlier, readings[0][0])
        weight = 0.5 ** (number // 500 / 6)
        weighed += weight * (at_line(readings, later) - at_line(readings, earlier))
        spent += weight * (later - earlier)
        days += later - earlier
    return days, weighed / spent, min(24, int((last - readings[0][0]) / BLOCK))


def at_line(readings: Sequence[tuple[float, int]], at: float) -> float:
    """The miles at a time, on the line between two readings."""
    for (a, before), (b, after) in pairwise(readings):
        if a <= at <= b:
            return before + (after - before) * (at - a) / (b - a)
    raise AssertionError(at)


def test_usage_against_a_reckoning_in_small_steps(garage: Garage):
    """For random readings, dense and far between, over up to three years."""
    fortune = random.Random(5)  # noqa: S311
    for _ in range(12):
        vehicle = garage.vehicle()
        at, miles, readings = 0.0, 0, []
        for _ in range(fortune.choice([2, 5, 40])):
            readings.append((at, miles))
            garage.record(vehicle, "odometer_reading", at, miles=miles)
            gap = fortune.choice([0.5, 3, 20, 90])
            at, miles = at + gap, miles + fortune.randint(0, round(80 * gap))
        days, rate, blocks = reckoned(readings)
        row = garage.connection.execute(
            "select days, miles_a_day, blocks from app.vehicle_history(%s, array[%s])", [garage.tenant, vehicle]
        ).fetchone()
        assert row is not None
        assert row == (pytest.approx(days), pytest.approx(rate, rel=1e-3), blocks)


@pytest.mark.usefixtures("vans")
def test_no_history_breaks_it(garage: Garage):
    """Random events of every kind: what is predicted is in order, of today or later, and a chance."""
    fortune = random.Random(3)  # noqa: S311
    found = 0
    for _ in range(60):
        vehicle = garage.vehicle(
            interval=fortune.choice([1, 5000, 1_000_000]), make=fortune.choice([None, "Ford"]), model="Transit"
        )
        miles = fortune.randint(0, 9_000_000)
        for _ in range(fortune.randint(0, 8)):
            at = fortune.choice([0, 0, fortune.uniform(-4000, 450)])
            kind = fortune.random()
            if kind < 0.7:
                garage.record(vehicle, "odometer_reading", at, miles=miles + fortune.choice([0, 1, 400, 90_000]))
            elif kind < 0.9:
                miles_told = {"miles": fortune.choice([0, -5, 1e30])}
                said = fortune.choice([None, {}, miles_told, {"date": "2026-02-31"}, {"months": 1}])
                garage.record(
                    vehicle, "maintenance", at, next_service=said, odometer_miles=fortune.choice([None, miles]),
                    service_type=fortune.choice(["repair", "oil_change", "odometer_replacement"]),
                )  # fmt: skip
            else:
                garage.record(vehicle, "issue_report", at, severity="low", description="", resolved_at="2026-13-01")
        told = predict(garage, vehicle, 400)
        if told is not None:
            found += 1
            days = [one for one in (told.earliest, told.next, told.latest) if one is not None]
            assert days == sorted(days)
            assert all(on(400) <= one <= on(400) + timedelta(days=3653) for one in days)
            assert told.risk is not None
            assert 0 <= told.risk <= 1
    assert found > 20


@pytest.mark.usefixtures("vans")
def test_rates_are_added_up_at_most_so_often(garage: Garage):
    """Within the time they stand."""
    call = "select app.refresh_class_rates(%s, %s::interval)"
    assert garage.connection.execute(call, [garage.tenant, "1 hour"]).fetchone() == (False,)
    assert garage.connection.execute(call, [garage.tenant, "0"]).fetchone() == (True,)
    rows = garage.connection.execute("select make, model, vehicles, miles_a_day, repairs, driven from class_rates")
    assert rows.fetchall() == [("Ford", "Transit", 3, pytest.approx(300), 5, 120_000)]


def test_the_method_is_told_in_the_docs(garage: Garage):
    """With the version that answers carry."""
    row = garage.connection.execute("select app.prediction_method()").fetchone()
    assert row is not None
    assert f"version {row[0]} of the method" in NUMBERS.read_text(encoding="utf-8")

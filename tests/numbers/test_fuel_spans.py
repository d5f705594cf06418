"""Fuel economy: spans from one full fill to the next, total over total, and why there is none."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.numbers.conftest import Garage

pytestmark = pytest.mark.database


def test_a_span_has_all_fills_after_the_first_full_one(garage: Garage):
    """By hand: 300 miles on 4 + 6 gallons; the first fill's gallons belong to no span."""
    vehicle = garage.vehicle()
    garage.fill(vehicle, 0, 12, 1000)
    garage.fill(vehicle, 1, 4, 1100, is_full_tank=False)
    garage.fill(vehicle, 2, 6, 1300)
    garage.fill(vehicle, 3, 5, 1400, is_full_tank=False)
    assert garage.spans(vehicle) == [(300, 10.0, None)]


@pytest.mark.parametrize(
    ("fills", "spans"),
    [
        ([(10, 1000, {}), (10, 1300, {"missed_previous": True}), (10, 1600, {})], ["MISSED_FILL", None]),
        ([(10, 1000, {}), (10, None, {}), (10, 1600, {}), (10, 1900, {})], ["MISSING_ODOMETER"] * 2 + [None]),
        ([(10, 1000, {}), (10, 99_000, {}), (10, 1600, {}), (10, 1900, {})], ["REJECTED_ODOMETER"] * 2 + [None]),
        ([(10, 1000, {}), (500, 1300, {}), (10, 1600, {})], ["IMPLAUSIBLE", None]),
        ([(10, 1000, {}), (1, 1300, {}), (10, 1600, {})], ["IMPLAUSIBLE", None]),
        ([(10, 1000, {})], []),
        ([(10, 1000, {"is_full_tank": False}), (10, 1300, {})], []),
    ],
)
def test_a_span_that_tells_nothing_says_why(garage: Garage, fills: list[tuple[float, Any, dict[str, Any]]], spans):
    """A missed fill, an odometer that is missing or rejected, an economy that cannot be."""
    vehicle = garage.vehicle()
    for at, (gallons, odometer, told) in enumerate(fills):
        garage.fill(vehicle, at, gallons, odometer, **told)
    assert [reason for *_, reason in garage.spans(vehicle)] == spans


def by_hand(fills: list[tuple[float, float, int, bool, bool]]) -> list[tuple[int, float]]:
    """Miles and gallons of the accepted spans of fills in order of time."""
    spans: list[tuple[int, float]] = []
    since: int | None = None
    gallons, missed = 0.0, False
    for _, filled, odometer, is_full, is_missed in fills:
        gallons, missed = gallons + filled, missed or is_missed
        if is_full:
            if since is not None and not missed and 2 <= (odometer - since) / gallons <= 150:
                spans.append((odometer - since, gallons))
            since, gallons, missed = odometer, 0.0, False
    return spans


def test_random_fills_against_a_loop_in_python(garage: Garage):
    """In any order of arrival; and the same when they are stored."""
    fortune = random.Random(3)  # noqa: S311
    vehicles = {}
    for _ in range(25):
        vehicle, odometer, fills = garage.vehicle(), 1000, []
        for at in range(fortune.randint(1, 25)):
            odometer += fortune.randint(0, 400)
            fills.append(
                (at, fortune.choice([0.5, 4.25, 9.875, 40]), odometer, fortune.random() < 0.7, fortune.random() < 0.1)
            )
        for at, gallons, miles, is_full, is_missed in fortune.sample(fills, len(fills)):
            garage.fill(vehicle, at, gallons, miles, is_full_tank=is_full, missed_previous=is_missed)
        vehicles[vehicle] = by_hand(fills)
    found = {v: [(m, g) for m, g, reason in garage.spans(v) if reason is None] for v in vehicles}
    assert found == vehicles
    garage.refresh()
    assert {v: [(m, g) for m, g, why in garage.spans(v, "current_spans") if why is None] for v in vehicles} == vehicles
    assert sum(map(len, vehicles.values())) > 100


def test_a_void_fill_takes_its_spans_with_it(garage: Garage):
    """The spans on its two sides become one."""
    vehicle = garage.vehicle()
    garage.fill(vehicle, 0, 10, 1000)
    between = garage.fill(vehicle, 1, 10, 1300)
    garage.fill(vehicle, 2, 10, 1600)
    assert garage.spans(vehicle) == [(300, 10.0, None), (300, 10.0, None)]
    garage.refresh()
    garage.connection.execute(
        "update manual_events set voided_at = now(), void_reason = 'twice' where id = %s", [between]
    )
    assert garage.spans(vehicle, "current_spans") == [(600, 10.0, None)]
    garage.refresh()
    assert garage.spans(vehicle, "current_spans") == [(600, 10.0, None)]

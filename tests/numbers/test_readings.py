"""Odometer readings: which are accepted, why others are not, and what is driven over replacements."""

from __future__ import annotations

import csv
import random
from itertools import pairwise
from pathlib import Path

import pytest

from tests.numbers.conftest import Garage, day

pytestmark = pytest.mark.database

BELOW, ABOVE, TOO_MANY = "BELOW_EARLIER_READING", "ABOVE_LATER_READING", "TOO_MANY_MILES_PER_DAY"


@pytest.mark.parametrize(
    ("miles", "reasons"),
    [
        ([1400, 200000, 1500], [None, ABOVE, None]),
        ([200000, 1400, 1500], [ABOVE, None, None]),
        ([1400, 1500, 200000], [None, None, TOO_MANY]),
        ([1400, 200000, 200100, 200200], [TOO_MANY, None, None, None]),
        ([1000, 1000, 1100], [None, None, None]),
        ([5000, 500, 5100], [None, BELOW, None]),
        ([10000, 102000, 10200, 10300], [None, ABOVE, None, None]),
        ([7000], [None]),
        ([900, 800], [None, BELOW]),
        ([20000, 80000, 80100, 80200, 20400, 20500, 20600, 20700], [None, ABOVE, ABOVE, ABOVE, None, None, None, None]),
    ],
)
def test_one_wrong_reading_falls_out_between_its_neighbours(garage: Garage, miles, reasons):
    """Typing errors, a comma, a last one that jumps, two vehicles swapped: neither the maximum nor the last rules."""
    vehicle = garage.vehicle()
    garage.read(vehicle, *miles)
    assert [reason for _, _, reason in garage.readings(vehicle)] == reasons


def test_verifying_outweighs_and_voiding_takes_out(garage: Garage):
    """A person can correct what is accepted: by confirming a reading, and by voiding one."""
    vehicle = garage.vehicle()
    events = garage.read(vehicle, 1400, 200000, 1500)
    update = "update manual_events set {} where id = %s"
    garage.connection.execute(update.format("verified_by_user = true"), [events[1]])
    assert [reason for *_, reason in garage.readings(vehicle)] == [TOO_MANY, None, BELOW]
    garage.connection.execute(update.format("voided_at = now(), void_reason = 'typo'"), [events[1]])
    assert garage.readings(vehicle) == [(1400, 0, None), (1500, 100, None)]


def test_a_new_odometer_counts_on(garage: Garage):
    """From the last reading of the old one, or from what it showed when it was taken out."""
    known, unknown = garage.vehicle(), garage.vehicle()
    for vehicle, told in ((known, {"replaced_odometer_miles": 50_120}), (unknown, {})):
        garage.read(vehicle, 50_000, 50_100)
        garage.record(vehicle, "maintenance", 2, service_type="odometer_replacement", odometer_miles=7, **told)
        garage.record(vehicle, "odometer_reading", 3, miles=107)
        garage.record(vehicle, "odometer_reading", 4, miles=50_200)
    assert garage.readings(known) == [
        (50_000, 0, None), (50_100, 100, None), (7, 120, None), (107, 220, None), (50_200, None, TOO_MANY),
    ]  # fmt: skip
    assert [driven for _, driven, _ in garage.readings(unknown)] == [0, 100, 100, 200, None]


def accepted(at: list[float], miles: list[int], weights: list[int]) -> int:
    """The weight of the heaviest chain, by trying every way there is to leave readings out."""
    best = 0
    for chosen in range(1, 1 << len(at)):
        chain = [i for i in range(len(at)) if chosen >> i & 1]
        steps = pairwise(chain)
        if all(miles[a] <= miles[b] <= miles[a] + 1500 * (1 + at[b] - at[a]) for a, b in steps):
            best = max(best, sum(weights[i] for i in chain))
    return best


def test_no_heavier_chain_is_found_by_brute_force(garage: Garage):
    """For random readings, each chain that is accepted can be driven, and none weighs more."""
    fortune = random.Random(7)  # noqa: S311
    for _ in range(150):
        size = fortune.randint(1, 9)
        at = sorted(fortune.uniform(0, 12) for _ in range(size))
        miles = [fortune.choice([round(200 * a), fortune.randint(0, 40_000)]) for a in at]
        weights = [fortune.choice([100, 180, 190, 1_000_000]) for _ in at]
        row = garage.connection.execute(
            "select app.accepted_readings(%s, %s, %s)", [[day(a) for a in at], miles, weights]
        ).fetchone()
        assert row is not None
        kept = [i for i, is_kept in enumerate(row[0]) if is_kept]
        for a, b in pairwise(kept):
            assert miles[a] <= miles[b] <= miles[a] + 1500 * (1.000001 + at[b] - at[a])
        assert sum(weights[i] for i in kept) == accepted(at, miles, weights)


def test_the_order_of_arrival_and_other_events_change_nothing(garage: Garage):
    """The same events in another order, with others of no odometer between them, are judged alike."""
    fortune = random.Random(11)  # noqa: S311
    told = [(i / 2, 100 * i if fortune.random() < 0.8 else fortune.randint(0, 900_000)) for i in range(60)]
    in_order, shuffled = garage.vehicle(), garage.vehicle()
    for at, miles in told:
        garage.record(in_order, "odometer_reading", at, miles=miles)
    fortune.shuffle(told)
    for at, miles in told:
        garage.record(shuffled, "odometer_reading", at, miles=miles)
        garage.record(shuffled, "issue_report", at, severity="low", description="a scratch")
    assert garage.readings(shuffled) == garage.readings(in_order)
    assert any(reason for *_, reason in garage.readings(in_order))


def test_what_is_stored_is_what_is_worked_out_and_a_change_shows_at_once(garage: Garage):
    """Readers need no worker; refreshing tells whether anything differs."""
    vehicle, other = garage.vehicle(), garage.vehicle()
    garage.read(vehicle, 100, 90_000, 300)
    garage.fill(other, 1, 10, 1000)
    before = garage.readings(vehicle, "current_readings")
    assert before == garage.readings(vehicle)
    assert garage.refresh() == 2
    assert garage.refresh() == 0
    assert garage.connection.execute("select count(*) from odometer_readings").fetchone() == (4,)
    assert garage.readings(vehicle, "current_readings") == before
    garage.record(vehicle, "odometer_reading", 3, miles=400)
    assert garage.readings(vehicle, "current_readings") == [*before, (400, 300, None)]
    row = garage.connection.execute(
        "select changed_since from app.refresh_figures(%s, %s)", [garage.tenant, [vehicle]]
    ).fetchone()
    assert row == (day(3),)


def test_archived_months_count(garage: Garage):
    """Archiving moves events, and no figure."""
    vehicle = garage.vehicle()
    garage.read(vehicle, 100, 200, 300, every=40)
    garage.fill(vehicle, 50, 10, 250)
    before = garage.readings(vehicle)
    garage.connection.execute("select app.archive_event_partitions('2026-03-01')")
    assert garage.connection.execute("select count(*) from manual_events_archive").fetchone() == (3,)
    assert garage.readings(vehicle) == before


def test_real_log(garage: Garage, real_data: Path):
    """Fourteen years of two household cars: no reading is rejected, not even two fills of one day."""
    for name, fills, mpg in (("2011quest", 413, 19.149), ("2008altima", 14, 24.175)):
        vehicle = garage.vehicle()
        with (real_data / "fuel_log" / f"{name}.csv").open() as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            garage.connection.execute(
                "insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)"
                " values (%s, %s, 'fuel_purchase',"
                " jsonb_build_object('gallons', %s::numeric, 'odometer_miles', %s::integer), %s, %s)",
                [garage.tenant, vehicle, row["gallons"], row["odometer"], garage.user, f"{row['date']} 12:00+00"],
            )
        assert [reason for *_, reason in garage.readings(vehicle)] == [None] * fills
        spans = garage.spans(vehicle)
        assert [reason for *_, reason in spans] == [None] * (fills - 1)
        miles, gallons = sum(m for m, *_ in spans), sum(g for _, g, _ in spans)
        assert miles == int(rows[-1]["odometer"]) - int(rows[0]["odometer"])
        assert miles / gallons == pytest.approx(mpg, abs=0.001)
        assert miles / gallons == pytest.approx(
            sum(float(r["miles"]) for r in rows) / sum(float(r["gallons"]) for r in rows), rel=0.002
        )
        naive = [float(r["odometer"]) / float(r["gallons"]) for r in rows]
        assert sum(naive) / len(naive) > 100 * miles / gallons

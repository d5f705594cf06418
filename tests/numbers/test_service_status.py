"""Service status: by miles, by date, by engine hours, whichever is first."""

from __future__ import annotations

from datetime import date

import pytest

from tests.numbers.conftest import Garage

pytestmark = pytest.mark.database


@pytest.mark.parametrize(
    ("driven", "state"), [(4499, "OK"), (4500, "DUE_SOON"), (5000, "DUE"), (5500, "DUE"), (5501, "OVERDUE")]
)
def test_by_miles_since_the_last_service(garage: Garage, driven: int, state: str):
    """Not by the odometer modulo the interval: the service was at 7,000."""
    vehicle = garage.vehicle()
    garage.read(vehicle, 1000, 6000, every=10)
    garage.record(vehicle, "maintenance", 20, service_type="oil_change", odometer_miles=7000)
    garage.record(vehicle, "odometer_reading", 60, miles=7000 + driven)
    garage.record(vehicle, "maintenance", 61, service_type="repair")
    assert garage.service(vehicle, 61) == (state, driven, 5000 - driven, None)


def test_without_a_service_from_the_first_reading_and_without_a_reading_unknown(garage: Garage):
    """The odometer's own number says nothing about a vehicle that was bought used."""
    vehicle = garage.vehicle()
    assert garage.service(vehicle, 0) == ("UNKNOWN", None, None, None)
    garage.read(vehicle, 90_000)
    assert garage.service(vehicle, 0) == ("OK", 0, 5000, None)
    garage.record(vehicle, "odometer_reading", 30, miles=94_600)
    assert garage.service(vehicle, 30) == ("DUE_SOON", 4600, 400, None)


def test_a_service_without_an_odometer_lies_between_two_readings(garage: Garage):
    """At a quarter of the time between them, so at a quarter of the miles; after the last one, at that."""
    vehicle, late = garage.vehicle(), garage.vehicle()
    garage.read(vehicle, 1000, 2000, every=8)
    garage.record(vehicle, "maintenance", 2, service_type="oil_change")
    assert garage.service(vehicle, 8) == ("OK", 750, 4250, None)
    garage.read(late, 1000, 2000)
    garage.record(late, "maintenance", 5, service_type="oil_change")
    assert garage.service(late, 8) == ("OK", 0, 5000, None)


@pytest.mark.parametrize(
    ("next_service", "expected"),
    [
        ({"odometer_miles": 12_000}, ("OK", 1000, 9000, None)),
        ({"miles": 1000}, ("DUE", 1000, 0, None)),
        ({"date": "2026-01-21"}, ("DUE", 1000, 4000, date(2026, 1, 21))),
        ({"date": "2026-01-20"}, ("DUE", 1000, 4000, date(2026, 1, 20))),
        ({"date": "2026-01-10"}, ("OVERDUE", 1000, 4000, date(2026, 1, 10))),
        ({"months": 6}, ("OK", 1000, 4000, date(2026, 7, 2))),
        ({"date": "soon", "miles": "many"}, ("OK", 1000, 4000, None)),
        ({"date": "2026-02-31"}, ("OK", 1000, 4000, date(2026, 3, 3))),
        ({"engine_hours": 100}, ("DUE_SOON", 1000, 4000, None)),
    ],
)
def test_what_the_last_service_says_of_the_next_one(garage: Garage, next_service, expected):
    """Twenty days and 1,000 miles after it, and 95 engine hours."""
    vehicle = garage.vehicle()
    garage.record(
        vehicle, "maintenance", 1, service_type="oil_change", odometer_miles=2000, next_service=next_service,
        engine_hours=400,
    )  # fmt: skip
    garage.record(vehicle, "odometer_reading", 20, miles=3000, engine_hours=495)
    assert garage.service(vehicle, 20) == expected

"""Payloads of demo events, as the event types ask for them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sql.demo import season
from sql.demo.tank import THOUSAND, Fill

STATIONS = ("Shell", "Chevron", "Costco Gas", "76", "Exxon", "BP", "Valero", "ARCO", "Speedway", "Circle K")
PROVIDERS = ("Main Street Garage", "Fleet Yard", "Quick Lube 12", "Bayside Auto", "Northern Truck Service")
PLACES = ((37.7749, -122.4194), (34.0522, -118.2437), (45.5152, -122.6784), (40.7128, -74.006), (51.5072, -0.1276))
SERVICES = {
    "oil_change": (("oil filter", "engine oil"), 4500, 11000),
    "tire_rotation": ((), 3000, 6500),
    "inspection": (("air filter", "wiper blades"), 8000, 21000),
    "brake_service": (("brake pads", "brake rotors"), 28000, 64000),
    "transmission_service": (("transmission fluid",), 18000, 39000),
    "battery_replacement": (("battery",), 15000, 28000),
}
"""The parts of each kind of service, and what it costs at least and at most, in cents."""
ROUTINE = ("oil_change", "tire_rotation", "oil_change", "inspection", "transmission_service", "battery_replacement")
ISSUES = (
    ("low", "Left rear tail light flickers."),
    ("low", "Scratch on the sliding door."),
    ("low", "Air conditioning blows warm."),
    ("medium", "Steering pulls to the right."),
    ("medium", "Tire pressure warning comes back after refilling."),
    ("medium", "Windshield chip in the driver's view."),
    ("high", "Grinding noise when braking."),
    ("high", "Check engine light is on and power is reduced."),
    ("critical", "Coolant leak; engine overheated on the highway."),
)
ISSUE_WEIGHTS = (5, 6, 4, 4, 5, 3, 2, 3, 1)
TWO_TRIPS_FROM = 25
TWO_TRIPS_SHARE = 0.6
CRUISE_MPH = 28
REPAIR_CENTS = (6000, 75000)
OPEN_SHARE = 0.2
OPEN_DAYS = 21


def odometer_reading(fortune: random.Random, shown: int, typo: int | None) -> dict[str, Any]:
    """A reading of the miles shown; ``typo`` is what the digits were taken for, where they were misread."""
    miles = shown if typo is None else typo
    source = fortune.choice(("dashboard_photo", "dashboard_photo", "manual", "telematics"))
    payload: dict[str, Any] = {"miles": miles, "source": source}
    if source == "dashboard_photo":
        latitude, longitude = fortune.choice(PLACES)
        payload["ocr_confidence"] = fortune.randint(88, 99) if typo is None else fortune.randint(45, 70)
        payload["parsed_digits"] = str(miles)
        payload["image_metadata"] = {"width": 3024, "height": 4032}
        payload["location"] = {"latitude": latitude, "longitude": longitude}
    elif source == "telematics":
        payload["device_info"] = {"kind": "obd2", "firmware": "4.2.1"}
    return payload


def misread(fortune: random.Random, miles: int) -> int:
    """The miles with a digit typed twice: what a slip of the finger makes of them."""
    digits = str(miles)
    at = fortune.randrange(len(digits))
    return int(digits[:at] + digits[at] + digits[at:])


def fuel_purchase(
    fortune: random.Random, fill: Fill, odometer: int, cents_per_gallon: int, fuel: str, *, receipt: bool
) -> dict[str, Any]:
    """The purchase of a fill; it cost gallons times price, halves up."""
    total = (fill.milligallons * cents_per_gallon + THOUSAND // 2) // THOUSAND
    station = fortune.choice(STATIONS)
    payload: dict[str, Any] = {
        "gallons": fill.milligallons / THOUSAND,
        "price_per_gallon": cents_per_gallon / 100,
        "total_cost": total / 100,
        "fuel_type": fuel,
        "station_name": station,
        "odometer_miles": odometer,
        "is_full_tank": fill.is_full,
    }
    if fill.missed_previous:
        payload["missed_previous"] = True
    if receipt:
        payload["receipt_data"] = {"merchant": station, "pump": fortune.randint(1, 16)}
        payload["extracted_fields"] = {"total": f"{total / 100:.2f}", "gallons": f"{fill.milligallons / THOUSAND:.3f}"}
    return payload


def maintenance(fortune: random.Random, service: str, odometer: int, interval: int) -> dict[str, Any]:
    """A service at an odometer; the next one is due an ``interval`` of miles later."""
    parts, least, most = SERVICES[service]
    return {
        "service_type": service,
        "odometer_miles": odometer,
        "cost": fortune.randint(least, most) / 100,
        "parts_replaced": list(parts),
        "service_provider": fortune.choice(PROVIDERS),
        "next_service": {"odometer_miles": odometer + interval},
    }


def repair(fortune: random.Random) -> dict[str, Any]:
    """The repair of a defect; nobody reads the odometer for it."""
    return {
        "service_type": "repair",
        "cost": fortune.randint(*REPAIR_CENTS) / 100,
        "service_provider": fortune.choice(PROVIDERS),
    }


def issue_report(fortune: random.Random, odometer: int, day: date, until: date) -> dict[str, Any]:
    """A report of a defect, with when it was mended, unless it still stands open ``until`` then."""
    severity, description = fortune.choices(ISSUES, ISSUE_WEIGHTS)[0]
    payload: dict[str, Any] = {"severity": severity, "description": description, "odometer_miles": odometer}
    mended = day + timedelta(days=fortune.randint(1, OPEN_DAYS))
    if fortune.random() < OPEN_SHARE or mended >= until:
        return payload
    return {**payload, "resolved_at": season.iso(season.moment(fortune, mended, fortune.random()))}


def trips(fortune: random.Random, day: date, miles: int, idle_minutes: int, harsh_events: int) -> list[dict[str, Any]]:
    """One or two trips that add up to a day's miles, idle minutes and harsh events."""
    count = 2 if miles >= TWO_TRIPS_FROM and fortune.random() < TWO_TRIPS_SHARE else 1
    made: list[dict[str, Any]] = []
    for index, (driven, idle, harsh) in enumerate(
        zip(_split(miles, count), _split(idle_minutes, count), _split(harsh_events, count), strict=True)
    ):
        start = season.moment(fortune, day, (index + 0.1 * fortune.random()) / count)
        minutes = driven * 60 // CRUISE_MPH + idle + 1
        end = season.moment(fortune, day, (index + 0.1) / count, min(minutes, season.DRIVING_HOURS * 54 // count))
        made.append(
            {
                "start": season.iso(start),
                "end": season.iso(end),
                "miles": driven,
                "idle_minutes": idle,
                "harsh_events": harsh,
            }
        )
    return made


def _split(amount: int, parts: int) -> Sequence[int]:
    return (amount,) if parts == 1 else (amount - amount // parts, amount // parts)

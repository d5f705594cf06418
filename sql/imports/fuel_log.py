"""Fuel logs from CSV files: a vehicle per car, a fuel purchase and an odometer reading per fill."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

from sql.encryption import Keyring
from sql.encryption.tenant_seal import TenantSeal
from sql.imports.problem import Problems, quoted
from sql.imports.reading import Record, csv_records, read_text
from sql.imports.report import ImportReport, Progress
from sql.imports.stage import copy_rows, statements
from sql.imports.tenant import Tenant, import_transaction, row_id

COLUMNS = ("car_name", "model", "date", "odometer", "miles", "gallons", "price")
REQUIRED = ("car_name", "date", "gallons")
LONGEST_NAME = 200
NOON = time(12, tzinfo=UTC)
MOST_FILLS_A_DAY = 720
"""A minute each from noon on, so that they stay on their day."""
FIRST_DATE = date(1970, 1, 1)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"-?(?=\.?[0-9])[0-9]{0,20}(\.[0-9]{0,20})?")
BOUNDS = {
    "gallons": (Decimal("0.001"), Decimal(10_000)),
    "price": (Decimal(0), Decimal(1_000)),
    "odometer": (Decimal(0), Decimal(9_999_999)),
    "miles": (Decimal(0), Decimal(9_999_999)),
}
HIGHEST_COST = Decimal(1_000_000)
CENT = Decimal("0.01")
EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
"""Digits enough for any product of two figures, so that only the cents are rounded."""


@dataclass(frozen=True)
class Fill:
    """One fill: the car, when, and the figures as the file writes them; gallons, $ per gallon, miles, $."""

    car: str
    number: int
    day: date
    gallons: Decimal
    price: Decimal | None
    cost: Decimal | None
    odometer: Decimal | None
    miles: Decimal | None

    @property
    def occurred_at(self) -> datetime:
        """Noon UTC, and a minute later for every fill of the same car on the same day before it in the file."""
        return datetime.combine(self.day, NOON) + timedelta(minutes=self.number)

    @property
    def fuel_purchase(self) -> str:
        """The payload of the purchase, as JSON."""
        figures = {
            "gallons": self.gallons,
            "price_per_gallon": self.price,
            "total_cost": self.cost,
            "odometer_miles": self.odometer,
            "trip_miles": self.miles,
        }
        return _json({**figures, "is_full_tank": True})

    @property
    def odometer_reading(self) -> str:
        """The payload of the reading, as JSON."""
        return _json({"miles": self.odometer, "source": "fuel_log"})


def import_fuel_log(
    owner_url: str, path: Path, *, tenant: str, progress: Progress, keyring: Keyring | None = None
) -> ImportReport:
    """Imports a CSV of car_name, model, date, odometer, miles (trip meter), gallons and price ($ per gallon).

    Every car_name becomes a vehicle of the tenant; every row a fuel purchase and, where it has an odometer, an
    odometer reading, at noon UTC of its date. A file that has grown at its end adds its new rows only.
    What the ``keyring`` names is encrypted before it is written. Raises ImportFileError, with every problem and nothing
    imported, SetupError where the tenant's keys cannot be used, and DatabaseUnavailableError.
    """
    text = read_text(path)
    problems = Problems()
    progress("Reading", 0, 1)
    records = csv_records(text, problems, columns=COLUMNS, required=REQUIRED)
    cars = _cars(records, problems)
    fills = list(_fills(records, problems))
    problems.refuse()
    progress("Reading", 1, 1)
    with import_transaction(owner_url, tenant) as (connection, target):
        seal = TenantSeal.of(connection, keyring, target.id)
        copy_rows(connection, "vehicles", list(_vehicle_rows(cars, target)), progress)
        vehicles = connection.execute(statements()["add_vehicles"], {"tenant_id": target.id}).rowcount
        rows = _event_rows(fills, target)
        events = list(rows if seal is None else seal.rows("manual_events", rows, id_at=0, text_at=3))
        copy_rows(connection, "events", events, progress)
        progress("Adding events", 0, len(events))
        parameters = {"tenant_id": target.id, "owner_id": target.owner_id}
        [(purchases, readings)] = connection.execute(statements()["add_events"], parameters).fetchall()
        progress("Adding events", len(events), len(events))
    added = {"vehicles": vehicles, "fuel purchases": purchases, "odometer readings": readings}
    return ImportReport(target.id, target.owner_email, len(records), added)


def _vehicle_rows(cars: dict[str, str | None], tenant: Tenant) -> Iterator[Sequence[Any]]:
    for car, made_as in cars.items():
        make, _, model = (made_as or "").partition(" ")
        yield row_id(tenant, "vehicle", car), car, make or None, model.strip() or None


def _event_rows(fills: Sequence[Fill], tenant: Tenant) -> Iterator[Sequence[Any]]:
    for fill in fills:
        vehicle_id = row_id(tenant, "vehicle", fill.car)
        payloads = {"fuel_purchase": fill.fuel_purchase}
        if fill.odometer is not None:
            payloads["odometer_reading"] = fill.odometer_reading
        for event_type, payload in payloads.items():
            event_id = row_id(tenant, event_type, fill.car, fill.day, fill.number)
            yield event_id, vehicle_id, event_type, payload, fill.occurred_at


def _cars(records: Sequence[Record], problems: Problems) -> dict[str, str | None]:
    """The model of every car, by the car's name; rows that leave it out do not matter."""
    cars: dict[str, str | None] = {}
    for record in records:
        car, model = record.values.get("car_name"), record.values.get("model")
        if car is None:
            continue
        if len(car) > LONGEST_NAME:
            problems.add(f"{record.at('car_name')}: {len(car)} characters, at most {LONGEST_NAME} are possible")
        known = cars.setdefault(car, model)
        if known is None:
            cars[car] = model
        elif model not in (None, known):
            problems.add(f"{record.at('model')}: {quoted(model or '')}, but the car was a {quoted(known)} before")
    return cars


def _fills(records: Sequence[Record], problems: Problems) -> Iterator[Fill]:
    """The fills of the rows without a problem."""
    today = datetime.now(UTC).date()
    fills_of_day: Counter[tuple[str, date]] = Counter()
    for record in records:
        day = _date(record, today, problems)
        numbers = {name: _number(record, name, problems) for name in BOUNDS}
        gallons, price = numbers["gallons"], numbers["price"]
        car = record.values.get("car_name")
        if day is None or gallons is None or car is None:
            continue
        number = fills_of_day[car, day]
        fills_of_day[car, day] += 1
        if number == MOST_FILLS_A_DAY:
            problems.add(f"{record.at('date')}: more than {MOST_FILLS_A_DAY} fills of one car on this day")
        cost = None if price is None else EXACT.quantize(EXACT.multiply(gallons, price), CENT)
        if cost is not None and cost > HIGHEST_COST:
            problems.add(f"{record.at('price')}: {gallons} gallons would cost ${cost}, more than ${HIGHEST_COST}")
        yield Fill(car, number, day, gallons, price, cost, numbers["odometer"], numbers["miles"])


def _date(record: Record, today: date, problems: Problems) -> date | None:
    text = record.values.get("date")
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        problems.add(f"{record.at('date')}: {quoted(text)} is no date such as 2024-03-31")
    elif day < FIRST_DATE:
        problems.add(f"{record.at('date')}: {day} is before {FIRST_DATE}")
    elif day > today + timedelta(days=1):
        problems.add(f"{record.at('date')}: {day} is in the future")
    else:
        return day
    return None


def _number(record: Record, name: str, problems: Problems) -> Decimal | None:
    """A figure within its bounds; None where there is none, or none that can be right."""
    text = record.values.get(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text):
        problems.add(f"{record.at(name)}: {quoted(text)} is no plain number such as 12.5")
        return None
    number = Decimal(text)
    low, high = BOUNDS[name]
    if not low <= number <= high:
        problems.add(f"{record.at(name)}: {quoted(text)} is not between {low} and {high}")
        return None
    return abs(number)


def _json(payload: dict[str, Decimal | str | bool | None]) -> str:
    """A JSON object without what is None; decimals keep the digits that the file has."""
    members = (
        f"{json.dumps(key)}: {f'{value:f}' if isinstance(value, Decimal) else json.dumps(value)}"
        for key, value in payload.items()
        if value is not None
    )
    return "{" + ", ".join(members) + "}"

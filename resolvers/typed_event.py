"""The five types of captured events, each with its payload's fields typed."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson
import strawberry

from resolvers.limits import ListSize
from resolvers.manual_event import ManualEvent
from resolvers.scalars import Json

MAX_DIGITS = 4000  # Python reads no longer integers


@strawberry.enum(description="How bad an issue is.")
class IssueSeverity(Enum):
    """Severities of issues."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def payload_of(event: Any) -> dict[str, Any]:
    """An event's payload, decoded; fractions stay text, so that decimals stay exact, and so do endless integers."""
    payload: dict[str, Any] = json.loads(event.payload, parse_float=str, parse_int=_integer)
    return payload


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _text(event: Any, key: str) -> str | None:
    value = payload_of(event).get(key)
    return value if isinstance(value, str) else None


def _json(event: Any, key: str) -> Any:
    """A part of the payload as JSON text, which is how the scalar JSON takes what it is given."""
    part = json.loads(event.payload, parse_float=orjson.Fragment, parse_int=orjson.Fragment).get(key)
    return None if part is None else orjson.dumps(part).decode()


@strawberry.type(description="An odometer as it was read.")
class OdometerReading(ManualEvent):
    """An event of type odometer_reading."""

    odometer_miles: int = strawberry.field(name="miles", description="What the odometer showed, miles.")

    @strawberry.field(description="How it was read, like photo or fuel_log.")
    def source(self) -> str | None:
        """The source."""
        return _text(self, "source")

    @strawberry.field(description="How sure the reading of the photo is, 0 to 100.")
    def ocr_confidence(self) -> float | None:
        """Confidence of the optical recognition."""
        value = payload_of(self).get("ocr_confidence")
        return None if value is None else float(value)

    @strawberry.field(description="Where it was read.")
    def location(self) -> Json | None:
        """Location as captured."""
        return _json(self, "location")


@strawberry.type(description="A fill-up.")
class FuelPurchase(ManualEvent):
    """An event of type fuel_purchase."""

    odometer_miles: int | None = strawberry.field(description="The odometer at the pump, miles.")
    is_full_tank: bool = strawberry.field(description="Whether the tank was filled up; true unless captured otherwise.")
    missed_previous: bool = strawberry.field(description="Whether a fill-up before this one was not recorded.")
    gallons: Decimal = strawberry.field(description="US gallons.")
    price_per_gallon: Decimal | None = strawberry.field(description="US dollars per US gallon.")
    cost: Decimal | None = strawberry.field(
        name="totalCost",
        description="US dollars: as paid, or gallons x price per gallon where no total was captured.",
    )

    @strawberry.field(description="The kind of fuel.")
    def fuel_type(self) -> str | None:
        """The kind of fuel."""
        return _text(self, "fuel_type")

    @strawberry.field(description="The station's name.")
    def station_name(self) -> str | None:
        """The station."""
        return _text(self, "station_name")


@strawberry.type(description="A service or repair.")
class Maintenance(ManualEvent):
    """An event of type maintenance."""

    cost: Decimal | None = strawberry.field(description="US dollars.")
    odometer_miles: int | None = strawberry.field(description="The odometer at the service, miles.")

    @strawberry.field(description="What was done, like oil_change.")
    def service_type(self) -> str:
        """The kind of service."""
        return str(payload_of(self)["service_type"])

    @strawberry.field(description="The parts replaced, as captured.")
    def parts_replaced(self) -> Json | None:
        """Parts."""
        return _json(self, "parts_replaced")

    @strawberry.field(description="Who did it, as captured.")
    def service_provider(self) -> Json | None:
        """The workshop."""
        return _json(self, "service_provider")

    @strawberry.field(description="When the next service is due, as captured.")
    def next_service(self) -> Json | None:
        """The next service."""
        return _json(self, "next_service")


@strawberry.type(description="A defect that a person reported.")
class IssueReport(ManualEvent):
    """An event of type issue_report."""

    odometer_miles: int | None = strawberry.field(description="The odometer at the report, miles.")

    @strawberry.field(description="How bad it is.")
    def severity(self) -> IssueSeverity:
        """The severity."""
        return payload_of(self)["severity"]

    @strawberry.field(description="What is wrong.")
    def description(self) -> str:
        """The report's text."""
        return str(payload_of(self)["description"])

    @strawberry.field(description="When it was resolved, as captured; null while it is open.")
    def resolved_at(self) -> str | None:
        """The end of the issue."""
        return _text(self, "resolved_at")


@strawberry.type(description="One trip of a batch.")
class Trip:
    """One entry of a trip batch."""

    started_at: str = strawberry.field(description="When it began, as captured.")
    ended_at: str = strawberry.field(description="When it ended, as captured.")
    miles: Decimal = strawberry.field(description="Miles driven.")
    idle_minutes: int = strawberry.field(description="Minutes of idling.")
    harsh_events: int = strawberry.field(description="Harsh braking, acceleration and cornering.")


@strawberry.type(description="Trips recorded together.")
class TripBatch(ManualEvent):
    """An event of type trip_batch."""

    @strawberry.field(
        description="The trips, in the order recorded.",
        directives=[ListSize(assumed_size=3)],
    )
    def trips(self) -> list[Trip]:
        """The trips."""
        return [
            Trip(
                started_at=trip["start"],
                ended_at=trip["end"],
                miles=trip["miles"],
                idle_minutes=int(float(trip.get("idle_minutes") or 0)),
                harsh_events=int(float(trip.get("harsh_events") or 0)),
            )
            for trip in payload_of(self)["trips"]
        ]


EVENT_TYPES = (OdometerReading, FuelPurchase, Maintenance, IssueReport, TripBatch)

"""What is given to record and change events."""

from __future__ import annotations

import datetime
from decimal import Decimal

import strawberry

from resolvers.manual_event import EventType
from resolvers.mutation import EXPECTED, KEY
from resolvers.scalars import Json
from resolvers.typed_event import IssueSeverity

VEHICLE = "The vehicle."
WHEN = "When it happened: from 1990 to a day from now."
UPLOAD = "The photo or file it was read from."
SURE = "How sure the capture is, 0 to 100; 80 if not given."
EXTRA = "A JSON object of whatever else was captured; kept in the payload."
ODOMETER = "Miles on the odometer."


@strawberry.input(description="An odometer as it was read.")
class RecordOdometerReadingInput:
    """An odometer reading."""

    vehicle_id: strawberry.ID = strawberry.field(description=VEHICLE)
    occurred_at: datetime.datetime = strawberry.field(description=WHEN)
    miles: int = strawberry.field(description=ODOMETER)
    source_upload_id: strawberry.ID | None = strawberry.field(default=None, description=UPLOAD)
    confidence: int | None = strawberry.field(default=None, description=SURE)
    extra: Json | None = strawberry.field(default=None, description=EXTRA)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A fill-up.")
class RecordFuelPurchaseInput:
    """A fuel purchase."""

    vehicle_id: strawberry.ID = strawberry.field(description=VEHICLE)
    occurred_at: datetime.datetime = strawberry.field(description=WHEN)
    gallons: Decimal = strawberry.field(description="US gallons.")
    price_per_gallon: Decimal | None = strawberry.field(default=None, description="US dollars per gallon.")
    total_cost: Decimal | None = strawberry.field(
        default=None, description="US dollars; gallons x price per gallon where it is not given."
    )
    odometer_miles: int | None = strawberry.field(default=None, description=ODOMETER)
    is_full_tank: bool = strawberry.field(default=True, description="Whether the tank was filled up.")
    missed_previous: bool = strawberry.field(
        default=False, description="Whether a fill-up before this one was not recorded."
    )
    fuel_type: str | None = strawberry.field(default=None, description="The kind of fuel.")
    station_name: str | None = strawberry.field(default=None, description="The station's name.")
    source_upload_id: strawberry.ID | None = strawberry.field(default=None, description=UPLOAD)
    confidence: int | None = strawberry.field(default=None, description=SURE)
    extra: Json | None = strawberry.field(default=None, description=EXTRA)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A service or repair.")
class RecordMaintenanceInput:
    """A service."""

    vehicle_id: strawberry.ID = strawberry.field(description=VEHICLE)
    occurred_at: datetime.datetime = strawberry.field(description=WHEN)
    service_type: str = strawberry.field(description="What was done, like oil_change.")
    odometer_miles: int | None = strawberry.field(default=None, description=ODOMETER)
    cost: Decimal | None = strawberry.field(default=None, description="US dollars.")
    parts_replaced: Json | None = strawberry.field(default=None, description="A JSON list of parts.")
    service_provider: Json | None = strawberry.field(default=None, description="Who did it.")
    next_service: Json | None = strawberry.field(default=None, description="A JSON object: when the next one is due.")
    source_upload_id: strawberry.ID | None = strawberry.field(default=None, description=UPLOAD)
    confidence: int | None = strawberry.field(default=None, description=SURE)
    extra: Json | None = strawberry.field(default=None, description=EXTRA)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A defect.")
class ReportIssueInput:
    """An issue."""

    vehicle_id: strawberry.ID = strawberry.field(description=VEHICLE)
    occurred_at: datetime.datetime = strawberry.field(description=WHEN)
    severity: IssueSeverity = strawberry.field(description="How bad it is.")
    description: str = strawberry.field(description="What is wrong; 1 to 10,000 characters.")
    odometer_miles: int | None = strawberry.field(default=None, description=ODOMETER)
    source_upload_id: strawberry.ID | None = strawberry.field(default=None, description=UPLOAD)
    confidence: int | None = strawberry.field(default=None, description=SURE)
    extra: Json | None = strawberry.field(default=None, description=EXTRA)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="One trip.")
class TripInput:
    """One trip of a batch."""

    started_at: datetime.datetime = strawberry.field(description="When it began.")
    ended_at: datetime.datetime = strawberry.field(description="When it ended.")
    miles: Decimal = strawberry.field(description="Miles driven.")
    idle_minutes: int = strawberry.field(default=0, description="Minutes of idling.")
    harsh_events: int = strawberry.field(default=0, description="Harsh braking, acceleration and cornering.")


@strawberry.input(description="Trips recorded together.")
class RecordTripBatchInput:
    """A batch of trips."""

    vehicle_id: strawberry.ID = strawberry.field(description=VEHICLE)
    trips: list[TripInput] = strawberry.field(description="The trips, up to 1,000.")
    source_upload_id: strawberry.ID | None = strawberry.field(default=None, description=UPLOAD)
    confidence: int | None = strawberry.field(default=None, description=SURE)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="An event of any type.")
class RecordEventInput:
    """One of many events."""

    vehicle_id: strawberry.ID = strawberry.field(description=VEHICLE)
    event_type: EventType = strawberry.field(description="What was captured.")
    occurred_at: datetime.datetime = strawberry.field(description=WHEN)
    payload: Json = strawberry.field(description="A JSON object, as docs/payloads describes it for each type.")
    source_upload_id: strawberry.ID | None = strawberry.field(default=None, description=UPLOAD)
    confidence: int | None = strawberry.field(default=None, description=SURE)


@strawberry.input(description="Events of any types.")
class RecordEventsInput:
    """Many events."""

    events: list[RecordEventInput] = strawberry.field(description="The events, up to 1,000.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="An event that a person checked.")
class VerifyEventInput:
    """A check, with corrections."""

    id: strawberry.ID = strawberry.field(description="The event.")
    corrections: Json | None = strawberry.field(
        default=None, description="A JSON object of the payload's keys that were wrong, with what is right."
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="An event that is to be void.")
class VoidEventInput:
    """An event and the reason."""

    id: strawberry.ID = strawberry.field(description="The event.")
    reason: str = strawberry.field(description="Why; 1 to 1,000 characters.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

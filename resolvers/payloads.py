"""Payloads: what is captured with each type of event. Keys that are not listed are kept as they come.

The bounds are those of the database's own checks (app.is_payload), so that a mistake is told by its key.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from resolvers.errors import InvalidArgumentError
from resolvers.mutation import Mistake
from resolvers.scalars import require_storable

Miles = Annotated[int, Field(ge=0, le=9_999_999, description="Miles on the odometer.")]
Confidence = Annotated[float, Field(ge=0, le=100, description="How sure the optical recognition is, 0 to 100.")]
Text = Annotated[str, Field(max_length=2000)]
EXACT = {"max_digits": 20, "allow_inf_nan": False}


def _decimal(value: object) -> object:
    """A number as JSON has it, or a text of one, as the decimal that it is; anything else is refused as what it is."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return value
    return value


READ = BeforeValidator(_decimal)


class Payload(BaseModel):
    """What every payload is: an object, open to more keys."""

    model_config = ConfigDict(extra="allow", strict=True)


class OdometerReadingPayload(Payload):
    """An odometer as it was read."""

    miles: Miles
    ocr_confidence: Confidence | None = None
    source: Text | None = Field(default=None, description="How it was read, like photo.")
    image_metadata: dict[str, Any] | None = None
    location: dict[str, Any] | None = None
    device_info: dict[str, Any] | None = None


class FuelPurchasePayload(Payload):
    """A fill-up, in US gallons and US dollars."""

    gallons: Annotated[Decimal, Field(ge=Decimal("0.001"), le=10_000, description="US gallons.", **EXACT), READ]
    price_per_gallon: (
        Annotated[Decimal, Field(ge=0, le=1000, description="US dollars per gallon.", **EXACT), READ] | None
    ) = None
    total_cost: Annotated[Decimal, Field(ge=0, le=1_000_000, description="US dollars.", **EXACT), READ] | None = None
    odometer_miles: Miles | None = None
    is_full_tank: bool | None = Field(default=None, description="Whether the tank was filled up; true if absent.")
    missed_previous: bool | None = Field(default=None, description="Whether a fill-up before it was not recorded.")
    fuel_type: Text | None = None
    station_name: Text | None = None
    receipt_data: dict[str, Any] | None = None
    extracted_fields: dict[str, Any] | None = None


class MaintenancePayload(Payload):
    """A service or repair."""

    service_type: Annotated[str, Field(min_length=1, max_length=200, description="What was done, like oil_change.")]
    odometer_miles: Miles | None = None
    cost: Annotated[Decimal, Field(ge=0, le=10_000_000, description="US dollars.", **EXACT), READ] | None = None
    parts_replaced: list[Any] | None = None
    service_provider: Any = None
    next_service: dict[str, Any] | None = Field(default=None, description="When the next one is due: miles, date.")


class IssueReportPayload(Payload):
    """A defect that a person reported."""

    severity: Literal["low", "medium", "high", "critical"]
    description: Annotated[str, Field(min_length=1, max_length=10_000)]
    odometer_miles: Miles | None = None
    resolved_at: Text | None = Field(default=None, description="When it was resolved; absent while it is open.")


class TripPayload(Payload):
    """One trip of a batch."""

    start: Text = Field(description="When it began, ISO 8601.")
    end: Text = Field(description="When it ended, ISO 8601.")
    miles: Annotated[Decimal, Field(ge=0, le=100_000, description="Miles driven.", **EXACT), READ]
    idle_minutes: Annotated[int, Field(ge=0, le=100_000)] | None = None
    harsh_events: Annotated[int, Field(ge=0, le=100_000)] | None = None


class TripBatchPayload(Payload):
    """Trips recorded together."""

    trips: Annotated[list[TripPayload], Field(min_length=1, max_length=1000)]


PAYLOADS: dict[str, type[Payload]] = {
    "odometer_reading": OdometerReadingPayload,
    "fuel_purchase": FuelPurchasePayload,
    "maintenance": MaintenancePayload,
    "issue_report": IssueReportPayload,
    "trip_batch": TripBatchPayload,
}
"""The payload of each type of event."""


def payload_text(event_type: str, captured: dict[str, Any], *path: str) -> str:
    """A payload as JSON text, decimals as the exact numbers that they are. Raises the first mistake, by its key."""
    try:
        require_storable(captured, "payload")
    except InvalidArgumentError as error:
        raise Mistake("INVALID", str(error), *path) from None
    try:
        payload = PAYLOADS[event_type].model_validate(captured)
    except ValidationError as refused:
        wrong = refused.errors(include_url=False)[0]
        where = [camel(str(part)) for part in wrong["loc"]]
        raise Mistake("INVALID", f"{'.'.join(where)}: {wrong['msg']}.", *path, *where) from None
    return orjson.dumps(payload.model_dump(exclude_none=True), default=exact).decode()


def schema_text(event_type: str) -> str:
    """The JSON Schema of a payload, as docs/payloads has it."""
    schema = PAYLOADS[event_type].model_json_schema()
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def camel(name: str) -> str:
    """A key of a payload as the graph calls it."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def exact(value: object) -> orjson.Fragment:
    """A decimal for orjson, as the exact number that it is."""
    if not isinstance(value, Decimal):
        raise TypeError(f"a payload holds no {type(value).__name__}")
    return orjson.Fragment(f"{value:f}")

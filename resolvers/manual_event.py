"""Captured events: five types behind one interface, each with its payload's fields typed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
import strawberry

from resolvers.context import Info
from resolvers.filters import OrderDirection
from resolvers.loading import Loaders, many_by, one_by, value_by
from resolvers.node import Node, findable
from resolvers.paging import Connection, Page, connection, page
from resolvers.scalars import Json, uuid_of
from resolvers.user import User, user_by_id
from sql.statements import Ordering

if TYPE_CHECKING:
    from resolvers.upload import Upload
    from resolvers.vehicle import Vehicle


@strawberry.enum(description="What was captured.")
class EventType(Enum):
    """Types of events."""

    ODOMETER_READING = "odometer_reading"
    FUEL_PURCHASE = "fuel_purchase"
    MAINTENANCE = "maintenance"
    ISSUE_REPORT = "issue_report"
    TRIP_BATCH = "trip_batch"


@strawberry.enum(description="How bad an issue is.")
class IssueSeverity(Enum):
    """Severities of issues."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@strawberry.enum(description="What events can be ordered by.")
class EventOrderField(Enum):
    """Columns to order events by."""

    OCCURRED_AT = "occurred_at"
    CREATED_AT = "created_at"


@strawberry.input(description="One term of an order of events.")
class EventOrder:
    """A column and a direction."""

    field: EventOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Conditions on events; all that are given must hold.")
class EventFilter:
    """Conditions on events."""

    event_type: EventType | None = strawberry.field(default=None, description="Of this type.")
    occurred_from: datetime.datetime | None = strawberry.field(default=None, description="Happened then or later.")
    occurred_before: datetime.datetime | None = strawberry.field(default=None, description="Happened before then.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Of this vehicle.")
    payload_contains: Json | None = strawberry.field(
        default=None, description="The payload contains this JSON, as PostgreSQL's @> has it."
    )

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        contains = self.payload_contains
        return {
            "event_type": self.event_type.value if self.event_type else None,
            "occurred_from": self.occurred_from,
            "occurred_before": self.occurred_before,
            "vehicle_id": None if self.vehicle_id is None else uuid_of(self.vehicle_id, "vehicleId"),
            "payload_contains": None if contains is None else orjson.dumps(contains).decode(),
        }


async def manual_event_by_id(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """Events by id."""
    return one_by(ids, await loaders.fetch("manual_events_by_id", ids=ids))


async def archived_event_by_id(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """Archived events by id."""
    return one_by(ids, await loaders.fetch("archived_events_by_id", ids=ids))


async def caller_is_narrow(loaders: Loaders, keys: list[str]) -> Sequence[Any]:
    """Whether the caller is a viewer of few vehicles, whose events are found by vehicle."""
    if loaders.session.role != "viewer":
        return [None] * len(keys)
    (row,) = await loaders.fetch("caller_is_narrow")
    return [row["narrow"] or None] * len(keys)


async def events_by_vehicle(loaders: Loaders, ids: list[UUID], asked: Page) -> Sequence[Any]:
    """The same page of every vehicle's events, one row more than asked for."""
    return many_by(ids, await loaders.fetch("manual_events_page_by_vehicle", ids=ids, **asked.arguments), "key_id")


async def event_count_by_vehicle(loaders: Loaders, ids: list[UUID], asked: Page) -> Sequence[Any]:
    """How many events each vehicle has under the page's filter."""
    rows = await loaders.fetch("manual_events_count_by_vehicle", ids=ids, **dict(asked.parameters))
    return value_by(ids, rows, "key_id", "total_count", absent=0)


async def events_of_vehicle(info: Info, id_: UUID, asked: Page) -> Any:
    """A vehicle's page of events as a connection."""
    loaders = info.context.loaders
    rows = await loaders.load(events_by_vehicle, id_, asked)
    return Connection.of(rows, asked, lambda: loaders.load(event_count_by_vehicle, id_, asked))


def payload_of(event: Any) -> dict[str, Any]:
    """An event's payload, decoded; fractions stay text, so that decimals stay exact."""
    payload: dict[str, Any] = json.loads(event.payload, parse_float=str)
    return payload


def _text(event: Any, key: str) -> str | None:
    value = payload_of(event).get(key)
    return value if isinstance(value, str) else None


def _json(event: Any, key: str) -> Any:
    return orjson.loads(event.payload).get(key)


@strawberry.interface(description="Something captured about a vehicle, mostly by smartphone.")
class ManualEvent(Node):
    """A row of manual_events."""

    vehicle_id: strawberry.Private[UUID]
    source_upload_id: strawberry.Private[UUID | None]
    created_by_id: strawberry.Private[UUID]
    event_type: EventType = strawberry.field(description="What was captured.")
    payload: Json = strawberry.field(description="All that was captured, with keys that have no field here.")
    confidence: int = strawberry.field(description="How sure the capture is, 0 to 100.")
    verified_by_user: bool = strawberry.field(description="Whether a person checked it.")
    occurred_at: datetime.datetime = strawberry.field(
        description="When it happened. createdAt is when it was recorded."
    )
    created_at: datetime.datetime = strawberry.field(description="When it was recorded.")
    updated_at: datetime.datetime = strawberry.field(description="When the record last changed.")

    @strawberry.field(description="The vehicle.")
    async def vehicle(self, info: Info) -> Annotated[Vehicle, strawberry.lazy("resolvers.vehicle")]:
        """The vehicle."""
        from resolvers.vehicle import vehicle_by_id

        return await info.context.loaders.load(vehicle_by_id, self.vehicle_id)

    @strawberry.field(description="Who recorded it.")
    async def created_by(self, info: Info) -> User:
        """The person."""
        return await info.context.loaders.load(user_by_id, self.created_by_id)

    @strawberry.field(description="The photo or file it was read from.")
    async def source_upload(self, info: Info) -> Annotated[Upload, strawberry.lazy("resolvers.upload")] | None:
        """The source."""
        from resolvers.upload import upload_by_id

        return await info.context.loaders.load_known(upload_by_id, self.source_upload_id)


@strawberry.type(description="An odometer as it was read.")
class OdometerReading(ManualEvent):
    """An event of type odometer_reading."""

    odometer_miles: strawberry.Private[int]

    @strawberry.field(description="What the odometer showed, miles.")
    def miles(self) -> int:
        """Miles."""
        return self.odometer_miles

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

    cost: strawberry.Private[Decimal | None]
    odometer_miles: int | None = strawberry.field(description="The odometer at the pump, miles.")
    is_full_tank: bool = strawberry.field(description="Whether the tank was filled up; true unless captured otherwise.")
    missed_previous: bool = strawberry.field(description="Whether a fill-up before this one was not recorded.")
    gallons: Decimal = strawberry.field(description="US gallons.")
    price_per_gallon: Decimal | None = strawberry.field(description="US dollars per US gallon.")

    @strawberry.field(description="US dollars: as paid, or gallons x price per gallon where no total was captured.")
    def total_cost(self) -> Decimal | None:
        """Dollars."""
        return self.cost

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

    @strawberry.field(description="The trips, in the order recorded.")
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

findable("ManualEvent", manual_event_by_id)
findable("ArchivedEvent", archived_event_by_id)


def event_page(
    filter: EventFilter | None,
    order_by: Sequence[EventOrder] | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    *,
    narrow: bool | None = None,
) -> Page:
    """The page of events that these arguments ask for; ``narrow`` as ``caller_is_narrow`` has it."""
    return page(
        "manual_events",
        Ordering("occurred_at", descending=True),
        first,
        after,
        last,
        before,
        filter=filter,
        order_by=order_by,
        narrow=narrow,
    )


@strawberry.type
class ManualEventQuery:
    """Ways to events."""

    @strawberry.field(description="All events that the caller may see, latest first unless ordered otherwise.")
    async def events(
        self,
        info: Info,
        filter: EventFilter | None = None,
        order_by: list[EventOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ManualEvent]:
        """A page of events."""
        narrow = await info.context.loaders.load(caller_is_narrow, "caller")
        asked = event_page(filter, order_by, first, after, last, before, narrow=narrow)
        return await connection(info, "manual_events", asked)

    @strawberry.field(description="The archived events that the caller may see, latest first unless ordered otherwise.")
    async def archived_events(
        self,
        info: Info,
        filter: EventFilter | None = None,
        order_by: list[EventOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ManualEvent]:
        """A page of archived events."""
        narrow = await info.context.loaders.load(caller_is_narrow, "caller")
        asked = event_page(filter, order_by, first, after, last, before, narrow=narrow)
        return await connection(info, "archived_events", asked)

"""Captured events: the interface of all of them, and the ways to them. Their five types are in typed_event."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.filters import OrderDirection
from resolvers.level import Level, level
from resolvers.loading import Loaders, column, many_in, one_by, value_by
from resolvers.node import Node, findable
from resolvers.paging import PAGED, Connection, Page, narrowed_connection, page
from resolvers.scalars import Json, json_of, uuid_of
from resolvers.user import User, user_by_id
from sql.statements import Ordering

if TYPE_CHECKING:
    from resolvers.upload import Upload
    from resolvers.vehicle import Vehicle


HEAVY = {
    "without_details": frozenset(
        {
            *("vehicle", "sourceUpload", "confidence", "verifiedByUser", "createdBy", "updatedAt"),
            *("version", "voidedAt", "voidReason"),
            *("miles", "odometerMiles", "gallons", "cost", "totalCost", "isFullTank", "missedPrevious"),
        }
    ),
    "without_created_at": frozenset({"createdAt"}),
    "without_price_per_gallon": frozenset({"pricePerGallon"}),
    "without_payload": frozenset(
        {
            "payload",
            *("source", "ocrConfidence", "location"),
            *("fuelType", "stationName"),
            *("serviceType", "partsReplaced", "serviceProvider", "nextService"),
            *("severity", "description", "resolvedAt"),
            "trips",
        }
    ),
}
"""What leaves columns of a page of events out, and the fields that need them; by event type, as in typed_event."""


@strawberry.enum(description="What was captured.")
class EventType(Enum):
    """Types of events."""

    ODOMETER_READING = "odometer_reading"
    FUEL_PURCHASE = "fuel_purchase"
    MAINTENANCE = "maintenance"
    ISSUE_REPORT = "issue_report"
    TRIP_BATCH = "trip_batch"


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
        default=None,
        description="The payload contains this JSON, as PostgreSQL's @> has it. Encrypted values are never found so.",
    )

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        contains = self.payload_contains
        return {
            "event_type": self.event_type.value if self.event_type else None,
            "occurred_from": self.occurred_from,
            "occurred_before": self.occurred_before,
            "vehicle_id": None if self.vehicle_id is None else uuid_of(self.vehicle_id, "vehicleId"),
            "payload_contains": None if contains is None else json_of(contains, "payloadContains"),
        }


async def manual_event_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Events by id."""
    return one_by(ids, await loaders.fetch("manual_events_by_id", ids=ids))


async def archived_event_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Archived events by id."""
    return one_by(ids, await loaders.fetch("archived_events_by_id", ids=ids))


async def events_by_vehicle(loaders: Loaders, ids: list[str], asked: Page) -> Sequence[Any]:
    """The same page of every vehicle's events."""
    asks = partial(loaders.fetch, "manual_events_page_by_vehicle", ids=ids, **asked.arguments)
    rows = await asks()
    if rows and rows[-1]["number"] == 0:  # events are elsewhere than the gateway knows
        rows = await asks(elsewhere=True)
    return many_in(ids, rows)


async def event_count_by_vehicle(loaders: Loaders, ids: list[str], asked: Page) -> Sequence[Any]:
    """How many events each vehicle has under the page's filter."""
    rows = await loaders.fetch("manual_events_count_by_vehicle", ids=ids, **dict(asked.parameters))
    return value_by(ids, rows, "key_id", "total_count", absent=0)


@strawberry.interface(description="Something captured about a vehicle, mostly by smartphone.")
class ManualEvent(Node):
    """A row of manual_events."""

    vehicle_id: strawberry.Private[str]
    source_upload_id: strawberry.Private[str | None]
    created_by_id: strawberry.Private[str]
    event_type: EventType = strawberry.field(description="What was captured.")
    payload: Json = strawberry.field(
        description="All that was captured, with keys that have no field here. "
        "An encrypted value that is not for the caller is null."
    )
    confidence: int = strawberry.field(description="How sure the capture is, 0 to 100.")
    verified_by_user: bool = strawberry.field(description="Whether a person checked it.")
    occurred_at: datetime.datetime = strawberry.field(
        description="When it happened. createdAt is when it was recorded."
    )
    version: int = strawberry.field(description="Counts the changes of the record, from 1.")
    voided_at: datetime.datetime | None = strawberry.field(
        description="Since when it is void and counts for nothing; null while it counts."
    )
    void_reason: str | None = strawberry.field(description="Why it is void.")
    created_at: datetime.datetime = strawberry.field(description="When it was recorded.")
    updated_at: datetime.datetime = strawberry.field(description="When the record last changed.")

    @level(description="The vehicle.")
    def vehicle(events: Level, info: Info) -> Annotated[Vehicle, strawberry.lazy("resolvers.vehicle")]:
        """The vehicle."""
        from resolvers.vehicle import vehicle_by_id

        return info.context.loaders.level(vehicle_by_id, column(events, "vehicle_id"))

    @level(description="Who recorded it.")
    def created_by(events: Level, info: Info) -> User:
        """The person."""
        return info.context.loaders.level(user_by_id, column(events, "created_by_id"))

    @level(description="The photo or file it was read from.")
    def source_upload(events: Level, info: Info) -> Annotated[Upload, strawberry.lazy("resolvers.upload")] | None:
        """The source."""
        from resolvers.upload import upload_by_id

        return info.context.loaders.level(upload_by_id, column(events, "source_upload_id"))


findable("ManualEvent", manual_event_by_id)
findable("ArchivedEvent", archived_event_by_id)


def event_page(
    info: Info,
    filter: EventFilter | None,
    order_by: Sequence[EventOrder] | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page:
    """The page of events that these arguments ask for."""
    latest = Ordering("occurred_at", descending=True)
    return page(
        info, "manual_events", latest, first, after, last, before, filter=filter, order_by=order_by, heavy=HEAVY
    )


@strawberry.type
class ManualEventQuery:
    """Ways to events."""

    @level(
        description="All events that the caller may see, latest first unless ordered otherwise.",
        directives=PAGED,
    )
    def events(
        _: Level,
        info: Info,
        filter: EventFilter | None = None,
        order_by: list[EventOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ManualEvent]:
        """A page of events."""
        asked = event_page(info, filter, order_by, first, after, last, before)
        return narrowed_connection(info, "manual_events", asked)

    @level(
        description="The archived events that the caller may see, latest first unless ordered otherwise.",
        directives=PAGED,
    )
    def archived_events(
        _: Level,
        info: Info,
        filter: EventFilter | None = None,
        order_by: list[EventOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ManualEvent]:
        """A page of archived events."""
        asked = event_page(info, filter, order_by, first, after, last, before)
        return narrowed_connection(info, "archived_events", asked)

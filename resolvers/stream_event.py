"""The event stream: every change of a vehicle, a member or a group, versioned per aggregate."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.level import Level, level
from resolvers.loading import Loaders, one_by
from resolvers.membership import MembershipRole, require_role
from resolvers.node import Node, findable
from resolvers.paging import PAGED, Connection, connection, page
from resolvers.scalars import Json, text_of, uuid_of
from sql.statements import Ordering


@strawberry.enum(description="What changed.")
class AggregateType(Enum):
    """Types of aggregates."""

    VEHICLE = "vehicle"
    USER = "user"
    FLEET_GROUP = "fleet_group"


@strawberry.input(description="Conditions on the event stream; all that are given must hold.")
class StreamFilter:
    """Conditions on stream events."""

    aggregate_type: AggregateType | None = strawberry.field(default=None, description="Of this type.")
    aggregate_id: strawberry.ID | None = strawberry.field(default=None, description="Of this vehicle, member or group.")
    event_type: str | None = strawberry.field(default=None, description="Of this kind, like vehicle.moved.")

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        return {
            "aggregate_type": self.aggregate_type.value if self.aggregate_type else None,
            "aggregate_id": None if self.aggregate_id is None else uuid_of(self.aggregate_id, "aggregateId"),
            "event_type": None if self.event_type is None else text_of(self.event_type, "eventType"),
        }


async def stream_event_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Stream events by id."""
    return one_by(ids, await loaders.fetch("stream_events_by_id", ids=ids))


@strawberry.type(description="One change of a vehicle, a member or a group.")
class StreamEvent(Node):
    """A row of event_stream."""

    aggregate_type: AggregateType = strawberry.field(description="What changed.")
    aggregate_id: strawberry.ID = strawberry.field(description="The id of what changed.")
    event_type: str = strawberry.field(description="How it changed, like vehicle.created.")
    event_data: Json = strawberry.field(description="The whole row at creation, the changed columns afterwards.")
    metadata: Json = strawberry.field(description="Who changed it, from where and with what.")
    version: int = strawberry.field(description="Counts the changes of this aggregate, from 1.")
    created_at: datetime.datetime = strawberry.field(description="When.")


findable("StreamEvent", stream_event_by_id)


@strawberry.type
class StreamQuery:
    """Ways to the event stream."""

    @level(
        description="What changed in the tenant, newest first; for owners and managers.",
        directives=PAGED,
    )
    def event_stream(
        _: Level,
        info: Info,
        filter: StreamFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[StreamEvent]:
        """A page of stream events."""
        require_role(info, MembershipRole.OWNER, MembershipRole.MANAGER, what="The event stream")
        asked = page(
            info, "stream_events", Ordering("created_at", descending=True), first, after, last, before, filter=filter
        )
        return connection(info, "stream_events", asked)

"""Service: where a vehicle stands between two services, and which are due."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.loading import Loaders, one_by


@strawberry.enum(
    description="Where a vehicle stands by the share of its service interval that is used up: OK under 90 percent, "
    "DUE_SOON from 90, DUE from 100, OVERDUE past 110; UNKNOWN where nothing tells it."
)
class ServiceState(Enum):
    """States, as the database has them."""

    UNKNOWN = "UNKNOWN"
    OK = "OK"
    DUE_SOON = "DUE_SOON"
    DUE = "DUE"
    OVERDUE = "OVERDUE"


@strawberry.type(
    description="Where a vehicle stands between two services: by miles, by date or by engine hours, whichever is "
    "first. The interval is the last service's next_service, else the vehicle's own. Repairs are no services."
)
class ServiceStatus:
    """A row of service_by_vehicle."""

    state: ServiceState = strawberry.field(description="What the share of the interval that is used up says.")
    miles_since_service: int | None = strawberry.field(
        description="Miles since the last service, else since the first reading; null without an accepted reading."
    )
    miles_remaining: int | None = strawberry.field(description="Miles until the next service; negative past it.")
    last_service_at: datetime.datetime | None = strawberry.field(description="When the last service was; null without.")
    due_on: datetime.date | None = strawberry.field(
        description="The day of the next service, where the last one set one."
    )


async def service_by_vehicle(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The service status of vehicles."""
    return one_by(ids, await loaders.fetch("service_by_vehicle", ids=ids), "key_id")

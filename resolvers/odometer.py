"""Odometers: the readings of a vehicle, which of them are accepted, and what it shows now."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.level import Level, level
from resolvers.loading import Loaders, column, many_by, one_by
from resolvers.manual_event import ManualEvent, manual_event_by_id


async def odometer_by_vehicle(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The odometers of vehicles; None where no reading is accepted."""
    return one_by(ids, await loaders.fetch("odometers_by_vehicle", ids=ids), "key_id")


async def readings_by_vehicle(
    loaders: Loaders, ids: list[str], start: datetime.date | None, end: datetime.date | None, rejected: bool | None
) -> Sequence[Any]:
    """The readings of vehicles, oldest first; those that are rejected, or accepted, or both."""
    rows = await loaders.fetch(
        "odometer_readings_by_vehicle",
        ids=ids,
        period_start=start,
        period_end=end,
        rejected=True if rejected else None,
        accepted=True if rejected is False else None,
    )
    return many_by(ids, rows, "key_id")


@strawberry.type(description="What a vehicle's odometer shows by its latest accepted reading.")
class Odometer:
    """A row of odometers_by_vehicle."""

    miles: int = strawberry.field(description="Miles on the odometer.")
    read_at: datetime.datetime = strawberry.field(description="When that was read.")
    rejected_readings: int = strawberry.field(
        description="Readings that are not accepted, over all time; odometerReadings(rejected: true) lists them."
    )


@strawberry.enum(
    description="Why a reading is not accepted: an accepted one before it shows more, one after it shows less, or it "
    "is more than 1,500 miles a day from the one before (later readings may confirm it)."
)
class ReadingRejection(Enum):
    """Reasons, as the database has them."""

    BELOW_EARLIER_READING = "BELOW_EARLIER_READING"
    ABOVE_LATER_READING = "ABOVE_LATER_READING"
    TOO_MANY_MILES_PER_DAY = "TOO_MANY_MILES_PER_DAY"


@strawberry.type(
    description="A reading of an odometer, from an event of whichever type. A verified one outweighs those that nobody "
    "has verified; a void one counts for nothing."
)
class JudgedReading:
    """A row of odometer_readings_by_vehicle."""

    event_id: strawberry.Private[str]
    miles: int = strawberry.field(description="Miles that were read.")
    occurred_at: datetime.datetime = strawberry.field(description="When that was.")
    driven: int | None = strawberry.field(
        description="Miles since the vehicle's first accepted reading, over replacements of the odometer; null where "
        "the reading is rejected."
    )
    rejected_reason: ReadingRejection | None = strawberry.field(description="Why it is not accepted; null where it is.")

    @level(description="The event that tells it; null for one in the archive.")
    def event(readings: Level, info: Info) -> ManualEvent | None:
        """The event."""
        return info.context.loaders.level(manual_event_by_id, column(readings, "event_id"))

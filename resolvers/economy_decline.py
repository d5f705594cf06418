"""Declining economy: vehicles that get fewer miles out of a gallon than they did, with the figures that say so."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.errors import InvalidArgumentError
from resolvers.filters import Period, bounds
from resolvers.level import Level, level
from resolvers.limits import Cost, ListSize
from resolvers.loading import Loaders, column
from resolvers.paging import sized
from resolvers.scalars import uuid_of
from resolvers.vehicle import Vehicle, vehicle_by_id

MOST_PCT = 100


@strawberry.enum(
    description="What a vehicle's economy is compared with: what is expected of it (baselineFuelMpg), else its own "
    "economy over the year before the period."
)
class BaselineSource(Enum):
    """Sources, as the database has them."""

    EXPECTED = "EXPECTED"
    YEAR_BEFORE = "YEAR_BEFORE"


@strawberry.type(
    description="A vehicle whose fuel economy in a period lies below its baseline, and below that of the same days a "
    "year before where that is known. Economy is total miles by total gallons of the accepted spans from one full fill "
    "to the next; it is known from four spans and ten gallons on."
)
class EconomyDecline:
    """A row of economy_declines."""

    vehicle_id: strawberry.Private[str]
    period_start: datetime.date = strawberry.field(description="The first day of the period.")
    period_end: datetime.date = strawberry.field(description="The day after its last; it may lie ahead.")
    miles: int = strawberry.field(description="Miles of the accepted spans that end in the period.")
    gallons: Decimal = strawberry.field(description="US gallons of these spans.")
    mpg: float = strawberry.field(description="Miles per US gallon: miles by gallons.")
    baseline_mpg: float = strawberry.field(description="Miles per US gallon that it is compared with.")
    baseline_source: BaselineSource = strawberry.field(description="Where the baseline is from.")
    last_year_mpg: float | None = strawberry.field(
        description="Miles per US gallon of the same days a year before, up to today's; null where they are too few."
    )
    change_pct: float = strawberry.field(description="Per cent from the baseline: negative, as it declines.")
    last_year_change_pct: float | None = strawberry.field(description="Per cent from last year's; null without that.")

    @level(description="The vehicle.")
    def vehicle(declines: Level, info: Info) -> Vehicle:
        """The vehicle."""
        return info.context.loaders.level(vehicle_by_id, column(declines, "vehicle_id"))


async def economy_declines(
    loaders: Loaders,
    ids: list[str],
    start: datetime.date | None,
    end: datetime.date | None,
    threshold_pct: str,
    group: str | None,
    include_descendants: bool,
    limit: int,
) -> Sequence[Any]:
    """The declines of the tenant's vehicles, the largest first."""
    rows = await loaders.fetch(
        "economy_declines",
        period_start=start,
        period_end=end,
        threshold_pct=threshold_pct,
        group_id=group,
        subtree=True if group is not None and include_descendants else None,
        limit=limit,
    )
    return [rows] * len(ids)


@strawberry.type
class EconomyDeclineQuery:
    """Ways to declining economy."""

    @level(
        description="The vehicles that the caller may see and whose fuel economy in the period declines by "
        "thresholdPct per cent or more, against their baseline and against the same days a year before; the largest "
        "decline first. Without a period in the calendar quarter of today, UTC. Of a group, with includeDescendants "
        "also of the groups below it. Vehicles with fewer than four spans or ten gallons in the period, or without a "
        "baseline, are not told.",
        directives=[Cost(weight="20"), ListSize(assumed_size=50, slicing_arguments=["first"])],
    )
    def economy_declines(
        _: Level,
        info: Info,
        period: Period | None = None,
        threshold_pct: float = 10.0,
        group_id: strawberry.ID | None = None,
        include_descendants: bool = True,
        first: int = 50,
    ) -> list[EconomyDecline]:
        """The vehicles whose economy declines."""
        if not 0 < threshold_pct < MOST_PCT:
            raise InvalidArgumentError(f"thresholdPct is {threshold_pct}: it is more than 0 and less than {MOST_PCT}.")
        group = None if group_id is None else uuid_of(group_id, "groupId")
        return info.context.loaders.level(
            economy_declines,
            [info.context.tenant_id],
            *bounds(period),
            str(threshold_pct),
            group,
            include_descendants,
            sized(info, first),
        )

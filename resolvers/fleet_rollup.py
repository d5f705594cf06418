"""Rollups: totals over a whole subtree, permission-true and each vehicle once."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.filters import Period, bounds
from resolvers.loading import Loaders, one_by
from resolvers.selection import selects


async def rollup_by_group(
    loaders: Loaders, ids: list[str], start: datetime.date | None, end: datetime.date | None, spans: bool, active: bool
) -> Sequence[Any]:
    """Totals of many subtrees, in one statement; the tenant's own id stands for all of it."""
    tenant_id = str(loaders.session.caller.tenant_id)
    return one_by(
        ids,
        await loaders.fetch(
            "rollups_by_group",
            ids=[id_ for id_ in ids if id_ != tenant_id],
            whole_tenant=True if tenant_id in ids else None,
            period_start=start,
            period_end=end,
            spans=True if spans else None,
            active=True if active else None,
        ),
        "key_id",
    )


def rollups(info: Info, period: Period | None) -> tuple[Any, ...]:
    """The batch function and arguments of a field of totals; what takes more work, only where it is asked for."""
    return (rollup_by_group, *bounds(period), selects(info, "fuelEfficiencyMpg"), selects(info, "activeVehicleCount"))


@strawberry.type(
    description="Totals over a subtree as it stands today, counting only what the caller may see, each vehicle once."
)
class FleetRollup:
    """A row of rollups_by_group."""

    group_count: int = strawberry.field(description="Groups in the subtree, its root included.")
    vehicle_count: int = strawberry.field(description="Vehicles in the subtree.")
    active_vehicle_count: int = strawberry.field(
        description="Vehicles with a mile driven, a fuel purchase or a maintenance in the period."
    )
    miles_driven: int = strawberry.field(description="Miles, from the daily metrics.")
    idle_minutes: int = strawberry.field(description="Minutes of idling, from the daily metrics.")
    harsh_events: int = strawberry.field(
        description="Harsh braking, acceleration and cornering, from the daily metrics."
    )
    fuel_gallons: Decimal = strawberry.field(description="US gallons bought.")
    fuel_cost: Decimal = strawberry.field(description="US dollars paid for fuel.")
    maintenance_cost: Decimal = strawberry.field(description="US dollars paid for maintenance.")
    fuel_efficiency_mpg: float | None = strawberry.field(
        description="Miles per US gallon: total miles over total gallons of the accepted spans from one full fill "
        "to the next that end in the period; null where there is none."
    )
    cost_per_mile: Decimal | None = strawberry.field(
        description="US dollars of fuel and maintenance per mile driven; null without miles."
    )

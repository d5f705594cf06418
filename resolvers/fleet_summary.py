"""Stored figures of a group, or of the whole tenant, per day."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry

from resolvers.loading import Loaders, many_by


async def summaries_of_group(
    loaders: Loaders, ids: list[str], start: datetime.date | None, end: datetime.date | None
) -> Sequence[Any]:
    """Day figures of groups, oldest first."""
    rows = await loaders.fetch("fleet_summaries_by_group", ids=ids, period_start=start, period_end=end)
    return many_by(ids, rows, "fleet_group_id")


async def summaries_of_tenant(
    loaders: Loaders, ids: list[str], start: datetime.date | None, end: datetime.date | None
) -> Sequence[Any]:
    """Day figures of the whole tenant that is acted in, oldest first."""
    rows = await loaders.fetch("fleet_summaries_of_tenant", period_start=start, period_end=end)
    return [rows] * len(ids)


@strawberry.type(description="Figures of a subtree on one day, as computed then.")
class FleetSummary:
    """A row of fleet_summary_metrics."""

    id: strawberry.Private[str]
    fleet_group_id: strawberry.Private[str | None]
    metric_date: datetime.date = strawberry.field(description="The day.")
    total_vehicles: int = strawberry.field(description="Vehicles in the subtree.")
    active_vehicles: int = strawberry.field(description="Vehicles that drove.")
    total_miles_driven: int = strawberry.field(description="Miles driven.")
    avg_fuel_efficiency: Decimal | None = strawberry.field(
        description="Miles per US gallon: total miles over total gallons."
    )
    total_fuel_cost: Decimal | None = strawberry.field(description="US dollars paid for fuel.")
    on_time_pct: Decimal | None = strawberry.field(description="Trips on time, percent.")
    utilization_pct: Decimal | None = strawberry.field(description="Vehicles in use, percent.")
    maintenance_compliance_pct: Decimal | None = strawberry.field(
        description="Vehicles within their service interval, percent."
    )
    predicted_maintenance_cost: Decimal | None = strawberry.field(description="US dollars of maintenance expected.")
    risk_score: Decimal | None = strawberry.field(description="Risk of a breakdown or a missed service, 0 to 1.")
    computed_at: datetime.datetime = strawberry.field(description="When the figures were computed.")

"""Stored figures of a group with all below it, or of the whole tenant, per day."""

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


@strawberry.type(
    description="Figures of a subtree on one day. Sums follow late events; how its vehicles stood is as of that day."
)
class FleetSummary:
    """A row of fleet_summary_metrics."""

    id: strawberry.Private[str]
    fleet_group_id: strawberry.Private[str | None]
    metric_date: datetime.date = strawberry.field(description="The day.")
    total_vehicles: int = strawberry.field(
        description="Vehicles of the subtree that had been recorded, or active, by the end of the day."
    )
    active_vehicles: int = strawberry.field(description="Vehicles with miles driven, a fuel purchase or a maintenance.")
    total_miles_driven: int = strawberry.field(description="Miles driven.")
    avg_fuel_efficiency: Decimal | None = strawberry.field(
        description="Miles per US gallon over the spans that ended on the day: total miles over total gallons."
    )
    total_fuel_cost: Decimal | None = strawberry.field(description="US dollars paid for fuel.")
    on_time_pct: Decimal | None = strawberry.field(
        description="Trips on time, percent; null, as events do not tell when a trip was due."
    )
    utilization_pct: Decimal | None = strawberry.field(description="Active vehicles, percent.")
    maintenance_compliance_pct: Decimal | None = strawberry.field(
        description="Vehicles that were not overdue for service, percent of those of which that was known."
    )
    predicted_maintenance_cost: Decimal | None = strawberry.field(
        description="US dollars of maintenance expected within thirty days of the day."
    )
    risk_score: Decimal | None = strawberry.field(description="Mean risk score of the vehicles as of the day, 0 to 1.")
    computed_at: datetime.datetime = strawberry.field(description="When the row was written last.")

"""Figures of a vehicle per day, week or month."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from resolvers.loading import Loaders, many_by
from resolvers.scalars import Json


@strawberry.enum(description="How long a metrics row reaches from its date.")
class PeriodType(Enum):
    """Lengths of a metrics period."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


async def metrics_of_vehicle(
    loaders: Loaders, ids: list[str], period_type: str, start: datetime.date | None, end: datetime.date | None
) -> Sequence[Any]:
    """Metrics of vehicles, oldest first."""
    rows = await loaders.fetch(
        "vehicle_metrics_by_vehicle", ids=ids, period_type=period_type, period_start=start, period_end=end
    )
    return many_by(ids, rows, "vehicle_id")


@strawberry.type(description="A vehicle's figures over a day, a week from Monday, or a month from its first.")
class VehicleMetrics:
    """A row of vehicle_metrics."""

    vehicle_id: strawberry.Private[str]
    metric_date: datetime.date = strawberry.field(description="The first day of the period.")
    period_type: PeriodType = strawberry.field(description="How long the period is.")
    fuel_efficiency_mpg: Decimal | None = strawberry.field(description="Miles per US gallon.")
    miles_driven: int | None = strawberry.field(description="Miles driven; null without data.")
    idle_minutes: int = strawberry.field(description="Minutes of idling.")
    harsh_events: int = strawberry.field(description="Harsh braking, acceleration and cornering.")
    brake_wear_pct: Decimal | None = strawberry.field(description="Wear of the brakes, percent.")
    last_service_date: datetime.date | None = strawberry.field(
        description="The last service before the end of the period."
    )
    data_completeness_pct: int = strawberry.field(description="How much of the expected data arrived, percent.")
    source_latency_sec: int | None = strawberry.field(description="How late the data arrived, seconds.")
    sensor_presence: Json = strawberry.field(description="Which sensors reported.")
    advanced_metrics: Json = strawberry.field(
        description="Figures in groups: performance, efficiency, utilization, predictive."
    )

"""Predictions: when a vehicle is due for service, and how likely it needs a workshop soon."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import strawberry

from resolvers.loading import Loaders, one_by
from resolvers.scalars import Json


@strawberry.type(
    description="When a vehicle is expected to be due for service, and how likely it needs a workshop within 30 "
    "days: by formulas, from the figures in factors."
)
class MaintenancePrediction:
    """A row of predictions_by_vehicle."""

    next_service_date: datetime.date | None = strawberry.field(
        description="The day on which the next service is expected to be due, today where it is; null where nothing "
        "says when, or after more than ten years."
    )
    earliest: datetime.date | None = strawberry.field(description="The day before which it is due in one of ten cases.")
    latest: datetime.date | None = strawberry.field(
        description="The day before which it is due in nine of ten cases; null after more than ten years."
    )
    risk_score: float | None = strawberry.field(
        description="The chance, from 0 to 1, that within 30 days the vehicle needs a repair, is overdue for service, "
        "or an open issue comes to a repair; null where too few miles are known of vehicles like it."
    )
    factors: Json = strawberry.field(
        description="The chances that riskScore is made of (p_repair, p_overdue, p_open_issue), and what they rest on. "
        "Figures of its class are of the vehicles that the caller may see."
    )
    as_of: datetime.date = strawberry.field(description="The day that it is told for, UTC: today.")
    method_version: str = strawberry.field(description="The version of the formulas.")


async def prediction_by_vehicle(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The predictions of vehicles; None with fewer than two accepted readings."""
    return one_by(ids, await loaders.fetch("predictions_by_vehicle", ids=ids), "key_id")

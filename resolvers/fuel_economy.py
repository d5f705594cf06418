"""Fuel economy: from one full fill to the next, total over total, with a reason where there is none."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from resolvers.limits import ListSize
from resolvers.loading import Loaders, many_by

CENTS_OF_CENTS = Decimal("0.0001")


@strawberry.type(
    description="From one full fill to the next: the gallons of all fills after the first, partial ones too."
)
class FuelSpan:
    """A row of fuel_spans_by_vehicle without a reason against it."""

    started_at: datetime.datetime = strawberry.field(description="When the tank was full.")
    ended_at: datetime.datetime = strawberry.field(description="When it was full again.")
    miles: int = strawberry.field(description="Miles between the two, by accepted odometer readings.")
    gallons: Decimal = strawberry.field(description="US gallons that were filled in.")

    @strawberry.field(description="Miles per US gallon.")
    def mpg(self) -> float:
        """Miles over gallons."""
        return self.miles / float(self.gallons)


@strawberry.enum(
    description="Why a span tells no economy: a fill was missed, one of its odometers is missing or rejected, or its "
    "economy is not within 2 to 150 miles per US gallon."
)
class SpanRejection(Enum):
    """Reasons, as the database has them."""

    MISSED_FILL = "MISSED_FILL"
    MISSING_ODOMETER = "MISSING_ODOMETER"
    REJECTED_ODOMETER = "REJECTED_ODOMETER"
    IMPLAUSIBLE = "IMPLAUSIBLE"


@strawberry.type(description="A span from one full fill to the next without an economy.")
class RejectedFuelSpan:
    """A row of fuel_spans_by_vehicle with a reason against it."""

    started_at: datetime.datetime = strawberry.field(description="When the tank was full.")
    ended_at: datetime.datetime = strawberry.field(description="When it was full again.")
    miles: int | None = strawberry.field(description="Miles between the two; null where an odometer is missing.")
    gallons: Decimal = strawberry.field(description="US gallons that were filled in.")
    reason: SpanRejection = strawberry.field(description="Why it tells none.")


@strawberry.type(description="Fuel economy over the spans from one full fill to the next that end in the period.")
class FuelEconomy:
    """Sums over spans."""

    miles: int = strawberry.field(description="Miles of the accepted spans.")
    gallons: Decimal = strawberry.field(description="US gallons of the accepted spans.")
    mpg: float | None = strawberry.field(description="Miles per US gallon, total over total; null without a span.")
    fuel_cost_per_mile: Decimal | None = strawberry.field(
        description="US dollars per mile, over the accepted spans of which every fill's cost is known."
    )
    spans: list[FuelSpan] = strawberry.field(
        description="The accepted spans, oldest first.", directives=[ListSize(assumed_size=50)]
    )
    rejected_spans: list[RejectedFuelSpan] = strawberry.field(
        description="The spans that tell no economy, oldest first.", directives=[ListSize(assumed_size=5)]
    )
    unavailable_reason: str | None = strawberry.field(
        description="Why mpg is null: NO_FILLS, NEEDS_TWO_FULL_FILLS, or what speaks against the last span: "
        "MISSED_FILL, MISSING_ODOMETER, REJECTED_ODOMETER, IMPLAUSIBLE."
    )


async def economy_by_vehicle(
    loaders: Loaders, ids: list[str], start: datetime.date | None, end: datetime.date | None
) -> Sequence[FuelEconomy]:
    """The fuel economy of vehicles, over spans that end in the period."""
    spans = many_by(
        ids, await loaders.fetch("fuel_spans_by_vehicle", ids=ids, period_start=start, period_end=end), "key_id"
    )
    without = [id_ for id_, own in zip(ids, spans, strict=True) if not own]
    filled: set[str] = set()
    if without:
        rows = await loaders.fetch("filled_vehicles", ids=without, period_start=start, period_end=end)
        filled = {row["key_id"] for row in rows}
    return [economy_of(own, has_fills=id_ in filled) for id_, own in zip(ids, spans, strict=True)]


def economy_of(rows: Sequence[Any], *, has_fills: bool) -> FuelEconomy:
    """The economy of spans: sum of miles over sum of gallons, never an average of averages."""
    accepted = [row for row in rows if row["rejected_reason"] is None]
    rejected = [row for row in rows if row["rejected_reason"] is not None]
    miles = sum(row["miles"] for row in accepted)
    gallons = sum((Decimal(row["gallons"]) for row in accepted), Decimal(0))
    paid = [row for row in accepted if row["cost"] is not None]
    paid_miles = sum(row["miles"] for row in paid)
    cost = sum((Decimal(row["cost"]) for row in paid), Decimal(0))
    return FuelEconomy(
        miles=miles,
        gallons=gallons,
        mpg=miles / float(gallons) if accepted else None,
        fuel_cost_per_mile=(cost / paid_miles).quantize(CENTS_OF_CENTS) if paid_miles else None,
        spans=[FuelSpan(**_span(row)) for row in accepted],
        rejected_spans=[RejectedFuelSpan(**_span(row), reason=row["rejected_reason"]) for row in rejected],
        unavailable_reason=None if accepted else _reason(rejected, has_fills=has_fills),
    )


def _span(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("started_at", "ended_at", "miles", "gallons")}


def _reason(rejected: Sequence[Any], *, has_fills: bool) -> str:
    if rejected:
        reason: str = rejected[-1]["rejected_reason"]
        return reason
    return "NEEDS_TWO_FULL_FILLS" if has_fills else "NO_FILLS"

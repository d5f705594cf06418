"""Costs broken down: flat rows by group, vehicle, month, make, model and cost centre."""

from __future__ import annotations

import datetime
from decimal import Decimal
from enum import Enum

import strawberry

from resolvers.context import Info
from resolvers.dimensions import COST_CENTRE_PATH, FLAT, FlatRow, flat
from resolvers.filters import Period
from resolvers.level import Level, level
from resolvers.selection import selects
from resolvers.vehicle import VehicleFilter


@strawberry.enum(description="What costs can be grouped by. All but MONTH is what a vehicle is today.")
class CostDimension(Enum):
    """Dimensions of a breakdown of costs."""

    GROUP = strawberry.enum_value("group", description="The group that the vehicle itself is in today.")
    VEHICLE = strawberry.enum_value("vehicle", description="The vehicle.")
    MONTH = strawberry.enum_value("month", description="The calendar month.")
    MAKE = strawberry.enum_value("make", description="Who built it.")
    MODEL = strawberry.enum_value("model", description="What it was sold as.")
    COST_CENTRE = strawberry.enum_value("cost_centre", description="What is at costCentrePath in its attributes.")


@strawberry.type(
    description="What vehicles cost: those that have the same values of the dimensions asked for. "
    "A figure is null where nothing of it was captured."
)
class CostBreakdownRow(FlatRow):
    """A row of cost_breakdown."""

    month: datetime.date | None = strawberry.field(
        description="By MONTH: its first day. Months in which nothing was captured have no row."
    )
    vehicle_count: int = strawberry.field(
        description="Vehicles that have these values today, each once, in every month the same."
    )
    fuel_cost_per_mile: Decimal | None = strawberry.field(
        description="fuelCost over milesDriven, US dollars; null without miles."
    )
    maintenance_cost_per_mile: Decimal | None = strawberry.field(
        description="maintenanceCost over milesDriven, US dollars; null without miles."
    )
    total_cost_per_mile: Decimal | None = strawberry.field(
        description="totalCost over milesDriven, US dollars; null without miles."
    )
    fuel_efficiency_mpg: float | None = strawberry.field(
        description="Miles per US gallon: total miles over total gallons of the accepted spans from one full fill "
        "to the next that end in the period, and by MONTH in the month; null where there is none."
    )


@strawberry.type
class CostBreakdownQuery:
    """Costs as flat rows."""

    @level(
        description="What the vehicles that the caller may see cost, as flat rows: one for each combination of the "
        "dimensions that vehicles have, so an empty groupBy is one total. groupId counts its subtree, or with "
        "includeDescendants: false itself alone. Rows come by group, vehicle, make, model, cost centre and month. "
        "Without first all come, up to 10,000; more are an error, TOO_MANY_ROWS.",
        directives=FLAT,
    )
    def cost_breakdown(
        _: Level,
        info: Info,
        group_by: list[CostDimension],
        period: Period | None = None,
        group_id: strawberry.ID | None = None,
        include_descendants: bool = True,
        filter: VehicleFilter | None = None,
        cost_centre_path: list[str] = COST_CENTRE_PATH,
        first: int | None = None,
    ) -> list[CostBreakdownRow]:
        """The rows of a breakdown."""
        return flat(
            info,
            "cost_breakdown",
            group_by,
            period,
            group_id,
            include_descendants,
            filter,
            cost_centre_path,
            first,
            stored=True,
            driven=True,
            spent=True,
            spans=True if selects(info, "fuelEfficiencyMpg") else None,
            interval="month" if CostDimension.MONTH in group_by else None,
        )

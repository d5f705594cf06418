"""Costs broken down: flat rows by group, vehicle, month, make, model and cost centre."""

from __future__ import annotations

import datetime
from decimal import Decimal
from enum import Enum

import strawberry

from resolvers.context import Info
from resolvers.dimensions import COST_CENTRE_PATH, FLAT, flat
from resolvers.filters import Period
from resolvers.fleet_group import FleetGroup, fleet_group_by_id
from resolvers.level import Level, level
from resolvers.loading import column
from resolvers.selection import selects
from resolvers.vehicle import Vehicle, VehicleFilter, vehicle_by_id


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
class CostBreakdownRow:
    """A row of cost_breakdown."""

    fleet_group_id: strawberry.Private[str | None]
    vehicle_id: strawberry.Private[str | None]
    month: datetime.date | None = strawberry.field(
        description="By MONTH: its first day. Months in which nothing was captured have no row."
    )
    make: str | None = strawberry.field(description="By MAKE: who built the vehicles.")
    model: str | None = strawberry.field(description="By MODEL: what they were sold as.")
    cost_centre: str | None = strawberry.field(
        description="By COST_CENTRE: the text, number or boolean at costCentrePath; null without one."
    )
    vehicle_count: int = strawberry.field(
        description="Vehicles that have these values today, each once, in every month the same."
    )
    miles_driven: int | None = strawberry.field(description="Miles, from the daily metrics.")
    fuel_gallons: Decimal | None = strawberry.field(description="US gallons bought.")
    fuel_cost: Decimal | None = strawberry.field(description="US dollars paid for fuel.")
    maintenance_cost: Decimal | None = strawberry.field(description="US dollars paid for maintenance.")
    total_cost: Decimal | None = strawberry.field(description="US dollars of fuel and maintenance.")
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

    @level(description="By GROUP: the group the vehicles are in today; null for those without one.")
    def fleet_group(rows: Level, info: Info) -> FleetGroup | None:
        """The group."""
        return info.context.loaders.level(fleet_group_by_id, column(rows, "fleet_group_id"))

    @level(description="By VEHICLE: the vehicle.")
    def vehicle(rows: Level, info: Info) -> Vehicle | None:
        """The vehicle."""
        return info.context.loaders.level(vehicle_by_id, column(rows, "vehicle_id"))


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
            driven=True,
            spent=True,
            spans=True if selects(info, "fuelEfficiencyMpg") else None,
            interval="month" if CostDimension.MONTH in group_by else None,
        )

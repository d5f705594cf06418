"""Series of measures: flat rows by day, week, month, quarter or year, and by what vehicles are."""

from __future__ import annotations

import datetime
from decimal import Decimal
from enum import Enum

import strawberry

from resolvers.context import Info
from resolvers.dimensions import COST_CENTRE_PATH, FLAT, UNGROUPED, FlatRow, flat
from resolvers.errors import InvalidArgumentError
from resolvers.filters import Period
from resolvers.level import Level, level
from resolvers.vehicle import VehicleFilter


@strawberry.enum(description="What a series can be grouped by: what a vehicle is today.")
class SeriesDimension(Enum):
    """Dimensions of a series."""

    GROUP = strawberry.enum_value("group", description="The group that the vehicle itself is in today.")
    VEHICLE = strawberry.enum_value("vehicle", description="The vehicle.")
    MAKE = strawberry.enum_value("make", description="Who built it.")
    MODEL = strawberry.enum_value("model", description="What it was sold as.")
    COST_CENTRE = strawberry.enum_value("cost_centre", description="What is at costCentrePath in its attributes.")


@strawberry.enum(description="How long an interval of a series is. Weeks begin on Monday.")
class SeriesInterval(Enum):
    """Intervals of a series, as date_trunc has them."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@strawberry.enum(description="What a series measures; each is explained at the field of its name in MetricsSeriesRow.")
class Measure(Enum):
    """Measures, by the column that holds them."""

    MILES_DRIVEN = "miles_driven"
    IDLE_MINUTES = "idle_minutes"
    HARSH_EVENTS = "harsh_events"
    FUEL_GALLONS = "fuel_gallons"
    FUEL_COST = "fuel_cost"
    MAINTENANCE_COST = "maintenance_cost"
    TOTAL_COST = "total_cost"
    COST_PER_MILE = "cost_per_mile"
    FUEL_EFFICIENCY_MPG = "fuel_efficiency_mpg"
    ACTIVE_VEHICLES = "active_vehicles"
    VEHICLE_COUNT = "vehicle_count"


OF_DAYS = {Measure.MILES_DRIVEN, Measure.IDLE_MINUTES, Measure.HARSH_EVENTS}
OF_EVENTS = {Measure.FUEL_GALLONS, Measure.FUEL_COST, Measure.MAINTENANCE_COST, Measure.TOTAL_COST}
OF_SPANS = {Measure.FUEL_EFFICIENCY_MPG}
"""Measures from the daily metrics alone, from events alone and from spans of fuel alone; others need the first two."""


@strawberry.type(
    description="An interval of the vehicles that have the same values of the dimensions asked for. A measure is null "
    "where it was not asked for, and where nothing of it was captured."
)
class MetricsSeriesRow(FlatRow):
    """A row of metrics_series."""

    start: datetime.date = strawberry.field(
        description="The first day of the interval, which the period may cut short."
    )
    idle_minutes: int | None = strawberry.field(description="Minutes of idling, from the daily metrics.")
    harsh_events: int | None = strawberry.field(
        description="Harsh braking, acceleration and cornering, from the daily metrics."
    )
    cost_per_mile: Decimal | None = strawberry.field(
        description="Total cost over miles driven, US dollars; null without miles."
    )
    fuel_efficiency_mpg: float | None = strawberry.field(
        description="Miles per US gallon: total miles over total gallons of the accepted spans from one full fill to "
        "the next that end in the interval; null where there is none."
    )
    active_vehicles: int | None = strawberry.field(
        description="Vehicles with a mile driven, a fuel purchase or a maintenance in the interval."
    )
    vehicle_count: int | None = strawberry.field(
        description="Vehicles that have these values today, each once, in every interval the same."
    )


@strawberry.type
class MetricsSeriesQuery:
    """Series as flat rows."""

    @level(
        description="Measures of the vehicles that the caller may see, as flat rows: one for each interval and each "
        "combination of the dimensions that vehicles have, if anything that the measures rest on was captured in it. "
        "groupId counts its subtree, or with includeDescendants: false itself alone. Rows come by group, vehicle, "
        "make, model, cost centre and interval. Without first all come, up to 10,000; more are an error, "
        "TOO_MANY_ROWS.",
        directives=FLAT,
    )
    def metrics_series(
        _: Level,
        info: Info,
        interval: SeriesInterval,
        measures: list[Measure],
        group_by: list[SeriesDimension] = UNGROUPED,
        period: Period | None = None,
        group_id: strawberry.ID | None = None,
        include_descendants: bool = True,
        filter: VehicleFilter | None = None,
        cost_centre_path: list[str] = COST_CENTRE_PATH,
        first: int | None = None,
    ) -> list[MetricsSeriesRow]:
        """The rows of a series."""
        if not measures:
            raise InvalidArgumentError("measures: name one at least.")
        asked = set(measures)
        driven, spent = bool(asked - OF_EVENTS - OF_SPANS), bool(asked - OF_DAYS - OF_SPANS)
        return flat(
            info,
            "metrics_series",
            group_by,
            period,
            group_id,
            include_descendants,
            filter,
            cost_centre_path,
            first,
            stored=Measure.ACTIVE_VEHICLES not in asked and (driven or not spent),
            driven=True if driven else None,
            spent=True if spent else None,
            spans=True if asked & OF_SPANS else None,
            interval=interval.value,
            daily=True if interval in {SeriesInterval.DAY, SeriesInterval.WEEK} else None,
            **{measure.value: True for measure in asked},
        )

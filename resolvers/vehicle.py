"""Vehicles."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.explanation import Explanation, explanations_of_vehicle
from resolvers.filters import OrderDirection, Period, StringFilter, bounds
from resolvers.fleet_group import FleetGroup, fleet_group_by_id
from resolvers.fuel_economy import FuelEconomy, economy_by_vehicle
from resolvers.level import Level, level
from resolvers.limits import Cost, ListSize
from resolvers.loading import Loaders, column, many_in, one_by, value_by
from resolvers.manual_event import (
    EventFilter,
    EventOrder,
    ManualEvent,
    event_count_by_vehicle,
    event_page,
    events_by_vehicle,
)
from resolvers.node import Node, findable
from resolvers.odometer import JudgedReading, Odometer, odometer_by_vehicle, readings_by_vehicle
from resolvers.paging import PAGED, Connection, Page, narrowed_connection, page, pages, sized
from resolvers.prediction import MaintenancePrediction, prediction_by_vehicle
from resolvers.scalars import Json, json_of, uuid_of
from resolvers.service import ServiceState, ServiceStatus, service_by_vehicle
from resolvers.vehicle_metrics import PeriodType, VehicleMetrics, metrics_of_vehicle
from sql.statements import Ordering

if TYPE_CHECKING:
    from resolvers.upload import Upload


FIGURE = (Cost(weight="2"),)
"""The directives of a field that is worked out of a vehicle's whole history."""
PREDICTION = (Cost(weight="5"),)
"""The directives of one that is worked out of several of these and of the vehicle's class."""

HEAVY = {
    "without_vin": frozenset({"vin"}),
    "without_created_at": frozenset({"createdAt"}),
    "without_notes": frozenset({"notes"}),
    "without_extended_attributes": frozenset({"extendedAttributes"}),
    "without_details": frozenset(
        {"fleetGroup", "baselineFuelMpg", "baselineServiceIntervalMiles", "version", "updatedAt"}
    ),
}
"""What leaves columns of a page of vehicles out, and the fields that need them."""


@strawberry.enum(description="What vehicles can be ordered by.")
class VehicleOrderField(Enum):
    """Columns to order vehicles by."""

    LABEL = "label"
    CREATED_AT = "created_at"


@strawberry.input(description="One term of an order of vehicles.")
class VehicleOrder:
    """A column and a direction."""

    field: VehicleOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Conditions on vehicles; all that are given must hold.")
class VehicleFilter:
    """Conditions on vehicles."""

    label: StringFilter | None = strawberry.field(default=None, description="On the label.")
    make: StringFilter | None = strawberry.field(default=None, description="On the make.")
    model: StringFilter | None = strawberry.field(default=None, description="On the model.")
    vin: StringFilter | None = strawberry.field(default=None, description="On the vehicle identification number.")
    fleet_group_id: strawberry.ID | None = strawberry.field(default=None, description="In this group.")
    include_descendants: bool | None = strawberry.field(
        default=None, description="With fleetGroupId: or in a group below it."
    )
    extended_attributes_contain: Json | None = strawberry.field(
        default=None,
        description="The extended attributes contain this JSON, as PostgreSQL's @> has it. Encrypted values are never "
        "found so.",
    )

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        texts = {"label": self.label, "make": self.make, "model": self.model, "vin": self.vin}
        parameters: dict[str, Any] = {}
        for name, condition in texts.items():
            parameters |= condition.parameters(name) if condition else {}
        if self.fleet_group_id is not None:
            parameters["fleet_group_id"] = uuid_of(self.fleet_group_id, "fleetGroupId")
            parameters["subtree"] = True if self.include_descendants else None
        if self.extended_attributes_contain is not None:
            contained = json_of(self.extended_attributes_contain, "extendedAttributesContain")
            parameters["extended_attributes_contain"] = contained
        return parameters


async def vehicle_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Vehicles by id."""
    return one_by(ids, await loaders.fetch("vehicles_by_id", ids=ids))


async def vehicles_by_group(
    loaders: Loaders, ids: list[str], asked: Page, include_descendants: bool | None
) -> Sequence[Any]:
    """The same page of every group's vehicles."""
    rows = await loaders.fetch(
        "vehicles_page_by_group", ids=ids, include_descendants=include_descendants, **asked.arguments
    )
    return many_in(ids, rows)


async def vehicle_count_by_group(
    loaders: Loaders, ids: list[str], asked: Page, include_descendants: bool | None
) -> Sequence[Any]:
    """How many vehicles each group has under the page's filter."""
    rows = await loaders.fetch(
        "vehicles_count_by_group", ids=ids, include_descendants=include_descendants, **dict(asked.parameters)
    )
    return value_by(ids, rows, "key_id", "total_count", absent=0)


@strawberry.type(description="A vehicle.")
class Vehicle(Node):
    """A row of vehicles."""

    fleet_group_id: strawberry.Private[str | None]
    label: str = strawberry.field(description="What drivers call it.")
    make: str | None = strawberry.field(description="Who built it.")
    model: str | None = strawberry.field(description="What it was sold as.")
    vin: str | None = strawberry.field(description="The vehicle identification number: 17 characters.")
    baseline_fuel_mpg: Decimal | None = strawberry.field(description="Expected economy, miles per US gallon.")
    baseline_service_interval_miles: int | None = strawberry.field(description="Miles from one service to the next.")
    notes: str | None = strawberry.field(description="Whatever was noted.")
    extended_attributes: Json = strawberry.field(
        description="Attributes in groups: physical, operational, custom_fields. "
        "An encrypted value that is not for the caller is null."
    )
    version: int = strawberry.field(description="Counts the changes of the vehicle, from 1.")
    created_at: datetime.datetime = strawberry.field(description="When the vehicle was added.")
    updated_at: datetime.datetime = strawberry.field(description="When the vehicle last changed.")

    @level(description="The group it belongs to today; null for a vehicle without one.")
    def fleet_group(vehicles: Level, info: Info) -> FleetGroup | None:
        """The group."""
        return info.context.loaders.level(fleet_group_by_id, column(vehicles, "fleet_group_id"))

    @level(
        description="What was captured about the vehicle, latest first unless ordered otherwise.",
        directives=PAGED,
    )
    def events(
        vehicles: Level,
        info: Info,
        filter: EventFilter | None = None,
        order_by: list[EventOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ManualEvent]:
        """A page of the vehicle's events."""
        asked = event_page(info, filter, order_by, first, after, last, before)
        return pages(info, events_by_vehicle, event_count_by_vehicle, column(vehicles, "id"), asked)

    @level(
        description="The vehicle's figures per day, week or month, oldest first.",
        directives=[ListSize(assumed_size=31)],
    )
    def metrics(
        vehicles: Level, info: Info, period: Period | None = None, period_type: PeriodType = PeriodType.DAILY
    ) -> list[VehicleMetrics]:
        """Metrics of the vehicle."""
        ids = column(vehicles, "id")
        return info.context.loaders.level(metrics_of_vehicle, ids, period_type.value, *bounds(period))

    @level(
        description="What the odometer shows by the latest accepted reading; null until one is accepted.",
        directives=FIGURE,
    )
    def odometer(vehicles: Level, info: Info) -> Odometer | None:
        """The odometer."""
        return info.context.loaders.level(odometer_by_vehicle, column(vehicles, "id"))

    @level(
        description="The readings of the odometer, oldest first; with rejected only those that are rejected, or not.",
        directives=[ListSize(assumed_size=100)],
    )
    def odometer_readings(
        vehicles: Level, info: Info, period: Period | None = None, rejected: bool | None = None
    ) -> list[JudgedReading]:
        """Readings of the vehicle."""
        ids = column(vehicles, "id")
        return info.context.loaders.level(readings_by_vehicle, ids, *bounds(period), rejected)

    @level(
        description="Fuel economy over the spans that end in the period; over all of them without one.",
        directives=FIGURE,
    )
    def fuel_economy(vehicles: Level, info: Info, period: Period | None = None) -> FuelEconomy:
        """Economy of the vehicle."""
        return info.context.loaders.level(economy_by_vehicle, column(vehicles, "id"), *bounds(period))

    @level(description="Where the vehicle stands between two services.", directives=FIGURE)
    def service_status(vehicles: Level, info: Info) -> ServiceStatus:
        """Service status of the vehicle."""
        return info.context.loaders.level(service_by_vehicle, column(vehicles, "id"))

    @level(
        description="When the vehicle is expected to be due for service, and how likely it needs a workshop soon; null "
        "with fewer than two accepted readings of its odometer.",
        directives=PREDICTION,
    )
    def prediction(vehicles: Level, info: Info) -> MaintenancePrediction | None:
        """Prediction of the vehicle."""
        return info.context.loaders.level(prediction_by_vehicle, column(vehicles, "id"))

    @level(
        description="What the figures say about the vehicle now, newest first.",
        directives=[ListSize(assumed_size=5)],
    )
    def explanations(vehicles: Level, info: Info) -> list[Explanation]:
        """Insights about the vehicle."""
        return info.context.loaders.level(explanations_of_vehicle, column(vehicles, "id"))

    @level(
        description="The files uploaded for the vehicle, newest first.",
        directives=[ListSize(assumed_size=5)],
    )
    def uploads(vehicles: Level, info: Info) -> list[Annotated[Upload, strawberry.lazy("resolvers.upload")]]:
        """Files of the vehicle."""
        from resolvers.upload import uploads_of_vehicle

        return info.context.loaders.level(uploads_of_vehicle, column(vehicles, "id"))


findable("Vehicle", vehicle_by_id)


async def vehicles_due(
    loaders: Loaders,
    ids: list[str],
    states: tuple[str, ...],
    group: str | None,
    include_descendants: bool,
    limit: int,
) -> Sequence[Any]:
    """Vehicles of the tenant that are in these states, the most worn first."""
    rows = await loaders.fetch(
        "vehicles_due",
        states=list(states),
        group_id=group,
        subtree=True if group is not None and include_descendants else None,
        limit=limit,
    )
    return [rows] * len(ids)


def vehicle_page(
    info: Info,
    filter: VehicleFilter | None,
    order_by: Sequence[VehicleOrder] | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page:
    """The page of vehicles that these arguments ask for."""
    return page(
        info, "vehicles", Ordering("label"), first, after, last, before, filter=filter, order_by=order_by, heavy=HEAVY
    )


@strawberry.type
class VehicleQuery:
    """Ways to vehicles."""

    @level(description="The vehicle with this id; null where there is none that the caller may see.")
    def vehicle(_: Level, info: Info, id: strawberry.ID) -> Vehicle | None:
        """One vehicle."""
        return info.context.loaders.level(vehicle_by_id, [uuid_of(id)])

    @level(
        description="All vehicles that the caller may see, by label unless ordered otherwise.",
        directives=PAGED,
    )
    def vehicles(
        _: Level,
        info: Info,
        filter: VehicleFilter | None = None,
        order_by: list[VehicleOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Vehicle]:
        """A page of vehicles."""
        return narrowed_connection(info, "vehicles", vehicle_page(info, filter, order_by, first, after, last, before))

    @level(
        description="The vehicles that the caller may see and whose service status is one of these states, the most "
        "worn first; of a group, with includeDescendants also of the groups below it.",
        directives=[Cost(weight="20"), ListSize(assumed_size=50, slicing_arguments=["first"])],
    )
    def vehicles_due(
        _: Level,
        info: Info,
        state: list[ServiceState] | None = None,
        group_id: strawberry.ID | None = None,
        include_descendants: bool = True,
        first: int = 50,
    ) -> list[Vehicle]:
        """The vehicles to be serviced."""
        wanted = state or [ServiceState.DUE_SOON, ServiceState.DUE, ServiceState.OVERDUE]
        states = tuple(one.value for one in wanted)
        group = None if group_id is None else uuid_of(group_id, "groupId")
        here = info.context.tenant_id
        return info.context.loaders.level(vehicles_due, [here], states, group, include_descendants, sized(info, first))

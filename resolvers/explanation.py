"""Explanations: what the figures say, in a sentence, with the figures it rests on."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.level import Level, level
from resolvers.loading import Loaders, column, many_by, one_by
from resolvers.node import Node, findable
from resolvers.paging import PAGED, Connection, connection, page
from resolvers.scalars import Json, uuid_of
from sql.statements import Ordering

if TYPE_CHECKING:
    from resolvers.fleet_group import FleetGroup
    from resolvers.vehicle import Vehicle


@strawberry.enum(
    description="What an explanation is about: fuel economy that falls, a service that is overdue, a cost per mile far "
    "above that of others, odometer readings that were not accepted."
)
class ExplanationKind(Enum):
    """Kinds, as the database has them."""

    ECONOMY_FALLING = "ECONOMY_FALLING"
    SERVICE_OVERDUE = "SERVICE_OVERDUE"
    COST_OUTLIER = "COST_OUTLIER"
    REJECTED_READINGS = "REJECTED_READINGS"


@strawberry.input(description="Conditions on explanations; all that are given must hold.")
class ExplanationFilter:
    """Conditions on explanations."""

    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="About this vehicle.")
    fleet_group_id: strawberry.ID | None = strawberry.field(default=None, description="About this group.")
    kind: ExplanationKind | None = strawberry.field(default=None, description="Of this kind.")
    is_closed: bool | None = strawberry.field(
        default=None, description="false: what holds now; true: what does no longer, or is of a period before."
    )

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        return {
            "vehicle_id": None if self.vehicle_id is None else uuid_of(self.vehicle_id, "vehicleId"),
            "fleet_group_id": None if self.fleet_group_id is None else uuid_of(self.fleet_group_id, "fleetGroupId"),
            "kind": None if self.kind is None else self.kind.value,
            "closed": True if self.is_closed else None,
            "open": True if self.is_closed is False else None,
        }


async def explanation_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Explanations by id."""
    return one_by(ids, await loaders.fetch("explanations_by_id", ids=ids))


async def explanations_of_vehicle(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """What holds now of vehicles, newest first."""
    return many_by(ids, await loaders.fetch("explanations_by_vehicle", ids=ids), "vehicle_id")


async def explanations_of_group(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """What holds now of groups, newest first."""
    return many_by(ids, await loaders.fetch("explanations_by_group", ids=ids), "fleet_group_id")


@strawberry.type(description="A generated insight about a vehicle or a group.")
class Explanation(Node):
    """A row of explanations."""

    vehicle_id: strawberry.Private[str | None]
    fleet_group_id: strawberry.Private[str | None]
    kind: ExplanationKind | None = strawberry.field(description="What it is about; null where no rule wrote it.")
    period_start: datetime.date = strawberry.field(description="The first day it speaks of.")
    period_end: datetime.date = strawberry.field(description="The day after the last it speaks of.")
    text: str = strawberry.field(description="The insight, in a sentence or two.")
    figures: Json = strawberry.field(description="The figures it rests on.")
    model_version: str = strawberry.field(
        description="Which version of which rule found it, and after a plus sign what put it into other words."
    )
    created_at: datetime.datetime = strawberry.field(description="When it was written first.")
    updated_at: datetime.datetime = strawberry.field(description="When its figures, its text or closedAt changed last.")
    closed_at: datetime.datetime | None = strawberry.field(
        description="When it ceased to hold, or gave way to one of a later period; null for what holds now."
    )

    @level(description="The vehicle it is about, if it is about one.")
    def vehicle(explanations: Level, info: Info) -> Annotated[Vehicle, strawberry.lazy("resolvers.vehicle")] | None:
        """The vehicle."""
        from resolvers.vehicle import vehicle_by_id

        return info.context.loaders.level(vehicle_by_id, column(explanations, "vehicle_id"))

    @level(description="The group it is about, if it is about one.")
    def fleet_group(
        explanations: Level, info: Info
    ) -> Annotated[FleetGroup, strawberry.lazy("resolvers.fleet_group")] | None:
        """The group."""
        from resolvers.fleet_group import fleet_group_by_id

        return info.context.loaders.level(fleet_group_by_id, column(explanations, "fleet_group_id"))


findable("Explanation", explanation_by_id)


@strawberry.type
class ExplanationQuery:
    """Ways to explanations."""

    @level(
        description="All explanations that the caller may see, newest first: closed ones as well, unless filtered.",
        directives=PAGED,
    )
    def explanations(
        _: Level,
        info: Info,
        filter: ExplanationFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Explanation]:
        """A page of explanations."""
        asked = page(
            info, "explanations", Ordering("created_at", descending=True), first, after, last, before, filter=filter
        )
        return connection(info, "explanations", asked)

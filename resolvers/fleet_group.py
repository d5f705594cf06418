"""Fleet groups: the tree that permissions follow and totals sum up."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry

from resolvers.context import Info
from resolvers.errors import InvalidArgumentError
from resolvers.explanation import Explanation, explanations_of_group
from resolvers.filters import OrderDirection, Period, StringFilter
from resolvers.fleet_rollup import FleetRollup, rollup
from resolvers.fleet_summary import FleetSummary, summaries_of_group
from resolvers.group_permission import (
    GroupPermission,
    PermissionLevel,
    caller_permission_of_group,
    group_permissions_of_group,
)
from resolvers.loading import Loaders, many_by, one_by
from resolvers.node import Node, findable
from resolvers.paging import Connection, Page, connection, page
from resolvers.scalars import Json, uuid_of
from resolvers.selection import nesting
from sql.statements import Ordering

if TYPE_CHECKING:
    from resolvers.vehicle import Vehicle, VehicleFilter, VehicleOrder

MAX_DEPTH = 1000


@strawberry.enum(description="What a group stands for.")
class GroupType(Enum):
    """Kinds of groups."""

    DEPARTMENT = "department"
    LOCATION = "location"
    VEHICLE_TYPE = "vehicle_type"
    CUSTOM = "custom"


@strawberry.enum(description="What groups can be ordered by.")
class FleetGroupOrderField(Enum):
    """Columns to order groups by."""

    NAME = "name"
    CREATED_AT = "created_at"


@strawberry.input(description="One term of an order of groups.")
class FleetGroupOrder:
    """A column and a direction."""

    field: FleetGroupOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Conditions on groups; all that are given must hold.")
class FleetGroupFilter:
    """Conditions on groups."""

    name: StringFilter | None = strawberry.field(default=None, description="On the name.")
    group_type: GroupType | None = strawberry.field(default=None, description="Of this kind.")

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        return {
            **(self.name.parameters("name") if self.name else {}),
            "group_type": self.group_type.value if self.group_type else None,
        }


async def fleet_group_by_id(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """Groups by id."""
    return one_by(ids, await loaders.fetch("fleet_groups_by_id", ids=ids))


async def ancestors_of_group(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """The visible groups above a group, topmost first."""
    return many_by(ids, await loaders.fetch("ancestors_by_group", ids=ids), "group_id")


async def root_groups(loaders: Loaders, keys: list[UUID]) -> Sequence[Any]:
    """The topmost groups that the caller sees."""
    rows = await loaders.fetch("fleet_groups_at_root")
    loaders.prime(fleet_group_by_id, rows)
    return [rows] * len(keys)


async def children_of_group(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """The groups directly below a group, by name; ``load_children`` fetches deeper levels along."""
    rows = await loaders.fetch("fleet_groups_below", ids=ids, depth=1)
    loaders.prime(fleet_group_by_id, rows)
    return many_by(ids, rows, "parent_group_id")


async def load_children(loaders: Loaders, id_: UUID, depth: int) -> Any:
    """The children of a group, with ``depth`` levels below it fetched by the same statement.

    Groups above the deepest level have all their children among the rows, so those answers are put into the cache of
    the one-level loader, where the nested fields find them.
    """
    one_level = loaders.of(children_of_group, tree=True)
    if depth == 1 or one_level.has(id_):
        return await one_level.load(id_)
    return await loaders.of(_children_with_levels, depth, tree=True).load(id_)


async def _children_with_levels(loaders: Loaders, ids: list[UUID], depth: int) -> Sequence[Any]:
    rows = await loaders.fetch("fleet_groups_below", ids=ids, depth=depth)
    wanted = dict.fromkeys([*ids, *(row["id"] for row in rows if row["level"] < depth)])
    children = many_by(wanted, (row for row in rows if row["parent_group_id"] in wanted), "parent_group_id")
    found = dict(zip(wanted, children, strict=True))
    one_level = loaders.of(children_of_group, tree=True)
    for id_, below in found.items():
        one_level.prime(id_, below)
    loaders.prime(fleet_group_by_id, rows)
    return [found[id_] for id_ in ids]


@strawberry.type(description="A group of vehicles and of further groups.")
class FleetGroup(Node):
    """A row of fleet_groups."""

    parent_group_id: strawberry.Private[UUID | None]
    name: str = strawberry.field(description="The group's name.")
    description: str | None = strawberry.field(description="What the group is for.")
    group_type: GroupType = strawberry.field(description="What the group stands for.")
    metadata: Json = strawberry.field(description="Whatever else is known, like a cost centre.")
    version: int = strawberry.field(description="Counts the changes of the group, from 1.")
    created_at: datetime.datetime = strawberry.field(description="When the group was made.")
    updated_at: datetime.datetime = strawberry.field(description="When the group last changed.")

    @strawberry.field(description="Null at a root of what the caller may see, even where a hidden parent exists.")
    async def parent(self, info: Info) -> FleetGroup | None:
        """The group above."""
        return await info.context.loaders.load_known(fleet_group_by_id, self.parent_group_id)

    @strawberry.field(description="From the topmost visible group down to the parent.")
    async def ancestors(self, info: Info) -> list[FleetGroup]:
        """All groups above."""
        return await info.context.loaders.load(ancestors_of_group, self.id)

    @strawberry.field(
        description="The groups directly below, by name. Nested to any depth, all levels are one statement."
    )
    async def children(self, info: Info) -> list[FleetGroup]:
        """The groups below."""
        return await load_children(info.context.loaders, UUID(str(self.id)), nesting(info, "children"))

    @strawberry.field(description="How many visible groups lie above; 0 at a root of what the caller may see.")
    async def depth(self, info: Info) -> int:
        """Levels below the visible root."""
        return len(await info.context.loaders.load(ancestors_of_group, self.id))

    @strawberry.field(description="The vehicles of the group, with includeDescendants those of its whole subtree.")
    async def vehicles(
        self,
        info: Info,
        include_descendants: bool = False,
        filter: Annotated[VehicleFilter, strawberry.lazy("resolvers.vehicle")] | None = None,
        order_by: list[Annotated[VehicleOrder, strawberry.lazy("resolvers.vehicle")]] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Annotated[Vehicle, strawberry.lazy("resolvers.vehicle")]]:
        """A page of the group's vehicles."""
        from resolvers.vehicle import vehicle_page, vehicles_of_group

        asked = vehicle_page(filter, order_by, first, after, last, before)
        return await vehicles_of_group(info, UUID(str(self.id)), asked, include_descendants=include_descendants)

    @strawberry.field(
        description="Totals over the whole subtree, counting only what the caller may see, each vehicle once."
    )
    async def rollup(self, info: Info, period: Period | None = None) -> FleetRollup:
        """Totals of the subtree."""
        return await rollup(info, UUID(str(self.id)), period)

    @strawberry.field(description="Stored day figures of the subtree, oldest first.")
    async def summaries(self, info: Info, period: Period | None = None) -> list[FleetSummary]:
        """Day figures of the subtree."""
        return await summaries_of_group(info, UUID(str(self.id)), period)

    @strawberry.field(description="What the stored figures say about the group, newest first.")
    async def explanations(self, info: Info) -> list[Explanation]:
        """Insights about the group."""
        return await info.context.loaders.load(explanations_of_group, self.id)

    @strawberry.field(
        description="The grants on this very group, oldest first. Owners, managers and holders of ADMIN see all."
        " Others see their own."
    )
    async def permissions(self, info: Info) -> list[GroupPermission]:
        """Grants on the group."""
        return await info.context.loaders.load(group_permissions_of_group, self.id)

    @strawberry.field(
        description="What the caller may do with the group: the strongest of role and grants on the way up."
    )
    async def my_permission(self, info: Info) -> PermissionLevel:
        """The caller's level."""
        return await info.context.loaders.load(caller_permission_of_group, self.id)


@strawberry.type(description="A group and its place in a tree.")
class FleetTreeNode:
    """A row of fleet_tree: a group's columns, and where it stands."""

    depth: int = strawberry.field(description="Levels below the root of this tree, which has 0.")
    parent_id: strawberry.ID | None = strawberry.field(description="The node above; null at a root of this tree.")

    @strawberry.field(description="The group.")
    def group(self) -> FleetGroup:
        """The same row, read as a group."""
        return cast("FleetGroup", self)


findable("FleetGroup", fleet_group_by_id)


def group_page(
    filter: FleetGroupFilter | None,
    order_by: Sequence[FleetGroupOrder] | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page:
    """The page of groups that these arguments ask for."""
    return page("fleet_groups", Ordering("name"), first, after, last, before, filter=filter, order_by=order_by)


@strawberry.type
class FleetGroupQuery:
    """Ways into the tree."""

    @strawberry.field(description="The group with this id; null where there is none that the caller may see.")
    async def fleet_group(self, info: Info, id: strawberry.ID) -> FleetGroup | None:
        """One group."""
        return await info.context.loaders.load(fleet_group_by_id, uuid_of(id))

    @strawberry.field(description="All groups that the caller may see, by name unless ordered otherwise.")
    async def fleet_groups(
        self,
        info: Info,
        filter: FleetGroupFilter | None = None,
        order_by: list[FleetGroupOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[FleetGroup]:
        """A page of groups."""
        return await connection(info, "fleet_groups", group_page(filter, order_by, first, after, last, before))

    @strawberry.field(
        description="The permitted tree below rootId (or below every visible root), depth first, any depth, one "
        "request. The roots have depth 0; maxDepth: 0 gives them alone."
    )
    async def fleet_tree(
        self, info: Info, root_id: strawberry.ID | None = None, max_depth: int | None = None
    ) -> list[FleetTreeNode]:
        """The whole tree, flat."""
        if max_depth is not None and not 0 <= max_depth <= MAX_DEPTH:
            raise InvalidArgumentError(f"maxDepth is {max_depth}: it goes from 0 to {MAX_DEPTH}.")
        root = None if root_id is None else uuid_of(root_id, "rootId")
        rows = await info.context.session.fetch("fleet_tree", root_id=root, max_depth=max_depth)
        info.context.loaders.prime(fleet_group_by_id, rows)
        return cast("list[FleetTreeNode]", rows)

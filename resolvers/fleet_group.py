"""Fleet groups: the tree that permissions follow and totals sum up."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry

from resolvers.context import Info
from resolvers.errors import InvalidArgumentError
from resolvers.explanation import Explanation, explanations_of_group
from resolvers.filters import OrderDirection, Period, StringFilter, bounds
from resolvers.fleet_rollup import FleetRollup, rollups
from resolvers.fleet_summary import FleetSummary, summaries_of_group
from resolvers.group_permission import (
    GroupPermission,
    PermissionLevel,
    caller_permission_of_group,
    group_permissions_of_group,
)
from resolvers.level import Level, level
from resolvers.limits import Cost, ListSize
from resolvers.loading import Loaders, column, many_by, one_by
from resolvers.node import Node, findable
from resolvers.paging import PAGED, STATEMENT, Connection, Page, connection, page, pages
from resolvers.scalars import Json, uuid_of
from resolvers.selection import nesting
from sql.statements import Ordering

if TYPE_CHECKING:
    from resolvers.vehicle import Vehicle, VehicleFilter, VehicleOrder

MAX_DEPTH = 1000
ASSUMED_GROUPS = 500  # of a whole tenant; each has one parent, so nested children are no more
WHOLE: Final = "whole"
DETAILS = frozenset({"description", "groupType", "metadata", "version", "createdAt", "updatedAt"})


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


def _columns(loaders: Loaders) -> dict[str, bool]:
    """What leaves columns of groups out that nothing in the document is read from; a group may answer for any field."""
    return {"without_details": True} if loaders.names.isdisjoint(DETAILS) else {}


async def fleet_group_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Groups by id."""
    return one_by(ids, await loaders.fetch("fleet_groups_by_id", ids=ids, **_columns(loaders)))


async def ancestors_of_group(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The visible groups above a group, topmost first."""
    return many_by(ids, await loaders.fetch("ancestors_by_group", ids=ids, **_columns(loaders)), "group_id")


async def tree_below(loaders: Loaders, roots: list[Any], max_depth: int | None) -> Sequence[Any]:
    """The tree below each root, depth first; below every visible root for WHOLE."""
    trees = []
    for root in roots:
        below = None if root is WHOLE else root
        rows = await loaders.fetch("fleet_tree", root_id=below, max_depth=max_depth, **_columns(loaders))
        loaders.prime(fleet_group_by_id, rows)
        trees.append(rows)
    return trees


async def root_groups(loaders: Loaders, keys: list[str]) -> Sequence[Any]:
    """The topmost groups that the caller sees."""
    rows = await loaders.fetch("fleet_groups_at_root", **_columns(loaders))
    loaders.prime(fleet_group_by_id, rows)
    return [rows] * len(keys)


async def children_of_group(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The groups directly below a group, by name; ``load_children`` fetches deeper levels along."""
    rows = await loaders.fetch("fleet_groups_below", ids=ids, depth=1, **_columns(loaders))
    loaders.prime(fleet_group_by_id, rows)
    return many_by(ids, rows, "parent_group_id")


def load_children(loaders: Loaders, ids: list[str], depth: int) -> Any:
    """The children of groups, with ``depth`` levels below them fetched by the same statement.

    Groups above the deepest level have all their children among the rows, so those answers are put into the cache of
    the one-level loader, where the nested fields find them.
    """
    one_level = loaders.of(children_of_group, tree=True)
    if depth == 1 or one_level.knows(ids):
        return one_level.load_level(ids)
    return loaders.of(_children_with_levels, depth, tree=True).load_level(ids)


def load_group(loaders: Loaders, id_: str, depth: int) -> Any:
    """A group, for a level of one, with ``depth`` levels below it fetched by the same statement."""
    by_id = loaders.of(fleet_group_by_id)
    if depth == 0 or by_id.knows([id_]):
        return by_id.load_level([id_])
    return loaders.of(_groups_with_levels, depth, tree=True).load_level([id_])


async def _children_with_levels(loaders: Loaders, ids: list[str], depth: int) -> Sequence[Any]:
    rows = await loaders.fetch("fleet_groups_below", ids=ids, depth=depth, **_columns(loaders))
    return _children_in(loaders, ids, rows, depth)


async def _groups_with_levels(loaders: Loaders, ids: list[str], depth: int) -> Sequence[Any]:
    rows = await loaders.fetch("fleet_groups_below", ids=ids, depth=depth, with_roots=True, **_columns(loaders))
    _children_in(loaders, ids, rows, depth)
    return one_by(ids, rows)


def _children_in(loaders: Loaders, ids: list[str], rows: Sequence[Any], depth: int) -> Sequence[Any]:
    """The children of groups, from the rows of ``depth`` levels, which may answer for whoever asks next."""
    wanted = dict.fromkeys([*ids, *(row["id"] for row in rows if row["level"] < depth)])
    children = many_by(wanted, (row for row in rows if row["parent_group_id"] in wanted), "parent_group_id")
    found = dict(zip(wanted, children, strict=True))
    loaders.of(children_of_group, tree=True).prime_all(found)
    loaders.prime(fleet_group_by_id, rows)
    return [found[id_] for id_ in ids]


@strawberry.type(description="A group of vehicles and of further groups.")
class FleetGroup(Node):
    """A row of fleet_groups."""

    parent_group_id: strawberry.Private[str | None]
    name: str = strawberry.field(description="The group's name.")
    description: str | None = strawberry.field(description="What the group is for.")
    group_type: GroupType = strawberry.field(description="What the group stands for.")
    metadata: Json = strawberry.field(description="Whatever else is known, like a cost centre.")
    version: int = strawberry.field(description="Counts the changes of the group, from 1.")
    created_at: datetime.datetime = strawberry.field(description="When the group was made.")
    updated_at: datetime.datetime = strawberry.field(description="When the group last changed.")

    @level(description="Null at a root of what the caller may see, even where a hidden parent exists.")
    def parent(groups: Level, info: Info) -> FleetGroup | None:
        """The group above."""
        return info.context.loaders.level(fleet_group_by_id, column(groups, "parent_group_id"))

    @level(
        description="From the topmost visible group down to the parent.",
        directives=[ListSize(assumed_size=5)],
    )
    def ancestors(groups: Level, info: Info) -> list[FleetGroup]:
        """All groups above."""
        return info.context.loaders.level(ancestors_of_group, column(groups, "id"))

    @level(
        description="The groups directly below, by name. Nested to any depth, all levels are one statement.",
        directives=[ListSize(assumed_size=3, assumed_total=ASSUMED_GROUPS)],
    )
    def children(groups: Level, info: Info) -> list[FleetGroup]:
        """The groups below."""
        return load_children(info.context.loaders, column(groups, "id"), nesting(info, "children"))

    @level(
        description="How many visible groups lie above; 0 at a root of what the caller may see.",
        directives=STATEMENT,
    )
    def depth(groups: Level, info: Info) -> int:
        """Levels below the visible root."""

        def lengths(ancestors: list[Any]) -> list[Any]:
            return list(map(len, ancestors))

        return info.context.loaders.level(ancestors_of_group, column(groups, "id"), then=lengths)

    @level(
        description="The vehicles of the group, with includeDescendants those of its whole subtree.",
        directives=PAGED,
    )
    def vehicles(
        groups: Level,
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
        from resolvers.vehicle import vehicle_count_by_group, vehicle_page, vehicles_by_group

        asked = vehicle_page(info, filter, order_by, first, after, last, before)
        subtree = True if include_descendants else None
        return pages(info, vehicles_by_group, vehicle_count_by_group, column(groups, "id"), asked, subtree)

    @level(
        description="Totals over the whole subtree, counting only what the caller may see, each vehicle once.",
        directives=[Cost(weight="4")],
    )
    def rollup(groups: Level, info: Info, period: Period | None = None) -> FleetRollup:
        """Totals of the subtree."""
        batch, *arguments = rollups(info, period)
        return info.context.loaders.level(batch, column(groups, "id"), *arguments)

    @level(
        description="Stored day figures of the subtree, oldest first.",
        directives=[ListSize(assumed_size=31)],
    )
    def summaries(groups: Level, info: Info, period: Period | None = None) -> list[FleetSummary]:
        """Day figures of the subtree."""
        return info.context.loaders.level(summaries_of_group, column(groups, "id"), *bounds(period))

    @level(
        description="What the figures say about the group and what is below it now, newest first.",
        directives=[ListSize(assumed_size=5)],
    )
    def explanations(groups: Level, info: Info) -> list[Explanation]:
        """Insights about the group."""
        return info.context.loaders.level(explanations_of_group, column(groups, "id"))

    @level(
        description="The grants on this very group, oldest first. Owners, managers and holders of ADMIN see all."
        " Others see their own.",
        directives=[ListSize(assumed_size=5)],
    )
    def permissions(groups: Level, info: Info) -> list[GroupPermission]:
        """Grants on the group."""
        return info.context.loaders.level(group_permissions_of_group, column(groups, "id"))

    @level(
        description="What the caller may do with the group: the strongest of role and grants on the way up.",
        directives=STATEMENT,
    )
    def my_permission(groups: Level, info: Info) -> PermissionLevel:
        """The caller's level."""
        return info.context.loaders.level(caller_permission_of_group, column(groups, "id"))


@strawberry.type(description="A group and its place in a tree.")
class FleetTreeNode:
    """A row of fleet_tree: a group's columns, and where it stands."""

    depth: int = strawberry.field(description="Levels below the root of this tree, which has 0.")
    parent_id: strawberry.ID | None = strawberry.field(description="The node above; null at a root of this tree.")

    @level(description="The group.")
    def group(nodes: Level) -> FleetGroup:
        """The same rows, read as groups."""
        return nodes


findable("FleetGroup", fleet_group_by_id)


def group_page(
    info: Info,
    filter: FleetGroupFilter | None,
    order_by: Sequence[FleetGroupOrder] | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page:
    """The page of groups that these arguments ask for."""
    return page(info, "fleet_groups", Ordering("name"), first, after, last, before, filter=filter, order_by=order_by)


@strawberry.type
class FleetGroupQuery:
    """Ways into the tree."""

    @level(description="The group with this id; null where there is none that the caller may see.")
    def fleet_group(_: Level, info: Info, id: strawberry.ID) -> FleetGroup | None:
        """One group, and with it all levels of groups that are asked for below it."""
        return load_group(info.context.loaders, uuid_of(id), nesting(info, "children") - 1)

    @level(
        description="All groups that the caller may see, by name unless ordered otherwise.",
        directives=PAGED,
    )
    def fleet_groups(
        _: Level,
        info: Info,
        filter: FleetGroupFilter | None = None,
        order_by: list[FleetGroupOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[FleetGroup]:
        """A page of groups."""
        return connection(info, "fleet_groups", group_page(info, filter, order_by, first, after, last, before))

    @level(
        description="The permitted tree below rootId (or below every visible root), depth first, any depth, one "
        "request. The roots have depth 0; maxDepth: 0 gives them alone.",
        directives=[ListSize(assumed_size=ASSUMED_GROUPS)],
    )
    def fleet_tree(
        _: Level, info: Info, root_id: strawberry.ID | None = None, max_depth: int | None = None
    ) -> list[FleetTreeNode]:
        """The whole tree, flat."""
        if max_depth is not None and not 0 <= max_depth <= MAX_DEPTH:
            raise InvalidArgumentError(f"maxDepth is {max_depth}: it goes from 0 to {MAX_DEPTH}.")
        root = WHOLE if root_id is None else uuid_of(root_id, "rootId")
        return info.context.loaders.level(tree_below, [root], max_depth)

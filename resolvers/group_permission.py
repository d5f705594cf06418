"""Grants: what a person may do with a group and everything below it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.level import Level, level
from resolvers.loading import Loaders, column, many_by, one_by, value_by
from resolvers.node import Node, findable
from resolvers.user import User, user_by_id

if TYPE_CHECKING:
    from resolvers.fleet_group import FleetGroup


@strawberry.enum(description="What may be done with a group: each level holds the ones before it.")
class PermissionLevel(Enum):
    """Levels of a grant."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


async def group_permission_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Grants by id."""
    return one_by(ids, await loaders.fetch("group_permissions_by_id", ids=ids))


async def group_permissions_of_group(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The grants on a group itself, oldest first."""
    return many_by(ids, await loaders.fetch("group_permissions_by_group", ids=ids), "fleet_group_id")


async def group_permissions_of_user(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """A person's grants in the acting tenant, oldest first."""
    return many_by(ids, await loaders.fetch("group_permissions_by_user", ids=ids), "user_id")


async def caller_permission_of_group(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The caller's level on a group, inherited grants and role included."""
    rows = await loaders.fetch("caller_permission_by_group", ids=ids)
    return value_by(ids, rows, "group_id", "permission_level", absent=None)


@strawberry.type(description="A grant on a group, inherited by everything below it.")
class GroupPermission(Node):
    """A row of group_permissions."""

    user_id: strawberry.Private[str]
    fleet_group_id: strawberry.Private[str]
    granted_by_id: strawberry.Private[str]
    permission_level: PermissionLevel = strawberry.field(description="What is granted.")
    version: int = strawberry.field(description="Counts the changes of the grant, from 1.")
    created_at: datetime.datetime = strawberry.field(description="Since when.")

    @level(description="Who holds the grant.")
    def user(grants: Level, info: Info) -> User:
        """The holder."""
        return info.context.loaders.level(user_by_id, column(grants, "user_id"))

    @level(description="The group it is a grant on.")
    def fleet_group(grants: Level, info: Info) -> Annotated[FleetGroup, strawberry.lazy("resolvers.fleet_group")]:
        """The group."""
        from resolvers.fleet_group import fleet_group_by_id

        return info.context.loaders.level(fleet_group_by_id, column(grants, "fleet_group_id"))

    @level(description="Who granted it.")
    def granted_by(grants: Level, info: Info) -> User:
        """The granter."""
        return info.context.loaders.level(user_by_id, column(grants, "granted_by_id"))


findable("GroupPermission", group_permission_by_id)

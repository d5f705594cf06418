"""Memberships: which person belongs to which tenant, as what."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from resolvers.context import Info
from resolvers.errors import ForbiddenError
from resolvers.group_permission import GroupPermission, group_permissions_of_user
from resolvers.loading import Loaders, many_by
from resolvers.user import User, user_by_id

if TYPE_CHECKING:
    from resolvers.tenant import Tenant


@strawberry.enum(
    description="What a member is in a tenant. Owners and managers see all of it, viewers what is granted."
)
class MembershipRole(Enum):
    """Roles of members."""

    OWNER = "owner"
    MANAGER = "manager"
    VIEWER = "viewer"


async def memberships_of_tenant(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """The members of a tenant, by email."""
    return many_by(ids, await loaders.fetch("memberships_by_tenant", ids=ids), "tenant_id")


def require_role(info: Info, *roles: MembershipRole, what: str) -> None:
    """Raises ForbiddenError unless the caller has one of these roles. Row security holds without it: this tells why."""
    if info.context.session.role not in {role.value for role in roles}:
        names = " and ".join(f"{role.value}s" for role in roles)
        raise ForbiddenError(f"{what} is for the {names} of a tenant.")


@strawberry.type(description="A person's place in a tenant.")
class Membership:
    """A row of memberships."""

    tenant_id: strawberry.Private[UUID]
    user_id: strawberry.Private[UUID]
    role: MembershipRole = strawberry.field(description="What the person is in the tenant.")
    joined_at: datetime.datetime = strawberry.field(description="Since when.")

    @strawberry.field(description="The tenant.")
    async def tenant(self, info: Info) -> Annotated[Tenant, strawberry.lazy("resolvers.tenant")]:
        """The tenant."""
        from resolvers.tenant import tenant_by_id

        return await info.context.loaders.load(tenant_by_id, self.tenant_id)

    @strawberry.field(description="The person.")
    async def user(self, info: Info) -> User:
        """The person."""
        return await info.context.loaders.load(user_by_id, self.user_id)

    @strawberry.field(description="What is granted to the person in the acting tenant, as far as the caller sees it.")
    async def permissions(self, info: Info) -> list[GroupPermission]:
        """Grants, oldest first."""
        if self.tenant_id != info.context.caller.tenant_id:
            return []
        return await info.context.loaders.load(group_permissions_of_user, self.user_id)

"""Memberships: which person belongs to which tenant, as what."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.errors import ForbiddenError
from resolvers.group_permission import GroupPermission, group_permissions_of_user
from resolvers.level import Level, level
from resolvers.limits import ListSize
from resolvers.loading import Loaders, column, many_by
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


async def memberships_of_tenant(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
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

    tenant_id: strawberry.Private[str]
    user_id: strawberry.Private[str]
    role: MembershipRole = strawberry.field(description="What the person is in the tenant.")
    joined_at: datetime.datetime = strawberry.field(description="Since when.")

    @level(description="The tenant.")
    def tenant(memberships: Level, info: Info) -> Annotated[Tenant, strawberry.lazy("resolvers.tenant")]:
        """The tenant."""
        from resolvers.tenant import tenant_by_id

        return info.context.loaders.level(tenant_by_id, column(memberships, "tenant_id"))

    @level(description="The person.")
    def user(memberships: Level, info: Info) -> User:
        """The person."""
        return info.context.loaders.level(user_by_id, column(memberships, "user_id"))

    @level(
        description="What is granted to the person in the acting tenant, as far as the caller sees it.",
        directives=[ListSize(assumed_size=5)],
    )
    def permissions(memberships: Level, info: Info) -> list[GroupPermission]:
        """Grants, oldest first; none in another tenant."""
        acting = info.context.tenant_id

        def none_elsewhere(grants: list[Any]) -> list[Any]:
            return [[] if found is None else found for found in grants]

        keys = [m.user_id if m.tenant_id == acting else None for m in memberships]
        return info.context.loaders.level(group_permissions_of_user, keys, then=none_elsewhere)

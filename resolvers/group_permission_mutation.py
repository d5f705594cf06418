"""Grants on groups. Giving and taking them needs ADMIN on the group: nobody grants more than they hold."""

from __future__ import annotations

from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.deletion import DeleteInput, DeletePayload
from resolvers.fleet_group_mutation import require_admin
from resolvers.group_permission import GroupPermission, PermissionLevel, group_permission_by_id
from resolvers.level import Level, level
from resolvers.mutation import (
    KEY,
    Change,
    Mistake,
    UserError,
    id_of,
    mistakes,
    mutation,
    new_id,
    not_found,
    perform,
    require_version,
)


@strawberry.input(description="A grant.")
class GrantGroupPermissionInput:
    """Who may do what with which group."""

    user_id: strawberry.ID = strawberry.field(description="The member.")
    fleet_group_id: strawberry.ID = strawberry.field(description="The group; what is below it is granted as well.")
    permission_level: PermissionLevel = strawberry.field(description="What is granted; replaces an earlier grant.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What became of a grant.")
class GroupPermissionPayload:
    """A grant, or why there is none."""

    id: strawberry.Private[str | None]
    user_errors: list[UserError] = mistakes()

    @level(description="The grant; null where it was refused.")
    def permission(payloads: Level, info: Info) -> GroupPermission | None:
        """The grant."""
        return info.context.loaders.level(group_permission_by_id, [payload.id for payload in payloads])

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], _warnings: list[UserError]) -> GroupPermissionPayload:
        """The payload of a grant."""
        return cls(id=ids.get("id"), user_errors=errors)


@strawberry.type
class GroupPermissionMutation:
    """Changes of grants."""

    @mutation(description="Grants a member a level on a group and all below it; takes ADMIN on the group.")
    async def grant_group_permission(self, info: Info, input: GrantGroupPermissionInput) -> GroupPermissionPayload:
        """A grant."""

        async def work(change: Change) -> dict[str, Any]:
            group = await require_admin(change, id_of(input.fleet_group_id, "fleetGroupId"), "fleetGroupId")
            user_id = id_of(input.user_id, "userId")
            if not await change.fetch("member_of_tenant", user_id=user_id):
                raise not_found("member", "userId")
            rows = await change.fetch(
                "grant_group_permission",
                id=new_id(),
                user_id=user_id,
                fleet_group_id=group["id"],
                permission_level=input.permission_level.value,
            )
            return {"id": rows[0]["id"]}

        return await perform(info, GroupPermissionPayload.of, input, work)

    @mutation(description="Takes a grant back; takes ADMIN on its group.")
    async def revoke_group_permission(self, info: Info, input: DeleteInput) -> DeletePayload:
        """A grant that is no more."""

        async def work(change: Change) -> dict[str, Any]:
            grant = await change.one("group_permissions_to_change", id_of(input.id, "id"), "grant", "id")
            if not grant["may_administer"]:
                raise Mistake("FORBIDDEN", "It takes ADMIN on the group.", "id")
            require_version(input.expected_version, grant["version"])
            await change.write("revoke_group_permission", id=grant["id"], expected_version=grant["version"])
            return {"id": grant["id"]}

        return await perform(info, DeletePayload.of, input, work)

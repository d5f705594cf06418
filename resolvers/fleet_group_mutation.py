"""Changes of the tree of groups. They take ADMIN on the group, and on the one above where it goes."""

from __future__ import annotations

from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.deletion import DeleteInput, DeletePayload
from resolvers.fleet_group import FleetGroup, GroupType, fleet_group_by_id
from resolvers.level import Level, level
from resolvers.mutation import (
    EXPECTED,
    KEY,
    Change,
    Mistake,
    UserError,
    id_of,
    mistakes,
    mutation,
    new_id,
    object_of,
    perform,
    require_version,
    text,
)
from resolvers.scalars import Json

LONGEST_DESCRIPTION = 2000


@strawberry.input(description="A new group.")
class CreateFleetGroupInput:
    """What a group is made of."""

    parent_id: strawberry.ID | None = strawberry.field(default=None, description="The group above; none for a root.")
    name: str = strawberry.field(description="1 to 200 characters.")
    description: str | None = strawberry.field(default=None, description="What the group is for.")
    group_type: GroupType | None = strawberry.field(
        default=None, description="What it stands for; CUSTOM if not given."
    )
    metadata: Json | None = strawberry.field(default=None, description="A JSON object of whatever else is known.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Changes of a group; what is not given stays.")
class UpdateFleetGroupInput:
    """What may be changed of a group."""

    id: strawberry.ID = strawberry.field(description="The group.")
    name: str | None = strawberry.field(default=None, description="1 to 200 characters.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="Null removes it.")
    group_type: GroupType | None = strawberry.field(default=None, description="What it stands for.")
    metadata: Json | None = strawberry.field(default=None, description="A JSON object; replaces the one there is.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A group's new place.")
class MoveFleetGroupInput:
    """Where a group goes."""

    id: strawberry.ID = strawberry.field(description="The group.")
    new_parent_id: strawberry.ID | None = strawberry.field(
        default=None, description="The group above; none for a root."
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What became of a change of a group.")
class FleetGroupPayload:
    """A group, or why it was not changed."""

    id: strawberry.Private[str | None]
    user_errors: list[UserError] = mistakes()

    @level(description="The group after the change; null where it was refused.")
    def fleet_group(payloads: Level, info: Info) -> FleetGroup | None:
        """The group."""
        return info.context.loaders.level(fleet_group_by_id, [payload.id for payload in payloads])

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], _warnings: list[UserError]) -> FleetGroupPayload:
        """The payload of a change."""
        return cls(id=ids.get("id"), user_errors=errors)


async def require_admin(change: Change, group_id: str | None, *path: str) -> Any:
    """The group that the caller holds ADMIN on; for None, the top of the tree, they must be an owner."""
    if group_id is None:
        if change.session.role != "owner":
            raise Mistake("FORBIDDEN", "Only owners change the top of the tree.", *path)
        return None
    group = await change.one("fleet_groups_to_change", group_id, "fleet group", *path)
    if not group["may_administer"]:
        raise Mistake("FORBIDDEN", "It takes ADMIN on this group.", *path)
    return group


@strawberry.type
class FleetGroupMutation:
    """Changes of groups."""

    @mutation(description="Makes a group; takes ADMIN on the one above it.")
    async def create_fleet_group(self, info: Info, input: CreateFleetGroupInput) -> FleetGroupPayload:
        """A new group."""

        async def work(change: Change) -> dict[str, Any]:
            parent_id = None if input.parent_id is None else id_of(input.parent_id, "parentId")
            await require_admin(change, parent_id, "parentId")
            described = input.description
            id_ = new_id()
            await change.fetch(
                "create_fleet_group",
                id=id_,
                parent_id=parent_id,
                name=text(input.name, "name"),
                description=None if described is None else text(described, "description", longest=LONGEST_DESCRIPTION),
                group_type=(input.group_type or GroupType.CUSTOM).value,
                metadata="{}" if input.metadata is None else object_of(input.metadata, "metadata"),
            )
            return {"id": id_}

        return await perform(info, FleetGroupPayload.of, input, work)

    @mutation(description="Changes what a group is called and stands for; takes ADMIN on it.")
    async def update_fleet_group(self, info: Info, input: UpdateFleetGroupInput) -> FleetGroupPayload:
        """A changed group."""

        async def work(change: Change) -> dict[str, Any]:
            group = await require_admin(change, id_of(input.id, "id"), "id")
            require_version(input.expected_version, group["version"])
            set_description = input.description is not strawberry.UNSET
            described = input.description if set_description else None
            await change.write(
                "update_fleet_group",
                id=group["id"],
                name=None if input.name is None else text(input.name, "name"),
                set_description=set_description,
                description=None if described is None else text(described, "description", longest=LONGEST_DESCRIPTION),
                group_type=input.group_type.value if input.group_type else None,
                metadata=None if input.metadata is None else object_of(input.metadata, "metadata"),
                expected_version=group["version"],
            )
            return {"id": group["id"]}

        return await perform(info, FleetGroupPayload.of, input, work)

    @mutation(
        description="Moves a group with all below it; takes ADMIN on it and on its new parent. Refused where "
        "newParentId lies in the group's own subtree."
    )
    async def move_fleet_group(self, info: Info, input: MoveFleetGroupInput) -> FleetGroupPayload:
        """A moved group."""

        async def work(change: Change) -> dict[str, Any]:
            await change.fetch("lock_tree")  # moves queue, each sees the tree that the one before it left
            group = await require_admin(change, id_of(input.id, "id"), "id")
            new_parent_id = None if input.new_parent_id is None else id_of(input.new_parent_id, "newParentId")
            await require_admin(change, new_parent_id, "newParentId")
            require_version(input.expected_version, group["version"])
            await change.write(
                "move_fleet_group", id=group["id"], new_parent_id=new_parent_id, expected_version=group["version"]
            )
            return {"id": group["id"]}

        return await perform(info, FleetGroupPayload.of, input, work)

    @mutation(description="Deletes a group without groups or vehicles in it; takes ADMIN on it.")
    async def delete_fleet_group(self, info: Info, input: DeleteInput) -> DeletePayload:
        """A deleted group."""

        async def work(change: Change) -> dict[str, Any]:
            group = await require_admin(change, id_of(input.id, "id"), "id")
            require_version(input.expected_version, group["version"])
            await change.write("delete_fleet_group", id=group["id"], expected_version=group["version"])
            return {"id": group["id"]}

        return await perform(info, DeletePayload.of, input, work)

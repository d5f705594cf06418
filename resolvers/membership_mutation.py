"""Who belongs to the tenant, and as what: for owners."""

from __future__ import annotations

import re
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.deletion import DeletePayload
from resolvers.membership import Membership, MembershipRole, memberships_of_tenant
from resolvers.mutation import KEY, Change, Mistake, UserError, id_of, mistakes, mutation, not_found, perform, text

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
LONGEST_EMAIL = 320


@strawberry.input(description="A member and their role.")
class SetMembershipInput:
    """Who is to be what."""

    email: str = strawberry.field(description="The address that the person signs in with.")
    name: str | None = strawberry.field(
        default=None,
        description="The person's name, where nobody has the address yet; what is before the @ if not given.",
    )
    role: MembershipRole = strawberry.field(description="What the person is in the tenant.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A member who is to leave.")
class RemoveMembershipInput:
    """Who is to leave."""

    user_id: strawberry.ID = strawberry.field(description="The member.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What became of a change of a membership.")
class MembershipPayload:
    """A membership, or why it was not changed."""

    user_id: strawberry.Private[str | None]
    user_errors: list[UserError] = mistakes()

    @strawberry.field(description="The membership after the change; null where it was refused.")
    async def membership(self, info: Info) -> Membership | None:
        """The membership."""
        if self.user_id is None:
            return None
        (members,) = await info.context.loaders.level(memberships_of_tenant, [info.context.tenant_id])
        return next((member for member in members if member["user_id"] == self.user_id), None)

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], _warnings: list[UserError]) -> MembershipPayload:
        """The payload of a change."""
        return cls(user_id=ids.get("id"), user_errors=errors)


def _require_owner(change: Change) -> None:
    if change.session.role != "owner":
        raise Mistake("FORBIDDEN", "Members are for owners to change.")


@strawberry.type
class MembershipMutation:
    """Changes of memberships."""

    @mutation(description="Makes a person a member, or gives a member another role; for owners.")
    async def set_membership(self, info: Info, input: SetMembershipInput) -> MembershipPayload:
        """A membership."""

        async def work(change: Change) -> dict[str, Any]:
            _require_owner(change)
            email = text(input.email, "email", longest=LONGEST_EMAIL)
            if not EMAIL.fullmatch(email):
                raise Mistake("INVALID", "email is an address like somebody@example.com.", "email")
            name = text(input.name or email.partition("@")[0], "name")
            (person,) = await change.fetch("person_of_email", email=email, name=name)
            (member,) = await change.fetch("set_membership", user_id=person["id"], role=input.role.value)
            return {"id": member["user_id"]}

        return await perform(info, MembershipPayload.of, input, work)

    @mutation(
        description="Ends a membership; what was granted to the member ends with it. The last owner cannot leave. For "
        "owners."
    )
    async def remove_membership(self, info: Info, input: RemoveMembershipInput) -> DeletePayload:
        """A membership that is no more."""

        async def work(change: Change) -> dict[str, Any]:
            _require_owner(change)
            user_id = id_of(input.user_id, "userId")
            if not await change.fetch("remove_membership", user_id=user_id):
                raise not_found("member", "userId")
            await change.fetch("revoke_all_of_member", user_id=user_id)
            return {"id": user_id}

        return await perform(info, DeletePayload.of, input, work)

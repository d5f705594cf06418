"""People."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from resolvers.context import Info
from resolvers.loading import Loaders, many_by, one_by
from resolvers.node import Node, findable

if TYPE_CHECKING:
    from resolvers.membership import Membership


async def user_by_id(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """Users by id."""
    return one_by(ids, await loaders.fetch("users_by_id", ids=ids))


async def memberships_of_user(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """A user's memberships, by tenant name: all of the caller's own, of others those in the acting tenant."""
    return many_by(ids, await loaders.fetch("memberships_by_user", ids=ids), "user_id")


@strawberry.type(description="A person.")
class User(Node):
    """A row of users."""

    email: str = strawberry.field(description="The address the person signs in with.")
    name: str = strawberry.field(description="The person's name.")

    @strawberry.field(
        description="The tenants this person belongs to: all of the caller's own; of others, the acting one."
    )
    async def memberships(self, info: Info) -> list[Annotated[Membership, strawberry.lazy("resolvers.membership")]]:
        """Memberships by tenant name."""
        return await info.context.loaders.load(memberships_of_user, self.id)


findable("User", user_by_id)


@strawberry.type
class UserQuery:
    """Who asks."""

    @strawberry.field(description="The person who asks.")
    async def viewer(self, info: Info) -> User:
        """The caller."""
        return await info.context.loaders.load(user_by_id, info.context.caller.user_id)

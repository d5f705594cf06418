"""People."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.level import Level, level
from resolvers.limits import ListSize
from resolvers.loading import Loaders, column, many_by, one_by
from resolvers.node import Node, findable

if TYPE_CHECKING:
    from resolvers.membership import Membership


async def user_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Users by id."""
    return one_by(ids, await loaders.fetch("users_by_id", ids=ids))


async def memberships_of_user(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """A user's memberships, by tenant name: all of the caller's own, of others those in the acting tenant."""
    return many_by(ids, await loaders.fetch("memberships_by_user", ids=ids), "user_id")


@strawberry.type(description="A person.")
class User(Node):
    """A row of users."""

    email: str = strawberry.field(description="The address the person signs in with.")
    name: str = strawberry.field(description="The person's name.")

    @level(
        description="The tenants this person belongs to: all of the caller's own; of others, the acting one.",
        directives=[ListSize(assumed_size=3)],
    )
    def memberships(users: Level, info: Info) -> list[Annotated[Membership, strawberry.lazy("resolvers.membership")]]:
        """Memberships by tenant name."""
        return info.context.loaders.level(memberships_of_user, column(users, "id"))


findable("User", user_by_id)


@strawberry.type
class UserQuery:
    """Who asks."""

    @level(description="The person who asks.")
    def viewer(_: Level, info: Info) -> User:
        """The caller."""
        return info.context.loaders.level(user_by_id, [info.context.user_id])

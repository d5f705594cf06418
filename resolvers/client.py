"""Clients: programs of partners, their keys, and the documents that are published for them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.level import Level, level
from resolvers.limits import ListSize
from resolvers.loading import Loaders, column, many_by, one_by
from resolvers.membership import MembershipRole, require_role
from resolvers.node import Node, findable
from resolvers.paging import PAGED, Connection, connection, page
from resolvers.user import User, user_by_id
from sql.statements import Ordering


@strawberry.enum(
    description="Which documents a client may send: OPEN any; LOG any, and those not published for it are kept to be "
    "looked at; SAFELIST those published for it, by text or by id; ID_ONLY those published for it, by id alone."
)
class ClientMode(Enum):
    """Modes of clients."""

    OPEN = "open"
    LOG = "log"
    SAFELIST = "safelist"
    ID_ONLY = "id_only"


async def client_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Clients by id."""
    return one_by(ids, await loaders.fetch("clients_by_id", ids=ids))


async def keys_of_client(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The keys of a client, oldest first."""
    return many_by(ids, await loaders.fetch("client_keys_by_client", ids=ids), "client_id")


async def documents_of_client(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The documents of a client, by id."""
    return many_by(ids, await loaders.fetch("client_documents_by_client", ids=ids), "client_id")


@strawberry.type(description="A key of a client. The key itself is shown once, when it is made.")
class ClientKey:
    """A row of client_keys."""

    hint: str = strawberry.field(description="The first characters of the key.")
    created_at: datetime.datetime = strawberry.field(description="When it was made.")
    expires_at: datetime.datetime | None = strawberry.field(description="Until when it holds; null for no end.")


@strawberry.type(description="A document that is published for a client: a trusted document.")
class ClientDocument:
    """A row of client_documents."""

    document_id: str = strawberry.field(description="The id that the client sends.")
    operation_name: str | None = strawberry.field(description="The name of its operation.")
    text: str = strawberry.field(description="The document itself.")
    last_used_at: datetime.datetime | None = strawberry.field(description="When it was last asked for.")
    retired_at: datetime.datetime | None = strawberry.field(
        description="Since when it is refused; null while it is served."
    )


@strawberry.type(description="A program of a partner, bound to this tenant.")
class Client(Node):
    """A row of clients."""

    user_id: strawberry.Private[str]
    name: str = strawberry.field(description="Its name.")
    mode: ClientMode = strawberry.field(description="Which documents it may send.")
    introspection: bool = strawberry.field(description="Whether it may read the schema.")
    created_at: datetime.datetime = strawberry.field(description="When it was made.")
    revoked_at: datetime.datetime | None = strawberry.field(
        description="Since when it is refused; null while it holds."
    )

    @level(description="The member that it acts as: what is granted to them, it may see.")
    def member(clients: Level, info: Info) -> User | None:
        """The member."""
        return info.context.loaders.level(user_by_id, column(clients, "user_id"))

    @level(description="Its keys, oldest first.", directives=[ListSize(assumed_size=2)])
    def keys(clients: Level, info: Info) -> list[ClientKey]:
        """The keys."""
        return info.context.loaders.level(keys_of_client, column(clients, "id"))

    @level(
        description="The documents that are published for it, by id; retired ones as well.",
        directives=[ListSize(assumed_size=50)],
    )
    def documents(clients: Level, info: Info) -> list[ClientDocument]:
        """The documents."""
        return info.context.loaders.level(documents_of_client, column(clients, "id"))


findable("Client", client_by_id)


@strawberry.type
class ClientQuery:
    """Ways to clients."""

    @level(description="The tenant's clients by name; for owners.", directives=PAGED)
    def clients(
        _: Level,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Client]:
        """A page of clients."""
        require_role(info, MembershipRole.OWNER, what="The list of clients")
        return connection(info, "clients", page(info, "clients", Ordering("name"), first, after, last, before))

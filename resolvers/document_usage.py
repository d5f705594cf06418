"""Usage: how often which client asked which document, what it cost and how long it took, per day."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.client import Client, client_by_id
from resolvers.context import Info
from resolvers.filters import OrderDirection
from resolvers.level import Level, level
from resolvers.loading import Loaders, column, one_by
from resolvers.membership import MembershipRole, require_role
from resolvers.node import Node, findable
from resolvers.paging import PAGED, Connection, connection, page
from resolvers.scalars import text_of, uuid_of
from sql.statements import Ordering


@strawberry.enum(description="What usage can be ordered by.")
class DocumentUsageOrderField(Enum):
    """Columns to order usage by."""

    DAY = "day"
    REQUESTS = "requests"
    ACTUAL_COST = "actual_cost"


@strawberry.input(description="One term of an order of usage.")
class DocumentUsageOrder:
    """A column and a direction."""

    field: DocumentUsageOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Conditions on usage; all that are given must hold.")
class DocumentUsageFilter:
    """Conditions on usage."""

    client_id: strawberry.ID | None = strawberry.field(default=None, description="By this client.")
    document: str | None = strawberry.field(default=None, description="Of this document.")
    day_from: datetime.date | None = strawberry.field(default=None, description="On this day or later.")
    day_before: datetime.date | None = strawberry.field(default=None, description="Before this day.")

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        return {
            "client_id": None if self.client_id is None else uuid_of(self.client_id, "clientId"),
            "document": None if self.document is None else text_of(self.document, "document"),
            "day_from": self.day_from,
            "day_before": self.day_before,
        }


async def document_usage_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Usage by id."""
    return one_by(ids, await loaders.fetch("document_usage_by_id", ids=ids))


@strawberry.type(description="A day of one document, as one client used it.")
class DocumentUsage(Node):
    """A row of document_usage."""

    client_id: strawberry.Private[str | None]
    day: datetime.date = strawberry.field(description="The day, UTC.")
    document: str = strawberry.field(
        description='The document: its id, "sha256:" and the SHA-256 of its text, or "(other)" beyond a thousand a day.'
    )
    requests: int = strawberry.field(description="How often it was asked for, errors and 304s included.")
    errors: int = strawberry.field(description="How many of the answers have errors.")
    not_modified: int = strawberry.field(description="How many of the answers were 304: not modified.")
    requested_cost: float = strawberry.field(description="The estimated cost of all of them, points.")
    actual_cost: float = strawberry.field(description="The cost of what was returned, points.")
    milliseconds: float = strawberry.field(description="The time that all of them took together.")
    last_used_at: datetime.datetime = strawberry.field(description="When it was last asked for.")

    @level(description="The client; null for the people of the tenant, all together.")
    def client(usage: Level, info: Info) -> Client | None:
        """The client."""
        return info.context.loaders.level(client_by_id, column(usage, "client_id"))


findable("DocumentUsage", document_usage_by_id)


@strawberry.type
class DocumentUsageQuery:
    """Ways to usage."""

    @level(
        description="Which documents were used, by whom and at what cost, latest day first unless ordered otherwise; "
        "for owners. It is some seconds behind.",
        directives=PAGED,
    )
    def document_usage(
        _: Level,
        info: Info,
        filter: DocumentUsageFilter | None = None,
        order_by: list[DocumentUsageOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[DocumentUsage]:
        """A page of usage."""
        require_role(info, MembershipRole.OWNER, what="The usage of documents")
        latest = Ordering("day", descending=True)
        asked = page(info, "document_usage", latest, first, after, last, before, filter=filter, order_by=order_by)
        return connection(info, "document_usage", asked)

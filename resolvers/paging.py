"""Relay connections by keyset: a cursor is a position in an order, never a number of rows to skip."""

from __future__ import annotations

import datetime
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import orjson
import strawberry

from resolvers.context import Info
from resolvers.errors import InvalidCursorError, InvalidPageError
from resolvers.filters import OrderDirection
from sql import statements
from sql.driver import Row
from sql.statements import Ordering

DEFAULT_SIZE = 50
MAX_SIZE = 200
MAX_CURSOR = 2048
DIGEST_BYTES = 8

Item = TypeVar("Item")
Parameters = tuple[tuple[str, Any], ...]


class Conditions(Protocol):
    """An input like VehicleFilter."""

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold the conditions."""


class OrderTerm(Protocol):
    """An input like VehicleOrder."""

    field: Any
    direction: OrderDirection


@dataclass(frozen=True)
class Page:
    """Which rows of which connection: hashable, so that fields that ask for the same page share a loader.

    ``kind`` names the connection in its cursors; ``after`` is the position to start behind, in ``order``;
    ``backwards`` walks from the end, so the rows come in reverse.
    """

    kind: str
    order: tuple[Ordering, ...]
    size: int
    after: tuple[Any, ...] | None
    backwards: bool
    has_bound: bool
    parameters: Parameters

    @property
    def arguments(self) -> dict[str, Any]:
        """What a page statement takes: one row more than asked for tells whether there are more."""
        order = tuple(term.reversed() for term in self.order) if self.backwards else self.order
        return {"order": order, "after": self.after, "limit": self.size + 1, **dict(self.parameters)}

    def cursor(self, row: Row) -> str:
        """The position of a row."""
        return encode_cursor(self.kind, self.order, [row[term.column] for term in self.order])


def page(
    name: str,
    default: Ordering,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    *,
    filter: Conditions | None = None,
    order_by: Sequence[OrderTerm] | None = None,
    narrow: bool | None = None,
) -> Page:
    """The page that a connection's arguments ask for, of the statement ``<name>_page`` and the orders that it knows.

    Ties are broken by id, so that every row has a position of its own. ``narrow`` is passed on to the statement.
    Raises InvalidPageError and InvalidCursorError.
    """
    statement = statements.load()[f"{name}_page"]
    kind, columns = statement.row or name, {column.name: column.type for column in statement.order}
    parameters = {**(filter.parameters() if filter else {}), "narrow": narrow}
    for argument, value in (("first", first), ("last", last)):
        if value is not None and not 1 <= value <= MAX_SIZE:
            raise InvalidPageError(f"{argument} is {value}: a page has 1 to {MAX_SIZE} rows.")
    if first is not None and last is not None:
        raise InvalidPageError("first and last exclude each other: ask for the first or for the last rows.")
    if last is None and before is not None:
        raise InvalidPageError("before goes with last, after with first.")
    if last is not None and after is not None:
        raise InvalidPageError("after goes with first, before with last.")
    terms: dict[str, Ordering] = {}
    for term in order_by or ():
        terms.setdefault(term.field.value, Ordering(term.field.value, term.direction is OrderDirection.DESC))
    order = tuple(terms.values()) or (default,)
    order = (*order, Ordering("id", order[-1].descending))
    bound = before if last is not None else after
    return Page(
        kind=kind,
        order=order,
        size=last or first or DEFAULT_SIZE,
        after=None if bound is None else decode_cursor(kind, order, bound, columns),
        backwards=last is not None,
        has_bound=bound is not None,
        parameters=tuple(sorted((key, value) for key, value in parameters.items() if value is not None)),
    )


def _digest(kind: str, order: Sequence[Ordering], position: bytes) -> bytes:
    """Ties a cursor to its connection and order. It finds mistakes; what may be seen is decided by row security."""
    shape = orjson.dumps([kind, [[term.column, term.descending] for term in order]])
    return blake2b(shape + position, digest_size=DIGEST_BYTES, key=b"motomind cursor").digest()


def encode_cursor(kind: str, order: Sequence[Ordering], position: Sequence[Any]) -> str:
    """An opaque text for a position."""
    values = orjson.dumps(position, default=str)
    return urlsafe_b64encode(_digest(kind, order, values) + values).decode().rstrip("=")


def decode_cursor(kind: str, order: Sequence[Ordering], cursor: str, columns: Mapping[str, str]) -> tuple[Any, ...]:
    """The position that a cursor stands for. Raises InvalidCursorError for any other text."""
    try:
        raw = urlsafe_b64decode(cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    digest, values = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
    if not hmac.compare_digest(digest, _digest(kind, order, values)):
        raise InvalidCursorError(
            "This cursor is not one of this connection in this order. Use a cursor that the same field returned, "
            "with the same orderBy."
        )
    types = [columns[term.column] for term in order]
    return tuple(_READERS[type_](value) for type_, value in zip(types, orjson.loads(values), strict=True))


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": str,
    "integer": int,
    "uuid": UUID,
    "timestamptz": datetime.datetime.fromisoformat,
}


@strawberry.type(description="Where a page lies in its connection.")
class PageInfo:
    """Relay's page information."""

    has_next_page: bool = strawberry.field(description="Whether there are rows behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are rows before this page.")
    start_cursor: str | None = strawberry.field(description="The first row's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The last row's cursor; null on an empty page.")


@strawberry.type(description="A row and its position.")
class Edge(Generic[Item]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="The row's position: pass it as after or before.")
    node: Item = strawberry.field(description="The row.")


@strawberry.type(description="A page of rows.")
class Connection(Generic[Item]):
    """Relay's connection, over the rows that a page statement returned."""

    rows: strawberry.Private[list[Any]]
    has_more: strawberry.Private[bool]
    page: strawberry.Private[Page]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @classmethod
    def of(cls, rows: Sequence[Any], page: Page, count: Callable[[], Awaitable[int]]) -> Connection[Any]:
        """A page from the rows that were fetched for it: one too many says that there are more."""
        kept = list(rows[: page.size])
        if page.backwards:
            kept.reverse()
        return Connection(rows=kept, has_more=len(rows) > page.size, page=page, count=count)

    @strawberry.field(description="The rows with their positions.")
    def edges(self) -> list[Edge[Item]]:
        """Edges of the page."""
        return [Edge(cursor=self.page.cursor(row), node=row) for row in self.rows]

    @strawberry.field(description="The rows alone.")
    def nodes(self) -> list[Item]:
        """Rows of the page."""
        return self.rows

    @strawberry.field(description="Where this page lies.")
    def page_info(self) -> PageInfo:
        """Walking forwards, whatever precedes a cursor is a previous page; walking backwards, the other way round."""
        return PageInfo(
            has_next_page=self.page.has_bound if self.page.backwards else self.has_more,
            has_previous_page=self.has_more if self.page.backwards else self.page.has_bound,
            start_cursor=self.page.cursor(self.rows[0]) if self.rows else None,
            end_cursor=self.page.cursor(self.rows[-1]) if self.rows else None,
        )

    @strawberry.field(description="How many rows the connection has over all its pages; counted only when asked for.")
    async def total_count(self) -> int:
        """Rows of all pages."""
        return await self.count()


async def connection(info: Info, statement: str, asked: Page) -> Connection[Any]:
    """A connection over the whole tenant: the statement ``<statement>_page``, counted by ``<statement>_count``."""
    loaders = info.context.loaders

    async def count() -> int:
        (row,) = await loaders.fetch(f"{statement}_count", **dict(asked.parameters))
        return int(row["total_count"])

    rows = await loaders.fetch(f"{statement}_page", **asked.arguments)
    return Connection.of(rows, asked, count)

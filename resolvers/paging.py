"""Relay connections by keyset: a cursor is a position in an order, never a number of rows to skip."""

from __future__ import annotations

import datetime
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar

import orjson
import strawberry

from resolvers.context import Info, LevelInfo
from resolvers.errors import InvalidCursorError, InvalidPageError
from resolvers.executor.written import Writer
from resolvers.filters import OrderDirection
from resolvers.level import Level, level
from resolvers.limits import Cost, ListSize
from resolvers.loading import LARGE, Batch, LevelLoader, Loaders
from resolvers.selection import coordinate, names_below
from sql import statements
from sql.driver import Row
from sql.statements import Ordering

DEFAULT_SIZE = 50
PAGED = (ListSize(assumed_size=DEFAULT_SIZE, slicing_arguments=["first", "last"], sized_fields=["edges", "nodes"]),)
"""The directives of a field that is a connection: its rows are as many as its page."""
STATEMENT = (Cost(weight="2"),)
"""The directives of a scalar that takes a statement of its own."""
FREE = (Cost(weight="0"),)
"""The directives of a type that stands for no row."""
MAX_CURSOR = 2048
DIGEST_BYTES = 8
NOTHING_HEAVY: Mapping[str, frozenset[str]] = {}

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

    ``kind`` is the connection's field, which its cursors are bound to; ``after`` is the position to start behind, in
    ``order``; ``backwards`` walks from the end, so the rows come in reverse; ``looks_ahead`` fetches one row more than
    asked for, which tells whether there are more; ``write`` makes text of rows as they arrive, where they are many.
    """

    kind: str
    order: tuple[Ordering, ...]
    size: int
    after: tuple[Any, ...] | None
    backwards: bool
    has_bound: bool
    looks_ahead: bool
    parameters: Parameters
    write: Writer | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What a page statement takes."""
        order = tuple(term.reversed() for term in self.order) if self.backwards else self.order
        return {"order": order, "after": self.after, "limit": self.size + self.looks_ahead, **dict(self.parameters)}

    def cursor(self, row: Row) -> str:
        """The position of a row."""
        return encode_cursor(self.kind, self.order, [row[term.column] for term in self.order])


def page(
    info: Info,
    name: str,
    default: Ordering,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    *,
    filter: Conditions | None = None,
    order_by: Sequence[OrderTerm] | None = None,
    heavy: Mapping[str, frozenset[str]] = NOTHING_HEAVY,
) -> Page:
    """The page that a connection's arguments ask for, of the statement ``<name>_page`` and the orders that it knows.

    Ties are broken by id, so that every row has a position of its own. ``heavy`` are the parameters that leave columns
    out, each with the fields that are read from them: what no selected field needs is not fetched.
    Raises InvalidPageError and InvalidCursorError.
    """
    statement = statements.load()[f"{name}_page"]
    kind, columns = coordinate(info), {column.name: column.type for column in statement.order}
    selected = names_below(info)
    conditions = filter.parameters() if filter else {}
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
    needed = {f"without_{term.column}" for term in order}  # by cursors
    left_out = {name: True for name, fields in heavy.items() if fields.isdisjoint(selected) and name not in needed}
    parameters = {**conditions, **left_out}
    bound = before if last is not None else after
    return Page(
        kind=kind,
        order=order,
        size=next((size for size in (last, first) if size is not None), DEFAULT_SIZE),
        after=None if bound is None else decode_cursor(kind, order, bound, columns),
        backwards=last is not None,
        has_bound=bound is not None,
        looks_ahead="pageInfo" in selected,
        parameters=tuple(sorted((key, value) for key, value in parameters.items() if value is not None)),
    )


def _digest(kind: str, order: Sequence[Ordering], position: bytes) -> bytes:
    """Ties a cursor to its connection and order. It finds mistakes; what may be seen is decided by row security."""
    shape = orjson.dumps([kind, [[term.column, term.descending] for term in order]])
    return blake2b(shape + position, digest_size=DIGEST_BYTES, key=b"motomind cursor").digest()


def encode_cursor(kind: str, order: Sequence[Ordering], position: Sequence[Any]) -> str:
    """An opaque text for a position."""
    values = orjson.dumps(position, default=str)
    return _text_of(_digest(kind, order, values) + values)


def _text_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(kind: str, order: Sequence[Ordering], cursor: str, columns: Mapping[str, str]) -> tuple[Any, ...]:
    """The position that a cursor stands for. Raises InvalidCursorError for any other text."""
    try:
        raw = urlsafe_b64decode(cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    if _text_of(raw) != cursor:  # the decoder skips what is not in its alphabet
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
    "float8": float,
    "date": datetime.date.fromisoformat,
    "uuid": str,
    "timestamptz": datetime.datetime.fromisoformat,
}


class Edged:
    """A row with its position: what ``Edge`` reads."""

    __slots__ = ("_page", "node")

    def __init__(self, page: Page, row: Row) -> None:
        self._page = page
        self.node = row

    @property
    def cursor(self) -> str:
        """The row's position."""
        return self._page.cursor(self.node)


class Paged:
    """The rows of one page: what ``Connection`` and ``PageInfo`` read.

    ``counts`` answers for ``key`` how many rows there are over all pages.
    """

    __slots__ = ("counts", "has_more", "key", "nodes", "page")

    def __init__(self, rows: Sequence[Any], page: Page, counts: LevelLoader, key: Any) -> None:
        """A page from the rows that were fetched for it: one too many says that there are more."""
        self.page = page
        self.counts = counts
        self.key = key
        self.has_more = len(rows) > page.size
        kept = rows[: page.size] if self.has_more else rows
        self.nodes = kept[::-1] if page.backwards else kept

    @property
    def edges(self) -> list[Edged]:
        """The rows with their positions."""
        return [Edged(self.page, row) for row in self.nodes]

    @property
    def page_info(self) -> Paged:
        """Where the page lies: read from here as well."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Walking backwards, whatever follows a cursor is a next page."""
        return self.page.has_bound if self.page.backwards else self.has_more

    @property
    def has_previous_page(self) -> bool:
        """Walking forwards, whatever precedes a cursor is a previous page."""
        return self.has_more if self.page.backwards else self.page.has_bound

    @property
    def start_cursor(self) -> str | None:
        """The first row's position."""
        return self.page.cursor(self.nodes[0]) if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """The last row's position."""
        return self.page.cursor(self.nodes[-1]) if self.nodes else None


@strawberry.type(description="Where a page lies in its connection.", directives=FREE)
class PageInfo:
    """Relay's page information."""

    has_next_page: bool = strawberry.field(description="Whether there are rows behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are rows before this page.")
    start_cursor: str | None = strawberry.field(description="The first row's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The last row's cursor; null on an empty page.")


@strawberry.type(description="A row and its position.", directives=FREE)
class Edge(Generic[Item]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="The row's position: pass it as after or before.")
    node: Item = strawberry.field(description="The row.")


@strawberry.type(description="A page of rows.")
class Connection(Generic[Item]):
    """Relay's connection, over the rows that a page statement returned."""

    edges: list[Edge[Item]] = strawberry.field(description="The rows with their positions.")
    nodes: list[Item] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")

    @level(
        description="How many rows the connection has over all its pages; counted only when asked for.",
        directives=STATEMENT,
    )
    def total_count(pages: Level) -> int:
        """Rows of all pages."""
        return pages[0].counts.load_level([paged.key for paged in pages])


def pages(
    info: Info, rows_by_key: Batch, count_by_key: Batch, keys: list[Any], asked: Page, *arguments: Hashable
) -> Any:
    """The same page of every key. The batch functions take the page and the further arguments.

    Raises InvalidPageError for a page of no rows or of more than the gateway's settings allow.
    """
    loaders = info.context.loaders
    sized(info, asked.size, "last" if asked.backwards else "first")
    counts = loaders.of(count_by_key, asked, *arguments)

    def paged(found: list[Any]) -> list[Any]:
        return [Paged(rows, asked, counts, key) for key, rows in zip(keys, found, strict=True)]

    return loaders.level(rows_by_key, keys, asked, *arguments, then=paged)


def connection(info: Info, statement: str, asked: Page) -> Any:
    """The page of a connection at the root, for the root's level of one: of ``<statement>_page``."""
    return pages(info, _rows, _count, [statement], replace(asked, write=_writer(info, asked)))


def _writer(info: Info, asked: Page) -> Writer | None:
    """What writes the rows of a large page; None where they are read otherwise than as nodes of leaves."""
    if asked.size <= LARGE or not isinstance(info, LevelInfo) or info.ahead is None:
        return None
    fields = list(info.ahead.fields())
    nodes = [plan for plan in fields if plan.nodes[0].name.value == "nodes"]
    if len(nodes) != 1 or any(plan.nodes[0].name.value == "edges" for plan in fields):
        return None
    return info.ahead.writer(nodes[0])


def narrowed_connection(info: Info, statement: str, asked: Page) -> Any:
    """The page of a connection of vehicles, or of what belongs to them, for the root's level of one.

    For a viewer of few vehicles the statement is told so: see the statement ``caller_is_narrow``.
    """
    session = info.context.session
    if session.role != "viewer":
        return connection(info, statement, asked)

    def page_for(narrow: bool) -> Page:
        return replace(asked, parameters=(*asked.parameters, ("narrow", True))) if narrow else asked

    async def narrowed() -> Any:
        found = connection(info, statement, page_for(await session.find_out_narrow()))
        return found if isinstance(found, list) else await found

    return narrowed() if session.narrow is None else connection(info, statement, page_for(session.narrow))


async def _rows(loaders: Loaders, statements_: list[str], asked: Page) -> Sequence[Any]:
    """The page's rows, of each statement."""
    write = asked.write
    if write is None:
        return [await loaders.fetch(f"{statement}_page", **asked.arguments) for statement in statements_]
    return [await loaders.fetch_written(f"{statement}_page", write, **asked.arguments) for statement in statements_]


async def _count(loaders: Loaders, statements_: list[str], asked: Page) -> Sequence[Any]:
    """The number of all rows, of each statement."""
    rows = [await loaders.fetch(f"{statement}_count", **dict(asked.parameters)) for statement in statements_]
    return [row["total_count"] for (row,) in rows]


def sized(info: Info, size: int, argument: str = "first") -> int:
    """The size of a page or of a list, if it may be that. Raises InvalidPageError."""
    most = info.context.max_page_size
    if not 1 <= size <= most:
        raise InvalidPageError(f"{argument} is {size}: a page has 1 to {most} rows.")
    return size

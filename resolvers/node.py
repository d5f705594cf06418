"""Node: every object with an identity, and how one is found by id alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType
from strawberry import Schema

from resolvers.context import Info
from resolvers.errors import InvalidArgumentError
from resolvers.executor import TYPES
from resolvers.limits import ListSize
from resolvers.loading import Batch
from resolvers.scalars import uuid_of
from sql.driver import Row

MAX_IDS = 200


def type_names(rows: Iterable[Row]) -> list[str]:
    """The object types of rows: their statement's, and for events the one of their event type."""
    return [_event_type(row["event_type"]) if (name := type(row).__name__) == "ManualEvent" else name for row in rows]


@cache
def _event_type(event_type: str) -> str:
    return "".join(part.title() for part in event_type.split("_"))


@strawberry.interface(
    description="An object with an identity. Every id is the row's UUID, unique across the whole graph."
)
class Node:
    """Relay's node; a class that can be found by id says how with ``found_by``."""

    id: strawberry.ID = strawberry.field(description="The object's UUID.")

    @classmethod
    def resolve_type(cls, row: Any, *_: Any) -> str:
        """The object type of a row."""
        return type_names([row])[0]


def install(schema: Schema) -> None:
    """Lets the types of rows be told for a whole level, and not be asked about again: a row carries its type."""
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - Strawberry has no other way to the built types
        if isinstance(type_, GraphQLInterfaceType):
            type_.extensions[TYPES] = type_names
        elif isinstance(type_, GraphQLObjectType):
            type_.is_type_of = None


# How each type name of the statement node_types_by_id is loaded; filled by ``findable`` beside each type.
_FINDERS: dict[str, Batch] = {}


def findable(name: str, by_id: Batch) -> None:
    """Makes rows of a type available to ``node`` and ``nodes``."""
    _FINDERS[name] = by_id


@strawberry.type
class NodeQuery:
    """Lookups by id alone."""

    @strawberry.field(description="The object with this id; null where there is none that the caller may see.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """One object."""
        return (await _find(info, [id], "id"))[0]

    @strawberry.field(
        description="The objects with these ids (at most 200), in the same order; null for each unknown one.",
        directives=[ListSize(assumed_size=MAX_IDS, slicing_arguments=["ids"])],
    )
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        """Many objects."""
        if len(ids) > MAX_IDS:
            raise InvalidArgumentError(f"ids: at most {MAX_IDS} at once.")
        return await _find(info, ids, "ids")


async def _find(info: Info, ids: list[strawberry.ID], argument: str) -> list[Any]:
    wanted = [uuid_of(id_, argument) for id_ in ids]
    if not wanted:
        return []
    types = {row["id"]: row["type_name"] for row in await info.context.session.fetch("node_types_by_id", ids=wanted)}
    loads = [info.context.loaders.load(_FINDERS[types[id_]], id_) if id_ in types else None for id_ in wanted]
    return [None if load is None else await load for load in loads]

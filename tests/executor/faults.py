"""Faults in the fields of a schema, at the same places whichever executor resolves them.

Whether a value is wrong, and how, depends on a seed, the field, its key and arguments, and the identity of its source:
an executor that resolves a level at a time knows no more than that. A fault takes the place of the field's value, or of
its error; the field of a faulty place is resolved or not, nothing tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from inspect import isawaitable
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    default_field_resolver,
    get_nullable_type,
    is_abstract_type,
    is_introspection_type,
    is_list_type,
    is_object_type,
)

from resolvers.paging import Page
from sql.driver import Row

LEVEL = "level"
VALUES = (str, int, float, bool, bytes, UUID, date, Decimal, Enum, type(None))
PARTS = (*VALUES, Row, list, tuple, Page)  # of an object; whatever else it holds is its working


def identity(source: Any) -> Any:
    """What tells one source from another, the same in every execution."""
    if isinstance(source, VALUES):
        return repr(source)
    if isinstance(source, Row):
        name = type(source).__name__
        return (name, str(source["id"]), source.get("depth")) if "id" in source else (name, repr(tuple(source)))
    if isinstance(source, list | tuple):
        return [identity(item) for item in source]
    names = getattr(type(source), "__slots__", None) or getattr(source, "__dict__", {})
    parts = [(name, getattr(source, name)) for name in sorted(names)]
    return type(source).__name__, [(name, identity(part)) for name, part in parts if isinstance(part, PARTS)]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a value; ``number`` chooses among its items."""

    kind: str
    where: str
    number: int

    def applied(self, type_: GraphQLOutputType, value: Any) -> Any:
        """The wrong value. An exception that is returned is an error as one that is raised."""
        match self.kind:
            case "raise":
                return ValueError(f"A fault at {self.where}.")
            case "refuse":
                return GraphQLError(f"Refused at {self.where}.", extensions={"code": "REFUSED", "where": self.where})
            case "null":
                return None
            case "misfit":
                return misfit(type_)
        if not isinstance(value, list | tuple) or not value or isinstance(value, Row):
            return value
        item: Any = get_nullable_type(type_)
        wrong = [
            None,
            LookupError(f"A faulty item of {self.where}."),
            misfit(item.of_type) if is_list_type(item) else 7,
        ]
        at = self.number % len(value)
        return [*value[:at], wrong[self.number % 3], *value[at + 1 :]]


def misfit(type_: GraphQLOutputType) -> Any:
    """A value that is none of a type's; for an object, which nothing checks, null."""
    bare = get_nullable_type(type_)
    if is_object_type(bare):
        return None
    return 7 if is_list_type(bare) or is_abstract_type(bare) else {"misfit": 1}


@dataclass
class Faults:
    """The faults of a schema: ``per_mille`` of the values are wrong."""

    seed: int = 0
    per_mille: int = 0

    def fault(self, coordinate: str, info: GraphQLResolveInfo, arguments: dict[str, Any], source: Any) -> Fault | None:
        """What is wrong with the value of a field of a source."""
        if not self.per_mille:
            return None
        key = repr((self.seed, coordinate, info.path.key, stable(arguments), identity(source)))
        number = int.from_bytes(blake2b(key.encode(), digest_size=6).digest())
        if number % 1000 >= self.per_mille:
            return None
        number //= 1000
        kind = ("raise", "refuse", "null", "misfit", "item")[number % 5]
        return Fault(kind, f"{coordinate} {number}", number // 5)

    def install(self, schema: GraphQLSchema) -> None:
        """Makes the fields of a schema faulty."""
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
                for name, definition in type_.fields.items():
                    self._wrap(f"{type_.name}.{name}", definition)

    def _wrap(self, coordinate: str, definition: GraphQLField) -> None:
        resolve = definition.resolve or default_field_resolver

        def resolved(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
            fault = self.fault(coordinate, info, arguments, source)
            if fault is None:
                return resolve(source, info, **arguments)
            return late(fault, source, info, arguments)

        async def late(fault: Fault, source: Any, info: GraphQLResolveInfo, arguments: dict[str, Any]) -> Any:
            # A fault at once would have graphql-core answer while the statements of other fields are under way.
            value = resolve(source, info, **arguments) if fault.kind == "item" else None
            return fault.applied(definition.type, await value if isawaitable(value) else value)

        definition.resolve = resolved
        level = definition.extensions.get(LEVEL)
        if level is not None:
            definition.extensions[LEVEL] = self._level(coordinate, definition, level)

    def _level(self, coordinate: str, definition: GraphQLField, level: Callable[..., Any]) -> Callable[..., Any]:
        def resolved(sources: Sequence[Any], info: GraphQLResolveInfo, arguments: dict[str, Any]) -> Any:
            faults = [self.fault(coordinate, info, arguments, source) for source in sources]
            try:
                values = level(sources, info, arguments)
            except Exception as error:  # noqa: BLE001 - as the executor has it
                values = [error] * len(sources)
            if not any(faults):
                return values

            def faulty(values: Sequence[Any]) -> list[Any]:
                return [
                    value if fault is None else fault.applied(definition.type, value)
                    for value, fault in zip(values, faults, strict=True)
                ]

            async def late() -> list[Any]:
                try:
                    return faulty(await values)
                except Exception as error:  # noqa: BLE001 - as the executor has it
                    return faulty([error] * len(sources))

            if isinstance(values, asyncio.Future):
                return _future(values, faulty, len(sources))
            return late() if isawaitable(values) else faulty(values)

        return resolved


def _future(values: asyncio.Future[Any], then: Callable[[Any], Any], count: int) -> asyncio.Future[Any]:
    """A future, as the loaders return it: not a coroutine, which may still ask for something."""
    later: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def arrived(values: asyncio.Future[Any]) -> None:
        if later.cancelled():
            return
        if values.cancelled():
            later.cancel()
            return
        error = values.exception()
        later.set_result(then(values.result() if error is None else [error] * count))

    values.add_done_callback(arrived)
    return later


def stable(value: Any) -> Any:
    """Arguments in a form whose repr is the same in every execution."""
    if isinstance(value, dict):
        return sorted((name, stable(item)) for name, item in value.items())
    return [stable(item) for item in value] if isinstance(value, list) else repr(value)

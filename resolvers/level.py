"""Fields that are resolved a level at a time, declared beside the field."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

import strawberry
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo
from strawberry import Schema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from resolvers.context import LevelInfo
from resolvers.executor import LEVEL, Attribute
from resolvers.executor.plan import LevelResolver, read_all
from resolvers.executor.written import LOOKS_AHEAD, Ahead
from sql.driver import Row

Level: TypeAlias = Any
"""The objects of a level, a sequence of rows: what a level resolver has in the place of ``self``."""


def level(*, description: str, directives: Sequence[object] = ()) -> Callable[[Callable[..., Any]], Any]:
    """Makes a function of a level a field.

    ::

        @level(description="The group it belongs to today.")
        def fleet_group(vehicles: Level, info: Info) -> FleetGroup | None:
            return info.context.loaders.level(fleet_group_by_id, [v.fleet_group_id for v in vehicles])

    It takes all objects of the level, then what any Strawberry resolver takes, and returns a value for each object, or
    an awaitable of that; an exception among the values is an error at its place. Its annotation is the field's type, of
    one object. An executor that goes object by object calls it with levels of one. ``directives`` say what it costs,
    and how long its lists are.
    """

    def declare(function: Callable[..., Any]) -> Any:
        @wraps(function)
        async def one(self: Any, *arguments: Any, **named: Any) -> Any:
            values = function([self], *arguments, **named)
            (value,) = await values if inspect.isawaitable(values) else values
            return value

        signature = inspect.signature(function)
        _, *others = signature.parameters.values()
        source = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        one.__signature__ = signature.replace(parameters=[source, *others])  # type: ignore[attr-defined]
        one.level = function  # type: ignore[attr-defined]
        return strawberry.field(description=description, directives=directives)(one)

    return declare


class Column(Attribute):
    """The level resolver of a field that is a column of rows, or an attribute of other objects."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._of_row, self._of_object = itemgetter(name), attrgetter(name)

    def __call__(self, sources: Sequence[Any], _info: object = None, _arguments: object = None) -> list[Any]:
        """The column's value of every row. A level's objects are all of one kind."""
        return read_all(self._of_row if isinstance(sources[0], Row) else self._of_object, sources)


class Each(Attribute):
    """The level resolver of a field that looks at nothing but its object."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __call__(self, sources: Sequence[Any], _info: object = None, _arguments: object = None) -> list[Any]:
        """The function's value of every object."""
        return read_all(self._function, sources)


def install(schema: Schema) -> None:
    """Gives the fields of a built schema their level resolvers."""
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - Strawberry has no other way to the built types
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field in type_.fields.values():
                definition = field.extensions.get("strawberry-definition")
                if isinstance(definition, StrawberryField):
                    _install(schema, field, definition)


def _install(schema: Schema, field: GraphQLField, definition: StrawberryField) -> None:
    if definition.is_basic_field:
        field.extensions[LEVEL] = Column(definition.python_name)
        return
    resolver = definition.base_resolver
    if resolver is None or definition.extensions:
        return
    function = getattr(resolver.wrapped_func, "level", None)
    if function is not None:
        field.extensions[LEVEL] = _adapted(schema, definition, function)
    elif resolver.self_parameter and len(resolver.signature.parameters) == 1 and not resolver.is_async:
        field.extensions[LEVEL] = Each(resolver.wrapped_func)  # type: ignore[arg-type]


def _adapted(schema: Schema, field: StrawberryField, function: Callable[..., Any]) -> LevelResolver:
    """A level resolver with Strawberry's info and input types, as its other resolvers have them."""
    takes_info = field.base_resolver is not None and field.base_resolver.info_parameter is not None
    registry, config = schema.schema_converter.scalar_registry, schema.config

    def resolve(
        sources: Sequence[Any], raw: GraphQLResolveInfo[Any], arguments: dict[str, Any], ahead: Ahead | None = None
    ) -> Any:
        info = LevelInfo(_raw_info=raw, _field=field, ahead=ahead)

        def convert() -> dict[str, Any]:
            return convert_arguments(arguments, field.arguments, scalar_registry=registry, config=config, info=info)

        named = ahead.once("arguments", convert) if ahead is not None and ahead.is_constant else convert()
        return function(sources, info, **named) if takes_info else function(sources, **named)

    setattr(resolve, LOOKS_AHEAD, True)
    return resolve

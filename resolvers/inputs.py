"""Inputs: how what is given to a field becomes the input's own class.

Strawberry looks at every field's annotation anew for each value. Here that is looked up once for each class: most
fields are scalars and enums, whose values graphql-core has made already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

from graphql import GraphQLInputObjectType, get_nullable_type, is_leaf_type
from strawberry import Schema
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition


def install(schema: Schema) -> None:
    """Gives the inputs of a built schema their builders."""
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - as in resolvers.level
        definition = type_.extensions.get("strawberry-definition")
        if isinstance(type_, GraphQLInputObjectType) and isinstance(definition, StrawberryObjectDefinition):
            definition.from_input = _builder(schema, type_, definition)


def _builder(
    schema: Schema, type_: GraphQLInputObjectType, definition: StrawberryObjectDefinition
) -> Callable[[type, Mapping[str, Any], InputContext], Any]:
    """Makes an object of an input's class as Strawberry does: a field that is not given and has no default is None."""
    absent: dict[str, Any] = {}
    leaves, others = [], []
    for field in definition.fields:
        name, python_name = schema.config.name_converter.from_field(field), field.python_name
        if is_leaf_type(get_nullable_type(type_.fields[name].type)):
            leaves.append((name, python_name))
        else:
            others.append((name, python_name, field.resolve_type()))
        if field.default_value is MISSING and field.default_factory is MISSING:
            absent[python_name] = None

    def build(cls: type, given: Mapping[str, Any], context: InputContext) -> Any:
        values = absent.copy()
        for name, python_name in leaves:
            if name in given:
                values[python_name] = given[name]
        for name, python_name, annotated in others:
            if name in given:
                values[python_name] = context.convert(given[name], annotated, name)
        return cls(**values)

    return build

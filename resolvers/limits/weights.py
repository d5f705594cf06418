"""Weights: what a field costs, and how long its lists are, declared beside the field and printed with the schema.

After the GraphQL Cost Directives specification (IBM): every object that is returned costs 1, a scalar nothing, and
``@cost`` says otherwise. As a declaration of a field it is what asking the field of one object costs, in addition.
"""

from __future__ import annotations

from dataclasses import dataclass

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType
from strawberry import Schema
from strawberry.schema_directive import Location
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from resolvers.executor.plan import WEIGHT

SIZE = "size"


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    name="cost",
    description="The points that an object of the type, or asking for the field, costs. Objects cost 1 unless it says "
    "otherwise, fields nothing.",
)
class Cost:
    """``@cost``."""

    weight: str = strawberry.directive_field(name="weight")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How long the field's list is: by the slicing arguments that are given (a list counts by its length), "
    "but at most maximumSize; else as assumed; nested in each other, all lists of such fields together have at most "
    "assumedTotal objects. Where sizedFields are named, theirs are the lists.",
)
class ListSize:
    """``@listSize``; two arguments are our own.

    ``assumed_total``: a child has one parent, so a tree has an end. ``maximum_size``: without it, that of a page.
    """

    assumed_size: int = strawberry.directive_field(name="assumedSize")
    slicing_arguments: list[str] | None = strawberry.directive_field(name="slicingArguments", default=strawberry.UNSET)
    sized_fields: list[str] | None = strawberry.directive_field(name="sizedFields", default=strawberry.UNSET)
    require_one_slicing_argument: bool = strawberry.directive_field(name="requireOneSlicingArgument", default=False)
    assumed_total: int | None = strawberry.directive_field(name="assumedTotal", default=strawberry.UNSET)
    maximum_size: int | None = strawberry.directive_field(name="maximumSize", default=strawberry.UNSET)


@dataclass(frozen=True)
class Size:
    """How long a field's lists are, as ``@listSize`` says."""

    assumed: int
    arguments: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset()
    total: int | None = None
    maximum: int | None = None


def install(schema: Schema) -> None:
    """Puts the weights of types and fields, and the sizes of lists, where the estimate and the executor find them."""
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - Strawberry has no other way to the built types
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            continue
        definition = type_.extensions.get("strawberry-definition")
        if isinstance(definition, StrawberryObjectDefinition):
            for directive in definition.directives or ():
                if isinstance(directive, Cost):
                    type_.extensions[WEIGHT] = int(directive.weight)
        for field in type_.fields.values():
            declared = field.extensions.get("strawberry-definition")
            for directive in declared.directives if isinstance(declared, StrawberryField) else ():
                if isinstance(directive, Cost):
                    field.extensions[WEIGHT] = int(directive.weight)
                elif isinstance(directive, ListSize):
                    field.extensions[SIZE] = Size(
                        directive.assumed_size,
                        tuple(directive.slicing_arguments or ()),
                        frozenset(directive.sized_fields or ()),
                        directive.assumed_total or None,
                        directive.maximum_size or None,
                    )


def weight_of_type(type_: GraphQLObjectType) -> int:
    """What an object of the type costs."""
    weight: int = type_.extensions.get(WEIGHT, 1)
    return weight

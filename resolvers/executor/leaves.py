"""Leaves: a column of scalars or enumeration values, coerced at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
)
from graphql.execution import Executor

LEAF = "leaf"
NONE = type(None)
INT_BOUNDS = (-(2**31), 2**31)

# Scalars of GraphQL whose values of this very Python type are their own coercion.
_UNCHANGED: dict[Any, type] = {
    GraphQLString: str,
    GraphQLID: str,
    GraphQLBoolean: bool,
    GraphQLInt: int,
    GraphQLFloat: float,
}
_BOUNDED = frozenset({GraphQLInt, GraphQLFloat})


def unchanged(type_: Any, *, nullable: bool) -> frozenset[type]:
    """The types of values that a type coerces to themselves, whatever they are; none for numbers, which have bounds."""
    kind = None if type_ in _BOUNDED or LEAF in type_.extensions else _UNCHANGED.get(type_)
    if kind is None:
        return frozenset()
    return frozenset({kind, NONE}) if nullable else frozenset({kind})


def coerce(
    type_: GraphQLLeafType,
    values: Sequence[Any],
    types: frozenset[type] | set[type],
    failed: Callable[[int, Exception], Any],
) -> Sequence[Any]:
    """The values as the response has them. None stays; ``types`` are the values' types.

    ``failed(index, error)`` is told of each value that does not fit, and returns what takes its place. A leaf type with
    ``LEAF`` among its extensions coerces a column by itself: ``(values, types) -> values``, or None where it would
    rather have it done value by value. It may return anything that the encoder of the response writes as it should.
    """
    kinds = types - {NONE}
    whole = type_.extensions.get(LEAF)
    if whole is not None:
        try:
            coerced: Sequence[Any] | None = whole(values, kinds)
        except Exception as error:  # noqa: BLE001 - whatever a scalar raises is an error at each of its places
            return [None if value is None else failed(index, error) for index, value in enumerate(values)]
        if coerced is not None:
            return coerced
    elif kinds <= {_UNCHANGED.get(type_, NONE)} and _fits(type_, values, nullable=NONE in types):
        return values
    elif type_ is GraphQLID and not any(issubclass(kind, str | int | float) or _is_builtin(kind) for kind in kinds):
        with suppress(Exception):  # found out again below, for each
            return [None if value is None else str(value) for value in values]
    one = _one(type_)
    if isinstance(type_, GraphQLEnumType) and kinds <= {str}:  # each distinct value once
        with suppress(Exception):  # as above
            known = {value: None if value is None else one(value) for value in set(values)}
            return [known[value] for value in values]
    result: list[Any] = []
    for index, value in enumerate(values):
        if value is None:
            result.append(None)
            continue
        try:
            result.append(one(value))
        except Exception as error:  # noqa: BLE001 - whatever a scalar raises is an error at its place
            result.append(failed(index, error))
    return result


def _fits(type_: GraphQLLeafType, values: Sequence[Any], *, nullable: bool) -> bool:
    """Whether numbers are within the bounds that GraphQL has for them."""
    if type_ not in _BOUNDED:
        return True
    numbers = [value for value in values if value is not None] if nullable else values
    if type_ is GraphQLFloat:
        return all(map(math.isfinite, numbers))
    low, high = INT_BOUNDS
    return not numbers or (low <= min(numbers) and max(numbers) < high)


def _is_builtin(kind: type) -> bool:
    """A builtin, which an ID cannot be, but for texts and numbers; anything else writes itself as an ID."""
    return kind.__module__ == "builtins"


def _one(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    complete = Executor.complete_leaf_value
    return lambda value: complete(type_, value)

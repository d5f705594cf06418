"""Leaf types, and values for them: right ones and wrong ones, of one Python type or of several."""

from __future__ import annotations

from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
)


def _odd(value: Any) -> Any:
    if not isinstance(value, int) or value % 2 == 0:
        raise ValueError(f"{value!r} is not odd.")
    return None if value == 5 else value


ODD = GraphQLScalarType("Odd", coerce_output_value=_odd, coerce_input_value=_odd)
COLOR = GraphQLEnumType("Color", {"RED": 1, "GREEN": 2})
LEAVES = (GraphQLInt, GraphQLFloat, GraphQLBoolean, GraphQLString, GraphQLID, ODD, COLOR)

PURE: dict[str, list[Any]] = {
    "Int": [0, 7, 2**31 - 1, -(2**31)],
    "Float": [0.5, 1e300],
    "Boolean": [True, False],
    "String": ["", "text"],
    "ID": ["1", "text"],
    "Odd": [1, 3],
    "Color": [1, 2],
}
MIXED: dict[str, list[Any]] = {
    **PURE,
    "Int": [7, 2.0, True],
    "Float": [0.5, 3, True],
    "Boolean": [True, 0, 1.0],
    "String": ["", 3, 1.5, False],
    "ID": ["1", 7, 2.0],
}
# Wrong although of the right Python type, where there is such a value.
PURE_MISFITS: dict[str, list[Any]] = {
    "Int": [2**31, -(2**31) - 1],
    "Float": [float("nan"), float("inf")],
    "Boolean": [None],
    "String": [None],
    "ID": [None],
    "Odd": [2, 5],
    "Color": [3],
}
MIXED_MISFITS: dict[str, list[Any]] = {
    "Int": ["text", 1.5, {}],
    "Float": ["text", 2**2000, []],
    "Boolean": ["text", None, float("nan"), {}],
    "String": [{}, [], b"bytes"],
    "ID": [True, 1.5, {}],
    "Odd": ["text", b"bytes"],
    "Color": ["RED", []],
}


def right_leaves(name: str, *, mixed: bool) -> list[Any]:
    """What a type takes."""
    return (MIXED if mixed else PURE)[name]


def wrong_leaves(name: str, *, mixed: bool) -> list[Any]:
    """What a type does not take."""
    return (MIXED_MISFITS if mixed else PURE_MISFITS)[name]

"""TYPES and LEAF: an abstract type and a leaf type that look at a whole column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLScalarType, GraphQLSchema

from resolvers.executor import LEAF, TYPES
from resolvers.executor.level import FAILED
from tests.executor.small import run, schema

TEXT = """
    scalar Odd
    interface Thing { name: String }
    type A implements Thing { name: String  a: Int }
    type B implements Thing { name: String  b: Int }
    type C { name: String }
    union Any = A | B
    type Query { things: [Thing]  sure: [Thing!]  rows: [[Any]]  odds: [Odd]  sureOdds: [Odd!]  grid: [[Odd!]] }
"""
THINGS = "{ things { __typename name ... on A { a } ... on B { b } } }"
A1, A2, B1 = ({"kind": kind, "name": name, "a": 1, "b": 2} for kind, name in (("A", "a1"), ("A", "a2"), ("B", "b1")))


def with_types(whole: Callable[..., Any]) -> GraphQLSchema:
    """A schema whose abstract types tell the object types of whole columns."""
    built = schema(TEXT)
    for name in ("Thing", "Any"):
        built.type_map[name].extensions[TYPES] = whole
    return built


def with_leaf(whole: Callable[..., Any], one: Callable[[Any], Any] = lambda value: value) -> GraphQLSchema:
    """A schema whose scalar coerces whole columns, or value by value."""
    built = schema(TEXT)
    scalar = built.type_map["Odd"]
    assert isinstance(scalar, GraphQLScalarType)
    scalar.extensions[LEAF] = whole
    scalar.coerce_output_value = one
    return built


def kinds(values) -> list[Any]:
    """The object types of a column."""
    return [value["kind"] for value in values]


def test_types_are_told_for_a_whole_column():
    """Once, without nulls, over all lists; the objects of each type get their own fields, in their places."""
    calls = []

    def whole(values):
        calls.append([value["name"] for value in values])
        return kinds(values)

    built = with_types(whole)
    assert run(built, THINGS, {"things": [A1, None, B1, A2]}) == (
        {
            "things": [
                {"__typename": "A", "name": "a1", "a": 1},
                None,
                {"__typename": "B", "name": "b1", "b": 2},
                {"__typename": "A", "name": "a2", "a": 1},
            ]
        },
        [],
    )
    rows = {"rows": [[B1], None, [], [A1, None]]}
    assert run(built, "{ rows { __typename } }", rows) == (
        {"rows": [[{"__typename": "B"}], None, [], [{"__typename": "A"}, None]]},
        [],
    )
    assert calls == [["a1", "b1", "a2"], ["b1", "a1"]]
    assert run(built, THINGS, {"things": [None]}) == ({"things": [None]}, [])
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (ValueError("no"), "no"),
        ("C", "not a possible type"),
        ("D", "does not exist"),
        ("Thing", "non-object type"),
        (None, "must resolve to an Object type"),
    ],
    ids=["exception", "none of its types", "unknown", "interface", "none"],
)
def test_a_wrong_type_is_an_error_at_its_object(wrong: Any, message: str):
    """The other objects are there; where the object cannot be null, the list is."""
    built = with_types(lambda values: [wrong if value is B1 else value["kind"] for value in values])
    data, ((path, told),) = run(built, THINGS, {"things": [A1, B1, A2]})
    assert [thing and thing["name"] for thing in data["things"]] == ["a1", None, "a2"]
    assert (path, message in told) == (["things", 1], True), told
    data, ((path, _),) = run(built, "{ sure { name } }", {"sure": [A1, B1]})
    assert (data, path) == ({"sure": None}, ["sure", 1])


@pytest.mark.parametrize("how", ["raises", "too few"])
def test_types_that_cannot_be_told_are_an_error_of_every_object(how: str):
    """As with a level resolver that raises or returns too few values."""

    def whole(values):
        if how == "raises":
            raise ValueError("no")
        return kinds(values)[1:]

    data, errors = run(with_types(whole), "{ things { name } odds }", {"things": [A1, B1], "odds": [1]})
    assert data == {"things": [None, None], "odds": [1]}
    assert [path for path, _ in errors] == [["things", 0], ["things", 1]]


def test_a_leaf_type_coerces_a_whole_column():
    """Once over all lists, with nulls among the values but not among the types; it may return anything."""
    calls = []

    def whole(values, types):
        calls.append((list(values), types))
        return [None if value is None else [value] for value in values]

    built = with_leaf(whole)
    assert run(built, "{ odds grid }", {"odds": [1, None, 3], "grid": [[1], None, ["x", 5]]}) == (
        {"odds": [[1], None, [3]], "grid": [[[1]], None, [["x"], [5]]]},
        [],
    )
    assert calls == [([1, None, 3], {int}), ([1, "x", 5], {int, str})]


def test_a_leaf_type_may_leave_it_to_its_coercion():
    """Value by value then; what is refused is an error at its place."""

    def odd(value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"{value} is even")
        return -value

    built = with_leaf(lambda _, types: None if int in types else ["whole"], odd)
    assert run(built, "{ odds }", {"odds": [1, 2, None]}) == (
        {"odds": [-1, None, None]},
        [(["odds", 1], "2 is even")],
    )
    assert run(built, "{ odds }", {"odds": ["x"]}) == ({"odds": ["whole"]}, [])


def test_a_leaf_type_never_sees_what_failed():
    """Errors and nulls that may not be are taken out before."""
    seen = []

    def whole(values, types):
        seen.append((list(values), types))
        return values

    built = with_leaf(whole)
    data, errors = run(
        built,
        "{ odds sureOdds grid }",
        {
            "odds": [1, ValueError("no")],
            "sureOdds": [1, None],
            "grid": [[1], [ValueError("no"), 3]],
        },
    )
    assert data == {"odds": [1, None], "sureOdds": None, "grid": [[1], None]}
    assert [path for path, _ in errors] == [["odds", 1], ["sureOdds", 1], ["grid", 1, 0]]
    assert seen == [([1, None], {int}), ([1], {int}), ([1, 3], {int})]
    assert all(FAILED not in values for values, _ in seen)


def test_a_leaf_type_that_fails_is_an_error_of_every_value():
    """As with a level resolver that raises."""

    def whole(*_: Any):
        raise ValueError("no")

    data, errors = run(with_leaf(whole), "{ odds things { name } }", {"odds": [1, 3], "things": [None]})
    assert data == {"odds": [None, None], "things": [None]}
    assert errors == [(["odds", 0], "no"), (["odds", 1], "no")]

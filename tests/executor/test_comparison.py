"""The comparison of executors, on answers written by hand: what it lets pass and what it finds."""

from __future__ import annotations

from itertools import permutations

import orjson
import pytest
from graphql import GraphQLObjectType, build_schema, execute_sync, parse

from tests.executor.comparison import Answer, Expected, Problem, differences, settled, without_propagation

SCHEMA = build_schema("""
    type Query { a: Node  list: [[Node!]]! }
    type Node { a: Node!  b: Node!  maybe: Int  value: Int! }
""")
QUERY, NODE = SCHEMA.type_map["Query"], SCHEMA.type_map["Node"]
assert isinstance(QUERY, GraphQLObjectType)
assert isinstance(NODE, GraphQLObjectType)
TYPES = {
    ("a",): QUERY.fields["a"].type,
    ("a", "a"): NODE.fields["a"].type,
    ("a", "a", "maybe"): NODE.fields["maybe"].type,
    ("a", "a", "value"): NODE.fields["value"].type,
    ("a", "b"): NODE.fields["b"].type,
    ("a", "b", "value"): NODE.fields["value"].type,
    ("list",): QUERY.fields["list"].type,
    ("list", 0, 0, "value"): NODE.fields["value"].type,
    ("list", 0, 1, "value"): NODE.fields["value"].type,
    ("list", 1, 0, "value"): NODE.fields["value"].type,
}
EMPTY = {"a": {"a": {"maybe": None, "value": None}, "b": {"value": None}}}
NULLED = {"a": None}
MAYBE, FIRST, SECOND = (
    Problem("no", place, ((1, 1),)) for place in (("a", "a", "maybe"), ("a", "a", "value"), ("a", "b", "value"))
)


def answer(data, *problems):
    """An answer."""
    return Answer(orjson.dumps(data), problems)


CANDIDATES = answer(EMPTY, MAYBE, FIRST, SECOND)


@pytest.mark.parametrize(
    ("place", "nulled"),
    [
        (("a", "a", "maybe"), ("a", "a", "maybe")),
        (("a", "a", "value"), ("a",)),
        (("list", 0, 1, "value"), ("list", 0)),
        (("list", 0, 1), ("list", 0)),
        (("list", 0), ("list", 0)),
        (("list",), None),
    ],
)
def test_an_error_nulls_the_nearest_nullable_position(place, nulled):
    """Its own, or one above it; lists and their items are positions of their own."""
    assert Expected(CANDIDATES, TYPES).nulled(Problem("no", place, ())) == nulled


def test_the_data_has_null_where_candidates_null():
    """Siblings stay as they are, a list item's list goes with it, and the root may go as well."""
    data = {"list": [[{"value": 1}, {"value": None}], [{"value": 3}], None]}
    item = Problem("no", ("list", 0, 1, "value"), ())
    assert Expected(answer(data, item), TYPES).data() == orjson.dumps({"list": [None, [{"value": 3}], None]})
    assert Expected(answer(data, item, Problem("no", ("list",), ())), TYPES).data() == b"null"


@pytest.mark.parametrize("reported", [(FIRST,), (SECOND,), (MAYBE, FIRST), (MAYBE, SECOND), (SECOND, MAYBE)])
def test_any_candidate_may_null_a_position(reported):
    """By time, one of those that null a position is reported, and those below it or not."""
    assert Expected(CANDIDATES, TYPES).deviations(answer(NULLED, *reported), synchronous=False, ordered=False) == []


@pytest.mark.parametrize(
    ("reported", "word"),
    [
        ((), "swallowed"),
        ((MAYBE,), "swallowed"),
        ((FIRST, SECOND), "2 errors null"),
        ((FIRST, FIRST), "never happened"),
        ((FIRST, MAYBE), "not in the order"),
        ((Problem("other", FIRST.place, FIRST.locations),), "never happened"),
        ((Problem("no", FIRST.place, ((2, 1),)),), "never happened"),
        ((Problem("no", FIRST.place, ((1, 1),), "code"),), "never happened"),
    ],
)
def test_nothing_else_may(reported, word):
    """An error is swallowed, doubled, invented or changed: each is found."""
    found = Expected(CANDIDATES, TYPES).deviations(answer(NULLED, *reported), synchronous=False)
    assert found
    assert all(word in one for one in found)


def test_only_one_answer_of_a_synchronous_execution_is_right():
    """The errors up to the first that nulls a position, each other answer is found."""
    expected = Expected(CANDIDATES, TYPES)
    assert expected.in_order() == (MAYBE, FIRST)
    for count in range(4):
        for reported in permutations((MAYBE, FIRST, SECOND), count):
            found = expected.deviations(answer(NULLED, *reported), synchronous=True)
            assert (found == []) == (reported == (MAYBE, FIRST))


def test_below_an_asynchronous_iterable_errors_come_as_they_happen():
    """Below that and nowhere else: not on the level of the iterable itself."""
    data = {"list": [[{"value": None}, {"value": None}], [{"value": None}]]}
    one, other, next_list = (Problem("no", ("list", *at, "value"), ()) for at in ((0, 0), (0, 1), (1, 0)))
    expected = Expected(answer(data, one, other, next_list), TYPES, {("list", 0)})
    assert expected.sorted([other, one, next_list]) == [other, one, next_list]
    assert expected.sorted([next_list, other, one]) == [other, one, next_list]
    assert Expected(expected.candidates, TYPES).sorted([other, one, next_list]) == [one, other, next_list]


@pytest.mark.parametrize("data", [EMPTY, {"a": {}}, None, {}, {"a": None, "b": None}])
def test_other_data_is_found(data):
    """Too little is null, too much is, or keys differ."""
    (found,) = Expected(CANDIDATES, TYPES).deviations(answer(data, MAYBE, FIRST), synchronous=True)
    assert found.startswith("data")


def test_the_order_of_keys_counts():
    """Data with the same keys in another order is other data."""
    right, wrong = answer({"a": 1, "b": 2}), answer({"b": 2, "a": 1})
    assert differences((right, right), (right, right), {}, synchronous=True) == []
    assert differences((right, right), (right, wrong), {}, synchronous=True) != []
    assert differences((right, right), (wrong, right), {}, synchronous=True) != []


def test_both_must_have_the_same_candidates():
    """Without propagation there is no choice."""
    fine, swallowed = (CANDIDATES, answer(NULLED, FIRST)), answer(EMPTY, MAYBE, FIRST)
    in_order = answer(NULLED, MAYBE, FIRST)
    assert differences(fine, (CANDIDATES, in_order), TYPES, synchronous=False) == []
    assert differences(fine, (swallowed, in_order), TYPES, synchronous=False) != []
    assert differences(fine, (CANDIDATES, in_order), TYPES, synchronous=True) != []


def test_errors_of_the_request_are_compared_as_they_are():
    """An error without a path is of the whole request."""
    one, other = answer(None, Problem("no", None, ())), answer(None, Problem("never", None, ()))
    assert differences((one, one), (one, one), {}, synchronous=False) == []
    assert differences((one, one), (one, other), {}, synchronous=False) != []


def test_errors_below_a_failed_list_do_not_count():
    """Items that failed before their list did may be reported."""
    whole, item = Problem("no", ("list",), ()), Problem("no", ("list", 0), ())
    assert settled(answer(None, item, whole)) == settled(answer(None, whole))
    assert settled(answer(None, item)).problems == (item,)


def test_without_propagation_graphql_core_reports_every_candidate():
    """What the comparison rests on: with the directive, errors stay where they happened."""
    document = parse("{ a { a { maybe value } b { value } } }")
    root = {"a": {"a": {"maybe": "x"}, "b": {}}}
    everything = execute_sync(SCHEMA, without_propagation(document), root)
    assert everything.data == EMPTY
    assert [tuple(error.path or ()) for error in everything.errors or ()] == [MAYBE.place, FIRST.place, SECOND.place]
    assert execute_sync(SCHEMA, document, root).data == NULLED

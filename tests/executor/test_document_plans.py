"""Plans: kept with a document over many executions, and right in each of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from graphql import build_schema, parse

from resolvers.executor import LOOKS_AHEAD, Ahead, BreadthFirstExecutor, Plans
from resolvers.executor.plan import MAX_VARIANTS, Selection
from tests.executor.small import run, schema

TEXT = """
    input Range { low: Int!  high: Int = 9 }
    type Query { a: Int  b: Int  node: Node  nodes: [Node]  asked(by: Int = 2, range: Range, list: [Int!]): Int }
    type Node { a: Int  b: Int  node: Node }
"""
LEAF: dict[str, Any] = {"a": 1, "b": 2, "node": None}
NODE: dict[str, Any] = {"a": 3, "b": 4, "node": LEAF}
ROOT: dict[str, Any] = {"a": 5, "b": 6, "node": NODE, "nodes": [NODE, LEAF]}


def asked(calls: list[Any]):
    """A schema whose field keeps its arguments; it spoils those that could be spoiled."""

    def resolve(sources, _info, arguments):
        calls.append(repr(arguments))
        for value in arguments.values():
            if isinstance(value, list | dict):
                value.clear()
        return [0] * len(sources)

    return schema(TEXT, {"Query.asked": resolve})


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("query ($x: Boolean!, $y: Boolean!) { a @skip(if: $x)  b @include(if: $y) }", lambda x, y: (not x, y)),
        (
            "query ($x: Boolean!, $y: Boolean!) { ... @skip(if: $x) { a } ... on Query @include(if: $y) { b } }",
            lambda x, y: (not x, y),
        ),
        (
            "query ($x: Boolean!, $y: Boolean!) { ...F @skip(if: $x)  b @include(if: $y) } fragment F on Query { a }",
            lambda x, y: (not x, y),
        ),
        (
            """query ($x: Boolean!, $y: Boolean!) { ...F } fragment F on Query { a @skip(if: $x) ...G @include(if: $y) }
            fragment G on Query { b @skip(if: $x) }""",
            lambda x, y: (not x, y and not x),
        ),
        (
            "query ($x: Boolean = true, $y: Boolean = false) { a @include(if: $x) b @skip(if: $y) }",
            lambda x, y: (x, not y),
        ),
        (
            "query ($x: Boolean!, $y: Boolean!) { a @skip(if: $x) @include(if: $y)  b @skip(if: false) }",
            lambda x, y: (y and not x, True),
        ),
    ],
    ids=["fields", "inline", "spread", "nested", "defaults", "both"],
)
def test_conditions_are_those_of_each_execution(query: str, fields: Any):
    """By whichever way a field is conditional; over and over, in any order, with the plans of one document."""
    plans, built = Plans(), schema(TEXT)
    for x, y in [*product((True, False), repeat=2)] * 2:
        wants = fields(x, y)
        expected = {name: ROOT[name] for name, wanted in zip("ab", wants, strict=True) if wanted}
        assert run(built, query, ROOT, plans=plans, variables={"x": x, "y": y}) == (expected, [])


def test_conditions_below_lists_and_objects():
    """A selection below is kept with the outcome of all conditions, wherever they are."""
    query = """query ($x: Boolean!, $y: Boolean!) {
      nodes { a @include(if: $x)  node { ...F } }
    } fragment F on Node { b  a @skip(if: $y) }"""
    plans, built = Plans(), schema(TEXT)
    for x, y in [*product((True, False), repeat=2)] * 2:
        data, errors = run(built, query, ROOT, plans=plans, variables={"x": x, "y": y})
        first, second = data["nodes"]
        assert ("a" in first, "a" in second, "a" in first["node"]) == (x, x, not y)
        assert (first["node"]["b"], second["node"], errors) == (2, None, [])


def test_a_variable_left_out_is_its_default():
    """And one that is null decides nothing: an error, whatever was kept before."""
    query = "query ($x: Boolean = true) { a @include(if: $x) b }"
    plans, built = Plans(), schema(TEXT)
    assert run(built, query, ROOT, plans=plans) == ({"a": 5, "b": 6}, [])
    assert run(built, query, ROOT, plans=plans, variables={"x": False}) == ({"b": 6}, [])
    data, ((_, message),) = run(built, query, ROOT, plans=plans, variables={"x": None})
    assert data is None
    assert "null" in message
    assert run(built, query, ROOT, plans=plans) == ({"a": 5, "b": 6}, [])


def test_more_outcomes_than_are_kept():
    """The rest is planned anew each time, and as right."""
    count = MAX_VARIANTS.bit_length()
    names = [f"v{number}" for number in range(count)]
    query = (
        f"query ({', '.join(f'${name}: Boolean!' for name in names)})"
        f" {{ b {' '.join(f'{name}: a @include(if: ${name})' for name in names)} }}"
    )
    plans, built = Plans(), schema(TEXT)
    outcomes = [*product((True, False), repeat=count)]
    assert len(outcomes) > MAX_VARIANTS
    for outcome in outcomes * 2:
        data, _ = run(built, query, ROOT, plans=plans, variables=dict(zip(names, outcome, strict=True)))
        assert list(data) == ["b", *(name for name, wanted in zip(names, outcome, strict=True) if wanted)]


def test_operations_of_one_document():
    """Each has plans of its own, although they share fragments."""
    query = """query A { ...F } query B ($x: Boolean!) { ...F  node { a @skip(if: $x) b } } fragment F on Query { b }"""
    plans, built = Plans(), schema(TEXT)
    for _ in range(2):
        assert run(built, query, ROOT, plans=plans, operation_name="A") == ({"b": 6}, [])
        for x, node in ((True, {"b": 4}), (False, {"a": 3, "b": 4})):
            told = run(built, query, ROOT, plans=plans, operation_name="B", variables={"x": x})
            assert told == ({"b": 6, "node": node}, [])


def test_arguments_with_variables_are_those_of_each_execution():
    """A variable alone, and one within a list or an input, with and without a value."""
    calls: list[str] = []
    built, plans = asked(calls), Plans()
    query = "query ($x: Int, $list: [Int!]) { a: asked(by: $x)  b: asked(range: {low: 1, high: $x}, list: $list) }"
    for variables in ({"x": 1, "list": [1]}, {"x": 2, "list": [2, 3]}, {"x": 1}, {}):
        run(built, query, ROOT, plans=plans, variables=variables)
    assert calls == [
        "{'by': 1}",
        "{'by': 2, 'range': {'low': 1, 'high': 1}, 'list': [1]}",
        "{'by': 2}",
        "{'by': 2, 'range': {'low': 1, 'high': 2}, 'list': [2, 3]}",
        "{'by': 1}",
        "{'by': 2, 'range': {'low': 1, 'high': 1}}",
        "{'by': 2}",
        "{'by': 2, 'range': {'low': 1, 'high': 9}}",
    ]


def test_arguments_that_can_be_spoiled_are_made_anew():
    """A resolver that changes a list or an input does so for itself alone."""
    calls: list[str] = []
    built, plans = asked(calls), Plans()
    for _ in range(3):
        run(built, "{ asked(range: {low: 1}, list: [1, 2]) }", ROOT, plans=plans)
    assert calls == ["{'by': 2, 'range': {'low': 1, 'high': 9}, 'list': [1, 2]}"] * 3


def test_a_resolver_may_change_its_arguments():
    """The dict that it is given is its own."""
    calls: list[str] = []

    def resolve(sources, _info, arguments):
        calls.append(repr(arguments))
        arguments.pop("by")
        return [0] * len(sources)

    built, plans = schema(TEXT, {"Query.asked": resolve}), Plans()
    for _ in range(2):
        run(built, "{ asked(by: 3) }", ROOT, plans=plans)
    assert calls == ["{'by': 3}"] * 2


def test_an_outcome_is_planned_once(monkeypatch: pytest.MonkeyPatch):
    """Executions of the same operation with the same conditions look at the selections no more."""
    planned: list[str] = []
    plan = Selection.of.__func__

    def counted(cls: type[Selection], built: Any, type_: Any, grouped: Any) -> Selection:
        planned.append(type_.name)
        return plan(cls, built, type_, grouped)

    monkeypatch.setattr(Selection, "of", classmethod(counted))
    plans, built = Plans(), schema(TEXT)
    query = "query ($x: Boolean!, $by: Int) { a @skip(if: $x)  asked(by: $by)  nodes { b } }"
    for by in range(3):
        run(built, query, {**ROOT, "asked": 1}, plans=plans, variables={"x": True, "by": by})
    assert planned == ["Query", "Node"]
    run(built, query, {**ROOT, "asked": 1}, plans=plans, variables={"x": False})
    assert planned == ["Query", "Node"] * 2


def test_a_document_of_very_many_fields_is_planned_anew():
    """What cached plans keep has a bound: the plans of a fragment under hundreds of aliases are not kept."""
    schema_ = build_schema("type Query { deep: Query n: Int }")
    text = "query {" + " ".join(f"a{i}: deep {{ ...F }}" for i in range(60)) + "} fragment F on Query {"
    document = parse(text + " ".join(f"f{i}: n" for i in range(60)) + "}")
    plans = Plans()
    root = {"deep": {"n": 1}, "n": 1}
    first = BreadthFirstExecutor.build(schema_, document, root, plans=plans)
    assert isinstance(first, BreadthFirstExecutor)
    result = first.execute_operation()
    assert result.errors is None
    assert plans.fields == 0
    small = BreadthFirstExecutor.build(schema_, parse("{ n deep { n } }"), root, plans=plans)
    assert isinstance(small, BreadthFirstExecutor)
    small.execute_operation()
    assert plans.fields == 3


def test_a_level_resolver_keeps_what_follows_from_the_document():
    """Where its arguments are those of every execution: each field for itself, each name once."""
    made: list[str] = []

    def resolve(_sources: Any, info: Any, _arguments: Any, ahead: Ahead) -> list[int]:
        def make(name: str) -> int:
            made.append(f"{info.path.key} {name}")
            return len(made)

        if not ahead.is_constant:
            return [0]
        return [10 * ahead.once("x", lambda: make("x")) + ahead.once("y", lambda: make("y"))]

    setattr(resolve, LOOKS_AHEAD, True)
    built, plans = schema(TEXT, {"Query.asked": resolve}), Plans()
    query = "query ($x: Int) { a: asked(by: 3)  b: asked  c: asked(by: $x)  d: asked(list: [1]) }"
    for x in (1, 2):
        assert run(built, query, plans=plans, variables={"x": x}) == ({"a": 12, "b": 34, "c": 0, "d": 0}, [])
    assert made == ["a x", "a y", "b x", "b y"]

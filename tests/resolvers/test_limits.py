"""Limits: each hostile document is refused by its code before it is validated; what people ask for is not."""

from __future__ import annotations

import pytest
from graphql import get_introspection_query

from benchmarks.growth import ALL
from resolvers.execution import INTROSPECTION_DISABLED, MAX_VALIDATION_ERRORS, Engine
from resolvers.limits import Limits
from resolvers.schema import build
from tests.test_operations import FILES


def chain(fragments: int, spreads: int) -> str:
    """Fragments that each spread the next one so many times."""
    spread = " ".join(f"fragment F{i} on Query {{{f' ...F{i + 1}' * spreads}}}" for i in range(fragments - 1))
    return f"{{ ...F0 }} {spread} fragment F{fragments - 1} on Query {{ __typename }}"


def fields(*names: str) -> str:
    """A document that asks the tenant for these fields."""
    return f"{{ tenant {{ {' '.join(names)} }} }}"


def nested(depth: int, leaf: str = "name") -> str:
    """A document whose fields are nested so deep."""
    return "{ tenant { rootGroups { " + "children { " * (depth - 3) + leaf + " }" * depth


HOSTILE = {
    "22 fragments, each twice the next": (chain(22, 2), "TOO_MANY_ROOT_FIELDS"),
    "150 fragments, each three times the next": (chain(150, 3), "TOO_MANY_ROOT_FIELDS"),
    "250 fragments in a row": (chain(250, 1), "QUERY_TOO_DEEP"),
    "101 aliases": (fields(*(f"a{i}: name" for i in range(101))), "TOO_MANY_ALIASES"),
    "500 repeated fields": (fields(*["name"] * 500), "TOO_MANY_FIELDS"),
    "500 repeated fields at the root": ("{" + "__typename " * 500 + "}", "TOO_MANY_ROOT_FIELDS"),
    "500 repeated fields by a fragment": (
        fields(*["...A"] * 100) + "fragment A on Tenant { name name name name name }",
        "TOO_MANY_FIELDS",
    ),
    "3001 fields in all": (
        "{ tenant { rootGroups {" + "...A " * 31 + "} } } fragment A on FleetGroup { parent {" + "id " * 99 + "} }",
        "TOO_MANY_FIELDS",
    ),
    "10 unknown directives": ("{ tenant @a @b @c @d @e @f @g @h @i @j { name } }", "GRAPHQL_VALIDATION_FAILED"),
    "101 directives": (fields(*["name @skip(if: false)"] * 101), "TOO_MANY_DIRECTIVES"),
    "101 directives on a variable": ("query ($a: Int" + " @a" * 101 + ") { tenant { name } }", "TOO_MANY_DIRECTIVES"),
    "circular introspection": (
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "INTROSPECTION_TOO_DEEP",
    ),
    "circular introspection by fragments": (
        """{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } }
        fragment B on __Type { possibleTypes { ...C } } fragment C on __Type { inputFields { name } }""",
        "INTROSPECTION_TOO_DEEP",
    ),
    "a chain of ofType": (
        "{ __schema { types { " + "ofType { " * 100 + "name" + " }" * 100 + " } } }",
        "QUERY_TOO_DEEP",
    ),
    "101 levels": (nested(101), "QUERY_TOO_DEEP"),
    "a string of 20 MB": (f'{{ node(id: "{"x" * 20_000_000}") {{ id }} }}', "DOCUMENT_TOO_LONG"),
    "10,000 nested selections": ("{ a" * 10_000 + " }" * 10_000, "QUERY_TOO_DEEP"),
    "10,000 nested lists": (
        "{ events(filter: { payloadContains: " + "[" * 10_000 + "]" * 10_000 + " }) { totalCount } }",
        "QUERY_TOO_DEEP",
    ),
    "10,000 nested brackets of a type": (
        "query ($a: " + "[" * 10_000 + "Int" + "]" * 10_000 + ") { a }",
        "QUERY_TOO_DEEP",
    ),
    "10,000 brackets that only open": ("{ a" * 10_000, "QUERY_TOO_DEEP"),
    "10,001 tokens": ("{" + "a " * 10_000 + "}", "TOO_MANY_TOKENS"),
    "50,000 comments": ("#\n" * 50_000, "TOO_MANY_TOKENS"),
    "quotation marks": ('"' * 99_000, "TOO_MANY_TOKENS"),
    "block strings that do not end": ('"""\\"""' * 14_000, "TOO_MANY_TOKENS"),
    "fragments in a circle": (
        "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a fragment of itself": (
        "{ tenant { ...A } } fragment A on Tenant { rootGroups { parent { ...A } } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
}


@pytest.fixture(scope="module")
def plain() -> Engine:
    """An engine with the default limits, and nothing cached."""
    return Engine(build())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document_is_refused(name: str, plain: Engine):
    """By its code, and where it is a limit, with that and the count; and again: a refusal is not kept."""
    text, code = HOSTILE[name]
    for _ in range(2):
        document = plain.document(text)
        assert document.tree is None
        extensions = [error.extensions or {} for error in document.errors]
        assert {each["code"] for each in extensions} == {code}
        if code != "GRAPHQL_VALIDATION_FAILED":
            (told,) = extensions
            assert told["count"] > told["limit"] > 0
            assert f"{told['limit']:,}" in document.errors[0].message


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden_operations_are_within_the_limits(path, plain: Engine):
    """And their estimates within the dearest that is allowed."""
    document = plain.document(path.read_text(encoding="utf-8"))
    assert document.errors == ()
    operation = document.operation(None)
    assert operation is not None
    assert plain.estimate(document, operation, {}) > 0


def test_introspection_of_tools_is_within_the_limits(plain: Engine):
    """All that graphql-core's own query can ask for, which is what GraphiQL asks for."""
    text = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    document = plain.document(text)
    assert document.errors == ()
    operation = document.operation(None)
    assert operation is not None
    assert plain.estimate(document, operation, {}) > 0


FIGURES = """
fragment Figures on FleetGroup {
  name
  rollup { vehicleCount milesDriven fuelCost fuelEfficiencyMpg }
  vehicles(first: 5) {
    nodes {
      label
      events(first: 3) {
        nodes { occurredAt ... on FuelPurchase { gallons totalCost } ... on TripBatch { trips { miles } } }
      }
    }
  }
}
"""


def test_deep_trees_are_within_the_limits(plain: Engine):
    """Thirty levels with figures, vehicles and events of each group; and the benchmark's chains."""
    texts = [nested(30, "...Figures").replace("children {", "...Figures children {") + FIGURES]
    texts += [query.text for series in ALL for _, query in series.queries if query.text]
    assert len(texts) > 3
    for text in texts:
        document = plain.document(text)
        assert document.errors == ()
        operation = document.operation(None)
        assert operation is not None
        assert plain.estimate(document, operation, {}) > 0


@pytest.mark.parametrize(
    ("limits", "within", "beyond", "code"),
    [
        (Limits(length=29), "{ tenant { name } }", "{ tenant { name       kind } }", "DOCUMENT_TOO_LONG"),
        (Limits(tokens=6), "{ tenant { name } }", "{ tenant { name kind } }", "TOO_MANY_TOKENS"),
        (Limits(depth=3), "{ tenant { rootGroups { id } } }", nested(4), "QUERY_TOO_DEEP"),
        (Limits(root_fields=1), "{ tenant { id name } }", "{ tenant { id } viewer { id } }", "TOO_MANY_ROOT_FIELDS"),
        (Limits(width=2), "{ tenant { id name } }", "{ tenant { id name kind } }", "TOO_MANY_FIELDS"),
        (Limits(fields=3), "{ tenant { id name } }", "{ tenant { id } viewer { id } }", "TOO_MANY_FIELDS"),
        (Limits(aliases=1), "{ a: tenant { id } }", "{ a: tenant { b: id } }", "TOO_MANY_ALIASES"),
        (
            Limits(directives=1),
            "{ tenant @skip(if: false) { id } }",
            "{ tenant @skip(if: false) { id @skip(if: false) } }",
            "TOO_MANY_DIRECTIVES",
        ),
        (
            Limits(introspection=1),
            "{ __schema { types { fields { name } } } }",
            "{ __schema { types { fields { type { possibleTypes { name } } } } } }",
            "INTROSPECTION_TOO_DEEP",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_limits_are_the_most_that_is_allowed(limits: Limits, within: str, beyond: str, code: str):
    """A document at the limit passes, one more is refused."""
    engine = Engine(build(), limits=limits)
    assert engine.document(within).errors == ()
    (error,) = engine.document(beyond).errors
    assert (error.extensions or {})["code"] == code


def test_every_operation_of_a_document_is_looked_at(plain: Engine):
    """Also one that is not asked for, and a fragment that nothing spreads."""
    many = " ".join(f"a{i}: name" for i in range(101))
    for text in (
        f"query A {{ tenant {{ id }} }} query B {{ tenant {{ {many} }} }}",
        f"{{ tenant {{ id }} }} fragment A on Tenant {{ {many} }}",
    ):
        (error,) = plain.document(text).errors
        assert (error.extensions or {})["code"] == "TOO_MANY_ALIASES"


def test_strings_and_comments_are_no_brackets(plain: Engine):
    """Whatever is in them: brackets, quotation marks, the beginning of the other kind."""
    deep = "{[(" * 100
    for text in (
        f'{{ events(filter: {{ payloadContains: "{deep} # \\" {deep}" }}) {{ totalCount }} }}',
        f'{{ events(filter: {{ payloadContains: """{deep} "" \\""" {deep}""" }}) {{ totalCount }} }}',
        f'{{ tenant {{ name # {deep} " """\n }} }}',
    ):
        assert plain.document(text).errors == ()


def describe_without_introspection():
    """What a client learns that may not ask for the schema."""

    @pytest.mark.parametrize(
        "text",
        [
            "{ __schema { queryType { name } } }",
            '{ __type(name: "Vehicle") { name } }',
            "{ ...A } fragment A on Query { tenant { name } ... { __schema { types { name } } } }",
            "query A { tenant { name } } query B { __schema { types { name } } }",
        ],
    )
    def schema_is_not_told(text: str):
        """Whether the document is new or was kept when somebody else asked."""
        engine = Engine(build())
        for _ in range(2):
            (error,) = engine.document(text, introspection=False).errors
            assert (error.extensions or {})["code"] == INTROSPECTION_DISABLED
            assert engine.document(text).errors == ()
        (error,) = engine.document(text, introspection=False).errors
        assert (error.extensions or {})["code"] == INTROSPECTION_DISABLED

    def typename_is_told(plain: Engine):
        """It tells nothing that the document did not know."""
        assert plain.document("{ __typename tenant { __typename } }", introspection=False).errors == ()

    @pytest.mark.parametrize(
        "text",
        [
            "{ tenant { nam } }",
            "{ tenan { name } }",
            '{ vehicles(frst: 1) { totalCount } node(id: "x") { ... on Vehicl { id } } }',
            "{ vehicles(orderBy: [{ field: LABLE }]) { totalCount } }",
            "{ vehicles(filter: { labe: { contains: 1 } }) { totalCount } }",
            "query ($a: VehicleFiltr) { vehicles(filter: $a) { totalCount } }",
            "{ tenant { name @skp(if: true) @skip(iff: true) } }",
            "{ tenant { ...Nam } } fragment Name on Tenant { name }",
        ],
    )
    def nothing_is_suggested(text: str, plain: Engine):
        """No error of validation names what the schema has; with introspection some do."""
        errors = plain.document(text, introspection=False).errors
        assert errors
        assert not any("Did you mean" in error.message for error in errors)


def test_validation_stops_after_some_errors(plain: Engine):
    """And says that it did."""
    errors = plain.document(fields(*(f"x{i}" for i in range(200)))).errors
    assert len(errors) == MAX_VALIDATION_ERRORS + 1
    assert "Too many validation errors" in errors[-1].message

"""Costs: what operations are estimated to cost at most, and what they do cost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, is_list_type
from graphql.type import get_nullable_type
from hypothesis import given
from hypothesis import strategies as st

from resolvers.execution import Engine, graphql_core_executor
from resolvers.limits import Limits
from resolvers.limits.weights import SIZE
from resolvers.schema import build
from sql.database import Database
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller
from tests.conftest import Ask
from tests.test_operations import OPERATIONS

# What each golden operation is estimated to cost, and costs on the demo.
GOLDEN = {
    "audit_trail/refused_for_a_manager": (2, 0),
    "cost_breakdown/group_and_month": (2_020, 68),
    "document_usage/days_of_a_document": (23, 3),
    "economy_decline/of_three_months": (26, 26),
    "event_stream/history_of_groups": (3, 3),
    "explanation/what_holds": (41, 8),
    "fleet_group/groups_by_name": (803, 5),
    "fleet_group/nested_tree": (41_001, 825),
    "fleet_group/tree_below_a_group": (2_500, 18),
    "fleet_group/tree_of_a_dispatcher": (6_000, 45),
    "manual_event/fuel_of_a_month": (18, 18),
    "manual_event/payload_contains": (4, 4),
    "metrics_series/weeks_of_models": (1_020, 26),
    "tenant/whole_tenant": (138, 42),
    "user/tenants_of_a_consultant": (22, 5),
    "vehicle/metrics_and_explanations": (2_151, 8),
    "vehicle/page_of_a_subtree": (351, 8),
}


def headers(text: str) -> dict[str, str]:
    """The comment lines at the head of a golden operation."""
    return dict(line[2:].split(": ", 1) for line in text.splitlines() if line.startswith("# "))


def estimate(engine: Engine, text: str, **variables: Any) -> int:
    """The estimate of a document's only operation."""
    document = engine.document(text)
    assert document.errors == ()
    operation = document.operation(None)
    assert operation is not None
    return engine.estimate(document, operation, variables)


@pytest.fixture(scope="module")
def plain() -> Engine:
    """An engine with pages of at most 200 rows, and no limit that matters here."""
    return Engine(build(), limits=Limits(cost=10**15))


@pytest.mark.database
async def test_golden_operations_cost_what_is_written_here_and_no_more_than_estimated(ask: Ask, plain: Engine):
    """The estimate, and the cost of what is returned on the demo: a table to look at when a weight changes."""
    found = {}
    for path in sorted(OPERATIONS.glob("*/*.graphql")):
        text = path.read_text(encoding="utf-8")
        head = headers(text)
        variables = orjson.loads(head.get("variables", "{}"))
        answer = await ask(text, head["caller"], head.get("tenant"), **variables)
        found[f"{path.parent.name}/{path.stem}"] = estimate(plain, text, **variables), answer.cost
    assert found == GOLDEN
    assert all(cost <= most for most, cost in found.values())


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ __typename }", 0),
        ("{ viewer { name email } }", 1),
        ("{ tenant { name } viewer { name } }", 2),
        ("{ tenant { rollup { vehicleCount milesDriven } } }", 1 + 5),
        ("{ vehicles(first: 10) { nodes { label } } }", 1 + 10),
        ("{ vehicles(first: 10) { nodes { label } edges { cursor node { id } } } }", 1 + 10 + 10),
        ("{ vehicles(first: 10) { pageInfo { hasNextPage } totalCount } }", 1 + 2),
        ("{ vehicles { nodes { label } } }", 1 + 50),
        ("{ vehicles(last: 7) { nodes { label } } }", 1 + 7),
        ("{ vehicles(first: 100000) { nodes { label } } }", 1 + 200),
        ("{ vehicles(first: -5) { nodes { label } } }", 1),
        ("{ vehicles(first: 10) { nodes { fleetGroup { name } } } }", 1 + 10 + 10),
        (
            "{ vehicles(first: 10) { nodes { events(first: 4) { nodes { id } totalCount } } } }",
            1 + 10 + 10 * (1 + 4 + 2),
        ),
        ('{ nodes(ids: ["a", "b"]) { id } }', 2),
        ('{ vehicle(id: "a") { metrics { milesDriven } } }', 1 + 31),
        # Flat rows have a maximum of their own.
        ("{ costBreakdown(groupBy: [MAKE]) { make totalCost } }", 20 + 1000),
        ("{ costBreakdown(groupBy: [GROUP], first: 30) { fleetGroup { name } } }", 20 + 30 + 30),
        ("{ metricsSeries(interval: DAY, measures: [FUEL_COST], first: 9999999) { start } }", 20 + 10_000),
        # The example of docs/limits.md.
        ("{ vehicles(first: 20) { totalCount nodes { label events(first: 3) { nodes { occurredAt } } } } }", 103),
        # Of the types that an event may have, the dearest counts.
        ("{ events(first: 10) { nodes { ... on FuelPurchase { gallons } ... on Maintenance { cost } } } }", 1 + 10),
        (
            "{ events(first: 10) { nodes { ... on TripBatch { trips { miles } } vehicle { id } } } }",
            1 + 10 * (1 + 3 + 1),
        ),
        (
            "{ events(first: 9) { nodes { ...on TripBatch { trips { miles } } ...on Maintenance { vehicle { id } }}}}",
            1 + 9 * (1 + 3),
        ),
        # Below one object all levels of a tree have at most 500 groups; here it grows 3 by 3.
        ('{ fleetGroup(id: "a") { children { children { name } } } }', 1 + 3 + 9),
        ('{ fleetGroup(id: "a") { children { rollup { vehicleCount } children { name } } } }', 1 + 3 * (1 + 5) + 9),
        ("{ tenant { rootGroups { " + "children { " * 25 + "name" + " }" * 28, 1 + 500),
        ("{ tenant { rootGroups { " + "rollup { fuelCost } children { " * 25 + "name" + " }" * 28, 1 + 500 * (1 + 5)),
        # Below several there is no end: they may be the same group again and again.
        ("{ fleetGroups(first: 10) { nodes { children { children { name } } } } }", 1 + 10 + 30 + 90),
        (
            '{ fleetGroup(id: "a") { children { parent { children { parent { children { name } } } } } } }',
            1 + 3 + 3 + 9 + 9 + 27,
        ),
        ("{ ...A ...A } fragment A on Query { viewer { id } }", 2),
        ("{ viewer @skip(if: true) { id } tenant @include(if: true) { id } }", 1),
    ],
)
def test_estimate_is_objects_by_their_weights(text: str, cost: int, plain: Engine):
    """Objects cost 1; edges, page information and scalars nothing; what takes a statement more."""
    assert estimate(plain, text) == cost


def test_estimate_follows_the_variables(plain: Engine):
    """Sizes and conditions; a variable that is absent has its default, one that makes no sense is refused later."""
    text = """query ($first: Int = 5, $ids: [ID!]!, $with: Boolean = false) {
      vehicles(first: $first) { nodes { id events(first: 3) @include(if: $with) { nodes { id } } } }
      nodes(ids: $ids) { id }
    }"""
    assert estimate(plain, text, ids=[]) == 1 + 5
    assert estimate(plain, text, ids=["a", "b", "c"]) == 1 + 5 + 3
    assert estimate(plain, text, ids=[], first=20) == 1 + 20
    assert estimate(plain, text, ids=[], first=None) == 1 + 50
    assert estimate(plain, text, ids=[], first="20") == 1 + 50
    assert estimate(plain, text, ids=[], first=True) == 1 + 50
    assert estimate(plain, text, ids=[], first=10**30) == 1 + 200
    assert estimate(plain, text, ids="a", first=0) == 1 + 200
    assert estimate(plain, text, ids=[], **{"with": True}) == 1 + 5 + 5 * (1 + 3)
    assert estimate(plain, text) == 1 + 5 + 200


@given(
    st.dictionaries(st.sampled_from(["first", "with", "ids", "other"]), st.from_type(object) | st.none() | st.floats())
)
def test_no_variable_is_too_strange(variables: dict[str, Any]):
    """Whatever JSON may hold, and more."""
    text = (
        "query ($first: Int, $ids: [ID!]!, $with: Boolean!) { nodes(ids: $ids) { id } "
        "vehicles(first: $first) { nodes @skip(if: $with) { id } } }"
    )
    assert 1 <= estimate(ENGINE, text, **variables) <= 1 + 200 + 200


ENGINE = Engine(build())


def test_operation_beyond_the_cost_limit_is_refused():
    """By its estimate, which is told; with other variables it passes."""
    engine = Engine(build(), limits=Limits(cost=51))
    text = "query ($first: Int) { vehicles(first: $first) { nodes { id } } }"
    assert estimate(engine, text, first=50) == 51
    with pytest.raises(Exception, match="Estimated cost in points: 52") as caught:
        estimate(engine, text, first=51)
    assert caught.value.extensions == {"code": "QUERY_TOO_EXPENSIVE", "limit": 51, "count": 52}


def test_every_list_says_how_long_it_is():
    """By @listSize, or by that of the connection it belongs to."""
    silent = []
    for type_ in build()._schema.type_map.values():  # noqa: SLF001
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__"):
            for name, field in type_.fields.items():
                is_sized = SIZE in field.extensions or type_.name.endswith("Connection")
                if is_list_type(get_nullable_type(field.type)) and not is_sized:
                    silent.append(f"{type_.name}.{name}")
                if getattr(get_nullable_type(field.type), "name", "").endswith("Connection"):
                    assert field.extensions[SIZE].fields == {"edges", "nodes"}, f"{type_.name}.{name}"
    assert silent == []


@pytest.mark.database
async def test_cost_is_that_of_the_objects_returned(ask: Ask):
    """Counted by hand from the answer: an object 1, a rollup 4 more, totalCount 2."""
    text = """{ tenant { rootGroups { rollup { vehicleCount } children { id } vehicles(first: 2) {
      totalCount edges { node { label fleetGroup { id } } } } } } }"""
    answer = await ask(text, "owner@enterprise.example")
    groups = answer.data["tenant"]["rootGroups"]
    expected = 1
    for group in groups:
        vehicles = [edge["node"] for edge in group["vehicles"]["edges"]]
        expected += 1 + 5 + len(group["children"]) + 1 + 2 + 2 * len(vehicles)
    assert len(groups) > 1
    assert answer.cost == expected


@pytest.mark.database
async def test_executor_that_does_not_count_says_so(demo: Addresses, database: Database):
    """graphql-core's own: what was estimated is then taken for what it cost."""
    engine = Engine(build(), executor_class=graphql_core_executor())
    person = await member(demo.owner, "owner@small.example", None)
    assert person.tenant_id is not None
    async with database.session(Caller(person.user_id, person.tenant_id)) as session:
        result = await engine.execute(engine.document("{ viewer { id } }"), session, None, None)
    assert result.errors is None
    assert result.cost is None

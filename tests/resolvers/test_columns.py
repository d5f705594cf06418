"""Columns: a page fetches what its selection needs, and never less."""

from __future__ import annotations

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_composite_type, is_required_argument

from resolvers.schema import build
from tests.conftest import Ask

pytestmark = pytest.mark.database

SCHEMA = build()._schema  # noqa: SLF001
CONNECTIONS = {
    name: get_named_type(get_named_type(field.type).fields["nodes"].type)
    for name, field in SCHEMA.query_type.fields.items()
    if get_named_type(field.type).name.endswith("Connection")
}


def _questions():
    """For every connection of the root a question for each field of its rows, alone."""
    for connection, node in CONNECTIONS.items():
        types = SCHEMA.get_possible_types(node) if isinstance(node, GraphQLInterfaceType) else (node,)
        for type_ in types:
            assert isinstance(type_, GraphQLObjectType)
            for name, field in type_.fields.items():
                if not any(map(is_required_argument, field.args.values())):
                    below = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
                    asked = f"... on {type_.name} {{ {name}{below} }}"
                    yield pytest.param(connection, asked, id=f"{connection}-{type_.name}.{name}")


@pytest.mark.parametrize("shape", ["nodes {{ {asked} }}", "edges {{ node {{ {asked} }} }}"], ids=["nodes", "edges"])
@pytest.mark.parametrize(("connection", "asked"), list(_questions()))
async def test_each_field_of_a_page_answers_alone(connection: str, asked: str, shape: str, ask: Ask):
    """Whatever column a field is read from is fetched when nothing else asks for it."""
    answer = await ask(f"{{ {connection}(first: 100) {{ {shape.format(asked=asked)} }} }}", "owner@enterprise.example")
    assert answer.errors == []


async def test_heavy_columns_are_fetched_only_where_they_are_asked_for(ask: Ask):
    """A list of labels reads neither notes nor attributes; a fragment within a fragment is seen all the same."""
    labels = await ask("{ vehicles(first: 1) { nodes { label } } }", "owner@enterprise.example")
    assert "notes" not in labels.issued[0].sql
    assert "extended_attributes" not in labels.issued[0].sql
    nested = """{ vehicles(first: 1) { ...A } } fragment A on VehicleConnection { edges { node { ...B } } }
      fragment B on Vehicle { ... on Node { ... on Vehicle { notes } } }"""
    answer = await ask(nested, "owner@enterprise.example")
    assert answer.errors == []
    assert "v.notes" in answer.issued[0].sql


@pytest.mark.parametrize("connection", ["vehicles", "events"])
async def test_what_a_page_is_ordered_by_is_there_for_its_cursors(connection: str, ask: Ask):
    """Although no field is read from it."""
    question = f"{{ {connection}(first: 2, orderBy: {{ field: CREATED_AT }}) {{ edges {{ cursor }} }} }}"
    answer = await ask(question, "owner@enterprise.example")
    assert answer.errors == []
    assert len({edge["cursor"] for edge in answer.data[connection]["edges"]}) == 2


async def test_a_page_without_page_info_fetches_no_row_more(ask: Ask):
    """The row that tells whether there are more is fetched for who asks."""
    for selection, rows in [("nodes { id }", 2), ("pageInfo { hasNextPage } nodes { id }", 2)]:
        answer = await ask(f"{{ vehicles(first: 2) {{ {selection} }} }}", "owner@enterprise.example")
        assert len(answer.data["vehicles"]["nodes"]) == rows
    answer = await ask("{ vehicles(first: 2) { pageInfo { hasNextPage } } }", "owner@enterprise.example")
    assert answer.data["vehicles"]["pageInfo"]["hasNextPage"] is True


WHOLE_GROUPS = """{ tenant { rootGroups { ...G ancestors { ...G } children { ...G parent { ...G } } } }
  fleetTree { group { ...G } } vehicles(first: 5) { nodes { fleetGroup { ...G } } } }
  fragment G on FleetGroup { id name DETAIL }"""


@pytest.mark.parametrize("detail", ["description", "groupType", "metadata", "version", "createdAt", "updatedAt"])
async def test_a_detail_of_groups_is_fetched_where_anything_asks_for_it(detail: str, ask: Ask):
    """By whatever way the group is reached: a group that one field has loaded answers for another."""
    answer = await ask(WHOLE_GROUPS.replace("DETAIL", detail), "owner@enterprise.example")
    assert answer.errors == []
    elsewhere = f"{{ tenant {{ rootGroups {{ id }} }} fleetGroups(first: 1) {{ nodes {{ {detail} }} }} }}"
    assert (await ask(elsewhere, "owner@enterprise.example")).errors == []


async def test_details_of_groups_are_left_out_where_nothing_asks_for_them(ask: Ask):
    """As in a tree of names."""
    answer = await ask(WHOLE_GROUPS.replace("DETAIL", ""), "owner@enterprise.example")
    assert answer.errors == []
    groups = [issued for issued in answer.issued if "group" in issued.name or "tree" in issued.name]
    assert len(groups) > 2
    assert not any("metadata" in issued.sql for issued in groups)

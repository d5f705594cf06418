"""Loaders: how many statements a request takes does not depend on rows, groups or depth."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from resolvers.execution import Engine
from resolvers.loading import Loaders
from sql.database import Database
from sql.demo import DemoSize, load_demo
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller
from tests.conftest import Ask, Databases, name_of

pytestmark = pytest.mark.database

GROUP = """fragment G on FleetGroup { id name rollup { vehicleCount fuelEfficiencyMpg }
  vehicles(first: 5) { nodes { id fleetGroup { name }
    events(first: 3) { nodes { eventType ... on FuelPurchase { gallons } ... on Maintenance { serviceType } } } } } }"""
MOST = 8
IssuedOn = Callable[[str], Awaitable[list[str]]]


def _nested(depth: int) -> str:
    """The tenant's tree with figures, vehicles and events at each of so many levels."""
    selection = "...G"
    for _ in range(depth - 1):
        selection = f"...G children {{ {selection} }}"
    return f"{GROUP} {{ tenant {{ rootGroups {{ {selection} }} }} }}"


@pytest.mark.parametrize(
    "person", ["owner@enterprise.example", "viewer@enterprise.example", "dispatcher@enterprise.example"]
)
async def test_statements_do_not_grow_with_depth(person: str, ask: Ask):
    """Two levels and six take the same statements, at most eight."""
    shallow, deep = await ask(_nested(2), person), await ask(_nested(6), person)
    assert deep.errors == []
    assert [issued.name for issued in shallow.issued] == [issued.name for issued in deep.issued]
    assert len(deep.issued) <= MOST


BELOW = "id parent { id } children { id children { id vehicles(first: 1) { nodes { id } } } }"


@pytest.mark.parametrize("person", ["owner@enterprise.example", "viewer@enterprise.example"])
async def test_a_group_comes_with_all_levels_below_it(person: str, ask: Ask):
    """By one statement, for several groups too, one above the other or not; for one that is hidden there is null."""
    flat = (await ask("{ fleetTree { parentId group { id name } } }", person)).data["fleetTree"]
    hidden = {
        node["group"]["id"]
        for node in (await ask("{ fleetTree { group { id } } }", "owner@enterprise.example")).data["fleetTree"]
    } - {node["group"]["id"] for node in flat}
    assert bool(hidden) == person.startswith("viewer")

    def below(id_: str, levels: int) -> list[dict[str, Any]]:
        ids = [node["group"]["id"] for node in flat if node["parentId"] == id_]
        return [{"id": each, "children": below(each, levels - 1)} if levels else {"id": each} for each in ids]

    ids = [node["group"]["id"] for node in flat]
    for id_ in ids:
        answer = await ask(f'{{ fleetGroup(id: "{id_}") {{ id children {{ id children {{ id }} }} }} }}', person)
        assert answer.data["fleetGroup"] == {"id": id_, "children": below(id_, 1)}
        assert [issued.name for issued in answer.issued] == ["fleet_groups_below"]
    aliases = [f'g{n}: fleetGroup(id: "{id_}") {{ {BELOW} }}' for n, id_ in enumerate([*ids, *hidden])]
    together = await ask(f"{{ {' '.join(aliases)} }}", person)
    assert [issued.name for issued in together.issued].count("fleet_groups_below") == 1
    for n, id_ in enumerate(ids):
        alone = await ask(f'{{ g{n}: fleetGroup(id: "{id_}") {{ {BELOW} }} }}', person)
        assert together.data[f"g{n}"] == alone.data[f"g{n}"]
        assert [child["id"] for child in alone.data[f"g{n}"]["children"]] == [child["id"] for child in below(id_, 0)]
    assert [together.data[f"g{len(ids) + n}"] for n in range(len(hidden))] == [None] * len(hidden)


@pytest.fixture(scope="module")
def generated(databases: Databases, migrated: Addresses) -> Iterator[Addresses]:
    """Two fleets, one ten times the other."""
    addresses = databases.make(name_of(migrated))
    until = datetime.date(2026, 11, 1)
    load_demo(addresses.owner, size=DemoSize(1, 20, 60, 5), until=until, progress=lambda *_: None)
    yield addresses
    databases.drop(addresses)


@pytest.fixture(scope="module")
async def issued_on_generated(generated: Addresses, engine: Engine) -> AsyncIterator[IssuedOn]:
    """The statements that a query of the generated fleet's owner takes."""
    database = await Database.connect(generated.gateway)
    found = await member(generated.owner, "owner@fleet-1.example", "Fleet 1")
    assert found.tenant_id is not None
    caller = Caller(found.user_id, found.tenant_id)

    async def issued(query: str) -> list[str]:
        async with database.session(caller) as session:
            result = await engine.execute(engine.document(query), session, None, None)
        assert result.errors is None
        return [statement.name for statement in session.issued]

    yield issued
    await database.close()


async def test_statements_do_not_grow_with_rows_and_groups(issued_on_generated: IssuedOn, ask: Ask):
    """A fleet of another size takes the same statements as the demo's."""
    demo = await ask(_nested(5), "owner@enterprise.example")
    assert await issued_on_generated(_nested(5)) == [issued.name for issued in demo.issued]


async def test_fields_with_the_same_arguments_share_a_statement(ask: Ask):
    """Aliases that ask for the same page are one statement, another page is another."""
    query = """{ fleetGroups { nodes {
      a: vehicles(first: 2) { nodes { id } }
      b: vehicles(first: 2) { totalCount nodes { id } }
      c: vehicles(first: 3) { nodes { id } } } } }"""
    answer = await ask(query, "owner@medium.example")
    names = [issued.name for issued in answer.issued]
    assert names.count("vehicles_page_by_group") == 2
    assert names.count("vehicles_count_by_group") == 1


async def test_keys_are_collected_until_nobody_asks_any_more():
    """Keys asked for by tasks that begin later still go with the same batch, each key once."""
    batches: list[list[int]] = []

    async def doubled(_: Loaders, keys: list[int]) -> list[int]:
        batches.append(keys)
        return [key * 2 for key in keys]

    loaders = Loaders(None)  # type: ignore[arg-type]  # no session is needed to double numbers

    async def late(key: int) -> int:
        for _ in range(key):
            await asyncio.sleep(0)
        return await loaders.load(doubled, key)

    assert await asyncio.gather(*(late(key % 5) for key in range(10))) == [key % 5 * 2 for key in range(10)]
    assert batches == [[0, 1, 2, 3, 4]]


async def test_a_failing_batch_fails_its_keys_and_nothing_else():
    """The error reaches who asked; other loaders answer."""

    async def failing(_: Loaders, __: list[int]) -> list[int]:
        raise ValueError("no")

    async def same(_: Loaders, keys: list[int]) -> list[int]:
        return keys

    loaders = Loaders(None)  # type: ignore[arg-type]
    results = await asyncio.gather(loaders.load(failing, 1), loaders.load(same, 2), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    assert results[1] == 2
    await loaders.schedule.close()

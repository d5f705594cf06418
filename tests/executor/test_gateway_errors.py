"""The gateway's own schema when a resolver of ours is wrong: errors in their places, all else as it was."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from graphql import GraphQLError

from resolvers.context import Context
from resolvers.execution import Engine, graphql_core_executor
from resolvers.executor import LEVEL, BreadthFirstExecutor
from resolvers.schema import build
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller
from tests.waiting import PATIENCE

pytestmark = pytest.mark.database

OURS, STOCK = BreadthFirstExecutor, graphql_core_executor()
BOTH = pytest.mark.parametrize("executor", [OURS, STOCK], ids=["breadth first", "graphql-core"])
QUERY = """{
  tenant { name }
  vehicles(first: 4) { nodes { label fleetGroup { name parent { name } } events(first: 2) { nodes { eventType } } } }
}"""
GROUPS = [("vehicles", "nodes", number, "fleetGroup") for number in range(4)]
Level = Callable[[Sequence[Any], Any, dict[str, Any]], Any]


@dataclass(frozen=True)
class Asked:
    """A pool of one connection, and who asks."""

    database: Database
    caller: Caller

    async def __call__(self, engine: Engine, query: str = QUERY) -> tuple[Any, list[tuple[tuple[Any, ...], str]]]:
        """The data, and the errors' paths and messages; the session and its connection are as good as new after it."""
        async with self.database.session(self.caller) as session:
            result = await engine.execute(engine.document(query), session, None, None)
            assert session.failure is None
            (row,) = await session.fetch("tenants_by_id", ids=[str(self.caller.tenant_id)])
            assert row["name"] == "Enterprise"
        pool = self.database._pool  # noqa: SLF001 - nobody else needs to know
        async with pool.acquire(timeout=PATIENCE) as connection:
            assert not connection.is_in_transaction()
        data = orjson.loads(orjson.dumps(result.data, default=str))
        return data, [(tuple(error.path or ()), error.message) for error in result.errors or ()]


@pytest.fixture(scope="module")
async def asked(demo: Addresses) -> AsyncIterator[Asked]:
    """Asks as the demo's owner."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=1))
    person = await member(demo.owner, "owner@enterprise.example", None)
    assert person.tenant_id is not None
    yield Asked(database, Caller(person.user_id, person.tenant_id))
    await database.close()


def broken(executor: Any, coordinate: str, breaking: Callable[[Level], Level]) -> Engine:
    """A schema of the test's own in which one field is wrong, whichever executor resolves it.

    graphql-core's calls a level resolver with levels of one.
    """
    schema = build()
    parent, _, name = coordinate.partition(".")
    field: Any = schema._schema.type_map[parent].fields[name]  # type: ignore[attr-defined]  # noqa: SLF001
    level = field.extensions[LEVEL] = breaking(field.extensions[LEVEL])

    async def one(source: Any, info: Any, **arguments: Any) -> Any:
        values = level([source], info, arguments)
        (value,) = await values if inspect.isawaitable(values) else values
        return value

    field.resolve = one
    return Engine(schema, executor_class=executor)


def nulled(data: Any, *places: tuple[Any, ...]) -> Any:
    """The data with null at some places."""
    for place in places:
        holder = data
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = None
    return data


@pytest.fixture(scope="module")
async def right(asked: Asked) -> bytes:
    """What the query answers when nothing is wrong: every vehicle has a group."""
    data, errors = await asked(Engine(build()))
    assert errors == []
    assert all(vehicle["fleetGroup"] for vehicle in data["vehicles"]["nodes"])
    return orjson.dumps(data)


def raising(error: Exception, *, asks: bool) -> Callable[[Level], Level]:
    """Raises, before or after it has asked a loader."""

    def breaking(level: Level) -> Level:
        def resolve(sources: Sequence[Any], info: Any, arguments: dict[str, Any]) -> Any:
            if asks:
                level(sources, info, arguments)
            raise error

        return resolve

    return breaking


def raising_later(level: Level) -> Level:
    """Raises when its loader has answered."""

    async def resolve(sources: Sequence[Any], info: Any, arguments: dict[str, Any]) -> Any:
        values = level(sources, info, arguments)
        if inspect.isawaitable(values):
            await values
        raise ValueError("no")

    return resolve


@BOTH
@pytest.mark.parametrize(
    "breaking",
    [
        raising(ValueError("no"), asks=False),
        raising(GraphQLError("no"), asks=False),
        raising(ValueError("no"), asks=True),
        raising_later,
    ],
    ids=["at once", "a GraphQL error", "half way", "in the end"],
)
async def test_a_level_resolver_that_raises(executor: Any, breaking: Any, asked: Asked, right: bytes):
    """An error at the field of each object, whatever it has asked for before; the other fields are answered."""
    data, errors = await asked(broken(executor, "Vehicle.fleetGroup", breaking))
    assert data == nulled(orjson.loads(right), *GROUPS)
    assert sorted(errors) == [(place, "no") for place in GROUPS]


@BOTH
async def test_a_level_resolver_that_raises_for_one_object(executor: Any, asked: Asked, right: bytes):
    """One object is a level as well: exactly one error."""
    engine = broken(executor, "Tenant.name", raising(ValueError("no"), asks=False))
    data, errors = await asked(engine, QUERY.replace("tenant {", "tenant { kind"))
    assert data is None
    assert errors == [(("tenant", "name"), "no")]
    engine = broken(executor, "FleetGroup.parent", raising(ValueError("no"), asks=True))
    data, errors = await asked(engine, QUERY.replace("first: 4", "first: 1"))
    place = (*GROUPS[0], "parent")
    assert errors == [(place, "no")]
    expected = orjson.loads(right)
    del expected["vehicles"]["nodes"][1:]
    assert data == nulled(expected, place)


@BOTH
@pytest.mark.parametrize("later", [True, False])
async def test_an_exception_for_the_second_of_several(executor: Any, later: bool, asked: Asked, right: bytes):
    """One error at its place; the first and the third have their values."""
    second = orjson.loads(right)["vehicles"]["nodes"][1]["label"]

    def breaking(level: Level) -> Level:
        async def resolve(sources: Sequence[Any], info: Any, arguments: dict[str, Any]) -> Any:
            found = level(sources, info, arguments)
            values = [*(await found if inspect.isawaitable(found) else found)]
            return [ValueError("no") if s["label"] == second else v for s, v in zip(sources, values, strict=True)]

        def at_once(sources: Sequence[Any], _info: Any, _arguments: dict[str, Any]) -> Any:
            return [ValueError("no") if source["label"] == second else None for source in sources]

        return resolve if later else at_once

    data, errors = await asked(broken(executor, "Vehicle.fleetGroup", breaking))
    assert errors == [(GROUPS[1], "no")]
    assert data == nulled(orjson.loads(right), *([GROUPS[1]] if later else GROUPS))


@BOTH
async def test_an_exception_where_there_is_no_null(executor: Any, asked: Asked):
    """It nulls the nearest position that may be null, here the parent; the other parent is there."""

    def breaking(level: Level) -> Level:
        def resolve(sources: Sequence[Any], info: Any, arguments: dict[str, Any]) -> Any:
            values = level(sources, info, arguments)
            return [ValueError("no") if v == "Europe" else v for v in values]

        return resolve

    query = """{ fleetGroups(filter: {name: {in: ["Europe", "North America"]}}) {
      nodes { children { parent { name } } } } }"""
    data, errors = await asked(broken(executor, "FleetGroup.name", breaking), query)
    europe, america = data["fleetGroups"]["nodes"]
    assert europe["children"]
    assert europe["children"] == [{"parent": None}] * len(europe["children"])
    assert america["children"] == [{"parent": {"name": "North America"}}] * len(america["children"])
    places = [("fleetGroups", "nodes", 0, "children", i, "parent", "name") for i in range(len(europe["children"]))]
    assert sorted(errors) == [(place, "no") for place in places]


@pytest.mark.parametrize("later", [True, False])
@pytest.mark.parametrize("surplus", [-1, 1])
async def test_a_wrong_number_of_values(surplus: int, later: bool, asked: Asked, right: bytes):
    """An error at every object that names the field and the numbers: nobody can tell whose values they are."""

    def breaking(_: Level) -> Level:
        async def resolve(sources: Sequence[Any], *_: Any) -> Any:
            return at_once(sources)

        def at_once(sources: Sequence[Any], *_: Any) -> Any:
            return [None] * (len(sources) + surplus)

        return resolve if later else at_once

    data, errors = await asked(broken(OURS, "Vehicle.fleetGroup", breaking))
    message = f"The level resolver of Vehicle.fleetGroup returned {4 + surplus} values for 4 sources."
    assert errors == [(place, message) for place in GROUPS]
    assert data == nulled(orjson.loads(right), *GROUPS)


@BOTH
async def test_a_batch_that_is_wrong(executor: Any, asked: Asked, right: bytes):
    """A loader's batch function that raises, without a failed statement: an error at each who waits for its keys."""

    async def wrong(*_: Any) -> Any:
        raise ValueError("no")

    def breaking(_: Level) -> Level:
        def resolve(sources: Sequence[Any], info: Any, _arguments: dict[str, Any]) -> Any:
            context: Context = info.context
            return context.loaders.level(wrong, [source["id"] for source in sources])

        return resolve

    data, errors = await asked(broken(executor, "Vehicle.fleetGroup", breaking))
    assert data == nulled(orjson.loads(right), *GROUPS)
    assert sorted(errors) == [(place, "no") for place in GROUPS]

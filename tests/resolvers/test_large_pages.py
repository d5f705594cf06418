"""Large pages: fetched in portions, written as they arrive, and answered as small ones are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult

from resolvers import loading, paging
from resolvers.execution import Engine, graphql_core_executor
from resolvers.executor import Writer
from resolvers.schema import build
from sql import statements
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller
from tests.waiting import PATIENCE

pytestmark = pytest.mark.database

LARGE, PORTION = 10, 7
LEAVES = "id label make model vin notes extendedAttributes createdAt baselineFuelMpg baselineServiceIntervalMiles"
WRITTEN = [
    f"{{ vehicles(first: 200) {{ nodes {{ {LEAVES} version updatedAt }} }} }}",
    f"{{ vehicles(first: 30) {{ pageInfo {{ hasNextPage startCursor endCursor }} totalCount nodes {{ {LEAVES} }} }} }}",
    "{ vehicles(last: 29) { pageInfo { hasPreviousPage startCursor endCursor } nodes { b: label a: id __typename } } }",
    "{ vehicles(first: 21, orderBy: { field: CREATED_AT, direction: DESC }) { nodes { id } pageInfo { endCursor } } }",
    "{ x: vehicles(first: 20) { nodes { id } } y: vehicles(first: 20) { nodes { label } } }",
    (
        "{ vehicles(first: 20) { ...P } } fragment P on VehicleConnection { nodes { id } nodes { ...V } }"
        " fragment V on Node { ... on Vehicle { label notes @skip(if: true) } }"
    ),
    "{ vehicles(first: 20, filter: { label: { in: [] } }) { nodes { id } pageInfo { endCursor } } }",
    "{ fleetGroups(first: 20) { nodes { id name metadata createdAt groupType } } }",
]
NOT_WRITTEN = [
    "{ vehicles(first: 20) { nodes { id fleetGroup { name } } } }",
    "{ vehicles(first: 20) { nodes { id } edges { cursor } } }",
    "{ vehicles(first: 20) { nodes { id } more: nodes { label } } }",
    "{ vehicles(first: 10) { nodes { id } } }",
    "{ events(first: 20) { nodes { id payload } } }",
]


@dataclass
class Asked:
    """A pool of one connection, who asks, and how many rows were written of those that arrived."""

    database: Database
    caller: Caller
    engine: Engine
    stock: Engine
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    written: int = 0
    arrived: int = 0

    async def __call__(self, query: str, *, stock: bool = False) -> ExecutionResult:
        """The result of an operation; the connection is as good as new after it."""
        engine = self.stock if stock else self.engine
        async with self.database.session(self.caller) as session:
            result = await engine.execute(engine.document(query), session, None, None)
        await self.at_rest()
        return result

    async def at_rest(self) -> None:
        """One connection, the same as ever, outside of any transaction."""
        pool = self.database._pool  # noqa: SLF001 - nobody else needs to know
        async with pool.acquire(timeout=PATIENCE) as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("select count(*) from pg_cursors where name <> ''") == 0


def told(result: ExecutionResult) -> tuple[bytes, list[tuple[Any, ...]]]:
    """A result as it is on the wire, and its errors' paths and messages."""
    data = orjson.dumps(result.data, default=str)
    return data, [(tuple(error.path or ()), error.message) for error in result.errors or ()]


@pytest.fixture
async def asked(demo: Addresses, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    """Asks as the demo's owner; a page of more than ten rows is large."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=1))
    person = await member(demo.owner, "owner@enterprise.example", None)
    assert person.tenant_id is not None
    caller = Caller(person.user_id, person.tenant_id)
    schema = build()
    found = Asked(database, caller, Engine(schema), Engine(schema, executor_class=graphql_core_executor()))
    write = Writer.__call__

    def counting(writer: Writer, sources: Any) -> Any:
        made = write(writer, sources)
        found.begun.set()
        found.arrived += len(sources)
        found.written += sum(type(item) is orjson.Fragment for item in made)
        return made

    monkeypatch.setattr(Writer, "__call__", counting)
    monkeypatch.setattr(paging, "LARGE", LARGE)
    monkeypatch.setattr(loading, "PORTION", PORTION)
    yield found
    await database.close()


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes a statement of a test's own of ``vehicles_page``: one text for another."""

    def changed(old: str, new: str) -> None:
        statement = statements.load()["vehicles_page"]
        assert old in statement.text
        text = statement.text.replace(old, new)
        monkeypatch.setitem(statements.load(), "vehicles_page", replace(statement, text=text, _rendered={}))

    return changed


@pytest.mark.parametrize("query", WRITTEN)
async def test_a_large_page_answers_as_both_executors_do_without_portions(
    query: str, asked: Asked, monkeypatch: pytest.MonkeyPatch
):
    """To the byte, with the same points; and most of it was written as it arrived."""
    large = await asked(query)
    assert asked.written == asked.arrived
    assert asked.written > 0 or b'"nodes":[]' in told(large)[0]
    stock = await asked(query, stock=True)
    monkeypatch.setattr(paging, "LARGE", 1000)
    small = await asked(query)
    assert told(large) == told(small) == told(stock)
    assert told(large)[1] == []
    assert large.cost == small.cost  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", NOT_WRITTEN)
async def test_rows_that_are_read_otherwise_stay_rows(query: str, asked: Asked):
    """Objects below them, cursors of all, the same rows twice, abstract types, and small pages."""
    result = await asked(query)
    assert asked.arrived == 0
    assert told(result) == told(await asked(query, stock=True))


@pytest.mark.parametrize("number", [0, 1, 6, 7, 15, 28, 29])
@pytest.mark.parametrize("name", ["baselineServiceIntervalMiles", "version"])
async def test_a_wrong_value_in_the_middle_is_an_error_at_its_place(
    number: int, name: str, asked: Asked, change: Callable[[str, str], None]
):
    """Its portion is completed as small pages are, all others are written; a null moves up where it has to."""
    query = f"{{ tenant {{ name }} vehicles(first: 30) {{ nodes {{ label {name} }} }} }}"
    right = orjson.loads(told(await asked(query))[0])
    label = right["vehicles"]["nodes"][number]["label"]
    column = {"version": "version", "baselineServiceIntervalMiles": "baseline_service_interval_miles"}[name]
    change(f"v.{column}", f"case when v.label = '{label}' then {2**40} else v.{column} end as {column}")
    asked.written = asked.arrived = 0
    wrong = await asked(query)
    assert told(wrong) == told(await asked(query, stock=True))
    ((path, message),) = told(wrong)[1]
    assert path == ("vehicles", "nodes", number, name)
    assert "32-bit" in message
    assert asked.arrived - asked.written in ({0} if number in {0, 28, 29} else range(1, PORTION + 1))
    assert (wrong.data is None) == (name == "version")


async def test_a_statement_that_fails_in_the_middle_is_an_error_of_its_field(
    asked: Asked, change: Callable[[str, str], None]
):
    """Rows had arrived and were written; none of them is told."""
    query = "{ vehicles(first: 100) { nodes { label version } } }"
    labels = [row["label"] for row in orjson.loads(told(await asked(query))[0])["vehicles"]["nodes"]]
    change(
        "v.version",
        f"case when v.label = '{labels[50]}' then 1 / (v.version - v.version) else v.version end as version",
    )
    asked.written = 0
    result = await asked(query)
    assert result.data is None
    ((path, message),) = told(result)[1]
    assert path == ("vehicles",)
    assert "division by zero" in message
    assert 30 < asked.written < 51
    assert told(await asked("{ vehicles(first: 1) { totalCount } }"))[1] == []


async def test_who_hangs_up_in_the_middle_leaves_nothing_behind(asked: Asked, change: Callable[[str, str], None]):
    """Cancelled while a portion is on its way: the statement ends, the connection serves on."""
    change("v.version", "v.version + length(pg_sleep(0.02)::text) as version")
    query = "{ vehicles(first: 200) { nodes { label version } } }"
    running = asyncio.create_task(asked(query))
    async with asyncio.timeout(PATIENCE):
        await asked.begun.wait()
    pool = asked.database._pool  # noqa: SLF001 - nobody else needs to know
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asked.written < 100
    await asked.at_rest()
    assert pool.get_size() == 1
    assert told(await asked("{ vehicles(first: 1) { nodes { id } } }"))[1] == []


async def test_portions_are_the_rows_of_the_statement(asked: Asked):
    """Whatever their size; the statement is told once, and the connection is free between two portions."""
    order = (statements.Ordering("label"), statements.Ordering("id"))
    async with asked.database.session(asked.caller) as session:
        rows = await session.fetch("vehicles_page", order=order, limit=50)
        for size in (1, 7, 25, 49, 50):
            began = len(session.issued)
            found: list[Any] = []
            async for portion in session.portions("vehicles_page", size=size, order=order, limit=50):
                assert len(portion) <= size
                found += portion
                if len(found) == size:
                    await session.fetch("caller_is_narrow")
            assert found == rows
            assert [issued.name for issued in session.issued[began:]] == ["vehicles_page", "caller_is_narrow"]
    await asked.at_rest()

"""A thousand clients that do not wait: whatever moment they leave at, nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
import uvicorn
from asyncpg import connect_utils

from api import app
from api.endpoint import Endpoint
from api.settings import Settings
from resolvers import loading, paging
from sql import statements
from sql.connections import CLEAN_UP_SECONDS
from sql.embedded import Addresses
from sql.statements import Statement
from tests.api.conftest import Token
from tests.conftest import name_of
from tests.waiting import until

pytestmark = pytest.mark.database

REQUESTS, AT_ONCE, POOL = 1000, 20, 4
DEADLINE = 0.4  # seconds that the gateway gives a request
STATEMENT_TIMEOUT_MS = 4000
MOST_SECONDS = 30.0
CLEAN = 5.0  # seconds until nothing of the clients is left
PEOPLE = ("owner@enterprise.example", "viewer@enterprise.example", "dispatcher@enterprise.example")
NOBODY = "00000000-0000-0000-0000-000000000000"
SLOW = f'{{ vehicle(id: "{NOBODY}") {{ id }} }}'
RUNNING = "select from pg_stat_activity where query like '/* test_aborts */%' and wait_event = 'PgSleep'"
QUICK = "{ tenant { name } }"
ANSWER = {"data": {"tenant": {"name": "Enterprise"}}}
GROUP = """fragment G on FleetGroup { id name rollup { vehicleCount }
  vehicles(first: 5) { nodes { id events(first: 3) { nodes { eventType } } } } }"""
QUERIES = {
    "tree": f"{GROUP} {{ tenant {{ rootGroups {{ ...G children {{ ...G children {{ ...G }} }} }} }} }}",
    "list": "{ vehicles(first: 200) { totalCount nodes { id label fleetGroup { name ancestors { name } } } } }",
    "events": "{ events(first: 200) { totalCount nodes { id payload vehicle { label } createdBy { name } } } }",
    "rollups": "{ fleetGroups(first: 50) { nodes { name rollup { vehicleCount fuelCost } } } }",
    "large": "{ vehicles(first: 200) { pageInfo { endCursor } nodes { id label notes extendedAttributes } } }",
    "nodes": f'{{ nodes(ids: ["{NOBODY}"]) {{ id }} }}',
    "slow": SLOW,
    "quick": QUICK,
}


@dataclass
class Gateway:
    """A gateway that listens, and the server's view of it."""

    endpoint: Endpoint
    port: int
    tokens: dict[str, str]
    server: asyncpg.Connection[Any]
    database: str
    strangers: list[int] = field(default_factory=list)  # connections to the database that are others'

    def request(self, query: str, person: str) -> bytes:
        """A whole request, as it goes over the wire."""
        body = orjson.dumps({"query": query})
        return (
            f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.tokens[person]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode() + body

    async def states(self) -> Counter[str]:
        """How many server processes of the gateway's are in which state."""
        return Counter((await self.processes()).values())

    async def processes(self) -> dict[int, str]:
        """The state of each server process of the gateway's."""
        rows = await self.server.fetch(
            "select pid, state from pg_stat_activity where datname = $1 and backend_type = 'client backend'"
            " and pid <> all ($2) and pid <> pg_backend_pid()",
            self.database,
            self.strangers,
        )
        return {row["pid"]: row["state"] for row in rows}

    async def ask(self, *queries: str) -> list[Any]:
        """The answers to queries that are sent at the same time."""
        headers = {"Authorization": f"Bearer {self.tokens[PEOPLE[0]]}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as http:
            asked = [http.post("/graphql", json={"query": query}, headers=headers) for query in queries]
            return [answer.json() for answer in await asyncio.gather(*asked)]


def sleeping(seconds: float) -> Statement:
    """A statement for looking up vehicles, which takes its time and finds none of them."""
    text = f"/* test_aborts */ select pg_sleep({seconds}), :tenant_id::uuid as id, :ids::uuid[] as ids"
    return Statement("vehicles_by_id", text, "Vehicle")


@pytest.fixture
async def gateway(
    settings: Settings,
    demo: Addresses,
    server: str,
    token: Token,
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Gateway]:
    """A gateway with few connections and little patience, on a socket in the test's loop."""
    monkeypatch.setitem(statements.load(), "vehicles_by_id", sleeping(20))
    monkeypatch.setattr(paging, "LARGE", 50)
    monkeypatch.setattr(loading, "PORTION", 7)
    connection = await asyncpg.connect(server)
    mine = {"pool_max_size": POOL, "request_timeout": DEADLINE, "statement_timeout_ms": STATEMENT_TIMEOUT_MS}
    application = app.create(Settings(**{**settings.model_dump(), **mine}))
    tokens = {person: await token(person) for person in PEOPLE}
    rows = await connection.fetch("select pid from pg_stat_activity where datname = $1", name_of(demo))
    # log_config=None leaves uvicorn's loggers as they are, so that the test reads them.
    running = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=free_port, log_config=None))
    task = asyncio.create_task(running._serve())  # noqa: SLF001 - serve() would take the test run's signals

    async def started() -> bool:
        return running.started

    await until(started)
    endpoint = application.state.endpoint
    yield Gateway(endpoint, free_port, tokens, connection, name_of(demo), [row["pid"] for row in rows])
    running.should_exit = True
    await task
    await connection.close()


async def leave(gateway: Gateway, number: int, endings: Counter[str]) -> None:
    """One client: asks something, and leaves at a moment and in a way that its number decides."""
    chance = random.Random(number)  # noqa: S311 - the same clients in every run
    name = chance.choice(list(QUERIES))
    request = gateway.request(QUERIES[name], chance.choice(PEOPLE))
    way = chance.choices(["closes", "resets", "half a request", "waits"], [50, 30, 8, 12])[0]
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(request[: chance.randrange(1, len(request))] if way == "half a request" else request)
    ended = way
    if way == "waits":
        ended = told(name, await reader.read())
    else:
        with suppress(TimeoutError):
            early = chance.random() < 0.5
            await asyncio.wait_for(reader.read(), chance.uniform(0, 0.02 if early else 0.15))
            ended = "had the answer"
    if way == "resets":
        writer.transport.abort()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    endings[ended] += 1


def told(name: str, response: bytes) -> str:
    """How a request ended whose client waited: with data and no error, or refused with a code."""
    head, _, rest = response.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        rest = b"".join(rest.split(b"\r\n")[1::2])
    body = orjson.loads(rest)
    if "errors" not in body:
        assert body["data"], name
        return "answered"
    (error,) = body["errors"]
    assert "data" not in body, body
    return str(error["extensions"]["code"])


async def storm(gateway: Gateway) -> Counter[str]:
    """All the clients, so many at once; how each of them ended."""
    endings: Counter[str] = Counter()
    numbers = iter(range(REQUESTS))

    async def clients() -> None:
        for number in numbers:
            await leave(gateway, number, endings)

    async with asyncio.timeout(MOST_SECONDS):
        await asyncio.gather(*(clients() for _ in range(AT_ONCE)))
    return endings


async def test_a_thousand_clients_that_leave_take_everything_along(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """No statement, transaction, connection or task is left, nothing is logged as an error, and all is answered."""
    assert await gateway.ask(QUICK) == [ANSWER]
    tasks = asyncio.all_tasks()
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.WARNING):
        warnings.simplefilter("always")
        endings = await storm(gateway)
        assert endings.total() == REQUESTS
        assert endings["closes"] + endings["resets"] > REQUESTS / 2, endings
        assert endings["DEADLINE_EXCEEDED"] > 10, endings
        assert set(endings) <= {
            *("closes", "resets", "half a request", "had the answer", "answered", "DEADLINE_EXCEEDED")
        }, endings

        async def at_rest() -> bool:
            return set(await gateway.states()) <= {"idle"}

        async def no_tasks() -> bool:
            return asyncio.all_tasks() <= tasks

        await until(at_rest, CLEAN)
        await until(no_tasks, CLEAN)
        assert (await gateway.states()).total() <= POOL
        gc.collect()
    assert [str(warning.message) for warning in warned] == []
    assert [record.getMessage() for record in caplog.records] == []

    gateway.endpoint.settings = gateway.endpoint.settings.model_copy(update={"request_timeout": 30.0})
    monkeypatch.setitem(statements.load(), "vehicles_by_id", sleeping(1))
    asked = asyncio.create_task(gateway.ask(*[SLOW] * POOL))

    async def all_busy() -> bool:
        return (await gateway.states())["active"] == POOL

    await until(all_busy)
    assert await asked == [{"data": {"vehicle": None}}] * POOL
    assert await gateway.ask(*[QUICK] * 3 * POOL) == [ANSWER] * 3 * POOL


async def test_a_cancel_that_comes_too_early_is_sent_again(gateway: Gateway, monkeypatch: pytest.MonkeyPatch):
    """PostgreSQL may ignore a cancel that arrives before the statement has begun; the statement ends all the same.

    Here the first cancel is lost. The connection stays in the pool: nothing is wrong with it.
    """
    sent: list[int] = []
    cancel = connect_utils._cancel  # noqa: SLF001 - what the driver sends a cancel with

    async def losing(**to: Any) -> None:
        sent.append(to["backend_pid"])
        if len(sent) > 1:
            await cancel(**to)

    async def slow() -> bool:
        return bool(await gateway.server.fetch(RUNNING))

    async def at_rest() -> bool:
        return set(await gateway.states()) == {"idle"}

    monkeypatch.setattr(connect_utils, "_cancel", losing)
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(gateway.request(SLOW, PEOPLE[0]))
    await until(slow)
    writer.close()
    await writer.wait_closed()
    await until(at_rest, STATEMENT_TIMEOUT_MS / 2000)
    assert await gateway.ask(QUICK) == [ANSWER]
    assert sent[0] in await gateway.processes()


async def test_a_cancel_that_never_arrives_does_not_keep_the_connection(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    """As when the server has become unreachable: the connection is dropped after a while, and another serves."""
    reachable = asyncio.Event()
    pool = gateway.endpoint.database._pool  # noqa: SLF001 - nobody else needs to know

    async def hanging(**_: Any) -> None:
        await reachable.wait()

    async def slow() -> bool:
        return bool(await gateway.server.fetch(RUNNING))

    async def none_in_use() -> bool:
        return bool(pool.get_size() == pool.get_idle_size())

    monkeypatch.setattr(connect_utils, "_cancel", hanging)
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(gateway.request(SLOW, PEOPLE[0]))
    await until(slow)
    writer.close()
    await writer.wait_closed()
    try:
        await until(none_in_use, 2 * CLEAN_UP_SECONDS)
        assert await gateway.ask(QUICK) == [ANSWER]
    finally:
        reachable.set()

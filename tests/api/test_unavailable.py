"""A database that is busy, slow or away, and clients that do not wait: what is told, and what is left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
import uvicorn

from api import app
from sql import statements
from sql.database import PoolSettings
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller
from sql.statements import Statement
from tests.api.conftest import Client, Serve, codes, refusal
from tests.conftest import name_of
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.database

SLOW = '{ vehicle(id: "00000000-0000-0000-0000-000000000000") { id } }'
QUICK = "{ tenant { name } }"
ANSWER = {"data": {"tenant": {"name": "Enterprise"}}}
# By then what is cancelled has ended; what is not would run on until the statement timeout.
CANCELLED_SECONDS = PoolSettings().statement_timeout_ms / 2000
Query = Callable[..., Awaitable[list[Any]]]


@pytest.fixture(autouse=True)
def slow_statement(monkeypatch: pytest.MonkeyPatch):
    """Looking up a vehicle takes long."""
    text = "/* test_unavailable */ select pg_sleep(20), :tenant_id::uuid as id, :ids::uuid[] as ids"
    monkeypatch.setitem(statements.load(), "vehicles_by_id", Statement("vehicles_by_id", text, "Vehicle"))


@pytest.fixture
def query(superuser: asyncpg.Connection[asyncpg.Record]) -> Query:
    """Asks the server as its superuser."""
    return superuser.fetch


@pytest.fixture
async def copy(fresh_database: Addresses, demo: Addresses) -> Addresses:
    """A database of the test's own, that can be broken, with the demo's Enterprise and its owner by the same ids."""
    person = await member(demo.owner, "owner@enterprise.example", None)
    owner = await asyncpg.connect(fresh_database.owner)
    await owner.execute("insert into tenants (id, name, kind) values ($1, 'Enterprise', 'org')", person.tenant_id)
    await owner.execute("insert into users (id, email, name) values ($1, 'o@e.example', 'O')", person.user_id)
    await owner.execute(
        "insert into memberships (tenant_id, user_id, role) values ($1, $2, 'owner')", person.tenant_id, person.user_id
    )
    await owner.close()
    return fresh_database


async def running(query: Query) -> bool:
    """Whether the slow statement runs."""
    return bool(
        await query("select from pg_stat_activity where query like '/* test_unavailable */%' and state = 'active'")
    )


async def idle(query: Query) -> bool:
    """Whether the slow statement does not run."""
    return not await running(query)


async def held(client: Client, demo: Addresses) -> Caller:
    """Somebody to hold a connection for."""
    person = await member(demo.owner, "owner@enterprise.example", None)
    assert person.tenant_id
    assert client.settings.database_url == demo.gateway
    return Caller(person.user_id, person.tenant_id)


async def test_busy_pool_is_503_and_may_be_tried_again(serve: Serve, demo: Addresses):
    """DATABASE_BUSY with Retry-After, whether or not the tenant is known; afterwards it works."""
    async with serve(pool_max_size=1, pool_timeout=0.5) as client:
        database = client.http._transport.app.state.endpoint.database  # noqa: SLF001
        async with database.session(await held(client, demo)):
            for person, tenant in (("owner@enterprise.example", "Enterprise"), ("consultant@example.com", None)):
                response = await client.post(QUICK, person, tenant)
                assert refusal(response, 503) == "DATABASE_BUSY"
                assert int(response.headers["retry-after"]) >= 1
        assert (await client.post(QUICK)).json() == ANSWER


async def test_statement_beyond_its_time_is_told(serve: Serve, query: Query):
    """A field that takes too long has a code; nothing of it goes on."""
    async with serve(statement_timeout_ms=500, pool_max_size=1) as client:
        response = await client.post(SLOW)
        assert response.status_code in {200, 503}
        assert codes(response) == ["STATEMENT_TIMEOUT"]
        assert await idle(query)
        assert (await client.post(QUICK)).json() == ANSWER


async def test_who_gives_way_to_another_is_told_to_try_again(serve: Serve, copy: Addresses):
    """Of two who wait for each other PostgreSQL ends one: nothing of that operation is written, and it has a code."""
    change = 'updateVehicle(input: {id: "%s", notes: "changed"}) { userErrors { code } }'
    owner = await asyncpg.connect(copy.owner)
    async with serve(database_url=copy.gateway) as client:
        made = await owner.fetch(
            "insert into vehicles (tenant_id, label) select t.id, n::text from tenants t, generate_series(1, 2) n"
            " returning id::text"
        )
        first, second = [row["id"] for row in made]
        held = owner.transaction()
        await held.start()
        await owner.execute("update vehicles set notes = 'held' where id = $1", second)
        operation = f"mutation {{ a: {change % first} b: {change % second} }}"
        asked = asyncio.create_task(client.post(operation, "owner@enterprise.example"))
        await asyncio.sleep(0.5)  # it waits; after a second PostgreSQL looks whether anybody waits for it
        await owner.execute("update vehicles set notes = 'taken' where id = $1", first)
        response = await asked
        assert codes(response) == ["CONFLICT"]
        assert "Try again" in response.json()["errors"][0]["message"]
        await held.commit()
    notes = "select array_agg(notes order by notes) from vehicles where id = any ($1::uuid[])"
    assert await owner.fetchval(notes, [first, second]) == ["held", "taken"]
    await owner.close()


async def test_request_beyond_its_deadline_is_504(serve: Serve, query: Query):
    """The statement is cancelled, the connection serves the next."""
    async with serve(request_timeout=1, pool_max_size=1) as client:
        began = time.monotonic()
        response = await client.post(SLOW)
        assert refusal(response, 504) == "DEADLINE_EXCEEDED"
        assert time.monotonic() - began < CANCELLED_SECONDS
        await until(lambda: idle(query), CANCELLED_SECONDS)
        assert (await client.post(QUICK)).json() == ANSWER


async def test_deadline_holds_while_waiting_for_a_connection(serve: Serve, demo: Addresses):
    """Waiting counts."""
    async with serve(request_timeout=1, pool_max_size=1, pool_timeout=20) as client:
        database = client.http._transport.app.state.endpoint.database  # noqa: SLF001
        async with database.session(await held(client, demo)):
            assert refusal(await client.post(QUICK), 504) == "DEADLINE_EXCEEDED"
        assert (await client.post(QUICK)).json() == ANSWER


async def test_killed_connection_is_503_and_the_next_request_works(serve: Serve, query: Query, copy: Addresses):
    """In the middle of a statement, with the pool full of dead connections: one refusal, then all is well."""
    async with serve(database_url=copy.gateway, pool_min_size=2, pool_max_size=2) as client:
        for _ in range(3):
            request = asyncio.create_task(client.post(SLOW))
            await until(lambda: running(query))
            await query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name_of(copy))
            response = await request
            assert refusal(response, 503) == "DATABASE_UNAVAILABLE"
            assert "retry-after" in response.headers
            assert (await client.post(QUICK)).json() == ANSWER


KILL = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'"
CLOSE, OPEN = 'alter database "{name}" allow_connections false', 'alter database "{name}" allow_connections true'
GRANT = 'grant connect on database "{name}" to public'


@pytest.mark.parametrize(
    ("away", "back"),
    [
        ([CLOSE, KILL], [OPEN]),
        (
            [CLOSE, KILL, 'alter database "{name}" rename to "{name}_x"'],
            ['alter database "{name}_x" rename to "{name}"', OPEN],
        ),
        (['revoke connect on database "{name}" from public', KILL], [GRANT]),
    ],
    ids=["closed", "renamed", "not let in"],
)
async def test_database_that_goes_away_is_503_until_it_is_back(
    serve: Serve, query: Query, copy: Addresses, away: list[str], back: list[str]
):
    """Whatever keeps connections from being made; without a restart the gateway answers again."""
    async with serve(database_url=copy.gateway, pool_max_size=2, pool_timeout=2) as client:
        assert (await client.post(QUICK)).json() == ANSWER
        request = asyncio.create_task(client.post(SLOW))
        await until(lambda: running(query))
        try:
            for statement in away:
                await query(statement.format(name=name_of(copy)))
            assert refusal(await request, 503) == "DATABASE_UNAVAILABLE"
            for _ in range(3):
                assert refusal(await client.post(QUICK), 503) == "DATABASE_UNAVAILABLE"
            assert (await client.http.get("/healthz")).status_code == 200
        finally:
            for statement in back:
                await query(statement.format(name=name_of(copy)))
        assert (await client.post(QUICK)).json() == ANSWER


@pytest.fixture
async def listening(serve: Serve, free_port: int) -> AsyncIterator[tuple[Client, int]]:
    """A gateway on a socket, in the test's loop."""
    async with serve() as client:
        application = app.create(client.settings)
        config = uvicorn.Config(application, host="127.0.0.1", port=free_port, log_level="critical", lifespan="on")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server._serve())  # noqa: SLF001 - serve() would take the test run's signals

        async def started() -> bool:
            return server.started

        await until(started)
        yield client, free_port
        server.should_exit = True
        await task


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_client_that_hangs_up_ends_the_statement(listening: tuple[Client, int], query: Query, method: str):
    """Soon nothing runs for it any more, and the connection is free again."""
    client, port = listening
    token = await client.token("owner@enterprise.example")
    body = orjson.dumps({"query": SLOW})
    target = "/graphql" if method == "POST" else f"/graphql?{httpx.QueryParams({'query': SLOW})}"
    head = f"{method} {target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n"
    if method == "POST":
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    for _ in range(3):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode() + b"\r\n" + (body if method == "POST" else b""))
        await writer.drain()
        await until(lambda: running(query))
        writer.close()
        await writer.wait_closed()
        await until(lambda: idle(query), CANCELLED_SECONDS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        headers = {"Authorization": f"Bearer {token}"}
        assert (await http.post("/graphql", json={"query": QUICK}, headers=headers)).json() == ANSWER


async def test_client_that_hangs_up_while_sending_is_no_error(
    listening: tuple[Client, int], caplog: pytest.LogCaptureFixture
):
    """Half a body, then nothing."""
    client, port = listening
    token = await client.token("owner@enterprise.example")
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n"
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"query'.encode()
    )
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.1)
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


async def test_many_impatient_clients_leave_the_pool_whole(
    serve: Serve, query: Query, caplog: pytest.LogCaptureFixture
):
    """Sixty requests that are cancelled at any moment; then two connections still serve."""
    async with serve(pool_max_size=2, pool_timeout=5) as client:
        for number in range(60):
            request = asyncio.create_task(client.post(SLOW, tenant="Enterprise"))
            await asyncio.sleep(0.0005 * number)
            request.cancel()
            await asyncio.wait([request], timeout=PATIENCE)
        await until(lambda: idle(query), CANCELLED_SECONDS)
        answers = await asyncio.gather(*(client.post(QUICK) for _ in range(4)))
        assert [answer.json() for answer in answers] == [ANSWER] * 4
    assert "active transaction" not in caplog.text

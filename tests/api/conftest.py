"""The gateway over HTTP without a network: the application in the test's own loop, on the shared demo."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import psycopg
import pytest
import uvicorn
from starlette.applications import Starlette

from api import app, auth, logs
from api.credentials import digest_of, new_key
from api.settings import Settings
from sql.demo import DemoSize, load_demo
from sql.embedded import Addresses
from sql.people import member
from tests.api.issuer_server import IssuerServer
from tests.conftest import DEMO_UNTIL, Databases, name_of

GRAPHQL_JSON = "application/graphql-response+json"
Token = Callable[..., Awaitable[str]]


@dataclass(frozen=True)
class Client:
    """A gateway that runs, and ways to ask it."""

    http: httpx.AsyncClient
    settings: Settings
    token: Token

    async def post(
        self, query: str, person: str = "owner@enterprise.example", tenant: str | None = None, **more: Any
    ) -> httpx.Response:
        """A well-formed request by a person, under the GraphQL media type; ``more`` is variables and operationName."""
        token = await self.token(person, tenant)
        headers = {"Authorization": f"Bearer {token}", "Accept": GRAPHQL_JSON}
        return await self.http.post("/graphql", json={"query": query, **more}, headers=headers)


Serve = Callable[..., AbstractAsyncContextManager[Client]]


def codes(response: httpx.Response) -> list[str]:
    """The codes of a response's errors; every error has a message and a code."""
    errors = response.json()["errors"]
    assert errors
    assert all(error["message"] for error in errors)
    return [error["extensions"]["code"] for error in errors]


def refusal(response: httpx.Response, status: int) -> str:
    """The one code of a request error: a GraphQL body of errors without data, under its status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].partition(";")[0] in {GRAPHQL_JSON, "application/json"}
    body = response.json()
    assert set(body) == {"errors"}, body
    (code,) = codes(response)
    return code


@pytest.fixture(scope="session")
def settings(demo: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a gateway on the demo, with a development key of its own."""
    return Settings(database_url=demo.gateway, data_dir=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def token(settings: Settings, demo: Addresses) -> Token:
    """Makes a person a development token, bound to a tenant if one is named."""

    async def make(email: str, tenant: str | None = None, owner: str = demo.owner) -> str:
        person = await member(owner, email, tenant)
        return auth.development_token(settings, person.user_id, person.tenant_id)

    return make


@pytest.fixture(scope="session")
def serve(settings: Settings, token: Token) -> Serve:
    """Runs gateways with settings of a test's own, each as a context."""

    @asynccontextmanager
    async def run(**changed: Any) -> AsyncIterator[Client]:
        changed_settings = Settings(**{**settings.model_dump(), **changed})
        application = app.create(changed_settings)
        transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)

        async def report(_: httpx.Response) -> None:
            application.state.telemetry.report()  # now, so that tests can read it

        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(
                transport=transport, base_url="http://gateway", event_hooks={"response": [report]}
            ) as http,
        ):
            yield Client(http, changed_settings, token)

    return run


@pytest.fixture(scope="session")
async def client(serve: Serve) -> AsyncIterator[Client]:
    """A gateway on the shared demo, for tests that only read."""
    async with serve() as client:
        yield client


@pytest.fixture(scope="session")
def fleet(databases: Databases, migrated: Addresses) -> Iterator[Addresses]:
    """A database of two small generated tenants, Fleet 1 and Fleet 2, for tests that make clients in them."""
    addresses = databases.make(name_of(migrated))
    load_demo(addresses.owner, size=DemoSize(2, 6, 8, 2), until=DEMO_UNTIL, progress=lambda *_: None)
    yield addresses
    databases.drop(addresses)


@dataclass(frozen=True)
class Listening:
    """A gateway that listens on a loopback port."""

    port: int
    settings: Settings
    application: Starlette
    server: uvicorn.Server

    @property
    def url(self) -> str:
        """The gateway's address."""
        return f"http://127.0.0.1:{self.port}"


Listen = Callable[..., AbstractAsyncContextManager[Listening]]


@pytest.fixture(scope="session")
def listen(settings: Settings) -> Listen:
    """Runs gateways on ports of their own in the test's loop, each as a context, with settings of a test's own."""

    @asynccontextmanager
    async def run(**changed: Any) -> AsyncIterator[Listening]:
        changed_settings = Settings(**{**settings.model_dump(), **changed, "port": unused_port()})
        application = app.create(changed_settings)
        # log_config=None leaves uvicorn's loggers as they are, so that tests read them.
        server = uvicorn.Server(uvicorn.Config(application, port=changed_settings.port, log_config=None))
        task = asyncio.create_task(server._serve())  # noqa: SLF001 - serve() would take the test run's signals
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        try:
            yield Listening(changed_settings.port, changed_settings, application, server)
        finally:
            server.should_exit = True
            await task

    return run


@pytest.fixture
async def issuer() -> AsyncIterator[IssuerServer]:
    """An issuer that runs."""
    issuer = IssuerServer()
    await issuer.start()
    yield issuer
    await issuer.stop()


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    return unused_port()


def unused_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def scripts() -> Path:
    """The folder of the environment's commands."""
    return Path(sys.executable).parent


@dataclass(frozen=True)
class Partner:
    """A client of a tenant with a key."""

    tenant_id: UUID
    id: UUID
    key: str

    async def ask(
        self, http: httpx.AsyncClient, query: str = "{ viewer { email } }", **variables: Any
    ) -> httpx.Response:
        """One request with the key."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": GRAPHQL_JSON}
        return await http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


@pytest.fixture
def partner(demo: Addresses) -> Iterator[Partner]:
    """A new client that acts as the owner of Enterprise, and may read the schema."""
    key, name = new_key(), f"partner-{uuid4().hex[:8]}"
    with psycopg.connect(demo.owner) as connection:
        ((tenant_id, client_id),) = connection.execute(
            """insert into clients (tenant_id, name, mode, user_id, introspection)
               select m.tenant_id, %s, 'open', m.user_id, true from memberships m join users u on u.id = m.user_id
                where u.email = 'owner@enterprise.example' returning tenant_id, id""",
            [name],
        ).fetchall()
        connection.execute(
            "insert into client_keys (tenant_id, client_id, digest, hint) values (%s, %s, %s, 'mmk_')",
            [tenant_id, client_id, digest_of(key)],
        )
    yield Partner(tenant_id, client_id, key)
    with psycopg.connect(demo.owner) as connection:
        for table in ("document_usage", "client_keys"):
            connection.execute(f"delete from {table} where client_id = %s", [client_id])
        connection.execute("delete from budgets where credential_id = %s", [client_id])
        connection.execute("delete from clients where id = %s", [client_id])


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """The lines that are logged from now on, as they would be written, with the last ones last."""
    written: list[dict[str, Any]] = []
    formatter = logs.JsonFormatter()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(orjson.loads(formatter.format(record)))

    handler = Keep()
    logging.getLogger("motomind").addHandler(handler)
    with caplog.at_level(logging.INFO, "motomind"):
        yield written
    logging.getLogger("motomind").removeHandler(handler)

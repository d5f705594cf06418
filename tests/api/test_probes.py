"""Probes: when the gateway says that it is ready, and to whom it shows its metrics."""

from __future__ import annotations

import asyncio

import asyncpg
import httpx
import pytest

from sql import statements
from sql.embedded import Addresses
from sql.errors import PoolExhaustedError
from sql.readiness import known_migrations
from sql.statements import Statement
from tests.api.conftest import Client, Serve, Token
from tests.conftest import name_of

pytestmark = pytest.mark.database

SECRET = "a-token-for-prometheus"
READY = {"status": "ready", "checks": {"draining": "ok", "database": "ok", "migrations": "ok"}}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch):
    """Nothing is remembered from one question to the next."""
    monkeypatch.setattr("api.probes.FRESH_SECONDS", 0.0)


async def checks(client: Client, status: int = 503) -> dict[str, str]:
    """What a gateway that is not ready says of each check; nothing in it is a secret."""
    response = await client.http.get("/readyz")
    assert response.status_code == status
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"status", "checks"}
    assert "postgresql://" not in response.text
    return dict(body["checks"])


async def test_ready_gateway_says_so_without_a_credential(client: Client):
    """All three checks are well."""
    response = await client.http.get("/readyz")
    assert (response.status_code, response.json()) == (200, READY)
    assert (await client.http.get("/healthz")).json() == {"status": "alive"}


async def test_not_ready_while_the_database_is_away_and_ready_again(
    serve: Serve, superuser: asyncpg.Connection, fresh_database: Addresses
):
    """Alive all the time."""
    name = name_of(fresh_database)
    async with serve(database_url=fresh_database.gateway, pool_max_size=2) as client:
        assert await checks(client, 200) == READY["checks"]
        await superuser.execute(f'alter database "{name}" allow_connections false')
        await superuser.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", name)
        try:
            assert await checks(client) == {"draining": "ok", "database": "cannot be reached"}
            assert (await client.http.get("/healthz")).status_code == 200
        finally:
            await superuser.execute(f'alter database "{name}" allow_connections true')
        assert await checks(client, 200) == READY["checks"]


async def test_database_that_does_not_answer_is_not_waited_for(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    """However many ask, one connection asks the database, and nobody waits longer than the patience."""
    text = "select pg_sleep(20)::text as id, :known::text[]"
    monkeypatch.setitem(statements.load(), "pending_migrations", Statement("pending_migrations", text))
    monkeypatch.setattr("api.probes.PATIENCE_SECONDS", 0.05)
    async with serve() as client:
        for found in await asyncio.gather(*(checks(client) for _ in range(20))):
            assert found["database"] == "no answer within 0.05 s"
        assert client.http._transport.app.state.endpoint.database.pool.in_use == 1  # noqa: SLF001


async def test_busy_gateway_is_ready(serve: Serve):
    """Load is told request by request: a balancer that took the gateway out would only load the others more."""
    async with serve(pool_max_size=1) as client:
        database = client.http._transport.app.state.endpoint.database  # noqa: SLF001
        async with database.connections.outside_transactions():
            assert await checks(client, 200) == READY["checks"]


async def test_connection_that_cannot_be_made_is_not_taken_for_load(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    """As when packets to the database get lost: waiting for a connection is in vain, though none is in use."""

    async def in_vain(*_: object, **__: object) -> None:
        raise PoolExhaustedError("")

    async with serve(pool_max_size=1) as client:
        monkeypatch.setattr("sql.database.Database.fetch", in_vain)
        assert (await checks(client))["database"] == "cannot be reached"


async def test_not_ready_before_the_newest_migration(serve: Serve, fresh_database: Addresses):
    """Neither where it is missing, nor where not even the function is there that tells; the command is named."""
    owner = await asyncpg.connect(fresh_database.owner)
    async with serve(database_url=fresh_database.gateway) as client:
        await owner.execute("delete from _yoyo_migration where migration_id = $1", known_migrations()[-1])
        assert (await checks(client))["migrations"] == "1 to be applied: motomind migrate"
        await owner.execute("drop function app.pending_migrations")
        assert (await checks(client))["migrations"].startswith(f"{len(known_migrations())} to be applied")
    await owner.close()


async def test_metrics_are_for_this_machine_in_development(client: Client):
    """Not for others, and not for a proxy that passes on what others ask."""
    assert (await client.http.get("/metrics")).status_code == 200
    for headers in ({"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Via": "1.1 proxy"}):
        assert (await client.http.get("/metrics", headers=headers)).status_code == 404
    application = client.http._transport.app  # noqa: SLF001
    for address in ("203.0.113.7", "10.0.0.1", "unknown"):
        transport = httpx.ASGITransport(app=application, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as stranger:
            assert (await stranger.get("/metrics")).status_code == 404
            assert (await stranger.get("/readyz")).status_code == 200


async def test_metrics_ask_for_their_token(serve: Serve, token: Token):
    """Wherever one asks from; a person's token is none."""
    async with serve(metrics_token=SECRET) as client:
        for authorization in (
            "",
            f"Basic {SECRET}",
            "Bearer other",
            f"Bearer {await token('owner@enterprise.example')}",
        ):
            response = await client.http.get("/metrics", headers={"Authorization": authorization})
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
        response = await client.http.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"})
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_metrics_are_not_there_in_production_without_a_token_nor_where_they_are_off(serve: Serve):
    """A proxy on the same machine could pass the world on: so this machine alone is not enough there."""
    production = {"jwt_issuer": "https://id.example", "jwt_public_key": PUBLIC_KEY, "jwt_algorithm": "EdDSA"}
    for changed in ({"metrics": False}, production):
        async with serve(**changed) as client:
            assert (await client.http.get("/metrics")).status_code == 404


PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""

"""Opening the pool: roles that could see too much, databases that are not ready, servers that are not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import asyncpg
import psycopg
import pytest
from psycopg import sql as compose

from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.errors import DatabaseError, DatabaseUnavailableError, SetupError, UnsafeRoleError
from tests.conftest import Databases, name_of

pytestmark = pytest.mark.database


async def refuse(url: str, kind: type[DatabaseError], settings: PoolSettings | None = None) -> str:
    """The message that a connection is refused with."""
    with pytest.raises(kind) as refused:
        await Database.connect(url, settings)
    return str(refused.value)


@pytest.fixture
def make_role(server: str, demo: Addresses):
    """Makes login roles that end with the test: ``make_role("superuser")`` gives the demo's address as one."""
    made: list[str] = []
    with psycopg.connect(server, autocommit=True) as connection:

        def make(attributes: str, *member_of: str) -> str:
            name = f"test_{uuid4().hex}"
            connection.execute(compose.SQL("create role {} login " + attributes).format(compose.Identifier(name)))
            made.append(name)
            for group in member_of:
                connection.execute(
                    compose.SQL("grant {} to {}").format(compose.Identifier(group), compose.Identifier(name))
                )
            return demo.gateway.replace("//gateway@", f"//{name}@")

        yield make
        for name in reversed(made):
            connection.execute(compose.SQL("drop role {}").format(compose.Identifier(name)))


async def test_gateway_role_is_taken(demo: Addresses):
    """The role that the migrations made for it."""
    database = await Database.connect(demo.gateway)
    assert await database.tenants_of(uuid4()) == []
    await database.close()


async def test_superuser_owner_and_bypassrls_roles_are_refused(
    server: str, demo: Addresses, make_role: Callable[..., str]
):
    """Each refusal says what is wrong with the role, and what to do instead."""
    refused = {
        "is a superuser": make_role("superuser"),
        "has BYPASSRLS": make_role("bypassrls", "gateway"),
        "owns the tables": demo.owner,
        "a role that it is a member of": make_role("", "motomind"),
        "is a superuser and": server.replace("/postgres?", f"/{name_of(demo)}?"),
    }
    for what, url in refused.items():
        message = await refuse(url, UnsafeRoleError)
        assert what in message
        assert "as a superuser (or with CREATEROLE):  ALTER ROLE gateway PASSWORD" in message
        assert "DATABASE_URL=postgresql://gateway" in message


async def test_role_that_may_become_a_dangerous_one_is_refused(make_role: Callable[..., str]):
    """SET ROLE is one statement away: membership in a superuser or a BYPASSRLS role is as good as being one."""
    for attributes in ("superuser", "bypassrls"):
        dangerous = make_role(attributes).split("//")[1].split("@")[0]
        await refuse(make_role("", "gateway", dangerous), UnsafeRoleError)


async def test_role_that_may_not_enter_is_refused_with_the_grant(make_role: Callable[..., str]):
    """A role of its own that nobody let in."""
    assert 'as a superuser (or with CREATEROLE): GRANT gateway TO "' in await refuse(make_role(""), SetupError)


async def test_member_of_the_gateway_role_is_taken(make_role: Callable[..., str]):
    """What the refusal above advises works."""
    database = await Database.connect(make_role("", "gateway"))
    assert await database.tenants_of(uuid4()) == []
    await database.close()


async def test_unmigrated_database_is_refused_with_the_command(databases: Databases):
    """The message names the command."""
    empty = databases.make()
    try:
        assert "motomind migrate" in await refuse(empty.gateway, SetupError)
    finally:
        databases.drop(empty)


@pytest.mark.parametrize("min_size", [0, 1])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway@127.0.0.1:1/motomind",
        "postgresql://gateway@/motomind?host=/nowhere",
        "postgresql://gateway@nowhere.invalid/motomind",
        "postgresql://gateway@127.0.0.1:port/motomind",
    ],
)
async def test_nothing_that_answers_is_unavailable_with_what_to_check(url: str, min_size: int):
    """Also where the pool opens its first connection only when it is needed."""
    message = await refuse(url, DatabaseUnavailableError, PoolSettings(min_size=min_size))
    assert "Check DATABASE_URL" in message


@pytest.mark.parametrize("min_size", [0, 1])
async def test_unknown_role_or_database_is_a_setup_error(demo: Addresses, min_size: int):
    """The server answers, but not to this address."""
    for url in (
        demo.gateway.replace("//gateway@", "//nobody_of_this_name@"),
        demo.gateway.replace(name_of(demo), "no_database_of_this_name"),
    ):
        assert "DATABASE_URL" in await refuse(url, SetupError, PoolSettings(min_size=min_size))


async def test_refused_role_leaves_no_connection_behind(server: str, make_role: Callable[..., str]):
    """A gateway that does not start holds nothing."""
    url = make_role("superuser")
    await refuse(url, UnsafeRoleError)
    name = url.split("//")[1].split("@")[0]
    connection = await asyncpg.connect(server)
    for _ in range(100):  # a backend takes a moment to end
        count = await connection.fetchval("select count(*) from pg_stat_activity where usename = $1", name)
        if count == 0:
            break
        await asyncio.sleep(0.02)
    await connection.close()
    assert count == 0


async def test_pool_warns_of_vain_attempts_on_one_line(
    make_database: Callable[[], Addresses], server: str, caplog: pytest.LogCaptureFixture
):
    """While it tries to have its connections again, without a stack trace for each attempt."""
    addresses = make_database()
    name = name_of(addresses)
    database = await Database.connect(addresses.gateway, PoolSettings(min_size=2, max_size=2))
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'alter database "{name}" allow_connections false')
        await connection.fetch("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", name)
        with pytest.raises(DatabaseUnavailableError):
            await database.tenants_of(uuid4())
        for _ in range(100):
            if warned := [record for record in caplog.records if record.name == "asyncpg.pool"]:
                break
            await asyncio.sleep(0.02)
        assert warned
        for record in warned:
            assert "is not currently accepting connections" in record.getMessage()
            assert record.exc_info is None
        assert "Traceback" not in caplog.text
    finally:
        await database.close()
        await connection.close()


async def test_database_that_takes_no_connections_is_unavailable(make_database: Callable[[], Addresses], server: str):
    """Closed to newcomers, dropped or renamed under a running gateway: unavailable, then again available."""
    addresses = make_database()
    name = name_of(addresses)
    database = await Database.connect(addresses.gateway, PoolSettings(max_size=1))
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'alter database "{name}" allow_connections false')
        await connection.fetch("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", name)
        with pytest.raises(DatabaseUnavailableError):
            await database.tenants_of(uuid4())
        await connection.execute(f'alter database "{name}" allow_connections true')
        assert await database.tenants_of(uuid4()) == []
    finally:
        await database.close()
        await connection.close()

"""A demo to write to, and a way to write to it as somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import orjson
import psycopg
import pytest

from resolvers.execution import Engine
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller
from tests.conftest import Databases, name_of

Write = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def writable(databases: Databases, short_demo: Addresses) -> Iterator[Addresses]:
    """A demo of the test's own."""
    addresses = databases.make(name_of(short_demo))
    yield addresses
    databases.drop(addresses)


@pytest.fixture
async def database(writable: Addresses) -> AsyncIterator[Database]:
    """The gateway's pool on it."""
    database = await Database.connect(writable.gateway, PoolSettings(max_size=6))
    yield database
    await database.close()


@pytest.fixture
def rows(writable: Addresses) -> Callable[..., list[dict[str, Any]]]:
    """What is in the tables, as their owner sees it."""

    def rows(query: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(writable.owner, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(query, parameters).fetchall()

    return rows


@pytest.fixture
def write(writable: Addresses, database: Database, engine: Engine) -> Write:
    """A function that executes an operation as somebody and returns its data; errors fail unless they are expected."""
    callers: dict[tuple[str, str | None], Caller] = {}

    async def write(
        query: str, person: str = "owner@enterprise.example", tenant: str | None = None, **variables: Any
    ) -> dict[str, Any]:
        if (person, tenant) not in callers:
            found = await member(writable.owner, person, tenant)
            assert found.tenant_id is not None
            callers[person, tenant] = Caller(found.user_id, found.tenant_id, "10.1.2.3", "tests/1")
        document = engine.document(query)
        assert not document.errors, document.errors
        async with database.session(callers[person, tenant], writes=query.startswith("mutation")) as session:
            result = await engine.execute(document, session, variables, None)
        assert not result.errors, result.errors
        data: dict[str, Any] = orjson.loads(orjson.dumps(result.data, default=str))
        return data

    return write

"""A real PostgreSQL for every test: a server per run, a migrated template, databases cloned from it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import psycopg
import pytest
from psycopg import sql as compose

from resolvers.execution import Engine
from resolvers.limits import Limits
from resolvers.schema import build
from sql import embedded
from sql.database import Database, PoolSettings
from sql.demo import load_demo
from sql.embedded import Addresses
from sql.migrate import migrate
from sql.people import member
from sql.session import Caller, Issued

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a script; commands would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
DEMO_UNTIL = date(2026, 11, 1)
UNLIMITED = Limits(**{each.name: 10**9 for each in fields(Limits)})
"""For documents that a test makes: no limit matters."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--rewrite: write generated files and golden results anew instead of comparing them."""
    parser.addoption("--rewrite", action="store_true", help="rewrite generated files and golden results")


@pytest.fixture(scope="session")
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--rewrite"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data is not here: {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A superuser's address: TEST_SERVER_URL, or an embedded server of this run's own."""
    if url := os.environ.get("TEST_SERVER_URL"):
        embedded.create_roles(url)
        yield url
        return
    directory = Path(tempfile.mkdtemp(prefix="motomind-test-"))
    try:
        with embedded.server(directory) as url:
            embedded.create_roles(url)
            yield url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def superuser(server: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection of the server's superuser."""
    connection = await asyncpg.connect(server)
    yield connection
    await connection.close()


@dataclass(frozen=True)
class Databases:
    """Makes and drops databases of the test server."""

    server: str
    numbers: Iterator[int]

    def make(self, template: str | None = None) -> Addresses:
        """A new database, from a template or empty."""
        name = f"motomind_test_{os.getpid()}_{next(self.numbers)}"
        embedded.create_database(self.server, name, template)
        return embedded.addresses(self.server, name)

    def drop(self, addresses: Addresses) -> None:
        """Drops a database, whoever is still connected."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(
                compose.SQL("drop database if exists {} with (force)").format(compose.Identifier(name_of(addresses)))
            )


def name_of(addresses: Addresses) -> str:
    """The name of a database."""
    return str(psycopg.conninfo.conninfo_to_dict(addresses.owner)["dbname"])


@pytest.fixture(scope="session")
def databases(server: str) -> Databases:
    """The databases of the test server."""
    return Databases(server, count())


@pytest.fixture(scope="session")
def migrated(databases: Databases) -> Iterator[Addresses]:
    """A migrated, empty database that is only cloned."""
    addresses = databases.make()
    migrate(addresses.owner)
    yield addresses
    databases.drop(addresses)


@pytest.fixture(scope="session")
def demo(databases: Databases, migrated: Addresses) -> Iterator[Addresses]:
    """A database with the demo, shared by tests that only read."""
    addresses = databases.make(name_of(migrated))
    load_demo(addresses.owner, until=DEMO_UNTIL, progress=lambda *_: None)
    yield addresses
    databases.drop(addresses)


@pytest.fixture(scope="session")
def short_demo(databases: Databases, migrated: Addresses) -> Iterator[Addresses]:
    """A shorter demo that is only cloned."""
    addresses = databases.make(name_of(migrated))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sql.demo.loader.NAMED_DAYS", 40)
        load_demo(addresses.owner, until=DEMO_UNTIL, progress=lambda *_: None)
    yield addresses
    databases.drop(addresses)


@pytest.fixture
def make_database(databases: Databases, migrated: Addresses) -> Iterator[Callable[[], Addresses]]:
    """Makes migrated, empty databases that end with the test."""
    made: list[Addresses] = []

    def make() -> Addresses:
        made.append(databases.make(name_of(migrated)))
        return made[-1]

    yield make
    for addresses in made:
        databases.drop(addresses)


@pytest.fixture
def fresh_database(make_database: Callable[[], Addresses]) -> Addresses:
    """A migrated, empty database of the test's own."""
    return make_database()


@pytest.fixture(scope="session")
async def database(demo: Addresses) -> AsyncIterator[Database]:
    """The gateway's pool on the shared demo."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=4))
    yield database
    await database.close()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The schema, ready to execute."""
    return Engine(build())


@dataclass(frozen=True)
class Answer:
    """What an operation returned: plain data, errors as a client reads them, the statements behind it, its points."""

    data: Any
    errors: list[dict[str, Any]]
    issued: list[Issued]
    cost: int | None


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def ask(demo: Addresses, database: Database, engine: Engine) -> Ask:
    """A function that executes an operation on the demo: a query, a person, a tenant, and variables by name."""
    callers: dict[tuple[str, str | None], Caller] = {}

    async def ask(query: str, person: str, tenant: str | None = None, **variables: Any) -> Answer:
        if (person, tenant) not in callers:
            found = await member(demo.owner, person, tenant)
            assert found.tenant_id is not None, f"say in which tenant {person} asks"
            callers[person, tenant] = Caller(found.user_id, found.tenant_id)
        document = engine.document(query)
        database._narrow_callers.clear()  # noqa: SLF001 - what it remembers would leave statements out
        async with database.session(callers[person, tenant]) as session:
            result = await engine.execute(document, session, variables, None)
        return Answer(
            orjson.loads(orjson.dumps(result.data, default=str)),
            [dict(error.formatted) for error in result.errors or ()],
            session.issued,
            result.cost,
        )

    return ask

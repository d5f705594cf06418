"""Connections: lent, kept open for a moment, passed on to who waits, and never lost."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from sql import connections, statements
from sql.connections import MOST_IN_A_ROW
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.errors import DatabaseError, DatabaseUnavailableError, NotAMemberError, PoolExhaustedError
from sql.people import member
from sql.readiness import pending_migrations
from sql.session import Caller
from sql.statements import Statement
from tests.conftest import name_of
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.database

Query = Callable[..., Awaitable[list[Any]]]
FACTS = """
  select pg_backend_pid() as pid, now() as began, current_user::text as role, txid_current_if_assigned() as xid,
         current_setting('app.tenant_id', true) as tenant_id, current_setting('app.user_id', true) as user_id,
         current_setting('transaction_read_only') as read_only, (select count(*) from vehicles) as vehicles"""

STATES = "select state from pg_stat_activity where pid = any ($1)"


@pytest.fixture(autouse=True)
def extra_statements(monkeypatch: pytest.MonkeyPatch):
    """Statements that only these tests run."""
    for name, text in {"facts": FACTS, "sleep": "select pg_sleep(20)", "fails": "select 1 / 0"}.items():
        monkeypatch.setitem(statements.load(), name, Statement(name, text))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch):
    """Connections are kept for as long as a test takes."""
    monkeypatch.setattr(connections, "KEPT_SECONDS", 60.0)


@pytest.fixture(scope="module")
async def callers(demo: Addresses) -> list[Caller]:
    """An owner, a viewer of the same tenant, and another tenant's owner."""
    people = [
        await member(demo.owner, email, None)
        for email in ("owner@enterprise.example", "dispatcher@enterprise.example", "owner@solo.example")
    ]
    return [Caller(person.user_id, person.tenant_id) for person in people]


@pytest.fixture
def states(superuser: asyncpg.Connection) -> Callable[[list[int]], Awaitable[list[str]]]:
    """The states of some server processes, of those that are there."""

    async def ask(pids: list[int]) -> list[str]:
        return [row["state"] for row in await superuser.fetch(STATES, pids)]

    return ask


def pids(database: Database) -> list[int]:
    """The server's processes behind a pool: other pools may be connected to the same database."""
    holders = database._pool._holders  # noqa: SLF001 - nobody else needs to know
    return [holder._con.get_server_pid() for holder in holders if holder._con is not None]  # noqa: SLF001


@asynccontextmanager
async def opened(addresses: Addresses, most: int, *, patience: float = 5.0) -> AsyncIterator[Database]:
    """A database with a pool of so many connections, for as long as it is needed."""
    database = await Database.connect(addresses.gateway, PoolSettings(max_size=most, acquire_timeout=patience))
    try:
        yield database
    finally:
        await database.close()


async def all_idle(database: Database) -> bool:
    """Whether the pool has all of its connections back."""
    pool = database._pool  # noqa: SLF001 - nobody else needs to know
    return pool.get_idle_size() == pool.get_size()


async def facts(database: Database, caller: Caller, *, writes: bool = False) -> Any:
    """What a transaction knows of itself."""
    async with database.session(caller, writes=writes) as session:
        (row,) = await session.fetch("facts")
        return row


@pytest.mark.usefixtures("patient")
async def test_what_was_read_is_ended_by_the_next_on_its_connection(demo, callers, states):
    """Each transaction is its own, with its own caller: of the one before nothing is left, nor of its rights."""
    async with opened(demo, 1) as database:
        alone = {}
        for caller in callers:
            alone[caller] = await facts(database, caller)
            assert await states(pids(database)) == ["idle in transaction"]
            async with database.connections.outside_transactions():
                assert await states(pids(database)) == ["idle"]
        seen = [await facts(database, caller) for _ in range(2) for caller in callers]
        for caller, row in zip([*callers, *callers], seen, strict=True):
            before = alone[caller]
            assert (row["tenant_id"], row["user_id"]) == (str(caller.tenant_id), str(caller.user_id))
            assert (row["role"], row["vehicles"]) == (before["role"], before["vehicles"])
        assert len({row["role"] for row in seen}) == 2
        assert len({row["vehicles"] for row in seen}) == 3
        assert len({row["pid"] for row in seen}) == 1
        assert [row["began"] for row in seen] == sorted({row["began"] for row in seen})


@pytest.mark.usefixtures("patient")
async def test_what_is_written_is_committed_at_once(demo, callers, states):
    """After a transaction that read, and before one that does: neither takes the other's access."""
    async with opened(demo, 1) as database:
        found = [(await facts(database, callers[0], writes=writes))["read_only"] for writes in (False, True, False)]
        assert found == ["on", "off", "on"]
        await facts(database, callers[0], writes=True)
        assert await states(pids(database)) == ["idle"]


async def test_nobody_comes(demo, callers, states):
    """A transaction that only read does not stay open, and its connection goes back to the pool."""
    async with opened(demo, 2) as database:
        await asyncio.gather(*(facts(database, caller) for caller in callers[:2]))
        await until(lambda: all_idle(database))
        assert set(await states(pids(database))) == {"idle"}
        assert database.pool.in_use == 0


@pytest.mark.usefixtures("patient")
async def test_after_some_in_a_row_the_transaction_ends(demo, callers, states):
    """Behind PgBouncer a server's connection is others' as well: they have their turn between two transactions."""
    async with opened(demo, 1) as database:
        await database.connections.give_back(await database.connections.take())
        for number in range(1, 2 * MOST_IN_A_ROW + 1):
            await facts(database, callers[number % 3])
            if number % MOST_IN_A_ROW:
                assert await states(pids(database)) == ["idle in transaction"]
            else:
                await until(lambda: all_idle(database))
                assert await states(pids(database)) == ["idle"]


@pytest.mark.usefixtures("patient")
async def test_who_is_refused_ends_the_one_before_as_well(demo, callers):
    """Nothing of what was read before is there for somebody who is no member."""
    async with opened(demo, 1) as database:
        await facts(database, callers[0])
        with pytest.raises(NotAMemberError):
            await facts(database, Caller(callers[2].user_id, callers[0].tenant_id))
        assert (await facts(database, callers[2]))["tenant_id"] == str(callers[2].tenant_id)


@pytest.mark.usefixtures("patient")
async def test_connection_that_breaks_while_it_is_kept_is_not_lent(demo, callers, superuser):
    """The next one has another connection, and no error."""
    async with opened(demo, 1) as database:
        first = await facts(database, callers[0])
        assert await superuser.fetchval("select pg_terminate_backend($1, 5000)", first["pid"])
        await asyncio.sleep(0.05)  # until the driver has heard of it
        assert (await facts(database, callers[0]))["pid"] != first["pid"]
        assert database.pool.in_use == 0


@pytest.mark.parametrize("reads", [True, False], ids=["reads", "asks outside of transactions"])
async def test_connection_that_breaks_is_not_passed_on(reads, demo, callers, superuser):
    """Who waits for one that broke while it was lent has another one, and no error."""
    async with opened(demo, 1) as database:
        async with database.session(callers[0]) as session:
            (first,) = await session.fetch("facts")
            asked = facts(database, callers[0]) if reads else database.tenants_of(callers[0].user_id)
            waiting = asyncio.create_task(asked)
            assert await superuser.fetchval("select pg_terminate_backend($1, 5000)", first["pid"])
            await asyncio.sleep(0.05)  # as above
        await asyncio.wait_for(waiting, PATIENCE)
        assert (await facts(database, callers[0]))["pid"] != first["pid"]


async def test_connection_that_breaks_while_it_is_kept_goes_quietly(demo, callers, superuser, monkeypatch):
    """There is nothing left to end, and nobody to tell."""
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    monkeypatch.setattr(connections, "KEPT_SECONDS", 0.3)
    async with opened(demo, 1) as database:
        try:
            first = await facts(database, callers[0])
            assert await superuser.fetchval("select pg_terminate_backend($1, 5000)", first["pid"])
            await until(lambda: all_idle(database))
            await asyncio.sleep(0.3)
            gc.collect()
            assert not told
            assert database.pool.in_use == 0
            assert (await facts(database, callers[0]))["pid"] != first["pid"]
        finally:
            asyncio.get_running_loop().set_exception_handler(None)


async def test_callers_who_wait_for_connections_that_cannot_be_made_are_no_load(make_database, superuser):
    """However many there are: it is the database that cannot be reached, and readiness says so."""
    addresses = make_database()
    name = name_of(addresses)
    ends = asyncio.Event()

    async def ask() -> None:
        while not ends.is_set():
            with suppress(DatabaseUnavailableError, PoolExhaustedError):
                await database.tenants_of(uuid4())

    async with opened(addresses, 2, patience=0.2) as database:
        await superuser.execute(f'alter database "{name}" allow_connections false')
        await superuser.fetch("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", name)
        tasks = [asyncio.create_task(ask()) for _ in range(6)]
        try:
            await asyncio.sleep(0.1)
            for _ in range(10):
                with pytest.raises(DatabaseUnavailableError):
                    await pending_migrations(database)
                assert database.pool.in_use == 0
            await superuser.execute(f'alter database "{name}" allow_connections true')
            assert await pending_migrations(database) == ()
        finally:
            ends.set()
            await asyncio.gather(*tasks)


@pytest.mark.usefixtures("patient")
async def test_session_with_a_statement_that_was_left_is_not_kept(demo, callers, states):
    """A cancel may still be on its way to the server: it must not meet the next caller's statement."""
    async with opened(demo, 1) as database:
        async with database.session(callers[0]) as session:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await session.fetch("sleep")
        await until(lambda: all_idle(database))
        assert await states(pids(database)) == ["idle"]
        assert (await facts(database, callers[1]))["user_id"] == str(callers[1].user_id)


async def test_those_who_wait_have_their_turn_in_order(demo, callers):
    """First come, first served, though connections never lie idle."""
    order: list[int] = []

    async def work(number: int) -> None:
        async with database.session(callers[number % 3]) as session:
            await session.fetch("facts")
            order.append(number)

    async with opened(demo, 1) as database:
        await asyncio.gather(*(work(number) for number in range(50)))
        assert order == list(range(50))


async def test_who_waits_too_long_is_told_and_others_are_not_held_up(demo, callers):
    """Patience ends for the one who waits; the place in the queue goes with them."""
    async with opened(demo, 1, patience=0.1) as database:
        async with database.session(callers[0]) as session:
            for _ in range(3):
                with pytest.raises(PoolExhaustedError):
                    await facts(database, callers[1])
            await session.fetch("facts")
        assert (await facts(database, callers[1]))["user_id"] == str(callers[1].user_id)


@pytest.mark.usefixtures("patient")
async def test_one_who_goes_away_with_a_turn_passes_it_on(demo):
    """Cancelled in the same moment in which a connection, or leave to ask the pool for one, is theirs."""
    async with opened(demo, 1) as database:
        lending = database.connections
        for gives_back in (False, True):
            lease = await lending.take()
            first, second = [asyncio.create_task(lending.take()) for _ in range(2)]
            await asyncio.sleep(0)
            if gives_back:
                await lending.give_back(lease)
            else:
                lending.keep(lease)
            first.cancel()
            got = await asyncio.wait_for(second, PATIENCE)
            assert first.cancelled()
            assert (got is lease) is not gives_back
            await lending.give_back(got)
            assert lending.state.in_use == 0


@pytest.mark.parametrize("seed", range(4))
async def test_none_is_lost_whatever_callers_do(seed, demo, callers, monkeypatch, caplog):
    """Reading, writing, failing, refused, cancelled, impatient: afterwards every connection is there, and idle."""
    monkeypatch.setattr(connections, "KEPT_SECONDS", 0.0005)
    chance = random.Random(seed)  # noqa: S311 - the same callers in every run
    stranger = Caller(uuid4(), callers[0].tenant_id)
    right: list[bool] = []

    async def work() -> None:
        caller = chance.choice([*callers, stranger])
        what = chance.choice(["facts", "facts", "facts", "sleep", "fails"])
        await asyncio.sleep(chance.random() * 0.05)
        try:
            if chance.random() < 0.1:
                assert await database.tenants_of(caller.user_id) is not None
                return
            async with database.session(caller, writes=chance.random() < 0.2) as session:
                if what == "facts":
                    (row,) = await session.fetch("facts")
                    right.append((row["tenant_id"], row["user_id"]) == (str(caller.tenant_id), str(caller.user_id)))
                else:
                    async with asyncio.timeout(0.003):
                        await session.fetch(what)
        except (DatabaseError, TimeoutError):
            pass

    async with opened(demo, 3, patience=0.05) as database:
        for _ in range(4):
            tasks = [asyncio.create_task(work()) for _ in range(60)]
            for task in tasks:
                if chance.random() < 0.25:
                    asyncio.get_running_loop().call_later(chance.random() * 0.06, task.cancel)
            done, pending = await asyncio.wait(tasks, timeout=PATIENCE)
            assert not pending
            assert not [task.exception() for task in done if not task.cancelled() and task.exception()]
        await until(lambda: all_idle(database))
        assert all(right)
        assert len(right) > 10
        assert database.pool.in_use == 0
        async with asyncio.timeout(PATIENCE):  # each of them is lent again
            leases = [await database.connections.take() for _ in range(3)]
        for lease in leases:
            assert (await lease.connection.fetchrow("select session_user = current_user as clean"))["clean"]
            await database.connections.give_back(lease)
        assert "active transaction" not in caplog.text


@pytest.mark.usefixtures("patient")
async def test_close_ends_what_is_kept(demo, callers, states):
    """It does not wait until they would be ended by themselves."""
    async with opened(demo, 2) as database:
        await asyncio.gather(*(facts(database, caller) for caller in callers[:2]))
        kept = pids(database)
        assert await states(kept) == ["idle in transaction"] * 2
        async with asyncio.timeout(PATIENCE / 2):
            await database.close()

    async def gone() -> bool:
        return not await states(kept)

    await until(gone)

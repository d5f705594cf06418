"""Sessions: one transaction per operation, and what happens to it when statements, callers or the server fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from sql import statements
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    NotAMemberError,
    PoolExhaustedError,
    StatementFailedError,
    StatementTimeoutError,
)
from sql.people import member
from sql.session import Caller
from sql.statements import Statement
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.database

SLEEP = "/* test_session */ select pg_sleep(20)"
# By then what is cancelled has ended; what is not would run on until the statement timeout.
CANCELLED_SECONDS = PoolSettings().statement_timeout_ms / 2000
Query = Callable[..., Awaitable[list[Any]]]


@pytest.fixture(autouse=True)
def extra_statements(monkeypatch: pytest.MonkeyPatch):
    """Statements that only these tests run."""
    texts = {
        "sleep": SLEEP,
        "short_sleep": "select pg_sleep(0.2)",
        "fails": "select 1 / 0",
        "writes": "update vehicles set notes = 'changed' where tenant_id = :tenant_id returning id",
        "transaction": "select pg_backend_pid() as pid, now() as began, txid_current_if_assigned() as xid",
        "facts": "select current_user::text as role, session_user::text as login,"
        " current_setting('app.tenant_id', true) as tenant_id, current_setting('app.user_id', true) as user_id,"
        " current_setting('transaction_read_only') as read_only, current_setting('statement_timeout') as timeout",
    }
    for name, text in texts.items():
        monkeypatch.setitem(statements.load(), name, Statement(name, text))


@pytest.fixture(scope="module")
async def caller(demo: Addresses) -> Caller:
    """The enterprise's owner."""
    person = await member(demo.owner, "owner@enterprise.example", None)
    return Caller(person.user_id, person.tenant_id)


@pytest.fixture
def query(superuser: asyncpg.Connection[asyncpg.Record]) -> Query:
    """Asks the server as its superuser."""
    return superuser.fetch


@pytest.fixture
async def small(demo: Addresses) -> AsyncIterator[Database]:
    """A pool of two connections."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=2))
    yield database
    await database.close()


async def running(query: Query) -> list[Any]:
    """The backends that run the slow statement."""
    return await query("select pid from pg_stat_activity where query like '/* test_session */%' and state = 'active'")


async def test_statements_of_an_operation_share_one_transaction(small: Database, caller: Caller):
    """One connection and one moment; the next operation has another moment."""
    async with small.session(caller) as session:
        first, second = [(await session.fetch("transaction"))[0] for _ in range(2)]
    assert first == second
    async with small.session(caller) as session:
        (third,) = await session.fetch("transaction")
    assert third["began"] > first["began"]


async def test_session_is_read_only_unless_it_writes(small: Database, caller: Caller):
    """A query cannot change anything, whatever its statements say."""
    with pytest.raises(StatementFailedError):
        async with small.session(caller) as session:
            await session.fetch("writes")
    async with small.session(caller) as session:
        assert (await session.fetch("facts"))[0]["read_only"] == "on"


async def test_failed_statement_fails_all_later_ones_with_the_same_error(small: Database, caller: Caller):
    """What the transaction's end is is said once, and then again; not "current transaction is aborted"."""
    async with small.session(caller) as session:
        with pytest.raises(Exception, match="division by zero") as first:
            await session.fetch("fails")
        with pytest.raises(type(first.value)) as second:
            await session.fetch("facts")
        assert str(second.value) == str(first.value)
        assert session.failure is not None


async def test_failed_statement_rolls_back_what_was_written(make_database: Callable[[], Addresses]):
    """A failure that a resolver swallows does not commit half an operation."""
    addresses = make_database()
    owner = await asyncpg.connect(addresses.owner)
    tenant, user = uuid4(), uuid4()
    await owner.execute("insert into tenants (id, name, kind) values ($1, 'T', 'org')", tenant)
    await owner.execute("insert into users (id, email, name) values ($1, 'a@b.example', 'A')", user)
    await owner.execute("insert into memberships (tenant_id, user_id, role) values ($1, $2, 'owner')", tenant, user)
    await owner.execute("insert into vehicles (tenant_id, label, notes) values ($1, 'V', 'as it was')", tenant)
    database = await Database.connect(addresses.gateway, PoolSettings(max_size=1))
    try:
        for how in ("swallowed", "raised"):
            with pytest.raises(RuntimeError, match=how):  # noqa: PT012 - the session's exit is what is tested
                async with database.session(Caller(user, tenant), writes=True) as session:
                    assert len(await session.fetch("writes")) == 1
                    if how == "swallowed":
                        with pytest.raises(Exception, match="division by zero"):
                            await session.fetch("fails")
                    else:
                        raise RuntimeError(how)
                raise RuntimeError(how)
            assert await owner.fetchval("select notes from vehicles") == "as it was"
        async with database.session(Caller(user, tenant), writes=True) as session:
            await session.fetch("writes")
        assert await owner.fetchval("select notes from vehicles") == "changed"
    finally:
        await database.close()
        await owner.close()


async def test_statement_timeout_is_told_and_leaves_the_connection_usable(demo: Addresses, caller: Caller):
    """The statement is cancelled by the server; later ones of the session repeat that, the next session works."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=1, statement_timeout_ms=50))
    try:
        async with database.session(caller) as session:
            assert (await session.fetch("facts"))[0]["timeout"] == "50ms"
            pid = (await session.fetch("transaction"))[0]["pid"]
            for name in ("sleep", "facts"):
                with pytest.raises(StatementTimeoutError, match="too long"):
                    await session.fetch(name)
        async with database.session(caller) as session:
            assert (await session.fetch("transaction"))[0]["pid"] == pid
    finally:
        await database.close()


async def test_cancelled_caller_cancels_the_statement_in_postgresql(small: Database, caller: Caller, query: Query):
    """Nobody waits for the answer, so nobody computes it."""

    async def work() -> None:
        async with small.session(caller) as session:
            await session.fetch("sleep")

    task = asyncio.create_task(work())
    await until(lambda: _is(query, 1))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: _is(query, 0), CANCELLED_SECONDS)


async def _is(query: Query, count: int) -> bool:
    return len(await running(query)) == count


async def test_pool_is_whole_after_many_cancellations(
    small: Database, caller: Caller, query: Query, caplog: pytest.LogCaptureFixture
):
    """At any moment of a session, fifty times with two connections: none is lost, stuck or left in a transaction."""

    async def work() -> None:
        async with small.session(caller) as session:
            await session.fetch("facts")
            await session.fetch("sleep")

    for number in range(50):
        task = asyncio.create_task(work())
        await asyncio.sleep(0.0002 * number)
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE)
        assert task.cancelled(), task

    async def normal() -> str:
        async with small.session(caller) as session:
            return str((await session.fetch("facts"))[0]["tenant_id"])

    for _ in range(5):
        assert await asyncio.gather(normal(), normal()) == [str(caller.tenant_id)] * 2
    assert not await running(query)

    async def nothing_open() -> bool:  # a reader's transaction ends shortly after its session
        states = "select from pg_stat_activity where usename = 'gateway' and state like 'idle in %'"
        return not await query(states)

    await until(nothing_open)
    assert "active transaction" not in caplog.text  # the driver found one that the session should have ended


async def test_cancelling_one_of_two_fetches_spares_the_session(small: Database, caller: Caller):
    """A fetch that waits for its turn can go away without harm to the one that runs."""
    async with small.session(caller) as session:
        first = asyncio.create_task(session.fetch("short_sleep"))
        second = asyncio.create_task(session.fetch("facts"))
        await asyncio.sleep(0.05)
        second.cancel()
        await first
        assert (await session.fetch("facts"))[0]["tenant_id"] == str(caller.tenant_id)


async def test_concurrent_fetches_of_a_session_take_turns(small: Database, caller: Caller):
    """A connection runs one statement at a time; the rest wait instead of failing."""
    began = time.monotonic()
    async with small.session(caller) as session:
        rows = await asyncio.gather(*(session.fetch(name) for name in ("short_sleep", "facts", "short_sleep", "facts")))
    assert time.monotonic() - began >= 0.4
    assert [len(each) for each in rows] == [1] * 4
    assert [issued.name for issued in session.issued] == ["short_sleep", "facts", "short_sleep", "facts"]


async def test_full_pool_is_exhausted_for_who_has_waited(demo: Addresses, caller: Caller):
    """Who finds every connection busy is told so after the time given."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=2, acquire_timeout=0.3))
    async with database.session(caller), database.session(caller):
        began = time.monotonic()
        with pytest.raises(PoolExhaustedError, match="busy"):
            async with database.session(caller):
                pytest.fail("there is no third connection")
        assert time.monotonic() - began > 0.25
        with pytest.raises(PoolExhaustedError):
            await database.tenants_of(caller.user_id)
    await database.close()


async def test_full_pool_is_waited_for(small: Database, caller: Caller):
    """Who finds every connection busy gets the first free one."""

    async def hold() -> None:
        async with small.session(caller) as session:
            await session.fetch("short_sleep")

    await asyncio.gather(*(hold() for _ in range(3)))


@pytest.mark.parametrize("when", ["while idle", "in the transaction", "in a statement", "before the commit"])
async def test_terminated_backend_is_unavailable_and_the_next_session_works(
    small: Database, caller: Caller, query: Query, when: str
):
    """The connection that broke is replaced."""
    async with small.session(caller) as session:
        pid = (await session.fetch("transaction"))[0]["pid"]
    if when == "while idle":
        await query("select pg_terminate_backend($1, 5000)", pid)
        with suppress(DatabaseUnavailableError):  # whether the driver has noticed yet is a matter of microseconds
            async with small.session(caller) as session:
                await session.fetch("facts")
    else:
        writes = when == "before the commit"  # a session that only read has told what it read: see below
        with pytest.raises(DatabaseUnavailableError, match="cannot be reached"):  # noqa: PT012 - the exit may raise
            async with small.session(caller, writes=writes) as session:
                pid = (await session.fetch("transaction"))[0]["pid"]
                slow = asyncio.create_task(session.fetch("sleep")) if when == "in a statement" else None
                if slow:
                    await until(lambda: _is(query, 1))
                await query("select pg_terminate_backend($1, 5000)", pid)
                if slow:
                    await slow
                elif when == "in the transaction":
                    await session.fetch("facts")
    for _ in range(3):
        async with small.session(caller) as session:
            assert (await session.fetch("transaction"))[0]["pid"] != pid


async def test_a_reader_whose_backend_is_terminated_at_the_end_has_its_answer(
    small: Database, caller: Caller, query: Query
):
    """What was read is told; the connection that broke is replaced, and nothing is left running."""
    async with small.session(caller) as session:
        pid = (await session.fetch("transaction"))[0]["pid"]
        await query("select pg_terminate_backend($1, 5000)", pid)
    for _ in range(3):
        async with small.session(caller) as session:
            assert (await session.fetch("transaction"))[0]["pid"] != pid


async def test_settings_of_a_caller_end_with_the_session(demo: Addresses, caller: Caller):
    """The next on the same connection has its own; between sessions there is neither a tenant nor a role."""
    other = await member(demo.owner, "viewer@enterprise.example", None)
    database = await Database.connect(demo.gateway, PoolSettings(max_size=1))
    viewer = Caller(other.user_id, other.tenant_id)
    try:
        for who, role in ((caller, "gateway_tenant"), (viewer, "gateway_groups"), (caller, "gateway_tenant")):
            for fail in (False, True):
                async with database.session(who) as session:
                    (facts,) = await session.fetch("facts")
                    assert (facts["role"], facts["login"]) == (role, "gateway")
                    assert (facts["tenant_id"], facts["user_id"]) == (str(who.tenant_id), str(who.user_id))
                    if fail:
                        with pytest.raises((DatabaseError, asyncpg.PostgresError)):
                            await session.fetch("fails")
                bare = await database._pool.fetchrow(statements.load()["facts"].text)  # noqa: SLF001
                assert (bare["role"], bare["tenant_id"] or "", bare["user_id"] or "") == ("gateway", "", "")
                assert bare["timeout"] == "0"
        with pytest.raises(NotAMemberError, match="no member"):
            async with database.session(Caller(other.user_id, uuid4())):
                pytest.fail("nobody may enter")
        async with database.session(viewer) as session:
            assert (await session.fetch("facts"))[0]["tenant_id"] == str(viewer.tenant_id)
    finally:
        await database.close()


async def test_a_write_that_was_rolled_back_is_not_told_as_committed(small: Database, caller: Caller):
    """A cancelled statement aborts the transaction, and PostgreSQL then answers COMMIT without an error."""
    with pytest.raises(StatementFailedError, match="rolled back"):  # noqa: PT012 - the exit raises
        async with small.session(caller, writes=True) as session:
            running = asyncio.create_task(session.fetch("sleep"))
            await asyncio.sleep(0.1)
            running.cancel()
            await asyncio.wait({running})
    async with small.session(caller) as session:
        assert await session.fetch("facts")


@pytest.mark.parametrize("writes", [False, True])
async def test_what_comes_after_the_session_is_refused(small: Database, caller: Caller, *, writes: bool):
    """A resolver that an executor left running asks nothing of a connection that may be another caller's by then."""
    async with small.session(caller, writes=writes) as session:
        await session.fetch("facts")
    with pytest.raises(StatementFailedError, match="over"):
        await session.fetch("facts")
    assert [issued.name for issued in session.issued] == ["facts"]

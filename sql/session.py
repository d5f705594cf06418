"""A session: one caller's transaction under row-level security, in which named statements run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from sql import statements
from sql.driver import Row, row_class, translated
from sql.errors import DatabaseError, DatabaseUnavailableError, StatementFailedError
from sql.statements import GENERIC, Ordering

ROLE_REPORT = "motomind "
KNOWN_SECONDS = 60.0
MOST_CALLERS = 10_000
NarrowCallers: TypeAlias = dict[tuple[UUID, UUID], tuple[bool, float]]


@dataclass(frozen=True)
class Caller:
    """Who a transaction acts for: a user in one tenant; the audit trail records the rest."""

    user_id: UUID
    tenant_id: UUID
    client_ip: str | None = None
    user_agent: str | None = None
    client_id: UUID | None = None


@dataclass(slots=True)
class Issued:
    """A statement that was run: its name, its text as sent, when it began (by the performance counter), and seconds."""

    name: str
    sql: str
    began: float = field(default=0.0, compare=False)
    seconds: float = field(default=0.0, compare=False)


@dataclass(eq=False)
class Session:
    """One caller's transaction: ``role`` is their membership's. ``issued`` lists the statements run, in order."""

    _connection: asyncpg.Connection[Row]
    caller: Caller
    role: str = ""
    writes: bool = False
    issued: list[Issued] = field(default_factory=list)
    failure: DatabaseError | None = None
    narrow_callers: NarrowCallers = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self, *, writes: bool, statement_timeout_ms: int) -> None:
        """Begins the transaction and lets the caller in, in one round trip. Raises NotAMemberError."""
        self.writes = writes
        with translated():
            await self._connection.execute(_beginning(self.caller, statement_timeout_ms, writes=writes))
        self.role = self._connection.get_settings().application_name.removeprefix(ROLE_REPORT)

    @property
    def narrow(self) -> bool | None:
        """Whether the caller, a viewer, sees few vehicles; None where that is not known from the last minute.

        Only the choice between two ways to the same rows rests on it.
        """
        narrow, until = self.narrow_callers.get((self.caller.user_id, self.caller.tenant_id), (None, 0.0))
        return narrow if time.monotonic() < until else None

    async def find_out_narrow(self) -> bool:
        """Counts the vehicles that the caller sees, up to what is few."""
        (row,) = await self.fetch("caller_is_narrow")
        narrow: bool = row["narrow"]
        if len(self.narrow_callers) >= MOST_CALLERS:
            self.narrow_callers.clear()
        known_until = time.monotonic() + KNOWN_SECONDS
        self.narrow_callers[self.caller.user_id, self.caller.tenant_id] = (narrow, known_until)
        return narrow

    async def fetch(
        self, name: str, /, *, order: Sequence[Ordering] = (), after: Sequence[Any] | None = None, **parameters: Any
    ) -> list[Row]:
        """The rows of a named statement; ``tenant_id`` is the caller's.

        Optional parameters that are None leave their lines out; ``order``, ``after`` fill ``:order``, ``:keyset``.
        Raises the session's first failure again for every statement after it: the transaction is gone.
        """
        statement = statements.load()[name]
        values: dict[str, Any] = {"tenant_id": str(self.caller.tenant_id), **parameters}
        if after is not None:
            values |= {f"after_{i}": value for i, value in enumerate(after)} | {"keyset": True}
        given = frozenset(key for key in statement.optional if values.get(key) is not None)
        sql, names = statement.render(given, tuple(order))
        async with self._lock:
            if self.failure is not None:
                raise self.failure
            issued = Issued(name, sql, time.perf_counter())
            self.issued.append(issued)
            try:
                with translated():
                    if statement.plan != GENERIC:
                        await self._connection.execute(f"set local plan_cache_mode = {statement.plan}")
                    # A plan under row security belongs to one role: a text for each role keeps each one's plan.
                    rows = await self._connection.fetch(
                        f"{sql}\n-- {'granted' if self.role == 'viewer' else 'tenant'}",
                        *[values[key] for key in names],
                        record_class=row_class(statement.row),
                    )
                    if statement.plan != GENERIC:
                        await self._connection.execute(f"set local plan_cache_mode = {GENERIC}")
                    return rows
            except DatabaseError as error:
                self.failure = error
                raise
            finally:
                issued.seconds = time.perf_counter() - issued.began

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undoes what was done inside where that ends in an exception; the transaction itself goes on."""
        await self._control("savepoint change")
        try:
            yield
        except Exception:
            if not isinstance(self.failure, DatabaseUnavailableError):
                self.failure = None
                await self._control("rollback to savepoint change")
            raise
        await self._control("release savepoint change")

    async def _control(self, command: str) -> None:
        async with self._lock:
            if self.failure is not None:
                raise self.failure
            try:
                with translated():
                    await self._connection.execute(command)
            except DatabaseError as error:
                self.failure = error
                raise

    @property
    def connection(self) -> asyncpg.Connection[Row]:
        """The connection that the transaction runs on."""
        return self._connection

    def close(self) -> None:
        """Refuses whatever is still asked for: the transaction is over, or about to be."""
        self.failure = self.failure or StatementFailedError("The transaction is over.")

    def terminate(self) -> None:
        """Drops the connection, whatever state it is in."""
        with suppress(asyncpg.InterfaceError):  # it broke, and the pool has taken it back already
            self._connection.terminate()

    async def commit(self) -> None:
        """Ends the transaction. Raises StatementFailedError where it wrote and PostgreSQL took nothing of it."""
        async with self._lock:
            with translated():
                ended = await self._connection.execute("commit")
        if self.writes and ended != "COMMIT":
            raise StatementFailedError("The transaction was rolled back: a statement in it had been cancelled.")


@lru_cache(maxsize=1000)
def _beginning(caller: Caller, statement_timeout_ms: int, *, writes: bool) -> str:
    """What begins a transaction for a caller."""
    values = {
        "statement_timeout_ms": statement_timeout_ms,
        "user_id": caller.user_id,
        "tenant_id": caller.tenant_id,
        "client_ip": caller.client_ip,
        "user_agent": caller.user_agent,
        "client_id": caller.client_id,
    }
    text = statements.load()["begin_write" if writes else "begin_read"].text
    return statements.PARAMETER.sub(lambda match: _literal(values[match[1]]), text)


def _literal(value: object) -> str:
    """An SQL literal of a value whose type leaves no room for anything else; text travels as hexadecimal digits."""
    match value:
        case None:
            return "null"
        case int():
            return str(value)
        case UUID():
            return f"'{value}'::uuid"
        case str():
            return f"convert_from(decode('{value.replace(chr(0), '').encode(errors='replace').hex()}', 'hex'), 'utf8')"
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")

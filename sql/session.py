"""A session: one caller's transaction under row-level security, in which named statements run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from sql import statements
from sql.driver import Row, opened_class, row_class, translated
from sql.encryption import Keyring, sealing
from sql.encryption.fields import COLUMNS
from sql.encryption.keyring import Opening
from sql.encryption.sealing import MARK, Place
from sql.errors import DatabaseError, DatabaseUnavailableError, StatementFailedError
from sql.sent_text import UNKNOWN_MONTHS, EventMonths, beginning, id_array, sent
from sql.statements import GENERIC, Ordering, Statement

ROLE_REPORT = "motomind "
KNOWN_SECONDS = 60.0
MOST_CALLERS = 10_000
SEALED = {"ManualEvent": "manual_events", "Vehicle": "vehicles"}  # the tables behind types with encrypted values
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
    keyring: Keyring | None = None
    opening: Opening = field(default_factory=Opening)
    event_months: EventMonths = UNKNOWN_MONTHS
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unended: int = 0  # statements that run, or were left by who waited for them
    _changed: bool = False  # since the savepoint was set, which one that writes begins with

    async def begin(self, *, writes: bool, statement_timeout_ms: int, after_commit: bool = False) -> None:
        """Begins the transaction and lets the caller in, in one round trip; ends the one before if it is to.

        Raises NotAMemberError.
        """
        self.writes = writes
        text = beginning(self.caller, statement_timeout_ms, writes=writes)
        with translated():
            await self._connection.execute(f"commit; {text}" if after_commit else text)
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

        ``granted`` is given for who sees granted groups alone, ``elsewhere`` where not all months of events are known.
        Optional parameters that are None leave their lines out; ``order``, ``after`` fill ``:order``, ``:keyset``.
        Raises the session's first failure again for every statement after it: the transaction is gone.
        """
        statement, issued, arguments = self._issue(name, order, after, parameters)
        async with self._running(issued):
            if statement.plan != GENERIC:
                await self._connection.execute(f"set local plan_cache_mode = {statement.plan}")
            rows = await self._connection.fetch(self._text(issued), *arguments, record_class=row_class(statement.row))
            if statement.plan != GENERIC:
                await self._connection.execute(f"set local plan_cache_mode = {GENERIC}")
        return await self._opened(statement.row, rows)

    async def portions(
        self,
        name: str,
        /,
        *,
        size: int,
        order: Sequence[Ordering] = (),
        after: Sequence[Any] | None = None,
        **parameters: Any,
    ) -> AsyncGenerator[list[Row], None]:
        """The rows that ``fetch`` has, a number at a time: PostgreSQL waits until the next ones are asked for."""
        statement, issued, arguments = self._issue(name, order, after, parameters)
        async with self._running(issued):
            cursor = await self._connection.cursor(
                self._text(issued), *arguments, record_class=row_class(statement.row)
            )
        more = True
        while more:
            async with self._running(issued):
                rows = await cursor.fetch(size)
            more = len(rows) == size
            if rows:
                yield await self._opened(statement.row, rows)

    def _issue(
        self, name: str, order: Sequence[Ordering], after: Sequence[Any] | None, parameters: dict[str, Any]
    ) -> tuple[Statement, Issued, list[Any]]:
        """A named statement, its text, and what goes into that."""
        statement = statements.load()[name]
        values: dict[str, Any] = {
            "tenant_id": str(self.caller.tenant_id),
            "granted": self._sees_granted or None,
            "elsewhere": self.event_months.elsewhere or None,
            **parameters,
        }
        if after is not None:
            values |= {f"after_{i}": value for i, value in enumerate(after)} | {"keyset": True}
        given = frozenset(key for key in statement.optional if values.get(key) is not None)
        sql, names = statement.render(given, tuple(order))
        id_texts = statement.id_texts
        arguments = [id_array(values[key]) if key in id_texts else values[key] for key in names]
        return statement, Issued(name, sql), arguments

    def _text(self, issued: Issued) -> str:
        return sent(issued.sql, "granted" if self._sees_granted else "tenant", self.event_months)

    @property
    def _sees_granted(self) -> bool:
        return self.role == "viewer"

    @asynccontextmanager
    async def _running(self, issued: Issued) -> AsyncIterator[None]:
        """The connection to oneself, for a statement or a part of it; what fails is the session's failure."""
        async with self._lock:
            if self.failure is not None:
                raise self.failure
            began = time.perf_counter()
            if not issued.began:
                issued.began = began
                self.issued.append(issued)
            self._unended += 1
            try:
                with translated():
                    yield
                self._unended -= 1
            except DatabaseError as error:
                self._unended -= 1
                self.failure = error
                raise
            finally:
                issued.seconds += time.perf_counter() - began

    async def _opened(self, name: str | None, rows: list[Row]) -> list[Row]:
        """Rows with what is encrypted in them in clear, as far as the caller may see it; all others as they are."""
        keyring = self.keyring
        if keyring is None or name not in SEALED:
            return rows
        table = SEALED[name]
        column = COLUMNS[table]
        marked = [at for at, row in enumerate(rows) if MARK in (row.get(column) or "")]
        if not marked:
            return rows
        visible: set[str] | None = None  # None is all of them
        if self.role == "viewer":
            ids = [rows[at]["id"] for at in marked] if keyring.writers_see else []
            visible = {row["id"] for row in await self.fetch(f"{table}_writable", ids=ids)} if ids else set()
        wanted = {
            key_id
            for at in marked
            if visible is None or rows[at]["id"] in visible
            for key_id in sealing.key_ids(rows[at][column])
        }
        keys = await keyring.keys_to_open(self._tenant, wanted, self._tenant_keys) if wanted else {}
        opened: list[Any] = list(rows)
        for at in marked:
            row = rows[at]
            place = Place(self._tenant, table, row["id"])
            shown = keys if visible is None or row["id"] in visible else None
            opened[at] = opened_class(name)(row, {column: self.opening.text(shown, place, row[column])})
        return opened

    async def sealed(self, table: str, row_id: str, text: str, *, stored: str | None, untouched: Sequence[str]) -> str:
        """The JSON text of a row's column as it is to be stored, with what is to be encrypted encrypted.

        ``stored`` is what the column has so far: its keys that are ``untouched`` stay, and so does what the caller
        cannot see and does not replace. Raises EncryptionUnavailableError.
        """
        keyring = self.keyring
        if keyring is None or not (keyring.needs_sealing(table, text) or MARK in (stored or "")):
            return text
        given, before = sealing.read(text), sealing.read(stored or "{}")
        given |= {key: before[key] for key in untouched}
        if self.role == "viewer" and not keyring.writers_see:
            given = sealing.keep_sealed(before, given)
        if keyring.needs_sealing(table, text):
            key = await keyring.key_to_seal(self._tenant, self._tenant_keys)
            given = keyring.seal(key, Place(self._tenant, table, row_id), given)
        return sealing.write(given)

    @property
    def _tenant(self) -> str:
        return str(self.caller.tenant_id)

    async def _tenant_keys(self) -> list[Row]:
        return await self.fetch("tenant_keys")

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undoes what was done inside where that ends in an exception; the transaction itself goes on.

        Only in one that writes. The first savepoint comes with its beginning and the last one goes with its end, so
        that one change alone waits for neither.
        """
        if self._changed:
            await self._control("release savepoint change; savepoint change")
        self._changed = True
        try:
            yield
        except Exception:
            if not isinstance(self.failure, DatabaseUnavailableError):
                self.failure = None
                await self._control("rollback to savepoint change")
                self._changed = False
            raise

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

    @property
    def is_quiet(self) -> bool:
        """Whether every statement has been waited for, so that nothing still runs on the connection."""
        return not self._unended

    def close(self) -> None:
        """Refuses whatever is still asked for: the transaction is over, or about to be."""
        self.failure = self.failure or StatementFailedError("The transaction is over.")

    async def commit(self) -> None:
        """Ends the transaction. Raises StatementFailedError where it wrote and PostgreSQL took nothing of it."""
        async with self._lock:
            with translated():
                ended = await self._connection.execute("commit")
        if self.writes and ended != "COMMIT":
            raise StatementFailedError("The transaction was rolled back: a statement in it had been cancelled.")

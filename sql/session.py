"""Sessions: one transaction per operation, under the caller's settings and row-level security.

``Database`` keeps the pool; ``Database.session(caller)`` yields a ``Session`` whose ``fetch`` runs named statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from uuid import UUID

import asyncpg

from sql import statements
from sql.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    NotAMemberError,
    PoolExhaustedError,
    SetupError,
    StatementTimeoutError,
    UnsafeRoleError,
)
from sql.statements import Ordering


class Row(asyncpg.Record):
    """A row whose columns are also attributes, so that a GraphQL type's fields read it like an object."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


NOT_A_MEMBER = "MM001"
QUERY_CANCELED = "57014"
CLEAN_UP_SECONDS = 5.0
ROLE_REPORT = "motomind "
BROKEN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


@dataclass(frozen=True)
class Caller:
    """Who a transaction acts for: a user in one tenant; the address and client are what the audit trail records."""

    user_id: UUID
    tenant_id: UUID
    client_ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True)
class PoolSettings:
    """How connections are kept. Times in seconds, but for statement_timeout_ms."""

    min_size: int = 1
    max_size: int = 10
    acquire_timeout: float = 10.0
    statement_timeout_ms: int = 10_000
    statement_cache_size: int = 500


class Database:
    """The pool of the gateway's connections."""

    def __init__(self, pool: asyncpg.Pool[Row], settings: PoolSettings) -> None:
        self._pool = pool
        self._settings = settings

    @classmethod
    async def connect(cls, url: str, settings: PoolSettings | None = None) -> Self:
        """Opens the pool and checks the role behind it.

        Raises DatabaseUnavailableError where nothing answers, SetupError before the migrations, UnsafeRoleError for a
        superuser, an owner or a role that bypasses row-level security; each message says how to mend it.
        """
        settings = settings or PoolSettings()
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=settings.min_size,
                max_size=settings.max_size,
                statement_cache_size=settings.statement_cache_size,
                init=_prepare_connection,
                reset=_nothing_to_reset,
                record_class=Row,
            )
        except BROKEN as error:
            raise DatabaseUnavailableError(
                f"The database does not answer: {error}\n"
                "Check DATABASE_URL and that the server is running; without DATABASE_URL MotoMind starts its own."
            ) from error
        except asyncpg.PostgresError as error:
            raise SetupError(
                f"The database refuses the gateway: {error}\nCheck the user and password in DATABASE_URL."
            ) from error
        database = cls(pool, settings)
        try:
            await database.check_role()
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Closes every connection, the busy ones after a grace period by force."""
        try:
            await asyncio.wait_for(self._pool.close(), CLEAN_UP_SECONDS)
        except TimeoutError:
            self._pool.terminate()

    async def check_role(self) -> None:
        """Refuses a role that could see or change more than policies allow."""
        sql, _ = statements.load()["role_facts"].render(frozenset())
        (facts,) = await self._pool.fetch(sql)
        problems = [
            text
            for key, text in {
                "superuser": "is a superuser",
                "bypasses_rls": "has BYPASSRLS",
                "owns_tables": "owns the tables, or is a member of the role that does",
            }.items()
            if facts[key]
        ]
        if problems:
            raise UnsafeRoleError(
                f'The gateway will not start: its database role "{facts["role"]}" {" and ".join(problems)}, '
                "so row-level security would not hold.\n"
                "Connect as the role that the migrations made for it instead:\n"
                "  1. as the owner:   ALTER ROLE gateway PASSWORD '...';\n"
                "  2. start with:     DATABASE_URL=postgresql://gateway:...@host/database motomind serve"
            )
        if not facts["migrated"]:
            raise SetupError("The database has no MotoMind schema yet. Run: motomind migrate (as the database's owner)")
        if not facts["may_enter"]:
            raise SetupError(
                f'The database role "{facts["role"]}" may not enter MotoMind\'s schema. Connect as "gateway", or run '
                f'as the owner: GRANT gateway TO "{facts["role"]}"'
            )

    async def tenants_of(self, user_id: UUID) -> list[Row]:
        """The tenants that a user is a member of: id, name and role of each."""
        sql, _ = statements.load()["tenants_of_user"].render(frozenset())
        async with self._acquire() as connection:
            with _translated():
                return await connection.fetch(sql, user_id)

    @asynccontextmanager
    async def session(self, caller: Caller, *, writes: bool = False) -> AsyncIterator[Session]:
        """A transaction for the caller, read only unless it ``writes``; committed on a clean exit.

        Raises NotAMemberError, PoolExhaustedError or DatabaseUnavailableError before the first statement.
        Leaving by an exception, or after a failed statement, rolls back; being cancelled cancels the statement.
        """
        async with self._acquire() as connection:
            session = Session(connection, caller)
            try:
                with _translated():
                    await connection.execute(self._begin(caller, writes=writes))
                session.role = connection.get_settings().application_name.removeprefix(ROLE_REPORT)
                yield session
                if session.failure is None:
                    with _translated():
                        await session.finish("commit")
            finally:
                await _clean_up(connection)

    def _begin(self, caller: Caller, *, writes: bool) -> str:
        sql = statements.load()["begin_write" if writes else "begin_read"].text
        values = {
            "statement_timeout_ms": self._settings.statement_timeout_ms,
            "user_id": caller.user_id,
            "tenant_id": caller.tenant_id,
            "client_ip": caller.client_ip,
            "user_agent": caller.user_agent,
        }
        return statements.PARAMETER.sub(lambda match: _literal(values[match[1]]), sql)

    @asynccontextmanager
    async def _acquire(self) -> AsyncIterator[asyncpg.Connection[Row]]:
        try:
            connection = await self._pool.acquire(timeout=self._settings.acquire_timeout)
        except TimeoutError as error:
            raise PoolExhaustedError("Every database connection is busy. Try again in a moment.") from error
        except BROKEN as error:
            raise DatabaseUnavailableError(
                "The database cannot be reached right now. Try again in a moment."
            ) from error
        try:
            yield connection  # type: ignore[misc]
        finally:
            await asyncio.shield(self._pool.release(connection))


@dataclass(frozen=True)
class Issued:
    """A statement that was run: its name and its text as sent."""

    name: str
    sql: str


@dataclass(eq=False)
class Session:
    """One caller's transaction: ``role`` is their membership's. ``issued`` lists the statements run, in order."""

    _connection: asyncpg.Connection[Row]
    caller: Caller
    role: str = ""
    issued: list[Issued] = field(default_factory=list)
    failure: DatabaseError | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def fetch(
        self, name: str, *, order: Sequence[Ordering] = (), after: Sequence[Any] | None = None, **parameters: Any
    ) -> list[Row]:
        """The rows of a named statement; ``tenant_id`` is the caller's.

        Optional parameters that are None leave their lines out; ``order``, ``after`` fill ``:order``, ``:keyset``.
        Raises the session's first failure again for every statement after it: the transaction is gone.
        """
        statement = statements.load()[name]
        values: dict[str, Any] = {"tenant_id": self.caller.tenant_id, **parameters}
        if after is not None:
            values |= {f"after_{i}": value for i, value in enumerate(after)} | {"keyset": True}
        given = frozenset(key for key in statement.optional if values.get(key) is not None)
        sql, names = statement.render(given, tuple(order))
        async with self._lock:
            if self.failure is not None:
                raise self.failure
            self.issued.append(Issued(name, sql))
            try:
                with _translated():
                    # A plan under row security belongs to one role: a text for each role keeps each one's plan.
                    return await self._connection.fetch(
                        f"{sql}\n-- {self.role}",
                        *[values[key] for key in names],
                        record_class=row_class(statement.row),
                    )
            except DatabaseError as error:
                self.failure = error
                raise

    async def finish(self, command: str) -> None:
        """Ends the transaction with ``commit`` or ``rollback``."""
        async with self._lock:
            await self._connection.execute(command)


@cache
def row_class(name: str | None) -> type[Row]:
    """The class of a statement's rows: named as the GraphQL type that reads them, so that a row knows its type."""
    return Row if name is None else type(name, (Row,), {})


async def _prepare_connection(connection: asyncpg.Connection[Row]) -> None:
    """Numerics travel as text: exact, and never parsed only to be printed again."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=str, format="text")


async def _nothing_to_reset(_: asyncpg.Connection[Row]) -> None:
    """Every setting of ours ends with its transaction, so a connection goes back without a round trip."""


async def _clean_up(connection: asyncpg.Connection[Row]) -> None:
    """Rolls back what is still open, even while the caller is being cancelled; a connection that cannot is dropped."""

    async def roll_back() -> None:
        try:
            if not connection.is_closed() and connection.is_in_transaction():
                await asyncio.wait_for(connection.execute("rollback"), CLEAN_UP_SECONDS)
        except (TimeoutError, *BROKEN, asyncpg.PostgresError):
            connection.terminate()

    task = asyncio.ensure_future(roll_back())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(asyncio.CancelledError):
            await task
        raise


class _translated:  # noqa: N801 - reads as a word at its uses: with _translated():
    """Turns the driver's exceptions into the gateway's own."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case None | DatabaseError():
                return
            case asyncpg.PostgresError(sqlstate=state) if state == NOT_A_MEMBER:
                raise NotAMemberError("You are no member of this tenant.") from error
            case asyncpg.PostgresError(sqlstate=state) if state == QUERY_CANCELED:
                raise StatementTimeoutError(
                    "The request needs too long at the database. Ask for less at once."
                ) from error
            case _ if isinstance(error, BROKEN):
                raise DatabaseUnavailableError(
                    "The database cannot be reached right now. Try again in a moment."
                ) from error
            case _:
                return


def _literal(value: object) -> str:
    """An SQL literal of a value whose type leaves no room for anything else; text travels as hexadecimal digits."""
    match value:
        case None:
            return "null"
        case bool() | int():
            return str(value).lower()
        case UUID():
            return f"'{value}'::uuid"
        case str():
            return f"convert_from(decode('{value.replace(chr(0), '').encode().hex()}', 'hex'), 'utf8')"
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")


def column_types(attributes: Sequence[asyncpg.Attribute]) -> Mapping[str, str]:
    """Names and PostgreSQL types of a prepared statement's columns."""
    return {attribute.name: attribute.type.name for attribute in attributes}

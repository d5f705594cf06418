"""The database as the gateway uses it: a pool of connections, and a session for each operation."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Self
from uuid import UUID

import asyncpg

from sql import statements
from sql.connections import Connections, PoolState
from sql.driver import BROKEN, Row, on_one_line, prepare_connection, translated
from sql.encryption import Keyring
from sql.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    EncryptionUnavailableError,
    SetupError,
    UnsafeRoleError,
)
from sql.sent_text import UNKNOWN_MONTHS, EventMonths
from sql.session import Caller, NarrowCallers, Session

MONTHS_SECONDS = 600.0
DANGERS = {
    "superuser": "is a superuser",
    "bypasses_rls": "has BYPASSRLS",
    "owns_tables": "owns the tables",
}


@dataclass(frozen=True)
class PoolSettings:
    """How connections are kept. Times in seconds, but for statement_timeout_ms."""

    min_size: int = 1
    max_size: int = 10
    acquire_timeout: float = 10.0
    statement_timeout_ms: int = 10_000
    statement_cache_size: int = 500


class Database:
    """The database behind the gateway's connections."""

    def __init__(self, pool: asyncpg.Pool[Row], settings: PoolSettings, keyring: Keyring | None = None) -> None:
        self._pool = pool
        self.connections = Connections(pool, most=settings.max_size, acquire_timeout=settings.acquire_timeout)
        self._keyring = keyring
        self._settings = settings
        self._narrow_callers: NarrowCallers = {}
        self._event_months = UNKNOWN_MONTHS
        self._looked_at_months = time.monotonic()
        self._looking: asyncio.Task[None] | None = None  # at the months, which nobody waits for

    @classmethod
    async def connect(cls, url: str, settings: PoolSettings | None = None, keyring: Keyring | None = None) -> Self:
        """Opens the pool and checks the role behind it, and that what is encrypted can be read.

        Raises DatabaseUnavailableError where nothing answers, SetupError before the migrations, UnsafeRoleError for a
        superuser, an owner or a role that bypasses row-level security; each message says how to mend it.
        """
        settings = settings or PoolSettings()
        logging.getLogger("asyncpg.pool").addFilter(on_one_line)
        try:
            pool = asyncpg.create_pool(
                url,
                min_size=settings.min_size,
                max_size=settings.max_size,
                statement_cache_size=settings.statement_cache_size,
                init=prepare_connection,
                reset=_nothing_to_reset,
                record_class=Row,
            )
            await pool
        except (*BROKEN, ValueError) as error:
            raise unreachable(error) from error
        except asyncpg.PostgresError as error:
            raise refused(error) from error
        database = cls(pool, settings, keyring)
        try:
            await database.check_role()
            await database.check_keys()
            await database._look_at_months()
        except BaseException:
            pool.terminate()
            raise
        return database

    async def close(self) -> None:
        """Closes every connection, the busy ones after a grace period by force."""
        await self.connections.close()

    async def check_role(self) -> None:
        """Refuses a role that could see or change more than policies allow."""
        sql, _ = statements.load()["role_facts"].render(frozenset())
        try:
            (facts,) = await self._pool.fetch(sql)
        except (*BROKEN, ValueError) as error:
            raise unreachable(error) from error
        except asyncpg.PostgresError as error:
            raise refused(error) from error
        if dangers := [text for key, text in DANGERS.items() if facts[key]]:
            raise UnsafeRoleError(
                f'The gateway will not start: its database role "{facts["role"]}" {" and ".join(dangers)} '
                "(itself, or by a role that it is a member of), so row-level security would not hold.\n"
                "Connect as the role that the migrations made for it instead:\n"
                "  1. as a superuser (or with CREATEROLE):  ALTER ROLE gateway PASSWORD '...';\n"
                "  2. start with:  DATABASE_URL=postgresql://gateway:...@host/database motomind serve"
            )
        if not facts["migrated"]:
            raise SetupError("The database has no MotoMind schema yet. Run: motomind migrate (as the database's owner)")
        if not facts["may_enter"]:
            raise SetupError(
                f'The database role "{facts["role"]}" may not enter MotoMind\'s schema. Connect as "gateway", or run '
                f'as a superuser (or with CREATEROLE): GRANT gateway TO "{facts["role"]}"'
            )

    async def check_keys(self) -> None:
        """Refuses to start where there are data keys that no master key here unwraps. Raises SetupError."""
        masters = self._keyring.masters if self._keyring else None
        sql, _ = statements.load()["wrapping_keys"].render(frozenset())
        try:
            rows = await self._pool.fetch(sql)
        except asyncpg.UndefinedFunctionError:
            raise SetupError("The database is older than this gateway. Run: motomind migrate (as its owner)") from None
        for row in rows:
            name = row["wrapped_by"]
            if masters is None or name not in masters.names:
                raise SetupError(
                    f'Values in the database are encrypted, and the master key "{name}" is not here: they could not be '
                    "read.\nName it, after the newer ones if there are any:  MOTOMIND_MASTER_KEYS=...,"
                    f"{name}:BASE64  (or MOTOMIND_KMS, where a key service wrapped them)"
                )
            arguments = (row["tenant_id"], row["key_id"], row["wrapped"], name)
            try:
                await asyncio.to_thread(masters.unwrap, *arguments)
            except EncryptionUnavailableError as error:
                raise SetupError(
                    f"Values in the database are encrypted, and could not be read: {error}\n"
                    f'Look at what MOTOMIND_MASTER_KEYS or MOTOMIND_KMS says of "{name}".'
                ) from error

    async def _look_at_months(self) -> None:
        """Takes note of the months that events have partitions for. Only how fast they are found rests on it."""
        with suppress(DatabaseError):  # one may be locked
            (row,) = await self.fetch("event_months")
            if row["starts"] and row["ends"]:
                self._event_months = EventMonths(**row)

    def _known_months(self) -> EventMonths:
        """The months as they were looked at last; looks at them anew every now and then, which nobody waits for."""
        if time.monotonic() > self._looked_at_months + MONTHS_SECONDS:
            self._looked_at_months = time.monotonic()
            self._looking = asyncio.get_running_loop().create_task(self._look_at_months())
        return self._event_months

    async def fetch(self, name: str, /, **parameters: Any) -> list[Row]:
        """The rows of a named statement outside a caller's session. Raises DatabaseError.

        It runs as the login role, which sees no table but may ask a few functions.
        """
        sql, names = statements.load()[name].render(frozenset())
        timeout = self._settings.statement_timeout_ms / 1000
        async with self.connections.outside_transactions() as connection:
            with translated():
                return await connection.fetch(sql, *[parameters[key] for key in names], timeout=timeout)

    @property
    def pool(self) -> PoolState:
        """The pool as it is now."""
        return self.connections.state

    async def tenants_of(self, user_id: UUID) -> list[Row]:
        """The tenants that a user is a member of: id, name and role of each."""
        return await self.fetch("tenants_of_user", user_id=str(user_id))

    @asynccontextmanager
    async def session(self, caller: Caller, *, writes: bool = False) -> AsyncIterator[Session]:
        """A transaction for the caller, read only unless it ``writes``; committed on a clean exit.

        One that only reads is ended after the exit, by the next one on its connection if that comes soon: its caller
        does not wait for another round trip.
        Raises NotAMemberError, PoolExhaustedError or DatabaseUnavailableError before the first statement.
        Leaving by an exception, or after a failed statement, rolls back; being cancelled cancels the statement.
        """
        if writes and self._keyring is not None:
            await self._ensure_key(self._keyring, caller)
        lease = await self.connections.take()
        session = Session(
            lease.connection,
            caller,
            narrow_callers=self._narrow_callers,
            keyring=self._keyring,
            event_months=self._known_months(),
        )
        done = False
        try:
            timeout = self._settings.statement_timeout_ms
            await session.begin(writes=writes, statement_timeout_ms=timeout, after_commit=lease.is_open)
            yield session
            if session.failure is None:
                if writes:
                    await session.commit()
                done = True
        finally:
            session.close()
            if done and session.is_quiet:
                lease.is_open = not writes  # nothing depends on the end of it: nobody has to wait for that
                self.connections.keep(lease)
            elif done and not writes:
                lease.is_open = True
                self.connections.let_go(lease, session.commit)  # after the statement that still runs
            else:
                try:
                    if not done:
                        await lease.roll_back()
                finally:
                    await self.connections.give_back(lease)

    async def _ensure_key(self, keyring: Keyring, caller: Caller) -> None:
        """Sees to it that the caller's tenant has a key.

        Before the transaction: who holds one connection and waits for another may wait for ever.
        """
        ids = {"tenant_id": str(caller.tenant_id), "user_id": str(caller.user_id)}
        await keyring.ensure(
            ids["tenant_id"],
            partial(self.fetch, "current_tenant_key", **ids),
            partial(self.fetch, "add_tenant_key", **ids),
        )


def unreachable(error: Exception) -> DatabaseUnavailableError:
    """Nothing answers at the address, or it is none."""
    return DatabaseUnavailableError(
        f"The database does not answer: {error}\n"
        "Check DATABASE_URL and that the server is running; without DATABASE_URL MotoMind starts its own."
    )


def refused(error: Exception) -> SetupError:
    """A server answers, but does not let us in."""
    return SetupError(f"The database refuses us: {error}\nCheck the user, password and database in DATABASE_URL.")


async def _nothing_to_reset(_: asyncpg.Connection[Row]) -> None:
    """Every setting of ours ends with its transaction, so a connection goes back without a round trip."""

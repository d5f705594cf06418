"""Connections: the pool's, and before it those that were just at work, for whoever comes next.

A transaction that only read may end whenever it likes. It is left open for a moment: the next one on its connection
begins by ending it, in one round trip for both, and without a task that nobody waits for. If nobody comes it is ended
alone. After a few in a row it is ended in any case, for others who share the server's connections by way of PgBouncer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from sql.driver import BROKEN, UNAVAILABLE, Row
from sql.errors import DatabaseError, DatabaseUnavailableError, PoolExhaustedError

CLEAN_UP_SECONDS = 2.0
CANCEL_AGAIN_SECONDS = 0.25
KEPT_SECONDS = 0.002
MOST_IN_A_ROW = 16


@dataclass(frozen=True)
class PoolState:
    """How many connections a pool has, how many of them are in use, and how many it may have."""

    size: int
    in_use: int
    most: int


@dataclass(eq=False, slots=True)
class Lease:
    """A connection for the time of a transaction.

    ``is_open`` says that the transaction before, which only read, is still to be ended; ``uses`` how many there were
    since the pool gave it.
    """

    connection: asyncpg.Connection[Row]
    is_open: bool = False
    uses: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether the connection is still there."""
        try:
            return not self.connection.is_closed()
        except asyncpg.InterfaceError:  # it broke, and the pool has taken it back already
            return False

    async def end(self, commit: Callable[[], Awaitable[object]] | None = None) -> None:
        """Ends a transaction, by what is told to commit it; a connection that cannot is dropped."""
        try:
            async with asyncio.timeout(CLEAN_UP_SECONDS):
                await (self.connection.execute("commit") if commit is None else commit())
        except (TimeoutError, DatabaseError, *BROKEN, asyncpg.PostgresError):
            self._drop()
        self.is_open = False

    async def roll_back(self) -> None:
        """Ends a transaction even while the caller is being cancelled; a connection that cannot is dropped.

        Always sent: after a cancellation the driver does not know yet whether BEGIN has arrived. As PostgreSQL ignores
        a cancel that comes between two messages, the driver's is sent again for as long as the statement does not end.
        """
        task = asyncio.ensure_future(self._roll_back())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await task
            raise

    async def _roll_back(self) -> None:
        rolled_back: asyncio.Future[Any] | None = None
        try:
            rolled_back = asyncio.ensure_future(self.connection.execute("rollback"))
            async with asyncio.timeout(CLEAN_UP_SECONDS):
                while not (await asyncio.wait({rolled_back}, timeout=CANCEL_AGAIN_SECONDS))[0]:
                    await self._cancel_statement()
            rolled_back.result()
        except (TimeoutError, *BROKEN, asyncpg.PostgresError):
            if rolled_back is not None:
                rolled_back.cancel()
            self._drop()

    async def _cancel_statement(self) -> None:
        """Sends a cancel for whatever the connection's server process is doing; nothing tells whether it helped."""
        driver: Any = getattr(self.connection, "_con", self.connection)  # the pool hands out proxies
        sent = asyncio.get_running_loop().create_future()
        driver._cancel_current_command(sent)  # noqa: SLF001 - the driver cancels by itself, but only once
        await sent

    def _drop(self) -> None:
        with suppress(asyncpg.InterfaceError):  # as above
            self.connection.terminate()


class Connections:
    """Lends the connections of a pool, at most ``most`` at once; ``on_taken`` is told how long each was waited for."""

    def __init__(self, pool: asyncpg.Pool[Row], *, most: int, acquire_timeout: float) -> None:
        self.on_taken: Callable[[float], None] | None = None
        self._pool = pool
        self._most = most
        self._acquire_timeout = acquire_timeout
        self._lent = 0  # and kept
        self._kept: dict[Lease, asyncio.TimerHandle] = {}  # the last one that was at work goes first
        self._waiting: deque[asyncio.Future[Lease | None]] = deque()  # None is leave to ask the pool
        self._background: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> PoolState:
        """The pool as it is now; a connection that is still to be made is not in use."""
        size = self._pool.get_size()
        kept = sum(lease.is_sound for lease in self._kept)
        return PoolState(size, size - self._pool.get_idle_size() - kept, self._most)

    async def take(self) -> Lease:
        """A connection, perhaps with ``is_open``. Raises PoolExhaustedError or DatabaseUnavailableError."""
        began = time.perf_counter()
        try:
            while self._kept:
                lease, timer = self._kept.popitem()
                timer.cancel()
                if lease.is_sound:
                    return lease
                await self.give_back(lease)
            async with asyncio.timeout(self._acquire_timeout):  # the pool's own makes a task of it
                return await self._wait()
        except TimeoutError as error:
            raise PoolExhaustedError("Every database connection is busy. Try again in a moment.") from error
        except (*BROKEN, asyncpg.PostgresError) as error:  # whatever a server says instead of letting us in
            raise DatabaseUnavailableError(UNAVAILABLE) from error
        finally:
            if self.on_taken is not None:
                self.on_taken(time.perf_counter() - began)

    @asynccontextmanager
    async def outside_transactions(self) -> AsyncIterator[asyncpg.Connection[Row]]:
        """A connection on which no transaction is open. Raises as ``take`` does."""
        lease = await self.take()
        try:
            if lease.is_open:
                await lease.end()
            yield lease.connection
        except BaseException:
            await self.give_back(lease)
            raise
        self.keep(lease)

    async def _wait(self) -> Lease:
        if self._lent < self._most:
            self._lent += 1
        elif (lease := await self._turn()) is not None:
            return lease
        try:
            connection: Any = await self._pool.acquire()
        except BaseException:
            self._vacate()
            raise
        return Lease(connection)

    async def _turn(self) -> Lease | None:
        """Waits for one's turn: a connection from somebody who is done, or None, leave to ask the pool for one."""
        turn: asyncio.Future[Lease | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # passed over already
                    self._waiting.remove(turn)
            elif (lease := turn.result()) is not None:
                self.keep(lease)
            else:
                self._vacate()
            raise

    def keep(self, lease: Lease) -> None:
        """Takes a connection back on which nothing runs, perhaps with ``is_open``."""
        lease.uses += 1
        if lease.uses >= MOST_IN_A_ROW or (self._waiting and not lease.is_sound):
            self.let_go(lease)
        elif (turn := self._next_turn()) is not None:
            turn.set_result(lease)
        else:
            self._kept[lease] = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._expire, lease)

    async def give_back(self, lease: Lease) -> None:
        """Gives a connection back to the pool, which makes a new one where it broke."""
        try:  # it goes back even where the caller is being cancelled: the pool sees to that
            await self._pool.release(lease.connection, timeout=self._acquire_timeout)  # type: ignore[arg-type]
        finally:
            self._vacate()

    def _vacate(self) -> None:
        """Somebody else may ask the pool."""
        turn = self._next_turn()
        if turn is not None:
            turn.set_result(None)
        else:
            self._lent -= 1

    def _next_turn(self) -> asyncio.Future[Lease | None] | None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # else its task has been cancelled, and does not know it yet
                return turn
        return None

    def _expire(self, lease: Lease) -> None:
        del self._kept[lease]
        self.let_go(lease)

    def let_go(self, lease: Lease, commit: Callable[[], Awaitable[object]] | None = None) -> None:
        """Gives a connection back after what is open on it, which nobody waits for."""
        task = asyncio.get_running_loop().create_task(self._let_go(lease, commit))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _let_go(self, lease: Lease, commit: Callable[[], Awaitable[object]] | None) -> None:
        try:
            if lease.is_open:
                await lease.end(commit)
        finally:
            await self.give_back(lease)

    async def close(self) -> None:
        """Closes every connection, the busy ones after a grace period by force."""
        for lease, timer in list(self._kept.items()):
            timer.cancel()
            self._expire(lease)
        try:
            await asyncio.wait_for(self._pool.close(), CLEAN_UP_SECONDS)
        except TimeoutError:
            self._pool.terminate()

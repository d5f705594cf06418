"""Waits: what an execution waits for, and what it need not wait for any more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from resolvers.executor.errors import FieldErrors
from resolvers.executor.level import FAILED, Column

Take = Callable[[Any], None]
WhenIdle = Callable[[bool], Awaitable[None] | None]


@dataclass(eq=False, slots=True)
class Wait:
    """An awaitable, who takes its value, and where that belongs: at an index of a layer, or to a whole column.

    An exception that the awaitable raises is its value.
    """

    awaitable: Awaitable[Any]
    take: Take
    column: Column
    depth: int = 0
    index: int | None = None

    def is_dead(self, errors: FieldErrors) -> bool:
        """Whether null has propagated to every position that it belongs to, or above."""
        if self.index is not None:
            return errors.is_dead(self.column, self.depth, self.index)
        return all(errors.is_dead(self.column, 0, index) for index in range(len(self.column.level.sources)))


class Waits:
    """Everything that one execution waits for. Nothing is started before there is nothing else to do."""

    def __init__(self, errors: FieldErrors) -> None:
        self._errors = errors
        self._unstarted: list[Wait] = []
        self._pending: dict[asyncio.Future[Any], list[Wait]] = {}
        self._ready: deque[asyncio.Future[Any]] = deque()
        self._coroutines = 0
        self._wake: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        return bool(self._unstarted or self._pending)

    @property
    def all_dead(self) -> bool:
        """Whether null has propagated to the root, so that there is nothing to wait for."""
        return bool(self) and self._errors.nulls_all

    def add(
        self, awaitable: Awaitable[Any], take: Take, column: Column, depth: int = 0, index: int | None = None
    ) -> None:
        """Waits for an awaitable."""
        self._unstarted.append(Wait(awaitable, take, column, depth, index))

    def take(self) -> bool:
        """Hands out the values that have arrived; whether there were any."""
        if not self._ready:
            return False
        while self._ready:
            future = self._ready.popleft()
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            for wait in self._pending.pop(future, ()):
                wait.take(future.result() if error is None else error)
        return True

    def prune(self) -> bool:
        """Gives up what is waited for below positions that are null for sure; whether there was any of it."""
        if not self._errors.look():
            return False
        if self._errors.nulls_all:
            return True
        dead = [wait for wait in self._unstarted if wait.is_dead(self._errors)]
        for wait in dead:
            self._unstarted.remove(wait)
            _close(wait.awaitable)
        for future, waits in list(self._pending.items()):
            lost = [wait for wait in waits if wait.is_dead(self._errors)]
            if len(lost) == len(waits):
                del self._pending[future]
                _cancel(future)
            else:
                self._pending[future] = [wait for wait in waits if wait not in lost]
            dead += lost
        for wait in dead:
            wait.take(FAILED)
        return bool(dead)

    def abandon(self) -> None:
        """Disposes of whatever is not started yet: begun after the answer, it would meet a transaction that is over."""
        unstarted, self._unstarted = self._unstarted, []
        for wait in unstarted:
            _close(wait.awaitable)

    async def wait(self, when_idle: WhenIdle | None) -> None:
        """Until a value has arrived."""
        self._start()
        while not self._ready:
            work = None if when_idle is None else when_idle(self._coroutines > 0)
            if work is None:
                self._wake = asyncio.get_running_loop().create_future()
                await self._wake
                return
            await work
            self._ready.extend(future for future in self._pending if future.done())  # a turn before they tell

    def _start(self) -> None:
        unstarted, self._unstarted = self._unstarted, []
        for wait in unstarted:
            future = asyncio.ensure_future(wait.awaitable)
            if future in self._pending:
                self._pending[future].append(wait)
                continue
            self._pending[future] = [wait]
            if future.done():
                self._ready.append(future)
                continue
            is_plain = not isinstance(future, asyncio.Task)
            self._coroutines += not is_plain
            future.add_done_callback(self._arrived if is_plain else self._coroutine_arrived)

    def _coroutine_arrived(self, future: asyncio.Future[Any]) -> None:
        self._coroutines -= 1
        self._arrived(future)

    def _arrived(self, future: asyncio.Future[Any]) -> None:
        if future in self._pending:
            self._ready.append(future)
            if self._wake is not None and not self._wake.done():
                self._wake.set_result(None)

    async def cancel(self) -> None:
        """Cancels whatever is still waited for, and sees it end: what comes next may need what it holds."""
        for wait in self._unstarted:
            _close(wait.awaitable)
        tasks = [future for future in self._pending if isinstance(future, asyncio.Task)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)


def _cancel(future: asyncio.Future[Any]) -> None:
    """Cancels a coroutine. A plain future is somebody else's."""
    if isinstance(future, asyncio.Task):
        future.cancel()


def _close(awaitable: Awaitable[Any]) -> None:
    """Disposes of what was never started."""
    close = getattr(awaitable, "close", None) or getattr(awaitable, "cancel", None)
    if close is not None:
        close()

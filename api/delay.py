"""Delay: work that is done in the background, once for all who asked for it in the meantime."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

SECONDS = 1.0


class Delay:
    """Does some work a second after it was asked for, and what is left of it at the end."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def soon(self) -> None:
        """Asks for the work."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._later())

    async def close(self) -> None:
        """Does now what is left to do."""
        self._closing.set()
        if self._task is not None:
            await self._task
        await self._work()

    async def _later(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), SECONDS)
        await self._work()

"""Draining: how a process stops.

First it says so and takes requests as before, then it refuses them and finishes what runs, then it stops.

One process drains by SIGTERM, and by SIGHUP, which a terminal sends that is closed; by SIGINT (Ctrl+C) it does not wait
but for what runs, and by a second one not even for that. The workers of several drain when their supervisor tells them
to, by SIGUSR1; by SIGTERM, which replaces one worker, they only cease to listen, as the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from api.errors import UnavailableError

log = logging.getLogger("motomind")

DRAIN_WORKER = signal.SIGUSR1


class Drain:
    """Whether the process is ``draining``, and whether it is ``refusing`` requests already.

    ``seconds`` is how long it goes on taking them, so that load balancers notice; ``longest`` how long one may run.
    """

    def __init__(self, *, seconds: float, longest: float) -> None:
        self.draining = False
        self.refusing = False
        self.running = 0
        self._seconds = seconds
        self._longest = longest
        self._at_rest = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.last: Callable[[], Awaitable[None]] | None = None  # what is to be ended beside requests

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request that runs until the end of its answer; one that is refused is not waited for."""
        if self.refusing:
            yield
            return
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            if self.running == 0:
                self._at_rest.set()

    def admit(self) -> None:
        """Raises UnavailableError for a request that is not begun any more."""
        if self.refusing:
            raise self.refusal()

    def refusal(self) -> UnavailableError:
        """What is said to a request that is not begun, or not finished, as the process stops."""
        return UnavailableError("SHUTTING_DOWN", "This gateway is being stopped. Try again; another one answers.")

    def on_signals(self) -> None:
        """Drains by signal, where a server handles SIGTERM: then that server's handler comes after the drain.

        A worker that is replaced only ends what is ``last`` before it.
        """
        stop: Any = signal.getsignal(signal.SIGTERM)
        interrupt: Any = signal.getsignal(signal.SIGINT)
        if not callable(stop) or threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()

        def begin(number: int, _: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.begin, lambda: stop(signal.SIGTERM, None), signal.Signals(number).name)

        def retire(*_: object) -> None:
            loop.call_soon_threadsafe(self._begin, self._retire(lambda: stop(signal.SIGTERM, None)))

        def hasten(number: int, frame: FrameType | None) -> None:
            self.draining = self.refusing = True
            interrupt(number, frame)

        signal.signal(signal.SIGINT, hasten)
        if multiprocessing.parent_process() is not None:
            signal.signal(DRAIN_WORKER, begin)
            signal.signal(signal.SIGTERM, retire)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal sends it to all; the supervisor decides
        else:
            signal.signal(signal.SIGTERM, begin)
            signal.signal(signal.SIGHUP, begin)

    def begin(self, stop: Callable[[], None], reason: str) -> None:
        """Begins to drain, once; ``stop`` is called at the end of it."""
        if self._task is None:
            self.draining = True
            log.info("%s: not ready from now on; requests are taken for %g s more", reason, self._seconds)
        self._begin(self._drain(stop))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(work)
        else:
            work.close()

    async def _drain(self, stop: Callable[[], None]) -> None:
        await asyncio.sleep(self._seconds)
        self.refusing = True
        if self.running:
            log.info("%d requests are still running; new ones are refused", self.running)
        await self._finish(self._end_last(), self._rest())
        stop()

    async def _retire(self, stop: Callable[[], None]) -> None:
        await self._finish(self._end_last())
        stop()

    async def _finish(self, *work: Awaitable[None]) -> None:
        """Waits for all of it as long as a request may run, and for what fails no longer: the process is to end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*work, return_exceptions=True), self._longest)

    async def _end_last(self) -> None:
        if self.last is not None:
            await self.last()

    async def _rest(self) -> None:
        self._at_rest.clear()
        if self.running:
            await self._at_rest.wait()

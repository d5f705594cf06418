"""Loaders: keys of one field, collected over all objects and levels that ask, answered by one statement.

A batch function takes the loaders, the keys and the arguments they share, and answers key by key. aiodataloader
queues, de-duplicates and caches; what is ours is *when* a queue closes. A transaction runs one statement at a time, so
closing a queue before the connection is free gains nothing: ``Schedule`` lets the resolvers run until they stop asking,
then sends one queue, and so on. Trees go first, because they let deeper levels ask for the same things: five levels of
groups with vehicles ask for their vehicles together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from aiodataloader import DataLoader, dispatch_queue_batch
from aiodataloader import Loader as Queued

from sql.driver import Row
from sql.session import Session

Batch = Callable[..., Awaitable[Sequence[Any]]]

# How many turns of the event loop without a new key mean that the resolvers wait for us. A level of graphql-core's
# executor takes two or three turns from an answered key to the next one asked.
QUIET_TURNS = 8


class LevelLoader(DataLoader[Any, Any]):
    """A data loader whose queue closes when the schedule says so."""

    def __init__(self, schedule: Schedule, batch: Callable[[list[Any]], Any], *, tree: bool) -> None:
        super().__init__(batch)
        self.schedule = schedule
        self.tree = tree

    def load(self, key: Any) -> asyncio.Future[Any]:
        """The value of a key, from the cache or with the next batch.

        Shielded: where a field fails, graphql-core cancels its siblings, and others may wait for the same key.
        """
        self.schedule.asked += 1
        return asyncio.shield(super().load(key))

    def do_resolve_reject(self, key: Any, future: asyncio.Future[Any]) -> None:
        """Queues a key that is not cached; called by ``load``."""
        self._queue.append(Queued(key=key, future=future))
        if len(self._queue) == 1:
            self.schedule.add(self)

    def has(self, key: Any) -> bool:
        """Whether a key is answered or queued already."""
        return key in self._cache

    async def send(self) -> None:
        """Closes the queue and answers it."""
        queue, self._queue = self._queue, []
        await dispatch_queue_batch(self, queue)


class Schedule:
    """Sends the queues of one request, one at a time, each when nothing more is being asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self._waiting: list[LevelLoader] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, loader: LevelLoader) -> None:
        """Takes a loader whose queue has just become non-empty."""
        self._waiting.append(loader)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            await self._quiet()
            loader = next((loader for loader in self._waiting if loader.tree), self._waiting[0])
            self._waiting.remove(loader)
            await loader.send()

    async def _quiet(self) -> None:
        turns, asked = 0, self.asked
        while turns < QUIET_TURNS:
            await asyncio.sleep(0)
            turns = turns + 1 if asked == self.asked else 0
            asked = self.asked

    async def close(self) -> None:
        """Stops sending: nobody waits for the answers any more."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class Loaders:
    """The loaders of one request: one for each batch function and its arguments."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.schedule = Schedule()
        self._loaders: dict[tuple[Batch, Hashable], LevelLoader] = {}

    def of(self, batch: Batch, *arguments: Hashable, tree: bool = False) -> LevelLoader:
        """The loader of a batch function, called as ``batch(loaders, keys, *arguments)``."""
        identity = (batch, arguments)
        loader = self._loaders.get(identity)
        if loader is None:

            async def answer(keys: list[Any]) -> Sequence[Any]:
                return await batch(self, keys, *arguments)

            loader = self._loaders[identity] = LevelLoader(self.schedule, answer, tree=tree)
        return loader

    def load(self, batch: Batch, key: Hashable, *arguments: Hashable) -> asyncio.Future[Any]:
        """The value of one key."""
        return self.of(batch, *arguments).load(key)

    async def fetch(self, statement: str, **parameters: Any) -> list[Row]:
        """The rows of a named statement, in the session's transaction."""
        return await self.session.fetch(statement, **parameters)

    def prime(self, batch: Batch, rows: Iterable[Row]) -> None:
        """Lets rows that are here already answer for their ids."""
        loader = self.of(batch)
        for row in rows:
            loader.prime(row["id"], row)

    async def load_known(self, batch: Batch, key: Hashable | None, *arguments: Hashable) -> Any:
        """The value of one key, None for no key."""
        return None if key is None else await self.load(batch, key, *arguments)


def one_by(keys: Iterable[Any], rows: Iterable[Row], column: str = "id") -> list[Row | None]:
    """One row for each key, None where there is none."""
    found = {row[column]: row for row in rows}
    return [found.get(key) for key in keys]


def many_by(keys: Iterable[Any], rows: Iterable[Row], column: str) -> list[list[Row]]:
    """The rows of each key, in the order they came."""
    found: dict[Any, list[Row]] = {key: [] for key in keys}
    for row in rows:
        found[row[column]].append(row)
    return list(found.values())


def value_by(keys: Iterable[Any], rows: Iterable[Row], column: str, value: str, *, absent: Any) -> list[Any]:
    """One column's value for each key."""
    found = {row[column]: row[value] for row in rows}
    return [found.get(key, absent) for key in keys]

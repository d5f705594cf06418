"""Loaders: keys of one field, collected over all objects and levels that ask, answered by one statement.

A batch function takes the loaders, the keys and the arguments they share, and answers key by key. aiodataloader
de-duplicates and caches keys that are asked for one at a time; here a whole level of keys is asked for at once, and
waits on one future rather than on one for each key. What is ours as well is *when* a queue closes. A transaction runs
one statement at a time, so closing a queue before the connection is free gains nothing: ``Schedule`` lets the resolvers
run until they stop asking, then sends one queue, and so on. Trees go first, because they let deeper levels ask for the
same things: five levels of groups with vehicles ask for their vehicles together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from operator import itemgetter
from typing import Any

from aiodataloader import DataLoader
from aiodataloader import Loader as Queued

from resolvers.executor.written import Writer
from sql.driver import Row
from sql.session import Session

Batch = Callable[..., Awaitable[Sequence[Any]]]
Then = Callable[[list[Any]], list[Any]]

# How many turns of the event loop without a new key mean that the resolvers wait for us, where they cannot say so. A
# level of graphql-core's executor takes two or three turns from an answered key to the next one asked.
QUIET_TURNS = 8
LARGE = 1000  # rows; a page of more is fetched in portions
PORTION = 500


class LevelLoader(DataLoader[Any, Any]):
    """A data loader for whole levels of keys, whose queue closes when the schedule says so.

    No key, None, has no value: None.
    """

    def __init__(self, schedule: Schedule, batch: Callable[[list[Any]], Any], *, tree: bool) -> None:
        super().__init__(batch)
        self.schedule = schedule
        self.tree = tree
        self._answers: dict[Any, Any] = {None: None}
        self._asked: dict[Any, None] = {}  # keys that the next statement is to answer, in order
        self._sent: set[Any] = set()
        self._levels: list[tuple[list[Any], Then | None, asyncio.Future[Any]]] = []

    def load(self, key: Any) -> asyncio.Future[Any]:
        """The value of a key, from the cache or with the next batch.

        Shielded: where a field fails, graphql-core cancels its siblings, and others may wait for the same key.
        """
        self.schedule.asked += 1
        if key in self._answers and key is not None:
            super().prime(key, self._answers[key])
        return asyncio.shield(super().load(key))

    def load_level(self, keys: list[Any], then: Then | None = None) -> list[Any] | asyncio.Future[list[Any]]:
        """The values of keys, in their order: at once where all are known, else with the next batch.

        ``then`` makes of the values what is returned.
        """
        answers = self._answers
        if all(map(answers.__contains__, keys)):
            return _finished([answers[key] for key in keys], then)
        self.schedule.asked += 1
        self._ask(keys)
        future: asyncio.Future[list[Any]] = self.loop.create_future()
        self._levels.append((keys, then, future))
        return future

    def do_resolve_reject(self, key: Any, future: asyncio.Future[Any]) -> None:
        """Queues a key that is not cached; called by ``load``."""
        self._queue.append(Queued(key=key, future=future))
        self._ask([key])

    def _ask(self, keys: Iterable[Any]) -> None:
        answers, sent = self._answers, self._sent
        unknown = [key for key in keys if key not in answers and key not in sent]
        if unknown and not self._asked:
            self.schedule.add(self)
        self._asked.update(dict.fromkeys(unknown))

    def prime(self, key: Any, value: Any) -> LevelLoader:
        """Lets a value that is here already answer for its key."""
        self._answers.setdefault(key, value)
        return self

    def prime_all(self, values: Mapping[Any, Any]) -> None:
        """Lets values that are here already answer for their keys; what is known already stays."""
        self._answers = {**values, **self._answers}

    def knows(self, keys: Iterable[Any]) -> bool:
        """Whether all keys are answered or asked for already."""
        return all(key in self._answers or key in self._asked or key in self._sent for key in keys)

    async def send(self) -> None:
        """Closes the queue and answers it. Where the batch fails, whoever waits for its keys gets the error."""
        keys, self._asked = list(self._asked), {}
        self._sent.update(keys)
        failure: Exception | None = None
        try:
            values = list(zip(keys, await self.batch_load_fn(keys), strict=True))
            self._answers.update(values)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            failure = error
        self._sent.difference_update(keys)
        self._deliver(frozenset(keys), failure)

    def _deliver(self, keys: frozenset[Any], failure: Exception | None) -> None:
        answers = self._answers
        queue, self._queue = self._queue, []
        for queued in queue:
            if queued.key in answers:
                _settle(queued.future, answers[queued.key])
            elif queued.key in keys and failure is not None:
                self.clear(queued.key)
                _settle(queued.future, failure)
            else:
                self._queue.append(queued)
        levels, self._levels = self._levels, []
        for wanted, then, future in levels:
            if all(map(answers.__contains__, wanted)):
                try:
                    _settle(future, _finished([answers[key] for key in wanted], then))
                except Exception as error:  # noqa: BLE001 - told to whoever waits
                    _settle(future, error)
            elif failure is not None and not keys.isdisjoint(wanted):
                _settle(future, failure)
            else:
                self._levels.append((wanted, then, future))


def _finished(values: list[Any], then: Then | None) -> list[Any]:
    return values if then is None else then(values)


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if future.done():
        return
    if isinstance(value, Exception):
        future.set_exception(value)
        future.exception()  # nobody may be waiting any more, which is no mistake
    else:
        future.set_result(value)


class Schedule:
    """Sends the queues of one request, one at a time, each when nothing more is being asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self._sends = False
        self._waiting: list[LevelLoader] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, loader: LevelLoader) -> None:
        """Takes a loader whose queue has just become non-empty."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._start)  # where no executor says first that it is idle
        self._waiting.append(loader)

    def idle(self, coroutines: bool) -> Coroutine[Any, Any, None] | None:
        """Told by an executor that it has nothing to do but to wait: for us, unless ``coroutines`` may still ask.

        Then the next statement is the executor's own work: another task, and the turns until it runs and is heard of,
        would take longer than a small statement does.
        """
        return None if coroutines or self._sends or not self._waiting else self._send()

    async def _send(self) -> None:
        self._sends = True
        loader = next((loader for loader in self._waiting if loader.tree), self._waiting[0])
        self._waiting.remove(loader)
        try:
            await loader.send()
        finally:
            self._sends = False
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        if self._waiting and not self._sends and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while await self._is_quiet():
            await self._send()

    async def _is_quiet(self) -> bool:
        """Waits until nothing more is asked for; whether there is something to send then."""
        turns, asked = 0, self.asked
        while self._waiting and not self._sends and turns < QUIET_TURNS:
            await asyncio.sleep(0)
            turns = turns + 1 if asked == self.asked else 0
            asked = self.asked
        return bool(self._waiting) and not self._sends

    async def close(self) -> None:
        """Stops sending: nobody waits for the answers any more."""
        self._waiting.clear()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class Loaders:
    """The loaders of one request: one for each batch function and its arguments.

    ``names`` are those of all fields in the document.
    """

    def __init__(self, session: Session, names: frozenset[str] = frozenset()) -> None:
        self.session = session
        self.names = names
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

    def level(self, batch: Batch, keys: list[Any], *arguments: Hashable, then: Then | None = None) -> Any:
        """The values of a level of keys, as ``LevelLoader.load_level`` has them."""
        return self.of(batch, *arguments).load_level(keys, then)

    async def fetch(self, statement: str, /, **parameters: Any) -> list[Row]:
        """The rows of a named statement, in the session's transaction."""
        return await self.session.fetch(statement, **parameters)

    async def fetch_written(self, statement: str, write: Writer, **parameters: Any) -> list[Any]:
        """What ``fetch`` returns, most of it as text: a row is in memory only until its portion is written.

        The first row and the last two stay rows, as cursors are read from the ends of a page: one may be beyond it.
        """
        written: list[Any] = []
        held: list[Row] = []
        async with aclosing(self.session.portions(statement, size=PORTION, **parameters)) as portions:
            async for portion in portions:
                rows = held + portion
                held = rows[-2:]
                first = 0 if written else 1
                written += rows[:-2][:first]
                written += write(rows[first:-2])
        return written + held

    async def close(self) -> None:
        """Ends the loading: nobody waits any more. Nothing that was loaded is left to the garbage collector."""
        await self.schedule.close()
        self._loaders.clear()

    def forget(self) -> None:
        """Lets everything be loaded anew: it may have changed."""
        self._loaders.clear()

    def prime(self, batch: Batch, rows: Iterable[Row]) -> None:
        """Lets rows that are here already answer for their ids."""
        self.of(batch).prime_all({row["id"]: row for row in rows})


def column(rows: Sequence[Any], name: str) -> list[Any]:
    """One column of rows: the keys of a level."""
    return list(map(itemgetter(name), rows))


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


def many_in(keys: Sequence[Any], rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each key, where they have the key's number among the keys, from 1."""
    return many_by(range(1, len(keys) + 1), rows, "number")


def value_by(keys: Iterable[Any], rows: Iterable[Row], column: str, value: str, *, absent: Any) -> list[Any]:
    """One column's value for each key."""
    found = {row[column]: row[value] for row in rows}
    return [found.get(key, absent) for key in keys]

"""What a key costs: ``python -m benchmarks.loading`` compares aiodataloader's ``load`` with ``LevelLoader.load_level``.

Both answer the same new keys from a batch function that does nothing. aiodataloader has a future for every key, each of
them awaited, as a field resolved object by object does it; a level has one. Needs no database.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from aiodataloader import DataLoader

from resolvers.loading import LevelLoader, Schedule

SIZES = (1, 100, 10_000)
KEYS = 200_000  # in all, for each size and way
LEAST, MOST = 20, 2000  # repetitions
Way = Callable[[list[str]], Awaitable[Sequence[str]]]


async def answer(keys: list[str]) -> list[str]:
    """A batch that has its answers at hand."""
    return keys


async def own_load(keys: list[str]) -> Sequence[str]:
    """The library as it is: aiodataloader."""
    return await DataLoader[str, str](answer).load_many(keys)


async def level_load(keys: list[str]) -> Sequence[str]:
    """Key by key, as an executor that goes object by object asks the gateway's loaders."""
    loader = LevelLoader(Schedule(), answer, tree=False)
    futures = list(map(loader.load, keys))
    loader.schedule.idle(coroutines=False)  # send at once, as aiodataloader does
    return await asyncio.gather(*futures)


async def load_level(keys: list[str]) -> Sequence[str]:
    """A whole level at once."""
    loader = LevelLoader(Schedule(), answer, tree=False)
    values = loader.load_level(keys)
    loader.schedule.idle(coroutines=False)
    assert isinstance(values, asyncio.Future)
    return await values


WAYS: dict[str, Way] = {"aiodataloader load()": own_load, "LevelLoader load()": level_load, "load_level()": load_level}


async def measure(size: int) -> dict[str, float]:
    """Seconds per key, the median over repetitions, in which the ways take turns."""
    keys = [f"key {number}" for number in range(size)]
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for way in WAYS.values():
        assert list(await way(keys)) == keys
    gc.collect()
    gc.disable()
    try:
        for _ in range(min(MOST, max(LEAST, KEYS // size))):
            for name, way in WAYS.items():
                began = time.perf_counter()
                await way(keys)
                times[name].append(time.perf_counter() - began)
    finally:
        gc.enable()
    return {name: statistics.median(taken) / size for name, taken in times.items()}


async def main() -> None:
    """Prints what a key costs, as a multiple of what it costs by ``load_level``."""
    print(f"{'keys':>8}", *(f"{name:>21}" for name in WAYS))
    for size in SIZES:
        costs = await measure(size)
        print(f"{size:>8,}", *(f"{cost / costs['load_level()']:>20.1f}x" for cost in costs.values()))


if __name__ == "__main__":
    asyncio.run(main())

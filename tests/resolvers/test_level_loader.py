"""LevelLoader and Schedule by themselves: whole levels of keys and single ones, without a database."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from resolvers.loading import LevelLoader, Schedule
from tests.waiting import PATIENCE


class Batches:
    """Loaders of one schedule; keeps the keys of each batch, by the loader's name, in the order they were sent.

    Each loader answers a key with its name and the key, unless told otherwise; ``gate`` holds its batches up.
    """

    def __init__(self) -> None:
        self.schedule = Schedule()
        self.sent: list[tuple[str, list[Any]]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def loader(
        self, name: str = "a", answer: Callable[[list[Any]], Sequence[Any]] | None = None, *, tree: bool = False
    ) -> LevelLoader:
        """A loader."""

        async def batch(keys: list[Any]) -> Sequence[Any]:
            self.sent.append((name, keys))
            await self.gate.wait()
            return [f"{name}{key}" for key in keys] if answer is None else answer(keys)

        return LevelLoader(self.schedule, batch, tree=tree)

    async def until_sent(self, count: int) -> None:
        """Until so many batches have begun."""
        for _ in range(1000):
            if len(self.sent) >= count:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{count} batches were not sent: {self.sent}")


def failing_for(*wrong: Any) -> Callable[[list[Any]], Sequence[Any]]:
    """Answers that fail for batches with one of these keys."""

    def answer(keys: list[Any]) -> Sequence[Any]:
        if set(wrong) & set(keys):
            raise ValueError("no")
        return keys

    return answer


@pytest.fixture
async def batches() -> Batches:
    """Loaders of a schedule."""
    return Batches()


async def test_levels_share_a_batch_and_its_keys(batches: Batches):
    """Keys of several levels are asked for once, in the order of asking; each level has its own, in its own order."""
    loader = batches.loader()
    first, second = loader.load_level([3, 1, 3]), loader.load_level([1, 2, 3])
    assert await asyncio.gather(first, second) == [["a3", "a1", "a3"], ["a1", "a2", "a3"]]
    assert batches.sent == [("a", [3, 1, 2])]


async def test_known_keys_are_answered_at_once(batches: Batches):
    """A level whose keys are all known is a list, not a future; of others only the unknown keys are sent."""
    loader = batches.loader()
    await loader.load_level([1, 2])
    assert loader.load_level([2, 1]) == ["a2", "a1"]
    assert await loader.load_level([2, 3]) == ["a2", "a3"]
    assert batches.sent == [("a", [1, 2]), ("a", [3])]


async def test_no_key_has_no_value(batches: Batches):
    """None is answered by None and never sent; a level without any key waits for nothing."""
    loader = batches.loader()
    assert loader.load_level([]) == []
    assert loader.load_level([None, None]) == [None, None]
    assert await loader.load_level([None, 1, None]) == [None, "a1", None]
    assert batches.sent == [("a", [1])]
    with pytest.raises(TypeError, match="None"):
        loader.load(None)


async def test_then_makes_the_answer_of_each_level(batches: Batches):
    """It is called once for a level, with the values in the level's order, whether they are known or come later."""
    loader, calls = batches.loader(), []

    def backwards(values: list[Any]) -> list[Any]:
        calls.append(values)
        return values[::-1]

    later, plain = loader.load_level([1, 2], backwards), loader.load_level([1, 2])
    assert await asyncio.gather(later, plain) == [["a2", "a1"], ["a1", "a2"]]
    assert loader.load_level([2, 1], backwards) == ["a1", "a2"]
    assert calls == [["a1", "a2"], ["a2", "a1"]]


async def test_then_that_fails_fails_its_level_only(batches: Batches):
    """The level next to it has its values; a level of known keys fails where it asks."""

    def fail(_: list[Any]) -> list[Any]:
        raise ValueError("no")

    loader = batches.loader()
    results = await asyncio.gather(loader.load_level([1], fail), loader.load_level([1]), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    assert results[1] == ["a1"]
    with pytest.raises(ValueError, match="no"):
        loader.load_level([1], fail)


async def test_a_failing_batch_fails_whoever_waits_for_its_keys(batches: Batches):
    """Levels and single keys of the batch; not those that are known, and not those of the next batch."""
    loader = batches.loader(answer=failing_for("bad"))
    assert await loader.load_level(["known"]) == ["known"]
    batches.gate.clear()
    failing = [
        loader.load_level(["known", "bad"]),
        loader.load_level(["good"]),
        loader.load("bad"),
        loader.load("good"),
    ]
    await batches.until_sent(2)
    after = [loader.load_level(["other", "known"]), loader.load("other")]
    batches.gate.set()
    results = await asyncio.gather(*failing, *after, return_exceptions=True)
    assert [type(result) for result in results[:4]] == [ValueError] * 4
    assert results[4:] == [["other", "known"], "other"]
    assert batches.sent[1:] == [("a", ["bad", "good"]), ("a", ["other"])]


async def test_a_key_that_failed_is_sent_again(batches: Batches):
    """The failure is not kept: what it means for later statements is the session's to say."""
    outcomes = iter([ValueError("no"), None])

    def answer(keys: list[Any]) -> Sequence[Any]:
        if error := next(outcomes):
            raise error
        return keys

    loader = batches.loader(answer=answer)
    level, single = loader.load_level([1]), loader.load(1)
    assert [type(one) for one in await asyncio.gather(level, single, return_exceptions=True)] == [ValueError] * 2
    assert not loader.knows([1])
    assert await asyncio.gather(loader.load_level([1]), loader.load(1)) == [[1], 1]


@pytest.mark.parametrize("wrong", [(), ("first",), ("second",), ("first", "second")])
async def test_a_level_waits_for_keys_of_two_batches(batches: Batches, wrong: tuple[str, ...]):
    """One that is under way and one that is yet to be sent; either may fail it. Nobody waits for ever."""
    loader = batches.loader(answer=failing_for(*wrong))
    batches.gate.clear()
    first = loader.load_level(["first"])
    await batches.until_sent(1)
    both, second = loader.load_level(["second", "first"]), loader.load_level(["second"])
    batches.gate.set()
    async with asyncio.timeout(PATIENCE):
        results = await asyncio.gather(first, both, second, return_exceptions=True)
    assert batches.sent == [("a", ["first"]), ("a", ["second"])]
    whole = [["first"], ["second", "first"], ["second"]]
    fails = ["first" in wrong, bool(wrong), "second" in wrong]
    for result, value, failed in zip(results, whole, fails, strict=True):
        assert isinstance(result, ValueError) if failed else result == value


async def test_primed_values_answer(batches: Batches):
    """At once where nobody asks yet, and never against what is known; a level that waits has them with its batch."""
    loader = batches.loader()
    assert loader.prime(1, "primed").load_level([1]) == ["primed"]
    loader.prime(1, "again")
    assert await loader.load(1) == "primed"
    waiting = loader.load_level([1, 2])
    loader.prime(3, "third")
    assert await waiting == ["primed", "a2"]
    assert loader.load_level([3, 2]) == ["third", "a2"]
    assert batches.sent == [("a", [2])]


async def test_a_level_is_answered_by_a_failing_batch_if_its_keys_were_primed(batches: Batches):
    """What is known by then does not fail."""
    loader = batches.loader(answer=failing_for(1))
    level, single, other = loader.load_level([1]), loader.load(1), loader.load_level([1, 2])
    loader.prime(1, "primed")
    results = await asyncio.gather(level, single, other, return_exceptions=True)
    assert results[:2] == [["primed"], "primed"]
    assert isinstance(results[2], ValueError)


async def test_single_keys_and_levels_share_batches_and_answers(batches: Batches):
    """Whichever way a key is asked for, it is sent once, and known to both afterwards."""
    loader = batches.loader()
    asked = loader.load(1), loader.load_level([2, 1]), loader.load(2), loader.load(3)
    assert await asyncio.gather(*asked) == ["a1", ["a2", "a1"], "a2", "a3"]
    assert loader.load_level([3, 1]) == ["a3", "a1"]
    await loader.load_level([4])
    assert await asyncio.gather(loader.load(4), loader.load(1)) == ["a4", "a1"]
    assert batches.sent == [("a", [1, 2, 3]), ("a", [4])]


async def test_keys_that_are_under_way_are_not_sent_again(batches: Batches):
    """Asked for either way while their batch runs, they come with it."""
    loader = batches.loader()
    batches.gate.clear()
    first = loader.load_level([1])
    await batches.until_sent(1)
    more = loader.load_level([1]), loader.load(1)
    batches.gate.set()
    assert await asyncio.gather(first, *more) == [["a1"], ["a1"], "a1"]
    assert batches.sent == [("a", [1])]


async def test_what_a_loader_knows(batches: Batches):
    """Keys that are answered, primed, asked for or under way, and None; not one that nobody asked for."""
    loader = batches.loader()
    assert loader.knows([])
    assert loader.knows([None])
    assert not loader.knows([1])
    loader.prime(2, "primed")
    batches.gate.clear()
    level = loader.load_level([1])
    assert loader.knows([1, 2, None])
    await batches.until_sent(1)
    assert loader.knows([1])
    single = loader.load(3)
    assert loader.knows([3, 1])
    assert not loader.knows([1, 4])
    batches.gate.set()
    await asyncio.gather(level, single)
    assert loader.knows([1, 2, 3])


async def test_a_value_that_is_an_exception_is_its_key_s_alone(batches: Batches):
    """Among the values of a level, and raised to whoever asks for the one key, again and again."""
    wrong = ValueError("no")
    loader = batches.loader(answer=lambda keys: [wrong if key == 1 else key for key in keys])
    level, single, other = loader.load_level([0, 1]), loader.load(1), loader.load(0)
    assert await level == [0, wrong]
    assert await other == 0
    for asked in (single, loader.load(1)):
        with pytest.raises(ValueError, match="no"):
            await asked
    assert loader.load_level([1, 0]) == [wrong, 0]
    loader.load(1)  # nobody waits for it, which is no mistake
    gc.collect()


async def test_whoever_gives_up_leaves_the_others_be(batches: Batches):
    """A level or a key that nobody waits for any more is no error, and the rest is answered."""
    loader = batches.loader()
    batches.gate.clear()
    level, single = loader.load_level([1]), loader.load(1)
    others = loader.load_level([1, 2]), loader.load(2), loader.load(1)
    await batches.until_sent(1)
    level.cancel()
    single.cancel()
    batches.gate.set()
    assert await asyncio.gather(*others) == [["a1", "a2"], "a2", "a1"]


@pytest.mark.parametrize(
    "surplus",
    [-1, 1],
)
async def test_a_batch_of_another_length_fails_all_its_keys(batches: Batches, surplus: int):
    """Too few or too many values: nobody can tell whose they are, so nobody gets any of them."""
    loader = batches.loader(answer=lambda keys: list(range(len(keys) + surplus)))
    asked = [loader.load_level(["x", "y"]), loader.load("y")]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 2
    assert not loader.knows(["y"])


async def test_a_batch_of_another_length_leaves_no_values(batches: Batches):
    """The first keys of a batch with too few values fail as the last does."""
    loader = batches.loader(answer=lambda keys: keys[:-1])
    first, last = loader.load_level(["x"]), loader.load_level(["y"])
    results = await asyncio.gather(first, last, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 2

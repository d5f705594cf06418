"""Schedule by itself: when the queues of a request are sent, and in which order."""

from __future__ import annotations

import asyncio

import pytest

from resolvers.loading import QUIET_TURNS
from tests.resolvers.test_level_loader import Batches


@pytest.fixture
async def batches() -> Batches:
    """Loaders of a schedule."""
    return Batches()


async def turns(count: int) -> None:
    """So many turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_nothing_is_sent_before_it_is_quiet(batches: Batches):
    """Keys that come a few turns apart still go together, over all their loaders."""
    a, b = batches.loader("a"), batches.loader("b")
    asked = []
    for key in range(3):
        asked += [a.load_level([key]), b.load(key)]
        await turns(QUIET_TURNS - 2)
    assert batches.sent == []
    await asyncio.gather(*asked)
    assert batches.sent == [("a", [0, 1, 2]), ("b", [0, 1, 2])]


async def test_idle_sends_at_once(batches: Batches):
    """An executor with nothing to do but wait for plain futures need not be listened to any longer: it sends itself."""
    level = batches.loader().load_level([1])
    other = batches.loader("b").load_level([1])
    work = batches.schedule.idle(coroutines=False)
    assert work is not None
    before = asyncio.all_tasks()
    await work
    assert asyncio.all_tasks() == before
    assert batches.sent == [("a", [1])]
    assert level.result() == ["a1"]
    assert await other == ["b1"]
    assert batches.schedule.idle(coroutines=False) is None


async def test_idle_with_coroutines_waits_until_it_is_quiet(batches: Batches):
    """They may still ask for more."""
    loader = batches.loader()
    level = loader.load_level([1])
    assert batches.schedule.idle(coroutines=True) is None
    await turns(3)
    assert batches.sent == []
    more = loader.load_level([2])
    assert await asyncio.gather(level, more) == [["a1"], ["a2"]]
    assert batches.sent == [("a", [1, 2])]


async def test_one_queue_at_a_time(batches: Batches):
    """What is asked for while a batch runs goes out after it, and an idle executor does not hurry it before that."""
    a, b = batches.loader("a"), batches.loader("b")
    batches.gate.clear()
    first = a.load_level([1])
    await batches.until_sent(1)
    second, third = b.load_level([1]), a.load_level([2])
    assert batches.schedule.idle(coroutines=False) is None
    await turns(3 * QUIET_TURNS)
    assert batches.sent == [("a", [1])]
    batches.gate.set()
    await asyncio.gather(first, second, third)
    assert batches.sent == [("a", [1]), ("b", [1]), ("a", [2])]


async def test_trees_go_first(batches: Batches):
    """Their levels let the deeper ones ask for the same things."""
    a, tree, b = batches.loader("a"), batches.loader("tree", tree=True), batches.loader("b")
    await asyncio.gather(a.load_level([1]), b.load(1), tree.load_level([1]))
    assert [name for name, _ in batches.sent] == ["tree", "a", "b"]


async def test_an_answer_is_looked_at_before_the_next_queue_goes(batches: Batches):
    """What its reader asks for then joins the queue that is waiting, although an executor was idle before."""
    tree, other = batches.loader("tree", tree=True), batches.loader("other")

    async def reader() -> list[str]:
        await tree.load_level([1])
        await turns(QUIET_TURNS - 2)
        return await other.load_level([2])

    task = asyncio.create_task(reader())
    await turns(1)
    waiting = other.load_level([1])
    work = batches.schedule.idle(coroutines=False)
    assert work is not None
    await work
    assert await asyncio.gather(task, waiting) == [["other2"], ["other1"]]
    assert batches.sent == [("tree", [1]), ("other", [1, 2])]


async def test_a_failing_batch_does_not_stop_the_others(batches: Batches):
    """The schedule goes on with the next queue, and with later ones."""

    def fail(_: list[int]) -> list[int]:
        raise ValueError("no")

    bad, good = batches.loader("bad", fail), batches.loader("good")
    results = await asyncio.gather(bad.load_level([1]), good.load_level([1]), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    assert results[1] == ["good1"]
    assert await good.load(2) == "good2"


async def test_it_starts_again_after_it_has_run_dry(batches: Batches):
    """Each time somebody asks."""
    loader = batches.loader()
    for key in range(3):
        assert await loader.load_level([key]) == [f"a{key}"]
        await turns(2)
    assert [keys for _, keys in batches.sent] == [[0], [1], [2]]


@pytest.mark.parametrize("sent", [0, 1])
async def test_close_stops_sending(batches: Batches, sent: int):
    """Before a queue is sent or while its batch runs; whoever waits is left waiting, and no task is left."""
    before = asyncio.all_tasks()
    batches.gate.clear()
    level = batches.loader().load_level([1])
    later = batches.loader("later").load_level([1])
    await batches.until_sent(sent)
    await batches.schedule.close()
    batches.gate.set()
    await turns(2 * QUIET_TURNS)
    assert len(batches.sent) == sent
    assert not level.done()
    assert not later.done()
    assert asyncio.all_tasks() == before


async def test_close_without_anything_sent_or_after_all_is_answered(batches: Batches):
    """Nothing happens."""
    await batches.schedule.close()
    await batches.loader().load_level([1])
    await batches.schedule.close()
    await batches.schedule.close()

"""The executor's loop: mutations in turn, what it says when it waits, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from graphql import ExecutionResult

from resolvers.executor.objects import MAX_NESTING
from tests.executor.small import run, run_async, schema, start, told
from tests.waiting import PATIENCE

TEXT = """
    type Query { a: Int  b: Int  sure: Int!  node: Node  nodes: [Node!]  rows: [[Node]] }
    type Node { a: Int  b: Int  sure: Int!  node: Node }
    type Mutation { first: Int  sure: Int!  deep: Deep!  last: Int }
    type Deep { sure: Int! }
"""


async def turns(count: int) -> None:
    """So many turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


def noting(log: list[str], name: str, value: Any, *, later: bool = True) -> Callable[..., Any]:
    """A level resolver of one object, which notes when it begins and ends. Exceptions are raised."""

    def finish() -> list[Any]:
        log.append(f"{name} ends")
        if isinstance(value, Exception):
            raise value
        return [value]

    async def wait() -> list[Any]:
        await turns(3)
        return finish()

    def resolve(*_: Any) -> Any:
        log.append(f"{name} begins")
        return wait() if later else finish()

    return resolve


def hanging(log: list[str]) -> Callable[..., Any]:
    """A level resolver that waits for ever, and notes that it is cancelled."""

    async def resolve(sources: list[Any], *_: Any) -> list[Any]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append(f"cancelled for {len(sources)}")
            raise
        return []

    return resolve


async def perform(built: Any, query: str, *, later: bool) -> Any:
    """What an operation returns, waiting or not."""
    return await run_async(built, query) if later else run(built, query)


@pytest.mark.parametrize("later", [True, False])
async def test_mutations_run_in_turn(later: bool):
    """Each is finished, with everything below it, before the next begins; a nullable one that fails is no obstacle."""
    log: list[str] = []
    built = schema(
        TEXT,
        {
            "Mutation.first": noting(log, "first", ValueError("no"), later=later),
            "Mutation.deep": noting(log, "deep", {}, later=later),
            "Deep.sure": noting(log, "sure", 7, later=later),
            "Mutation.last": noting(log, "last", 9, later=later),
        },
    )
    query = "mutation { last deep { sure } first again: last }"
    assert await perform(built, query, later=later) == (
        {"last": 9, "deep": {"sure": 7}, "first": None, "again": 9},
        [(["first"], "no")],
    )
    order = ("last", "deep", "sure", "first", "last")
    assert log == [f"{name} {what}" for name in order for what in ("begins", "ends")]


@pytest.mark.parametrize("later", [True, False])
@pytest.mark.parametrize("value", [ValueError("no"), None])
@pytest.mark.parametrize("field", ["sure", "deep { sure }"])
async def test_a_mutation_that_nulls_everything_stops_the_rest(field: str, value: Any, later: bool):
    """Nobody would see what the others did, and they might rest on it."""
    log: list[str] = []
    built = schema(
        TEXT,
        {
            "Mutation.first": noting(log, "first", 1, later=later),
            "Mutation.sure": noting(log, "sure", value, later=later),
            "Mutation.deep": noting(log, "deep", {}, later=False),
            "Deep.sure": noting(log, "sure", value, later=later),
            "Mutation.last": noting(log, "last", 9, later=later),
        },
    )
    data, ((path, _),) = await perform(built, f"mutation {{ first {field} last }}", later=later)
    assert data is None
    assert path[-1] == "sure"
    assert "last begins" not in log
    assert log[:2] == ["first begins", "first ends"]


def nested(field: str, count: int) -> str:
    """An operation with a field so many times within itself; in fragments, because parsing goes only so deep."""
    names = [f"F{number}" for number in range(count)]
    fragments = [f"fragment {name} on Node {{ {field} {{ ...{below} }} }}" for name, below in pairwise([*names, "End"])]
    first = names[0] if names else "End"
    return "\n".join([f"{{ a node {{ ...{first} }} }}", *fragments, "fragment End on Node { a }"])


def test_nesting_has_a_limit():
    """Up to it all is answered; beyond it there is an error where it begins, and the rest is answered."""
    node: dict[str, Any] = {"a": 1}
    node["node"] = node
    built, inner = schema(TEXT), MAX_NESTING - 2  # within the root and its node
    data, errors = run(built, nested("node", inner), node)
    assert errors == []
    for _ in range(inner + 1):
        data = data["node"]
    assert data == {"a": 1}
    result = start(built, nested("node", inner + 1), node)
    assert isinstance(result, ExecutionResult)
    assert result.data is not None
    assert result.data["a"] == 1
    ((path, code),) = [(error.path, error.extensions) for error in result.errors or ()]
    assert (path, code) == (["node"] * MAX_NESTING, {"code": "NESTED_TOO_DEEPLY"})


def test_lists_count_as_nesting():
    """Each list is a level of the response's JSON as an object is."""
    node: dict[str, Any] = {"a": 1}
    node["nodes"] = [node]
    built = schema("type Query { a: Int  node: Node } type Node { a: Int  nodes: [Node] }")
    inner = (MAX_NESTING - 2) // 2
    assert run(built, nested("nodes", inner), {"node": node})[1] == []
    ((path, _),) = run(built, nested("nodes", inner + 1), {"node": node})[1]
    assert len(path) == MAX_NESTING + 1


async def test_it_says_when_it_only_waits():
    """Whether coroutines are among what it waits for; not at all where there is nothing to wait for."""
    idle: list[bool] = []
    plain = asyncio.get_running_loop().create_future()
    pause = asyncio.Event()

    async def slow(*_: Any) -> list[int]:
        await pause.wait()
        return [2]

    def when_idle(coroutines: bool) -> None:
        idle.append(coroutines)
        if coroutines:
            pause.set()
        elif not plain.done():
            plain.set_result([1])

    built = schema(TEXT, {"Query.a": lambda *_: plain, "Query.b": slow})
    assert await run_async(built, "{ a b }", when_idle=when_idle) == ({"a": 1, "b": 2}, [])
    assert idle == [True, False]
    idle.clear()
    assert await run_async(built, "{ a sure }", {"sure": 3}, when_idle=when_idle) == ({"a": 1, "sure": 3}, [])
    assert run(schema(TEXT), "{ a }", {"a": 1}, when_idle=when_idle) == ({"a": 1}, [])
    assert idle == []


async def test_it_awaits_the_work_that_it_is_given_when_it_only_waits():
    """In its own task; what has arrived by then is taken at once, and it asks again where nothing has."""
    a, b = (asyncio.get_running_loop().create_future() for _ in range(2))
    work: list[asyncio.Future[Any] | None] = [None, a, b]

    async def settle(future: asyncio.Future[Any] | None) -> None:
        await asyncio.sleep(0)
        if future is not None:
            future.set_result([asyncio.current_task() is caller])

    def when_idle(_: bool) -> Any:
        return settle(work.pop(0))

    built = schema(TEXT, {"Query.a": lambda *_: a, "Query.b": lambda *_: b})
    caller = asyncio.current_task()
    assert await run_async(built, "{ a b }", when_idle=when_idle) == ({"a": 1, "b": 1}, [])
    assert work == []


async def test_it_does_what_it_can_before_it_waits():
    """All fields have been resolved, and what they yielded as far down as it goes, before anything is awaited."""
    log: list[str] = []

    def when_idle(_: bool) -> None:
        log.append("idle")

    built = schema(
        TEXT,
        {
            "Query.a": noting(log, "a", 1),
            "Query.node": noting(log, "node", {}, later=False),
            "Node.a": noting(log, "below", 3),
            "Query.b": noting(log, "b", 2, later=False),
        },
    )
    await run_async(built, "{ a node { a } b }", when_idle=when_idle)
    assert log[:7] == ["a begins", "node begins", "node ends", "b begins", "b ends", "below begins", "idle"]


async def test_cancelled_it_cancels_what_it_waits_for():
    """Coroutines, those of level resolvers and of single objects; a plain future belongs to somebody else."""
    log: list[str] = []
    plain = asyncio.get_running_loop().create_future()
    built = schema(TEXT, {"Query.a": hanging(log), "Node.a": hanging(log), "Query.b": lambda *_: plain})
    before = asyncio.all_tasks()
    root = {"nodes": [{}, {}], "sure": asyncio.sleep(60, 1)}
    task = asyncio.ensure_future(run_async(built, "{ a b sure nodes { a } }", root))
    await turns(5)
    assert len(asyncio.all_tasks() - before) == 4
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await turns(3)
    assert sorted(log) == ["cancelled for 1", "cancelled for 2"]
    assert not plain.cancelled()
    assert asyncio.all_tasks() == before


async def test_cancelled_as_soon_as_it_waits_it_leaves_no_coroutine():
    """Its coroutines have hardly begun; none of them is left that nobody awaited."""
    log: list[str] = []
    built = schema(TEXT, {"Query.a": hanging(log)})
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(run_async(built, "{ a }"))
    await turns(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await turns(2)
    gc.collect()
    assert (log, asyncio.all_tasks()) == (["cancelled for 1"], before)


async def test_what_null_has_swept_away_is_not_waited_for():
    """A non-null field fails: the coroutines below its object are cancelled, and the answer comes without them."""
    log: list[str] = []
    built = schema(TEXT, {"Node.a": hanging(log), "Node.sure": noting([], "sure", ValueError("no"))})
    result = await asyncio.wait_for(run_async(built, "{ b node { a sure } }", {"b": 1, "node": {}}), PATIENCE)
    assert result == ({"b": 1, "node": None}, [(["node", "sure"], "no")])
    await turns(2)
    assert log == ["cancelled for 1"]


async def test_a_level_is_waited_for_while_one_of_its_objects_lives():
    """The failure of one object's non-null field does not take its siblings' values along."""

    async def slow(sources: list[Any], *_: Any) -> list[int]:
        await turns(10)
        return [5] * len(sources)

    built = schema("type Query { nodes: [Node] } type Node { a: Int  sure: Int! }", {"Node.a": slow})
    root = {"nodes": [{"sure": 1}, {"sure": ValueError("no")}]}
    assert await run_async(built, "{ nodes { a sure } }", root) == (
        {"nodes": [{"a": 5, "sure": 1}, None]},
        [(["nodes", 1, "sure"], "no")],
    )


async def test_executions_at_the_same_time_share_plans_but_no_values():
    """One document, executed many times over at once."""

    async def answer(sources: list[Any], info: Any, _: Any) -> list[Any]:
        await turns(info.context["turns"])
        return [source["value"] for source in sources]

    built = schema(TEXT, {"Query.a": answer, "Node.a": answer})

    async def one(number: int) -> Any:
        root = {"value": number, "nodes": [{"value": number + 1}, {"value": number + 2}]}
        return told(await start(built, "{ a nodes { a } }", root, context_value={"turns": number % 7}))

    for number, result in enumerate(await asyncio.gather(*map(one, range(50)))):
        assert result == ({"a": number, "nodes": [{"a": number + 1}, {"a": number + 2}]}, [])

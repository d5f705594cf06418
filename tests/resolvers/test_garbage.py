"""Memory: what a request needed is gone when it is over, without the help of the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
import weakref

import pytest

from resolvers.execution import Engine
from resolvers.executor import BreadthFirstExecutor
from resolvers.executor.level import Column, Level
from resolvers.loading import LevelLoader, Loaders
from sql.driver import Row
from tests.conftest import Ask

pytestmark = pytest.mark.database

EVERYTHING = """{ tenant { rootGroups { name children { name rollup { vehicleCount } vehicles(first: 3) { totalCount
  nodes { label fleetGroup { name } events(first: 2) { nodes { id payload ... on FuelPurchase { gallons } } } } } } } }
  node(id: "%s") { id } }"""
NOBODY = "00000000-0000-0000-0000-000000000000"
OURS = (BreadthFirstExecutor, Level, Column, LevelLoader, Loaders, Row)


async def test_a_request_leaves_nothing_to_the_garbage_collector(ask: Ask):
    """No executor, level, loader or row is alive after the answer."""
    await ask(EVERYTHING % NOBODY, "owner@enterprise.example")
    gc.collect()
    before = {id(one) for one in gc.get_objects()}
    gc.disable()
    try:
        await ask(EVERYTHING % NOBODY, "owner@enterprise.example")
        await asyncio.sleep(0)  # the loop holds what it was asked to call until its next turn
        left = [type(one).__name__ for one in gc.get_objects() if isinstance(one, OURS) and id(one) not in before]
    finally:
        gc.enable()
    assert left == []


@pytest.mark.parametrize("text", ["{ nothing }", "{", "{a(", '{ tenant(a: "%s") { name } }' % ("x" * 1000)])
def test_errors_of_a_document_hold_on_to_nobody(engine: Engine, text: str):
    """What was read is gone with the last who knows it, but for what the parser's tokens hold."""
    engine.document(text)
    gc.collect()
    gc.disable()
    try:
        document = engine.document(text)
        assert document.errors
        read = weakref.ref(document)
        del document
        assert read() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("text", ["{a(b: ", "{ nothing # ", "{ viewer { email } } # "])
def test_large_documents_do_not_wait_for_the_garbage_collector(engine: Engine, text: str):
    """However few objects hold on to them: refused ones, and those that are too large to be kept."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        engine.document(text + "x" * 90_000)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(200):
            engine.document(text + f"{number:x<90000}")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert peak - before < 12_000_000

"""Memory: what a request needed is gone when it is over, without the help of the garbage collector."""

from __future__ import annotations

import asyncio
import gc

import pytest

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

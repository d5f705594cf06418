"""A pytest plugin: graphql-core's own tests run with the executor class that EXECUTOR names, as module:class.

Loaded with ``-p`` from this folder, which must not be a package of ours: graphql-core's tests are a package named
``tests`` as well. The class becomes the default of every function that executes, and what ``Executor`` means to a test
that imports it. Which tests built an executor of that class, and how each went, is written to the file REPORT as JSON.
ONLY, if it is set, is a file with the ids of the tests to run, as a JSON list.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any

import graphql
import graphql.execution
import pytest
from graphql.execution import Executor

SECONDS = 20  # for one test; the slowest takes a fraction of one

module, _, name = os.environ["EXECUTOR"].partition(":")
named: type[Executor] = getattr(import_module(module), name)


class UnderTest(named):  # type: ignore[misc,valid-type]
    """The class under test, told apart from the classes that a test names itself."""


# ``graphql.execution.execute`` is the function; the module behind it is where the default classes are looked up.
functions = import_module("graphql.execution.execute")
for default in ("IncrementalExecutor", "ExecutorThrowingOnIncremental"):
    assert isinstance(getattr(functions, default), type), f"graphql-core has no {default} any more"
    setattr(functions, default, UnderTest)
for package in (graphql, graphql.execution):
    package.Executor = UnderTest  # type: ignore[misc]

outcomes: dict[str, dict[str, Any]] = {}
built: list[type[Executor]] = []
original_init = Executor.__init__


def noticing(self: Executor[Any], *args: Any, **kwargs: Any) -> None:
    """Notes that an executor of the class under test was built."""
    if isinstance(self, UnderTest):
        built.append(type(self))
    original_init(self, *args, **kwargs)


Executor.__init__ = noticing  # type: ignore[method-assign]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the tests of ONLY."""
    if "ONLY" in os.environ:
        only = set(json.loads(Path(os.environ["ONLY"]).read_text()))
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in only])
        items[:] = [item for item in items if item.nodeid in only]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Notes whether a test built an executor, and ends a test that hangs."""

    def too_long(*_: object) -> None:
        pytest.fail(f"took longer than {SECONDS} seconds")

    built.clear()
    outcomes[item.nodeid] = {"passed": True, "executed": False, "why": ""}
    previous = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
        outcomes[item.nodeid]["executed"] = bool(built)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes how a test went: it passes when its setup, call and teardown do."""
    if not report.passed:
        outcomes[report.nodeid]["passed"] = False
        outcomes[report.nodeid]["why"] += report.longreprtext


def pytest_sessionfinish(exitstatus: int) -> None:
    """Writes the report."""
    Path(os.environ["REPORT"]).write_text(json.dumps({"status": int(exitstatus), "outcomes": outcomes}))

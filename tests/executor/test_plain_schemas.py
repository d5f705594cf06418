"""Schemas and values made up at random, on both executors: whatever resolvers return, one answer.

Without anything asynchronous the answers are equal, errors and their order included. Where something has to be waited
for, they are equal as far as ``tests.executor.comparison`` says.
"""

from __future__ import annotations

import asyncio
import os

from graphql import ExecutionResult, build_schema, execute, parse, validate
from graphql.execution import Executor
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from resolvers.executor import BreadthFirstExecutor, Plans
from tests.executor.comparison import Answer, differences, recording, without_propagation
from tests.executor.leftovers import TURNS, swept, unawaited
from tests.executor.operations import operations
from tests.executor.plain_leaves import ODD
from tests.executor.plain_schemas import Later, plains

EXAMPLES = int(os.environ.get("MOTOMIND_DIFFERENTIAL_EXAMPLES", "200"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="MOTOMIND_DIFFERENTIAL_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
VALUES = {ODD.name: st.sampled_from([1, 3])}
TOO_DEEP = "Maximum introspection depth exceeded"


def started(plain, operation, executor):
    """An execution for each set of variables, without propagation and with it: results, or awaitables of them."""
    tree = parse(operation.text)
    refused = [error.message for error in validate(plain.schema, tree)]
    assume(TOO_DEEP not in refused)
    assert refused == []
    documents = [(document, Plans()) for document in (without_propagation(tree), tree)]
    for variables in operation.variables:
        for document, plans in documents:
            kept = {"plans": plans} if executor is BreadthFirstExecutor else {}
            yield execute(plain.schema, document, plain.root(), None, dict(variables), executor_class=executor, **kept)


async def awaited(results):
    """The answers, each when everything that its execution began has ended."""
    before, answers = len(asyncio.all_tasks()), []
    for result in results:
        answers.append(Answer.of(result if isinstance(result, ExecutionResult) else await result))
        for _ in range(TURNS):
            if len(asyncio.all_tasks()) <= before:
                break
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= before, "something is left running"
    return answers


def deviations(stock, ours, types, **options):
    """What is otherwise than it may be, for each set of variables in turn."""
    pairs = [slice(at, at + 2) for at in range(0, len(stock), 2)]
    return [one for pair in pairs for one in differences(stock[pair], ours[pair], types, **options)]


@given(data=st.data(), plain=plains(asynchronous=False))
@SETTINGS
def test_synchronous_executions_are_equal(data, plain):
    """Data, errors and their order; and neither executor makes anybody wait."""
    operation = data.draw(operations(plain.schema, scalars=VALUES, budget=25))
    note(f"{operation.text}\n{operation.variables}")
    types = {}
    stock = list(started(plain, operation, recording(Executor, types)))
    ours = list(started(plain, operation, BreadthFirstExecutor))
    assert all(isinstance(result, ExecutionResult) for result in stock + ours)
    found = deviations(list(map(Answer.of, stock)), list(map(Answer.of, ours)), types, synchronous=True)
    assert found == []


@unawaited
@given(data=st.data(), plain=plains(asynchronous=True))
@SETTINGS
async def test_asynchronous_executions_agree(data, plain):
    """Whatever is awaited, and in whichever order it arrives."""
    operation = data.draw(operations(plain.schema, scalars=VALUES, budget=25))
    note(f"{operation.text}\n{operation.variables}")
    types = {}
    with swept():
        stock = await awaited(started(plain, operation, recording(Executor, types)))
        plain.left()
        ours = await awaited(started(plain, operation, BreadthFirstExecutor))
        left = plain.left()
    assert deviations(stock, ours, types, synchronous=False, streams=plain.streams) == []
    assert plain.streams or not left, "some coroutine was not awaited"


async def test_what_is_given_up_takes_nothing_with_it():
    """An error ends the waiting for what is beside it in a list; the next list, which was ready, has its objects."""
    schema = build_schema("type Query { lists: [[Thing!]] }  type Thing { value: Int }")
    root = {"lists": [[ValueError("no"), Later({"value": 1}, 3)], [{"value": 2}]]}
    result = execute(schema, parse("{ lists { value } }"), root, executor_class=BreadthFirstExecutor)
    answer = result if isinstance(result, ExecutionResult) else await result
    assert answer.data == {"lists": [None, [{"value": 2}]]}
    assert [error.path for error in answer.errors or ()] == [["lists", 0, 0]]

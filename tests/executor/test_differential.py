"""The gateway's schema on both executors: random operations, random faults, one answer.

Every operation that hypothesis draws is executed on the demo four times, each in a transaction of its own: by
graphql-core's executor and by ours, without error propagation and with it. What the four answers have to do with each
other is told in ``tests.executor.comparison``: the data is the same to the byte, keys in the same order; without
propagation both report the same errors, with it each reports one for every position that is null, which is one and the
same wherever there is only one.

MOTOMIND_DIFFERENTIAL_EXAMPLES says how many operations are drawn, the same ones each time; ``make differential`` draws
thousands, other ones each time.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NoReturn

import pytest
from graphql import GraphQLNamedType, GraphQLOutputType, IntValueNode, StringValueNode
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.execution import Document, Engine
from resolvers.schema import build
from resolvers.upload_url import UrlSigner
from sql.database import Database
from sql.embedded import Addresses
from sql.errors import StatementFailedError
from sql.people import member
from sql.session import Caller
from tests.conftest import UNLIMITED, Ask
from tests.executor.comparison import Answer, Place, differences, recording, without_propagation
from tests.executor.faults import Faults
from tests.executor.leftovers import TURNS, swept, unawaited
from tests.executor.operations import Operation, operations

pytestmark = pytest.mark.database

EXAMPLES = int(os.environ.get("MOTOMIND_DIFFERENTIAL_EXAMPLES", "200"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="MOTOMIND_DIFFERENTIAL_EXAMPLES" not in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

STOCK = StrawberryGraphQLCoreExecutionContext  # graphql-core's executor, with the info that Strawberry's resolvers take
PEOPLE = [
    ("owner@enterprise.example", "Enterprise"),
    ("viewer@enterprise.example", "Enterprise"),
    ("dispatcher@enterprise.example", "Enterprise"),
    ("owner@medium.example", "Medium"),
    ("owner@solo.example", "Solo"),
]
SOME_IDS = """{ viewer { id } tenant { id } fleetGroups(first: 4) { nodes { id } } vehicles(first: 4) { nodes { id } }
  events(first: 6) { nodes { id } } uploads(first: 2) { nodes { id } } explanations(first: 2) { nodes { id } }
  eventStream(first: 2) { nodes { id } } auditTrail(first: 2) { nodes { id } } }"""
UNKNOWN = ["0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9", "no id"]
DAYS = st.integers(0, 300).map(lambda days: (date(2026, 1, 1) + timedelta(days)).isoformat())
SCHEMA = build()._schema  # noqa: SLF001 - to draw operations from; executed is another
TOO_DEEP = "Maximum introspection depth exceeded"
RATES = st.sampled_from([0, 20, 80, 250])


def ids(found):
    """The ids in an answer, in order."""
    if isinstance(found, list):
        return [id_ for item in found for id_ in ids(item)]
    if isinstance(found, dict):
        return [id_ for key, item in found.items() for id_ in ([item] if key == "id" else ids(item))]
    return []


@pytest.fixture(scope="session")
async def some_ids(ask: Ask) -> list[str]:
    """Ids of all kinds of objects, of two tenants, and two that are none."""
    answers = [await ask(SOME_IDS, person, tenant) for person, tenant in (PEOPLE[0], PEOPLE[3])]
    return [*dict.fromkeys(id_ for answer in answers for id_ in ids(answer.data)), *UNKNOWN]


@dataclass(frozen=True)
class Both:
    """Both executors, on schemas with the same faults."""

    database: Database
    callers: list[Caller]
    faults: Faults
    types: dict[Place, GraphQLOutputType]
    stock: Engine
    ours: Engine
    faultless: Engine

    async def differences(self, operation: Operation, person: int, seed: int, per_mille: int) -> list[str]:
        """What is otherwise than it may be, for each set of variables in turn."""
        self.faults.seed, self.faults.per_mille = seed, per_mille
        ours = self.ours if per_mille else self.faultless
        documents = [(engine, engine._read(operation.text)) for engine in (self.stock, ours)]  # noqa: SLF001
        found = []
        for variables in operation.variables:
            self.types.clear()
            answers = []
            for engine, document in documents:
                assume(document.tree is not None or TOO_DEEP not in document.errors[0].message)
                assert document.tree is not None, f"{document.errors}\n{operation.text}"
                everything = replace(document, tree=without_propagation(document.tree))
                for one in (Document(everything.tree), document):
                    answers.append(await self.answer(engine, one, variables, person))  # noqa: PERF401
            found += differences(answers[:2], answers[2:], self.types, synchronous=False)
        return found

    async def answer(self, engine: Engine, document: Document, variables: dict, person: int) -> Answer:
        """The answer of an executor, in a transaction of its own."""
        before = len(asyncio.all_tasks())
        async with self.database.session(self.callers[person]) as session:
            result = await engine.execute(document, session, dict(variables), None)
            assert session.failure is None, "a statement failed"
            session.fetch = over  # type: ignore[method-assign]  # graphql-core may have left something running
        for _ in range(TURNS):
            if len(asyncio.all_tasks()) <= before:
                break
            await asyncio.sleep(0)
        return Answer.of(result)


async def over(*_: object, **__: object) -> NoReturn:
    """In the place of a session's fetch."""
    raise StatementFailedError("The transaction is over.")


@pytest.fixture(scope="session")
async def both(demo: Addresses, database: Database) -> Both:
    """Both executors on the demo."""
    faults, callers, types = Faults(), [], {}
    for person, tenant in PEOPLE:
        found = await member(demo.owner, person, tenant)
        assert found.tenant_id is not None
        callers.append(Caller(found.user_id, found.tenant_id))
    schema = build()
    faults.install(schema._schema)  # noqa: SLF001
    signer = UrlSigner(bytes(32), clock=lambda: 0.0)  # the same URLs from all of them, whenever they are asked
    stock = Engine(schema, limits=UNLIMITED, executor_class=recording(STOCK, types), signer=signer)
    ours = Engine(schema, limits=UNLIMITED, signer=signer)
    faultless = Engine(build(), limits=UNLIMITED, signer=signer)
    return Both(database, callers, faults, types, stock, ours, faultless)


def wraps(type_: GraphQLNamedType) -> bool:
    """Whether a type is a connection's own, below which a level more is selected."""
    return type_.name.endswith(("Connection", "Edge"))


def scalars(known: list[str]) -> dict[str, st.SearchStrategy]:
    """Values of scalars that find something now and then."""
    return {
        "ID": st.sampled_from(known),
        "Date": DAYS,
        "DateTime": DAYS.map("{}T08:00:00Z".format),
        "Decimal": st.sampled_from(["1.5", "0"]),
        "JSON": st.sampled_from([{}, {"gallons": 10}, {"service_type": "oil_change"}, [1, "a"], "text", None, 1.5]),
        "String": st.sampled_from(["a", "US", "Van 1", "%", ""]),
    }


@unawaited
@given(data=st.data(), person=st.integers(0, len(PEOPLE) - 1), seed=st.integers(0, 2**32), per_mille=RATES)
@SETTINGS
async def test_random_operations_have_one_answer(both: Both, some_ids: list[str], data, person, seed, per_mille):
    """Of any shape that a document can have: see ``tests.executor.operations``."""
    operation = data.draw(operations(SCHEMA, scalars=scalars(some_ids), passes=wraps))
    note(f"{operation.text}\n{operation.variables}")
    with swept():
        assert await both.differences(operation, person, seed, per_mille) == []


@unawaited
@given(data=st.data(), person=st.integers(0, len(PEOPLE) - 1), seed=st.integers(0, 2**32), per_mille=RATES)
@settings(SETTINGS, max_examples=EXAMPLES // 4)
async def test_operations_of_hypothesis_graphql_have_one_answer(
    both: Both, some_ids: list[str], data, person, seed, per_mille
):
    """Drawn by somebody else, with all arguments of every field: mostly about those that are refused."""
    nodes = {name: values.map(node) for name, values in scalars(some_ids).items() if name != "JSON"}
    integers = st.sampled_from([1, 1, 2, 0, -1]).map(lambda value: IntValueNode(value=str(value)))
    text = data.draw(queries(SCHEMA, custom_scalars={**nodes, "Int": integers, "JSON": nodes["String"]}))
    note(text)
    with swept():
        assert await both.differences(Operation(text, ({},)), person, seed, per_mille) == []


async def test_nothing_is_asked_for_when_the_transaction_is_over(both: Both, ask: Ask):
    """An error that nulls the root does not leave other fields running: the connection is somebody else's by then."""
    found = await ask("{ uploads(first: 1) { nodes { id } } }", *PEOPLE[0])
    (upload,) = ids(found.data)
    document = both.faultless.document(
        f'{{ uploads(first: 1, last: 1) {{ totalCount }} node(id: "{upload}") {{ id }} }}'
    )
    before = asyncio.all_tasks()
    async with both.database.session(both.callers[0]) as session:
        result = await both.faultless.execute(document, session, None, None)
        issued = len(session.issued)
    assert result.data is None
    while left := asyncio.all_tasks() - before:
        await asyncio.wait(left)
    assert [statement.name for statement in session.issued[issued:]] == []


def node(text: str) -> StringValueNode:
    """A literal."""
    return StringValueNode(value=text)

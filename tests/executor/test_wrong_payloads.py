"""Payloads that are not what their type says, although the database lets none in: told in their places."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from api import app, auth
from api.settings import Settings
from resolvers.execution import Engine, graphql_core_executor
from resolvers.executor import BreadthFirstExecutor
from resolvers.schema import build
from sql.database import Database, PoolSettings
from sql.session import Caller
from tests.conftest import Databases, migrated, name_of  # noqa: F401 - the fixture

pytestmark = pytest.mark.database

OURS, STOCK = BreadthFirstExecutor, graphql_core_executor()
BOTH = pytest.mark.parametrize("executor", [OURS, STOCK], ids=["breadth first", "graphql-core"])
RIGHT = {
    "odometer_reading": {"miles": 7, "ocr_confidence": 90},
    "fuel_purchase": {"gallons": 9.5, "odometer_miles": 7},
    "maintenance": {"service_type": "oil_change"},
    "issue_report": {"severity": "low", "description": "It squeaks."},
    "trip_batch": {"trips": [{"start": "a", "end": "b", "miles": 1.5}]},
}
# What is wrong: the event's type, its payload as JSON, what is asked of it, and the error's path below it and message.
WRONG = [
    ("trip_batch", "{}", "trips { miles }", ["trips"], "'trips'"),
    ("trip_batch", '{"trips": null}', "trips { miles }", ["trips"], "not iterable"),
    ("trip_batch", '{"trips": "two"}', "trips { miles }", ["trips"], "string indices"),
    ("trip_batch", '{"trips": [{"miles": 1}]}', "trips { miles }", ["trips"], "'start'"),
    (
        "trip_batch",
        '{"trips": [{"start": "a", "end": "b", "miles": 1, "idle_minutes": "many"}]}',
        "trips { miles }",
        ["trips"],
        "could not convert",
    ),
    (
        "trip_batch",
        '{"trips": [{"start": "a", "end": "b", "miles": null}]}',
        "trips { miles }",
        ["trips", 0, "miles"],
        "",
    ),
    ("trip_batch", '{"trips": [{"start": {}, "end": "b", "miles": 1}]}', "trips { startedAt }", None, "String cannot"),
    ("maintenance", "{}", "serviceType", ["serviceType"], "'service_type'"),
    ("maintenance", "[]", "serviceType", ["serviceType"], "list indices"),
    ("issue_report", '{"severity": "low"}', "description", ["description"], "'description'"),
    ("issue_report", '{"severity": "dire", "description": ""}', "severity", ["severity"], "IssueSeverity"),
    ("issue_report", '{"severity": 7, "description": ""}', "severity", ["severity"], "IssueSeverity"),
    ("odometer_reading", '{"miles": "seven"}', "miles", ["miles"], "Cannot return null"),
    ("odometer_reading", '{"miles": 7, "ocr_confidence": "high"}', "ocrConfidence", ["ocrConfidence"], "could not"),
    ("odometer_reading", '{"miles": 7, "ocr_confidence": "nan"}', "ocrConfidence", ["ocrConfidence"], "Float cannot"),
    ("odometer_reading", '{"miles": 7, "ocr_confidence": 1e400}', "ocrConfidence", ["ocrConfidence"], "too large"),
    ("odometer_reading", '"text"', "source", ["source"], "'get'"),
    ("fuel_purchase", '{"gallons": "nine"}', "gallons", ["gallons"], "Cannot return null"),
    ("fuel_purchase", "[]", "fuelType", ["fuelType"], "'get'"),
]
NULLABLE = {"ocrConfidence", "source", "fuelType"}


@dataclass(frozen=True)
class Fleet:
    """A database that takes any payload, with one vehicle, and its owner."""

    owner: str
    gateway: str
    caller: Caller
    vehicle: Any

    async def record(self, event_type: str, payload: str) -> str:
        """The id of a new event."""
        connection = await asyncpg.connect(self.owner)
        try:
            id_ = await connection.fetchval(
                "insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)"
                " values ($1, $2, $3, $4::text::jsonb, $5, now()) returning id",
                *(self.caller.tenant_id, self.vehicle, event_type, payload, self.caller.user_id),
            )
        finally:
            await connection.close()
        return str(id_)


@pytest.fixture(scope="module")
async def fleet(databases: Databases, migrated: Any) -> AsyncIterator[Fleet]:  # noqa: F811 - the fixture
    """A fleet whose events may be wrong."""
    addresses = databases.make(name_of(migrated))
    connection = await asyncpg.connect(addresses.owner)
    tenant = await connection.fetchval("insert into tenants (name, kind) values ('T', 'org') returning id")
    user = await connection.fetchval("insert into users (email, name) values ('o@t.example', 'O') returning id")
    await connection.execute(
        "insert into memberships (tenant_id, user_id, role) values ($1, $2, 'owner')", tenant, user
    )
    vehicle = await connection.fetchval("insert into vehicles (tenant_id, label) values ($1, 'V') returning id", tenant)
    await connection.execute("alter table manual_events drop constraint manual_events_payload")
    await connection.close()
    yield Fleet(addresses.owner, addresses.gateway, Caller(user, tenant), vehicle)
    databases.drop(addresses)


@pytest.fixture(scope="module")
async def database(fleet: Fleet) -> AsyncIterator[Database]:
    """A pool of one connection."""
    database = await Database.connect(fleet.gateway, PoolSettings(max_size=1))
    yield database
    await database.close()


def query(event_type: str, asked: str) -> str:
    """Asks for a good event, a bad one and a good one; each is a place of its own that may be null."""
    type_ = event_type.title().replace("_", "")
    nodes = " ".join(f"{name}: node(id: ${name}) {{ ...E }}" for name in ("before", "bad", "after"))
    return (
        f"query ($before: ID!, $bad: ID!, $after: ID!) {{ {nodes} tenant {{ name }} }}"
        f" fragment E on {type_} {{ id payload vehicle {{ label }} {asked} }}"
    )


@BOTH
@pytest.mark.parametrize(("event_type", "payload", "asked", "path", "words"), WRONG)
async def test_a_wrong_payload_is_one_error_in_its_place(
    executor: Any, event_type: str, payload: str, asked: str, path: Any, words: str, fleet: Fleet, database: Database
):
    """The event is null, or just its field where that may be; the events beside it and all else are answered."""
    good = orjson.dumps(RIGHT[event_type]).decode()
    ids = {
        name: await fleet.record(event_type, text)
        for name, text in (("before", good), ("bad", payload), ("after", good))
    }
    engine = Engine(build(), executor_class=executor)
    async with database.session(fleet.caller) as session:
        result = await engine.execute(engine.document(query(event_type, asked)), session, ids, None)
        assert session.failure is None
        again = await engine.execute(engine.document("{ tenant { name } }"), session, None, None)
        assert (again.data, again.errors) == ({"tenant": {"name": "T"}}, None)
    (error,) = result.errors or ()
    path = ["trips", 0, "startedAt"] if path is None else path
    assert error.path == ["bad", *path]
    assert words in error.message
    data = json.loads(orjson.dumps(result.data, default=str))  # which reads numbers of any size
    for name in ("before", "after"):
        assert data[name]["id"] == ids[name]
        assert data[name]["payload"] == RIGHT[event_type]
        assert data[name]["vehicle"] == {"label": "V"}
    assert data["tenant"] == {"name": "T"}
    if path[-1] in NULLABLE:
        assert data["bad"] == {
            "id": ids["bad"],
            "payload": data["bad"]["payload"],
            "vehicle": {"label": "V"},
            path[-1]: None,
        }
    else:
        assert data["bad"] is None


@pytest.mark.parametrize("executor", ["breadth_first", "graphql_core"])
async def test_a_wrong_payload_over_http(executor: Any, fleet: Fleet, tmp_path: Any, caplog: pytest.LogCaptureFixture):
    """One error with a path and an id that the log has too; nothing of the payload or the code is told."""
    ids = {
        "before": await fleet.record("maintenance", '{"service_type": "wash"}'),
        "bad": await fleet.record("maintenance", '{"secret": "x"}'),
        "after": await fleet.record("maintenance", '{"service_type": "wax"}'),
    }
    settings = Settings(database_url=fleet.gateway, data_dir=tmp_path, executor=executor, pool_max_size=1)
    application = app.create(settings)
    token = auth.development_token(settings, fleet.caller.user_id, fleet.caller.tenant_id)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://gateway") as http,
    ):
        for _ in range(2):
            caplog.clear()
            with caplog.at_level(logging.ERROR, "motomind"):
                response = await http.post(
                    "/graphql",
                    json={"query": query("maintenance", "serviceType"), "variables": ids},
                    headers={"Authorization": f"Bearer {token}"},
                )
            body = response.json()
            assert response.status_code == 200
            assert [body["data"][name]["serviceType"] for name in ("before", "after")] == ["wash", "wax"]
            assert body["data"]["bad"] is None
            (error,) = body["errors"]
            assert (error["path"], error["extensions"]["code"]) == (["bad", "serviceType"], "INTERNAL_ERROR")
            assert error["extensions"]["errorId"] in error["message"]
            assert "service_type" not in str(body["errors"])
            (record,) = caplog.records
            assert error["extensions"]["errorId"] in record.getMessage()


@pytest.mark.parametrize(
    ("asked", "expected", "number"),
    [("location", {"a": 1}, "1e400"), ("location", {"a": 1}, "9" * 5000), ("source", "photo", "9" * 5000)],
    ids=["part, large", "part, long", "text, long"],
)
async def test_a_number_of_any_size_beside_what_is_asked(
    asked: str, expected: Any, number: str, fleet: Fleet, database: Database
):
    """The database lets any number in under a key that has no field: the fields are answered all the same."""
    payload = f'{{"miles": 7, "location": {{"a": 1}}, "source": "photo", "extra": {number}}}'
    id_ = await fleet.record("odometer_reading", payload)
    engine = Engine(build())
    async with database.session(fleet.caller) as session:
        text = f"query ($id: ID!) {{ node(id: $id) {{ ... on OdometerReading {{ {asked} }} }} }}"
        result = await engine.execute(engine.document(text), session, {"id": id_}, None)
    assert (result.errors, orjson.loads(orjson.dumps(result.data))) == (None, {"node": {asked: expected}})

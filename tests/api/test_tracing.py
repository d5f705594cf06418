"""Tracing: the spans of operations and of their statements, and where they are sent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from api.tracing import Tracing
from sql import statements
from sql.statements import Statement
from tests.api.conftest import Serve

pytestmark = pytest.mark.database

NAMED = "query Fleet { vehicles(first: 1) { nodes { label } } }"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PERSON = "owner@enterprise.example"


@asynccontextmanager
async def traced(serve: Serve, *, documents: bool = False, of_statements: bool = False, **changed: Any):
    """A gateway whose spans are kept, and those spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with serve(**changed) as client:
        tracer = provider.get_tracer("test")
        tracing = Tracing(tracer, documents=documents, statements=of_statements, provider=provider)
        client.http._transport.app.state.telemetry.tracing = tracing  # noqa: SLF001
        yield client, exporter.get_finished_spans


async def test_span_for_each_operation(serve: Serve, lines: list[dict[str, Any]]):
    """Named by its type, with the operation's name, in the trace that the request names; the log has its id."""
    async with traced(serve) as (client, spans):
        headers = {"Authorization": f"Bearer {await client.token(PERSON)}", "traceparent": PARENT}
        await client.http.post("/graphql", json={"query": NAMED}, headers=headers)
        await client.post("{ nothing }")
        span, refused = spans()
    assert (span.name, span.kind, span.status.status_code) == ("query", SpanKind.SERVER, StatusCode.UNSET)
    assert span.attributes["graphql.operation.type"] == "query"
    assert span.attributes["graphql.operation.name"] == "Fleet"
    assert span.attributes["motomind.statements"] == 1
    assert "graphql.document" not in span.attributes
    assert f"{span.parent.span_id:016x}" == PARENT.split("-")[2]
    assert lines[0]["trace_id"] == PARENT.split("-")[1] == f"{span.context.trace_id:032x}"
    assert 0 < span.end_time - span.start_time < 60e9
    assert (refused.name, refused.parent) == ("GraphQL Operation", None)
    assert refused.attributes["error.type"] == "GRAPHQL_VALIDATION_FAILED"
    assert refused.status.status_code is StatusCode.UNSET, "what a client did wrong is no failure of ours"


async def test_operations_of_a_batch_have_a_span_each(serve: Serve):
    """One after the other, in the same trace."""
    async with traced(serve, max_batch_size=2) as (client, spans):
        headers = {"Authorization": f"Bearer {await client.token(PERSON)}", "traceparent": PARENT}
        await client.http.post("/graphql", json=[{"query": NAMED}, {"query": "{ nothing }"}], headers=headers)
        first, second = spans()
    assert [first.name, second.name] == ["query", "GraphQL Operation"]
    assert first.context.trace_id == second.context.trace_id
    assert first.start_time < first.end_time <= second.start_time + 1_000_000


async def test_spans_of_statements_and_documents_by_setting(serve: Serve):
    """Statements are children, within the time of their operation; there is none for a field."""
    async with traced(serve, documents=True, of_statements=True) as (client, spans):
        await client.post(NAMED)
        statement, operation = spans()
    assert (statement.name, statement.kind) == ("vehicles_page", SpanKind.CLIENT)
    assert statement.attributes["db.system.name"] == "postgresql"
    assert statement.parent.span_id == operation.context.span_id
    slack = 1_000_000  # nanoseconds that two clocks may drift apart
    assert operation.start_time <= statement.start_time + slack
    assert statement.end_time <= operation.end_time + slack
    assert operation.attributes["graphql.document"] == NAMED


async def test_failure_of_ours_is_an_error_of_the_span(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    """With its code."""
    broken = Statement("vehicles_by_id", "select nothing, :tenant_id, :ids", "Vehicle")
    monkeypatch.setitem(statements.load(), "vehicles_by_id", broken)
    async with traced(serve) as (client, spans):
        await client.post('{ vehicle(id: "00000000-0000-0000-0000-000000000000") { id } }')
        (span,) = spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "INTERNAL_ERROR")


@pytest.mark.parametrize("header", ["", "00-nonsense", "ff-" + PARENT[3:], "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_wrong_traceparent_begins_a_trace(serve: Serve, header: str):
    """It is no reason to refuse."""
    async with traced(serve) as (client, spans):
        headers = {"Authorization": f"Bearer {await client.token(PERSON)}", "traceparent": header}
        assert (await client.http.post("/graphql", json={"query": NAMED}, headers=headers)).status_code == 200
        (span,) = spans()
    assert span.parent is None

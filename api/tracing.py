"""Tracing: a span for each operation by OpenTelemetry's conventions for GraphQL servers, and if set for its statements.

Spans are made when the answer is sent, with the times that were noted: so nobody waits for them, and where tracing is
off it costs nothing. https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Self

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from api.observation import Observation, Operation
from api.settings import Settings

OURS = {"INTERNAL_ERROR", "DATABASE_UNAVAILABLE", "DATABASE_BUSY", "STATEMENT_TIMEOUT", "DEADLINE_EXCEEDED"}
TRACE_HEADERS = (b"traceparent", b"tracestate")
NANOSECONDS = 1e9


class Tracing:
    """Makes spans with a tracer; ``documents`` adds the documents' texts, ``statements`` a span for each statement."""

    def __init__(
        self, tracer: Tracer, *, documents: bool = False, statements: bool = False, provider: Any = None
    ) -> None:
        self._tracer = tracer
        self._documents = documents
        self._statements = statements
        self._provider = provider
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Tracing as the settings and the variables OTEL_* say; None where it is off."""
        if not settings.tracing:
            return None
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = OTELResourceDetector().detect().attributes.get(SERVICE_NAME)
        provider = TracerProvider(resource=Resource.create({} if named else {SERVICE_NAME: "motomind-gateway"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(
            provider.get_tracer("motomind"),
            documents=settings.trace_documents,
            statements=settings.trace_statements,
            provider=provider,
        )

    def report(self, observation: Observation, headers: Iterable[tuple[bytes, bytes]], ended: float) -> str | None:
        """Makes the spans of a request that has ended; returns the id of the trace that they are in."""
        carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in TRACE_HEADERS}
        parent = self._propagator.extract(carrier)
        trace_id = None
        for operation in observation.operations:
            alone = len(observation.operations) == 1
            began, end = (observation.began, ended) if alone else (operation.began, operation.ended)
            span = self._tracer.start_span(
                GRAPHQL if operation.type not in {"query", "mutation"} else operation.type,
                parent,
                SpanKind.SERVER,
                self._attributes(observation, operation),
                start_time=_epoch(began),
            )
            if OURS.intersection(operation.codes):
                span.set_status(Status(StatusCode.ERROR, operation.codes[0]))
            if self._statements and span.is_recording():
                self._report_statements(operation, trace.set_span_in_context(span, parent))
            span.end(_epoch(end))
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        return trace_id

    def close(self) -> None:
        """Sends what is not sent yet."""
        if self._provider is not None:
            self._provider.shutdown()

    def _attributes(self, observation: Observation, operation: Operation) -> dict[str, str | float]:
        attributes: dict[str, str | float | None] = {
            "graphql.operation.type": operation.type if operation.type != "unknown" else None,
            "graphql.operation.name": operation.name,
            "graphql.document": operation.named.text if self._documents and operation.named is not None else None,
            "error.type": operation.codes[0] if operation.codes else observation.outcome,
            "http.response.status_code": observation.status,
            "motomind.request.id": observation.id,
            "motomind.document.id": operation.document_id,
            "motomind.client": observation.client.name if observation.client else None,
            "motomind.tenant.id": str(observation.caller.tenant_id) if observation.caller else None,
            "motomind.statements": len(operation.statements),
            "motomind.cost": operation.cost,
        }
        return {key: value for key, value in attributes.items() if value is not None}

    def _report_statements(self, operation: Operation, parent: Any) -> None:
        for statement in operation.statements:
            span = self._tracer.start_span(
                statement.name,
                parent,
                SpanKind.CLIENT,
                {"db.system.name": "postgresql", "db.query.summary": statement.name},
                start_time=_epoch(statement.began),
            )
            span.end(_epoch(statement.began + statement.seconds))


GRAPHQL = "GraphQL Operation"


def _epoch(moment: float) -> int:
    """A moment of the performance counter in nanoseconds since 1970."""
    return time.time_ns() - int((time.perf_counter() - moment) * NANOSECONDS)

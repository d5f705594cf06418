"""Telemetry: watches requests from their arrival to the end of their answers, and reports each of them once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.drain import Drain
from api.metrics import Metrics
from api.observation import CLOSED, Observation, now, observe
from api.settings import Settings
from api.tracing import Tracing
from resolvers.execution import Engine
from sql.database import Database

access = logging.getLogger("motomind.access")

SAMPLE_SECONDS = 1.0


class Telemetry:
    """What comes of observations: headers of the response, and when it is sent spans, metrics and a line in the log."""

    def __init__(self, settings: Settings, database: Database, engine: Engine, drain: Drain) -> None:
        self._database = database
        self._engine = engine
        self._drain = drain
        self._server_timing = settings.has_server_timing
        self.metrics = Metrics() if settings.metrics else None
        self.tracing = Tracing.of(settings)
        self._sampling: asyncio.Task[None] | None = None
        if self.metrics is not None:
            database.on_taken = self.metrics.on_taken
            self._sampling = asyncio.get_running_loop().create_task(self._sample_often())

    async def watch(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """One request that the application answers."""
        observation = Observation.of(scope["headers"])
        observe(observation)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                observation.status = message["status"]
                headers = message["headers"]
                headers.append((b"x-request-id", observation.id.encode()))
                if self._server_timing:
                    headers.append((b"server-timing", server_timing(observation)))
                if self._drain.draining:
                    headers.append((b"connection", b"close"))
            else:
                observation.bytes_sent += len(message.get("body", b""))
            await send(message)

        with self._drain.request():
            try:
                await app(scope, receive, sent)
            finally:
                self._report(observation, scope)

    @contextmanager
    def watch_message(self, scope: Scope) -> Iterator[Observation]:
        """One operation that is answered on a WebSocket, under the id of its handshake."""
        observation = Observation.of(scope["headers"])
        observe(observation)
        with self._drain.request():
            try:
                yield observation
            except asyncio.CancelledError:
                observation.status = CLOSED
                raise
            finally:
                self._report(observation, scope)

    async def close(self) -> None:
        """Ends the watch; sends what is to be sent."""
        if self._sampling is not None:
            self._sampling.cancel()
            with suppress(asyncio.CancelledError):
                await self._sampling
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)

    def sample(self) -> None:
        """Has the metrics note the state of things."""
        if self.metrics is not None:
            drain = self._drain
            self.metrics.sample(self._database.pool, self._engine, running=drain.running, draining=drain.draining)

    def _report(self, observation: Observation, scope: Scope) -> None:
        ended = observation.current.ended = now()
        seconds = ended - observation.began
        trace_id = None
        if self.tracing is not None:
            trace_id = self.tracing.report(observation, scope["headers"], ended)
        if self.metrics is not None:
            self.metrics.report(observation, seconds)
        if access.isEnabledFor(logging.INFO):
            fields = line_of(observation, seconds)
            if trace_id is not None:
                fields["trace_id"] = trace_id
            access.info("%s %s", scope.get("method", "WEBSOCKET"), scope["path"], extra={"fields": fields})
        observation.operations.clear()  # timers of asyncio keep their context, and this in it, to their end

    async def _sample_often(self) -> None:
        while True:
            self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)


def server_timing(observation: Observation) -> bytes:
    """The Server-Timing header: how long each step took, and the statements, which ran while it was executed."""
    parts = [f"{step};dur={seconds * 1000:.2f}" for step, seconds in observation.steps.items()]
    statements = [statement for operation in observation.operations for statement in operation.statements]
    if statements:
        taken = sum(statement.seconds for statement in statements) * 1000
        parts.append(f'statements;dur={taken:.2f};desc="{len(statements)}"')
    return ", ".join(parts).encode()


def line_of(observation: Observation, seconds: float) -> dict[str, Any]:
    """What the log says of a request. Of a batch: what its operations have in common, and their sums."""
    operations = observation.operations
    first = operations[0]
    fields: Mapping[str, Any] = {
        "operation": first.type,
        "name": first.name,
        "document_id": first.document_id,
        "operations": len(operations) if len(operations) > 1 else None,
        "client": observation.client.name if observation.client else None,
        "tenant": str(observation.caller.tenant_id) if observation.caller else None,
        "user": str(observation.caller.user_id) if observation.caller else None,
        "status": observation.status,
        "codes": list(dict.fromkeys(code for operation in operations for code in operation.codes)) or None,
        "ms": round(seconds * 1000, 2),
        "statements": sum(len(operation.statements) for operation in operations),
        "bytes": observation.bytes_sent,
        "cost": sum(costs) if (costs := [o.cost for o in operations if o.cost is not None]) else None,
    }
    return {key: value for key, value in fields.items() if value is not None}

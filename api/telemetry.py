"""Telemetry: watches requests from their arrival to the end of their answers, and reports each of them once.

Reports are made of several requests together, a moment after their ends. One by one they took a third of the edge's
time: by the next request, what they touch has left the processor's caches.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

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
REPORT_SECONDS = 0.05  # from the end of a request until it is reported, at most
REPORT_TOGETHER = 64  # requests
LONG_TEXTS = 32_768  # characters of a request's documents, from which on it is not kept until others end


class Ended(NamedTuple):
    """A request that has ended, ``at`` seconds since 1970, and is to be reported."""

    observation: Observation
    scope: Scope
    at: float


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
        self._ended: list[Ended] = []
        self._reporting: asyncio.TimerHandle | None = None
        if self.metrics is not None:
            database.connections.on_taken = self.metrics.on_taken
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
                self._end(observation, scope)

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
                self._end(observation, scope)

    async def close(self) -> None:
        """Ends the watch; sends what is to be sent."""
        if self._sampling is not None:
            self._sampling.cancel()
            with suppress(asyncio.CancelledError):
                await self._sampling
        self.report()
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)

    def sample(self) -> None:
        """Has the metrics note the state of things, and what has ended."""
        self.report()
        if self.metrics is not None:
            drain = self._drain
            self.metrics.sample(self._database.pool, self._engine, running=drain.running, draining=drain.draining)

    def report(self) -> None:
        """Reports the requests that have ended."""
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None
        ended, self._ended = self._ended, []
        for one in ended:
            self._report(one)

    def _end(self, observation: Observation, scope: Scope) -> None:
        observation.current.ended = now()
        self._ended.append(Ended(observation, scope, time.time()))
        if len(self._ended) >= REPORT_TOGETHER or observation.text_length >= LONG_TEXTS:
            self.report()
        elif self._reporting is None:
            self._reporting = asyncio.get_running_loop().call_later(REPORT_SECONDS, self.report)

    def _report(self, ended: Ended) -> None:
        observation, scope, at = ended
        moment = observation.current.ended
        seconds = moment - observation.began
        trace_id = None
        if self.tracing is not None:
            trace_id = self.tracing.report(observation, scope["headers"], moment)
        if self.metrics is not None:
            self.metrics.report(observation, seconds)
        if access.isEnabledFor(logging.INFO):
            fields = line_of(observation, seconds)
            if trace_id is not None:
                fields["trace_id"] = trace_id
            self._log(f"{scope.get('method', 'WEBSOCKET')} {scope['path']}", fields, at)
        observation.operations.clear()  # timers of asyncio keep their context, and this in it, to their end

    def _log(self, message: str, fields: dict[str, Any], at: float) -> None:
        record = access.makeRecord(access.name, logging.INFO, "", 0, message, (), None, extra={"fields": fields})
        record.created = at
        access.handle(record)

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
        "request_id": observation.id,
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

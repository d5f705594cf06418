"""Observation: what is seen of a request on its way, for its log line, metrics, spans and Server-Timing header.

Whoever works on a request notes here what is known by then: ``observed().mark("document")``. What comes of the notes
is api/telemetry.py's.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from graphql import OperationDefinitionNode

from api.documents import Named
from sql.admission import Client
from sql.session import Caller, Issued

SANE_ID = re.compile(rb"[A-Za-z0-9._:@/+=-]{1,100}")
LONGEST_NAME = 100
UNKNOWN = "unknown"
CLOSED = 499
now = time.perf_counter


@dataclass(slots=True)
class Operation:
    """One operation of a request: ``type`` is query or mutation once that is known, ``codes`` those of its errors.

    ``statements`` is the list that the session keeps, ``cost`` what the operation was charged.
    """

    began: float
    ended: float = 0.0
    type: str = UNKNOWN
    name: str | None = None
    named: Named | None = None
    statements: list[Issued] = field(default_factory=list)
    codes: tuple[str, ...] = ()
    cost: float | None = None

    def resolved(self, operation: OperationDefinitionNode) -> None:
        """Notes which operation of its document is meant."""
        self.type = operation.operation.value
        if operation.name is not None:
            self.name = operation.name.value[:LONGEST_NAME]

    @property
    def document_id(self) -> str | None:
        """The id that the document was named by, where it was found by one."""
        return self.named.document_id if self.named is not None else None

    @property
    def trusted(self) -> bool:
        """Whether the document was published for the client, so that its operations' names are few and known."""
        return self.named is not None and self.named.trusted


@dataclass(slots=True)
class Observation:
    """A request: its id, how long each step took in seconds, who asks, its operations, and what was answered."""

    id: str
    began: float = field(default_factory=now)
    steps: dict[str, float] = field(default_factory=dict)
    caller: Caller | None = None
    client: Client | None = None
    operations: list[Operation] = field(default_factory=list)
    status: int = 0
    bytes_sent: int = 0
    _marked: float = 0.0

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]]) -> Observation:
        """The observation of a request that begins; its id is the client's X-Request-Id where that is a sane one."""
        for name, value in headers:
            if name == b"x-request-id" and SANE_ID.fullmatch(value):
                return cls(value.decode("ascii"))
        return cls(secrets.token_hex(8))

    def mark(self, step: str) -> None:
        """Notes that a step has just ended: what passed since the one before is its time."""
        moment = now()
        self.steps[step] = self.steps.get(step, 0.0) + moment - (self._marked or self.began)
        self._marked = moment

    def identified(self, caller: Caller, client: Client | None) -> None:
        """Notes who asks: the step that says so has ended."""
        self.caller, self.client = caller, client
        self.mark("auth")

    def begun(self, statements: list[Issued]) -> None:
        """Notes that the current operation's transaction has begun, which keeps its statements in this list."""
        self.current.statements = statements
        self.mark("database")

    def operation(self) -> Operation:
        """Begins the next operation."""
        if self.operations:
            self.operations[-1].ended = now()
        operation = Operation(now())
        self.operations.append(operation)
        return operation

    @property
    def current(self) -> Operation:
        """The operation that is worked on."""
        return self.operations[-1] if self.operations else self.operation()

    def answered(self, body: Mapping[str, Any] | list[Mapping[str, Any]]) -> None:
        """Notes the errors' codes in an answer, or in each answer of a batch; the steps after this are its sending."""
        if isinstance(body, list):
            for operation, answer in zip(self.operations, body, strict=False):
                operation.codes = _codes(answer)
        elif "errors" in body:
            self.current.codes = _codes(body)
            self.mark("error")

    @property
    def text_length(self) -> int:
        """The characters of all its operations' documents."""
        return sum(len(operation.named.text) for operation in self.operations if operation.named is not None)

    @property
    def outcome(self) -> str | None:
        """What became of a request whose operations do not say so: nobody waited for it, or it broke off."""
        return "CLIENT_CLOSED" if self.status == CLOSED else "BROKE_OFF" if self.status == 0 else None


_CURRENT: ContextVar[Observation | None] = ContextVar("observation", default=None)


def observe(observation: Observation) -> None:
    """Makes this the observation of whatever runs from here on, in this task and those that it starts."""
    _CURRENT.set(observation)


def observed() -> Observation:
    """The observation of the request that is worked on; one that nobody reads where there is no request."""
    return _CURRENT.get() or Observation("")


def request_id() -> str | None:
    """The id of the request that is worked on, if one is."""
    observation = _CURRENT.get()
    return observation.id if observation is not None else None


def _codes(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The codes of an answer's errors, each once, in order."""
    codes = (error.get("extensions", {}).get("code", UNKNOWN) for error in body.get("errors", ()))
    return tuple(dict.fromkeys(codes))

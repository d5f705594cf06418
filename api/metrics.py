"""Metrics: what Prometheus reads at /metrics, of this process or of all workers together.

No label has a value that a caller could choose: names of operations are told apart for trusted documents only.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Summary,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from api.observation import Observation, Operation
from resolvers.execution import Engine
from sql.connections import PoolState

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
STATEMENTS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100)
BYTES = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216)
OK = "OK"
MISSES = {"PERSISTED_QUERY_NOT_FOUND": "registered", "PERSISTED_QUERY_NOT_IN_LIST": "trusted"}


class Metrics:
    """The metrics of one application; with several workers they are kept in files that each worker can add up."""

    def __init__(self) -> None:
        self._several = DIRECTORY in os.environ
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self._registry = CollectorRegistry()
        if not self._several:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
        self._operations = Counter(
            "motomind_operations",
            "Operations by type, by the code of their first error or OK, and by who asked.",
            ["type", "code", "client"],
            registry=registry,
        )
        self._seconds = Histogram(
            "motomind_operation_seconds",
            "Seconds from the request's arrival to the end of its answer; in a batch, of the operation alone.",
            ["type", "client"],
            buckets=SECONDS,
            registry=registry,
        )
        self._statements = Histogram(
            "motomind_operation_statements",
            "SQL statements that an operation took.",
            ["type"],
            buckets=STATEMENTS,
            registry=registry,
        )
        self._trusted = Summary(
            "motomind_trusted_operation_seconds",
            "The same seconds by the name of the operation, for trusted documents.",
            ["operation"],
            registry=registry,
        )
        self._requests = Counter("motomind_requests", "Requests by status.", ["status"], registry=registry)
        self._bytes = Histogram(
            "motomind_response_bytes", "Bytes of a response's body.", buckets=BYTES, registry=registry
        )
        self._persisted = Counter(
            "motomind_persisted_documents",
            "Documents asked for by an id or a hash: trusted or registered (APQ), hit or miss.",
            ["kind", "result"],
            registry=registry,
        )
        self._documents = Counter(
            "motomind_document_cache",
            "Texts that were looked up among the parsed documents: hit or miss.",
            ["result"],
            registry=registry,
        )
        self._pool_wait = Histogram(
            "motomind_pool_wait_seconds",
            "Seconds that a database connection was waited for.",
            buckets=SECONDS,
            registry=registry,
        )
        self._running = self._gauge("motomind_requests_running", "Requests in work right now.")
        self._pool_size = self._gauge("motomind_pool_connections", "Database connections that are open.")
        self._pool_in_use = self._gauge("motomind_pool_connections_in_use", "Database connections in use.")
        self._pool_most = self._gauge("motomind_pool_connections_max", "Database connections that may be open.")
        self._draining = self._gauge("motomind_draining", "How many processes are being stopped.")
        self.on_taken = self._pool_wait.observe
        self._by_outcome: dict[tuple[str, str, str], tuple[Counter, Histogram, Histogram]] = {}
        self._by_status: dict[int, Counter] = {}
        self._looked_up = self._read = 0

    def report(self, observation: Observation, seconds: float) -> None:
        """Adds a request that has ended."""
        requests = self._by_status.get(observation.status)
        if requests is None:
            requests = self._by_status[observation.status] = self._requests.labels(str(observation.status))
        requests.inc()
        self._bytes.observe(observation.bytes_sent)
        kind = client_kind(observation)
        alone = len(observation.operations) == 1
        for operation in observation.operations:
            self._report(operation, observation, kind, seconds if alone else operation.ended - operation.began)

    def _report(self, operation: Operation, observation: Observation, kind: str, seconds: float) -> None:
        code = operation.codes[0] if operation.codes else observation.outcome or OK
        key = (operation.type, code, kind)
        children = self._by_outcome.get(key)
        if children is None:
            children = self._by_outcome[key] = (
                self._operations.labels(*key),
                self._seconds.labels(operation.type, kind),
                self._statements.labels(operation.type),
            )
        count, duration, statements = children
        count.inc()
        duration.observe(seconds)
        statements.observe(len(operation.statements))
        if operation.trusted:
            self._trusted.labels(operation.name or "anonymous").observe(seconds)
        if operation.document_id is not None:
            self._persisted.labels("trusted" if operation.trusted else "registered", "hit").inc()
        elif code in MISSES:
            self._persisted.labels(MISSES[code], "miss").inc()

    def sample(self, pool: PoolState, engine: Engine, *, running: int, draining: bool) -> None:
        """Notes what has a state rather than events."""
        self._running.set(running)
        self._draining.set(draining)
        self._pool_size.set(pool.size)
        self._pool_in_use.set(pool.in_use)
        self._pool_most.set(pool.most)
        read, looked_up = engine.read - self._read, engine.looked_up - self._looked_up
        self._read, self._looked_up = engine.read, engine.looked_up
        self._documents.labels("miss").inc(read)
        self._documents.labels("hit").inc(looked_up - read)

    def text(self) -> bytes:
        """The metrics in Prometheus's text format; with several workers, all of theirs."""
        registry = self._registry
        if self._several:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, registry=self._registry, multiprocess_mode="livesum")


def client_kind(observation: Observation) -> str:
    """Who asked: a client of a partner's, a person with a token, or somebody whom no credential told."""
    if observation.client is not None:
        return "client"
    return "person" if observation.caller is not None else "unknown"

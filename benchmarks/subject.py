"""The subjects: how each is started, stopped and asked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from api.auth import development_token
from api.settings import Settings
from benchmarks.client import Connection, request
from benchmarks.database import DATA_DIR, ROOT
from benchmarks.node import node
from benchmarks.query import Caller, Query
from sql.embedded import Addresses

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
START_SECONDS = 60
STOP_SECONDS = 10
GATEWAY_LIMITS = {
    "MOTOMIND_MAX_PAGE_SIZE": "20000",
    "MOTOMIND_STATEMENT_TIMEOUT_MS": "60000",
    "MOTOMIND_REQUEST_TIMEOUT": "120",
}
"""What the gateway's limits are raised to, so that the largest question passes."""


class SubjectError(Exception):
    """A subject does not start."""


@dataclass(frozen=True)
class Subject:
    """One of those that are compared."""

    name: str
    title: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str]
    documents: Path
    suffix: str
    headers: Callable[[Caller], dict[str, str]]

    def request(self, query: Query) -> bytes:
        """A question as it goes over the wire."""
        path = self.documents / f"{query.documents.get(self.name, query.document)}{self.suffix}"
        text = query.text or (path.stem if self.suffix == ".sql" else path.read_text(encoding="utf-8"))
        body = orjson.dumps({"query": text, "variables": query.variables})
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers(query.caller)}
        return request("/graphql", headers, body)


@dataclass(frozen=True)
class Server:
    """A subject that runs: its address and its process."""

    subject: Subject
    port: int
    pid: int

    def memory(self) -> dict[str, float]:
        """Resident memory in MB, now and at the most since the process began."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        fields = (line.split() for line in lines if line.endswith(" kB"))
        kilobytes = {key: int(value) for key, value, _ in fields}
        return {"now": kilobytes["VmRSS:"] / 1024, "peak": kilobytes["VmHWM:"] / 1024}


@contextmanager
def running(subject: Subject, addresses: Addresses) -> Iterator[Server]:
    """Starts a subject on a free port of this machine and stops it. Raises SubjectError with its log's end."""
    port = _free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MOTOMIND_", "DATABASE_"))}
    environment = {**inherited, "DATABASE_URL": addresses.gateway, "PORT": str(port), **subject.environment}
    log = DATA_DIR / f"{subject.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the commands are written down below
            subject.command(port), cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        _wait(process, port, log)
        yield Server(subject, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with Connection(port):
                return
        except OSError:
            time.sleep(0.05)
    end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise SubjectError(f"{log.stem} does not start. Its log {log.relative_to(ROOT)} ends:\n{end}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _bearer(caller: Caller) -> dict[str, str]:
    token = development_token(Settings(data_dir=DATA_DIR), caller.user_id, caller.tenant_id)
    return {"Authorization": f"Bearer {token}"}


def _told(caller: Caller) -> dict[str, str]:
    return {"X-User-Id": str(caller.user_id), "X-Tenant-Id": str(caller.tenant_id)}


def _gateway(port: int) -> list[str]:
    return [str(BIN / "motomind"), "serve", "--port", str(port)]


def _floor(port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", "benchmarks.floor.app:app", "--port", str(port), "--log-level", "warning"]


def _bare(port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", "benchmarks.bare.app:app", "--port", str(port), "--log-level", "warning"]


def _postgraphile(_: int) -> list[str]:
    return [str(node()), str(HERE / "postgraphile" / "server.mjs")]


_OURS = partial(Subject, command=_gateway, documents=HERE / "gateway", suffix=".graphql", headers=_bearer)
_GATEWAY: dict[str, Any] = {**GATEWAY_LIMITS, "MOTOMIND_DATA_DIR": str(DATA_DIR), "MOTOMIND_WORKERS": "1"}

BARE = Subject(
    "bare", "the graph without its edge", command=_bare, environment={},
    documents=HERE / "gateway", suffix=".graphql", headers=_told,
)  # fmt: skip
"""What the edge is measured against; no subject beside the others."""

SUBJECTS: tuple[Subject, ...] = (
    _OURS("gateway", "MotoMind Gateway", environment={**_GATEWAY, "MOTOMIND_EXECUTOR": "breadth_first"}),
    _OURS("stock", "the same, graphql-core executing", environment={**_GATEWAY, "MOTOMIND_EXECUTOR": "graphql_core"}),
    Subject(
        "postgraphile", "PostGraphile", command=_postgraphile,
        environment={"NODE_ENV": "production", "GRAPHILE_ENV": "production"},
        documents=HERE / "postgraphile" / "queries", suffix=".graphql", headers=_told,
    ),
    Subject(
        "sql", "one hand-written SQL statement", command=_floor, environment={},
        documents=HERE / "floor", suffix=".sql", headers=_told,
    ),
)  # fmt: skip
"""In the order in which they are named."""

"""Stopping: what is said, taken, refused and finished after a signal, by one process and by several workers."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from api import auth
from api.settings import Settings
from sql.embedded import Addresses
from tests.api.conftest import refusal
from tests.api.processes import PATIENCE, Gateway, gateway, until

pytestmark = pytest.mark.database

TENANT, USER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SLOW, QUICK = "{ vehicles { totalCount } }", "{ tenant { name } }"
ANSWER = {"data": {"tenant": {"name": "T"}}}
PROTOCOL = Subprotocol("graphql-transport-ws")
WAITING = "select from pg_locks where relation = 'vehicles'::regclass and not granted"
SOME = 10  # connections; one of several workers is met on each
PATIENT = {"MOTOMIND_STATEMENT_TIMEOUT_MS": "60000", "MOTOMIND_REQUEST_TIMEOUT": "60"}


class Lock:
    """Holds the vehicles, so that whoever counts them waits; ``release`` lets them go on."""

    def __init__(self, owner: str) -> None:
        self._connection = psycopg.connect(owner)
        self._connection.execute("lock table vehicles in access exclusive mode")
        self._looking = psycopg.connect(owner, autocommit=True)

    def waited_for(self, by: int = 1) -> bool:
        """Whether so many wait."""
        return len(self._looking.execute(WAITING).fetchall()) == by

    def release(self) -> None:
        """Lets them go on."""
        self._connection.rollback()

    def close(self) -> None:
        """Leaves the database."""
        self._connection.close()
        self._looking.close()


@pytest.fixture
def lock(fresh_database: Addresses) -> Iterator[Lock]:
    """A lock on a database of the test's own, with one tenant and its owner."""
    with psycopg.connect(fresh_database.owner) as owner:
        owner.execute("insert into tenants (id, name, kind) values (%s, 'T', 'org')", [TENANT])
        owner.execute("insert into users (id, email, name) values (%s, 'o@t.example', 'O')", [USER])
        owner.execute("insert into memberships (tenant_id, user_id, role) values (%s, %s, 'owner')", [TENANT, USER])
    lock = Lock(fresh_database.owner)
    yield lock
    lock.close()


@contextmanager
def serving(addresses: Addresses, folder: Path, port: int, *options: str, **more: str) -> Iterator[Gateway]:
    """A gateway on that database, asked by its owner."""
    settings = Settings(database_url=addresses.gateway, data_dir=folder)
    token = auth.development_token(settings, USER, TENANT)
    with gateway(settings, port, folder, *options, **PATIENT, **more) as running:
        running.headers["Authorization"] = f"Bearer {token}"
        yield running


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads to wait for answers in."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def not_ready(running: Gateway) -> bool:
    """Whether the gateway says that it is being stopped, each worker that is met."""
    answers = [running.get("/readyz") for _ in range(SOME)]
    return all(answer.status_code == 503 and answer.json()["checks"]["draining"] != "ok" for answer in answers)


def refused(running: Gateway) -> bool:
    """Whether new requests are refused, by each worker that is met."""
    return all(running.post(QUICK).status_code == 503 for _ in range(SOME))


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_finishes_what_runs(
    lock: Lock,
    fresh_database: Addresses,
    tmp_path: Path,
    free_port: int,
    pool: ThreadPoolExecutor,
    workers: int,
):
    """Not ready at once; then still taken, with Connection: close; then 503; what runs is answered; exit status 0."""
    options = ("--workers", str(workers))
    with serving(fresh_database, tmp_path, free_port, *options, MOTOMIND_DRAIN_SECONDS="5") as running:
        assert running.get("/readyz").status_code == 200
        slow: list[Future[httpx.Response]] = [pool.submit(running.post, SLOW) for _ in range(4)]
        until(lambda: lock.waited_for(4))
        with httpx.Client(base_url=running.address, headers=running.headers) as kept:
            before = kept.post("/graphql", json={"query": QUICK})
            assert "connection" not in before.headers
            running.process.send_signal(signal.SIGTERM)
            until(lambda: not_ready(running))
            taken = kept.post("/graphql", json={"query": QUICK})
            assert (taken.status_code, taken.json(), taken.headers["connection"]) == (200, ANSWER, "close")
        until(lambda: refused(running))
        response = running.post(QUICK, Accept="application/graphql-response+json")
        assert refusal(response, 503) == "SHUTTING_DOWN"
        assert int(response.headers["retry-after"]) >= 1
        assert running.process.poll() is None
        lock.release()
        answers = [future.result() for future in slow]
        assert [(answer.status_code, answer.json()) for answer in answers] == [
            (200, {"data": {"vehicles": {"totalCount": 0}}})
        ] * 4
        assert running.process.wait(PATIENCE) == 0
        assert "Traceback" not in (tmp_path / "err").read_text() + running.log.read_text()


@pytest.mark.parametrize(("by", "workers"), [("SIGTERM", 1), ("SIGTERM", 2), ("SIGHUP", 2)])
def test_socket_is_closed_when_what_runs_on_it_is_answered(
    lock: Lock, fresh_database: Addresses, tmp_path: Path, free_port: int, by: str, workers: int
):
    """As going away, whether the gateway stops or a worker is replaced; the log has a line for the operation."""
    options = ("--workers", str(workers))
    with (
        serving(fresh_database, tmp_path, free_port, *options, MOTOMIND_DRAIN_SECONDS="0") as running,
        connect(f"ws://127.0.0.1:{free_port}/graphql", subprotocols=[PROTOCOL]) as socket,
    ):
        socket.send(orjson.dumps({"type": "connection_init", "payload": running.headers}), text=True)
        assert orjson.loads(socket.recv(10))["type"] == "connection_ack"
        socket.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": {"query": SLOW}}), text=True)
        until(lock.waited_for)
        running.process.send_signal(signal.Signals[by])
        if by == "SIGTERM":
            until(lambda: refused(running))
        lock.release()
        assert [orjson.loads(socket.recv(60))["type"] for _ in range(2)] == ["next", "complete"]
        with pytest.raises(ConnectionClosed):
            socket.recv(60)
        assert socket.close_code == 1001
        assert running.process.wait(PATIENCE) == 0 if by == "SIGTERM" else running.end() == 0
        (line,) = (line for line in running.lines("motomind.access") if line["message"] == "WEBSOCKET /graphql")
        assert (line["operation"], line["status"], line["statements"]) == ("query", 200, 2)


def test_interrupt_waits_for_what_runs_and_a_second_one_does_not(
    lock: Lock, fresh_database: Addresses, tmp_path: Path, free_port: int, pool: ThreadPoolExecutor
):
    """Ctrl+C listens no more and finishes; twice it ends at once, the statement as well, and without stack traces."""
    with serving(fresh_database, tmp_path, free_port) as running:
        slow = pool.submit(running.post, SLOW)
        until(lock.waited_for)
        running.process.send_signal(signal.SIGINT)
        until(lambda: not listens(free_port))
        assert running.process.poll() is None
        assert running.end(signal.SIGINT) == 0
        assert refusal(slow.result(), 503) == "SHUTTING_DOWN"
        until(lambda: lock.waited_for(0))
        assert "Stopped." in (tmp_path / "err").read_text()
        assert "Traceback" not in (tmp_path / "err").read_text() + running.log.read_text()


def test_closed_terminal_drains(fresh_database: Addresses, tmp_path: Path, free_port: int):
    """SIGHUP to the one process is as SIGTERM."""
    with serving(fresh_database, tmp_path, free_port, MOTOMIND_DRAIN_SECONDS="0") as running:
        assert running.end(signal.SIGHUP) == 0


def test_worker_that_dies_is_replaced(lock: Lock, fresh_database: Addresses, tmp_path: Path, free_port: int):
    """It is said, with the id of the worker, and both serve on; its gauges are counted no more."""
    lock.release()
    with serving(fresh_database, tmp_path, free_port, "--workers", "2", MOTOMIND_DRAIN_SECONDS="0") as running:
        until(lambda: len(running.workers()) == 2)
        until(lambda: gauge(running, "motomind_pool_connections_max") == 20)
        dead = min(running.workers())
        os.kill(dead, signal.SIGKILL)
        until(lambda: dead not in running.workers() and len(running.workers()) == 2)
        until(lambda: gauge(running, "motomind_pool_connections_max") == 20)
        assert running.post(QUICK).json() == ANSWER
        assert any(str(dead) in line["message"] for line in running.lines("motomind"))
        assert running.end() == 0


def test_hangup_replaces_workers_without_a_refusal(
    lock: Lock, fresh_database: Addresses, tmp_path: Path, free_port: int, pool: ThreadPoolExecutor
):
    """One after the other, each when its successor serves; what ran is answered, and every request meanwhile."""
    with serving(fresh_database, tmp_path, free_port, "--workers", "2", MOTOMIND_DRAIN_SECONDS="0") as running:
        slow = [pool.submit(running.post, SLOW) for _ in range(4)]
        until(lambda: lock.waited_for(4))
        old = running.workers()
        running.process.send_signal(signal.SIGHUP)
        until(lambda: len(running.workers() - old) == 1)
        lock.release()
        while old & running.workers():
            assert running.post(QUICK).json() == ANSWER
        until(lambda: len(running.workers()) == 2)
        assert [future.result().status_code for future in slow] == [200] * 4
        assert running.end() == 0


def test_workers_that_cannot_begin_end_with_a_status(fresh_database: Addresses, tmp_path: Path, free_port: int):
    """The supervisor does not try for ever."""
    with serving(fresh_database, tmp_path, free_port, "--workers", "2", MOTOMIND_DRAIN_SECONDS="0") as running:
        with psycopg.connect(fresh_database.owner) as owner:
            owner.execute("revoke usage on schema app from gateway")
        os.kill(min(running.workers()), signal.SIGKILL)
        assert running.process.wait(PATIENCE) == 1


def listens(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def gauge(running: Gateway, name: str) -> float:
    """A metric without labels."""
    lines = running.get("/metrics").text.splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), -1.0)

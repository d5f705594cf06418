"""Many connections for a while, with clients that hang up at any moment, and a stop in the middle of it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil
import psycopg
import pytest

from sql.embedded import Addresses
from tests.conftest import name_of

pytestmark = pytest.mark.database

SECONDS = float(os.environ.get("MOTOMIND_STRESS_SECONDS", "5"))
CONNECTIONS = 64
REQUESTS = 2000  # on one connection at most
ABORTED = 0.02  # of the requests
MOTOMIND = Path(sys.executable).parent / "motomind"
PEOPLE = (
    ("owner@enterprise.example", None),
    ("viewer@enterprise.example", None),
    ("dispatcher@enterprise.example", None),
    ("newcomer@enterprise.example", None),
    ("owner@medium.example", None),
    ("owner@small.example", None),
    ("owner@solo.example", None),
    ("consultant@example.com", "Small"),
    ("consultant@example.com", "Medium"),
)
QUERIES = (
    "{ viewer { email } tenant { id name } }",
    "{ tenant { rootGroups { id name rollup { vehicleCount } children { id name } } } }",
    "{ vehicles(first: 20) { totalCount nodes { id label fleetGroup { id name } } } }",
    "{ events(first: 10) { nodes { id occurredAt vehicle { id label } } } }",
    "query Wrong { nothing }",
)
GROWTH_MB = 48  # what a process may keep for plans and caches that the first seconds did not fill
CLEAN_UP_SECONDS = 15


@dataclass
class Gateway:
    """A gateway in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int
    tokens: list[str]
    server: str
    database: str
    expected: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)

    def request(self, person: int, query: int) -> bytes:
        """A request as it goes over the wire."""
        body = orjson.dumps({"query": QUERIES[query]})
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.tokens[person]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def memory(self) -> float:
        """The resident memory of the process, in MB."""
        resident: int = psutil.Process(self.process.pid).memory_info().rss
        return resident / 1e6

    def states(self) -> Counter[str]:
        """How many of the gateway's database connections are in which state."""
        with psycopg.connect(self.server) as connection:
            rows = connection.execute(
                "select state from pg_stat_activity where datname = %s and usename = 'gateway'", [self.database]
            ).fetchall()
        return Counter(state for (state,) in rows)


@pytest.fixture
def gateway(server: str, demo: Addresses, tokens: list[str], data_dir: Path, free_port: int) -> Iterator[Gateway]:
    """A gateway on the shared demo, stopped in the end if it has not been."""
    environment = os.environ | {"DATABASE_URL": demo.gateway, "MOTOMIND_LOG_LEVEL": "warning"}
    process = subprocess.Popen(  # noqa: S603 - our own command
        [str(MOTOMIND), "serve", "--port", str(free_port), "--data-dir", str(data_dir)], env=environment
    )
    yield Gateway(process, free_port, tokens, server, name_of(demo))
    if process.poll() is None:
        process.terminate()
    process.wait(60)


@pytest.fixture(scope="session")
def data_dir(settings) -> Path:
    """Where the key of the tokens is."""
    return settings.data_dir


@pytest.fixture(scope="session")
async def tokens(token) -> list[str]:
    """A token for each of the people."""
    return [await token(email, tenant) for email, tenant in PEOPLE]


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Status and body of a response, and whether the connection goes on."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    body = await reader.readexactly(int(headers[b"content-length"]))
    return status, body, headers.get(b"connection", b"") != b"close"


async def until_alive(gateway: Gateway) -> None:
    """Waits until the gateway answers, and learns what it answers to whom."""
    end = time.monotonic() + 60
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            break
        except OSError:
            assert gateway.process.poll() is None, "the gateway has stopped"
            assert time.monotonic() < end, "the gateway does not answer"
            await asyncio.sleep(0.1)
    for person in range(len(PEOPLE)):
        for query in range(len(QUERIES)):
            writer.write(gateway.request(person, query))
            status, body, _ = await answer(reader)
            gateway.expected[person, query] = status, body
    writer.close()
    assert len({body for (_, query), (_, body) in gateway.expected.items() if query == 0}) == len(PEOPLE)


async def visitor(gateway: Gateway, number: int, until: float, seen: Counter[str], *, aborts: bool) -> None:
    """One connection after the other, each by many people in turn; every answer is the one that the person is due."""
    chance = random.Random(number)  # noqa: S311 - anything but secret
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        except OSError:
            seen["refused"] += 1
            await asyncio.sleep(0.05)
            continue
        try:
            for _ in range(REQUESTS):
                if time.monotonic() >= until:
                    break
                person, query = chance.randrange(len(PEOPLE)), chance.randrange(len(QUERIES))
                writer.write(gateway.request(person, query))
                await writer.drain()
                if aborts and chance.random() < ABORTED:
                    await asyncio.sleep(chance.random() * 0.02)
                    seen["aborted"] += 1
                    break
                status, body, goes_on = await answer(reader)
                if status == 503:
                    assert orjson.loads(body)["errors"][0]["extensions"]["code"] == "SHUTTING_DOWN", body
                    seen["503"] += 1
                else:
                    assert (status, body) == gateway.expected[person, query], (PEOPLE[person], QUERIES[query], body)
                    seen["answered"] += 1
                if not goes_on:
                    break
        except asyncio.IncompleteReadError as error:
            # A server may close a connection just when a request comes, without a byte of an answer: it is asked again.
            seen["cut" if error.partial else "closed"] += 1
        except ConnectionError:
            seen["closed"] += 1
        finally:
            writer.close()


async def crowd(gateway: Gateway, seconds: float, *, aborts: bool) -> Counter[str]:
    """All connections for a while; what came of their requests."""
    seen: Counter[str] = Counter()
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as everybody:
        for number in range(CONNECTIONS):
            everybody.create_task(visitor(gateway, number, until, seen, aborts=aborts))
    return seen


async def test_a_crowd_that_hangs_up_at_any_moment_leaves_nothing(gateway: Gateway):
    """No answer of somebody else's, no connection in a transaction, no memory that is not given back."""
    await until_alive(gateway)
    await crowd(gateway, 2, aborts=True)
    before = gateway.memory()
    seen = await crowd(gateway, SECONDS, aborts=True)
    print(dict(seen), f"{before:.0f} MB before, {gateway.memory():.0f} MB after")  # noqa: T201
    assert min(seen["answered"], seen["aborted"]) > 0
    assert (seen["refused"], seen["503"], seen["cut"], seen["closed"]) == (0, 0, 0, 0)
    end = time.monotonic() + CLEAN_UP_SECONDS
    while set(gateway.states()) - {"idle"}:
        assert time.monotonic() < end, gateway.states()
        await asyncio.sleep(0.2)
    assert gateway.memory() - before < GROWTH_MB


async def test_a_stop_in_the_middle_answers_what_it_took(gateway: Gateway):
    """Whoever was let in is answered; the others are told 503 with a code, or find nobody; the exit status is 0."""
    await until_alive(gateway)

    async def stop() -> None:
        await asyncio.sleep(SECONDS / 2)
        gateway.process.send_signal(signal.SIGTERM)

    seen, _ = await asyncio.gather(crowd(gateway, SECONDS, aborts=False), stop())
    print(dict(seen))  # noqa: T201
    assert seen["answered"] > 0
    assert seen["cut"] == 0, seen
    assert await asyncio.to_thread(gateway.process.wait, 30) == 0

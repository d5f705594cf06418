"""Documents and bodies that are small to send and large to look at: each is refused at once, and nothing stays."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from tests.api.conftest import GRAPHQL_JSON, Serve

pytestmark = pytest.mark.database

MOST_MEMORY = 32_000_000  # bytes at the peak: reading JSON takes some times its size, for a moment
MOST_LEFT = 1_000_000  # bytes after five of them, for the collector to find: tokens know each other
REPEATS = 5

FRAGMENTS = 22


def asking(query: str) -> bytes:
    """The body that asks a query."""
    return orjson.dumps({"query": query})


def fragments() -> str:
    """Fragments that each spread the next one twice: four million fields, written out."""
    return (
        "{...a}"
        + "".join(f"fragment {chr(97 + n)} on Query{{...{chr(98 + n)} ...{chr(98 + n)}}}" for n in range(FRAGMENTS - 1))
        + f"fragment {chr(96 + FRAGMENTS)} on Query{{__typename}}"
    )


def introspection(levels: int) -> str:
    """A question about the schema that goes round in circles."""
    return "{__schema{types{" + "fields{type{" * levels + "name" + "}}" * levels + "}}}"


HOSTILE: dict[str, tuple[bytes, int, str]] = {
    "22 fragments that each spread the next twice": (asking(fragments()), 400, "TOO_MANY_ROOT_FIELDS"),
    "101 aliases": (
        asking("{tenant{" + " ".join(f"a{n}:name" for n in range(101)) + "}}"),
        400,
        "TOO_MANY_ALIASES",
    ),
    "500 repeated fields": (asking("{tenant{" + "name " * 500 + "}}"), 400, "TOO_MANY_FIELDS"),
    "10 unknown directives": (
        asking("query " + " ".join(f"@d{n}" for n in range(10)) + "{tenant{name}}"),
        400,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "circular introspection": (asking(introspection(10)), 400, "INTROSPECTION_TOO_DEEP"),
    "a string of 20 MB": (asking('{vehicle(id:"' + "x" * 20_000_000 + '"){id}}'), 413, "BODY_TOO_LARGE"),
    "a string of almost 1 MB": (asking('{vehicle(id:"' + "x" * 999_900 + '"){id}}'), 400, "DOCUMENT_TOO_LONG"),
    "10,000 nested brackets": (asking("{a(b:" + "[" * 10_000), 400, "QUERY_TOO_DEEP"),
    "10,000 nested selections": (asking("{a" * 10_000), 400, "QUERY_TOO_DEEP"),
    "10,000 nested brackets of JSON": (b'{"variables":' + b"[" * 10_000, 400, "BAD_REQUEST"),
    "a batch of 1,000, where there are none": (b"[" + b",".join([b'{"query":"{a}"}'] * 1000) + b"]", 400, ""),
    "a batch of 1,000, where 10 may be": (b"[" + b",".join([b'{"query":"{a}"}'] * 1000) + b"]", 400, ""),
}


@dataclass(frozen=True)
class Told:
    """What came of a request: its status, its codes, and the CPU time of it in seconds."""

    status: int
    codes: set[str]
    cpu: float


async def ask(application: Any, token: str, body: bytes) -> Told:
    """A request as the server hands it over, without a client's own work in the measure."""
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "accept": GRAPHQL_JSON,
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    sent: list[Any] = []
    view = memoryview(body)
    pieces = (bytes(view[start : start + 65_536]) for start in range(0, len(body), 65_536))

    async def receive() -> Any:
        piece = next(pieces, b"")
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def send(message: Any) -> None:
        sent.append(message)

    begin = time.process_time()
    await application(scope, receive, send)
    cpu = time.process_time() - begin
    told = orjson.loads(b"".join(message.get("body", b"") for message in sent[1:]))
    assert set(told) == {"errors"}
    return Told(sent[0]["status"], {error["extensions"]["code"] for error in told["errors"]}, cpu)


@pytest.fixture(scope="module")
async def bearer(serve: Serve) -> AsyncIterator[str]:
    """A token that holds."""
    async with serve() as client:
        yield await client.token("owner@enterprise.example")


@pytest.fixture(scope="module")
async def applications(serve: Serve) -> AsyncIterator[dict[int, Any]]:
    """Gateways by the size of a batch that they take."""
    async with serve() as single, serve(max_batch_size=10) as batching:
        yield {size: client.http._transport.app for size, client in ((0, single), (10, batching))}  # noqa: SLF001


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """Lines with what was measured, printed at the end: ``pytest -s`` shows them."""
    lines: list[str] = []
    yield lines
    print("\nwhat, its size, status, code, CPU time, memory at the peak, and what is left of five\n" + "\n".join(lines))  # noqa: T201


@pytest.mark.parametrize("name", HOSTILE)
async def test_it_is_refused_at_once_and_nothing_stays(
    applications: dict[int, Any], bearer: str, name: str, table: list[str]
):
    """Its status and code, memory at the peak, and after many of them. The CPU time is printed, not judged."""
    body, status, code = HOSTILE[name]
    application = applications[10 if "may be" in name else 0]
    code = code or ("BATCH_TOO_LARGE" if "may be" in name else "BATCHING_DISABLED")
    told = [await ask(application, bearer, body) for _ in range(REPEATS)]
    assert {(one.status, frozenset(one.codes)) for one in told} == {(status, frozenset({code}))}
    cpu = min(one.cpu for one in told)
    gc.collect()
    gc.disable()  # what is left to the collector may be left for long
    tracemalloc.start()
    try:
        await ask(application, bearer, body)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(REPEATS):
            await ask(application, bearer, body)
        after, peak = (figure - before for figure in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
        gc.enable()
    figures = f"{cpu * 1000:6.2f} ms {peak / 1000:8.0f} kB {after / 1000:6.1f} kB"
    table.append(f"{name:46} {len(body):9} bytes  {status} {code:26} {figures}")
    assert peak < MOST_MEMORY
    assert after < MOST_LEFT


def test_the_query_of_fragments_is_small():
    """As small as the one that takes others ten seconds."""
    assert len(fragments()) < 800
    assert fragments().count("fragment") == FRAGMENTS

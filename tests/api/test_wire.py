"""Bytes on a real socket: what no client library would send gets an answer that a GraphQL client reads."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import suppress

import orjson
import pytest

from tests.api.conftest import Client, Listen, Listening
from tests.waiting import PATIENCE

pytestmark = pytest.mark.database

BODY = b'{"query": "{ viewer { email } }"}'


@pytest.fixture(scope="module")
async def gateway(listen: Listen) -> AsyncIterator[Listening]:
    """A gateway that listens and has little patience."""
    async with listen(body_timeout=0.5, max_body_bytes=100_000) as gateway:
        yield gateway


@pytest.fixture(scope="module")
async def bearer(client: Client) -> str:
    """A header with a token that holds."""
    return f"Authorization: Bearer {await client.token('owner@enterprise.example')}"


async def answered(port: int, head: list[str], *pieces: bytes, every: float = 0.0) -> tuple[int, str]:
    """The status and code of the answer to a request of these header lines and pieces of a body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def write() -> None:
        with suppress(ConnectionError):  # refused while we still talk
            writer.write(
                "\r\n".join(
                    ["POST /graphql HTTP/1.1", "Host: x", "Content-Type: application/json", *head, "", ""]
                ).encode()
            )
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(every)

    writing = asyncio.create_task(write())
    try:
        async with asyncio.timeout(PATIENCE):
            status = int((await reader.readline()).split()[1])
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = orjson.loads(await reader.readexactly(length))
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return status, body["errors"][0]["extensions"]["code"] if "errors" in body else "ok"


def chunk(content: bytes) -> bytes:
    """A piece of a body in chunks."""
    return b"%x\r\n%s\r\n" % (len(content), content)


async def test_bodies_may_come_in_chunks(gateway: Listening, bearer: str):
    """As long as they end."""
    pieces = [chunk(BODY[:10]), chunk(BODY[10:]), b"0\r\n\r\n"]
    assert await answered(gateway.port, [bearer, "Transfer-Encoding: chunked"], *pieces) == (200, "ok")


@pytest.mark.parametrize(
    ("head", "pieces", "expected"),
    [
        (["Transfer-Encoding: chunked"], [chunk(b" ")] * 1000, (408, "BODY_TOO_SLOW")),
        (["Transfer-Encoding: chunked"], [chunk(b" " * 9_999)] * 30, (413, "BODY_TOO_LARGE")),
        (["Content-Length: 1000"], [b" "] * 900, (408, "BODY_TOO_SLOW")),
        (["Content-Length: 1000"], [], (408, "BODY_TOO_SLOW")),
        (["Content-Length: 100000000000"], [], (413, "BODY_TOO_LARGE")),
        (["X-Long: " + "x" * 1_000_000, f"Content-Length: {len(BODY)}"], [BODY], (431, "HEADERS_TOO_LARGE")),
        (["X-A: a"] * 20_000 + [f"Content-Length: {len(BODY)}"], [BODY], (431, "HEADERS_TOO_LARGE")),
        (
            ["Content-Encoding: gzip", f"Content-Length: {len(gzip.compress(bytes(1_000_000)))}"],
            [gzip.compress(bytes(1_000_000))],
            (415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
    ],
    ids=[
        "chunks without end, slowly",
        "chunks without end, fast",
        "a slow client",
        "a silent client",
        "a length beyond all bounds",
        "a header of 1 MB",
        "20,000 headers",
        "a gzip bomb",
    ],
)
async def test_what_never_ends_or_is_too_much_is_refused(
    gateway: Listening, bearer: str, head: list[str], pieces: list[bytes], expected: tuple[int, str]
):
    """With a status of the 400s and a GraphQL body; and the next client is served."""
    slowly = 0.01 if expected[0] == 408 else 0.0
    assert await answered(gateway.port, [bearer, *head], *pieces, every=slowly) == expected
    assert await answered(gateway.port, [bearer, f"Content-Length: {len(BODY)}"], BODY) == (200, "ok")

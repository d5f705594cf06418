"""Connections of a server that ends: what is on its way is answered, and nobody is waited for in vain."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from api import protocol
from api.protocol import HttpProtocol
from tests.waiting import PATIENCE, until

GET = b"GET / HTTP/1.1\r\nHost: gateway\r\n"
UPGRADE = (
    GET
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def hello(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers every request."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


class Client:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes = GET) -> str:
        """The head of the answer to a request."""
        self._writer.write(request + b"\r\n")
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE)
        assert await self._reader.readexactly(5) == b"hello"
        return head.decode().lower()

    async def is_closed(self) -> bool:
        """Whether the server closes it, with nothing said before."""
        said = await asyncio.wait_for(self._reader.read(), PATIENCE)
        await self.close()
        return said == b""

    def upgrade(self) -> None:
        """Asks to become a WebSocket."""
        self._writer.write(UPGRADE + b"\r\n")

    async def close(self) -> None:
        """Leaves."""
        self._writer.close()
        await self._writer.wait_closed()


class Served:
    """A server with that protocol in this process."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(hello, http=HttpProtocol, lifespan="off", log_config=None)
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        self._address = self._socket.getsockname()

    async def client(self) -> Client:
        """A new connection, which the server has accepted."""
        connections = self._server.server_state.connections
        before = len(connections)
        client = Client(*await asyncio.open_connection(*self._address))
        await until(lambda: len(connections) > before)
        return client

    async def end(self) -> None:
        """Ends it; has returned when it listens no more."""
        self._server.should_exit = True
        await until(lambda: self._socket.fileno() == -1)

    async def has_ended(self) -> bool:
        """Waits for its end."""
        await asyncio.wait_for(self._task, PATIENCE)
        return True


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    """A server that has ended afterwards."""
    served = Served()
    try:
        yield served
    finally:
        await served.end()
        await served.has_ended()


async def test_request_under_way_is_answered(monkeypatch: pytest.MonkeyPatch):
    """On a connection that was just accepted and on one that is kept; then both are closed, and the server ends."""
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 10 * PATIENCE)
    async with serving() as served:
        fresh, kept = await served.client(), await served.client()
        assert "connection: close" not in await kept.ask()
        await served.end()
        for client in (fresh, kept):
            assert "connection: close" in await client.ask()
            assert await client.is_closed()
        assert await served.has_ended()


async def test_silent_connections_are_closed(monkeypatch: pytest.MonkeyPatch):
    """After a moment, whether anything was asked on them or not."""
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.01)
    async with serving() as served:
        fresh, kept = await served.client(), await served.client()
        await kept.ask()
        await served.end()
        assert await fresh.is_closed()
        assert await kept.is_closed()
        assert await served.has_ended()


async def test_no_socket_is_opened_at_the_end(monkeypatch: pytest.MonkeyPatch):
    """The server would wait for it."""
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 10 * PATIENCE)
    async with serving() as served:
        client = await served.client()
        await served.end()
        client.upgrade()
        assert await client.is_closed()
        assert await served.has_ended()


async def test_client_that_leaves_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    """A closed connection is closed."""
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 10 * PATIENCE)
    async with serving() as served:
        client = await served.client()
        await served.end()
        await client.close()
        assert await served.has_ended()

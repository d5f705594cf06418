"""An ASGI application that executes {"query": TEXT, "variables": {...}} for whom X-User-Id and X-Tenant-Id say.

Parsed documents are kept, the transaction and the execution are the gateway's. Nobody is authenticated, nothing is
negotiated, limited, counted, watched or logged.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson

from resolvers.execution import Engine
from resolvers.schema import build
from sql.database import Database
from sql.session import Caller

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Bare:
    """The application. Its database is DATABASE_URL's."""

    def __init__(self) -> None:
        self._engine = Engine(build(), max_page_size=20_000)
        self._database: Database | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, or the beginning and the end of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = (await receive())["body"]
        headers, asked = dict(scope["headers"]), orjson.loads(body)
        caller = Caller(UUID(headers[b"x-user-id"].decode()), UUID(headers[b"x-tenant-id"].decode()))
        document = self._engine.document(asked["query"])
        assert self._database is not None
        async with self._database.session(caller) as session:
            result = await self._engine.execute(document, session, asked["variables"], None)
        answer = orjson.dumps({"data": result.data}, default=str)
        length = str(len(answer)).encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", length)],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._database = await Database.connect(os.environ["DATABASE_URL"])
                await send({"type": "lifespan.startup.complete"})
            else:
                assert self._database is not None
                await self._database.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


app = Bare()

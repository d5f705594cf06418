"""An ASGI application that answers {"query": NAME, "variables": {...}} with what floor/NAME.sql returns.

It begins, enters and commits as the gateway does. A caller is who the headers X-User-Id and X-Tenant-Id say: no token
is verified, nothing is limited, and only the variables that a statement names are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import takewhile
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import asyncpg
import orjson

BEGIN = {
    "read": """begin read only; set local statement_timeout = 60000; set local plan_cache_mode = {plan};
select app.enter('{user}', '{tenant}', false)""",
    "write": """begin; set local statement_timeout = 60000; set local plan_cache_mode = {plan};
select app.enter('{user}', '{tenant}', true, '{address}')""",
}

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Statement:
    """A file's text, the variables that it takes, the setting plan_cache_mode under which it is fastest, its access."""

    sql: str
    parameters: list[str]
    plan: str
    access: str

    @classmethod
    def read(cls, file: Path) -> Self:
        """A statement from its file; its first lines say "-- parameters: ...", perhaps "-- plan:" and "-- access:"."""
        sql = file.read_text(encoding="utf-8")
        headers = takewhile(lambda line: line.startswith("-- ") and ": " in line, sql.splitlines())
        told = dict(line.removeprefix("-- ").split(": ", 1) for line in headers)
        return cls(sql, told["parameters"].split(), told.get("plan", "auto"), told.get("access", "read"))


class Floor:
    """The application. Its database is DATABASE_URL's."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._statements = {file.stem: Statement.read(file) for file in Path(__file__).parent.glob("*.sql")}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, or the beginning and the end of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = await self._answer(dict(scope["headers"]), scope["client"][0], orjson.loads(body))
        length = str(len(answer)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, headers: dict[bytes, bytes], client: str, asked: dict[str, Any]) -> bytes:
        assert self._pool is not None
        tenant = UUID(headers[b"x-tenant-id"].decode())
        statement = self._statements[asked["query"]]
        user, address = UUID(headers[b"x-user-id"].decode()), ip_address(client)
        begin = BEGIN[statement.access].format(user=user, tenant=tenant, plan=statement.plan, address=address)
        values = {**asked["variables"], "tenant": str(tenant)}
        async with self._pool.acquire() as connection:
            await connection.execute(begin)
            try:
                role = connection.get_settings().application_name  # a text for each role keeps each one's plan
                text: str = await connection.fetchval(
                    f"{statement.sql}-- {role}", *[values[name] for name in statement.parameters]
                )
            except BaseException:
                await connection.execute("rollback")
                raise
            await connection.execute("commit")
        return text.encode()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._pool = await asyncpg.create_pool(
                    os.environ["DATABASE_URL"], min_size=1, max_size=10, reset=_nothing
                )
                await send({"type": "lifespan.startup.complete"})
            else:
                assert self._pool is not None
                await self._pool.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _nothing(_: Any) -> None:
    """Every setting ends with its transaction."""


app = Floor()

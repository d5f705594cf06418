"""Probes: what load balancers, supervisors and Prometheus ask. Plain JSON and text, not GraphQL."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.drain import Drain
from api.metrics import CONTENT_TYPE
from api.settings import Settings
from api.telemetry import Telemetry
from sql.database import Database
from sql.errors import DatabaseError, PoolExhaustedError
from sql.readiness import pending_migrations

FRESH_SECONDS = 1.0  # how long an answer is given again, so that nobody can keep the database busy with probes
PATIENCE_SECONDS = 2.0
OK = "ok"
NOT_CACHED = {"Cache-Control": "no-store"}


class Probes:
    """Answers /readyz and /metrics."""

    def __init__(self, settings: Settings, database: Database, drain: Drain, telemetry: Telemetry) -> None:
        self._settings = settings
        self._database = database
        self._drain = drain
        self._telemetry = telemetry
        self._looking: asyncio.Task[dict[str, str]] | None = None
        self._known: tuple[float, dict[str, str]] = (-FRESH_SECONDS, {})

    async def ready(self) -> Response:
        """200 where requests can be served, else 503; the body says of each check what it found."""
        checks = {
            "draining": "this gateway is being stopped" if self._drain.draining else OK,
            **await self._database_checks(),
        }
        ready = all(found == OK for found in checks.values())
        body = {"status": "ready" if ready else "not ready", "checks": checks}
        return JSONResponse(body, 200 if ready else 503, NOT_CACHED)

    def metrics(self, request: Request) -> Response:
        """The metrics, for who may read them."""
        metrics, token = self._telemetry.metrics, self._settings.metrics_token
        if metrics is None or (token is None and not self._is_near(request)):
            return JSONResponse({"status": "not found"}, 404)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if token is not None and not (
            scheme.lower() == "bearer"
            and secrets.compare_digest(given.strip().encode(), token.get_secret_value().encode())
        ):
            return JSONResponse({"status": "not authorized"}, 401, {"WWW-Authenticate": "Bearer"})
        self._telemetry.sample()
        return Response(metrics.text(), media_type=CONTENT_TYPE, headers=NOT_CACHED)

    def _is_near(self, request: Request) -> bool:
        """Whether nobody but this machine can have asked. In production a proxy on it could pass the world on."""
        if self._settings.has_production_issuer or request.client is None:
            return False
        forwarded = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
        if any(name in request.headers for name in forwarded):
            return False
        try:
            return ipaddress.ip_address(request.client.host).is_loopback
        except ValueError:
            return False

    async def _database_checks(self) -> dict[str, str]:
        """What is known of the database, from a second ago at most; all who ask meanwhile wait for one answer."""
        since, known = self._known
        if time.monotonic() - since < FRESH_SECONDS:
            return known
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        done, _ = await asyncio.wait({self._looking}, timeout=PATIENCE_SECONDS)
        return self._looking.result() if done else {"database": f"no answer within {PATIENCE_SECONDS:g} s"}

    async def _look(self) -> dict[str, str]:
        found = {"database": OK, "migrations": OK}
        try:
            if pending := await pending_migrations(self._database):
                found["migrations"] = f"{len(pending)} to be applied: motomind migrate"
        except PoolExhaustedError:
            pass  # every connection is at work for somebody: that is load, and requests are told so one by one
        except DatabaseError:
            found = {"database": "cannot be reached"}
        self._known = (time.monotonic(), found)
        return found


async def alive(_: Request) -> Response:
    """The process runs."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """Whether requests can be served."""
    probes: Probes = request.app.state.probes
    return await probes.ready()


async def metrics(request: Request) -> Response:
    """What Prometheus reads."""
    probes: Probes = request.app.state.probes
    return probes.metrics(request)

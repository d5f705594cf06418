"""The application: routes, and what lives as long as the process."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from api import probes
from api.auth import url_key
from api.drain import Drain
from api.endpoint import Endpoint
from api.errors import BadRequestError
from api.explorer import Explorer
from api.request import JSON
from api.response import Answer
from api.settings import Settings
from api.sockets import Sockets
from api.telemetry import Telemetry
from api.uploads.endpoint import Uploads
from resolvers.execution import Engine, graphql_core_executor
from resolvers.executor import BreadthFirstExecutor
from resolvers.limits import Limits
from resolvers.schema import build
from resolvers.upload_url import UrlSigner
from sql.database import Database, PoolSettings

PATH = "/graphql"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # all but two are refused, each in the same way


def create(settings: Settings | None = None) -> Starlette:
    """The ASGI application. Its database must be set, migrated and reachable when it starts."""
    settings = settings or Settings()
    signer = UrlSigner(url_key(settings), settings.public_url.rstrip("/"))
    engine = engine_of(settings, signer)
    explorer = Explorer(settings)
    storage = settings.storage()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if settings.database_url is None:
            raise RuntimeError("DATABASE_URL is not set. 'motomind serve' starts an embedded database and sets it.")
        _spare_the_collector()
        database = await Database.connect(settings.database_url, pool_settings(settings), settings.keyring())
        drain = Drain(seconds=settings.drain_seconds, longest=settings.request_timeout)
        telemetry = app.state.telemetry = Telemetry(settings, database, engine, drain)
        app.state.probes = probes.Probes(settings, database, drain, telemetry)
        endpoint = app.state.endpoint = Endpoint(settings, database, engine, drain)
        sockets = app.state.sockets = Sockets(settings, endpoint, telemetry)
        drain.last = sockets.drain
        app.state.uploads = Uploads(settings, database, storage, signer, endpoint.caller)
        try:
            async with endpoint.credentials.verifier:
                await endpoint.warm_up()
                drain.on_signals()
                yield
                await sockets.drain()
        finally:
            await endpoint.close()
            await telemetry.close()
            await database.close()

    async def upload(request: Request) -> Response:
        uploads: Uploads = request.app.state.uploads
        return await (uploads.hand_out if "id" in request.path_params else uploads.receive)(request)

    graphql = GraphQL(explorer)
    return Gateway(
        graphql,
        routes=[
            Route(PATH, graphql),
            WebSocketRoute("/graphql", _socket),
            Route("/uploads", upload, methods=METHODS),
            Route("/uploads/{id}", upload, methods=METHODS),
            Route("/healthz", probes.alive, methods=["GET"]),
            Route("/readyz", probes.ready, methods=["GET"]),
            Route("/metrics", probes.metrics, methods=["GET"]),
            *explorer.routes(),
        ],
        exception_handlers={404: _not_served, 405: _not_served},
        lifespan=lifespan,
    )


def _spare_the_collector() -> None:
    """Keeps the garbage collector from looking at the schema again and again, and at responses while they are built.

    A response is tens of thousands of objects without a cycle among them, freed as soon as it is sent. The default
    thresholds have each of them looked at several times over; a full collection took a tenth of a second out of every
    seventh large tree.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pool_settings(settings: Settings) -> PoolSettings:
    """The part of the settings that is about database connections."""
    return PoolSettings(
        min_size=settings.pool_min_size,
        max_size=settings.pool_max_size,
        acquire_timeout=settings.pool_timeout,
        statement_timeout_ms=settings.statement_timeout_ms,
        statement_cache_size=settings.statement_cache_size,
    )


def engine_of(settings: Settings, signer: UrlSigner | None = None) -> Engine:
    """The engine that executes documents, and says which are refused."""
    return Engine(
        build(),
        signer=signer,
        cached_documents=settings.cached_documents,
        max_page_size=settings.max_page_size,
        limits=limits(settings),
        executor_class=BreadthFirstExecutor if settings.executor == "breadth_first" else graphql_core_executor(),
    )


def limits(settings: Settings) -> Limits:
    """The part of the settings that is about what documents may ask for."""
    return Limits(
        length=settings.max_document_length,
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        root_fields=settings.max_root_fields,
        width=settings.max_object_fields,
        fields=settings.max_fields,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        introspection=settings.max_introspection_depth,
        cost=settings.max_cost,
    )


async def _socket(websocket: WebSocket) -> None:
    sockets: Sockets = websocket.app.state.sockets
    await sockets(websocket)


async def _not_served(_: Request, error: Exception) -> Response:
    """The answer where there is nothing at a path, or not by this method: JSON like everything else."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (404, None)
    if status == 404:  # noqa: PLR2004 - HTTP's own number
        refusal = BadRequestError("NOT_FOUND", "There is nothing here. GraphQL is served at /graphql.", status=status)
    else:
        message = "This method is not served here."
        refusal = BadRequestError("METHOD_NOT_ALLOWED", message, status=status, headers=headers)
    return Answer.refused(refusal).response(JSON)


class Gateway(Starlette):
    """The application. The graph's requests go straight to it, past middleware and router, which they do not need."""

    def __init__(self, graphql: GraphQL, **options: Any) -> None:
        super().__init__(**options)
        self._graphql = graphql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "http" and scope["path"] == PATH:
            scope["app"] = self
            await self._graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class GraphQL:
    """The route of the graph: the endpoint, watched; for browsers that open it, the explorer's page.

    By any method: all but two are refused, as GraphQL errors.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["method"] == "GET" and self._explorer.is_asked_for(Request(scope)):
            await self._explorer.page()(scope, receive, send)
        else:
            telemetry: Telemetry = scope["app"].state.telemetry
            await telemetry.watch(self._answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint: Endpoint = scope["app"].state.endpoint
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

"""The endpoint: the way of a request, from its headers to its answer, on one screen."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from api.auth import Identity, TokenVerifier
from api.encoding import encode
from api.errors import BadRequestError, NotPermittedError, RequestRefusedError, UnavailableError
from api.settings import Settings
from resolvers.execution import VARIABLES_FAILED, Document, Engine
from sql.database import Database
from sql.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    NotAMemberError,
    PoolExhaustedError,
    StatementTimeoutError,
)
from sql.session import Caller

log = logging.getLogger("motomind")

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
MAX_ERRORS = 50
NEVER = re.compile(r";\s*q=0(\.0*)?\s*$")
Answer = tuple[dict[str, Any], int]  # a body and its status
DATABASE_CODES: dict[type[DatabaseError], str] = {
    DatabaseUnavailableError: "DATABASE_UNAVAILABLE",
    PoolExhaustedError: "DATABASE_BUSY",
    StatementTimeoutError: "STATEMENT_TIMEOUT",
    NotAMemberError: "NOT_A_MEMBER",
}


@dataclass(frozen=True)
class GraphQLRequest:
    """What a client sent: the document's text, the operation's name and the variables."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None


class Endpoint:
    """Answers GraphQL over HTTP."""

    def __init__(self, settings: Settings, database: Database, engine: Engine) -> None:
        self.settings = settings
        self.database = database
        self.engine = engine
        self.verifier = TokenVerifier.of(settings)

    async def __call__(self, request: Request) -> Response:
        """One request."""
        media_type = JSON
        try:
            media_type = _negotiate(request)
            async with asyncio.timeout(self.settings.request_timeout):
                body, status = await self._answer(request)
            return _respond(body, media_type, status)
        except RequestRefusedError as refused:
            return _respond(refused.body, media_type, refused.http_status, refused.headers, always=True)
        except TimeoutError:
            late = UnavailableError("DEADLINE_EXCEEDED", "The request took too long. Ask for less at once.", status=504)
            return _respond(late.body, media_type, late.http_status, late.headers, always=True)
        except GraphQLError as error:
            return _respond(_told(ExecutionResult(None, [error]), request_error=True), media_type, 400)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:  # noqa: BLE001 - the last resort: a mistake of ours is told like any other error
            mistake = GraphQLError("", original_error=error)
            return _respond(_told(ExecutionResult(None, [mistake]), request_error=True), media_type, 500, always=True)

    async def _answer(self, request: Request) -> Answer:
        if request.method not in {"GET", "POST"}:
            message = "GraphQL is asked by POST, or for queries by GET."
            raise BadRequestError("METHOD_NOT_ALLOWED", message, status=405, headers={"Allow": "GET, POST"})
        identity = self.verifier.identify(request.headers.get("authorization"))
        asked = await self._read(request)
        document = self.engine.document(asked.query)
        if document.tree is None:
            return _told(ExecutionResult(None, list(document.errors)), request_error=True), 400
        writes = self._admit(request, document, asked)
        try:
            caller = await self._caller(request, identity)
            return await _unless_gone(request, self._execute(caller, document, asked, writes=writes))
        except DatabaseError as error:
            raise _refused(error) from error

    async def _read(self, request: Request) -> GraphQLRequest:
        if request.method == "GET":
            parameters: Any = dict(request.query_params)
            if "variables" in parameters:
                parameters["variables"] = _json(parameters["variables"], "variables")
        else:
            content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if content_type != JSON:
                raise BadRequestError("UNSUPPORTED_MEDIA_TYPE", "Send the request as application/json.", status=415)
            parameters = _json(await self._body(request), "The body")
        if not isinstance(parameters, dict):
            raise BadRequestError("BAD_REQUEST", "The body is a JSON object with the key query.")
        query, name, variables = (parameters.get(key) for key in ("query", "operationName", "variables"))
        if not isinstance(query, str) or not query.strip():
            raise BadRequestError("BAD_REQUEST", "query is missing: the GraphQL document, as a text.")
        if name is not None and not isinstance(name, str):
            raise BadRequestError("BAD_REQUEST", "operationName is a text.")
        if variables is not None and not isinstance(variables, dict):
            raise BadRequestError("BAD_REQUEST", "variables is a JSON object.")
        return GraphQLRequest(query, name, variables)

    async def _body(self, request: Request) -> bytes:
        limit = self.settings.max_body_bytes
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BadRequestError("BODY_TOO_LARGE", f"The body is larger than {limit} bytes.", status=413)
        return bytes(body)

    def _admit(self, request: Request, document: Document, asked: GraphQLRequest) -> bool:
        """Whether the operation writes. Raises where it cannot be told apart, or is a mutation by GET."""
        operation = self.engine.resolve_operation(document, asked.operation_name)
        writes = operation.operation is OperationType.MUTATION
        if writes and request.method == "GET":
            raise BadRequestError(
                "METHOD_NOT_ALLOWED", "Mutations are sent by POST.", status=405, headers={"Allow": "POST"}
            )
        return writes

    async def _caller(self, request: Request, identity: Identity) -> Caller:
        """Who asks, in which tenant: the token's, else the header's, else the only one the person belongs to."""
        tenant_id = identity.tenant_id
        if header := request.headers.get("x-tenant-id"):
            try:
                wanted = UUID(header.strip())
            except ValueError:
                raise BadRequestError("INVALID_ID", "X-Tenant-Id is not an id: it is a tenant's UUID.") from None
            if tenant_id is not None and wanted != tenant_id:
                raise NotPermittedError(
                    "TENANT_MISMATCH", "The token is bound to another tenant than X-Tenant-Id names."
                )
            tenant_id = wanted
        if tenant_id is None:
            tenants = await self.database.tenants_of(identity.user_id)
            if not tenants:
                raise NotPermittedError("NOT_A_MEMBER", "You are no member of any tenant.")
            if len(tenants) > 1:
                raise BadRequestError(
                    "TENANT_REQUIRED",
                    "You belong to several tenants: send the header X-Tenant-Id with one of their ids.",
                    extensions={"tenants": [{"id": str(t["id"]), "name": t["name"]} for t in tenants]},
                )
            tenant_id = UUID(tenants[0]["id"])
        return Caller(
            identity.user_id,
            tenant_id,
            client_ip=request.client.host if request.client else None,
            user_agent=request.headers.get("user-agent"),
        )

    async def _execute(self, caller: Caller, document: Document, asked: GraphQLRequest, *, writes: bool) -> Answer:
        async with self.database.session(caller, writes=writes) as session:
            result = await self.engine.execute(document, session, asked.variables, asked.operation_name)
            if isinstance(session.failure, DatabaseUnavailableError):
                raise session.failure
        # A result without data that never reached a field is a request error: variables that do not fit.
        request_error = result.data is None and all(error.path is None for error in result.errors or ())
        return _told(result, request_error=request_error), 400 if request_error else 200


async def _unless_gone(request: Request, work: Awaitable[Answer]) -> Answer:
    """The work's result; cancels it, and with it the running statement, when the client hangs up."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for running in (task, watch):
            running.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


def _negotiate(request: Request) -> str:
    """The response's media type by Accept: the GraphQL one where it is asked for, else JSON. Raises for neither."""
    accept = request.headers.get("accept", "*/*").lower()
    ranges = {part.partition(";")[0].strip() for part in accept.split(",") if not NEVER.search(part)}
    if GRAPHQL_JSON in ranges:
        return GRAPHQL_JSON
    if ranges & {JSON, "application/*", "*/*", ""}:
        return JSON
    raise BadRequestError("NOT_ACCEPTABLE", f"Answers are {GRAPHQL_JSON} or {JSON}.", status=406)


def _json(text: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequestError("BAD_REQUEST", f"{what} is not JSON: {error}") from None


def _refused(error: DatabaseError) -> RequestRefusedError:
    """A failure of the database as a refusal of the whole request."""
    code = DATABASE_CODES.get(type(error))
    if code is None:
        raise error
    return (NotPermittedError if isinstance(error, NotAMemberError) else UnavailableError)(code, str(error))


def _told(result: ExecutionResult, *, request_error: bool) -> dict[str, Any]:
    """A result as the caller may read it: unexpected errors are masked with an id that the log has too."""
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [_told_error(error, request_error=request_error) for error in result.errors[:MAX_ERRORS]]
    if not request_error:
        body["data"] = result.data
    return body


def _told_error(error: GraphQLError, *, request_error: bool) -> Mapping[str, Any]:
    original = error.original_error
    told = dict(error.formatted)
    match original:
        case None | GraphQLError():
            extensions = getattr(original, "extensions", None) or error.extensions or {}
            told["extensions"] = {"code": VARIABLES_FAILED if request_error else "BAD_VALUE", **extensions}
        case DatabaseError() if type(original) in DATABASE_CODES:
            told["extensions"] = {"code": DATABASE_CODES[type(original)]}
        case _:
            error_id = secrets.token_hex(8)
            log.error("unexpected error %s at %s", error_id, error.path, exc_info=original)
            told["message"] = f"Something went wrong on our side. Tell us this id: {error_id}"
            told["extensions"] = {"code": "INTERNAL_ERROR", "errorId": error_id}
    return told


def _respond(
    body: Mapping[str, Any],
    media_type: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    *,
    always: bool = False,
) -> Response:
    """The response; under application/json a request that GraphQL refused is 200, as clients of that type expect."""
    if media_type == JSON and not always:
        status = 200
    headers = {"Content-Type": f"{media_type}; charset=utf-8", **(headers or {})}
    text = encode(body)
    if isinstance(text, bytes):
        return Response(text, status_code=status, headers=headers)
    return StreamingResponse(_in_turn(text), status_code=status, headers=headers)


async def _in_turn(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces one by one, with a turn for the other requests, and for what is sent already, after each."""
    try:
        for piece in pieces:
            yield piece
            await asyncio.sleep(0)
    except Exception:
        log.exception("a response broke off: its data cannot be written as JSON")
        raise

"""The endpoint: the way of a request, from its headers to its answer, on one screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from graphql import GraphQLError, OperationDefinitionNode, OperationType
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.status import HTTP_304_NOT_MODIFIED

from api.budget import Budgets
from api.credentials import Credential, Credentials
from api.cross_origin import CrossOrigin
from api.documents import Documents
from api.drain import Drain
from api.errors import BadRequestError, NotPermittedError, RequestRefusedError, UnavailableError
from api.events import event_stream
from api.observation import observed
from api.request import EVENT_STREAM, JSON, GraphQLRequest, negotiate, read
from api.response import Answer, refused_by_database
from api.settings import Settings
from api.usage import Usage, UsageRecord
from resolvers.execution import Document, Engine, Executed
from sql.admission import Admission, Client
from sql.database import Database
from sql.errors import DatabaseError, DatabaseUnavailableError
from sql.session import Caller

WATCH_AFTER = 0.005  # seconds until a request's client is watched


class Endpoint:
    """Answers GraphQL over HTTP."""

    def __init__(self, settings: Settings, database: Database, engine: Engine, drain: Drain) -> None:
        self.settings = settings
        self.drain = drain
        self.database = database
        self.engine = engine
        admission = Admission(database)
        self.credentials = Credentials(settings, admission)
        self.documents = Documents(settings, admission)
        self.budgets = Budgets(settings, database)
        self.usage = UsageRecord(database)
        self.cross_origin = CrossOrigin(settings.allowed_origins)

    async def __call__(self, request: Request) -> Response:
        """One request."""
        return self.cross_origin.preflight(request) or self.cross_origin.mark(request, await self._respond(request))

    async def _respond(self, request: Request) -> Response:
        media_type = JSON
        try:
            media_type = self._negotiate(request)
            self.drain.admit()
            answer = await self.told(self._answer(request, media_type))
        except RequestRefusedError as refusal:
            answer = Answer.refused(refusal)
        except asyncio.CancelledError:
            if not self.drain.refusing:
                raise
            answer = Answer.refused(self.drain.refusal())
        except ClientDisconnect:
            return Response(status_code=499)
        observed().answered(answer.body)
        if media_type == EVENT_STREAM:
            self.count(answer)
            return event_stream(answer)
        response = answer.response(media_type, if_none_match=request.headers.get("if-none-match"))
        observed().mark("encode")
        self.count(answer, not_modified=response.status_code == HTTP_304_NOT_MODIFIED)
        return response

    def count(self, answer: Answer, *, not_modified: bool = False) -> None:
        """Keeps what an answer has cost, for owners to read."""
        if answer.usage is not None:
            self.usage.add(answer.usage, not_modified=not_modified)

    async def told(self, work: Awaitable[Answer]) -> Answer:
        """The answer that work ends in, whatever comes of it: a refusal, the deadline and our mistakes are told too."""
        try:
            async with asyncio.timeout(self.settings.request_timeout):
                return await work
        except RequestRefusedError as refusal:
            return Answer.refused(refusal)
        except TimeoutError:
            late = UnavailableError("DEADLINE_EXCEEDED", "The request took too long. Ask for less at once.", status=504)
            return Answer.refused(late)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the last resort: a mistake of ours is told like any other error
            return Answer.mistaken(error)

    async def admit(
        self, connection: HTTPConnection, authorization: str | None, tenant: str | None
    ) -> tuple[Caller, Client | None]:
        """Who asks, in which tenant, and by which client. Raises RequestRefusedError with what is wrong."""
        try:
            credential = await self.credentials.identify(authorization)
            caller = await self._caller(connection, credential, tenant)
            client = await self.credentials.client_of(credential, caller.tenant_id)
        except DatabaseError as error:
            raise refused_by_database(error) from error
        caller = caller if client is None else replace(caller, client_id=client.id)
        observed().identified(caller, client)
        return caller, client

    async def execute(
        self, asked: GraphQLRequest, caller: Caller, client: Client | None, *, by_get: bool = False
    ) -> Answer:
        """One operation: which document, whether it may run, what it may cost, and what comes of it.

        Every transport comes through here. Raises RequestRefusedError.
        """
        introspection = client is None or client.introspection
        seen = observed().operation()
        try:
            named = seen.named = await self.documents.find(asked, caller, client)
            document = self.engine.document(named.text, introspection=introspection)
            if document.tree is None:
                return Answer.refusing(*document.errors)
            if named.register:
                await self.documents.register(caller, named)
            operation = self._admit(document, asked, by_get=by_get)
            seen.resolved(operation)
            observed().mark("document")
            cost = self.engine.estimate(document, operation, asked.variables)
            async with self.budgets.charge(caller, client, cost) as charge:
                observed().mark("cost")
                writes = operation.operation is OperationType.MUTATION
                result = await self._execute(caller, document, asked, writes=writes, introspection=introspection)
                seen.cost = charge.actual = cost if result.cost is None else result.cost
        except GraphQLError as error:
            return Answer.refusing(error)
        except DatabaseError as error:
            raise refused_by_database(error) from error
        answer = Answer.of(result, cacheable=by_get and named.document_id is not None and not result.errors)
        return answer.charged(charge, Usage.of(caller, client, named.name, charge, failed=bool(result.errors)))

    async def warm_up(self) -> None:
        """Reads the documents that were used last, so that the first who ask for them do not wait for that."""
        with suppress(DatabaseError):
            for text in await self.documents.recent():
                self.engine.document(text)
        self.engine.looked_up = self.engine.read = 0  # nobody has asked yet

    async def close(self) -> None:
        """Keeps what is still to be kept."""
        await self.documents.close()
        await self.budgets.close()
        await self.usage.close()

    async def caller(self, request: Request) -> Caller:
        """Who asks, by the same rules, for what is not asked of the graph. Raises RequestRefusedError."""
        caller, _ = await self.admit(request, request.headers.get("authorization"), request.headers.get("x-tenant-id"))
        return caller

    def _negotiate(self, request: Request) -> str:
        if sum(len(name) + len(value) for name, value in request.scope["headers"]) > self.settings.max_header_bytes:
            raise BadRequestError("HEADERS_TOO_LARGE", "The request's headers are too large.", status=431)
        return negotiate(request.headers.get("accept", "*/*"))

    async def _answer(self, request: Request, media_type: str) -> Answer:
        if request.method not in {"GET", "POST"}:
            message = "GraphQL is asked by POST, or for queries by GET."
            raise BadRequestError("METHOD_NOT_ALLOWED", message, status=405, headers={"Allow": "GET, POST"})
        headers = request.headers
        caller, client = await self.admit(request, headers.get("authorization"), headers.get("x-tenant-id"))
        asked = await read(request, self.settings)
        observed().mark("read")
        if isinstance(asked, GraphQLRequest):
            by_get = request.method == "GET"
            return await _unless_gone(request, self.execute(asked, caller, client, by_get=by_get))
        if media_type == EVENT_STREAM:
            raise BadRequestError("NOT_ACCEPTABLE", "A batch is not answered as an event stream.", status=406)
        return await _unless_gone(request, self._batch(asked, caller, client))

    async def _batch(
        self, batch: list[GraphQLRequest | BadRequestError], caller: Caller, client: Client | None
    ) -> Answer:
        """The answers of a batch, one after the other, each as it would be told alone."""
        answers = [
            Answer.refused(asked)
            if isinstance(asked, BadRequestError)
            else await self.told(self.execute(asked, caller, client))
            for asked in batch
        ]
        for answer in answers:
            self.count(answer)
        return Answer([answer.body for answer in answers])

    def _admit(self, document: Document, asked: GraphQLRequest, *, by_get: bool) -> OperationDefinitionNode:
        """The operation that is meant. Raises where that is not clear, or it is a mutation by GET."""
        operation = self.engine.resolve_operation(document, asked.operation_name)
        if operation.operation is OperationType.MUTATION and by_get:
            raise BadRequestError(
                "METHOD_NOT_ALLOWED", "Mutations are sent by POST.", status=405, headers={"Allow": "POST"}
            )
        return operation

    async def _execute(
        self, caller: Caller, document: Document, asked: GraphQLRequest, *, writes: bool, introspection: bool
    ) -> Executed:
        async with self.database.session(caller, writes=writes) as session:
            observed().begun(session.issued)
            name, variables = asked.operation_name, asked.variables
            result = await self.engine.execute(document, session, variables, name, introspection=introspection)
            if isinstance(session.failure, DatabaseUnavailableError):
                raise session.failure
            observed().mark("execute")
        observed().mark("commit")
        return result

    async def _caller(self, connection: HTTPConnection, credential: Credential, tenant: str | None) -> Caller:
        """Who asks, in which tenant: the credential's, else the header's, else the only one the person belongs to."""
        tenant_id = credential.tenant_id
        if tenant:
            try:
                wanted = UUID(tenant.strip())
            except ValueError:
                raise BadRequestError("INVALID_ID", "X-Tenant-Id is not an id: it is a tenant's UUID.") from None
            if tenant_id is not None and wanted != tenant_id:
                raise NotPermittedError(
                    "TENANT_MISMATCH", "The credential is bound to another tenant than X-Tenant-Id names."
                )
            tenant_id = wanted
        if tenant_id is None:
            tenants = await self.database.tenants_of(credential.user_id)
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
            credential.user_id,
            tenant_id,
            client_ip=connection.client.host if connection.client else None,
            user_agent=connection.headers.get("user-agent"),
        )


async def _unless_gone(request: Request, work: Awaitable[Answer]) -> Answer:
    """The work's result; cancels it, and with it the running statement, when the client hangs up.

    That is looked for after some milliseconds only: most requests are answered by then, and spared a task.
    """
    loop = asyncio.get_running_loop()
    task: Any = asyncio.current_task()
    before = task.cancelling()
    is_gone = False
    watches: list[asyncio.Task[None]] = []

    async def watch() -> None:
        nonlocal is_gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        task.cancel()

    timer = loop.call_later(WATCH_AFTER, lambda: watches.append(loop.create_task(watch())))
    try:
        return await work
    except asyncio.CancelledError:
        if is_gone and task.uncancel() <= before:  # else the deadline has passed as well
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        for running in watches:
            running.cancel()

"""WebSockets: the graphql-transport-ws protocol, each operation through the same gate as over HTTP.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md says which codes a socket is closed with.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from api.auth import LEEWAY_SECONDS
from api.credentials import expiry_of
from api.encoding import encode
from api.endpoint import Endpoint
from api.errors import BadRequestError, NotPermittedError, RequestRefusedError, UnauthenticatedError, UnavailableError
from api.request import JSON, GraphQLRequest
from api.response import Answer
from api.settings import Settings
from api.telemetry import Telemetry

SUBPROTOCOL = "graphql-transport-ws"
LONGEST_REASON = 123  # bytes, as RFC 6455 says
LONGEST_ID = 200
GOING_AWAY, TOO_LARGE, TRY_AGAIN = 1001, 1009, 1013
INVALID, UNAUTHORIZED, FORBIDDEN, NOT_ACCEPTABLE, INIT_TIMEOUT, ID_IN_USE, INIT_TWICE = (
    4400,
    4401,
    4403,
    4406,
    4408,
    4409,
    4429,
)


class CloseError(Exception):
    """A socket is to be closed, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Sockets:
    """The sockets of this process."""

    def __init__(self, settings: Settings, endpoint: Endpoint, telemetry: Telemetry) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._telemetry = telemetry
        self._open: set[Socket] = set()
        self._draining = False

    async def __call__(self, websocket: WebSocket) -> None:
        """One socket, from its handshake to its end."""
        refusal = self._refusal(websocket)
        if refusal is not None:
            await _deny(websocket, refusal)
            return
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(NOT_ACCEPTABLE, f"Subprotocol not acceptable: only {SUBPROTOCOL} is spoken here")
            return
        await websocket.accept(SUBPROTOCOL)
        socket = Socket(websocket, self._settings, self._endpoint, self._telemetry)
        self._open.add(socket)
        try:
            await socket.serve()
        finally:
            self._open.discard(socket)

    async def drain(self) -> None:
        """Takes no new sockets or operations; closes each socket when what runs on it is answered."""
        self._draining = True
        await asyncio.gather(*(socket.drain() for socket in self._open))

    def _refusal(self, websocket: WebSocket) -> RequestRefusedError | None:
        if self._draining or len(self._open) >= self._settings.max_sockets:
            return UnavailableError(
                "SOCKETS_UNAVAILABLE", "No more sockets are taken right now. Try again in a moment."
            )
        origin, host = (websocket.headers.get(name) for name in ("origin", "host"))
        if origin is not None and not self._endpoint.cross_origin.allows(origin, host):
            return NotPermittedError("ORIGIN_NOT_ALLOWED", "Pages of this origin may not open sockets here.")
        return None


class Socket:
    """One socket: who opened it, and the operations that run on it."""

    def __init__(self, websocket: WebSocket, settings: Settings, endpoint: Endpoint, telemetry: Telemetry) -> None:
        self._websocket = websocket
        self._settings = settings
        self._endpoint = endpoint
        self._telemetry = telemetry
        self._authorization: str | None = None
        self._tenant: str | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._ending: CloseError | None = None
        self._end = asyncio.Event()
        self._ended = asyncio.Event()

    async def serve(self) -> None:
        """Takes messages until the client leaves, breaks the protocol, or the credential ends."""
        taking = asyncio.create_task(self._take_messages())
        ending = asyncio.create_task(self._end.wait())
        try:
            await asyncio.wait({taking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()
        except CloseError as close:
            self._ending = self._ending or close
        except WebSocketDisconnect:
            pass
        finally:
            await _stop(taking, ending, *self._operations.values())
        if self._ending is not None and self._websocket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):  # the client was faster
                await self._websocket.close(self._ending.code, _shortened(self._ending.reason))
        self._ended.set()

    async def drain(self) -> None:
        """Takes no new operations, and closes when those that run are answered."""
        self._ending = CloseError(GOING_AWAY, "The gateway is shutting down")
        while self._operations:
            await asyncio.wait(list(self._operations.values()))
            await asyncio.sleep(0)
        self._end.set()
        await self._ended.wait()

    async def _take_messages(self) -> None:
        try:
            async with asyncio.timeout(self._settings.socket_init_timeout):
                await self._initialise()
        except TimeoutError:
            raise CloseError(INIT_TIMEOUT, "Connection initialisation timeout") from None
        expires = expiry_of(self._authorization)
        if expires is None:
            await self._take_operations()
            return
        try:
            async with asyncio.timeout(expires + LEEWAY_SECONDS - time.time()):
                await self._take_operations()
        except TimeoutError:
            raise CloseError(FORBIDDEN, "TOKEN_EXPIRED: The token has expired. Get a new one.") from None

    async def _initialise(self) -> None:
        """Waits for connection_init, and takes its payload as the headers that a browser cannot set."""
        while True:
            message = await self._receive()
            match message["type"]:
                case "connection_init":
                    break
                case "subscribe":
                    raise CloseError(UNAUTHORIZED, "Unauthorized")
                case _:
                    await self._common(message)
        payload = message.get("payload") or {}
        if not isinstance(payload, dict):
            raise CloseError(INVALID, "The payload of connection_init is an object")
        headers = {key.lower(): value for key, value in payload.items() if isinstance(value, str)}
        self._authorization = headers.get("authorization", self._websocket.headers.get("authorization"))
        self._tenant = headers.get("x-tenant-id", self._websocket.headers.get("x-tenant-id"))
        try:
            await self._endpoint.admit(self._websocket, self._authorization, self._tenant)
        except UnauthenticatedError as refusal:
            raise CloseError(UNAUTHORIZED, _reason(refusal.body)) from None
        except UnavailableError as refusal:
            raise CloseError(TRY_AGAIN, _reason(refusal.body)) from None
        except RequestRefusedError as refusal:
            raise CloseError(FORBIDDEN, _reason(refusal.body)) from None
        await self._send({"type": "connection_ack"})

    async def _take_operations(self) -> None:
        while True:
            message = await self._receive()
            match message["type"]:
                case "connection_init":
                    raise CloseError(INIT_TWICE, "Too many initialisation requests")
                case "subscribe":
                    await self._subscribe(message)
                case "complete":
                    await _stop(*[task for id_, task in self._operations.items() if id_ == message.get("id")])
                case _:
                    await self._common(message)

    async def _common(self, message: Mapping[str, Any]) -> None:
        """What may come at any time."""
        match message["type"]:
            case "ping":
                payload = message.get("payload")
                await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
            case "pong":
                pass
            case _:
                raise CloseError(INVALID, "Invalid message")

    async def _subscribe(self, message: Mapping[str, Any]) -> None:
        id_, payload = message.get("id"), message.get("payload")
        if not isinstance(id_, str) or not 0 < len(id_) <= LONGEST_ID or not isinstance(payload, dict):
            raise CloseError(INVALID, "subscribe has an id and a payload")
        if id_ in self._operations:
            raise CloseError(ID_IN_USE, f"Subscriber for {id_} already exists")
        refusal = self._no_more()
        if refusal is not None:
            await self._send({"id": id_, "type": "error", "payload": refusal.body["errors"]})
            return
        task = self._operations[id_] = asyncio.create_task(self._operate(id_, payload))
        task.add_done_callback(lambda _: self._operations.pop(id_, None))

    def _no_more(self) -> RequestRefusedError | None:
        if self._ending is not None:
            return UnavailableError("SOCKETS_UNAVAILABLE", "The gateway is shutting down. Try again in a moment.")
        most = self._settings.max_socket_operations
        if len(self._operations) >= most:
            return BadRequestError("TOO_MANY_OPERATIONS", f"A socket runs at most {most} operations at once.")
        return None

    async def _operate(self, id_: str, payload: object) -> None:
        """One operation: as it would be answered over HTTP, by who the credential is said to be now."""
        with self._telemetry.watch_message(self._websocket.scope) as observation:
            answer = await self._endpoint.told(self._answer(payload))
            self._endpoint.count(answer)
            observation.answered(answer.body)
            observation.status = answer.status
            with suppress(RuntimeError, WebSocketDisconnect):  # the client left
                if "data" in answer.body:
                    observation.bytes_sent = await self._send({"id": id_, "type": "next", "payload": answer.body})
                    await self._send({"id": id_, "type": "complete"})
                else:
                    await self._send({"id": id_, "type": "error", "payload": answer.body["errors"]})
        if answer.status == UnauthenticatedError.status:  # a key was revoked, e.g.: nothing else would be answered
            self._ending = self._ending or CloseError(FORBIDDEN, _reason(answer.body))
            self._end.set()

    async def _answer(self, payload: object) -> Answer:
        caller, client = await self._endpoint.admit(self._websocket, self._authorization, self._tenant)
        return await self._endpoint.execute(GraphQLRequest.of(payload), caller, client)

    async def _receive(self) -> dict[str, Any]:
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1000))
        text = received.get("text")
        if text is None:
            raise CloseError(INVALID, "Messages are texts")
        if len(text) > self._settings.max_body_bytes:
            raise CloseError(TOO_LARGE, f"A message has at most {self._settings.max_body_bytes} bytes")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise CloseError(INVALID, "A message is not JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise CloseError(INVALID, "A message is an object with a type")
        return message

    async def _send(self, message: Mapping[str, Any]) -> int:
        """Sends a message; how many bytes that were."""
        pieces = encode(message)
        text = pieces if isinstance(pieces, bytes) else b"".join(pieces)
        await self._websocket.send_text(text.decode())
        return len(text)


async def _deny(websocket: WebSocket, refusal: RequestRefusedError) -> None:
    """Answers the handshake by an ordinary response, where the server can."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(Answer.refused(refusal).response(JSON))
    else:
        await websocket.close()


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks and waits until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _reason(body: Any) -> str:
    error = body["errors"][0]
    return f"{error['extensions']['code']}: {error['message']}"


def _shortened(reason: str) -> str:
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")

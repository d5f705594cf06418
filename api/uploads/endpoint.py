"""The way of an upload: who may, received, checked, kept by its content; and the way back by a signed URL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.errors import BadRequestError, NotPermittedError, RequestRefusedError, UnavailableError
from api.request import JSON
from api.response import Answer, refused_by_database
from api.settings import Settings
from api.uploads import content_type
from api.uploads.form import sent_file
from api.uploads.incoming import FOLDER, Incoming, receiving, refused_by_disk, too_large
from api.uploads.storage import Storage, StorageError, key_of
from resolvers.errors import InvalidIdError
from resolvers.scalars import uuid_of
from resolvers.upload_url import UrlExpiredError, UrlInvalidError, UrlSigner
from sql.database import Database
from sql.driver import Row
from sql.errors import DatabaseError, NotAMemberError, ViolationError
from sql.session import Caller

log = logging.getLogger("motomind")

Callers = Callable[[Request], Awaitable[Caller]]
AWAY = "The storage of files cannot be reached right now. Try again in a moment."


class Uploads:
    """Receives files and hands them out; ``caller_of`` finds out who asks, as for the graph."""

    def __init__(
        self, settings: Settings, database: Database, storage: Storage, signer: UrlSigner, caller_of: Callers
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._signer = signer
        self._caller_of = caller_of
        self._incoming = Path(settings.uploads_folder) / FOLDER

    async def receive(self, request: Request) -> Response:
        """POST /uploads: 201 with the upload, or 200 where the same content was there already."""
        return await self._answered(self._receive(request))

    async def hand_out(self, request: Request) -> Response:
        """GET /uploads/ID?token=...: the content."""
        return await self._answered(self._hand_out(request))

    async def _answered(self, work: Awaitable[Response]) -> Response:
        try:
            async with asyncio.timeout(self._settings.upload_timeout):
                return await work
        except RequestRefusedError as refusal:
            answer = Answer.refused(refusal)
        except TimeoutError:
            late = UnavailableError("DEADLINE_EXCEEDED", "The file took too long.", status=504)
            answer = Answer.refused(late)
        except ClientDisconnect:
            return Response(status_code=499)
        except StorageError as error:
            log.error("the storage of uploads failed: %s", error)  # noqa: TRY400 - where it happened tells nothing
            answer = Answer.refused(UnavailableError("STORAGE_UNAVAILABLE", AWAY))
        except Exception as error:  # noqa: BLE001 - the last resort, as in api.endpoint
            answer = Answer.mistaken(error)
        return answer.response(JSON)

    async def _receive(self, request: Request) -> Response:
        if request.method != "POST":
            raise _not_allowed("Files are sent by POST.", "POST")
        settings = self._settings
        caller = await self._caller_of(request)
        length = request.headers.get("content-length", "")
        # A form is somewhat larger than its file, which is looked at when it comes.
        if length.isdecimal() and int(length) > settings.max_upload_bytes + 10_000:
            raise too_large(settings.max_upload_bytes)
        sent = await sent_file(request)
        vehicle_id = await self._require_write(caller, sent.vehicle_id)
        async with receiving(
            self._incoming,
            most=settings.max_upload_bytes,
            declared=content_type.named(sent.declared),
            allowed=frozenset(settings.upload_types),
        ) as incoming:
            async for piece in sent.pieces:
                if piece:
                    await incoming.write(piece)
            sha256 = await incoming.finish()
            upload, is_new = await self._keep(caller, incoming, sha256, sent.name, vehicle_id)
        body = {key: upload[column] for key, column in SHOWN.items()}
        return JSONResponse(body, 201 if is_new else 200)

    async def _require_write(self, caller: Caller, vehicle_id: str | None) -> str | None:
        """The vehicle's id, where the caller may write to it: before the file is read, so that none is for nothing."""
        try:
            wanted = None if vehicle_id is None else uuid_of(vehicle_id, "vehicleId")
        except InvalidIdError:
            raise _no_vehicle() from None
        try:
            async with self._database.session(caller) as session:
                if wanted is None:
                    if session.role == "viewer":
                        message = "Files without a vehicle are for owners and managers: say which with vehicleId."
                        raise NotPermittedError("FORBIDDEN", message)
                    return None
                found = await session.fetch("vehicles_to_change", ids=[wanted])
        except DatabaseError as error:
            raise refused_by_database(error) from error
        if not found:
            raise _no_vehicle()
        if not found[0]["may_write"]:
            raise _no_write()
        return wanted

    async def _keep(
        self, caller: Caller, incoming: Incoming, sha256: str, name: str, vehicle_id: str | None
    ) -> tuple[Row | dict[str, Any], bool]:
        """The upload that the file became, or that was there; and whether it is new.

        The file is there before the row is: a row never names what is not.
        """
        key = key_of(str(caller.tenant_id), sha256)
        if not await self._storage.exists(key):
            await self._storage.put(key, incoming.path)
        upload: dict[str, Any] = {
            "id": str(uuid4()),
            "file_name": name,
            "content_type": incoming.content_type,
            "size": incoming.size,
            "sha256": sha256,
        }
        try:
            async with self._database.session(caller, writes=True) as session:
                await session.fetch("lock_upload", content=f"{sha256} {vehicle_id}")
                there = await session.fetch("uploads_of_content", sha256=sha256, vehicle_id=vehicle_id)
                if not there:
                    await session.fetch("add_upload", vehicle_id=vehicle_id, storage_key=key, **upload)
        except ViolationError:  # what was allowed when it began is not any more
            raise _no_write() from None
        except DatabaseError as error:
            raise refused_by_database(error) from error
        return (there[0], False) if there else (upload, True)

    async def _hand_out(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise _not_allowed("Files are read by GET.", "GET, HEAD")
        upload_id = request.path_params["id"]
        try:
            caller, left = self._signer.reader(upload_id, request.query_params.get("token", ""))
        except UrlExpiredError:
            raise NotPermittedError("URL_EXPIRED", "The time of this URL is over. Ask for Upload.url anew.") from None
        except UrlInvalidError:
            raise NotPermittedError("URL_INVALID", "This is no URL of this gateway's, or it was changed.") from None
        upload = await self._stored(caller, uuid_of(upload_id))
        try:
            content = await self._storage.get(upload["storage_key"]) if upload else None
        except OSError as error:
            raise refused_by_disk(error) from error
        if upload is None or content is None:
            if upload is not None:
                log.error("the content of upload %s is not in the storage", upload_id)
            raise BadRequestError("NOT_FOUND", "There is no such file.", status=404)
        return StreamingResponse(
            content,
            media_type=upload["content_type"],
            headers={
                "Content-Length": str(upload["size"]),
                "Content-Disposition": disposition(upload["file_name"]),
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": f"private, max-age={left}",
                "Referrer-Policy": "no-referrer",
                "Accept-Ranges": "none",
            },
        )

    async def _stored(self, caller: Caller, upload_id: str) -> Row | None:
        """The upload as its reader sees it today; None for who sees it no more, and where there is none."""
        try:
            async with self._database.session(caller) as session:
                rows = await session.fetch("stored_upload", id=upload_id)
        except NotAMemberError:
            return None
        except DatabaseError as error:
            raise refused_by_database(error) from error
        return rows[0] if rows else None


SHOWN = {"id": "id", "sha256": "sha256", "size": "size", "contentType": "content_type", "fileName": "file_name"}


def disposition(name: str) -> str:
    """The header that has a browser save a file under a name, in ASCII and as it is (RFC 6266)."""
    plain = "".join(letter if letter.isascii() and letter not in '"\\%;' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _not_allowed(message: str, allowed: str) -> BadRequestError:
    return BadRequestError("METHOD_NOT_ALLOWED", message, status=405, headers={"Allow": allowed})


def _no_vehicle() -> BadRequestError:
    return BadRequestError("NOT_FOUND", "There is no such vehicle, or none that you may see.", status=404)


def _no_write() -> NotPermittedError:
    return NotPermittedError("FORBIDDEN", "It takes WRITE on the vehicle's group.")

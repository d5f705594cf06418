"""Responses: results and refusals as clients read them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError
from starlette.responses import Response, StreamingResponse

from api.budget import Charge
from api.encoding import encode
from api.errors import NotPermittedError, RequestRefusedError, UnavailableError
from api.request import JSON
from api.usage import Usage
from resolvers.execution import VARIABLES_FAILED
from sql.errors import (
    ConflictError,
    DatabaseError,
    DatabaseUnavailableError,
    EncryptionUnavailableError,
    NotAMemberError,
    PoolExhaustedError,
    StatementTimeoutError,
)

log = logging.getLogger("motomind")

MAX_ERRORS = 50
VARY = "Authorization, Accept, X-Tenant-Id"
PRIVATE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Vary": VARY}
DATABASE_CODES: dict[type[DatabaseError], str] = {
    DatabaseUnavailableError: "DATABASE_UNAVAILABLE",
    PoolExhaustedError: "DATABASE_BUSY",
    StatementTimeoutError: "STATEMENT_TIMEOUT",
    ConflictError: "CONFLICT",
    NotAMemberError: "NOT_A_MEMBER",
    EncryptionUnavailableError: "ENCRYPTED_FIELD_UNAVAILABLE",
}


@dataclass(frozen=True)
class Answer:
    """A body, or several of a batch, and how it is sent.

    ``well_formed`` is false where not even a GraphQL request was there: then the status holds under every media type.
    ``cacheable`` answers carry an ETag and may be answered by 304.
    """

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    well_formed: bool = True
    cacheable: bool = False
    usage: Usage | None = None

    @classmethod
    def of(cls, result: ExecutionResult, *, cacheable: bool = False) -> Answer:
        """The answer of an execution."""
        # A result without data that never reached a field is a request error: variables that do not fit.
        request_error = result.data is None and all(error.path is None for error in result.errors or ())
        return cls(told(result, request_error=request_error), 400 if request_error else 200, cacheable=cacheable)

    @classmethod
    def refusing(cls, *errors: GraphQLError) -> Answer:
        """The answer to a request that GraphQL refuses: its document, or which operation is meant."""
        return cls(told(ExecutionResult(None, list(errors)), request_error=True), 400)

    @classmethod
    def refused(cls, refusal: RequestRefusedError) -> Answer:
        """The answer to a request that is not executed."""
        return cls(refusal.body, refusal.http_status, refusal.headers, well_formed=False)

    @classmethod
    def mistaken(cls, error: Exception) -> Answer:
        """The answer where we made a mistake: an id that the log has too."""
        mistake = GraphQLError("", original_error=error)
        return cls(told(ExecutionResult(None, [mistake]), request_error=True), 500, well_formed=False)

    def charged(self, charge: Charge, usage: Usage) -> Answer:
        """The answer with its usage; and where there is a budget, with what it cost and what is left."""
        if charge.status is None:
            return replace(self, usage=usage)
        body = {**self.body, "extensions": charge.status.told(charge.requested, charge.actual)}
        return replace(self, usage=usage, body=body, headers={**self.headers, **charge.status.headers})

    def response(self, media_type: str, *, if_none_match: str | None = None) -> Response:
        """The response; under application/json a request that GraphQL refused is 200, as its clients expect."""
        status = 200 if media_type == JSON and self.well_formed else self.status
        headers = {"Content-Type": f"{media_type}; charset=utf-8", **PRIVATE, **self.headers}
        if self.cacheable:
            # What is left of a budget differs each time; it is no part of what the ETag stands for, which is weak then.
            extensions = self.body.get("extensions")
            pieces = encode({key: value for key, value in self.body.items() if key != "extensions"})
            text: Any = pieces if isinstance(pieces, bytes) else b"".join(pieces)
            digest = blake2b(text, digest_size=16, person=media_type.encode()[-16:]).hexdigest()
            headers |= {
                "ETag": f'{"W/" if extensions else ""}"{digest}"',
                "Cache-Control": "private, no-cache",
            }
            if _matches(headers["ETag"], if_none_match):
                del headers["Content-Type"]
                return Response(status_code=304, headers=headers)
            if extensions:
                text = text[:-1] + b',"extensions":' + orjson.dumps(extensions) + b"}"
        else:
            text = encode(self.body)
        if isinstance(text, bytes):
            return Response(text, status_code=status, headers=headers)
        return StreamingResponse(_in_turn(text), status_code=status, headers=headers)


def refused_by_database(error: DatabaseError) -> RequestRefusedError:
    """A failure of the database as a refusal of the whole request; raises it again where it is a mistake of ours."""
    code = DATABASE_CODES.get(type(error))
    if code is None:
        raise error
    return (NotPermittedError if isinstance(error, NotAMemberError) else UnavailableError)(code, str(error))


def told(result: ExecutionResult, *, request_error: bool) -> dict[str, Any]:
    """A result as the caller may read it: unexpected errors are masked with an id that the log has too."""
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [_told_error(error, request_error=request_error) for error in result.errors[:MAX_ERRORS]]
    if not request_error:
        body["data"] = result.data
    return body


def _told_error(error: GraphQLError, *, request_error: bool) -> Mapping[str, Any]:
    original = error.original_error
    formatted = dict(error.formatted)
    match original:
        case None | GraphQLError():
            extensions = getattr(original, "extensions", None) or error.extensions or {}
            formatted["extensions"] = {"code": VARIABLES_FAILED if request_error else "BAD_VALUE", **extensions}
        case DatabaseError() if type(original) in DATABASE_CODES:
            formatted["extensions"] = {"code": DATABASE_CODES[type(original)]}
        case _:
            error_id = secrets.token_hex(8)
            log.error("unexpected error %s at %s", error_id, error.path, exc_info=original)
            formatted["message"] = f"Something went wrong on our side. Tell us this id: {error_id}"
            formatted["extensions"] = {"code": "INTERNAL_ERROR", "errorId": error_id}
    return formatted


def _matches(etag: str, if_none_match: str | None) -> bool:
    """Whether If-None-Match names the ETag; compared weakly, as RFC 9110 13.1.2 says."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag.removeprefix("W/") in {
        tag.strip().removeprefix("W/") for tag in if_none_match.split(",")
    }


async def _in_turn(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces one by one, with a turn for the other requests, and for what is sent already, after each."""
    try:
        for piece in pieces:
            yield piece
            await asyncio.sleep(0)
    except Exception:
        log.exception("a response broke off: its data cannot be written as JSON")
        raise

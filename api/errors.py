"""Refusals of a request, each a status, a stable code and a GraphQL error body.

RequestRefusedError
├── UnauthenticatedError   401: no credentials, or none that hold
├── NotPermittedError      403: credentials that hold, for something else
├── BadRequestError        400, 404, 405, 406, 413, 415: what was sent
├── ThrottledError         429: not before the budget has filled up again
└── UnavailableError       503, 504: not now
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class RequestRefusedError(Exception):
    """A request that is not executed."""

    status: ClassVar[int] = 400

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.http_status = status or self.status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {
            "errors": [{"message": message, "extensions": {"code": code, **(extensions or {})}}]
        }


class UnauthenticatedError(RequestRefusedError):
    """No credentials, or none that hold."""

    status = 401

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, headers={"WWW-Authenticate": "Bearer"})


class NotPermittedError(RequestRefusedError):
    """Credentials that hold, but for something else."""

    status = 403


class BadRequestError(RequestRefusedError):
    """A request that cannot be understood."""


class ThrottledError(RequestRefusedError):
    """A request that costs more than is left of the credential's budget. ``extensions`` tell the budget."""

    status = 429

    def __init__(self, retry_after: int, headers: Mapping[str, str], extensions: Mapping[str, Any]) -> None:
        message = f"The budget is used up for now. Ask again in {retry_after} s, or for less at once."
        super().__init__("THROTTLED", message, headers={"Retry-After": str(retry_after), **headers})
        self.body["extensions"] = dict(extensions)


class UnavailableError(RequestRefusedError):
    """A request that may be tried again."""

    status = 503

    def __init__(self, code: str, message: str, *, status: int | None = None, retry_after: int = 1) -> None:
        super().__init__(code, message, status=status, headers={"Retry-After": str(retry_after)})

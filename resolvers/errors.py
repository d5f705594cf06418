"""Mistakes of a caller's, each with a stable code.

GatewayError                what the caller is told: a message and extensions.code
├── InvalidIdError          INVALID_ID: not a UUID
├── InvalidCursorError      INVALID_CURSOR: not a cursor of this connection in this order
├── InvalidPageError        INVALID_PAGE: first, last, after and before that do not go together
├── InvalidPeriodError      INVALID_PERIOD: a period that does not end after its start
├── InvalidArgumentError    INVALID_ARGUMENT: any other argument out of bounds
├── TooManyRowsError        TOO_MANY_ROWS: a list without first that would be longer than such lists are
├── OtherTenantError        OTHER_TENANT: a field of a tenant that this request does not act in
└── ForbiddenError          FORBIDDEN: the caller's role may not do this
"""

from __future__ import annotations

from typing import ClassVar

from graphql import GraphQLError


class GatewayError(GraphQLError):
    """An error that the caller is meant to read."""

    code: ClassVar[str] = "BAD_REQUEST"

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": self.code})


class InvalidIdError(GatewayError):
    """An id that is not a UUID."""

    code = "INVALID_ID"


class InvalidCursorError(GatewayError):
    """A cursor that was not made by this connection in this order."""

    code = "INVALID_CURSOR"


class InvalidPageError(GatewayError):
    """Paging arguments that do not go together."""

    code = "INVALID_PAGE"


class InvalidPeriodError(GatewayError):
    """A period that does not end after its start."""

    code = "INVALID_PERIOD"


class InvalidArgumentError(GatewayError):
    """An argument out of bounds."""

    code = "INVALID_ARGUMENT"


class TooManyRowsError(GatewayError):
    """An answer of more rows than there may be at once."""

    code = "TOO_MANY_ROWS"


class OtherTenantError(GatewayError):
    """A field of a tenant that this request does not act in."""

    code = "OTHER_TENANT"


class ForbiddenError(GatewayError):
    """Something that the caller's role may not do."""

    code = "FORBIDDEN"

"""The scalars beyond GraphQL's own, and ids."""

from __future__ import annotations

import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType
from uuid import UUID

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from resolvers.errors import InvalidIdError

Json = NewType("Json", object)
MAX_DIGITS = 40


def _write_json(value: object) -> object:
    """A jsonb column arrives as text and leaves as it is, without being decoded in between."""
    return orjson.Fragment(value) if isinstance(value, str) else value


def _read_decimal(value: object) -> Decimal:
    try:
        number = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if (
        number is None
        or not number.is_finite()
        or len(number.as_tuple().digits) > MAX_DIGITS
        or abs(number.adjusted()) > MAX_DIGITS
    ):
        raise GraphQLError("A Decimal is a finite number of at most 40 digits, best written as a string.")
    return number


def _read_date(value: object) -> datetime.date:
    try:
        if isinstance(value, str):
            return datetime.date.fromisoformat(value)
    except ValueError:
        pass
    raise GraphQLError('A Date is written like "2026-01-31".')


def _read_datetime(value: object) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise GraphQLError('A DateTime is written with its offset, like "2026-01-31T08:30:00Z".')
    return moment


def _iso(value: Any) -> str:
    return value if isinstance(value, str) else value.isoformat()


SCALARS: dict[Any, ScalarDefinition] = {
    Json: strawberry.scalar(
        name="JSON", description="Any JSON value, as stored.", serialize=_write_json, parse_value=lambda value: value
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact decimal number; a string on the wire.",
        serialize=str,
        parse_value=_read_decimal,
    ),
    datetime.date: strawberry.scalar(
        name="Date", description='A calendar day, like "2026-01-31".', serialize=_iso, parse_value=_read_date
    ),
    datetime.datetime: strawberry.scalar(
        name="DateTime",
        description='A moment with its offset from UTC, like "2026-01-31T08:30:00+00:00".',
        serialize=_iso,
        parse_value=_read_datetime,
    ),
}


def uuid_of(value: str, argument: str = "id") -> UUID:
    """The UUID that an id argument holds. Raises InvalidIdError."""
    try:
        return UUID(value)
    except ValueError:
        raise InvalidIdError(
            f"{argument}: {value[:60]!r} is not an id. Ids are UUIDs, as the graph returned them."
        ) from None

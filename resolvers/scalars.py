"""The scalars beyond GraphQL's own, and ids."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import orjson
import strawberry
from graphql import GraphQLError
from strawberry import Schema
from strawberry.types.scalar import ScalarDefinition

from resolvers.errors import InvalidArgumentError, InvalidIdError
from resolvers.executor import LEAF

Json = NewType("Json", object)
MAX_DIGITS = 40
MAX_JSON_DEPTH = 100
SURROGATE = re.compile("[\ud800-\udfff]")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


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
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError('A DateTime is written with its offset, like "2026-01-31T08:30:00Z".')


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


def _unchanged_if(kind: type) -> Callable[[Sequence[Any], set[type]], Sequence[Any] | None]:
    """Values of one type that the encoder of the response writes as the scalar would."""
    return lambda values, kinds: values if kinds <= {kind} else None


def _spliced(values: Sequence[Any], kinds: set[type]) -> Sequence[Any] | None:
    if kinds == {str}:
        return [None if value is None else orjson.Fragment(value) for value in values]
    return None


def install(schema: Schema) -> None:
    """Lets the scalars be coerced a column at a time."""
    columns = {
        "JSON": _spliced,
        "Decimal": _unchanged_if(str),
        "Date": _unchanged_if(datetime.date),
        "DateTime": _unchanged_if(datetime.datetime),
    }
    for name, coerce in columns.items():
        schema._schema.type_map[name].extensions[LEAF] = coerce  # noqa: SLF001 - as in resolvers.node


def json_of(value: object, argument: str) -> str:
    """JSON text that PostgreSQL can hold. Raises InvalidArgumentError as require_storable does."""
    require_storable(value, argument)
    return json.dumps(value)


def require_storable(value: object, argument: str) -> None:
    """Raises InvalidArgumentError for JSON that PostgreSQL cannot hold: not finite, with NUL, or too deep."""
    level, depth = [value], 0
    while level:
        if (depth := depth + 1) > MAX_JSON_DEPTH:
            raise InvalidArgumentError(f"{argument}: the JSON is nested more than {MAX_JSON_DEPTH} levels deep.")
        below: list[object] = []
        for one in level:
            if isinstance(one, str):
                text_of(one, argument)
            elif isinstance(one, dict):
                below += one
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, float | Decimal) and not math.isfinite(one):
                raise InvalidArgumentError(f"{argument}: a number in the JSON is not finite.")
        level = below


def text_of(value: str, argument: str) -> str:
    """A text that PostgreSQL can hold. Raises InvalidArgumentError for the character NUL and lone surrogates."""
    if "\0" in value or not (value.isascii() or SURROGATE.search(value) is None):
        raise InvalidArgumentError(f"{argument}: a text cannot hold the character NUL or half of a surrogate pair.")
    return value


def uuid_of(value: str, argument: str = "id") -> str:
    """The UUID that an id argument holds, as rows have it: in lower case. Raises InvalidIdError."""
    if not ID.fullmatch(value):
        raise InvalidIdError(f"{argument}: {value[:60]!r} is not an id. Ids are UUIDs, as the graph returned them.")
    return value.lower()

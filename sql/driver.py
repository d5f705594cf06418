"""The driver's ways: its exceptions in the gateway's words, its rows, its types."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import asyncpg

from sql.errors import (
    ConflictError,
    DatabaseError,
    DatabaseUnavailableError,
    NotAMemberError,
    StatementFailedError,
    StatementTimeoutError,
    ViolationError,
)

NOT_A_MEMBER = "MM001"
QUERY_CANCELED = "57014"
CONFLICTS = {"40001", "40P01"}  # serialization failure, deadlock
VIOLATIONS = ("22", "23", "42501", "MM01")  # data, constraints, privileges and policies, and our own triggers
UNAVAILABLE = "The database cannot be reached right now. Try again in a moment."
BROKEN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


class Row(asyncpg.Record):
    """A row whose columns are also attributes, so that a GraphQL type's fields read it like an object."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@cache
def row_class(name: str | None) -> type[Row]:
    """The class of a statement's rows: named as the GraphQL type that reads them, so that a row knows its type."""
    return Row if name is None else type(name, (Row,), {})


class OpenedRow:
    """A row of which some columns were decrypted; in all else the row that it was."""

    __slots__ = ("_columns", "_row")

    def __init__(self, row: Row, columns: dict[str, Any]) -> None:
        self._row = row
        self._columns = columns

    def __getitem__(self, name: str) -> Any:
        return self._columns[name] if name in self._columns else self._row[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@cache
def opened_class(name: str) -> type[OpenedRow]:
    """The class of a statement's opened rows, named as ``row_class`` names it."""
    return type(name, (OpenedRow,), {"__slots__": ()})


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the driver raises into the gateway's own errors."""
    try:
        yield
    except DatabaseError:
        raise
    except BROKEN as error:
        raise DatabaseUnavailableError(UNAVAILABLE) from error
    except asyncpg.PostgresError as error:
        if error.sqlstate == NOT_A_MEMBER:
            raise NotAMemberError("You are no member of this tenant.") from error
        if error.sqlstate == QUERY_CANCELED:
            raise StatementTimeoutError("The request needs too long at the database. Ask for less at once.") from error
        if error.sqlstate in CONFLICTS:
            raise ConflictError("Somebody changed the same at the same moment. Try again.") from error
        if error.sqlstate.startswith(VIOLATIONS):
            raise ViolationError(str(error), error.sqlstate, getattr(error, "constraint_name", None) or "") from error
        raise StatementFailedError(str(error)) from error


def on_one_line(record: logging.LogRecord) -> bool:
    """A filter for the pool's log: an error by its name and message instead of a stack trace.

    While the database is away the pool tries again every minute or sooner, and warns each time.
    """
    if record.exc_info and (error := record.exc_info[1]):
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}: {error}", ()
        record.exc_info = None
    return True


async def prepare_connection(connection: asyncpg.Connection[Row]) -> None:
    """Numerics and ids travel as text, which is how they are written in the end.

    So a numeric stays exact; and ids, by which all rows are found and grouped, are hashed three times as fast as UUIDs.
    """
    for type_ in ("numeric", "uuid"):
        await connection.set_builtin_type_codec(type_, schema="pg_catalog", codec_name="text", format="text")

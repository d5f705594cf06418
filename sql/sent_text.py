"""Texts that are sent: a statement's with what its plan rests on, and the beginning of a transaction."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from sql import statements

if TYPE_CHECKING:
    from sql.session import Caller

ALL_TIME = ("-infinity", "infinity")


@lru_cache(maxsize=1000)
def sent(sql: str, role: str, event_months: tuple[str, str] | None) -> str:
    """A statement's text as it is sent.

    A plan under row security belongs to one role: a text for each role keeps each one's plan. The bounds of events'
    months are written into it where it has those of all time, as PostgreSQL plans by what it knows beforehand.
    """
    for always, bound in zip(ALL_TIME, event_months or ALL_TIME, strict=True):
        sql = sql.replace(f"timestamptz '{always}'", f"timestamptz '{bound}'")
    return f"{sql}\n-- {role}"


@lru_cache(maxsize=1000)
def beginning(caller: Caller, statement_timeout_ms: int, *, writes: bool) -> str:
    """What begins a transaction for a caller."""
    values = {
        "statement_timeout_ms": statement_timeout_ms,
        "user_id": caller.user_id,
        "tenant_id": caller.tenant_id,
        "client_ip": caller.client_ip,
        "user_agent": caller.user_agent,
        "client_id": caller.client_id,
    }
    text = statements.load()["begin_write" if writes else "begin_read"].text
    return statements.PARAMETER.sub(lambda match: _literal(values[match[1]]), text)


def _literal(value: object) -> str:
    """An SQL literal of a value whose type leaves no room for anything else; text travels as hexadecimal digits."""
    match value:
        case None:
            return "null"
        case int():
            return str(value)
        case UUID():
            return f"'{value}'::uuid"
        case str():
            return f"convert_from(decode('{value.replace(chr(0), '').encode(errors='replace').hex()}', 'hex'), 'utf8')"
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")

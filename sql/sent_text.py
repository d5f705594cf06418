"""Texts that are sent: a statement's with what its plan rests on, the beginning of a transaction, arrays of ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from sql import statements

if TYPE_CHECKING:
    from sql.session import Caller


UUID_LENGTH, UUID_CHARACTERS = 36, b"0123456789abcdef-"


@dataclass(frozen=True)
class EventMonths:
    """Adjacent months that events have a partition each for: their bounds, and these partitions, as literals.

    ``elsewhere`` tells whether another partition has a page on disk.
    """

    starts: str
    ends: str
    partitions: str
    elsewhere: bool


UNKNOWN_MONTHS = EventMonths("-infinity", "infinity", "{}", elsewhere=True)
"""All of time, and no partition known: what statements say by themselves."""


@lru_cache(maxsize=1000)
def sent(sql: str, role: str, months: EventMonths) -> str:
    """A statement's text as it is sent.

    A plan under row security belongs to one role: a text for each role keeps each one's plan. Events' months are
    written into it in place of unknown ones, as PostgreSQL plans by what it knows beforehand.
    """
    sql = sql.replace(f"timestamptz '{UNKNOWN_MONTHS.starts}'", f"timestamptz '{months.starts}'")
    sql = sql.replace(f"timestamptz '{UNKNOWN_MONTHS.ends}'", f"timestamptz '{months.ends}'")
    sql = sql.replace(f"'{UNKNOWN_MONTHS.partitions}'::oid[]", f"'{months.partitions}'::oid[]")
    return f"{sql}\n-- {role}"


def id_array(ids: Sequence[str]) -> str:
    """The text of an array of UUIDs as PostgreSQL writes them. Raises ValueError where one is of other characters.

    As two do not fit into the characters of one, each is one element, or no UUID to PostgreSQL.
    """
    text = ",".join(ids)
    if not {UUID_LENGTH}.issuperset(map(len, ids)) or text.encode().translate(None, UUID_CHARACTERS + b","):
        raise ValueError("an id is not a UUID")
    return f"{{{text}}}"


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

"""The job library's tables: made and brought up to date from the SQL files that come with its version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from procrastinate.schema import SchemaManager
from psycopg.sql import SQL, Identifier, Literal

from sql.jobs import SCHEMA


def bring_up_to_date(connection: psycopg.Connection[Any]) -> None:
    """Makes the library's tables, or applies those of its migrations that came since; in autocommit mode, as the owner.

    The schema's comment is the name of the last migration. The library's files name no schema: the search path does.
    """
    connection.execute("select pg_advisory_lock(hashtextextended('motomind jobs', 0))")  # until the connection ends
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    applied = _applied(connection)
    if applied is None:
        _apply(connection, SchemaManager.get_schema(), files[-1].stem)
        return
    for file in files:
        if file.stem > applied:
            _apply(connection, file.read_text(encoding="utf-8"), file.stem)


def _applied(connection: psycopg.Connection[Any]) -> str | None:
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s", [SCHEMA]
    ).fetchone()
    return None if row is None else str(row[0])


def _apply(connection: psycopg.Connection[Any], text: str, name: str) -> None:
    with connection.transaction():
        connection.execute(SQL("create schema if not exists {}").format(Identifier(SCHEMA)))
        connection.execute(SQL("set local search_path to {}").format(Identifier(SCHEMA)))
        connection.execute(text.encode())
        connection.execute(SQL("comment on schema {} is {}").format(Identifier(SCHEMA), Literal(name)))

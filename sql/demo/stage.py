"""The way into a table: COPY fills a temporary table, from where an INSERT takes the rows over.

COPY itself refuses tables with forced row-level security, even for their owner; INSERT passes the owner's policy, and
the triggers see every row of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier


@cache
def texts() -> dict[str, str]:
    """The statements of statements.sql by name."""
    text = files("sql.demo").joinpath("statements.sql").read_text(encoding="utf-8")
    blocks = (block.partition("\n") for block in text.split("-- name: ")[1:])
    return {name.strip(): statement.strip() for name, _, statement in blocks}


class Stage:
    """One table and the columns that are filled; the others keep their defaults."""

    def __init__(self, connection: psycopg.Connection[Any], table: str, columns: Sequence[str]) -> None:
        self._connection = connection
        self._names = {
            "table": Identifier(table),
            "incoming": Identifier(f"incoming_{table}"),
            "columns": SQL(", ").join(map(Identifier, columns)),
        }
        connection.execute(self._statement("stage"))

    def load(self, rows: Iterable[Sequence[Any]]) -> None:
        """Puts the rows, each with a value per column, into the table."""
        with self._connection.cursor() as cursor:
            with cursor.copy(self._statement("copy")) as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(self._statement("insert"))
            cursor.execute(self._statement("clear"))

    def _statement(self, name: str) -> Composed:
        return SQL(texts()[name]).format(**self._names)

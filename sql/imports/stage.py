"""The way into the tables: COPY into a temporary table, from where one INSERT takes over what is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from sql import owner
from sql.imports.report import Progress

ROWS_PER_STEP = 10_000


def statements() -> dict[str, bytes]:
    """The statements of this package's .sql files, by name."""
    return owner.statements("sql.imports")


def copy_rows(
    connection: psycopg.Connection[Any], name: str, rows: Sequence[Sequence[Any]], progress: Progress
) -> None:
    """Makes the temporary table of ``name`` and fills it with the rows, each with a value per column."""
    connection.execute(statements()[f"stage_{name}"])
    with connection.cursor() as cursor, cursor.copy(statements()[f"copy_{name}"]) as copy:
        for done, row in enumerate(rows):
            if done % ROWS_PER_STEP == 0:
                progress(f"Copying {name}", done, len(rows))
            copy.write_row(row)
    progress(f"Copying {name}", len(rows), len(rows))

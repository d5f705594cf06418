"""Uploads as the database's owner sees them, to be compared with what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from sql.owner import connected, statements

BATCH = 5000
_sql = partial(statements, "sql.uploads")


@dataclass(frozen=True)
class StoredUpload:
    """Where a row says that its content is."""

    tenant: str
    id: str
    file_name: str
    storage_key: str


def stored_uploads(owner_url: str) -> Iterator[StoredUpload]:
    """Every upload of every tenant."""
    with connected(owner_url) as connection, connection.cursor(name="stored_uploads") as cursor:
        cursor.itersize = BATCH
        for row in cursor.execute(_sql()["stored_uploads"]):
            yield StoredUpload(*row)

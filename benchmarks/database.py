"""The benchmark's database: an embedded server of its own, filled once and kept between runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from sql import embedded
from sql.migrate import migrate

ROOT = Path(__file__).parent.parent
DATA_DIR = ROOT / ".motomind-bench"
NAME = "motomind_bench"
FILES = (Path(__file__).parent / "dataset.sql", Path(__file__).parent / "postgraphile" / "functions.sql")
ANALYZED = ("tenants", "users", "memberships", "fleet_groups", "group_permissions", "vehicles", "vehicle_metrics",
            "manual_events")  # fmt: skip


def uid(kind: str, number: int) -> UUID:
    """The id that dataset.sql gives to a row."""
    return UUID(md5(f"motomind benchmark {kind} {number}".encode(), usedforsecurity=False).hexdigest())


@contextmanager
def database(report: Callable[[str], None]) -> Iterator[embedded.Addresses]:
    """The running server with the benchmark's rows in it; fills it where it is new or of another version."""
    version = _version()
    with embedded.server(DATA_DIR) as superuser:
        embedded.create_roles(superuser)
        if _filled(superuser) != version:
            report("Filling the benchmark's database (once; takes about a minute) ...")
            with psycopg.connect(superuser, autocommit=True) as connection:
                connection.execute(SQL("drop database if exists {} with (force)").format(Identifier(NAME)))
            embedded.create_database(superuser, NAME)
            _fill(embedded.addresses(superuser, NAME).owner, version)
        yield embedded.addresses(superuser, NAME)


def _version() -> str:
    """A digest of all that the rows depend on."""
    migrations = sorted((ROOT / "sql" / "migrations").glob("*.sql"))
    return md5(b"".join(file.read_bytes() for file in (*FILES, *migrations)), usedforsecurity=False).hexdigest()


def _filled(superuser: str) -> str | None:
    """The version of the rows that are there."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        row = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = %s", [NAME]
        ).fetchone()
    return None if row is None else row[0]


def _fill(owner: str, version: str) -> None:
    migrate(owner)
    with psycopg.connect(owner) as connection:
        for file in FILES:
            connection.execute(file.read_bytes())
    with psycopg.connect(owner, autocommit=True) as connection:
        for table in ANALYZED:
            connection.execute(SQL("vacuum (freeze, analyze) {}").format(Identifier(table)))
        connection.execute(SQL("comment on database {} is {}").format(Identifier(NAME), Literal(version)))

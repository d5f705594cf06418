"""The benchmark's database: an embedded server of its own, filled once and kept between runs."""

from __future__ import annotations

import time
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
PATIENCE_SECONDS, SETTLE_SECONDS, QUIET_LOOKS = 3.0, 120.0, 6
ANALYZED = ("tenants", "users", "memberships", "fleet_groups", "group_permissions", "vehicles", "vehicle_metrics",
            "manual_events", "odometer_readings", "fuel_spans", "vehicle_changes", "group_changes", "group_metrics",
            "vehicle_calendars")  # fmt: skip


def uid(kind: str, number: int) -> UUID:
    """The id that dataset.sql gives to a row."""
    return UUID(md5(f"motomind benchmark {kind} {number}".encode(), usedforsecurity=False).hexdigest())


@contextmanager
def database(report: Callable[[str], None]) -> Iterator[embedded.Addresses]:
    """The running server with the benchmark's rows in it; fills it where it is new or of another version."""
    version = _version()
    with embedded.server(DATA_DIR) as superuser:
        embedded.create_roles(superuser)
        with psycopg.connect(superuser, autocommit=True) as connection:  # for settle()
            connection.execute(
                SQL("grant pg_read_all_stats, pg_signal_backend to {}").format(Identifier(embedded.OWNER))
            )
        if _filled(superuser) != version:
            report("Filling the benchmark's database (once; takes about a minute) ...")
            with psycopg.connect(superuser, autocommit=True) as connection:
                connection.execute(SQL("drop database if exists {} with (force)").format(Identifier(NAME)))
            embedded.create_database(superuser, NAME)
            _fill(embedded.addresses(superuser, NAME).owner, version)
        yield embedded.addresses(superuser, NAME)


def settle(owner: str) -> None:
    """Waits until the subjects ask nothing any more; after a while ends what they still ask for clients that left.

    Raises TimeoutError after two minutes.
    """
    began, quiet = time.monotonic(), 0
    with psycopg.connect(owner, autocommit=True) as connection:
        while quiet < QUIET_LOOKS:
            busy = connection.execute(
                "select array_agg(pid) from pg_stat_activity where usename = 'gateway' and state <> 'idle'"
            ).fetchone()
            pids = busy[0] if busy and busy[0] else []
            quiet = 0 if pids else quiet + 1
            waited = time.monotonic() - began
            if waited > SETTLE_SECONDS:
                raise TimeoutError("The subjects do not stop asking the database.")
            if waited > PATIENCE_SECONDS and pids:
                connection.execute("select pg_cancel_backend(pid) from unnest(%s::integer[]) pid", [pids])
            time.sleep(0.05)


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
        connection.execute("select app.refresh_changed_figures()")
    with psycopg.connect(owner, autocommit=True) as connection:
        for table in ANALYZED:
            connection.execute(SQL("vacuum (freeze, analyze) {}").format(Identifier(table)))
        connection.execute(SQL("comment on database {} is {}").format(Identifier(NAME), Literal(version)))

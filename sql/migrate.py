"""Forward-only migrations, applied by yoyo; each file of migrations/ once, in order, in a transaction of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.resources import as_file, files
from urllib.parse import urlsplit, urlunsplit

import psycopg
from yoyo import get_backend, read_migrations

from sql.errors import SetupError
from sql.jobs.schema import bring_up_to_date
from sql.owner import connected, explained, not_the_owner

OLDEST_SERVER = 150000


def migrate(owner_url: str, report: Callable[[str], None] = lambda _: None) -> int:
    """Brings the database to the newest version as its owner; returns how many migrations that took.

    ``report`` is told the name of each migration as it begins. Also makes the event partitions of the next months,
    and brings the tables of the job library up to date.
    Raises DatabaseUnavailableError and SetupError, each with what to do.
    """
    logging.getLogger("yoyo").setLevel(logging.ERROR)
    _prepare(owner_url)
    parts = urlsplit(owner_url)
    with explained(owner_url):
        backend = get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg")))
        try:
            with as_file(files("sql").joinpath("migrations")) as directory, backend.lock():
                pending = backend.to_apply(read_migrations(str(directory)))
                for migration in pending:
                    report(migration.id)
                    backend.apply_one(migration)
                applied = len(pending)
        finally:
            backend.connection.close()
    with connected(owner_url, autocommit=True) as connection:
        connection.execute(files("sql").joinpath("partitions_ahead.sql").read_bytes())
        bring_up_to_date(connection)
    return applied


def pending(owner_url: str) -> list[str]:
    """The names of the migrations that are not applied yet."""
    backend = get_backend(urlunsplit(urlsplit(owner_url)._replace(scheme="postgresql+psycopg")))
    try:
        with as_file(files("sql").joinpath("migrations")) as directory:
            return [migration.id for migration in backend.to_apply(read_migrations(str(directory)))]
    finally:
        backend.connection.close()


def _prepare(owner_url: str) -> None:
    """Checks the server and whether this is its owner; makes the roles where they are missing and may be made."""
    with connected(owner_url, autocommit=True) as connection:
        if connection.info.server_version < OLDEST_SERVER:
            version = connection.info.server_version // 10000
            raise SetupError(f"PostgreSQL {version} is too old: MotoMind needs PostgreSQL 15 or later.")
        roles = files("sql").joinpath("roles.sql").read_text(encoding="utf-8")
        try:
            connection.execute(roles.encode())
        except psycopg.errors.InsufficientPrivilege as error:
            raise SetupError(
                f"The roles that MotoMind needs are missing, and {connection.info.user} may not create roles. "
                f"Run this once as a superuser, then migrate again:\n\n{roles}"
            ) from error
        (may_create,) = connection.execute("select has_schema_privilege('public', 'create')").fetchall()[0]
        if not may_create:  # yoyo would go on without its tables
            raise not_the_owner(owner_url, "permission denied for schema public")

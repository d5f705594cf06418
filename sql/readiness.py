"""Readiness: whether the database answers, and has every migration that this version counts on."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sql.database import Database
from sql.driver import UNAVAILABLE
from sql.errors import DatabaseUnavailableError, PoolExhaustedError, StatementFailedError


@cache
def known_migrations() -> tuple[str, ...]:
    """The names of the migrations that this version comes with, in order."""
    names = (entry.name for entry in files("sql").joinpath("migrations").iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in names if name.endswith(".sql")))


async def pending_migrations(database: Database) -> tuple[str, ...]:
    """The migrations that are not applied yet; all of them where the database does not even know to tell.

    Raises DatabaseUnavailableError, and PoolExhaustedError at once where every connection is at work.
    """
    if database.pool.in_use >= database.pool.most:
        raise PoolExhaustedError("Every database connection is busy.")
    try:
        rows = await database.fetch("pending_migrations", known=list(known_migrations()))
    except StatementFailedError:  # the function that tells came by a migration
        return known_migrations()
    except PoolExhaustedError as error:
        if database.pool.in_use >= database.pool.most:
            raise
        raise DatabaseUnavailableError(UNAVAILABLE) from error  # none could be made in time
    return tuple(row["id"] for row in rows)

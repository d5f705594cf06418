"""The database as its owner: what migrations, imports, the demo and the command line connect as."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg

from sql.errors import DatabaseUnavailableError, SetupError
from sql.statements import load, parse

CONNECT_SECONDS = 10
NO_SCHEMA = "The database has no MotoMind schema yet. Run: motomind migrate (as the database's owner)"


@cache
def statements(package: str) -> dict[str, bytes]:
    """The statements of a package's .sql files, by name: those that are for the owner, with psycopg's parameters."""
    return {
        block.headers["name"]: block.text.encode()
        for path in files(package).iterdir()
        if path.name.endswith(".sql")
        for block in parse(path.read_text(encoding="utf-8"), path.name)
    }


@contextmanager
def connected(owner_url: str, *, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the owner; without ``autocommit`` one transaction.

    Raises DatabaseUnavailableError and SetupError, each with what to do.
    """
    with explained(owner_url):
        try:
            with psycopg.connect(owner_url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
                # To compile a statement of many parts takes seconds, where it runs for milliseconds.
                connection.execute("set jit = off")
                connection.autocommit = autocommit
                yield connection
        except psycopg.errors.UndefinedTable as error:
            raise SetupError(NO_SCHEMA) from error


@contextmanager
def explained(owner_url: str) -> Iterator[None]:
    """Says what to do where the server at the address does not answer, or lets somebody in who is not the owner."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise not_the_owner(owner_url, error) from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(
            f"The database does not answer: {str(error).strip().splitlines()[-1]}\n"
            "Check DATABASE_URL and that the server is running; without DATABASE_URL MotoMind starts its own."
        ) from error


def no_tenant(connection: psycopg.Connection[Any], name: str) -> SetupError:
    """That no tenant has a name, and the names of some that there are."""
    statement, _ = load()["some_tenants"].render(frozenset())
    names = ", ".join(there for (there,) in connection.execute(statement.encode())) or "none yet"
    return SetupError(f"There is no tenant {name}. Tenants: {names}.")


def not_the_owner(owner_url: str, refusal: object) -> SetupError:
    """What to do about a refusal: says as whom the address connects, who the owner is, and where to name them."""
    with psycopg.connect(owner_url, connect_timeout=CONNECT_SECONDS) as connection:
        statement, _ = load()["owner_facts"].render(frozenset())
        role, owner, database = connection.execute(statement.encode()).fetchall()[0]
    told = str(refusal).strip().splitlines()[0]
    if role == owner:
        return SetupError(f'The database refuses its owner, "{owner}": {told}')
    return SetupError(
        f'This command needs the database\'s owner, "{owner}", and is connected as "{role}": {told}.\n'
        "Name the owner's address beside the other one, then type the command again:\n"
        f"  export MOTOMIND_OWNER_DATABASE_URL=postgresql://{owner}:...@host/{database}"
    )

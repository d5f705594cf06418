"""The command line: ``motomind``."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import socket
import sys
from contextlib import nullcontext
from typing import Annotated, Any

import pydantic
import typer

from api import greeting
from api.commands.clients import clients
from api.commands.documents import documents
from api.commands.imports import imports
from api.commands.keys import keys
from api.commands.metrics import metrics
from api.commands.uploads import uploads
from api.commands.verification import verify
from api.commands.worker import beside, worker
from api.settings import Settings
from api.terminal import DataDir, console, database, progress_bar, settings_of
from sql.encryption import Keyring
from sql.errors import DatabaseError, ImportFileError

app = typer.Typer(
    help="MotoMind Gateway: a GraphQL gateway over a fleet's PostgreSQL.\n\n"
    "Begin with: motomind serve --demo\n\nEvery setting is an environment variable; docs/configuration.md lists them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(imports, name="import")
app.add_typer(clients, name="clients")
app.add_typer(documents, name="documents")
app.add_typer(keys, name="keys")
app.add_typer(metrics, name="metrics")
app.add_typer(uploads, name="uploads")
app.command("verify")(verify)
app.command("worker")(worker)


def main() -> None:
    """Runs a command; a mistake ends in one message and exit status 1, never in a stack trace."""
    try:
        app()
    except ImportFileError as error:
        console.print(f"Nothing was imported. {len(error.problems)} problem(s):", style="bold")
        for problem in error.problems:
            console.print(f"  {problem}", markup=False)
        sys.exit(1)
    except DatabaseError as error:
        console.print(str(error), markup=False)
        sys.exit(1)
    except pydantic.ValidationError as error:
        console.print("A setting is wrong:", style="bold")
        for wrong in error.errors():
            where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in wrong["loc"]).lstrip(".")
            console.print(f"  {where} {wrong['msg'].removeprefix('Value error, ')}".replace("  ", " "), markup=False)
        sys.exit(1)


@app.command()
def serve(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo first, if it is not there yet.")] = False,
    host: Annotated[str | None, typer.Option(help="The address to listen on; 127.0.0.1", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 8000", show_default=False)] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve; 1", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the graph at http://HOST:PORT/graphql.

    Without DATABASE_URL an embedded PostgreSQL 18 is started in the data directory and migrated. With it,
    that server is used, as the role gateway, after 'motomind migrate' as its owner. With --demo a worker runs beside
    it; else metrics are kept current by 'motomind worker'.
    """
    from api import server
    from api.explorer import demo_people, is_built

    settings = settings_of(data_dir=data_dir, host=host, port=port, workers=workers)
    _require_free(settings.host, settings.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that an embedded server is stopped on the way out
    with database(settings, migrate=settings.database_url is None) as addresses:
        if demo:
            _load_demo(addresses.owner, None, settings)
        os.environ["DATABASE_URL"] = addresses.gateway
        os.environ["MOTOMIND_DATA_DIR"] = str(settings.data_dir.resolve())
        os.environ["MOTOMIND_HOST"] = settings.host
        if demo:
            os.environ.setdefault("MOTOMIND_EXPLORER_PEOPLE", demo_people())
        asyncio.run(_check(addresses.gateway, settings.keyring()))
        console.print(f"\nMotoMind Gateway serves {greeting.address(settings)}  (Ctrl+C stops it)\n", style="bold")
        if not settings.has_production_issuer:
            console.print(greeting.first_steps(settings, demo=demo), markup=False)
        if settings.explorer_access != "off":
            console.print(greeting.explorer(settings, is_built=is_built()), markup=False)
        try:
            with beside(addresses.owner) if demo else nullcontext():
                server.run(settings)
        except KeyboardInterrupt:
            console.print("Stopped.")


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to the newest version, as its owner."""
    settings = settings_of(data_dir=data_dir)
    with database(settings, migrate=True) as addresses:
        console.print("The database is current.")
        if settings.database_url is not None:
            console.print(
                "Let the gateway in, once, as a superuser (or with CREATEROLE):\n"
                "  ALTER ROLE gateway PASSWORD '...';\n"
                "and serve with:\n"
                "  DATABASE_URL=postgresql://gateway:...@host/database motomind serve"
            )
        del addresses


@app.command()
def demo(
    tenants: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Generate this many tenants.", show_default=False)
    ] = None,
    groups: Annotated[int, typer.Option(min=1, max=100_000, help="Groups of each generated tenant.")] = 100,
    vehicles: Annotated[int, typer.Option(min=1, max=1_000_000, help="Vehicles of each generated tenant.")] = 1000,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days of history of each generated tenant.")] = 30,
    data_dir: DataDir = None,
) -> None:
    """Load the demo's four tenants, or with --tenants generated ones of any size, for benchmarks.

    Deterministic: the same day and sizes give the same rows. People of generated tenants: owner@fleet-1.example,
    manager@fleet-1.example, viewer@fleet-1.example and so on.
    """
    from sql.demo import DemoSize

    size = None if tenants is None else DemoSize(tenants=tenants, groups=groups, vehicles=vehicles, days=days)
    settings = settings_of(data_dir=data_dir)
    with database(settings, migrate=True) as addresses:
        if _load_demo(addresses.owner, size, settings):
            console.print(greeting.after_demo(settings, generated=tenants is not None), markup=False)
        else:
            console.print("These tenants are already there; nothing was changed.")


@app.command()
def token(
    email: Annotated[
        str, typer.Argument(help="Who the token is for, like owner@enterprise.example", show_default=False)
    ],
    tenant: Annotated[str | None, typer.Option(help="The tenant to act in, by name.", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a development token and nothing else, to be put into a variable.

    TOKEN=$(motomind token owner@enterprise.example)
    """
    from api.auth import development_token
    from sql.people import member

    settings = settings_of(data_dir=data_dir)
    if settings.has_production_issuer:
        names = ", ".join(issuer.issuer for issuer in settings.trusted_issuers)
        console.print(
            f"Tokens come from {names} (MOTOMIND_ISSUERS, MOTOMIND_JWT_ISSUER); development tokens would not be taken.",
            markup=False,
        )
        raise typer.Exit(1)
    with database(settings, migrate=False, begin=False) as addresses:
        person = asyncio.run(member(addresses.owner, email, tenant))
    typer.echo(development_token(settings, person.user_id, person.tenant_id))


@app.command()
def schema() -> None:
    """Print the schema that the gateway serves, in GraphQL's definition language."""
    from resolvers.schema import published

    typer.echo(published(), nl=False)


def _load_demo(owner_url: str, size: Any, settings: Settings) -> bool:
    from sql.demo import load_demo

    today = datetime.datetime.now(datetime.UTC).date()
    with progress_bar() as progress:
        loaded = load_demo(owner_url, size=size, until=today, progress=progress, keyring=settings.keyring())
    if loaded and settings.encrypted_fields:
        console.print("What MOTOMIND_ENCRYPTED_FIELDS names is encrypted in the demo.")
    return loaded


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            console.print(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another: --port {port + 1}")
            raise typer.Exit(1) from None


async def _check(gateway_url: str, keyring: Keyring | None) -> None:
    """Fails here, with one message, rather than in every worker."""
    from sql.database import Database, PoolSettings

    database = await Database.connect(gateway_url, PoolSettings(min_size=0, max_size=1), keyring)
    await database.close()

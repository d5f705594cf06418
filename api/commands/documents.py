"""``motomind documents``: what clients may send."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.clients import OfTenant
from api.terminal import DataDir, console, database, print_table, settings_of

documents = typer.Typer(
    help="Documents that are published for clients: trusted documents, or persisted queries.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

OfClient = Annotated[str, typer.Option("--client", help="The client's name.", show_default=False)]
LONGEST_EXCERPT = 60


@documents.command("publish")
def publish(
    manifest: Annotated[Path, typer.Argument(help="The manifest that the app's build made.", show_default=False)],
    client: OfClient,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    tenant: OfTenant = None,
    data_dir: DataDir = None,
) -> None:
    """Publish the documents of a manifest: Apollo's, Relay's or GraphQL Code Generator's.

    Each is checked against the schema first; then all are published or none. Documents of earlier manifests stay.
    """
    from api.app import engine_of
    from api.manifest import read
    from sql import clients as registry

    settings = settings_of(data_dir=data_dir)
    listed = read(manifest, engine_of(settings))
    with database(settings, migrate=False, begin=False) as addresses:
        done = registry.publish(addresses.owner, client, listed, tenant=tenant, dry_run=dry_run)
    for sign, ids in (("+", (*done.added, *done.brought_back)), (" ", done.absent)):
        for id_ in ids:
            console.print(f"  {sign} {id_}{'' if sign == '+' else '  (not in this manifest; stays)'}", markup=False)
    counts = f"{len(done.added)} new, {len(done.brought_back)} brought back, {len(done.kept)} there already"
    if done.version is None:
        console.print(f"Nothing changed: all {len(listed)} documents are published already.")
    elif dry_run:
        console.print(
            f"Would publish version {done.version} for {client}: {counts}. Nothing was changed.", markup=False
        )
    else:
        console.print(
            f"Published version {done.version} for {client}: {counts}. It is served within seconds.", markup=False
        )
    if done.absent:
        console.print(f"To end those that stay: motomind documents retire --client {client} ID...", markup=False)


@documents.command("list")
def list_(client: OfClient, tenant: OfTenant = None, data_dir: DataDir = None) -> None:
    """List the documents of a client, with the versions that named them and their last use."""
    from sql import clients as registry

    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        rows = registry.documents(addresses.owner, client, tenant=tenant)
    if not rows:
        console.print(f"Nothing is published for {client} yet: motomind documents publish MANIFEST --client {client}")
        return
    print_table(
        ("id", "operation", "versions", "last used", "state"),
        [(r.document_id, r.operation_name or "", _versions(r), _when(r.last_used_at), _state(r)) for r in rows],
    )


@documents.command("retire")
def retire(
    ids: Annotated[list[str], typer.Argument(help="The ids of the documents.", show_default=False)],
    client: OfClient,
    tenant: OfTenant = None,
    data_dir: DataDir = None,
) -> None:
    """End documents of a client; every process refuses them within seconds."""
    from sql import clients as registry

    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        registry.retire(addresses.owner, client, ids, tenant=tenant)
    console.print(f"Retired {len(set(ids))} document(s) of {client}. They are refused within seconds.", markup=False)


@documents.command("report")
def report(client: OfClient, tenant: OfTenant = None, data_dir: DataDir = None) -> None:
    """Tell the last use of each document of a client, and which unknown documents it sent."""
    from sql import clients as registry

    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        found = registry.report(addresses.owner, client, tenant=tenant)
    served = [row for row in found.documents if row.retired_at is None]
    never = [row for row in served if row.last_used_at is None]
    console.print(f"{client}: {len(served)} documents served, {len(never)} of them never used.", markup=False)
    if served:
        oldest_first = sorted(served, key=lambda row: (row.last_used_at is not None, row.last_used_at))
        print_table(
            ("last used", "id", "operation"),
            [(_when(row.last_used_at), row.document_id, row.operation_name or "") for row in oldest_first],
            title="Published",
        )
    if not found.unknown:
        console.print("It sent no unknown documents.")
        return
    print_table(
        ("last seen", "times", "sha256", "text"),
        [(_when(row.last_seen_at), row.seen, row.sha256, _excerpt(row.text)) for row in found.unknown],
        title="Unknown",
    )


@documents.command("check")
def check(data_dir: DataDir = None) -> None:
    """Check every document that is served against the schema of this version; exit status 1 where one would break."""
    from api.app import engine_of
    from api.manifest import refusals
    from sql import clients as registry

    settings = settings_of(data_dir=data_dir)
    with database(settings, migrate=False, begin=False) as addresses:
        rows = registry.all_documents(addresses.owner)
    engine = engine_of(settings)
    broken = 0
    for row in rows:
        for problem in refusals(row.document_id, row.text, engine):
            broken += 1
            console.print(f"  {row.tenant}, {row.client}, {row.document_id}: {problem}", markup=False)
    if broken:
        console.print(f"{broken} problem(s) in {len(rows)} documents.")
        raise typer.Exit(1)
    console.print(f"All {len(rows)} documents fit the schema.")


def _versions(row: Any) -> str:
    first, last = row.first_version, row.last_version
    return f"{first}-{last}" if first < last else str(first)


def _state(row: Any) -> str:
    return f"retired {row.retired_at:%Y-%m-%d}" if row.retired_at else "served"


def _excerpt(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_EXCERPT else line[: LONGEST_EXCERPT - 3] + "..."


def _when(moment: datetime.datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone(datetime.UTC):%Y-%m-%d %H:%M}"

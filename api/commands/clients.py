"""``motomind clients``: programs of partners and their keys."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import typer

from api.credentials import digest_of, hint_of, new_key
from api.terminal import DataDir, console, database, print_table, settings_of

clients = typer.Typer(
    help="Programs of partners: each bound to one tenant, with keys of its own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="The client's name.", show_default=False)]
OfTenant = Annotated[
    str | None,
    typer.Option("--tenant", help="The tenant's name, where several have a client so called.", show_default=False),
]
Mode = Literal["open", "log", "safelist", "id-only"]
ROLES = "viewer sees what is granted to it, manager the whole tenant"


@clients.command("create")
def create(
    name: Name,
    *,
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant that it belongs to.", show_default=False)],
    mode: Annotated[Mode, typer.Option(help="Which documents it may send.")] = "id-only",
    role: Annotated[Literal["viewer", "manager"], typer.Option(help=f"What it is in the tenant: {ROLES}.")] = "viewer",
    read: Annotated[
        list[str] | None,
        typer.Option("--read", help="A group that it may read, with all below: 'North America/US West'. Repeatable."),
    ] = None,
    write: Annotated[
        list[str] | None, typer.Option("--write", help="A group that it may change, with all below. Repeatable.")
    ] = None,
    introspection: Annotated[bool, typer.Option("--introspection", help="Let it read the schema.")] = False,
    token_client: Annotated[
        str | None,
        typer.Option(help="What tokens of an issuer call it (azp or client_id): its mode holds for them as well."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a client and print its key, which is shown this once.

    It acts as a member of its own, so it sees just what is granted to it.
    """
    from sql import clients as registry

    if role == "manager" and (read or write):
        raise typer.BadParameter("A manager sees and changes the whole tenant: leave --read and --write out.")
    key = new_key()
    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        registry.create(
            addresses.owner,
            name,
            tenant=tenant,
            mode=mode.replace("-", "_"),
            role=role,
            grants=[(path, "read") for path in read or []] + [(path, "write") for path in write or []],
            introspection=introspection,
            token_client=token_client,
            key=(digest_of(key), hint_of(key)),
        )
    sees = "the whole tenant" if role == "manager" else ", ".join([*(read or []), *(write or [])]) or "nothing yet"
    console.print(f"Made the client {name} of {tenant}. It sees {sees}.", markup=False)
    if mode == "id-only":
        console.print(
            f"It sends documents by id alone. Publish some:\n\n  motomind documents publish MANIFEST --client {name}\n",
            markup=False,
        )
    console.print("Its key, which is not shown again:", markup=False)
    typer.echo(key)


@clients.command("list")
def list_(tenant: OfTenant = None, data_dir: DataDir = None) -> None:
    """List clients, with their modes, and how many keys and documents each has."""
    from sql import clients as registry

    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        rows = registry.clients(addresses.owner, tenant)
    if not rows:
        console.print("There are no clients yet. Make one: motomind clients create NAME --tenant TENANT")
        return
    print_table(
        ("tenant", "client", "mode", "role", "state", "keys", "documents"),
        [(r.tenant, r.name, r.mode.replace("_", "-"), r.role, r.state, r.keys, r.documents) for r in rows],
    )


@clients.command("rotate")
def rotate(
    name: Name,
    *,
    grace_hours: Annotated[
        float, typer.Option(min=0, max=87_600, help="How long the keys before it still hold.")
    ] = 24.0,
    tenant: OfTenant = None,
    data_dir: DataDir = None,
) -> None:
    """Give a client a new key and print it; those before it hold on for a while."""
    from sql import clients as registry

    key = new_key()
    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        registry.rotate(
            addresses.owner,
            name,
            tenant=tenant,
            grace=datetime.timedelta(hours=grace_hours),
            key=(digest_of(key), hint_of(key)),
        )
    console.print(f"Keys that {name} had before end in {grace_hours:g} hours. The new one, which is not shown again:")
    typer.echo(key)


@clients.command("revoke")
def revoke(name: Name, tenant: OfTenant = None, data_dir: DataDir = None) -> None:
    """End a client for good: its keys are refused within seconds, and its member leaves the tenant."""
    from sql import clients as registry

    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        registry.revoke(addresses.owner, name, tenant=tenant)
    console.print(f"{name} is revoked: its keys are refused from now on, or two seconds from now.", markup=False)

"""``motomind keys``: what encrypts chosen values at rest."""

from __future__ import annotations

from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from api.settings import Settings
from api.terminal import DataDir, console, database, progress_bar, settings_of
from sql.encryption import EncryptedFields, MasterKeys, new_master_key

keys = typer.Typer(
    help="Keys that encrypt chosen values at rest: see docs/encryption.md.", no_args_is_help=True, rich_markup_mode=None
)

OfTenant = Annotated[str | None, typer.Option("--tenant", help="Of this tenant alone, by name.", show_default=False)]


@keys.command("generate")
def generate(name: Annotated[str, typer.Argument(help="What to call it.")] = "master") -> None:
    """Print a new master key and nothing else, for MOTOMIND_MASTER_KEYS. Keep it apart from the database's backups."""
    typer.echo(new_master_key(name))


@keys.command("list")
def list_(tenant: OfTenant = None, data_dir: DataDir = None) -> None:
    """List the data keys of tenants, and what wrapped them."""
    from sql.encryption import rotation

    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses:
        rows = rotation.list_keys(addresses.owner, tenant)
    if not rows:
        console.print("There are no data keys yet: a tenant's first one is made when it first writes.")
        return
    table = Table("tenant", "key", "wrapped by", "since", "until", box=box.SIMPLE)
    for row in rows:
        until = "current" if row.retired_at is None else f"{row.retired_at:%Y-%m-%d %H:%M}"
        table.add_row(row.tenant, row.key_id, row.wrapped_by, f"{row.created_at:%Y-%m-%d %H:%M}", until)
    Console().print(table)


@keys.command("rotate")
def rotate(
    *,
    tenant: OfTenant = None,
    reencrypt: Annotated[
        bool, typer.Option("--reencrypt", help="Then encrypt everything with the new keys, as 'keys reencrypt' does.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Give every tenant that has keys, or the one named, a new data key. What the old ones encrypted stays readable.

    Gateways that run take the new key within half a minute.
    """
    from sql.encryption import rotation

    settings = settings_of(data_dir=data_dir)
    masters = _masters(settings)
    with database(settings, migrate=False, begin=False) as addresses:
        rotated = rotation.rotate(addresses.owner, masters, tenant)
        for one in rotated:
            before = f", after {one.retired}" if one.retired else ""
            console.print(f"{one.tenant}: encrypts with {one.key_id}{before}.", markup=False)
        if not rotated:
            console.print("No tenant has keys yet; with --tenant one is made.")
        if reencrypt:
            _reencrypt(addresses.owner, settings, masters, tenant)


@keys.command("reencrypt")
def reencrypt(tenant: OfTenant = None, data_dir: DataDir = None) -> None:
    """Encrypt with the current keys what older ones encrypted, and what is in clear though a setting names it.

    Also in the audit trail and the event stream. It may be stopped and begun again at any time.
    """
    settings = settings_of(data_dir=data_dir)
    masters = _masters(settings)
    with database(settings, migrate=False, begin=False) as addresses:
        _reencrypt(addresses.owner, settings, masters, tenant)


@keys.command("rewrap")
def rewrap(tenant: OfTenant = None, data_dir: DataDir = None) -> None:
    """Wrap the data keys with the current master key: the first of MOTOMIND_MASTER_KEYS, or MOTOMIND_KMS.

    The one before is needed until this is done, and by backups from before.
    """
    from sql.encryption import rotation

    settings = settings_of(data_dir=data_dir)
    masters = _masters(settings)
    with database(settings, migrate=False, begin=False) as addresses:
        count = rotation.rewrap(addresses.owner, masters, tenant)
    done = (
        f"Wrapped {count} data key(s) with {masters.current.name}."
        if count
        else "Every data key is wrapped so already."
    )
    console.print(done, markup=False)


def _masters(settings: Settings) -> MasterKeys:
    masters = settings.masters()
    if masters is None:
        console.print(
            "There is no master key. Make one and set it:\n  export MOTOMIND_MASTER_KEYS=$(motomind keys generate)"
        )
        raise typer.Exit(1)
    return masters


def _reencrypt(owner_url: str, settings: Settings, masters: MasterKeys, tenant: str | None) -> None:
    from sql.encryption import rotation

    fields = EncryptedFields.of(settings.encrypted_fields)
    with progress_bar() as progress:
        renewed = rotation.reencrypt(owner_url, masters, fields, tenant, progress)
    if not renewed.rows:
        console.print("Nothing was left to encrypt.")
    else:
        console.print(f"Encrypted {renewed.values:,} value(s) in {renewed.rows:,} row(s), copies included.")
    if renewed.unreadable:
        console.print(
            f"{renewed.unreadable:,} value(s) could not be decrypted and stay as they are: their keys are not in the "
            "database, or they were moved from another place.",
            style="bold",
        )
        raise typer.Exit(1)

"""``motomind import``: files into a tenant."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.settings import Settings
from api.terminal import DataDir, byte_bar, console, database, progress_bar, settings_of

if TYPE_CHECKING:
    from api.imports.bulk import BulkReport
    from sql.imports.bulk import Table

imports = typer.Typer(help="Import files; again without harm.", no_args_is_help=True, rich_markup_mode=None)

TenantName = Annotated[str, typer.Option("--tenant", help="The tenant's name; made if there is none of it.")]
KnownTenant = Annotated[str, typer.Option("--tenant", help="The tenant's name.")]
FileToImport = Annotated[Path, typer.Argument(help="The file to import.", show_default=False)]
MapFile = Annotated[
    Path | None,
    typer.Option("--map", help="A column map; docs/importing.md has examples.", show_default=False),
]
Dry = Annotated[bool, typer.Option("--dry-run", help="Check every row and write nothing but the refused ones' file.")]
REASONS_TOLD = 10


@imports.command("groups")
def import_groups(file: FileToImport, tenant: TenantName, data_dir: DataDir = None) -> None:
    """Import a tree of groups: JSON or CSV with code, name, type and parent (the code of another row).

    Where a code looks like "DE-BY" and names no parent, the group goes below a group "DE".
    """
    from sql import imports

    _import(imports.import_groups, file, tenant, settings_of(data_dir=data_dir))


@imports.command("fuel-log")
def import_fuel_log(file: FileToImport, tenant: TenantName, data_dir: DataDir = None) -> None:
    """Import a fuel log: CSV with car_name, model, date, odometer, miles, gallons and price (US dollars per gallon).

    Makes a vehicle for each car, and for each row a fuel purchase and an odometer reading.
    """
    from sql import imports

    settings = settings_of(data_dir=data_dir)
    _import(partial(imports.import_fuel_log, keyring=settings.keyring()), file, tenant, settings)


def _import(importer: Callable[..., Any], file: Path, tenant: str, settings: Settings) -> None:
    if not file.is_file():
        console.print(f"There is no file {file}.", markup=False)
        raise typer.Exit(1)
    with database(settings, migrate=True) as addresses, progress_bar() as progress:
        report = importer(addresses.owner, file, tenant=tenant, progress=progress)
    added = ", ".join(f"{count} {what}" for what, count in report.added.items() if count)
    made = f"Made the tenant {tenant} and its owner, {report.owner_email}. " if report.owner_email else ""
    console.print(
        f"{made}Read {report.read} rows; added {added or 'nothing: all of it was there already'}.", markup=False
    )


@imports.command("vehicles")
def import_vehicles(
    file: FileToImport, *, tenant: TenantName, map_file: MapFile = None, dry_run: Dry = False, data_dir: DataDir = None
) -> None:
    """Import vehicles from CSV or NDJSON of any size: label, and fleet_group, make, model, vin, notes, external_id ...

    Rows that cannot be are told, and written to FILE.refused.csv, to be corrected and imported like the file itself.
    """
    _import_bulk("vehicles", file, tenant, map_file, dry_run, data_dir)


@imports.command("events")
def import_events(
    file: FileToImport, *, tenant: KnownTenant, map_file: MapFile = None, dry_run: Dry = False, data_dir: DataDir = None
) -> None:
    """Import events from CSV or NDJSON of any size: vehicle, event_type, occurred_at, gallons, odometer_miles ...

    Rows that cannot be are told, and written to FILE.refused.csv, to be corrected and imported like the file itself.
    An import that was interrupted is completed by the same command: what is there already is not added again.
    """
    _import_bulk("events", file, tenant, map_file, dry_run, data_dir)


def _import_bulk(
    kind: Table, file: Path, tenant: str, map_file: Path | None, dry_run: bool, data_dir: Path | None
) -> None:
    from api.imports.bulk import BulkReport, import_file
    from api.imports.column_map import ColumnMap, read_map
    from sql.errors import DatabaseUnavailableError

    if not file.is_file():
        console.print(f"There is no file {file}.", markup=False)
        raise typer.Exit(1)
    settings = settings_of(data_dir=data_dir)
    keyring = settings.keyring()
    given = ColumnMap() if map_file is None else read_map(map_file)
    report = BulkReport(kind, dry_run)
    try:
        with database(settings, migrate=True) as addresses, byte_bar() as progress:
            import_file(addresses.owner, file, given, report, tenant=tenant, progress=progress, keyring=keyring)
    except (KeyboardInterrupt, DatabaseUnavailableError) as error:
        if not report.read:
            raise
        _tell(report, tenant)
        console.print("Interrupted. What is committed stays; the same command again adds what is missing.")
        if isinstance(error, DatabaseUnavailableError):
            raise
        raise typer.Exit(130) from None
    _tell(report, tenant)
    if report.refused:
        raise typer.Exit(1)


def _tell(report: BulkReport, tenant: str) -> None:
    """What became of the rows, and what to do about those that were refused."""
    if report.owner_email:
        console.print(f"Made the tenant {tenant} and its owner, {report.owner_email}.", markup=False)
    done = f"would add {report.added:,}" if report.dry else f"added {report.added:,}"
    console.print(
        f"Read {report.read:,} rows: {done} {report.kind}, {report.there:,} there already, {report.refused:,} refused.",
        markup=False,
    )
    if report.odd:
        console.print("Odd, and not refused (docs/writing.md tells what is meant):")
        for code, count in report.odd.most_common():
            console.print(f"  {count:>9,}  {code}, first in {report.first_odd[code]}", markup=False)
    if not report.refused:
        return
    for place in report.told:
        console.print(f"  {place}", markup=False)
    if len(report.reasons) > 1 or report.refused > len(report.told):
        console.print("By reason:")
        for reason, count in report.reasons[:REASONS_TOLD]:
            console.print(f"  {count:>9,}  {reason}", markup=False)
        if rest := sum(count for _, count in report.reasons[REASONS_TOLD:]):
            console.print(f"  {rest:>9,}  other problems", markup=False)
    console.print(
        f"The refused rows are in {report.refused_path}: correct them there, and import that file the same way.",
        markup=False,
    )

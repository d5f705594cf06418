"""``motomind uploads``: what is stored, compared with what the database says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

import typer

from api.settings import Settings
from api.terminal import DataDir, console, database, progress_bar, settings_of
from api.uploads.incoming import FOLDER, leftovers
from api.uploads.storage import Storage
from sql.uploads import StoredUpload

uploads = typer.Typer(help="Files that were uploaded.", no_args_is_help=True, rich_markup_mode=None)

SHOWN = 20


@uploads.command("check")
def check(
    *,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove files without rows, and what was left half received.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Compare files with rows: tells files without a row, rows without a file, and what was left half received.

    Ends with status 1 where a row's file is missing. A file that is being uploaded has no row yet: look again before
    you remove.
    """
    from sql.uploads import stored_uploads

    settings = settings_of(data_dir=data_dir)
    storage = settings.storage()
    half = list(leftovers(settings.uploads_folder / FOLDER))
    with database(settings, migrate=False, begin=False) as addresses, progress_bar() as progress:
        there = asyncio.run(_keys(storage))  # first: what is uploaded meanwhile is then a row without a file at worst
        named: set[str] = set()
        missing: list[StoredUpload] = []
        for count, upload in enumerate(stored_uploads(addresses.owner), 1):
            named.add(upload.storage_key)
            if upload.storage_key not in there:
                missing.append(upload)
            if count % 1000 == 0:
                progress("Comparing", count, count)
    missing = asyncio.run(_still_missing(storage, missing))
    orphans = sorted(there - named)
    console.print(f"{len(there):,} file(s), {len(named):,} named by rows.")
    _tell(f"{len(missing):,} upload(s) without their file:", (f"{u.tenant}  {u.id}  {u.file_name}" for u in missing))
    _tell(f"{len(orphans):,} file(s) without a row:", orphans)
    _tell(f"{len(half):,} file(s) half received:", (path.name for path in half))
    if remove:
        asyncio.run(_remove(settings, orphans))
        for path in half:
            path.unlink(missing_ok=True)
        console.print(f"Removed {len(orphans) + len(half):,} file(s).")
    elif orphans or half:
        console.print("To remove what no row names:  motomind uploads check --remove")
    if missing:
        raise typer.Exit(1)


def _tell(title: str, lines: Iterable[str]) -> None:
    told = list(lines)
    if told:
        console.print(title, style="bold")
        for line in told[:SHOWN]:
            console.print(f"  {line}", markup=False)
        if len(told) > SHOWN:
            console.print(f"  and {len(told) - SHOWN:,} more")


async def _keys(storage: Storage) -> set[str]:
    return {key async for key in storage.list()}


async def _still_missing(storage: Storage, uploads: list[StoredUpload]) -> list[StoredUpload]:
    return [upload for upload in uploads if not await storage.exists(upload.storage_key)]


async def _remove(settings: Settings, orphans: list[str]) -> None:
    storage = settings.storage()
    for key in orphans:
        await storage.delete(key)

"""The terminal: what every command says things with, and where each finds its settings and its database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from api.settings import Settings
from sql.embedded import Addresses

console = Console(stderr=True, highlight=False, soft_wrap=True)
WIDEST = 10_000  # characters of a table
Report = Callable[[str, int, int], None]

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Where the embedded database is; MOTOMIND_DATA_DIR, else .motomind", show_default=False
    ),
]


def settings_of(**given: Any) -> Settings:
    """The settings from the environment, with what the command line says instead."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def database(settings: Settings, *, migrate: bool, begin: bool = True) -> Iterator[Addresses]:
    """The database's addresses: of the server in DATABASE_URL, or of the embedded one, started or found.

    Unless it is to ``begin`` one, raises SetupError where there is no embedded one yet.
    """
    from sql import embedded
    from sql.migrate import migrate as apply

    def bring_up_to_date(owner_url: str) -> None:
        if migrate:
            apply(owner_url, lambda name: console.print(f"Migrating: {name}", markup=False))

    if settings.database_url is not None:
        owner = settings.owner_database_url or settings.database_url
        bring_up_to_date(owner)
        yield Addresses(owner=owner, gateway=settings.database_url)
        return
    if not begin:
        embedded.require(settings.data_dir)
    with embedded.database(settings.data_dir) as addresses:
        bring_up_to_date(addresses.owner)
        yield addresses


def progress_bar() -> AbstractContextManager[Report]:
    """A progress bar for long work, on a terminal: yields what is told step, done and total."""
    return _bar(MofNCompleteColumn(), TimeElapsedColumn())


def byte_bar() -> AbstractContextManager[Report]:
    """The same for the bytes of a file."""
    return _bar(DownloadColumn(), TimeElapsedColumn(), TimeRemainingColumn())


@contextmanager
def _bar(*figures: ProgressColumn) -> Iterator[Report]:
    if not console.is_interactive:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), *figures)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Starting", total=None)
        yield lambda step, done, total: bar.update(task, description=step, completed=done, total=total)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Prints a table on stdout: whole cells, however narrow the terminal is, and as text whatever is in them.

    What is not printable is replaced: cells may come from partners.
    """
    table = Table(box=box.SIMPLE, title=title, title_justify="left")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        cells = ("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(cell)) for cell in row)
        table.add_row(*(Text(cell) for cell in cells))
    wide = Console(highlight=False, width=WIDEST)
    Console(highlight=False, width=max(wide.measure(table).maximum, Console().width), soft_wrap=True).print(table)

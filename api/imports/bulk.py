"""An import of a file of any size: pieces of it are read, checked and added, each in a transaction of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from api.imports.column_map import ColumnMap
from api.imports.columns import Problem
from api.imports.event_rows import EventRows
from api.imports.lines import require_text
from api.imports.records import Record, Source, open_source
from api.imports.refusals import Refusals
from api.imports.vehicle_rows import VehicleRows
from resolvers.mutation import VIOLATIONS
from sql.encryption import Keyring
from sql.errors import ImportFileError
from sql.imports.bulk import Added, BulkTarget, Piece, Table, bulk_target

ROWS_PER_COMMIT = 10_000
BYTES_PER_COMMIT = 16 * 1024 * 1024
Progress = Callable[[str, int, int], None]


class Rows(Protocol):
    """What makes rows of one table of the records of a file."""

    table: Table
    names_others: bool
    """Whether a row may name one that comes before it in the file."""

    def draft(self, record: Record) -> Any:
        """What a record is of, or the list of all that is wrong in it."""

    def look_up(self, drafts: Sequence[Any], target: BulkTarget) -> Callable[[Any], tuple[Any, ...] | Problem]:
        """What makes rows of drafts, once all that they name has been looked for together."""

    def oddities(self, draft: Any) -> Iterable[str]:
        """The codes of the warnings that a mutation would give of a draft by itself."""

    def months(self, rows: Sequence[tuple[Any, ...]]) -> set[date]:
        """The months whose partitions the rows go into."""


@dataclass
class BulkReport:
    """What an import did, so far: rows by what became of them, and where the refused ones are.

    ``odd`` counts warnings about rows that were not refused, by their codes; ``first_odd`` is the place of the first.
    """

    kind: Table
    dry: bool
    owner_email: str | None = None
    read: int = 0
    added: int = 0
    there: int = 0
    refused: int = 0
    refused_path: Path | None = None
    told: list[str] = field(default_factory=list)
    reasons: list[tuple[str, int]] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)
    first_odd: dict[str, str] = field(default_factory=dict)


def import_file(
    owner_url: str,
    path: Path,
    given: ColumnMap,
    report: BulkReport,
    *,
    tenant: str,
    progress: Progress,
    keyring: Keyring | None = None,
) -> None:
    """Imports a file; the report is true after every commit.

    Rows that are refused go to a file of their own and stop nothing. What is committed stays where the import is
    interrupted, and another run adds what is missing: each row has an id made of what it says. What the ``keyring``
    names is encrypted before it is written.
    Raises ImportFileError for a file or a map that cannot be read at all; nothing is imported then. Raises SetupError
    where the tenant's keys cannot be used.
    """
    require_text(path, given.encoding)
    with path.open("rb") as file:
        source = open_source(path, file, given)
        rows: Rows = EventRows(given, source) if report.kind == "events" else VehicleRows(given, source)
        records = iter(source)
        first = next(records, None)
        if first is None:
            raise ImportFileError(["the file is empty: nothing is in it to import"])
        with bulk_target(owner_url, tenant, keyring, make=report.kind == "vehicles", dry=report.dry) as target:
            report.owner_email = target.tenant.owner_email
            with Refusals(path, source, given.encoding) as refusals:
                report.refused_path = refusals.path
                pieces = _pieces(chain([first], records), source)
                _import_pieces(pieces, rows, target, refusals, report, _told(progress, source, path, report))


def _told(progress: Progress, source: Source, path: Path, report: BulkReport) -> Callable[[], None]:
    """Tells how far the import is."""
    total, doing = path.stat().st_size, "Checking" if report.dry else "Importing"
    return lambda: progress(f"{doing}: {report.read:,} rows", source.lines.position, total)


def _import_pieces(
    pieces: Iterator[list[Record]],
    rows: Rows,
    target: BulkTarget,
    refusals: Refusals,
    report: BulkReport,
    tell: Callable[[], None],
) -> None:
    """Adds piece after piece; while one is being added the next is read and checked."""
    pending: Pending | None = None
    with ThreadPoolExecutor(1) as pool:
        try:
            for piece in pieces:
                drafts = [record.malformed or rows.draft(record) for record in piece]
                if pending is not None and rows.names_others:
                    pending.added.result()
                found = _ready(piece, drafts, rows, target, refusals, report)
                new = [row for _, row in found.values()]
                ready, months = target.piece(rows.table, new), rows.months(new)
                if pending is not None:
                    pending.settle(report, refusals)
                    pending = None
                pending = Pending(pool.submit(_add, target, ready, months), [record for record, _ in found.values()])
                tell()
        finally:  # also of an import that is interrupted: what is under way is committed
            if pending is not None:
                pending.settle(report, refusals)


@dataclass(frozen=True)
class Pending:
    """Rows that are being added while those behind them are read, and the records that they are of."""

    added: Future[Added]
    records: list[Record]

    def settle(self, report: BulkReport, refusals: Refusals) -> None:
        """Reports what became of them, once it is known."""
        added = self.added.result()
        for refused in added.refused:
            told = VIOLATIONS.get(refused.constraint)
            refusals.add(self.records[refused.position], told[1].removesuffix(".") if told else refused.message)
        report.added += added.new
        report.there += added.there
        report.refused, report.told = refusals.count, refusals.told
        report.reasons = refusals.reasons.most_common()


def _pieces(records: Iterator[Record], source: Source) -> Iterator[list[Record]]:
    """Records in pieces that memory and a transaction hold."""
    piece: list[Record] = []
    began = source.lines.position
    for record in records:
        piece.append(record)
        if len(piece) == ROWS_PER_COMMIT or source.lines.position - began > BYTES_PER_COMMIT:
            yield piece
            piece, began = [], source.lines.position
    if piece:
        yield piece


Ready = dict[Any, tuple[Record, tuple[Any, ...]]]


def _ready(
    piece: list[Record], drafts: list[Any], rows: Rows, target: BulkTarget, refusals: Refusals, report: BulkReport
) -> Ready:
    """The rows of a piece by their ids, each with its record; what is wrong goes to the refused ones."""
    row_of = rows.look_up([draft for draft in drafts if not isinstance(draft, list | str)], target)
    ready: Ready = {}
    for record, draft in zip(piece, drafts, strict=True):
        if isinstance(draft, list | str):
            refusals.add(record, draft)
            continue
        row = row_of(draft)
        if isinstance(row, Problem):
            refusals.add(record, [row])
        elif row[0] in ready:
            report.there += 1
        else:
            ready[row[0]] = record, row
            for code in rows.oddities(draft):
                report.odd[code] += 1
                report.first_odd.setdefault(code, f"{refusals.place} {record.number}")
    report.read += len(piece)
    return ready


def _add(target: BulkTarget, piece: Piece, months: set[date]) -> Added:
    target.make_months(months)
    return target.add(piece)

"""The records of a CSV or NDJSON file, one after the other, with the place that a person finds each at."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from api.imports.column_map import ColumnMap
from api.imports.lines import LONGEST_LINE, Lines, LineTooLongError
from sql.errors import ImportFileError
from sql.imports.problem import quoted

DELIMITERS = (",", ";", "\t", "|")
NDJSON = (".ndjson", ".jsonl")
PROBLEM = "problem"
LONGEST_NUMBER = 100
LONGEST_INTEGER = 18
TOO_LONG = f"the line is longer than {LONGEST_LINE // 1024 // 1024} MB"
NUL = "the row has the character NUL, which cannot be stored"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its number, its values by the source's columns, and what it was in the file.

    Where ``malformed`` says what is wrong, there are no values, and ``original`` is the text.
    """

    number: int
    cells: Sequence[Any]
    original: Any
    malformed: str | None = None


class Source(Protocol):
    """A file that records come from. ``place`` and ``field`` are what it calls a record and a value of it."""

    place: str
    field: str
    lines: Lines

    def positions(self, names: Sequence[str]) -> dict[str, int]:
        """The positions of columns in ``Record.cells``. Raises ImportFileError for those that are not there."""

    def names(self) -> list[str]:
        """The columns that there are."""

    def called(self, fields: Iterable[str]) -> dict[str, str]:
        """The columns that fields are called after, by field."""

    def others(self, record: Record, dropped: set[str]) -> dict[str, Any]:
        """What a record has in columns that nobody asked the position of."""

    def __iter__(self) -> Iterator[Record]: ...


def open_source(path: Path, file: BinaryIO, given: ColumnMap) -> Source:
    """The source of an open file: NDJSON by its suffix or its first character, else CSV."""
    lines = Lines(file, given.encoding)
    start = file.read(1)
    file.seek(lines.position)
    if start == b"[" and path.suffix.lower() not in (".csv", ".tsv"):
        raise ImportFileError([f"{path.name}: a JSON list; write one object a line (NDJSON): jq -c '.[]' {path.name}"])
    if path.suffix.lower() in NDJSON or start == b"{":
        return NdjsonSource(lines, file)
    return CsvSource(lines, given.delimiter)


class CsvSource:
    """A CSV file with a header, which is row 1; blank rows count and are passed over.

    A first column "problem" is one of ours, of rows that were refused before: it is passed over.
    """

    place, field = "row", "column"

    def __init__(self, lines: Lines, delimiter: str | None) -> None:
        self.lines = lines
        self.delimiter = delimiter or ","
        self.header: list[str] = []
        self._asked: set[int] = set()
        self._other: list[tuple[str, int]] | None = None
        try:
            first = lines.peek()
        except StopIteration:
            raise ImportFileError(["the file is empty"]) from None
        except LineTooLongError:
            raise ImportFileError([f"row 1: {TOO_LONG}"]) from None
        if delimiter is None:
            self.delimiter = max(DELIMITERS, key=_outside_quotes(first).count)
        self._reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        try:
            self.header = [name.strip() for name in next(self._reader)]
        except (csv.Error, LineTooLongError) as error:
            raise ImportFileError([f"row 1: not CSV: {error}"]) from error
        self.skipped = 1 if self.header[:1] == [PROBLEM] and len(self.header) > 1 else 0
        self._by_name = {name.lower(): at for at, name in enumerate(self.header) if at >= self.skipped and name}
        names = [name.lower() for name in self.header[self.skipped :] if name]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ImportFileError([f"row 1: column {quoted(name)} is there twice" for name in doubled])

    def names(self) -> list[str]:
        """The columns of the header."""
        return [name for name in self.header[self.skipped :] if name]

    def positions(self, names: Sequence[str]) -> dict[str, int]:
        """The positions of columns, found whatever their case."""
        if missing := [name for name in names if name.strip().lower() not in self._by_name]:
            there = ", ".join(map(quoted, self.names()[:30]))
            raise ImportFileError([f"row 1: no column {quoted(name)}; there are {there}" for name in missing])
        found = {name: self._by_name[name.strip().lower()] for name in names}
        self._asked |= set(found.values())
        return found

    def called(self, fields: Iterable[str]) -> dict[str, str]:
        """Those of the header, whatever their case."""
        return {field: self.header[self._by_name[field]] for field in fields if field in self._by_name}

    def others(self, record: Record, dropped: set[str]) -> dict[str, Any]:
        """The texts of the other columns; those that are empty are absent."""
        if self._other is None:
            self._other = [
                (name, at)
                for at, name in enumerate(self.header)
                if at >= self.skipped and name and at not in self._asked and name.lower() not in dropped
            ]
        cells = record.cells
        return {name: text for name, at in self._other if (text := cells[at].strip())}

    def __iter__(self) -> Iterator[Record]:
        lines, reader, width = self.lines, self._reader, len(self.header)
        number = 1
        while True:
            lines.taken.clear()
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except LineTooLongError:
                yield Record(number, (), "".join(lines.taken), TOO_LONG)
                continue
            except csv.Error as error:
                text = lines.give_back() if lines.taken else ""
                yield Record(number, (), text.rstrip("\r\n"), f"not CSV: {error}")
                continue
            if not cells or (not cells[0] and not any(map(str.strip, cells))):
                continue
            if len(cells) != width:
                fields = f"{len(cells)} fields where the header has {width}"
                yield Record(number, (), cells, fields)
            elif any("\0" in line for line in lines.taken):
                yield Record(number, (), cells, NUL)
            else:
                yield Record(number, cells, cells)


class NdjsonSource:
    """A file with one JSON object a line; blank lines count and are passed over."""

    place, field = "line", "key"

    def __init__(self, lines: Lines, file: BinaryIO) -> None:
        self.lines = lines
        self._names: list[str] = []
        try:
            first = json.loads(file.readline(LONGEST_LINE).decode(errors="replace"))
        except (ValueError, RecursionError):
            first = None
        file.seek(lines.position)
        self._first = list(first) if isinstance(first, dict) else []
        self._known: set[str] = set()

    def names(self) -> list[str]:
        """The keys of the first object; others may have more."""
        return [name for name in self._first if name != PROBLEM]

    def positions(self, names: Sequence[str]) -> dict[str, int]:
        """The positions of keys: any object may have them, or not."""
        self._names += [name for name in names if name not in self._known]
        self._known |= {PROBLEM, *names}
        return {name: self._names.index(name) for name in names}

    def called(self, fields: Iterable[str]) -> dict[str, str]:
        """All of them: any object may have them."""
        return {field: field for field in fields}

    def others(self, record: Record, dropped: set[str]) -> dict[str, Any]:
        """The values of the other keys; those that are null are absent."""
        return {
            name: value
            for name, value in record.original.items()
            if name not in self._known and value is not None and name.lower() not in dropped
        }

    def __iter__(self) -> Iterator[Record]:
        number = 0
        while True:
            self.lines.taken.clear()
            number += 1
            try:
                text = next(self.lines).strip()
            except StopIteration:
                return
            except LineTooLongError:
                yield Record(number, (), "", TOO_LONG)
                continue
            if not text:
                continue
            try:
                value = json.loads(text, parse_float=_decimal, parse_int=_integer, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                yield Record(number, (), text, f"not JSON: {error}")
                continue
            if isinstance(value, dict):
                yield Record(number, [value.get(name) for name in self._names], value)
            else:
                yield Record(number, (), text, "not a JSON object")


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _decimal(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    number = Decimal(text)
    if abs(number.adjusted()) > LONGEST_NUMBER:
        raise ValueError(f"the number {text} is out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError("a number is too long")
    return int(text)


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is no number")

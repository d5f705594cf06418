"""Reading a file: its text, and the records of a CSV or JSON text with the place that a person finds them at."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sql.errors import ImportFileError
from sql.imports.problem import Problems, is_storable, quoted

LARGEST_FILE = 100 * 1024 * 1024
DELIMITERS = ",;\t"
JSON_TYPES = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}


@dataclass(frozen=True)
class Record:
    """One row or entry: its place ("row 17", "entry 17"), what a field of it is called, and its texts.

    Texts are stripped; a field without text is absent.
    """

    place: str
    field: str
    values: dict[str, str]

    def at(self, name: str) -> str:
        """The place of one field, to begin a message with."""
        return f"{self.place}, {self.field} {name}"


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without its byte order mark.

    Raises ImportFileError where it cannot be read, is empty, larger than 100 MB, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ImportFileError([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(data) > LARGEST_FILE:
        raise ImportFileError([f"{path.name}: larger than 100 MB"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + len(data) - len(error.object)
        line = data.count(b"\n", 0, at) + 1
        byte = at - data.rfind(b"\n", 0, at)
        raise ImportFileError(
            [f"line {line}, byte {byte}: 0x{data[at]:02X} is not UTF-8; save the file as UTF-8"]
        ) from error
    if not text.strip():
        raise ImportFileError([f"{path.name}: the file is empty"])
    return text


def csv_records(
    text: str,
    problems: Problems,
    *,
    columns: Sequence[str],
    required: Sequence[str],
    optional: Sequence[str] = (),
) -> list[Record]:
    """The rows of a CSV text with a header, which is row 1; blank rows count and are passed over.

    Comma, semicolon or tab: whichever the header has most of. Columns are found by name, in any order and case:
    ``columns`` must be there, ``optional`` ones may, and fields of the ``required`` ones must not be empty.
    Raises ImportFileError where a column is missing or doubled, or a quote is not closed.
    """
    header_line = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=header_line.count), strict=True)
    number = 0
    records = []
    try:
        header = [name.strip().lower() for name in next(reader)]
        if missing := [column for column in columns if column not in header]:
            raise ImportFileError([f"row 1: no column {column}" for column in missing])
        wanted = {name: header.index(name) for name in (*columns, *optional) if name in header}
        if doubled := [name for name in wanted if header.count(name) > 1]:
            raise ImportFileError([f"row 1: column {name} is there twice" for name in doubled])
        number = 1
        for row in reader:
            number += 1
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                problems.add(f"row {number}: {len(row)} fields where the header has {len(header)}")
                continue
            values = {name: value for name, at in wanted.items() if (value := row[at].strip())}
            records.append(Record(f"row {number}", "column", values))
    except csv.Error as error:
        raise ImportFileError([f"row {number + 1}: not CSV: {error}"]) from error
    _check(records, required, problems)
    return records


def json_records(text: str, problems: Problems, *, required: Sequence[str], optional: Sequence[str]) -> list[Record]:
    """The entries of a JSON text: a list of objects, or an object with one list under any key.

    Raises ImportFileError where it is neither.
    """
    records = []
    for number, entry in enumerate(_entries(text), start=1):
        record = Record(f"entry {number}", "key", {})
        if isinstance(entry, dict):
            records.append(record)
            for name in (*required, *optional):
                _take(entry.get(name), name, record, required, problems)
        else:
            problems.add(f"{record.place}: must be an object, not {_described(entry)}")
    _check(records, required, problems)
    return records


def _entries(text: str) -> list[Any]:
    """The one list of a JSON text."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ImportFileError([f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"]) from error
    except (ValueError, RecursionError) as error:
        raise ImportFileError([f"not JSON that can be read: {error}"]) from error
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        _refuse_shape(f"it is {_described(document)}")
    lists = [value for value in document.values() if isinstance(value, list)]
    if len(lists) != 1:
        _refuse_shape(f"its object has {len(lists)} lists")
    return lists[0]


def _take(value: Any, name: str, record: Record, required: Sequence[str], problems: Problems) -> None:
    """Puts a value of an entry into the record, if it is text."""
    if isinstance(value, str):
        if value.strip():
            record.values[name] = value.strip()
    elif value is not None:
        problems.add(f"{record.at(name)}: must be text, not {_described(value)}")
        if name in required:
            record.values[name] = f"{name} of {record.place}"  # stands in, so that no second problem follows


def _check(records: Sequence[Record], required: Sequence[str], problems: Problems) -> None:
    """What holds for every file: there are records, in them is what must be, and PostgreSQL can store it."""
    if not records and not problems:
        problems.add("the file is empty: nothing is in it to import")
    for record in records:
        for name in required:
            if name not in record.values:
                problems.add(f"{record.at(name)}: is missing")
        for name, value in record.values.items():
            if not is_storable(value):
                problems.add(f"{record.at(name)}: {quoted(value)} has a character that cannot be stored")


def _described(value: Any) -> str:
    return "text" if isinstance(value, str) else JSON_TYPES.get(type(value), "null")


def _refuse_shape(what: str) -> NoReturn:
    raise ImportFileError([f"the file must be a list of objects, or an object with one list under any key; {what}"])

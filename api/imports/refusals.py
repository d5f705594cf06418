"""Refused rows: a file of them with what is wrong in each, and the counts of a report."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

import orjson

from api.imports.columns import Problem
from api.imports.records import PROBLEM, CsvSource, Record, Source
from resolvers.payloads import exact
from sql.errors import ImportFileError
from sql.imports.problem import QUOTED

MOST_TOLD = 10
MOST_REASONS = 100
OTHER = "other problems"


class Refusals:
    """The refused rows of one file, written as they come; only counts and the first few stay in memory.

    ``FILE.refused.csv`` (or ``.ndjson``) has a first column ``problem`` and is coded as the file itself, so that it can
    be corrected and imported with the same map. Without refused rows there is no such file.
    """

    def __init__(self, path: Path, source: Source, encoding: str) -> None:
        self.is_csv = isinstance(source, CsvSource)
        self.path = path.with_name(f"{path.name}.refused.{'csv' if self.is_csv else 'ndjson'}")
        self.place = source.place
        self.count = 0
        self.told: list[str] = []
        self.reasons: Counter[str] = Counter()
        self._source = source
        self._encoding = "utf-8-sig" if source.lines.has_bom else encoding
        self._file: IO[str] | None = None
        self._writer: Any = None
        try:
            self.path.touch()
            self.path.unlink()
        except OSError as error:
            raise ImportFileError([f"{self.path}: cannot be written: {error.strerror}"]) from error

    def add(self, record: Record, problems: Sequence[Problem] | str) -> None:
        """One row more, with the problems of its columns, or of all of it."""
        self.count += 1
        if isinstance(problems, str):
            texts = [problems]
            reasons = [problems.split(": ")[0]]
        else:
            texts = [f"{self._source.field} {problem.column}: {problem.text}" for problem in problems]
            reasons = [f"{problem.column}: {reason_of(problem.text)}" for problem in problems]
        for reason in reasons:
            self.reasons[reason if reason in self.reasons or len(self.reasons) < MOST_REASONS else OTHER] += 1
        for text in texts:
            if len(self.told) < MOST_TOLD:
                self.told.append(f"{self.place} {record.number}, {text}")
        self._write(record, "; ".join(texts))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, record: Record, problem: str) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding=self._encoding, errors="replace", newline="")
            if isinstance(self._source, CsvSource):
                self._writer = csv.writer(self._file, delimiter=self._source.delimiter, lineterminator="\n")
                self._writer.writerow([PROBLEM, *self._source.header[self._source.skipped :]])
        if self._writer is not None:
            skipped = self._source.skipped if isinstance(self._source, CsvSource) else 0
            cells = [record.original] if isinstance(record.original, str) else record.original[skipped:]
            self._writer.writerow([problem, *cells])
            return
        original = record.original if isinstance(record.original, dict) else {"text": record.original}
        self._file.write(_json({PROBLEM: problem, **{key: v for key, v in original.items() if key != PROBLEM}}) + "\n")


def reason_of(problem: str) -> str:
    """A problem without the value that has it, so that the same ones are counted together."""
    return QUOTED.sub("...", problem).removeprefix("...: ")


def _json(value: dict[str, Any]) -> str:
    with suppress(TypeError):
        return orjson.dumps(value, default=exact).decode()
    return json.dumps(value, default=str)  # half of a surrogate pair, which only escapes can say

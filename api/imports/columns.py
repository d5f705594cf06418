"""Columns: the fields of a map, found in a file and ready to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from api.imports.column_map import ColumnMap, FieldMap, meant
from api.imports.conversion import Conversion, valued
from api.imports.records import Source
from sql.errors import ImportFileError

WITH_UNIT = ("volume", "price", "distance")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a column of a row."""

    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the map, ready to be read: where its values are, and how one of them becomes ours."""

    field: str
    name: str
    at: tuple[int, ...]
    convert: Callable[[Any], Any]
    unit_at: int | None = None

    def read(self, cells: Sequence[Any]) -> Any:
        """The value of a row; None where it has none. Raises ValueError."""
        if len(self.at) == 1:
            value = cells[self.at[0]]
            if isinstance(value, str):
                value = value.strip()
            if value is None or value == "":
                return None
        elif self.at:
            parts = [str(cells[at]).strip() for at in self.at if cells[at] is not None]
            value = " ".join(part for part in parts if part)
            if not value:
                return None
        else:
            return self.convert(None)
        if self.unit_at is None:
            return self.convert(value)
        return self.convert((value, str(cells[self.unit_at] or "").strip() or None))


def columns_of(given: ColumnMap, source: Source, kinds: dict[str, str], conversion: Conversion) -> list[Column]:
    """The fields that the map has; without a map those that a column is called after. Raises ImportFileError."""
    fields = given.fields
    if unknown := [name for name in fields if name not in kinds]:
        raise ImportFileError(
            [f"map, fields.{name}: there is no such field{meant(name, list(kinds))}" for name in unknown]
        )
    if not fields:
        fields = {field: FieldMap(column=name) for field, name in source.called(kinds).items()}
    asked = [name for of in fields.values() for name in (*of.columns, of.unit_column) if name]
    at = source.positions(list(dict.fromkeys(asked)))
    return [
        Column(
            field,
            " + ".join(of.columns) or field,
            tuple(at[name] for name in of.columns),
            _converting(field, of, kinds[field], conversion),
            None if of.unit_column is None else at[of.unit_column],
        )
        for field, of in fields.items()
    ]


def _converting(field: str, of: FieldMap, kind: str, conversion: Conversion) -> Callable[[Any], Any]:
    convert = getattr(conversion, kind)
    if of.unit or of.unit_column:
        if kind not in WITH_UNIT:
            raise ImportFileError([f"map, fields.{field}: has no unit"])
        if of.unit and of.unit not in (("mi", "km") if kind == "distance" else ("gal", "L")):
            raise ImportFileError([f"map, fields.{field}.unit: {of.unit} is no unit of it"])
    if kind in WITH_UNIT:
        read = convert
        if of.unit_column:
            return lambda both: read(*both)
        convert = lambda value: read(value, of.unit)  # noqa: E731
    if of.columns:
        return valued(of, convert)
    try:
        constant = convert(of.constant)
    except ValueError as error:
        raise ImportFileError([f"map, fields.{field}.constant: {error}"]) from None
    return lambda _: constant

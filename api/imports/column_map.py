"""Column maps: which column of a file is which field of ours, and how its values are written; from a TOML file."""

from __future__ import annotations

import datetime
import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sql.errors import ImportFileError
from sql.imports.bulk import By

Unit = Literal["gal", "L", "mi", "km"]
EXCEL = ("excel-1900", "excel-1904")
LARGEST_MAP = 1024 * 1024


class MapPart(BaseModel):
    """A part of a map: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldMap(MapPart):
    """Where the values of one field come from: a column, several joined by a blank, or a constant."""

    column: str | list[str] | None = Field(default=None, description="The column, or several joined by a blank.")
    constant: Any = Field(default=None, description="One value for every row.")
    unit: Unit | None = Field(default=None, description='"gal" or "L"; "mi" or "km".')
    unit_column: str | None = Field(default=None, description="The column that says the unit of each row.")
    values: dict[str, Any] | None = Field(default=None, description="What the column's values mean, case aside.")

    @model_validator(mode="after")
    def _one_source(self) -> FieldMap:
        if (self.column is None) == (self.constant is None):
            raise ValueError("say either column or constant")
        if self.unit is not None and self.unit_column is not None:
            raise ValueError("say either unit or unit_column")
        return self

    @property
    def columns(self) -> list[str]:
        """The names of the columns, without that of the unit."""
        if self.column is None:
            return []
        return [self.column] if isinstance(self.column, str) else self.column


class VehicleKey(MapPart):
    """How a row of events names its vehicle."""

    column: str = Field(description="The column that says which vehicle it is.")
    by: By = Field(default="label", description='What it says: "label", "vin", "id" or "external_id".')


class ColumnMap(MapPart):
    """A map as a whole; without ``fields`` the columns are called as the fields are."""

    encoding: Literal["utf-8", "cp1252"] = Field(default="utf-8", description="How the file's characters are coded.")
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(
        default=None, description="What is between two columns; found by the header if not given."
    )
    decimal_comma: bool = Field(default=False, description="Whether numbers are written like 12,5.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        default=None, description="What stands between thousands, as in 12,500."
    )
    time_zone: str = Field(default="UTC", description="The zone of times that say none.")
    time_of_day: datetime.time = Field(default=datetime.time(12), description="When in the day a mere date is.")
    date_formats: list[str] = Field(
        default=[], description='Python\'s strptime formats, "excel-1900" or "excel-1904"; ISO 8601 is always read.'
    )
    source: str | None = Field(default=None, description="Where external ids come from: two sources may use the same.")
    extra: Literal["keep", "drop"] = Field(default="keep", description="What happens to columns that no field takes.")
    drop: list[str] = Field(default=[], description="Columns that are not kept.")
    vehicle: VehicleKey | None = Field(default=None, description="How events name their vehicles.")
    fields: dict[str, FieldMap] = Field(default={}, description="The fields, each with its column.")

    @field_validator("fields", mode="before")
    @classmethod
    def _plain_columns(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: {"column": of} if isinstance(of, str | list) else of for name, of in value.items()}

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError(f'there is no time zone "{value}"; write it like "America/Los_Angeles"') from None
        return value

    @field_validator("date_formats")
    @classmethod
    def _whole_dates(cls, value: list[str]) -> list[str]:
        for text in value:
            if text in EXCEL:
                continue
            try:
                moment = datetime.datetime.strptime(datetime.datetime(2001, 2, 3, 4, 5).strftime(text), text)  # noqa: DTZ001, DTZ007
            except ValueError:
                moment = None
            if moment is None or (moment.year, moment.month, moment.day) != (2001, 2, 3):
                raise ValueError(f'"{text}" is no format of a date; write it like "%m/%d/%Y %H:%M", or "excel-1900"')
        return value


def read_map(path: Path) -> ColumnMap:
    """The map in a TOML file. Raises ImportFileError with every mistake in it, by its key."""
    try:
        with path.open("rb") as file:
            given = tomllib.loads(file.read(LARGEST_MAP).decode())
    except OSError as error:
        raise ImportFileError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImportFileError([f"{path.name}: not TOML: {error}"]) from error
    try:
        return ColumnMap.model_validate(given)
    except ValidationError as error:
        raise ImportFileError([f"{path.name}, {_told(wrong)}" for wrong in error.errors()]) from error


def _told(wrong: Any) -> str:
    """A mistake as a person reads it."""
    *above, last = [str(part) for part in wrong["loc"]] or [""]
    where = ".".join([*above, last])
    if wrong["type"] != "extra_forbidden":
        return f"{where}: {wrong['msg'].removeprefix('Value error, ')}"
    parts: dict[str, type[MapPart]] = {"fields": FieldMap, "vehicle": VehicleKey}
    model = parts.get(above[0] if above else "", ColumnMap)
    return f"{where}: there is no such key{meant(last, list(model.model_fields))}"


def meant(name: str, known: list[str]) -> str:
    """What somebody may have meant who wrote a name that there is none of."""
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"

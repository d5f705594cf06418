"""Values of a file as our fields have them: exact numbers in our units, moments with a zone, texts, JSON."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from api.imports.column_map import EXCEL, ColumnMap, FieldMap
from sql.imports.problem import is_storable, quoted

Convert = Callable[[Any], Any]

LITERS_PER_GALLON = Decimal("3.785411784")  # 231 cubic inches, exactly (NIST Handbook 44, appendix C)
KILOMETERS_PER_MILE = Decimal("1.609344")  # exactly, since 1959
EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
FINEST = Decimal("0.000001")
"""What a quotient is rounded to: no meter reads a millionth of a gallon."""
WHOLE = Decimal(1)
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?|[+-]?\.[0-9]{1,20}")
BLANK = re.compile("[ \xa0\u202f]")
SERIAL = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]{1,20}))?")
MOST_DIGITS = 20
UNITS = {
    "gal": ("gal", "gals", "gallon", "gallons", "us gal", "usg", "g"),
    "L": ("l", "lt", "ltr", "liter", "liters", "litre", "litres"),
    "mi": ("mi", "mile", "miles", "m"),
    "km": ("km", "kms", "kilometer", "kilometers", "kilometre", "kilometres"),
}
UNIT_OF = {name: unit for unit, names in UNITS.items() for name in names}
TRUE, FALSE = ("true", "yes", "y", "1", "t", "x"), ("false", "no", "n", "0", "f")
EXCEL_EPOCHS = {"excel-1900": datetime.datetime(1899, 12, 30), "excel-1904": datetime.datetime(1904, 1, 1)}  # noqa: DTZ001 - a wall clock's
LEAP_DAY_OF_1900 = 60  # a day that Excel counts and that never was; before it the epoch is a day later
HIGHEST_SERIAL = 200_000
DAY = Decimal(86_400)


class Conversion:
    """How one map's values are written. Every conversion raises ValueError, in words for a person."""

    def __init__(self, given: ColumnMap) -> None:
        self._map = given
        self._zone = ZoneInfo(given.time_zone)
        self._thousands = given.thousands or ""
        self._grouped = (
            None if given.thousands is None else _grouped(given.thousands, decimal_comma=given.decimal_comma)
        )
        self.moment = lru_cache(maxsize=4096)(self._moment)

    def number(self, value: Any) -> Decimal:
        """A plain number, as the file's country writes it."""
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            number = Decimal(value)
            if len(number.as_tuple().digits) > MOST_DIGITS or abs(number.adjusted()) > MOST_DIGITS:
                raise ValueError(f"{quoted(str(value))} has more than {MOST_DIGITS} digits")
            return number
        text = plain = self.text(value).removeprefix("$").strip()
        if self._grouped is not None and self._grouped.fullmatch(plain):
            plain = BLANK.sub("", plain.replace(self._thousands, ""))
        if self._map.decimal_comma:
            plain = plain.replace(".", "?").replace(",", ".")
        if not NUMBER.fullmatch(plain):
            raise ValueError(f"{quoted(text)} is no number such as {'12,5' if self._map.decimal_comma else '12.5'}")
        return Decimal(plain)

    def volume(self, value: Any, unit: str | None) -> Decimal:
        """US gallons."""
        number = self.number(value)
        return _quotient(number, LITERS_PER_GALLON) if _unit(unit, "gal", "L") == "L" else number

    def price(self, value: Any, unit: str | None) -> Decimal:
        """Dollars per US gallon; the unit is what it is the price of."""
        number = self.number(value)
        if _unit(unit, "gal", "L") == "gal":
            return number
        return EXACT.quantize(EXACT.multiply(number, LITERS_PER_GALLON), FINEST)

    def distance(self, value: Any, unit: str | None) -> int:
        """Whole miles, as odometers have them."""
        number = self.number(value)
        if _unit(unit, "mi", "km") == "km":
            number = EXACT.divide(number, KILOMETERS_PER_MILE)
        return int(EXACT.quantize(number, WHOLE))

    def whole(self, value: Any) -> int:
        """A whole number."""
        number = self.number(value)
        if number != number.to_integral_value():
            raise ValueError(f"{quoted(str(value))} is no whole number")
        return int(number)

    def text(self, value: Any) -> str:
        """A text that can be stored; numbers of a JSON file as they are written there."""
        if isinstance(value, str):
            if not is_storable(value):
                raise ValueError(f"{quoted(value)} has a character that cannot be stored")
            return value
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ValueError("must be a text or a number")  # noqa: TRY004 - of the file, not of the program
        return f"{value:f}" if isinstance(value, Decimal) else str(value)

    def lower(self, value: Any) -> str:
        """A text whose case does not matter."""
        return self.text(value).lower()

    def truth(self, value: Any) -> bool:
        """Yes or no."""
        if isinstance(value, bool):
            return value
        text = self.lower(value)
        if text not in TRUE + FALSE:
            raise ValueError(f"{quoted(text)} is neither yes nor no")
        return text in TRUE

    def json(self, value: Any) -> Any:
        """Any JSON value; in a CSV file as its text."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise ValueError(f"{quoted(value)} is no JSON") from None

    def _moment(self, value: Any) -> datetime.datetime:
        """A moment in UTC, from ISO 8601 or one of the map's formats; a mere date is at the map's time of day."""
        text = self.text(value)
        try:
            return self._in_utc(self._read(text))
        except (ValueError, OverflowError, ArithmeticError):
            formats = ", ".join(['"2026-01-31T08:30"', *map(quoted, self._map.date_formats)])
            raise ValueError(f"{quoted(text)} is no date such as {formats}") from None

    def _read(self, text: str) -> datetime.datetime:
        for form in self._map.date_formats:
            try:
                if form in EXCEL:
                    return self._from_serial(text, form)
                read = datetime.datetime.strptime(text, form)  # noqa: DTZ007 - the zone comes after
            except ValueError:
                continue
            has_time = any(part in form for part in ("%H", "%I", "%X", "%c", "%T"))
            return read if has_time else datetime.datetime.combine(read, self._map.time_of_day)
        if not text[4:5] == "-":
            raise ValueError(text)
        read = datetime.datetime.fromisoformat(text)
        return read if len(text) > len("2026-01-31") else datetime.datetime.combine(read, self._map.time_of_day)

    def _from_serial(self, text: str, form: str) -> datetime.datetime:
        serial = SERIAL.fullmatch(text)
        first = LEAP_DAY_OF_1900 + 1 if form == "excel-1900" else 0
        if serial is None or not first <= int(serial[1]) <= HIGHEST_SERIAL:
            raise ValueError(text)
        day = EXCEL_EPOCHS[form] + datetime.timedelta(days=int(serial[1]))
        if serial[2] is None:
            return datetime.datetime.combine(day, self._map.time_of_day)
        return day + datetime.timedelta(seconds=int(EXACT.quantize(Decimal(f"0.{serial[2]}") * DAY, WHOLE)))

    def _in_utc(self, read: datetime.datetime) -> datetime.datetime:
        aware = read if read.tzinfo is not None else read.replace(tzinfo=self._zone)
        return aware.astimezone(datetime.UTC)


def _grouped(thousands: str, *, decimal_comma: bool) -> re.Pattern[str]:
    """Numbers with something between their thousands, all of them in threes."""
    between = BLANK.pattern if thousands == " " else re.escape(thousands)
    return re.compile(rf"[+-]?[0-9]{{1,3}}({between}[0-9]{{3}})+({',' if decimal_comma else '[.]'}[0-9]*)?")


def valued(of: FieldMap, convert: Convert) -> Convert:
    """A conversion of what the map says that a column's values mean; others are refused."""
    if of.values is None:
        return convert
    meaning = {str(name).strip().lower(): value for name, value in of.values.items()}

    def mapped(value: Any) -> Any:
        text = str(value).strip()
        if text.lower() not in meaning:
            raise ValueError(f"{quoted(text)} is none of {', '.join(map(quoted, meaning))}")
        return convert(meaning[text.lower()])

    return mapped


def _quotient(number: Decimal, by: Decimal) -> Decimal:
    return EXACT.quantize(EXACT.divide(number, by), FINEST)


def _unit(given: str | None, ours: str, other: str) -> str:
    """One of two units. Raises ValueError for any other."""
    if given is None:
        return ours
    unit = UNIT_OF.get(given.strip().lower().rstrip("."))
    if unit not in (ours, other):
        raise ValueError(f"{quoted(given)} is no unit such as {ours} or {other}")
    return unit


def _refuse(text: str) -> None:
    raise ValueError(text)

"""Which values are encrypted: paths of keys into the JSON columns of tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

COLUMNS = {"manual_events": "payload", "vehicles": "extended_attributes"}
"""The tables that have a JSON column with values to encrypt, and the column."""

RECKONED = {
    "manual_events": (
        *("miles", "odometer_miles", "gallons", "price_per_gallon", "total_cost", "cost", "is_full_tank"),
        *("missed_previous", "ocr_confidence", "trips", "service_type", "severity", "description", "resolved_at"),
    ),
    "vehicles": ("external_id", "operational.time_zone"),
}
"""What the database reckons with, requires or finds rows by: it could not, if that were encrypted."""


@dataclass(frozen=True)
class EncryptedFields:
    """The paths whose values are encrypted, by table; a path goes on in each element of a list that it meets."""

    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The fields of names like ``manual_events.payload.receipt_data``. Raises ValueError for what is none."""
        return cls(tuple(dict.fromkeys(_path(name) for name in names)))

    def of_table(self, table: str) -> list[tuple[str, ...]]:
        """The paths into the JSON column of a table."""
        return [path for name, path in self.paths if name == table]

    def cover(self, table: str, path: Sequence[str]) -> bool:
        """Whether a path of keys and positions in lists leads to, or into, a value that is encrypted."""
        return any(_leads_to(encrypted, path) for encrypted in self.of_table(table))


def _leads_to(encrypted: tuple[str, ...], path: Sequence[str]) -> bool:
    found = 0
    for key in path:
        if found < len(encrypted) and key == encrypted[found]:
            found += 1
        elif not key.strip().lstrip("-+").isdigit():  # PostgreSQL takes any of these for a position in a list
            break
    return found == len(encrypted)


def _path(name: str) -> tuple[str, tuple[str, ...]]:
    table, _, rest = name.partition(".")
    column, *path = rest.split(".")
    if COLUMNS.get(table) != column or not path or not all(path):
        tables = " or ".join(f"{table}.{column}.KEY" for table, column in COLUMNS.items())
        raise ValueError(f"{name!r} is no field that can be encrypted: it is like {tables}")
    for reckoned in RECKONED[table]:
        if f"{rest}.".startswith(f"{column}.{reckoned}.") or f"{column}.{reckoned}.".startswith(f"{rest}."):
            raise ValueError(f"{name!r} cannot be encrypted: the database reckons with {reckoned}")
    return table, tuple(path)

"""Rows of vehicles: a record of a file, by the map, as a vehicle that the mutations would take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from api.imports.column_map import ColumnMap
from api.imports.columns import Problem, columns_of
from api.imports.conversion import Conversion
from api.imports.event_rows import IS_RESERVED, LONGEST_KEY
from api.imports.records import Record, Source
from resolvers.errors import InvalidArgumentError
from resolvers.mutation import Mistake, text
from resolvers.payloads import exact
from resolvers.scalars import json_of
from resolvers.vehicle_mutation import LONGEST_NOTES, interval, mpg
from resolvers.vin import ODD, is_odd, plain_vin
from sql.encryption import RESERVED
from sql.errors import ImportFileError
from sql.imports.bulk import BulkTarget, By, Table
from sql.imports.problem import quoted

KINDS = {
    "label": "text",
    "fleet_group": "text",
    "make": "text",
    "model": "text",
    "vin": "text",
    "baseline_fuel_mpg": "number",
    "baseline_service_interval_miles": "distance",
    "notes": "text",
    "external_id": "text",
    "extended_attributes": "json",
}
"""Every field of vehicles, and how its values are read."""
CHECKS: dict[str, Callable[[Any], Any]] = {
    "label": lambda value: text(value, "label"),
    "make": lambda value: text(value, "make"),
    "model": lambda value: text(value, "model"),
    "notes": lambda value: text(value, "notes", longest=LONGEST_NOTES),
    "external_id": lambda value: text(value, "external_id", longest=LONGEST_KEY),
    "vin": plain_vin,
    "baseline_fuel_mpg": mpg,
    "baseline_service_interval_miles": interval,
}
TAKEN = "Another vehicle of the tenant has this VIN."


@dataclass(frozen=True, slots=True)
class Draft:
    """A vehicle of a file: its columns, and its attributes as JSON."""

    values: dict[str, Any]
    attributes: str

    @property
    def key(self) -> tuple[By, str]:
        """What the vehicle is known by: its external id, else its VIN, else its label."""
        for by in ("external_id", "vin"):
            if by in self.values:
                return by, self.values[by]
        return "label", self.values["label"]


class VehicleRows:
    """What makes vehicles of the records of one file."""

    table: Table = "vehicles"
    names_others = True

    def __init__(self, given: ColumnMap, source: Source) -> None:
        if given.vehicle is not None:
            raise ImportFileError(["map, vehicle: is for events; a vehicle's own columns are fields"])
        self._keeps_extra = given.extra == "keep"
        self._source = source
        self._dropped = {name.lower() for name in given.drop}
        self._columns = columns_of(given, source, KINDS, Conversion(given))
        self._column_of = {column.field: column.name for column in self._columns}
        if "label" not in self._column_of:
            raise ImportFileError(["map, fields: label is missing; say its column"])

    def draft(self, record: Record) -> Draft | list[Problem]:
        """The vehicle that a record is of, or all that is wrong in it."""
        problems: list[Problem] = []
        found: dict[str, Any] = {}
        for column in self._columns:
            try:
                value = column.read(record.cells)
                if value is not None:
                    found[column.field] = CHECKS.get(column.field, _unchanged)(value)
            except (ValueError, Mistake) as error:
                problems.append(Problem(column.name, str(error).removesuffix(".")))
        if "label" not in found and self._column_of["label"] not in {problem.column for problem in problems}:
            problems.append(Problem(self._column_of["label"], "is missing"))
        attributes = found.pop("extended_attributes", {})
        if not isinstance(attributes, dict):
            problems.append(Problem(self._column_of["extended_attributes"], "must be a JSON object"))
            attributes = {}
        if problems:
            return problems
        if self._keeps_extra and (extra := self._source.others(record, self._dropped)):
            attributes = {**attributes, "custom_fields": {**_object(attributes.get("custom_fields")), **extra}}
        if "external_id" in found:
            attributes = {**attributes, "external_id": found["external_id"]}
        try:
            return Draft(found, _attributes_text(attributes))
        except InvalidArgumentError as error:
            return [Problem(self._column_of.get("extended_attributes", "extended_attributes"), str(error))]

    def look_up(self, drafts: Sequence[Draft], target: BulkTarget) -> Callable[[Draft], tuple[Any, ...] | Problem]:
        """What makes rows of drafts, with the groups and the vehicles that are there already."""
        groups = target.groups({d.values["fleet_group"] for d in drafts if "fleet_group" in d.values})
        target.forget_vehicles()
        there = {
            by: target.vehicles(by, {value for d in drafts for b, value in _keys(d) if b == by})
            for by in ("external_id", "vin", "label")
        }
        owners: dict[str, Any] = {}

        def row(draft: Draft) -> tuple[Any, ...] | Problem:
            values = draft.values
            group_id = None
            if "fleet_group" in values:
                ids = groups[values["fleet_group"]]
                if len(ids) != 1:
                    return Problem(self._column_of["fleet_group"], _no_group(values["fleet_group"], len(ids)))
                group_id = ids[0]
            by, key = draft.key
            known = there[by][key]
            id_ = known[0] if known else target.id_of("imported vehicle", by, key)
            if vin := values.get("vin"):
                holder = there["vin"][vin][0] if there["vin"][vin] else owners.setdefault(vin, id_)
                if holder != id_:
                    return Problem(self._column_of["vin"], f"{quoted(vin)}: {TAKEN}")
            names = ("label", "make", "model", "vin", "baseline_fuel_mpg", "baseline_service_interval_miles", "notes")
            return (id_, group_id, *map(values.get, names), draft.attributes)

        return row

    def oddities(self, draft: Draft) -> list[str]:
        """The codes of what is odd about a vehicle by itself."""
        return [ODD] if "vin" in draft.values and is_odd(draft.values["vin"]) else []

    def months(self, rows: Sequence[tuple[Any, ...]]) -> set[Any]:
        """None: vehicles are in no partitions."""
        del rows
        return set()


def _attributes_text(attributes: dict[str, Any]) -> str:
    """Attributes as JSON. Raises InvalidArgumentError for what cannot be stored."""
    text_ = orjson.dumps(attributes, default=exact).decode()
    json_of(orjson.loads(text_), "extended_attributes")
    if RESERVED in text_:
        raise InvalidArgumentError(IS_RESERVED)
    return text_


def _keys(draft: Draft) -> list[tuple[str, str]]:
    """All that a vehicle may be found by."""
    by, key = draft.key
    return [(by, key), *([("vin", draft.values["vin"])] if "vin" in draft.values else [])]


def _no_group(key: str, found: int) -> str:
    if found:
        return f"{found} fleet groups are called {quoted(key)}; write the path from the top, like North America/US West"
    return f"there is no fleet group {quoted(key)}"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _unchanged(value: Any) -> Any:
    return value

"""Rows of events: a record of a file, by the map, as an event that the mutations would take."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from api.imports.column_map import ColumnMap, VehicleKey
from api.imports.columns import Problem, columns_of
from api.imports.conversion import Conversion
from api.imports.records import Record, Source
from resolvers.mutation import Mistake
from resolvers.payloads import PAYLOADS, camel, payload_text
from resolvers.recording import AHEAD, EARLIEST, fuel_oddities
from sql.encryption import RESERVED, holds_sealed
from sql.errors import ImportFileError
from sql.imports.bulk import BulkTarget, By, Table
from sql.imports.problem import quoted

LONGEST_KEY = 200
IS_RESERVED = 'the key "$enc" is reserved for encrypted values'
SURE = 80  # as of the mutations, where a row does not say
VEHICLE_COLUMNS: dict[str, By] = {
    "vehicle_id": "id",
    "vehicle_external_id": "external_id",
    "vin": "vin",
    "vehicle": "label",
}
KINDS = {
    "occurred_at": "moment",
    "event_type": "lower",
    "external_id": "text",
    "confidence": "whole",
    "payload": "json",
    "gallons": "volume",
    "price_per_gallon": "price",
    "total_cost": "number",
    "cost": "number",
    "odometer_miles": "distance",
    "miles": "distance",
    "ocr_confidence": "number",
    "is_full_tank": "truth",
    "missed_previous": "truth",
    "severity": "lower",
    **dict.fromkeys(("fuel_type", "station_name", "source", "service_type", "description", "resolved_at"), "text"),
    **dict.fromkeys(
        (
            "receipt_data",
            "extracted_fields",
            "parts_replaced",
            "service_provider",
            "next_service",
            "trips",
            "image_metadata",
            "location",
            "device_info",
        ),
        "json",
    ),
}
"""Every field of events, and how its values are read."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event of a file: what it says, and the key of its vehicle; known to be whole, not yet to be right."""

    vehicle: str
    event_type: str
    occurred_at: datetime.datetime
    external_id: str | None
    confidence: int
    captured: dict[str, Any]


class EventRows:
    """What makes events of the records of one file."""

    table: Table = "events"
    names_others = False

    def __init__(self, given: ColumnMap, source: Source) -> None:
        self._map = given
        self._source = source
        conversion = Conversion(given)
        key = given.vehicle or _named_vehicle(source)
        self._by = key.by
        (self._vehicle_at,) = source.positions([key.column]).values()
        self._vehicle_column = key.column
        self._columns = columns_of(given, source, KINDS, conversion)
        self._column_of = {column.field: column.name for column in self._columns}
        self._text = conversion.text
        self._dropped = {name.lower() for name in given.drop}
        mapped = [column.field for column in self._columns]
        if missing := [name for name in ("occurred_at", "event_type") if name not in mapped]:
            raise ImportFileError([f"map, fields: {name} is missing; say its column" for name in missing])
        self._latest = datetime.datetime.now(datetime.UTC) + AHEAD

    def draft(self, record: Record) -> Draft | list[Problem]:
        """The event that a record is of, or all that is wrong in it."""
        problems: list[Problem] = []
        found: dict[str, Any] = {}
        for column in self._columns:
            try:
                value = column.read(record.cells)
            except ValueError as error:
                problems.append(Problem(column.name, str(error)))
            else:
                if value is not None:
                    found[column.field] = value
        vehicle = self._key_of_vehicle(record, problems)
        captured = found.pop("payload", {})
        if not isinstance(captured, dict):
            problems.append(Problem(self._column_of["payload"], "must be a JSON object"))
            captured = {}
        moment, event_type = found.pop("occurred_at", None), found.pop("event_type", None)
        external_id, confidence = found.pop("external_id", None), found.pop("confidence", SURE)
        self._check(moment, event_type, external_id, confidence, problems)
        if problems:
            return problems
        captured = captured | found
        if event_type == "odometer_reading" and "miles" not in captured and "odometer_miles" in captured:
            captured["miles"] = captured.pop("odometer_miles")
        if external_id is not None:
            captured["external_id"] = external_id
        if self._map.extra == "keep" and (extra := self._source.others(record, self._dropped)):
            captured["columns"] = extra
        return Draft(vehicle, event_type, moment, external_id, confidence, captured)

    def look_up(self, drafts: Sequence[Draft], target: BulkTarget) -> Callable[[Draft], tuple[Any, ...] | Problem]:
        """What makes rows of drafts, whose vehicles are looked for together."""
        vehicles = target.vehicles(self._by, {draft.vehicle for draft in drafts})

        def row(draft: Draft) -> tuple[Any, ...] | Problem:
            ids = vehicles[draft.vehicle]
            if len(ids) != 1:
                return Problem(self._vehicle_column, self._no_vehicle(draft.vehicle, len(ids)))
            try:
                payload = payload_text(draft.event_type, draft.captured)
            except Mistake as mistake:
                return self._told(mistake, draft)
            if RESERVED in payload:
                name = next((name for name, value in draft.captured.items() if holds_sealed(value)), "payload")
                return Problem(self._column_of.get(name, "$enc" if name == "columns" else name), IS_RESERVED)
            id_, other = self._ids(draft, ids[0], payload, target)
            return id_, ids[0], draft.event_type, draft.occurred_at, payload, draft.confidence, other

        return row

    def oddities(self, draft: Draft) -> Iterator[str]:
        """The codes of what is odd about an event by itself; readings before it are not looked at."""
        return (code for code, _, _ in fuel_oddities(draft.event_type, draft.captured))

    def months(self, rows: Sequence[tuple[Any, ...]]) -> set[datetime.date]:
        """The first days of the months that rows are in."""
        return {datetime.date(row[3].year, row[3].month, 1) for row in rows}

    def _key_of_vehicle(self, record: Record, problems: list[Problem]) -> str:
        value = record.cells[self._vehicle_at]
        try:
            key = "" if value is None else self._text(value).strip()
        except ValueError as error:
            problems.append(Problem(self._vehicle_column, str(error)))
            return ""
        if not key:
            problems.append(Problem(self._vehicle_column, "is missing"))
        match self._by:
            case "vin":
                return key.replace(" ", "").replace("-", "").upper()
            case "id":
                return key.lower()
        return key

    def _check(self, moment: Any, event_type: Any, external_id: Any, confidence: int, problems: list[Problem]) -> None:
        told = {problem.column for problem in problems}
        for name, value in (("occurred_at", moment), ("event_type", event_type)):
            if value is None and self._column_of[name] not in told:
                problems.append(Problem(self._column_of[name], "is missing"))
        if event_type is not None and event_type not in PAYLOADS:
            types = ", ".join(PAYLOADS)
            problems.append(
                Problem(self._column_of["event_type"], f"{quoted(event_type)} is no type of event: {types}")
            )
        if moment is not None and not EARLIEST <= moment <= self._latest:
            limits = f"{EARLIEST:%Y-%m-%d} to a day from now"
            problems.append(Problem(self._column_of["occurred_at"], f'"{moment:%Y-%m-%d}" is not from {limits}'))
        if not 0 <= confidence <= 100:  # noqa: PLR2004
            problems.append(Problem(self._column_of["confidence"], f"{confidence} is not from 0 to 100"))
        if external_id is not None and len(external_id) > LONGEST_KEY:
            problems.append(Problem(self._column_of["external_id"], f"is longer than {LONGEST_KEY} characters"))

    def _ids(self, draft: Draft, vehicle_id: UUID, payload: str, target: BulkTarget) -> tuple[UUID, UUID | None]:
        """The same at every import: by the external id, else by all that the event is, before it is encrypted."""
        seal = target.seal
        if draft.external_id is not None:
            hides = seal is not None and seal.covers("manual_events", "external_id")
            return target.ids_of("imported event", self._map.source or "", draft.external_id, hides=hides)
        hides = seal is not None and seal.concerns("manual_events", payload)
        digest = sha256(payload.encode()).hexdigest()
        moment = draft.occurred_at.isoformat()
        return target.ids_of("imported event", vehicle_id, draft.event_type, moment, digest, hides=hides)

    def _no_vehicle(self, key: str, found: int) -> str:
        if found:
            return f'{found} vehicles have the label {quoted(key)}; name them by = "vin", "id" or "external_id"'
        return f"there is no vehicle with the {self._by.replace('_', ' ')} {quoted(key)}"

    def _told(self, mistake: Mistake, draft: Draft) -> Problem:
        """A mistake in a payload, by its column."""
        path = mistake.told.field or ["payload"]
        message = mistake.told.message.removeprefix(f"{'.'.join(path)}: ").removesuffix(".")
        field = next((name for name in draft.captured if camel(name) == path[0]), path[0])
        if field == "miles" and "miles" not in self._column_of:
            field = "odometer_miles"
        column = self._column_of.get(field, field)
        value = draft.captured.get(field)
        shown = "" if value is None or isinstance(value, dict | list) else f"{quoted(str(value))}: "
        return Problem(column, f"{shown}{'is missing' if message == 'Field required' else message}")


def _named_vehicle(source: Source) -> VehicleKey:
    """The column that names the vehicle where no map says it. Raises ImportFileError."""
    called = {name.lower(): name for name in source.names()}
    for name, by in VEHICLE_COLUMNS.items():
        if name in called:
            return VehicleKey(column=called[name], by=by)
    names = ", ".join(VEHICLE_COLUMNS)
    raise ImportFileError([f"no column {names}: say in a map which one names the vehicle; docs/importing.md shows how"])

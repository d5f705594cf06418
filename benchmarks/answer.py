"""Answers made comparable: what differs by dialect is levelled, everything else has to be equal."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

WRAPPERS = {"nodes", "group"}
OPAQUE = {"payload", "extendedAttributes"}
UNORDERED = "rollup"


def _instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)


SCALARS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("vehicleCount", "milesDriven", "fuelCost"), Decimal),
    **dict.fromkeys(("createdAt", "occurredAt"), _instant),
    "eventType": str.lower,
}


class AnswersDifferError(Exception):
    """Two subjects answer the same question differently: nothing is timed."""


def read(name: str, body: bytes) -> Any:
    """The data of an answer, levelled. Raises AnswersDifferError where it holds errors or none."""
    told = json.loads(body, parse_float=Decimal)
    data = told.get("data")
    if told.get("errors") or not data or len(data) != 1 or next(iter(data.values())) in (None, []):
        raise AnswersDifferError(f"{name}: no answer but {body[:800].decode(errors='replace')}")
    levelled = _level(next(iter(data.values())), "")
    if name.startswith(UNORDERED):  # the subjects list a tree in different orders
        levelled.sort(key=lambda row: row["id"])
    return levelled


def compare(name: str, subjects: dict[str, Any]) -> None:
    """Raises AnswersDifferError, naming the first difference, unless all subjects have the same data."""
    (first, expected), *others = subjects.items()
    for other, found in others:
        if difference := _difference(expected, found, name):
            path, left, right = difference
            raise AnswersDifferError(f"{path}\n  {first}: {left}\n  {other}: {right}")


def rows(data: Any) -> int:
    """How many objects with an id there are."""
    if isinstance(data, list):
        return sum(rows(item) for item in data)
    if isinstance(data, dict):
        return ("id" in data) + sum(rows(item) for item in data.values())
    return 0


def _level(value: Any, key: str) -> Any:
    """A connection is its nodes, a node of a flat tree its group, a number a number, a time the same in UTC."""
    if isinstance(value, list):
        return [_level(item, key) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and (only := next(iter(value))) in WRAPPERS:
            return _level(value[only], key)
        flat = {name: item for name, item in value.items() if name != "rollup"} | value.get("rollup", {})
        return {name: item if name in OPAQUE else _level(item, name) for name, item in flat.items()}
    return SCALARS[key](value) if key in SCALARS else value


def _difference(left: Any, right: Any, path: str) -> tuple[str, str, str] | None:
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        pairs = [(left[key], right[key], f"{path}.{key}") for key in left]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = [(a, b, f"{path}[{at}]") for at, (a, b) in enumerate(zip(left, right, strict=True))]
    else:
        return None if left == right else (path, _short(left), _short(right))
    return next((found for a, b, at in pairs if (found := _difference(a, b, at))), None)


def _short(value: Any) -> str:
    size = f" ({len(value)} items)" if isinstance(value, list | dict) else ""
    return f"{str(value)[:200]}{size}"

"""Growth: the same question for more and more rows, groups and levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.query import DEEP, OWNER, WIDE, Query, uid

SUBJECTS = ("gateway", "stock")


@dataclass(frozen=True)
class Series:
    """A question in growing sizes. Times are told for one ``unit``, relative to the size ``reference``."""

    name: str
    title: str
    unit: str
    reference: int
    queries: Sequence[tuple[int, Query]]


def _nested(levels: int) -> str:
    """A document that asks for a chain of groups, as many levels deep."""
    inner = "{ id name }"
    for _ in range(levels - 1):
        inner = f"{{ id name children {inner} }}"
    return f"query Chain($root: ID!) {{ fleetGroup(id: $root) {inner} }}"


def _groups(depth: int) -> int:
    """How many groups a tree of ten children a node has down to a depth."""
    return sum(10**level for level in range(depth + 1))


VEHICLES = Series(
    "vehicles", "Vehicles, 8 fields each, one page", "vehicle", 500,
    [(first, Query(f"{first} vehicles", "", "list", OWNER, {"first": first})) for first in (50, 500, 5000, 20_000)],
)  # fmt: skip
GROUPS = Series(
    "groups", "Groups of a whole tree, flat", "group", _groups(2),
    [
        (_groups(depth), Query(f"{_groups(depth)} groups", "", "groups", WIDE, {"depth": depth}))
        for depth in (1, 2, 3, 4)
    ],
)  # fmt: skip
LEVELS = Series(
    "levels", "Levels of children in a chain of groups", "level", 10,
    [
        (levels, Query(f"{levels} levels", "", "chain", DEEP, {"root": str(uid("deep", 0))}, text=_nested(levels)))
        for levels in (3, 10, 20, 30)
    ],
)  # fmt: skip
ALL = (VEHICLES, GROUPS, LEVELS)

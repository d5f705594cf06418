"""The questions: the same rows and fields for every subject, in each one's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from benchmarks.database import uid

MONTH = {"starts": "2026-06-01", "ends": "2026-07-01"}
TREE = str(uid("group", 2000))  # of the four trees, the one that is granted to the viewer


@dataclass(frozen=True)
class Caller:
    """Who asks, in which tenant."""

    user_id: UUID
    tenant_id: UUID


OWNER = Caller(uid("owner", 1), uid("tenant", 1))
VIEWER = Caller(uid("viewer", 1), uid("tenant", 1))
WIDE = Caller(uid("owner", 2), uid("tenant", 2))
DEEP = Caller(uid("owner", 3), uid("tenant", 3))


@dataclass(frozen=True)
class Query:
    """A question. ``documents`` names the file of a subject that asks in another one than ``document``."""

    name: str
    title: str
    document: str
    caller: Caller = OWNER
    variables: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    """The document itself, where it is no file."""

    @property
    def is_narrow(self) -> bool:
        """Whether a viewer asks."""
        return self.caller == VIEWER


def _both(name: str, title: str, variables: dict[str, Any]) -> list[Query]:
    """A question by the owner of the tenant, and by a viewer of a quarter of it."""
    return [
        Query(name, title, name, OWNER, variables),
        Query(f"{name}-narrow", f"{title}, by a viewer", name, VIEWER, variables),
    ]


QUERIES: tuple[Query, ...] = (
    Query("point", "one vehicle by id, 8 fields", "point", OWNER, {
        "id": str(uid("vehicle", 4711)), "tenant": str(OWNER.tenant_id)}),
    *_both("list", "500 vehicles, 8 fields each", {"first": 500}),
    *_both("events", "100 vehicles, the latest 5 events of each", {}),
    *_both("tree", "341 groups on 5 levels, 5 vehicles each", {"root": TREE, "tenant": str(OWNER.tenant_id)}),
    *_both("rollup", "totals of 341 groups over a month", {"root": TREE, **MONTH}),
    Query("rollup-function", "the same totals; PostGraphile by one function made for them", "rollup", OWNER,
          {"root": TREE, **MONTH}, {"postgraphile": "rollup_function"}),
)  # fmt: skip

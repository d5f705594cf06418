"""Blocks: what an operation asks for, as far as it costs something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Conditions = tuple[tuple[str, bool], ...]  # variables that leave a field out when they have this value


@dataclass(frozen=True, eq=False, slots=True)
class Length:
    """How long a list is: what the slicing arguments say, literally or by variables; else as assumed."""

    assumed: int
    given: tuple[int | str, ...] = ()
    maximum: int | None = None

    def of(self, variables: Mapping[str, Any], most: int) -> int:
        """The length under some variables; what is longer than its maximum, or a page of ``most`` rows, is refused."""
        sizes = [
            size
            for given in self.given
            if (size := given if isinstance(given, int) else size_of(variables.get(given))) is not None
        ]
        return min(max(sizes), self.maximum or most) if sizes else self.assumed


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """A field: what asking for it costs, and the objects that it yields, by their possible types."""

    weight: int
    length: Length | None = None
    total: int | None = None
    below: tuple[Block, ...] = ()
    unless: Conditions = ()


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """The fields asked of an object type: what an object costs with them, and what is not simply for each object."""

    weight: int
    terms: tuple[Term, ...]


def size_of(value: object) -> int | None:
    """The size that an argument's value asks for: a number, or as many as are listed."""
    if isinstance(value, list):
        return len(value)
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else None

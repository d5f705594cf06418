"""Levels, columns and layers: where values stand, without a path for each of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from graphql import GraphQLObjectType
from graphql.pyutils import Path

from resolvers.executor.plan import FieldPlan, Selection


class _Failed:
    """The value of a non-null position that has an error."""

    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = _Failed()


class Delegated:
    """A list that graphql-core has completed, with everything below it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Step(NamedTuple):
    """One step of a path: the response key or list index, and its place among its siblings."""

    key: str | int
    ordinal: int


class Layer:
    """The values of one layer of a field's type, over all objects of the level.

    A list layer has the lengths of its lists, 0 for one that is null; their items are the values of the next layer.
    ``failed`` tells whether ``FAILED`` is among the values.
    """

    __slots__ = ("_starts", "failed", "lengths", "values")

    def __init__(self, values: Sequence[Any], *, failed: bool) -> None:
        self.values = values
        self.failed = failed
        self.lengths: Sequence[int] = ()
        self._starts: list[int] | None = None

    def list_of(self, item: int) -> tuple[int, int]:
        """Which list an item of the next layer is in, and at which index."""
        if self._starts is None:
            self._starts = [0, *accumulate(self.lengths)]
        index = bisect_right(self._starts, item) - 1
        return index, item - self._starts[index]


class Column:
    """One field of all objects of a level: its layers as far as they are known.

    ``trusted`` is a column whose values come from a level resolver: none of them is awaitable. ``copied`` tells whether
    the last layer's values are a list of our own, ``result`` is the whole column when its objects are put together.
    """

    __slots__ = ("copied", "layers", "level", "plan", "result", "trusted")

    def __init__(self, level: Level, plan: FieldPlan, *, trusted: bool) -> None:
        self.level = level
        self.plan = plan
        self.trusted = trusted
        self.layers: list[Layer] = []
        self.copied = False
        self.result: Sequence[Any] | None = None

    def steps(self, depth: int, index: int) -> list[Step]:
        """The way from the response's root to a value of the layer at ``depth``."""
        steps: list[Step] = []
        column: Column | None = self
        while column is not None:
            for layer in reversed(column.layers[:depth]):
                index, item = layer.list_of(index)
                steps.append(Step(item, item))
            steps.append(Step(column.plan.key, column.plan.ordinal))
            index = column.level.slot(index)
            column = column.level.column
            depth = len(column.layers) - 1 if column is not None else 0
        steps.reverse()
        return steps

    def nulled(self, depth: int, *, propagates: bool) -> int | None:
        """How many steps lie between a value of the layer at ``depth`` and the position that an error there nulls.

        0 where the value itself may be null, None where nothing up to the root may.
        """
        if not propagates:
            return 0
        count = 0
        column: Column | None = self
        while column is not None:
            for wrapper in reversed(column.plan.layers[: depth + 1]):
                if not wrapper.non_null:
                    return count
                count += 1
            column = column.level.column
            depth = len(column.plan.layers) - 1 if column is not None else 0
        return None


class Level:
    """All objects of one object type that a column yields.

    ``slots`` are their indices in the column's last layer; None where they are all of it, in order. ``nesting`` is how
    many lists and objects of the response lie around each of them, itself included.
    """

    __slots__ = ("_paths", "column", "columns", "nesting", "selection", "slots", "sources")

    def __init__(
        self, column: Column | None, selection: Selection, sources: Sequence[Any], slots: Sequence[int] | None
    ) -> None:
        self.column = column
        self.selection = selection
        self.sources = sources
        self.slots = slots
        self.columns: list[Column] = []
        self.nesting: int = 1 if column is None else column.level.nesting + len(column.plan.layers)
        self._paths: list[Path | None] | None = None

    def release(self) -> None:
        """Lets go of everything that the objects were put together from."""
        self.columns = []
        self.sources = ()
        self._paths = None

    @property
    def type(self) -> GraphQLObjectType:
        """The objects' type."""
        return self.selection.type

    def slot(self, index: int) -> int:
        """Where an object stands in the column's last layer."""
        return index if self.slots is None else self.slots[index]

    def path(self, index: int) -> Path | None:
        """The path of one object, as graphql-core writes it; None for the root."""
        if self._paths is not None:
            return self._paths[index]
        column = self.column
        if column is None:
            return None
        item, items = self.slot(index), []
        for layer in reversed(column.layers[:-1]):
            item, within = layer.list_of(item)
            items.append(within)
        path = Path(column.level.path(item), column.plan.key, column.plan.parent.name)
        for within in reversed(items):
            path = Path(path, within, None)
        return path

    def paths(self) -> list[Path | None]:
        """The paths of all objects; only resolvers that go object by object need them."""
        if self._paths is None:
            if self.column is not None:
                self.column.level.paths()
            self._paths = [self.path(index) for index in range(len(self.sources))]
        return self._paths

"""Rows: the columns of finished levels put together as the objects of the response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from resolvers.executor.level import FAILED, Column, Delegated, Level


def assemble(levels: list[Level], *, keep: bool) -> None:
    """Puts the objects of levels into their columns; a level comes after the one that it is below.

    Unless they are to be kept, levels go when they are done: nothing of them is in memory twice, and the cycles of
    levels and columns are not left to the garbage collector. Errors need them to find their places.
    """
    while levels:
        level = levels.pop()
        _place(level, objects(level))
        if not keep:
            level.release()


def objects(level: Level) -> list[Any]:
    """The objects of a level as dicts, FAILED for each with a failed field."""
    if not level.columns:
        return [{} for _ in level.sources]
    columns = [column_values(column) for column in level.columns]
    rows: list[Any] = level.selection.row(columns)
    for column, values in zip(level.columns, columns, strict=True):
        if column.layers[0].failed:
            for index, value in enumerate(values):
                if value is FAILED:
                    rows[index] = FAILED
    return rows


def _place(level: Level, rows: list[Any]) -> None:
    column = level.column
    if column is None:
        return
    depth = len(column.layers) - 1
    layer = column.layers[depth]
    if any(own.layers[0].failed for own in level.columns):
        if column.plan.layers[depth].non_null:
            layer.failed = True
        else:
            rows = [None if row is FAILED else row for row in rows]
    if level.slots is None:
        layer.values = rows
        return
    if not column.copied:  # what a resolver returned is not ours to change
        column.copied = True
        layer.values = list(layer.values)
    values: Any = layer.values
    for slot, row in zip(level.slots, rows, strict=True):
        values[slot] = row


def column_values(column: Column) -> Sequence[Any]:
    """The values of a column, its flat layers folded into lists; where an item failed, its list has."""
    if column.result is None:
        column.result = _fold(column)
    return column.result


def _fold(column: Column) -> Sequence[Any]:
    below = column.layers[-1]
    for depth in range(len(column.layers) - 2, -1, -1):
        layer = column.layers[depth]
        items = iter(below.values)
        folded: list[Any] = [list(islice(items, length)) for length in layer.lengths]
        if below.failed:
            non_null = column.plan.layers[depth].non_null
            for index, within in enumerate(folded):
                if any(item is FAILED for item in within):
                    folded[index] = FAILED if non_null else None
                    layer.failed = layer.failed or non_null
        for index in _absent(layer.values):
            value = layer.values[index]
            folded[index] = value.value if isinstance(value, Delegated) else value
        layer.values = folded
        below = layer
    return below.values


def _absent(values: Sequence[Any]) -> Iterable[int]:
    """The indices of the values that are no lists."""
    if set(map(type, values)) <= {list, tuple}:
        return ()
    return [index for index, value in enumerate(values) if value is None or value is FAILED or type(value) is Delegated]

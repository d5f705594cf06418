"""Completion: from the values of a column to a response's leaves and the levels below."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from graphql import GraphQLLeafType, GraphQLResolveInfo, is_leaf_type
from graphql.pyutils import Undefined
from orjson import Fragment

from resolvers.executor.iterables import Iterables
from resolvers.executor.leaves import NONE, coerce
from resolvers.executor.level import FAILED, Column, Layer
from resolvers.executor.objects import Objects

if TYPE_CHECKING:
    from resolvers.executor.executor import BreadthFirstExecutor

# Types that are neither awaitable nor exceptions: a column of them needs no look at its values.
PLAIN = frozenset({NONE, bool, int, float, str, bytes, list, tuple, dict, set, frozenset})
ABSENT = frozenset({NONE, type(FAILED)})
SETTLED = ABSENT | {Fragment}


class Completion:
    """Completes the columns of one execution, layer by layer; goes on by itself when awaited values arrive."""

    def __init__(self, executor: BreadthFirstExecutor) -> None:
        self._executor = executor
        self._iterables = Iterables(executor, self)
        self._objects = Objects(executor, self)

    def release(self) -> None:
        """Takes the cycles apart that it is in; nothing is completed any more."""
        del self._executor, self._iterables, self._objects

    def advance(self, column: Column, values: Sequence[Any]) -> None:
        """Takes the values of a column's next layer, and completes as far down as they reach."""
        unchanged = column.plan.unchanged
        if unchanged and unchanged.issuperset(map(type, values)):
            column.layers.append(Layer(values, failed=False))
            return
        wrappers = column.plan.layers
        while True:
            if not column.trusted:
                awaitables = self._awaitables(values)
                if awaitables:
                    self._wait(column, values, awaitables)
                    return
            wrapper = wrappers[len(column.layers)]
            layer, types = self._settle(column, values, non_null=wrapper.non_null)
            if not wrapper.is_list:
                self._named(column, layer, types)
                return
            items = self._items(column, layer, types)
            if items is None:
                return
            values = items

    def fail(self, column: Column, depth: int, index: int, error: Exception) -> Any:
        """Keeps an error; returns what stands in its place until null propagates."""
        errors = self._executor.errors
        errors.add(column, depth, index, error)
        if column.plan.layers[depth].non_null and errors.propagates:
            if depth < len(column.layers):
                column.layers[depth].failed = True
            return FAILED
        return None

    def drop(self, column: Column, index: int, value: Any) -> None:
        """Puts null, or FAILED, in the place of a value of the last layer."""
        layer = column.layers[-1]
        values = list(layer.values)
        values[index] = value
        layer.values = values

    def info(self, column: Column, depth: int, index: int) -> GraphQLResolveInfo[Any]:
        """The info of the field that yielded a value."""
        for layer in reversed(column.layers[:depth]):
            index, _ = layer.list_of(index)
        return self._executor.info(column.plan, column.level, index)

    def _awaitables(self, values: Sequence[Any]) -> dict[int, Awaitable[Any]]:
        if set(map(type, values)) <= PLAIN:
            return {}
        is_awaitable = self._executor.is_awaitable
        return {index: value for index, value in enumerate(values) if is_awaitable(value)}

    def _wait(self, column: Column, values: Sequence[Any], awaitables: dict[int, Awaitable[Any]]) -> None:
        """Goes on when the awaitable values have arrived. What is wrong is told at once: it may end the waiting."""
        depth = len(column.layers)
        settled = [
            value if index in awaitables else self._sound(column, depth, index, value)
            for index, value in enumerate(values)
        ]

        def take(arrived: dict[int, Any]) -> None:
            for index, value in arrived.items():
                settled[index] = value
            self.advance(column, settled)

        self._executor.wait(column, depth, awaitables, take, partial(self._sound, column, depth))

    def _sound(self, column: Column, depth: int, index: int, value: Any) -> Any:
        """A value, or None or FAILED where it is an exception or null; the error is kept."""
        if isinstance(value, Exception):
            return self.fail(column, depth, index, value)
        if value is not None and value is not Undefined:
            return value
        if not column.plan.layers[depth].non_null:
            return None
        message = f"Cannot return null for non-nullable field {column.plan.coordinate}."
        return self.fail(column, depth, index, TypeError(message))

    def _settle(self, column: Column, values: Sequence[Any], *, non_null: bool) -> tuple[Layer, set[type]]:
        """A new layer in which whatever is no value is None, or FAILED, with its error kept."""
        depth = len(column.layers)
        layer = Layer(values, failed=False)
        column.layers.append(layer)
        types = set(map(type, values))
        if (non_null and NONE in types) or (
            not types <= PLAIN and any(kind is type(Undefined) or issubclass(kind, Exception) for kind in types - PLAIN)
        ):
            layer.values = [self._sound(column, depth, index, value) for index, value in enumerate(values)]
            types = set(map(type, layer.values))
        layer.failed = type(FAILED) in types
        return layer, types

    def _items(self, column: Column, layer: Layer, types: set[type]) -> Sequence[Any] | None:
        """The items of all lists; None where some of the lists have to be waited for."""
        kinds = types - ABSENT
        if column.plan.streams and len(column.layers) == 1:
            self._iterables.check_stream(column, layer)
        elif kinds <= {list, tuple}:
            values = layer.values
            if kinds != types:
                values = [() if value is None or value is FAILED else value for value in values]
            layer.lengths = list(map(len, values))
            return list(chain.from_iterable(values))
        return self._iterables.items(column, layer)

    def _named(self, column: Column, layer: Layer, types: set[type]) -> None:
        """Completes the last layer: leaves are coerced, objects become levels."""
        named = column.plan.named
        values = layer.values
        if is_leaf_type(named):
            layer.values = self._leaves(column, named, values, types)
            return
        if Fragment in types:
            self._objects.count_written(column, named, values)
        if not types & SETTLED:
            if values:
                self._objects.complete(column, named, values, None)
        elif not types <= SETTLED:
            slots = [index for index, value in enumerate(values) if type(value) not in SETTLED]
            self._objects.complete(column, named, [values[slot] for slot in slots], slots)

    def _leaves(self, column: Column, named: GraphQLLeafType, values: Sequence[Any], types: set[type]) -> Sequence[Any]:
        depth = len(column.layers) - 1
        if type(FAILED) not in types:
            return coerce(named, values, types, partial(self.fail, column, depth))
        indices = [index for index, value in enumerate(values) if value is not FAILED]
        coerced = coerce(
            named,
            [values[index] for index in indices],
            types - {type(FAILED)},
            lambda at, error: self.fail(column, depth, indices[at], error),
        )
        result = list(values)
        for index, value in zip(indices, coerced, strict=True):
            result[index] = value
        return result

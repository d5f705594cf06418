"""Iterables: lists that are no list, and those that graphql-core completes itself."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from copy import copy
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError
from graphql.execution.executor import CollectedErrors, collect_iterator_awaitables
from graphql.pyutils import Path, is_iterable

from resolvers.executor.level import FAILED, Column, Delegated, Layer

if TYPE_CHECKING:
    from resolvers.executor.completion import Completion
    from resolvers.executor.executor import BreadthFirstExecutor


class Iterables:
    """Takes the items of whatever stands for a list."""

    def __init__(self, executor: BreadthFirstExecutor, completion: Completion) -> None:
        self._executor = executor
        self._completion = completion

    def check_stream(self, column: Column, layer: Layer) -> None:
        """Lists are not streamed; an impossible ``@stream`` is an error all the same."""
        for index, value in enumerate(layer.values):
            if value is not None and value is not FAILED:
                try:
                    self._executor.get_stream_usage(column.plan.details, self._completion.info(column, 0, index).path)
                except Exception as error:  # noqa: BLE001 - an error at the list's place
                    self._completion.drop(column, index, self._completion.fail(column, 0, index, error))

    def items(self, column: Column, layer: Layer) -> Sequence[Any] | None:
        """The items of all lists of the last layer; None where some of the lists have to be waited for."""
        depth = len(column.layers) - 1
        settled: list[Any] = list(layer.values)
        lists: list[list[Any]] = []
        delegated: dict[int, Awaitable[Any]] = {}
        for index, value in enumerate(layer.values):
            items: list[Any] = []
            if value is not None and value is not FAILED:
                try:
                    if self._executor.is_async_iterable(value):
                        delegated[index] = self._delegate(column, depth, index, value)
                    else:
                        items = self._items_of(column, value)
                except Exception as error:  # noqa: BLE001 - whatever iterating raises is an error at its place
                    settled[index] = self._completion.fail(column, depth, index, error)
            lists.append(items)
        layer.values = settled
        layer.lengths = list(map(len, lists))
        flat = list(chain.from_iterable(lists))
        if not delegated:
            return flat

        def take(completed: dict[int, Any]) -> None:
            for index, value in completed.items():
                failed = isinstance(value, Exception)
                settled[index] = self._completion.fail(column, depth, index, value) if failed else Delegated(value)
            self._completion.advance(column, flat)

        self._executor.wait(column, depth, delegated, take, aborts=False)
        return None

    def _items_of(self, column: Column, value: Iterable[Any]) -> list[Any]:
        """The items of an iterable. Where it breaks, those that are awaitable are settled all the same."""
        if not is_iterable(value):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{column.plan.coordinate}'.")
        items: list[Any] = []
        iterator = iter(value)
        try:
            items.extend(iterator)
        except Exception:
            is_awaitable = self._executor.is_awaitable
            left = [item for item in items if is_awaitable(item)] + collect_iterator_awaitables(iterator, is_awaitable)
            if left:
                self._executor.settle_in_background(left)
            raise
        return items

    def _delegate(self, column: Column, depth: int, index: int, value: Any) -> Awaitable[Any]:
        """An asynchronous iterable is completed by graphql-core, item by item, so that it may be closed early."""
        executor = copy(self._executor)
        steps = column.steps(depth, index)
        executor.collected_errors = _Relay(self._executor, tuple(step.ordinal for step in steps))
        path: Path | None = None
        for step in steps:
            path = Path(path, step.key, None)
        type_: Any = column.plan.definition.type
        for wrapper in column.plan.layers[:depth]:
            type_ = (type_.of_type if wrapper.non_null else type_).of_type
        if column.plan.layers[depth].non_null:
            type_ = type_.of_type
        info = self._completion.info(column, depth, index)
        completed = executor.complete_list_value(type_, column.plan.details, info, cast("Path", path), value, None)
        return cast("Awaitable[Any]", completed)


class _Relay(CollectedErrors):
    """Hands errors that graphql-core collects below some value on to those of the execution."""

    def __init__(self, executor: BreadthFirstExecutor, order: tuple[int, ...]) -> None:
        super().__init__()
        self._executor = executor
        self._order = order

    def add(self, error: GraphQLError, path: Path | None) -> None:
        """Keeps an error that nulls the position at ``path``."""
        if not self.has_nulled_position(path):
            super().add(error, path)
            order = (*self._order, len(self.errors))
            self._executor.errors.add_located(order, None if path is None else tuple(path.as_list()), error)

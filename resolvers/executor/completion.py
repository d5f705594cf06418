"""Completion: from the values of a column to a response's leaves and the levels below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import copy
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.executor import CollectedErrors, collect_iterator_awaitables, invalid_return_type_error
from graphql.pyutils import Path, Undefined, is_iterable

from resolvers.executor.leaves import NONE, coerce
from resolvers.executor.level import FAILED, Column, Layer, Level
from resolvers.executor.plan import TYPES

if TYPE_CHECKING:
    from resolvers.executor.executor import BreadthFirstExecutor

# Types that are neither awaitable nor exceptions: a column of them needs no look at its values.
PLAIN = frozenset({NONE, bool, int, float, str, bytes, list, tuple, dict, set, frozenset})
ABSENT = frozenset({NONE, type(FAILED)})

# Lists and objects within each other; what writes the response as JSON gives up at 254.
MAX_NESTING = 240


class Delegated:
    """A value that graphql-core has completed, with everything below it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Completion:
    """Completes the columns of one execution, layer by layer; goes on by itself when awaited values arrive."""

    def __init__(self, executor: BreadthFirstExecutor) -> None:
        self.executor = executor

    def advance(self, column: Column, values: Sequence[Any]) -> None:
        """Takes the values of a column's next layer, and completes as far down as they reach."""
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

    def _wait(self, column: Column, values: Sequence[Any], awaitables: dict[int, Awaitable[Any]]) -> None:
        """Goes on when the awaitable values have arrived. What is wrong already is told at once: it may end the waiting."""
        depth = len(column.layers)
        settled = [
            value if index in awaitables else self._sound(column, depth, index, value)
            for index, value in enumerate(values)
        ]

        def take(arrived: dict[int, Any]) -> None:
            for index, value in arrived.items():
                settled[index] = value
            self.advance(column, settled)

        self.executor.wait(column, depth, awaitables, take, partial(self._sound, column, depth))

    def _sound(self, column: Column, depth: int, index: int, value: Any) -> Any:
        """A value, or None or FAILED where it is an exception or null; the error is kept."""
        if isinstance(value, Exception):
            return self.fail(column, depth, index, value)
        if value is not None and value is not Undefined:
            return value
        if not column.plan.layers[depth].non_null:
            return None
        name = f"{column.plan.parent.name}.{column.plan.nodes[0].name.value}"
        return self.fail(column, depth, index, TypeError(f"Cannot return null for non-nullable field {name}."))

    def fail(self, column: Column, depth: int, index: int, error: Exception) -> Any:
        """Keeps an error; returns what stands in its place until null propagates."""
        errors = self.executor.errors
        errors.add(column, depth, index, error)
        if column.plan.layers[depth].non_null and errors.propagates:
            if depth < len(column.layers):
                column.layers[depth].failed = True
            return FAILED
        return None

    def _awaitables(self, values: Sequence[Any]) -> dict[int, Awaitable[Any]]:
        if set(map(type, values)) <= PLAIN:
            return {}
        is_awaitable = self.executor.is_awaitable
        return {index: value for index, value in enumerate(values) if is_awaitable(value)}

    def _settle(self, column: Column, values: Sequence[Any], *, non_null: bool) -> tuple[Layer, set[type]]:
        """A new layer in which whatever is no value is None, or FAILED, with its error kept."""
        depth = len(column.layers)
        layer = Layer(values, failed=False)
        column.layers.append(layer)
        types = set(map(type, values))
        if (non_null and NONE in types) or any(
            kind is type(Undefined) or issubclass(kind, Exception) for kind in types - PLAIN
        ):
            layer.values = [self._sound(column, depth, index, value) for index, value in enumerate(values)]
            types = set(map(type, layer.values))
        layer.failed = type(FAILED) in types
        return layer, types

    def _items(self, column: Column, layer: Layer, types: set[type]) -> Sequence[Any] | None:
        """The items of all lists; None where some of them have to be waited for."""
        values = layer.values
        kinds = types - ABSENT
        if column.plan.streams and len(column.layers) == 1:
            self._check_stream(column, layer)
        elif kinds <= {list, tuple}:
            if kinds != types:
                values = [() if value is None or value is FAILED else value for value in values]
            layer.lengths = list(map(len, values))
            return list(chain.from_iterable(values))
        return self._iterated(column, layer, len(column.layers) - 1)

    def _check_stream(self, column: Column, layer: Layer) -> None:
        """Lists are not streamed; an impossible ``@stream`` is an error all the same."""
        for index, value in enumerate(layer.values):
            if value is not None and value is not FAILED:
                try:
                    self.executor.get_stream_usage(column.plan.details, self._info(column, 0, index).path)
                except Exception as error:  # noqa: BLE001 - an error at the list's place
                    self._drop(column, index, self.fail(column, 0, index, error))

    def _iterated(self, column: Column, layer: Layer, depth: int) -> Sequence[Any] | None:
        """The items of lists that may be any kind of iterable, or none."""
        values = layer.values
        settled, lists, delegated = list(values), [], {}
        for index, value in enumerate(values):
            items: list[Any] = []
            if value is not None and value is not FAILED:
                try:
                    if self.executor.is_async_iterable(value):
                        delegated[index] = self._delegate(column, depth, index, value)
                    elif is_iterable(value):
                        self._iterate(value, items)
                    else:
                        name = f"{column.plan.parent.name}.{column.plan.nodes[0].name.value}"
                        raise GraphQLError(f"Expected Iterable, but did not find one for field '{name}'.")
                except Exception as error:  # noqa: BLE001 - whatever iterating raises is an error at its place
                    items = []
                    settled[index] = self.fail(column, depth, index, error)
            lists.append(items)
        layer.values = settled
        layer.lengths = list(map(len, lists))
        flat = list(chain.from_iterable(lists))
        if not delegated:
            return flat

        def take(completed: dict[int, Any]) -> None:
            for index, value in completed.items():
                failed = isinstance(value, Exception)
                settled[index] = self.fail(column, depth, index, value) if failed else Delegated(value)
            self.advance(column, flat)

        self.executor.wait(column, depth, delegated, take, aborts=False)
        return None

    def _iterate(self, iterable: Iterable[Any], items: list[Any]) -> None:
        """Takes the items of an iterable. Where it breaks, those that are awaitable are settled all the same."""
        iterator = iter(iterable)
        try:
            items.extend(iterator)
        except Exception:
            is_awaitable = self.executor.is_awaitable
            left = [item for item in items if is_awaitable(item)] + collect_iterator_awaitables(iterator, is_awaitable)
            if left:
                self.executor.settle_in_background(left)
            raise

    def _delegate(self, column: Column, depth: int, index: int, value: Any) -> Awaitable[Any]:
        """An asynchronous iterable is completed by graphql-core, item by item, so that it may be closed early."""
        executor = copy(self.executor)
        steps = column.steps(depth, index)
        executor.collected_errors = _Relay(self.executor, tuple(step.ordinal for step in steps))
        path: Path | None = None
        for step in steps:
            path = Path(path, step.key, None)
        type_: Any = column.plan.definition.type
        for wrapper in column.plan.layers[:depth]:
            type_ = (type_.of_type if wrapper.non_null else type_).of_type
        if column.plan.layers[depth].non_null:
            type_ = type_.of_type
        details, info = column.plan.details, self._info(column, depth, index)
        completed = executor.complete_list_value(type_, details, info, cast("Path", path), value, None)
        return cast("Awaitable[Any]", completed)

    def _named(self, column: Column, layer: Layer, types: set[type]) -> None:
        """Completes the last layer: leaves are coerced, objects become levels."""
        named = column.plan.named
        depth = len(column.layers) - 1
        if is_leaf_type(named):
            if not types <= ABSENT:
                layer.values = self._leaves(column, layer, types)
            return
        values = layer.values
        if types & ABSENT:
            indices = [index for index, value in enumerate(values) if value is not None and value is not FAILED]
            values = [values[index] for index in indices]
        else:
            indices = None
        if not values:
            return
        if not is_object_type(named):
            self._abstract(column, cast("GraphQLAbstractType", named), values, indices)
        elif named.is_type_of is None:
            self._level(column, named, values, indices)
        else:
            slots = range(len(values)) if indices is None else indices
            self._check(column, depth, dict.fromkeys(slots, named))

    def _leaves(self, column: Column, layer: Layer, types: set[type]) -> Sequence[Any]:
        depth = len(column.layers) - 1
        named = cast("GraphQLLeafType", column.plan.named)

        def failed(index: int, error: Exception) -> Any:
            return self.fail(column, depth, index, error)

        if type(FAILED) not in types:
            return coerce(named, layer.values, types, failed)
        indices = [index for index, value in enumerate(layer.values) if value is not FAILED]
        values = [layer.values[index] for index in indices]
        result = list(layer.values)
        coerced = coerce(named, values, types - {type(FAILED)}, lambda at, error: failed(indices[at], error))
        for index, value in zip(indices, coerced, strict=True):
            result[index] = value
        return result

    def _abstract(
        self, column: Column, type_: GraphQLAbstractType, values: Sequence[Any], indices: list[int] | None
    ) -> None:
        """Objects of an interface or union: their types are resolved first."""
        depth = len(column.layers) - 1
        slots = list(range(len(values))) if indices is None else indices
        whole = type_.extensions.get(TYPES)
        if whole is not None:
            self._runtime(column, type_, slots, whole(values))
            return
        resolve = type_.resolve_type or self.executor.type_resolver
        names: dict[int, Any] = {}
        for slot, value in zip(slots, values, strict=True):
            try:
                names[slot] = resolve(value, self._info(column, depth, slot), type_)
            except Exception as error:  # noqa: BLE001 - as any resolver's
                names[slot] = error
        self._when_known(column, names, lambda: self._runtime(column, type_, slots, list(names.values())))

    def _when_known(self, column: Column, answers: dict[int, Any], then: Callable[[], None]) -> None:
        """Goes on when the answers about some objects are known; some may have to be waited for."""
        is_awaitable = self.executor.is_awaitable
        awaitables = {slot: answer for slot, answer in answers.items() if is_awaitable(answer)}
        if not awaitables:
            then()
            return

        def take(arrived: dict[int, Any]) -> None:
            answers.update(arrived)
            then()

        self.executor.wait(column, len(column.layers) - 1, awaitables, take)

    def _runtime(self, column: Column, type_: GraphQLAbstractType, slots: list[int], names: Sequence[Any]) -> None:
        """Objects by the names of their types."""
        executor, layer, depth = self.executor, column.layers[-1], len(column.layers) - 1
        known: dict[str, GraphQLObjectType] = {}
        typed: dict[int, GraphQLObjectType] = {}
        for slot, name in zip(slots, names, strict=True):
            try:
                if name is FAILED:
                    self._drop(column, slot, FAILED)
                    continue
                if isinstance(name, Exception):
                    raise name
                object_type = known.get(name) if isinstance(name, str) else None
                if object_type is None:
                    info = self._info(column, depth, slot)
                    value = layer.values[slot]
                    object_type = executor.ensure_valid_runtime_type(name, type_, column.plan.details, info, value)
                    known[object_type.name] = object_type
                typed[slot] = object_type
            except Exception as error:  # noqa: BLE001 - an error at the object's place
                self._discard(column, slot, error)
        if any(object_type.is_type_of for object_type in known.values()):
            self._check(column, depth, typed)
        else:
            self._group(column, typed)

    def _check(self, column: Column, depth: int, typed: dict[int, GraphQLObjectType]) -> None:
        """Asks ``is_type_of`` of every object whose type has it."""
        values = column.layers[depth].values
        answers: dict[int, Any] = {}
        for slot, object_type in typed.items():
            try:
                is_type_of = object_type.is_type_of
                answers[slot] = is_type_of is None or is_type_of(values[slot], self._info(column, depth, slot))
            except Exception as error:  # noqa: BLE001 - as any resolver's
                answers[slot] = error

        def judge() -> None:
            kept: dict[int, GraphQLObjectType] = {}
            for slot, object_type in typed.items():
                answer = answers[slot]
                if answer is FAILED:
                    self._drop(column, slot, FAILED)
                elif isinstance(answer, Exception):
                    self._discard(column, slot, answer)
                elif not answer:
                    details, value = column.plan.details, column.layers[depth].values[slot]
                    self._discard(column, slot, invalid_return_type_error(object_type, value, details))
                else:
                    kept[slot] = object_type
            self._group(column, kept)

        self._when_known(column, answers, judge)

    def _discard(self, column: Column, slot: int, error: Exception) -> None:
        """Puts an error in the place of an object."""
        self._drop(column, slot, self.fail(column, len(column.layers) - 1, slot, error))

    def _drop(self, column: Column, slot: int, value: Any) -> None:
        """Puts null, or FAILED, in the place of an object."""
        layer = column.layers[-1]
        values = list(layer.values)
        values[slot] = value
        layer.values = values

    def _group(self, column: Column, typed: dict[int, GraphQLObjectType]) -> None:
        """A level for each type."""
        values = column.layers[-1].values
        slots: dict[GraphQLObjectType, list[int]] = {}
        for slot, object_type in typed.items():
            slots.setdefault(object_type, []).append(slot)
        for object_type, own in slots.items():
            whole = len(own) == len(values)
            self._level(column, object_type, [values[slot] for slot in own], None if whole else own)

    def _level(
        self, column: Column, type_: GraphQLObjectType, sources: Sequence[Any], slots: Sequence[int] | None
    ) -> None:
        if self.executor.errors.nulls_some:
            sources, slots = self._alive(column, sources, slots)
            if not sources:
                return
        try:
            if column.level.nesting + len(column.plan.layers) > MAX_NESTING:
                raise GraphQLError(f"The response is nested too deeply: more than {MAX_NESTING} levels.")  # noqa: TRY301
            selection = column.plan.selection(self.executor, type_)
        except Exception as error:  # noqa: BLE001 - a condition that cannot be told is an error of each object
            for slot in range(len(sources)) if slots is None else slots:
                self._discard(column, slot, error)
            return
        level = Level(column, selection, sources, slots)
        column.levels.append(level)
        self.executor.enqueue(level)

    def _alive(
        self, column: Column, sources: Sequence[Any], slots: Sequence[int] | None
    ) -> tuple[Sequence[Any], Sequence[int]]:
        """The objects whose positions no null has propagated to; nobody would see the others."""
        errors, depth = self.executor.errors, len(column.layers) - 1
        all_slots = range(len(sources)) if slots is None else slots
        alive = [index for index, slot in enumerate(all_slots) if not errors.is_dead(column, depth, slot)]
        for slot in set(all_slots).difference(all_slots[index] for index in alive):
            self._drop(column, slot, FAILED)
        return [sources[index] for index in alive], [all_slots[index] for index in alive]

    def _info(self, column: Column, depth: int, index: int) -> GraphQLResolveInfo:
        """The info of the field that yielded a value."""
        for layer in reversed(column.layers[:depth]):
            index, _ = layer.list_of(index)
        return self.executor.info(column.plan, column.level, index)


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

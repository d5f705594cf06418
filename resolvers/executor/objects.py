"""Objects: the last layer of a column of objects, interfaces or unions becomes levels, one for each object type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLAbstractType, GraphQLError, GraphQLNamedType, GraphQLObjectType, is_object_type
from graphql.execution.executor import invalid_return_type_error
from orjson import Fragment

from resolvers.executor.level import FAILED, Column, Level
from resolvers.executor.plan import TYPES

if TYPE_CHECKING:
    from resolvers.executor.completion import Completion
    from resolvers.executor.executor import BreadthFirstExecutor

# Lists and objects within each other; what writes the response as JSON gives up at 254.
MAX_NESTING = 240


class Objects:
    """Finds the object types of the objects of a column, and makes their levels."""

    def __init__(self, executor: BreadthFirstExecutor, completion: Completion) -> None:
        self._executor = executor
        self._completion = completion

    def complete(
        self, column: Column, named: GraphQLNamedType, values: Sequence[Any], slots: Sequence[int] | None
    ) -> None:
        """Completes objects; ``slots`` are their indices in the column's last layer, None where they are all of it."""
        if not is_object_type(named):
            abstract = cast("GraphQLAbstractType", named)
            self._abstract(column, abstract, values, range(len(values)) if slots is None else slots)
        elif named.is_type_of is None:
            self._level(column, named, values, slots)
        else:
            self._check(column, dict.fromkeys(range(len(values)) if slots is None else slots, named))

    def count_written(self, column: Column, named: GraphQLNamedType, values: Sequence[Any]) -> None:
        """Counts what objects cost that are text already."""
        written = sum(type(value) is Fragment for value in values)
        selection = column.plan.selection(self._executor, cast("GraphQLObjectType", named))
        self._executor.cost += selection.weight * written

    def _abstract(
        self, column: Column, type_: GraphQLAbstractType, values: Sequence[Any], slots: Sequence[int]
    ) -> None:
        """Asks for the object type of every object, or of all at once where the abstract type can tell."""
        whole = type_.extensions.get(TYPES)
        if whole is not None:
            try:
                named: list[Any] = [name for _, name in zip(slots, whole(values), strict=True)]
            except Exception as error:  # noqa: BLE001 - as any resolver's
                named = [error] * len(slots)
            self._typed(column, type_, slots, named)
            return
        resolve = type_.resolve_type or self._executor.type_resolver
        depth = len(column.layers) - 1
        names: dict[int, Any] = {}
        for slot, value in zip(slots, values, strict=True):
            try:
                names[slot] = resolve(value, self._completion.info(column, depth, slot), type_)
            except Exception as error:  # noqa: BLE001 - as any resolver's
                names[slot] = error
        self._when_known(column, names, lambda: self._typed(column, type_, slots, list(names.values())))

    def _when_known(self, column: Column, answers: dict[int, Any], then: Callable[[], None]) -> None:
        """Goes on when the answers about some objects are known; some may have to be waited for."""
        is_awaitable = self._executor.is_awaitable
        awaitables = {slot: answer for slot, answer in answers.items() if is_awaitable(answer)}
        if not awaitables:
            then()
            return

        def take(arrived: dict[int, Any]) -> None:
            answers.update(arrived)
            then()

        self._executor.wait(column, len(column.layers) - 1, awaitables, take)

    def _typed(self, column: Column, type_: GraphQLAbstractType, slots: Sequence[int], names: Sequence[Any]) -> None:
        """Objects by the names of their types, each of which may be wrong."""
        before = {object_type.name: object_type for object_type in column.plan.below if not object_type.is_type_of}
        if set(map(type, names)) == {str} and before.keys() >= set(names):  # looked at when it was planned
            self._group(column, slots, [before[name] for name in names])
            return
        known: dict[str, GraphQLObjectType] = {}
        typed: dict[int, GraphQLObjectType] = {}
        for slot, name in zip(slots, names, strict=True):
            object_type = known.get(name) if isinstance(name, str) else None
            if object_type is None:
                object_type = self._valid(column, type_, slot, name)
                if object_type is None:
                    continue
                known[object_type.name] = object_type
            typed[slot] = object_type
        if any(object_type.is_type_of for object_type in known.values()):
            self._check(column, typed)
        else:
            self._group(column, list(typed), list(typed.values()))

    def _valid(self, column: Column, type_: GraphQLAbstractType, slot: int, name: Any) -> GraphQLObjectType | None:
        """The object type of a name; None, with the error kept, where it is none for this place."""
        if name is FAILED:
            self._completion.drop(column, slot, FAILED)
            return None
        try:
            if isinstance(name, Exception):
                raise name  # noqa: TRY301 - as if it had been raised here
            info = self._completion.info(column, len(column.layers) - 1, slot)
            value = column.layers[-1].values[slot]
            return self._executor.ensure_valid_runtime_type(name, type_, column.plan.details, info, value)
        except Exception as error:  # noqa: BLE001 - an error at the object's place
            self._discard(column, slot, error)
            return None

    def _check(self, column: Column, typed: dict[int, GraphQLObjectType]) -> None:
        """Asks ``is_type_of`` of every object whose type has it."""
        depth = len(column.layers) - 1
        values = column.layers[depth].values
        answers: dict[int, Any] = {}
        for slot, object_type in typed.items():
            try:
                is_type_of = object_type.is_type_of
                info = self._completion.info(column, depth, slot)
                answers[slot] = is_type_of is None or is_type_of(values[slot], info)
            except Exception as error:  # noqa: BLE001 - as any resolver's
                answers[slot] = error

        def judge() -> None:
            kept: dict[int, GraphQLObjectType] = {}
            for slot, object_type in typed.items():
                answer = answers[slot]
                if answer is FAILED:
                    self._completion.drop(column, slot, FAILED)
                elif isinstance(answer, Exception):
                    self._discard(column, slot, answer)
                elif not answer:
                    details, value = column.plan.details, column.layers[depth].values[slot]
                    self._discard(column, slot, invalid_return_type_error(object_type, value, details))
                else:
                    kept[slot] = object_type
            self._group(column, list(kept), list(kept.values()))

        self._when_known(column, answers, judge)

    def _discard(self, column: Column, slot: int, error: Exception) -> None:
        """Puts an error in the place of an object."""
        depth = len(column.layers) - 1
        self._completion.drop(column, slot, self._completion.fail(column, depth, slot, error))

    def _group(self, column: Column, slots: Sequence[int], types: Sequence[GraphQLObjectType]) -> None:
        """A level for each type."""
        values = column.layers[-1].values
        of_type: dict[GraphQLObjectType, list[int]] = {object_type: [] for object_type in types}
        for slot, object_type in zip(slots, types, strict=True):
            of_type[object_type].append(slot)
        for object_type, own in of_type.items():
            whole = len(own) == len(values)
            self._level(column, object_type, [values[slot] for slot in own], None if whole else own)

    def _level(
        self, column: Column, type_: GraphQLObjectType, sources: Sequence[Any], slots: Sequence[int] | None
    ) -> None:
        if self._executor.errors.nulls_some:
            sources, slots = self._alive(column, sources, slots)
            if not sources:
                return
        try:
            selection = column.plan.selection(self._executor, type_)
            level = Level(column, selection, sources, slots)
            if level.nesting > MAX_NESTING:
                message = f"The response is nested more than {MAX_NESTING} levels deep here. Ask for less at once."
                raise GraphQLError(message, extensions={"code": "NESTED_TOO_DEEPLY"})  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - a condition that cannot be told is an error of each object
            for slot in range(len(sources)) if slots is None else slots:
                self._discard(column, slot, error)
            return
        self._executor.enqueue(level)

    def _alive(
        self, column: Column, sources: Sequence[Any], slots: Sequence[int] | None
    ) -> tuple[Sequence[Any], Sequence[int]]:
        """The objects whose positions no null has propagated to; nobody would see the others."""
        errors, depth = self._executor.errors, len(column.layers) - 1
        kept, kept_slots = [], []
        for source, slot in zip(sources, range(len(sources)) if slots is None else slots, strict=True):
            if errors.is_dead(column, depth, slot):
                self._completion.drop(column, slot, FAILED)
            else:
                kept.append(source)
                kept_slots.append(slot)
        return kept, kept_slots

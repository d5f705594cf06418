"""Written objects: objects of a list that are text before their level begins, where there are very many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson
from graphql import GraphQLLeafType, is_leaf_type, is_object_type
from graphql.pyutils import Undefined

from resolvers.executor.leaves import NONE, coerce
from resolvers.executor.plan import Attribute, FieldPlan, Selection

if TYPE_CHECKING:
    from resolvers.executor.executor import BreadthFirstExecutor


LOOKS_AHEAD = "looks_ahead"
T = TypeVar("T")


def text(value: Any) -> bytes:
    """The JSON text of a completed value."""
    return orjson.dumps(value, default=str)


class Ahead:
    """What is selected below a field, for a level resolver that looks ahead."""

    def __init__(self, executor: BreadthFirstExecutor, plan: FieldPlan) -> None:
        self._executor = executor
        self._plan = plan

    @property
    def is_constant(self) -> bool:
        """Whether the field has the same arguments in every request, none of which can be changed."""
        return self._plan.arguments is not None

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What follows from what the document says of the field alone: made once, and kept with its plan."""
        kept = self._plan.kept
        if name not in kept:
            kept[name] = make()
        value: T = kept[name]
        return value

    def fields(self) -> Iterator[FieldPlan]:
        """The fields selected below; none below an abstract type, which may be several."""
        if is_object_type(self._plan.named):
            yield from self._plan.selection(self._executor, self._plan.named).fields

    def writer(self, plan: FieldPlan) -> Writer | None:
        """What writes the objects of a list below; None where they are more than leaves read from their sources."""
        if self._executor.middleware_manager is not None:
            return None

        def make() -> Writer | None:
            if not is_object_type(plan.named) or plan.named.is_type_of is not None:
                return None
            fields = (selection := plan.selection(self._executor, plan.named)).fields
            return Writer(selection) if fields and all(map(_is_read, fields)) else None

        return Ahead(self._executor, plan).once("writer", make)


class Writer:
    """Writes objects of one type, all of whose fields are leaves that are read from their sources.

    It is kept with its plan: who selects the same has the same writer.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def __call__(self, sources: Sequence[Any]) -> Sequence[Any]:
        """The objects, each as an ``orjson.Fragment``. Where one of them has an error, all stay sources.

        They are completed as all others are then, and the error finds its place.
        """
        if not sources:
            return sources
        try:
            columns = [_column(plan, sources) for plan in self._selection.fields]
        except Exception:  # noqa: BLE001 - found out again where it has a place
            return sources
        # Copied: the text that orjson returns keeps the four kilobytes that it was written into.
        return [orjson.Fragment(bytes(memoryview(text(row)))) for row in self._selection.row(columns)]


def _is_read(plan: FieldPlan) -> bool:
    return isinstance(plan.level, Attribute) and len(plan.layers) == 1 and is_leaf_type(plan.named)


def _column(plan: FieldPlan, sources: Sequence[Any]) -> Sequence[Any]:
    """A column of completed leaves. Raises where a value is an exception, does not fit, or is null and must not be."""
    values = cast("Attribute", plan.level)(sources)
    types = set(map(type, values))
    wrong = {type(Undefined), NONE} if plan.layers[0].non_null else {type(Undefined)}
    if not types.isdisjoint(wrong) or any(issubclass(kind, Exception) for kind in types):
        raise TypeError(plan.coordinate)

    def failed(_: int, error: Exception) -> Any:
        raise error

    return coerce(cast("GraphQLLeafType", plan.named), values, types, failed)

"""Plans: what can be known about an operation's selections before there is a value."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNameMetaFieldDef,
    VariableNode,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import get_argument_values

from resolvers.executor.leaves import unchanged

if TYPE_CHECKING:
    from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet

    from resolvers.executor.executor import BreadthFirstExecutor

LEVEL = "level"
TYPES = "types"
WEIGHT = "weight"
CONDITIONAL = frozenset({"skip", "include", "defer", "stream"})
MAX_VARIANTS = 16
MAX_FIELDS = 1000  # kept for one document, about a kilobyte each; hundreds of aliases of a fragment make many more
IMMUTABLE = (str, int, float, Decimal, datetime.date, Enum, type(None))

LevelResolver = Callable[..., Sequence[Any] | Awaitable[Any]]


class Attribute:
    """The level resolver of a field that is an attribute of its source: needs neither info nor arguments."""

    def __init__(self, name: str) -> None:
        self.read: Callable[[Any], Any] = attrgetter(name)

    def __call__(self, sources: Sequence[Any], _info: object = None, _arguments: object = None) -> list[Any]:
        """The attribute of every source; an exception where one does not have it."""
        return read_all(self.read, sources)


class TypeName(Attribute):
    """The level resolver of ``__typename``: the same for all objects of a level."""

    def __init__(self, type_: GraphQLObjectType) -> None:
        self._name = type_.name

    def __call__(self, sources: Sequence[Any], _info: object = None, _arguments: object = None) -> list[Any]:
        """The name of the objects' type."""
        return [self._name] * len(sources)


def read_all(read: Callable[[Any], Any], sources: Sequence[Any]) -> list[Any]:
    """What is read from every source: all at once, or one by one where some cannot be read."""
    try:
        return list(map(read, sources))
    except Exception:  # noqa: BLE001 - found out again below, for each
        values: list[Any] = []
        for source in sources:
            try:
                values.append(read(source))
            except Exception as error:  # noqa: BLE001 - as any resolver's
                values.append(error)
        return values


class Wrapper(NamedTuple):
    """One layer of a field's type: a list, or at last the named type; and whether it may be null."""

    non_null: bool
    is_list: bool


@dataclass(eq=False)
class FieldPlan:
    """One field of a selection: ``layers`` is its type from the outside in, ``below`` what is selected on each type.

    ``unchanged`` are the types of values that are in the response as they are: all of a column, or none of it.
    ``arguments`` are those of every request, once they are known to be; ``kept`` is what ``Ahead.once`` has made.
    """

    key: str
    ordinal: int
    details: FieldDetailsList
    parent: GraphQLObjectType
    definition: GraphQLField
    nodes: list[FieldNode]
    layers: tuple[Wrapper, ...]
    named: GraphQLNamedType
    level: LevelResolver | None
    has_variables: bool
    streams: bool
    unchanged: frozenset[type]
    arguments: dict[str, Any] | None = None
    below: dict[GraphQLObjectType, Selection] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def coordinate(self) -> str:
        """The field's schema coordinate, as ``Vehicle.label``."""
        return f"{self.parent.name}.{self.nodes[0].name.value}"

    @classmethod
    def of(
        cls, schema: GraphQLSchema, parent: GraphQLObjectType, ordinal: int, key: str, details: FieldDetailsList
    ) -> FieldPlan | None:
        """The plan of a group of field nodes; None where the type has no such field."""
        nodes = [detail.node for detail in details]
        definition = schema.get_field(parent, nodes[0].name.value)
        if definition is None:
            return None
        type_: Any = definition.type
        layers: list[Wrapper] = []
        while True:
            if non_null := is_non_null_type(type_):
                type_ = type_.of_type
            layers.append(Wrapper(non_null, is_list_type(type_)))
            if not is_list_type(type_):
                break
            type_ = type_.of_type
        return cls(
            key=key,
            ordinal=ordinal,
            details=details,
            parent=parent,
            definition=definition,
            nodes=nodes,
            layers=tuple(layers),
            named=type_,
            level=TypeName(parent) if definition is TypeNameMetaFieldDef else definition.extensions.get(LEVEL),
            has_variables=any(True for _ in _variables(nodes[0].arguments)),
            streams=any(directive.name.value == "stream" for directive in nodes[0].directives or ()),
            unchanged=unchanged(type_, nullable=not layers[0].non_null) if len(layers) == 1 else frozenset(),
        )

    def coerced_arguments(self, executor: BreadthFirstExecutor) -> dict[str, Any]:
        """The field's arguments. Raises GraphQLError for those that do not fit."""
        if self.arguments is not None:
            return self.arguments.copy()
        details = self.details[0]
        if not self.definition.args and not details.node.arguments:
            self.arguments = {}
            return {}
        arguments = get_argument_values(
            self.definition,
            details.node,
            executor.variable_values,
            details.fragment_variable_values,
            executor.hide_suggestions,
        )
        if not self.has_variables and all(isinstance(value, IMMUTABLE) for value in arguments.values()):
            self.arguments = arguments.copy()  # what a resolver could change is made anew
        return arguments

    def selection(self, executor: BreadthFirstExecutor, type_: GraphQLObjectType) -> Selection:
        """What is selected below the field on an object type."""
        found = self.below.get(type_)
        if found is None:
            grouped = executor.collect_subfields(type_, self.details).grouped_field_set
            found = self.below[type_] = Selection.of(executor.schema, type_, grouped)
            executor.plans.fields += len(found.fields)
        return found


@dataclass(eq=False)
class Selection:
    """The fields selected on an object type; ``weight`` is what one object costs with them."""

    type: GraphQLObjectType
    fields: tuple[FieldPlan, ...]
    row: Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]
    weight: int

    def size(self) -> int:
        """How many fields are planned here and below."""
        return len(self.fields) + sum(below.size() for plan in self.fields for below in plan.below.values())

    @classmethod
    def of(cls, schema: GraphQLSchema, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        """The plan of a grouped field set."""
        plans = (FieldPlan.of(schema, type_, i, key, details) for i, (key, details) in enumerate(grouped.items()))
        fields = tuple(plan for plan in plans if plan is not None)
        weight = type_.extensions.get(WEIGHT, 1) + sum(plan.definition.extensions.get(WEIGHT, 0) for plan in fields)
        return cls(type_, fields, row_maker([plan.key for plan in fields]), weight)


def row_maker(keys: Sequence[str]) -> Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]:
    """A function from columns to dicts with these keys.

    ``dict(zip(keys, row))`` looks at the keys again for every row; a dict display does not, and takes half the time.
    The text that is compiled holds names of our own only, never a key.
    """
    if not keys:
        return lambda _: []
    names = [f"k{i}" for i in range(len(keys))]
    values = ", ".join(f"v{i}" for i in range(len(keys)))
    pairs = ", ".join(f"k{i}: v{i}" for i in range(len(keys)))
    text = f"lambda {', '.join(names)}: lambda columns: [{{{pairs}}} for {values}, in zip(*columns)]"
    make: Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]] = eval(text, {"zip": zip})(*keys)  # noqa: S307
    return make


class Plans:
    """The plans of one document, kept with it; one for each operation and outcome of its conditions.

    Which fields are selected depends on variables only through ``@skip`` and ``@include``. The least recently used go
    first; a document with very many ``fields`` is planned anew every time.
    """

    def __init__(self) -> None:
        self.fields = 0
        self._variants: OrderedDict[Any, tuple[OperationDefinitionNode, Selection]] = OrderedDict()
        self._conditions: dict[int, tuple[str, ...]] = {}

    def root(
        self, executor: BreadthFirstExecutor, type_: GraphQLObjectType, collect: Callable[[], GroupedFieldSet]
    ) -> Selection:
        """The selection of the executor's operation on its root type."""
        operation = executor.operation
        if any(details.variable_signatures for details in executor.fragments.values()):
            return Selection.of(executor.schema, type_, collect())  # values of a fragment's variables are in the plan
        identity = id(operation)  # nodes compare by their content, all the way down
        names = self._conditions.get(identity)
        if names is None:
            names = tuple(sorted(set(_condition_variables(operation, executor.fragment_definitions))))
            self._conditions[identity] = names
        coerced = executor.variable_values.coerced
        variant = (identity, *(coerced.get(name) for name in names))
        found = self._variants.get(variant)
        if found is not None:
            self._variants.move_to_end(variant)
            return found[1]
        selection = Selection.of(executor.schema, type_, collect())
        self.fields += len(selection.fields)
        self._variants[variant] = (operation, selection)
        return selection

    def trim(self) -> None:
        """Lets go of the least recently used variant where there are too many, of all where they have too many fields.

        To be called when an execution is over.
        """
        if self.fields > MAX_FIELDS:
            self._variants.clear()
            self.fields = 0
        elif len(self._variants) > MAX_VARIANTS:
            _, selection = self._variants.popitem(last=False)[1]
            self.fields -= selection.size()


def _condition_variables(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The variables in directives that decide what is selected."""
    pending: list[SelectionSetNode | None] = [operation.selection_set, *(f.selection_set for f in fragments.values())]
    while pending:
        selection_set = pending.pop()
        for selection in selection_set.selections if selection_set else ():
            pending.append(getattr(selection, "selection_set", None))
            for directive in selection.directives or ():
                if directive.name.value in CONDITIONAL:
                    yield from _variables(directive.arguments)


def _variables(nodes: Sequence[Node] | None) -> Iterator[str]:
    """The names of the variables below some nodes."""
    pending: list[Any] = list(nodes or ())
    while pending:
        match pending.pop():
            case VariableNode(name=name):
                yield name.value
            case Node() as node:
                pending.extend(getattr(node, key) for key in node.keys if key not in {"loc", "name"})
            case list() | tuple() as several:
                pending.extend(several)

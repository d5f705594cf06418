"""Plans: what can be known about an operation's selections before there is a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
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

if TYPE_CHECKING:
    from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet

    from resolvers.executor.executor import BreadthFirstExecutor

LEVEL = "level"
TYPES = "types"
CONDITIONAL = frozenset({"skip", "include", "defer", "stream"})
MAX_VARIANTS = 16

LevelResolver = Callable[
    [Sequence[Any], GraphQLResolveInfo[Any] | None, dict[str, Any]], Sequence[Any] | Awaitable[Any]
]


class Attribute:
    """The level resolver of a field that is an attribute of its source: needs neither info nor arguments."""

    def __init__(self, name: str) -> None:
        self.read: Callable[[Any], Any] = attrgetter(name)

    def __call__(self, sources: Sequence[Any], _info: object = None, _arguments: object = None) -> list[Any]:
        """The attribute of every source."""
        return list(map(self.read, sources))


class Wrapper(NamedTuple):
    """One layer of a field's type: a list, or at last the named type; and whether it may be null."""

    non_null: bool
    is_list: bool


@dataclass(eq=False)
class FieldPlan:
    """One field of a selection: ``layers`` is its type from the outside in, ``below`` what is selected on each type."""

    key: str
    ordinal: int
    details: FieldDetailsList
    parent: GraphQLObjectType
    definition: GraphQLField
    nodes: list[FieldNode]
    layers: tuple[Wrapper, ...]
    named: GraphQLNamedType
    level: LevelResolver | None
    is_type_name: bool
    has_variables: bool
    streams: bool
    arguments: dict[str, Any] | None = None
    below: dict[GraphQLObjectType, Selection] = field(default_factory=dict)

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
            level=definition.extensions.get(LEVEL),
            is_type_name=definition is TypeNameMetaFieldDef,
            has_variables=any(True for _ in _variables(nodes[0].arguments)),
            streams=any(directive.name.value == "stream" for directive in nodes[0].directives or ()),
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
        if not self.has_variables and not any(isinstance(value, list | dict) for value in arguments.values()):
            self.arguments = arguments.copy()  # what a resolver could change is made anew
        return arguments

    def selection(self, executor: BreadthFirstExecutor, type_: GraphQLObjectType) -> Selection:
        """What is selected below the field on an object type."""
        found = self.below.get(type_)
        if found is None:
            grouped = executor.collect_subfields(type_, self.details).grouped_field_set
            found = self.below[type_] = Selection.of(executor.schema, type_, grouped)
        return found


@dataclass(eq=False)
class Selection:
    """The fields selected on an object type."""

    type: GraphQLObjectType
    fields: tuple[FieldPlan, ...]
    row: Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]

    @classmethod
    def of(cls, schema: GraphQLSchema, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        """The plan of a grouped field set."""
        plans = (FieldPlan.of(schema, type_, i, key, details) for i, (key, details) in enumerate(grouped.items()))
        fields = tuple(plan for plan in plans if plan is not None)
        return cls(type_, fields, row_maker([plan.key for plan in fields]))


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

    Which fields are selected depends on variables only through ``@skip`` and ``@include``.
    """

    def __init__(self) -> None:
        self._variants: dict[Any, tuple[OperationDefinitionNode, Selection]] = {}
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
            return found[1]
        selection = Selection.of(executor.schema, type_, collect())
        if len(self._variants) < MAX_VARIANTS:
            self._variants[variant] = (operation, selection)
        return selection


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

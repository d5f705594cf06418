"""The compiler: from the selections of a document to blocks, each fragment once for an object type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
)

from resolvers.executor.plan import WEIGHT
from resolvers.limits.blocks import Block, Conditions, Length, Term, size_of
from resolvers.limits.weights import SIZE, Size, weight_of_type

UNDECLARED = Size(10)  # lists of the schema itself, which declare nothing

MAX_DIGITS = 10  # of an Int; what is longer is no size


@dataclass(frozen=True, eq=False, slots=True)
class _Sized:
    """A length that a field gives to lists below it."""

    fields: frozenset[str]
    length: Length
    total: int | None


class Compiler:
    """Compiles the selections of one document; ``variables`` are those that sizes and conditions depend on."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.variables: set[str] = set()
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._blocks: dict[tuple[int, str, int], Block] = {}
        self._sized: dict[int, _Sized | None] = {}  # by the field node: a fragment's is the same wherever it is spread

    def block(self, type_: GraphQLObjectType, asked: SelectionSetNode, sized: _Sized | None) -> Block:
        """What is asked of an object type; ``sized`` is what the field above says of lists here."""
        key = id(asked), type_.name, id(sized)
        found = self._blocks.get(key)
        if found is None:
            weight, terms = weight_of_type(type_), []
            for node, unless in self._fields(type_, asked, ()):
                term = self._term(type_, node, unless, sized)
                if term.below or term.unless:
                    terms.append(term)
                else:
                    weight += term.weight
            found = self._blocks[key] = Block(weight, tuple(terms))
        return found

    def _term(self, parent: GraphQLObjectType, node: FieldNode, unless: Conditions, sized: _Sized | None) -> Term:
        field = self._schema.get_field(parent, node.name.value)
        if field is None:  # a valid document asks an object of another type for it
            return Term(0)
        weight: int = field.extensions.get(WEIGHT, 0)
        if node.selection_set is None:
            return Term(weight, unless=unless)
        named = get_named_type(field.type)
        declared: Size | None = field.extensions.get(SIZE)
        own = self._own(node, declared)
        below = tuple(self.block(each, node.selection_set, own) for each in self._possible(named))
        if sized is not None and node.name.value in sized.fields:
            return Term(weight, sized.length, sized.total, below, unless)
        if not _is_list(field):
            return Term(weight, None, None, below, unless)
        declared = declared or UNDECLARED
        return Term(weight, self._length_of(node, declared), declared.total, below, unless)

    def _own(self, node: FieldNode, declared: Size | None) -> _Sized | None:
        """What a field says of lists below it."""
        if id(node) not in self._sized:
            says = declared is not None and declared.fields
            self._sized[id(node)] = (
                _Sized(declared.fields, self._length_of(node, declared), declared.total) if declared and says else None
            )
        return self._sized[id(node)]

    def _possible(self, type_: Any) -> Sequence[GraphQLObjectType]:
        return self._schema.get_possible_types(type_) if is_abstract_type(type_) else (type_,)

    def _fields(
        self, type_: GraphQLObjectType, asked: SelectionSetNode, unless: Conditions
    ) -> Iterator[tuple[FieldNode, Conditions]]:
        """The fields that are selected on an object type, through fragments, each with what leaves it out."""
        for selection in asked.selections:
            conditions = _conditions(selection.directives or ())
            if conditions is None:
                continue
            self.variables.update(name for name, _ in conditions)
            conditions = (*unless, *conditions)
            match selection:
                case FieldNode():
                    yield selection, conditions
                case FragmentSpreadNode(name=name):
                    fragment = self._fragments[name.value]
                    if self._applies(fragment.type_condition.name.value, type_):
                        yield from self._fields(type_, fragment.selection_set, conditions)
                case InlineFragmentNode(type_condition=condition):
                    if condition is None or self._applies(condition.name.value, type_):
                        yield from self._fields(type_, selection.selection_set, conditions)

    def _applies(self, name: str, type_: GraphQLObjectType) -> bool:
        condition = self._schema.get_type(name)
        return condition is type_ or (is_abstract_type(condition) and self._schema.is_sub_type(condition, type_))

    def _length_of(self, node: FieldNode, declared: Size) -> Length:
        given: list[int | str] = []
        for argument in node.arguments or ():
            if argument.name.value in declared.arguments:
                match argument.value:
                    case VariableNode(name=name):
                        self.variables.add(name.value)
                        given.append(name.value)
                    case value:
                        size = size_of(literal(value))
                        given += [] if size is None else [size]
        return Length(declared.assumed, tuple(given), declared.maximum)


def _is_list(field: GraphQLField) -> bool:
    return is_list_type(get_nullable_type(field.type))


def literal(node: ValueNode | None) -> Any:
    """A literal as far as it matters here: numbers, booleans, and lists by their length."""
    match node:
        case IntValueNode(value=text):
            return int(text) if len(text) <= MAX_DIGITS else None
        case BooleanValueNode(value=value):
            return value
        case ListValueNode(values=values):
            return [None] * len(values)
        case _:
            return None


def _conditions(directives: Sequence[DirectiveNode]) -> Conditions | None:
    """The variables that leave a selection out, by ``@skip`` and ``@include``; None where it is out for sure."""
    found: list[tuple[str, bool]] = []
    for directive in directives:
        out = {"skip": True, "include": False}.get(directive.name.value)
        if out is not None:
            for argument in directive.arguments or ():
                match argument.value:
                    case VariableNode(name=name):
                        found.append((name.value, out))
                    case BooleanValueNode(value=value) if value is out:
                        return None
    return tuple(found)

"""One pass over a parsed document: each fragment is counted once, however often it is spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from resolvers.limits.limits import DocumentRefusedError, Limits

INTROSPECTION = frozenset({"__schema", "__type"})
SCHEMA_LISTS = frozenset({"fields", "interfaces", "possibleTypes", "inputFields"})
MAX_NESTING = 200  # fields, inline fragments and spreads within each other; graphql-core has the same bound


@dataclass(slots=True)
class Counts:
    """What selections have, with the fragments that they spread.

    ``width`` is how many fields are selected right here, ``widest`` the same for the widest object below; ``lists`` is
    how many lists of a schema lie within each other, ``introspection`` the same below ``__schema`` and ``__type``;
    ``nesting`` counts fields, inline fragments and spreads.
    """

    depth: int = 0
    width: int = 0
    widest: int = 0
    fields: int = 0
    aliases: int = 0
    lists: int = 0
    introspection: int = 0
    nesting: int = 0
    introspects: bool = False

    def add(self, other: Counts) -> None:
        """Takes in a fragment that is spread here."""
        self.depth = max(self.depth, other.depth)
        self.width += other.width
        self.add_below(other)
        self.lists = max(self.lists, other.lists)

    def add_below(self, other: Counts) -> None:
        """Takes in what counts at whatever depth it is."""
        self.widest = max(self.widest, other.widest)
        self.fields += other.fields
        self.aliases += other.aliases
        self.introspection = max(self.introspection, other.introspection)
        self.nesting = max(self.nesting, other.nesting + 1)
        self.introspects = self.introspects or other.introspects


class _Pass:
    """The pass over one document. A fragment that spreads itself counts as empty there; validation refuses it."""

    def __init__(self, document: DocumentNode) -> None:
        self.directives = 0
        self._definitions = document.definitions
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._counted: dict[str, Counts] = {}

    def run(self) -> Iterator[tuple[bool, Counts]]:
        """The counts of every operation and fragment; whether it is an operation."""
        for definition in self._definitions:
            if isinstance(definition, OperationDefinitionNode):
                self.directives += len(definition.directives or ())
                self.directives += sum(len(v.directives or ()) for v in definition.variable_definitions or ())
                yield True, self._selections(definition.selection_set, 1)
        for name in self._fragments:
            yield False, self._fragment(name, 1)

    def _fragment(self, name: str, level: int) -> Counts:
        counted = self._counted.get(name)
        if counted is None:
            self._counted[name] = Counts()
            fragment = self._fragments.get(name)
            if fragment is None:
                return self._counted[name]
            self.directives += len(fragment.directives or ())
            counted = self._counted[name] = self._selections(fragment.selection_set, level)
        return counted

    def _selections(self, node: SelectionSetNode, level: int) -> Counts:
        if level > MAX_NESTING:
            raise DocumentRefusedError("QUERY_TOO_DEEP", "Selections within each other", MAX_NESTING, level)
        counts = Counts(nesting=1)
        for selection in node.selections:
            self.directives += len(selection.directives or ())
            match selection:
                case FieldNode():
                    self._field(counts, selection, level)
                case FragmentSpreadNode():
                    counts.add(self._fragment(selection.name.value, level + 1))
                case InlineFragmentNode():
                    counts.add(self._selections(selection.selection_set, level + 1))
        return counts

    def _field(self, counts: Counts, field: FieldNode, level: int) -> None:
        name = field.name.value
        counts.fields += 1
        counts.width += 1
        counts.aliases += field.alias is not None
        below = Counts() if field.selection_set is None else self._selections(field.selection_set, level + 1)
        counts.depth = max(counts.depth, below.depth + 1)
        counts.add_below(below)
        counts.widest = max(counts.widest, below.width)
        counts.lists = max(counts.lists, below.lists + (name in SCHEMA_LISTS))
        if name in INTROSPECTION:
            counts.introspects = True
            counts.introspection = max(counts.introspection, below.lists)


def count(document: DocumentNode) -> tuple[list[Counts], int]:
    """The counts of every operation and fragment of a document, and the number of its directives.

    Raises DocumentRefusedError where selections are nested deeper than anything here goes.
    """
    found = _Pass(document)
    return [counts for _, counts in found.run()], found.directives


def check_counts(document: DocumentNode, limits: Limits) -> bool:
    """Whether a document asks for the schema itself. Raises DocumentRefusedError where it goes beyond a limit."""
    found, introspects = _Pass(document), False
    for is_operation, counts in found.run():
        introspects = introspects or counts.introspects
        _check("QUERY_TOO_DEEP", "Selections within each other", MAX_NESTING, counts.nesting)
        _check("QUERY_TOO_DEEP", "Fields within each other", limits.depth, counts.depth)
        if is_operation:
            _check("TOO_MANY_ROOT_FIELDS", "Fields at the root", limits.root_fields, counts.width)
        _check("TOO_MANY_FIELDS", "Fields of one object", limits.width, max(counts.width, counts.widest))
        _check("TOO_MANY_ALIASES", "Aliases", limits.aliases, counts.aliases)
        _check("TOO_MANY_FIELDS", "Fields in all", limits.fields, counts.fields)
        _check(
            "INTROSPECTION_TOO_DEEP",
            "Lists of the schema within each other",
            limits.introspection,
            counts.introspection,
        )
    _check("TOO_MANY_DIRECTIVES", "Directives", limits.directives, found.directives)
    return introspects


def _check(code: str, what: str, limit: int, counted: int) -> None:
    if counted > limit:
        raise DocumentRefusedError(code, what, limit, counted)

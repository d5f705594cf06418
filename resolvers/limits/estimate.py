"""Estimates: what an operation costs at most, worked out once and evaluated for each request's variables.

An operation becomes blocks, each the fields that are asked of an object type, and terms, each a field that yields
objects. A block for ``n`` objects costs ``n`` times its weight and what its terms cost; below a list ``n`` grows by the
list's size. Of the object types that an interface may stand for, the dearest counts. Fields that are asked for twice
count twice. A fragment is compiled once for a type; with the limit on fields, there is an end to it.

A list with an ``assumedTotal`` is a level of a tree: below one object, all of its levels together have no more objects
than that, however deep they are nested. Such a tree costs as much as it can grow level by level, or as all of its
objects at the level where they are the dearest, whichever is less. Below several objects, which may be the same one
again and again (``children { parent { children } }``), there is no such end, and it counts like any list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

from resolvers.limits.blocks import Block, Term, size_of
from resolvers.limits.compiler import Compiler, literal

MAX_KNOWN = 100


@dataclass(frozen=True, eq=False)
class Estimate:
    """The estimate of one operation: ``defaults`` has the variables that it depends on. What was worked out is kept."""

    root: Block
    defaults: Mapping[str, Any]
    _known: dict[tuple[object, ...], int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Estimate:
        """The estimate of a valid document's operation."""
        root_type = schema.get_root_type(operation.operation)
        if root_type is None:
            return cls(Block(0, ()), {})
        compiler = Compiler(schema, document)
        block = compiler.block(root_type, operation.selection_set, None)
        defaults = {
            definition.variable.name.value: _plain(literal(definition.default_value))
            for definition in operation.variable_definitions or ()
            if definition.variable.name.value in compiler.variables
        }
        return cls(block, defaults)

    def cost(self, variables: Mapping[str, Any] | None, *, max_page_size: int) -> int:
        """The points that the operation costs at most, by the variables as they were sent."""
        sent = variables or {}
        values = tuple(_plain(sent[name]) if name in sent else default for name, default in self.defaults.items())
        cost = self._known.get((max_page_size, *values))
        if cost is None:
            if len(self._known) == MAX_KNOWN:
                self._known.clear()
            evaluation = _Evaluation(dict(zip(self.defaults, values, strict=True)), max_page_size)
            cost = self._known[max_page_size, *values] = evaluation.block(self.root, 1)
        return cost


def _plain(value: object) -> object:
    """A variable's value as far as it matters: whether it is true or false, or the size that it asks for."""
    return value if isinstance(value, bool) else size_of(value)


class _Evaluation:
    """An estimate under some variables."""

    def __init__(self, variables: Mapping[str, Any], max_page_size: int) -> None:
        self._variables = variables
        self._max_page_size = max_page_size
        self._known: dict[tuple[int, int], int] = {}

    def block(self, asked: Block, count: int) -> int:
        """What ``count`` objects cost."""
        key = id(asked), count
        cost = self._known.get(key)
        if cost is None:
            cost = self._known[key] = count * asked.weight + sum(self._term(term, count) for term in asked.terms)
        return cost

    def _term(self, term: Term, count: int) -> int:
        if not self._is_in(term):
            return 0
        cost, below = count * term.weight, self._below(term, count)
        if term.total is None or count > 1:
            return cost + max((self.block(each, below) for each in term.below), default=0)
        total = term.total
        return cost + max(
            min(self._grown(each, min(below, total), total), self._packed(each, total)) for each in term.below
        )

    def _grown(self, asked: Block, count: int, total: int) -> int:
        """What a tree costs that grows by the size of each list, to ``total`` objects on a level."""
        cost = self._without_trees(asked, count)
        for term in asked.terms:
            if term.total is not None and self._is_in(term):
                below = min(self._below(term, count), total)
                cost += count * term.weight + max(self._grown(each, below, total) for each in term.below)
        return cost

    def _packed(self, asked: Block, total: int) -> int:
        """What a tree of ``total`` objects costs that has them all where they are the dearest."""
        trees = [term for term in asked.terms if term.total is not None and self._is_in(term)]
        below = sum(max(self._packed(each, total) for each in term.below) + total * term.weight for term in trees)
        return max(self._without_trees(asked, total), below)

    def _without_trees(self, asked: Block, count: int) -> int:
        return count * asked.weight + sum(self._term(term, count) for term in asked.terms if term.total is None)

    def _is_in(self, term: Term) -> bool:
        return not any(self._variables.get(name) is out for name, out in term.unless)

    def _below(self, term: Term, count: int) -> int:
        return count if term.length is None else count * term.length.of(self._variables, self._max_page_size)

"""Looking ahead: what an operation asks for below a field, so that one statement can fetch it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from resolvers.context import Info, LevelInfo

T = TypeVar("T")


def fields_below(nodes: list[FieldNode], fragments: dict[str, Any]) -> Iterator[FieldNode]:
    """The fields selected directly below some fields, through fragments; directives are not looked at."""
    pending: list[SelectionSetNode | None] = [node.selection_set for node in nodes]
    spread: set[str] = set()
    while pending:
        selection_set = pending.pop()
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    yield selection
                case InlineFragmentNode():
                    pending.append(selection.selection_set)
                case FragmentSpreadNode(name=name) if name.value not in spread:
                    spread.add(name.value)
                    fragment: FragmentDefinitionNode = fragments[name.value]
                    pending.append(fragment.selection_set)


def coordinate(info: Info) -> str:
    """The schema coordinate of the field being resolved, as ``FleetGroup.vehicles``."""
    raw = info._raw_info  # noqa: SLF001
    return f"{raw.parent_type.name}.{raw.field_name}"


def names_below(info: Info) -> frozenset[str]:
    """The names of all fields that are selected anywhere below the one being resolved; directives are not looked at."""
    return _once(info, "names below", partial(_names_below, info))


def _names_below(info: Info) -> frozenset[str]:
    raw = info._raw_info  # noqa: SLF001
    nodes, names = list(raw.field_nodes), set[str]()
    while nodes:
        nodes = list(fields_below(nodes, raw.fragments))
        names.update(node.name.value for node in nodes)
    return frozenset(names)


def names_in(document: DocumentNode | None) -> frozenset[str]:
    """The names of all fields in a document."""
    pending: list[Any] = list(document.definitions) if document else []
    names = set[str]()
    while pending:
        node = pending.pop()
        if isinstance(node, FieldNode):
            names.add(node.name.value)
        selection_set = getattr(node, "selection_set", None)
        pending += selection_set.selections if selection_set else ()
    return frozenset(names)


def selects(info: Info, *names: str) -> bool:
    """Whether any of these fields is asked for directly below the one being resolved."""
    raw = info._raw_info  # noqa: SLF001 - strawberry's own view converts the whole selection, fragments unmerged
    return any(node.name.value in names for node in fields_below(list(raw.field_nodes), raw.fragments))


def nesting(info: Info, name: str) -> int:
    """How deep a field is nested in itself, itself included: 3 for ``children { children { children { id } } }``."""
    return _once(info, f"nesting of {name}", partial(_nesting, info, name))


def _nesting(info: Info, name: str) -> int:
    raw = info._raw_info  # noqa: SLF001
    nodes, depth = list(raw.field_nodes), 0
    while nodes:
        depth += 1
        nodes = [node for node in fields_below(nodes, raw.fragments) if node.name.value == name]
    return depth


def _once(info: Info, what: str, find: Callable[[], T]) -> T:
    """What is found in the document, which is the same for each of its executions."""
    ahead = info.ahead if isinstance(info, LevelInfo) else None
    return find() if ahead is None else ahead.once(what, find)

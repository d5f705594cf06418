"""Counts: what one pass finds, each fragment once, is what is there when every fragment is written out."""

from __future__ import annotations

from functools import cache
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode, parse
from graphql.language import Lexer, Source, TokenKind
from hypothesis import example, given
from hypothesis import strategies as st

from resolvers.limits import Limits, check_text, count
from resolvers.limits.counts import SCHEMA_LISTS

NAMES = ("a", "b", "__schema", "fields", "inputFields", "__type", "interfaces")
DIRECTIVES = st.sampled_from(["", "", " @x", " @x(if: true) @y"])


@cache
def selections(spreads: tuple[str, ...], depth: int) -> st.SearchStrategy[str]:
    """Selection sets that may spread these fragments."""
    below = st.just("") if depth == 0 else st.one_of(st.just(""), st.just(""), selections(spreads, depth - 1))
    aliases, names = st.sampled_from(["", "", "x: "]), st.sampled_from(NAMES)
    field = st.builds("{}{}{} {}".format, aliases, names, DIRECTIVES, below)
    kinds = [field, field]
    if depth:
        kinds.append(st.builds("...{} {}".format, DIRECTIVES, selections(spreads, depth - 1)))
        kinds.append(st.builds("... on T{} {}".format, DIRECTIVES, selections(spreads, depth - 1)))
    if spreads:
        kinds.append(st.builds("...{}{}".format, st.sampled_from(spreads), DIRECTIVES))
    return st.lists(st.one_of(kinds), min_size=1, max_size=3).map(lambda found: "{ " + " ".join(found) + " }")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Documents of one or two operations and some fragments; a fragment spreads only later ones."""
    names = tuple(f"F{i}" for i in range(draw(st.integers(0, 3))))
    parts = [f"query Q{i}{draw(DIRECTIVES)} {draw(selections(names, 2))}" for i in range(draw(st.integers(1, 2)))]
    for i, name in enumerate(names):
        parts.append(f"fragment {name} on T{draw(DIRECTIVES)} {draw(selections(names[i + 1 :], 2))}")
    return "\n".join(parts)


def written_out(node: Any, fragments: dict[str, FragmentDefinitionNode]) -> Any:
    """A selection set as lists: a field as its name, whether it has an alias, and its own; others just a list."""
    if node is None:
        return []
    found = []
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            below = written_out(selection.selection_set, fragments)
            found.append((selection.name.value, selection.alias is not None, below))
        elif isinstance(selection, FragmentSpreadNode):
            found.append(written_out(fragments[selection.name.value].selection_set, fragments))
        else:
            found.append(written_out(selection.selection_set, fragments))
    return found


def flat(selected: Any) -> list[Any]:
    """The fields of a selection set that is written out, without the lists within it."""
    return [field for item in selected for field in ([item] if isinstance(item, tuple) else flat(item))]


def everywhere(selected: Any) -> list[Any]:
    """The fields at any depth."""
    return [each for field in flat(selected) for each in (field, *everywhere(field[2]))]


def depth_of(selected: Any) -> int:
    """Fields within each other."""
    return max((1 + depth_of(field[2]) for field in flat(selected)), default=0)


def nesting_of(selected: Any) -> int:
    """Selection sets within each other, of whatever kind."""
    return 1 + max((nesting_of(item[2] if isinstance(item, tuple) else item) for item in selected), default=-1)


def lists_of(selected: Any) -> int:
    """Lists of the schema within each other."""
    return max(((name in SCHEMA_LISTS) + lists_of(below) for name, _, below in flat(selected)), default=0)


@given(documents())
@example("{ ...F0 } fragment F0 on T { ...F1 ...F1 } fragment F1 on T { ...F2 ...F2 } fragment F2 on T { a }")
def test_counts_are_those_of_the_document_written_out(text: str):
    """Of every operation and fragment, by a count that knows nothing of memory."""
    document = parse(text)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    found, directives = count(document)
    assert directives == text.count("@")
    for node, counts in zip([*operations, *fragments.values()], found, strict=True):
        written = written_out(node.selection_set, fragments)
        all_fields = everywhere(written)
        assert counts.fields == len(all_fields)
        assert counts.aliases == sum(has_alias for _, has_alias, _ in all_fields)
        assert counts.width == len(flat(written))
        assert counts.widest == max((len(flat(below)) for _, _, below in all_fields), default=0)
        assert counts.depth == depth_of(written)
        assert counts.nesting == nesting_of(written)
        asked = [below for name, _, below in all_fields if name in {"__schema", "__type"}]
        assert counts.introspects == bool(asked)
        assert counts.introspection == max(map(lists_of, asked), default=0)


PIECES = (
    "{", "}", "[", "]", "(", ")", "a", "_b9", "...", "$", "!", ":", "=", "@", "|", "&", ",", " ", "\n", "1", "-2.5e+3",
    '"x{"', '"\\""', '""', '"""a"b""c\\"""\n{"""', "# c { \n",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
@example('"""\\""" """ a')
def test_tokens_are_those_of_the_lexer(text: str):
    """With the comments; before anything is parsed."""
    limits = Limits(depth=1000)
    lexer, kinds = Lexer(Source(text)), []
    while not kinds or kinds[-1] is not TokenKind.EOF:
        token = lexer.advance()
        while token.prev is not lexer.last_token:
            kinds.append(TokenKind.COMMENT)
            lexer.last_token = lexer.last_token.next
        kinds.append(token.kind)
    assert check_text(text, limits) == len(kinds) - 1


@given(st.text(alphabet='{}[]()"\\#\na.$-1e', max_size=200))
def test_any_text_is_looked_through(text: str):
    """No text is too strange to be counted; what it means is the parser's affair."""
    assert 0 <= check_text(text, Limits(depth=1000)) <= len(text)

"""Valid operations on any schema, drawn by hypothesis: whatever a document may do to what is selected.

Aliases, fields merged from several places, inline and named fragments on objects and on abstract types, ``@skip`` and
``@include`` with literals and variables, ``__typename``, introspection, arguments as literals and as variables.

A document is valid as it is drawn. Selections under one key are always of one field with one set of arguments, by the
record of all keys that ``Author`` keeps; on different object types, leaves of one type may share a key too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.type.introspection import SchemaMetaFieldDef, TypeMetaFieldDef
from hypothesis import strategies as st

KEYS = ("a", "b", "id", "name")
PAGING = ("first", "after", "last", "before")
PAGES = st.sampled_from(
    [
        *({"first": n} for n in (1, 2, 3, 3, 3, 0)),
        *({"last": n} for n in (1, 2, 2)),
        {"first": 1, "last": 1},
        {"first": 2, "after": "nowhere"},
    ]
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "Int": st.integers(-2, 5),
    "Float": st.sampled_from([0, 1.5]),
    "String": st.sampled_from(["", "a", 'quoted "text"', "ünïcode", "__Type", "Query"]),
    "Boolean": st.booleans(),
    "ID": st.sampled_from(["1", "2"]),
}


@dataclass(frozen=True)
class Operation:
    """A document, and sets of variables to execute it with, one after the other."""

    text: str
    variables: tuple[dict[str, Any], ...]


@dataclass
class Key:
    """What is selected under a response key: a type, by parent type the field and its arguments."""

    type: str
    leaf: bool
    fields: dict[str, str] = field(default_factory=dict)
    abstract: set[str] = field(default_factory=set)


@dataclass
class Author:
    """Writes one operation."""

    draw: st.DrawFn
    schema: GraphQLSchema
    scalars: Mapping[str, st.SearchStrategy[Any]]
    passes: Callable[[GraphQLNamedType], bool]
    budget: int
    keys: dict[str, Key] = field(default_factory=dict)
    fragments: dict[str, tuple[GraphQLNamedType, int, str]] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    again: dict[str, GraphQLInputType] = field(default_factory=dict)

    def chance(self, one_in: int) -> bool:
        """True once in so many times; shrinks to False."""
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def operation(self, depth: int) -> Operation:
        """An operation of so many levels."""
        query = self.schema.query_type
        assert query is not None
        body = self.selection(query, depth)
        head = f"query Drawn({', '.join(self.declared)}) " if self.declared else ""
        sets = [self.variables]
        if self.declared and self.draw(st.booleans()):
            flags = {name: self.draw(st.booleans()) for name in self.flags}
            sets.append({**self.variables, **flags, **{name: self.value(type_) for name, type_ in self.again.items()}})
        fragments = [f"fragment {name} on {type_} {text}" for name, (type_, _, text) in self.fragments.items()]
        return Operation("\n".join([head + body, *fragments]), tuple(sets))

    def selection(self, type_: GraphQLNamedType, depth: int) -> str:
        """A selection set on a type."""
        parts = [self.part(type_, depth) for _ in range(self.draw(st.integers(1, 4)))]
        return f"{{ {' '.join(parts)} }}"

    def part(self, type_: GraphQLNamedType, depth: int) -> str:
        """A field, an inline fragment or a fragment spread."""
        kind = self.draw(st.integers(0, 9)) if self.budget > 0 else 9
        if kind <= 5:
            return self.field(type_, depth)
        if kind <= 7:
            self.budget -= 1
            on = self.condition(type_)
            written = f"on {on} " if on is not type_ or self.draw(st.booleans()) else ""
            return f"... {written}{self.directive()}{self.selection(on, depth)}"
        if kind == 8:
            return f"...{self.fragment(type_, depth)} {self.directive()}"
        return f"{self.key('__typename', '', 'String!', type_, leaf=True)}{self.directive()}"

    def condition(self, type_: GraphQLNamedType) -> Any:
        """A type that some objects of this one have."""
        found = [
            other
            for other in self.schema.type_map.values()
            if is_composite_type(other) and (other is type_ or self.overlap(type_, other))
        ]
        return self.draw(st.sampled_from([type_, *found]))

    def overlap(self, one: GraphQLNamedType, other: GraphQLNamedType) -> bool:
        """Whether an object can be of both types."""
        return bool(self.possible(one) & self.possible(other))

    def possible(self, type_: GraphQLNamedType) -> set[str]:
        """The object types of a type."""
        if is_abstract_type(type_):
            return {possible.name for possible in self.schema.get_possible_types(type_)}
        return {type_.name}

    def fragment(self, type_: GraphQLNamedType, depth: int) -> str:
        """The name of a fragment that goes here, one that is there already or a new one."""
        there = [name for name, (on, deep, _) in self.fragments.items() if deep <= depth and self.overlap(on, type_)]
        if there and self.draw(st.booleans()):
            return self.draw(st.sampled_from(there))
        self.budget -= 1
        on = self.condition(type_)
        text = self.selection(on, depth)  # written before it has a name, so that it cannot spread itself
        name = f"F{len(self.fragments)}"
        self.fragments[name] = (on, depth, text)
        return name

    def field(self, type_: GraphQLNamedType, depth: int) -> str:
        """A field with its arguments and what is selected below it."""
        fields: dict[str, GraphQLField] = dict(getattr(type_, "fields", {}))
        if type_ is self.schema.query_type and self.chance(10):
            fields = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
        names = [
            name
            for name, definition in fields.items()
            if (depth > 0 or self.passes(type_) or not is_composite_type(get_named_type(definition.type)))
        ]
        self.budget -= 1
        if not names:
            return self.key("__typename", "", "String!", type_, leaf=True)
        name = self.draw(st.sampled_from(names))
        definition = fields[name]
        named = get_named_type(definition.type)
        leaf = not is_composite_type(named)
        arguments = self.arguments(definition.args)
        key = self.key(name, arguments, str(definition.type), type_, leaf=leaf)
        below = "" if leaf else self.selection(named, depth if self.passes(type_) else depth - 1)
        return f"{key}{arguments} {self.directive()}{below}"

    def key(self, name: str, arguments: str, type_: str, parent: GraphQLNamedType, *, leaf: bool) -> str:
        """A response key, with the field's name where it differs, that goes with whatever else has it."""
        what = name + arguments
        start = self.draw(st.integers(0, len(KEYS))) if self.chance(3) else 0
        pool = [name, *KEYS]
        number = 0
        for key in [*pool[start:], *pool[:start]]:
            if self.fits(key, what, type_, parent, leaf=leaf):
                break
        else:
            while not self.fits(key := f"{name}_{number}", what, type_, parent, leaf=leaf):
                number += 1
        taken = self.keys.setdefault(key, Key(type_, leaf))
        taken.fields[parent.name] = what
        if not is_object_type(parent):
            taken.abstract.add(parent.name)
        return name if key == name else f"{key}: {name}"

    def fits(self, key: str, what: str, type_: str, parent: GraphQLNamedType, *, leaf: bool) -> bool:
        """Whether a field may have this key."""
        taken = self.keys.get(key)
        if taken is None:
            return True
        if taken.type != type_ or taken.leaf != leaf:
            return False
        if not leaf or not is_object_type(parent):
            return set(taken.fields.values()) == {what}
        return taken.fields.get(parent.name, what) == what and all(taken.fields[on] == what for on in taken.abstract)

    def directive(self) -> str:
        """A condition, now and then."""
        if not self.chance(8):
            return ""
        name, truth = self.draw(st.sampled_from(["skip", "include"])), self.draw(st.booleans())
        if not self.draw(st.booleans()):
            return f"@{name}(if: {str(truth).lower()}) "
        if self.flags and self.draw(st.booleans()):
            return f"@{name}(if: ${self.draw(st.sampled_from(self.flags))}) "
        flag = f"flag{len(self.flags)}"
        self.flags.append(flag)
        default = self.draw(st.sampled_from(["", " = true", " = false"]))
        self.declared.append(f"${flag}: Boolean!{default}")
        if not default or self.draw(st.booleans()):
            self.variables[flag] = truth
        return f"@{name}(if: ${flag}) "

    def arguments(self, arguments: Mapping[str, GraphQLArgument]) -> str:
        """The arguments of a field: those that it needs, and some others."""
        chosen: dict[str, Any] = {}
        if all(name in arguments for name in PAGING):
            chosen = dict(self.draw(PAGES))
        for name, argument in arguments.items():
            if name not in PAGING and (is_required_argument(argument) or self.chance(4)):
                chosen[name] = self.value(argument.type)
        if not chosen:
            return ""
        return f"({', '.join(f'{name}: {self.written(arguments[name], value)}' for name, value in chosen.items())})"

    def written(self, argument: GraphQLArgument, value: Any) -> str:
        """An argument's value, as a literal or a variable."""
        if not self.chance(4):
            return literal(argument.type, value)
        name, type_ = f"v{len(self.declared)}", argument.type
        if is_non_null_type(type_) and argument.default_value is not Undefined and self.draw(st.booleans()):
            type_ = type_.of_type  # a variable that may be null where the argument may not, which has a default
            value = self.draw(st.sampled_from([None, value]))
        default = f" = {literal(type_, value)}" if value is not None and self.chance(4) else ""
        self.declared.append(f"${name}: {type_}{default}")
        self.again[name] = type_
        if not (default or not is_non_null_type(type_)) or self.draw(st.booleans()):
            self.variables[name] = value
        return f"${name}"

    def value(self, type_: GraphQLInputType) -> Any:
        """A value of an input type, as JSON."""
        if not is_non_null_type(type_):
            return None if self.chance(10) else self.value_of(type_)
        return self.value_of(type_.of_type)

    def value_of(self, type_: Any) -> Any:
        """A value that is not null."""
        if is_list_type(type_):
            return [self.value(type_.of_type) for _ in range(self.draw(st.integers(0, 3)))]
        if is_input_object_type(type_):
            return {
                name: self.value(definition.type)
                for name, definition in type_.fields.items()
                if is_required_input_field(definition) or self.chance(3)
            }
        if is_enum_type(type_):
            return self.draw(st.sampled_from(list(type_.values)))
        return self.draw(self.scalars[type_.name])


def literal(type_: Any, value: Any) -> str:
    """A value in GraphQL's syntax; without a type, what it is as JSON."""
    if is_non_null_type(type_):
        return literal(type_.of_type, value)
    match value:
        case dict():
            types = type_.fields if is_input_object_type(type_) else {}
            parts = (f"{name}: {literal(getattr(types.get(name), 'type', None), item)}" for name, item in value.items())
            return f"{{{', '.join(parts)}}}"
        case list():
            item_type = type_.of_type if is_list_type(type_) else None
            return f"[{', '.join(literal(item_type, item) for item in value)}]"
        case str() if is_enum_type(type_):
            return value
    return json.dumps(value)


@st.composite
def operations(
    draw: st.DrawFn,
    schema: GraphQLSchema,
    *,
    scalars: Mapping[str, st.SearchStrategy[Any]] | None = None,
    passes: Callable[[GraphQLNamedType], bool] = lambda _: False,
    depth: int = 4,
    budget: int = 40,
) -> Operation:
    """Operations on a schema; below a type that ``passes`` a level more is selected."""
    author = Author(draw, schema, {**SCALARS, **(scalars or {})}, passes, budget)
    return author.operation(depth)

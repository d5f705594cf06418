"""Operations made from the schema: everything below every root field, and a question for every id."""

from __future__ import annotations

from graphql import (
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_required_argument,
)

BOUNDS = {"first": "(first: 2)", "period": '(period: {start: "2026-04-01", end: "2026-04-03"})', "": ""}


class Writer:
    """Writes operations that select everything below a field: a fragment for each type and depth.

    Every field has an alias that names its type, so that fragments on one interface never meet in a key.
    """

    def __init__(self, schema, without=frozenset()):
        self.schema, self.without, self.fragments = schema, without, {}

    def operation(self, name, depth, arguments="", variables=""):
        """An operation on one root field."""
        type_ = self.schema.query_type.fields[name].type
        body = f"{name}{arguments} {self.select(type_, depth)}"
        return "\n".join([f"query {variables} {{ {body} }}", *self.fragments.values()])

    def select(self, type_, depth):
        """The selection set of a type, empty for a scalar."""
        named = get_named_type(type_)
        if not is_composite_type(named):
            return ""
        types = [named] if isinstance(named, GraphQLObjectType) else self.schema.get_possible_types(named)
        return "{ __typename " + " ".join(f"...{self.fragment(one, depth)}" for one in types) + " }"

    def fragment(self, type_, depth):
        """The name of the fragment that selects everything of an object type."""
        name = f"{type_.name}_{depth}"
        if name not in self.fragments:
            self.fragments[name] = ""
            wraps = type_.name.endswith(("Connection", "Edge"))
            lines = ["__typename"]
            for key, field in type_.fields.items():
                assert not any(map(is_required_argument, field.args.values())), (
                    f"{type_.name}.{key}: give its arguments"
                )
                leaf = not is_composite_type(get_named_type(field.type))
                if f"{type_.name}_{key}" in self.without or not (leaf or wraps or depth):
                    continue
                page = BOUNDS[next((bound for bound in BOUNDS if bound in field.args), "")]
                lines.append(
                    f"{type_.name}_{key}: {key}{page} {self.select(field.type, depth if wraps else depth - 1)}"
                )
            self.fragments[name] = f"fragment {name} on {type_.name} {{ {' '.join(lines)} }}"
        return name


def plain(type_):
    """A small selection without fragments: how many there are, and of what type."""
    named = get_named_type(type_)
    if named.name.endswith("Connection"):
        return "{ totalCount nodes { __typename } }"
    return "{ __typename }" if is_composite_type(named) else ""


def arguments_of(field, visible, hidden):
    """What to call a root field with, time after time: ids for the arguments that it cannot go without."""
    required = [(name, argument.type) for name, argument in field.args.items() if is_required_argument(argument)]
    chosen = {name: choice(type_) for name, type_ in required if is_enum_type(get_named_type(type_))}
    required = [(name, type_) for name, type_ in required if name not in chosen]
    assert all(get_named_type(type_).name == "ID" for _, type_ in required), f"no values for {required}"
    ids = [str(one) for one in (*visible, *hidden)]
    lists = any(isinstance(get_nullable_type(type_), GraphQLList) for _, type_ in required)
    values = [ids] if lists else ids
    return [chosen | dict.fromkeys((name for name, _ in required), one) for one in values] if required else [chosen]


def choice(type_):
    """A value of an enum: the last; of a list of it: all of them."""
    names = list(get_named_type(type_).values)
    return names if isinstance(get_nullable_type(type_), GraphQLList) else names[-1]


def chosen(field):
    """The enums that a field cannot go without, as they are written."""
    for name, argument in field.args.items():
        if is_required_argument(argument) and is_enum_type(get_named_type(argument.type)):
            value = choice(argument.type)
            yield f"{name}: {value}" if isinstance(value, str) else f"{name}: [{', '.join(value)}]"


def acting_fields(schema):
    """The fields of a tenant that are answered in a request that acts in it only."""
    fields = schema.type_map["Tenant"].fields
    return [name for name, field in fields.items() if is_composite_type(get_named_type(field.type))]


def id_arguments(type_, path=()):
    """The paths to ids in an argument or an input, each with how to write a value for it."""
    named = get_named_type(type_)
    if named.name == "ID":
        yield path, isinstance(get_nullable_type(type_), GraphQLList)
    elif is_input_object_type(named):
        for name, field in named.fields.items():
            yield from id_arguments(field.type, (*path, name))


def id_questions(schema):
    """For each id that a root field or a field of a row takes: a question about that id."""
    rows = {"Vehicle": "vehicles", "FleetGroup": "fleetGroups"}
    for parent in (schema.query_type, *(schema.type_map[name] for name in rows)):
        for name, field in parent.fields.items():
            for argument, definition in field.args.items():
                for path, lists in id_arguments(definition.type, (argument,)):
                    value = "[$id]" if lists else "$id"
                    for key in reversed(path[1:]):
                        value = f"{{{key}: {value}}}"
                    extra = " includeDescendants: true" if "includeDescendants" in field.args else ""
                    extra = " ".join([extra, *chosen(field)])
                    asked = f"{name}({path[0]}: {value}{extra}) {plain(field.type)}"
                    row = rows.get(parent.name)
                    yield f"query ($id: ID!) {{ {f'{row}(first: 3) {{ nodes {{ {asked} }} }}' if row else asked} }}"

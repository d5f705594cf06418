"""Named statements: every variant prepares on the migrated database, and its columns are what its type reads."""

from __future__ import annotations

import datetime
import typing
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
import strawberry
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.private import is_private

from resolvers import schema
from resolvers.scalars import Json
from resolvers.typed_event import EVENT_TYPES
from sql import statements
from sql.embedded import Addresses
from sql.statements import Ordering, Statement

pytestmark = pytest.mark.database

WIRE = {name: statement for name, statement in statements.load().items() if not name.startswith("begin_")}
POSTGRESQL: dict[object, set[str]] = {
    str: {"text"},
    int: {"int4", "int8"},  # a sum beyond an Int is told as BAD_VALUE, at its field
    float: {"float8"},
    bool: {"bool"},
    Decimal: {"numeric"},
    UUID: {"uuid"},
    strawberry.ID: {"uuid"},
    Json: {"jsonb"},
    datetime.date: {"date"},
    datetime.datetime: {"timestamptz"},
}


@pytest.fixture(scope="module")
async def connection(migrated: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection: preparing needs no caller."""
    connection = await asyncpg.connect(migrated.owner)
    yield connection
    await connection.close()


def _variants(statement: Statement) -> list[tuple[frozenset[str], tuple[Ordering, ...]]]:
    """Every optional line alone, none and all of them; every order in both directions, and one that mixes them."""
    optional = statement.optional
    sets = [frozenset[str](), *(frozenset({name}) for name in optional), frozenset(optional)]
    orders: list[tuple[Ordering, ...]] = [()]
    if statement.order:
        columns = [column.name for column in statement.order]
        orders = [(Ordering(name, down), Ordering("id", down)) for name in columns for down in (False, True)]
        orders.append((*(Ordering(name, i % 2 == 0) for i, name in enumerate(columns)),))
    return [(given, order) for given in sets for order in orders]


@pytest.mark.parametrize("name", WIRE)
async def test_every_variant_of_a_statement_prepares(name: str, connection: asyncpg.Connection):
    """PostgreSQL accepts the statement with each of its optional lines and orders."""
    for given, order in _variants(WIRE[name]):
        sql, parameters = WIRE[name].render(given, order)
        prepared = await connection.prepare(sql)
        assert len(prepared.get_parameters()) == len(parameters)


def _types() -> dict[str, list[type]]:
    """The types that read rows, by the name in a statement's row header; events are read by all five."""
    found: dict[str, list[type]] = {"ManualEvent": list(EVENT_TYPES)}
    for type_ in schema.build().schema_converter.type_map.values():
        origin = getattr(type_.definition, "origin", None)
        if origin is not None and not getattr(type_.definition, "is_input", True):
            found.setdefault(origin.__name__, [origin])
    return found


@pytest.mark.parametrize("name", [name for name, statement in WIRE.items() if statement.row])
async def test_the_columns_of_a_statement_are_those_that_its_type_reads(name: str, connection: asyncpg.Connection):
    """Each field without a resolver is a column of the same name, of a type that fits."""
    statement = WIRE[name]
    order = (Ordering(statement.order[0].name), Ordering("id")) if statement.order else ()
    prepared = await connection.prepare(statement.render(frozenset(), order)[0])
    columns = {attribute.name: attribute.type.name for attribute in prepared.get_attributes()}
    readers = _types()[statement.row or ""]
    assert readers
    for reader in readers:
        for field in reader.__strawberry_definition__.fields:
            if field.base_resolver is not None:
                continue
            assert field.python_name in columns, f"{statement.row}.{field.python_name} is no column of {name}"
            type_ = getattr(field.type, "of_type", field.type)
            expected = {"text"} if isinstance(type_, StrawberryEnumDefinition) else POSTGRESQL.get(type_)
            if expected is not None:
                assert columns[field.python_name] in expected, f"{statement.row}.{field.python_name}"
        for attribute, annotation in typing.get_type_hints(reader, include_extras=True).items():
            if is_private(annotation):
                assert attribute in columns, f"{statement.row}.{attribute} is no column of {name}"


def test_optional_lines_are_there_only_when_they_are_asked_for():
    """A line with a condition, a negated one and a block come and go with their parameters."""
    statement = Statement("s", "select 1\n  and a = :a  --? a\n  and none  --? !a\n--{ b\n  and b = :b\n--}")
    assert statement.render(frozenset()) == ("select 1\n  and none", ())
    assert statement.render(frozenset({"a", "b"})) == ("select 1\n  and a = $1\n  and b = $2", ("a", "b"))


def test_sql_before_the_first_name_is_refused():
    """A forgotten header is told, not dropped."""
    with pytest.raises(ValueError, match=r"x\.sql"):
        list(statements.parse("select 1\n", "x.sql"))

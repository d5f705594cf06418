"""Level resolvers: called once for all objects of a level, and what they may return."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import GraphQLError, MiddlewareManager

from resolvers.executor import Attribute
from tests.executor.small import run, run_async, schema

TEXT = """
    type Query { items: [Item]  strict: [Item!]! }
    type Item { id: Int  double(by: Int = 2, plus: [Int!]): Int  sure: Int!  items: [Item]  rows: [[Int!]] }
"""
ITEMS = {"items": [{"id": 1}, {"id": 2}, {"id": 3}]}
FEW = "The level resolver of Item.double returned {} values for 3 sources."


def doubled(sources, _info, arguments) -> list[int]:
    """A level resolver."""
    return [source["id"] * arguments["by"] for source in sources]


async def doubled_later(sources, info, arguments) -> list[int]:
    """The same, after a while."""
    await asyncio.sleep(0)
    return doubled(sources, info, arguments)


def returning(value: Any) -> Any:
    """A level resolver that returns something; an exception to be raised comes as a class."""

    def resolve(*_: Any) -> Any:
        if isinstance(value, type):
            raise value("no")
        return value

    return resolve


def returning_later(value: Any) -> Any:
    """The same, after a while."""

    async def resolve(*_: Any) -> Any:
        await asyncio.sleep(0)
        return returning(value)()

    return resolve


def values_of(result: Any, name: str = "double") -> list[Any]:
    """One field of all items of a result."""
    return [item and item[name] for item in result[0]["items"]]


def test_it_is_called_once_for_a_level():
    """With all objects over all of their parents, without nulls; the execution stays synchronous."""
    calls = []

    def resolve(sources, info, arguments):
        calls.append(([source["id"] for source in sources], info.path.as_list(), info.field_name, arguments))
        return doubled(sources, info, arguments)

    root = {"items": [{"id": 1, "items": [{"id": 11}, None, {"id": 12}]}, None, {"id": 2}, {"id": 3, "items": []}]}
    built = schema(TEXT, {"Item.double": resolve})
    data, errors = run(built, "{ items { double items { twice: double(by: 3) } } }", root)
    assert errors == []
    assert data["items"][0] == {"double": 2, "items": [{"twice": 33}, None, {"twice": 36}]}
    assert data["items"][1:] == [None, {"double": 4, "items": None}, {"double": 6, "items": []}]
    assert calls == [
        ([1, 2, 3], ["items", 0, "double"], "double", {"by": 2}),
        ([11, 12], ["items", 0, "items", 0, "twice"], "double", {"by": 3}),
    ]


def test_it_is_not_called_without_objects():
    """An empty list, or nothing but nulls, is no level."""
    built = schema(TEXT, {"Item.double": returning(ValueError)})
    assert run(built, "{ items { double } }", {"items": []}) == ({"items": []}, [])
    assert run(built, "{ items { double } }", {"items": [None, None]}) == ({"items": [None, None]}, [])


@pytest.mark.parametrize("values", [[1, 2, 3], (1, 2, 3), [1, None, 3]])
async def test_it_returns_a_value_for_each_object(values: Any):
    """At once or as an awaitable, of a coroutine or of a plain future."""
    expected = list(values)
    query = "{ items { double } }"
    assert values_of(run(schema(TEXT, {"Item.double": returning(values)}), query, ITEMS)) == expected
    assert values_of(await run_async(schema(TEXT, {"Item.double": returning_later(values)}), query, ITEMS)) == expected
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, values)
    assert values_of(await run_async(schema(TEXT, {"Item.double": returning(future)}), query, ITEMS)) == expected


@pytest.mark.parametrize("error", [ValueError, ValueError("no"), GraphQLError("no")])
async def test_one_error_is_the_error_of_every_object(error: Any):
    """Raised or returned, at once or later: one at each place, and the other fields are there."""
    expected = (
        {"items": [{"id": id_, "double": None} for id_ in (1, 2, 3)]},
        [(["items", index, "double"], "no") for index in range(3)],
    )
    query = "{ items { id double } }"
    assert run(schema(TEXT, {"Item.double": returning(error)}), query, ITEMS) == expected
    assert await run_async(schema(TEXT, {"Item.double": returning_later(error)}), query, ITEMS) == expected


async def test_an_exception_among_the_values_is_an_error_at_its_place():
    """The others have their values; where the field cannot be null, its object is."""
    values = [1, ValueError("no"), 3]
    expected = [1, None, 3], [(["items", 1, "double"], "no")]
    sync, later = (schema(TEXT, {"Item.double": how(values)}) for how in (returning, returning_later))
    for result in (run(sync, "{ items { double } }", ITEMS), await run_async(later, "{ items { double } }", ITEMS)):
        assert (values_of(result), result[1]) == expected
    sure = schema(TEXT, {"Item.sure": returning(values)})
    assert run(sure, "{ items { sure } }", ITEMS) == (
        {"items": [{"sure": 1}, None, {"sure": 3}]},
        [(["items", 1, "sure"], "no")],
    )
    strict = run(sure, "{ strict { sure } items { id } }", {"strict": ITEMS["items"], **ITEMS})
    assert strict == (None, [(["strict", 1, "sure"], "no")])


@pytest.mark.parametrize("values", [[], [1], [1, 2], [1, 2, 3, 4]])
async def test_a_wrong_number_of_values_is_an_error_of_every_object(values: Any):
    """Nobody can tell whose they are. The error names the field."""
    expected = [(["items", index, "double"], FEW.format(len(values))) for index in range(3)]
    sync, later = (schema(TEXT, {"Item.double": how(values)}) for how in (returning, returning_later))
    for result in (run(sync, "{ items { double } }", ITEMS), await run_async(later, "{ items { double } }", ITEMS)):
        assert values_of(result) == [None, None, None]
        assert result[1] == expected


@pytest.mark.parametrize("value", [None, 7, iter([1, 2, 3])], ids=["none", "number", "iterator"])
async def test_what_is_no_sequence_is_an_error_of_every_object(value: Any):
    """A level resolver that forgets to return something fails its field, not the whole request."""
    sync, later = (schema(TEXT, {"Item.double": how(value)}) for how in (returning, returning_later))
    for result in (
        run(sync, "{ items { id double } }", ITEMS),
        await run_async(later, "{ items { id double } }", ITEMS),
    ):
        assert values_of(result, "id") == [1, 2, 3]
        assert [path for path, _ in result[1]] == [["items", index, "double"] for index in range(3)]


def test_nulls_where_there_may_be_none():
    """Each nulls its object, and has an error that names the field."""
    built = schema(TEXT, {"Item.sure": returning([1, None, None])})
    message = "Cannot return null for non-nullable field Item.sure."
    assert run(built, "{ items { sure } }", ITEMS) == (
        {"items": [{"sure": 1}, None, None]},
        [(["items", 1, "sure"], message), (["items", 2, "sure"], message)],
    )


def test_lists_within_lists():
    """What a level resolver returns is completed as deep as the type goes; an error nulls the nearest list."""
    rows = [[[1, 2], [3]], None, [[], [4, None], None]]
    built = schema(TEXT, {"Item.rows": returning(rows)})
    result = run(built, "{ items { rows } }", ITEMS)
    assert values_of(result, "rows") == [[[1, 2], [3]], None, [[], None, None]]
    assert result[1] == [(["items", 2, "rows", 1, 1], "Cannot return null for non-nullable field Item.rows.")]


def test_arguments_reach_it_coerced():
    """Defaults, literals and variables; those that do not fit are an error of every object, and it is not called."""
    calls = []

    def resolve(sources, _info, arguments):
        calls.append(arguments)
        return [0] * len(sources)

    built = schema(TEXT, {"Item.double": resolve})
    query = "query ($by: Int! = 5, $plus: [Int!]) { items { a: double  b: double(by: $by, plus: $plus) } }"
    run(built, query, ITEMS, variables={"plus": [1, 2]})
    run(built, query, ITEMS, variables={"by": 7})
    assert calls == [{"by": 2}, {"by": 5, "plus": [1, 2]}, {"by": 2}, {"by": 7}]
    calls.clear()
    strict = schema(TEXT.replace("by: Int = 2", "by: Int!"), {"Item.double": resolve})
    data, errors = run(strict, "query ($by: Int) { items { id double(by: $by) } }", ITEMS)
    assert data == {"items": [{"id": id_, "double": None} for id_ in (1, 2, 3)]}
    assert [path for path, _ in errors] == [["items", index, "double"] for index in range(3)]
    assert calls == []


def test_a_field_that_is_selected_twice_is_resolved_once():
    """Under one key; under two it is two fields."""
    calls = []

    def resolve(sources, info, arguments):
        calls.append(info.path.key)
        return doubled(sources, info, arguments)

    built = schema(TEXT, {"Item.double": resolve})
    run(built, "{ items { double } items { double twice: double } }", ITEMS)
    assert calls == ["double", "twice"]


def test_attribute_reads_the_source():
    """Without info and arguments; a source without it is an error of the level, which is of one kind."""

    class Item:
        def __init__(self, id_: int) -> None:
            self.id = id_

    built = schema(TEXT, {"Item.id": Attribute("id"), "Item.double": Attribute("id.real")})
    root = {"items": [Item(1), Item(2)]}
    assert run(built, "{ items { id double } }", root) == (
        {"items": [{"id": 1, "double": 1}, {"id": 2, "double": 2}]},
        [],
    )
    data, errors = run(built, "{ items { id } }", {"items": [Item(1), object()]})
    assert data == {"items": [{"id": None}, {"id": None}]}
    assert len(errors) == 2


def test_middleware_sees_every_object():
    """It wraps resolvers, so with middleware fields are resolved object by object."""
    seen = []

    def watch(resolve, source, info, **arguments):
        seen.append(info.path.as_list())
        return resolve(source, info, **arguments)

    built = schema(TEXT, {"Item.id": returning(ValueError)})
    result = run(built, "{ items { id } }", ITEMS, middleware=MiddlewareManager(watch))
    assert values_of(result, "id") == [1, 2, 3]
    assert seen == [["items"], *(["items", index, "id"] for index in range(3))]

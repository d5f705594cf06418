"""Written objects: text before their level begins, and the same answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from resolvers.executor import LEVEL, LOOKS_AHEAD, Ahead, Attribute
from tests.executor.small import run, schema, start

TEXT = """
    type Query { page: Page }
    type Page { items: [Item!]  other: [Item] }
    type Item { id: Int  sure: Int!  words: [String]  page: Page  free: Int }
"""
ITEMS = [{"id": number, "sure": -number} for number in range(6)]


class Key(Attribute):
    """The level resolver of a field that is a key of its source."""

    def __init__(self, name: str) -> None:
        self.read = lambda source: source[name]


def asking(query: str, items: Sequence[dict[str, Any]], *, writes: bool, most: int = 6) -> tuple[Any, Any]:
    """What a query returns where a page's items are written, all but the last of ``most``, and how many were."""
    written: list[int] = []

    def page(_: Any, __: Any, ___: Any, ahead: Ahead | None = None) -> list[Any]:
        fields = [plan for plan in ahead.fields() if plan.nodes[0].name.value == "items"] if ahead else []
        write = ahead.writer(fields[0]) if ahead and fields else None
        if write is None:
            return [{"items": list(items), "other": items}]
        made = [*write(items[: most - 1]), *items[most - 1 :]]
        written.append(sum(type(item) is orjson.Fragment for item in made))
        return [{"items": made, "other": items}]

    setattr(page, LOOKS_AHEAD, writes)
    levels: dict[str, Callable[..., Any]] = {"Query.page": page}
    levels |= {f"Item.{name}": Key(name) for name in ("id", "sure", "words")}
    built = schema(TEXT, levels)
    result = start(built, query)
    data, errors = run(built, query)
    assert orjson.dumps(result.data) == orjson.dumps(data)
    return (orjson.loads(orjson.dumps(data)), errors), written


SAME = [
    "{ page { items { id sure } } }",
    "{ page { items { b: id a: id __typename } other { id } } }",
    "{ page { ...P } } fragment P on Page { items { ...I } items { sure } } fragment I on Item { id @skip(if: true) }",
    "{ a: page { items { id } } b: page { c: items { sure } } }",
]


@pytest.mark.parametrize("query", SAME)
def test_written_items_answer_as_others(query: str):
    """Aliases, merged fields, fragments, conditions and the name of the type."""
    told, written = asking(query, ITEMS, writes=True)
    assert told == asking(query, ITEMS, writes=False)[0]
    assert written
    assert set(written) == {5}
    assert told[1] == []


@pytest.mark.parametrize("selection", ["id page { other { id } }", "words", "free", "id @skip(if: true)"])
def test_items_are_not_written_that_are_more_than_leaves_read_from_them(selection: str):
    """Objects, lists, and fields whose resolver may do anything; and objects without fields."""
    items = [{**item, "words": ["a"], "page": None} for item in ITEMS]
    told, written = asking(f"{{ page {{ items {{ {selection} }} }} }}", items, writes=True)
    assert written == []
    assert told == asking(f"{{ page {{ items {{ {selection} }} }} }}", items, writes=False)[0]


def test_below_an_abstract_type_nothing_is_looked_at():
    """It may be one of several."""
    built = schema("type Query { one: One } interface One { id: Int } type A implements One { id: Int }")
    seen: list[Any] = []

    def one(_: Any, __: Any, ___: Any, ahead: Ahead) -> list[None]:
        seen.extend(ahead.fields())
        return [None]

    setattr(one, LOOKS_AHEAD, True)
    built.type_map["Query"].fields["one"].extensions[LEVEL] = one  # type: ignore[attr-defined]
    assert run(built, "{ one { id } }") == ({"one": None}, [])
    assert seen == []


@pytest.mark.parametrize("wrong", [2**40, "many", None, ValueError("no")], ids=["large", "text", "null", "raised"])
@pytest.mark.parametrize("name", ["id", "sure"])
@pytest.mark.parametrize("at", [0, 3, 5])
def test_where_an_item_is_wrong_its_error_finds_its_place(wrong: Any, name: str, at: int):
    """Those that would have been written with it are completed as all others: nulls, errors and paths are the same."""
    items = [{**item, name: wrong} if number == at else item for number, item in enumerate(ITEMS)]
    query = "{ page { items { id sure } } }"
    told, written = asking(query, items, writes=True)
    assert told == asking(query, items, writes=False)[0]
    assert set(written) == {0 if at < 5 and told[1] else 5}
    assert bool(told[1]) == (wrong is not None or name == "sure")
    if name == "sure":
        assert told[0] == {"page": {"items": None}}
        assert told[1][0][0] == ["page", "items", at, "sure"]


def test_written_items_cost_what_others_cost():
    """The weight of each is counted."""
    from resolvers.executor import BreadthFirstExecutor
    from tests.executor.small import document

    costs = []
    for writes in (True, False):

        def page(_: Any, __: Any, ___: Any, ahead: Ahead | None = None) -> list[Any]:
            write = ahead.writer(next(iter(ahead.fields()))) if ahead else None
            return [{"items": list(write(ITEMS)) if write else ITEMS}]

        setattr(page, LOOKS_AHEAD, writes)
        built = schema(TEXT, {"Query.page": page, "Item.id": Key("id")})
        executor: Any = BreadthFirstExecutor.build(built, document("{ page { items { id } } }"))
        assert executor.execute_operation().errors is None
        costs.append(executor.cost)
    assert costs[0] == costs[1]
    assert costs[0] > len(ITEMS)

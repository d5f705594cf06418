"""Connections: walked to the end in both directions, every row comes once and in order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.errors import InvalidCursorError
from resolvers.paging import decode_cursor, encode_cursor
from sql.statements import Ordering
from tests.conftest import Ask

pytestmark = pytest.mark.database

OWNER = "owner@medium.example"
ORDERS = {
    "vehicles": ["", "[{field: LABEL, direction: DESC}]", "[{field: CREATED_AT}, {field: LABEL, direction: DESC}]"],
    "fleetGroups": ["", "[{field: CREATED_AT, direction: DESC}]"],
    "events": ["", "[{field: OCCURRED_AT, direction: ASC}]", "[{field: CREATED_AT}]"],
    "uploads": [""],
    "explanations": [""],
    "eventStream": [""],
    "auditTrail": [""],
}
SIZES = {
    "events": 200,
    "auditTrail": 200,
    "eventStream": 30,
    "uploads": 90,
    "vehicles": 7,
    "fleetGroups": 2,
    "explanations": 4,
}


async def _walk(ask: Ask, field: str, order: str, *, backwards: bool) -> tuple[list[str], int]:
    """The ids of all pages, in the connection's order, and its total count."""
    ids: list[str] = []
    cursor = None
    for _ in itertools.count():
        paging = f"last: {SIZES[field]}" if backwards else f"first: {SIZES[field]}"
        paging += f', {"before" if backwards else "after"}: "{cursor}"' if cursor else ""
        paging += f", orderBy: {order}" if order else ""
        query = f"""{{ page: {field}({paging}) {{
          edges {{ cursor node {{ id }} }} nodes {{ id }} totalCount
          pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
        answer = await ask(query, OWNER)
        assert answer.errors == []
        page = answer.data["page"]
        found = [edge["node"]["id"] for edge in page["edges"]]
        assert found == [node["id"] for node in page["nodes"]]
        assert (page["edges"][0]["cursor"], page["edges"][-1]["cursor"]) == (
            page["pageInfo"]["startCursor"],
            page["pageInfo"]["endCursor"],
        )
        ids = found + ids if backwards else ids + found
        if not page["pageInfo"]["hasPreviousPage" if backwards else "hasNextPage"]:
            return ids, page["totalCount"]
        cursor = page["pageInfo"]["startCursor" if backwards else "endCursor"]
    raise AssertionError


@pytest.mark.parametrize(("field", "order"), [(field, order) for field, orders in ORDERS.items() for order in orders])
async def test_walking_a_connection_gives_every_row_once_in_both_directions(field: str, order: str, ask: Ask):
    """Forwards and backwards meet the same rows in the same order, as many as totalCount says."""
    forwards, total = await _walk(ask, field, order, backwards=False)
    backwards, _ = await _walk(ask, field, order, backwards=True)
    assert len(forwards) == len(set(forwards)) == total
    assert forwards == backwards


async def test_nothing_is_skipped_by_offset(ask: Ask):
    """No page statement knows OFFSET, and the total is counted only when it is asked for."""
    answer = await ask("{ vehicles(first: 1) { nodes { id } } }", OWNER)
    assert [issued.name for issued in answer.issued] == ["vehicles_page"]
    assert "offset" not in answer.issued[0].sql.lower()
    counted = await ask("{ vehicles(first: 1) { totalCount } }", OWNER)
    assert [issued.name for issued in counted.issued] == ["vehicles_page", "vehicles_count"]


COLUMNS = {"label": "text", "id": "uuid"}
ORDER = (Ordering("label"), Ordering("id"))


@given(st.text(max_size=50), st.uuids())
def test_a_cursor_reads_back_as_the_position_it_was_made_of(label: str, id_):
    """Whatever the label, the position survives the wire."""
    assert decode_cursor("Vehicle", ORDER, encode_cursor("Vehicle", ORDER, [label, str(id_)]), COLUMNS) == (
        label,
        str(id_),
    )


@given(st.uuids(), st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_cursor_with_another_character_is_refused(id_, place: int, other: str):
    """A changed cursor never reads as another position."""
    cursor = encode_cursor("Vehicle", ORDER, ["Van", str(id_)])
    place %= len(cursor)
    changed = cursor[:place] + other + cursor[place + 1 :]
    try:
        position = decode_cursor("Vehicle", ORDER, changed, COLUMNS)
    except InvalidCursorError:
        return
    assert position == ("Van", str(id_))  # the same bytes, written with other padding bits


@given(st.text(max_size=100))
def test_any_other_text_is_no_cursor(text: str):
    """Neither garbage nor nothing is taken for a position."""
    with pytest.raises(InvalidCursorError):
        decode_cursor("Vehicle", ORDER, text, COLUMNS)


def test_a_cursor_is_of_one_connection_and_one_order():
    """The cursor of another connection, or of the same one in another order, is refused."""
    cursor = encode_cursor("Vehicle", ORDER, ["Van", "00000000-0000-0000-0000-000000000000"])
    for kind, order in [("FleetGroup", ORDER), ("Vehicle", (Ordering("label", descending=True), Ordering("id")))]:
        with pytest.raises(InvalidCursorError):
            decode_cursor(kind, order, cursor, COLUMNS)


async def test_a_cursor_of_another_field_with_the_same_rows_is_refused(ask: Ask):
    """The tenant's vehicles and a group's are different connections, and so are events and archived events."""
    first = (await ask("{ vehicles(first: 1) { pageInfo { endCursor } } }", OWNER)).data["vehicles"]
    groups = "query ($c: String) { fleetGroups(first: 1) { nodes { vehicles(first: 1, after: $c) { nodes { id } } } } }"
    refused = await ask(groups, OWNER, c=first["pageInfo"]["endCursor"])
    assert [error["extensions"]["code"] for error in refused.errors] == ["INVALID_CURSOR"]
    latest = (await ask("{ events(first: 1) { pageInfo { endCursor } } }", OWNER)).data["events"]
    archived = "query ($c: String) { archivedEvents(first: 1, after: $c) { nodes { id } } }"
    refused = await ask(archived, OWNER, c=latest["pageInfo"]["endCursor"])
    assert [error["extensions"]["code"] for error in refused.errors] == ["INVALID_CURSOR"]


@pytest.mark.parametrize("tail", ["!!!!", "\n", " ", "="])
def test_a_cursor_with_something_appended_is_refused(tail: str):
    """Nothing outside of the alphabet is skipped."""
    cursor = encode_cursor("Vehicle", ORDER, ["Van", "00000000-0000-0000-0000-000000000000"])
    with pytest.raises(InvalidCursorError):
        decode_cursor("Vehicle", ORDER, cursor + tail, COLUMNS)

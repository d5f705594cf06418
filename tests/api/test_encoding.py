"""Encoding: long lists leave in pieces, and the pieces are the text."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from api.encoding import LONG, ROWS, encode


def _rows(count: int) -> list[dict[str, Any]]:
    return [{"n": n, "text": f"row {n}"} for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, LONG, LONG + 1, LONG + ROWS, LONG + ROWS + 1])
def test_pieces_are_the_text(count: int):
    """Whatever the length of a list, before and behind other things, and of two of them."""
    body = {"errors": [{"message": "m"}], "data": {"a": 1, "b": {"nodes": _rows(count), "c": None}, "d": _rows(count)}}
    encoded = encode(body)
    assert isinstance(encoded, bytes) == (count <= LONG)
    assert (encoded if isinstance(encoded, bytes) else b"".join(encoded)) == orjson.dumps(body)


def test_a_piece_has_no_more_than_so_many_rows():
    """The text of a long list is not in memory at once."""
    pieces = encode({"data": {"nodes": _rows(3 * LONG)}})
    assert not isinstance(pieces, bytes)
    assert max(piece.count(b'"text"') for piece in pieces) == ROWS

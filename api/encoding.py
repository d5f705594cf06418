"""Encoding: a response as JSON, in pieces where it is large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resolvers.executor.written import text

LONG = 1000  # rows; a list of more is written in pieces
ROWS = 250  # in one piece
DEPTH = 6  # how many objects deep a long list is looked for


def encode(body: Mapping[str, Any] | list[Any]) -> bytes | Iterator[bytes]:
    """The JSON text of a response: whole, or piece by piece where it holds a list of more than LONG rows.

    A list within a list is not looked for. Whoever sends the pieces lets others have a turn between them: so the text
    of a long list is never in memory as a whole, and other requests are served meanwhile.
    """
    return _pieces(body, DEPTH) if _is_long(body, DEPTH) else text(body)


def _is_long(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and any(_is_long(inner, depth - 1) for inner in value.values())
    return isinstance(value, list) and len(value) > LONG


def _pieces(value: Any, depth: int) -> Iterator[bytes]:
    if not _is_long(value, depth):
        yield text(value)
    elif isinstance(value, dict):
        start = b"{"
        for key, inner in value.items():
            yield start + text(key) + b":"
            yield from _pieces(inner, depth - 1)
            start = b","
        yield b"}"
    else:
        for first in range(0, len(value), ROWS):
            yield (b"," if first else b"[") + text(value[first : first + ROWS])[1:-1]
        yield b"]"

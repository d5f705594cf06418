"""The limits of documents, and the error of one that goes beyond."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import GraphQLError

MANY = 1_000_000


@dataclass(frozen=True)
class Limits:
    """The most that a document may have. Fragments count wherever they are spread, as if they were written out there.

    ``length`` is in characters; ``depth`` in fields within each other; ``width`` in fields of one object, repeated ones
    included; ``introspection`` in lists of the schema within each other; ``cost`` in points.
    """

    length: int = 100_000
    tokens: int = 10_000
    depth: int = 100
    root_fields: int = 50
    width: int = 250
    fields: int = 3000
    aliases: int = 100
    directives: int = 100
    introspection: int = 2
    cost: int = 1_000_000


class DocumentRefusedError(GraphQLError):
    """A document beyond a limit: ``code`` is the error's, ``limit`` and ``count`` are told with it."""

    def __init__(self, code: str, what: str, limit: int, count: int) -> None:
        told = f"{count:,}" if count <= MANY else f"more than {MANY:,}"
        super().__init__(
            f"{what}: {told}. The limit is {limit:,}.",
            extensions={"code": code, "limit": limit, "count": min(count, MANY + 1)},
        )

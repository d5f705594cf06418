"""Errors of a response: kept where they happened, located and put in order when it is whole."""

from __future__ import annotations

from typing import NamedTuple

from graphql import GraphQLError, located_error

from resolvers.executor.level import Column

Place = tuple[str | int, ...]


class FieldError(NamedTuple):
    """An error with its place: ``order`` sorts as the response does, ``nulled`` is the position that it nulls."""

    order: tuple[int, ...]
    nulled: Place | None
    error: GraphQLError


class FieldErrors:
    """The errors of one execution."""

    def __init__(self, *, propagates: bool) -> None:
        self.propagates = propagates
        self._raised: list[tuple[Column, int, int, Exception]] = []
        self._located: list[FieldError] = []
        self._looked = (0, 0)
        self._dead: set[Place | None] = set()

    def add(self, column: Column, depth: int, index: int, error: Exception) -> None:
        """An error at a value of the layer at ``depth``."""
        self._raised.append((column, depth, index, error))

    def add_located(self, order: tuple[int, ...], nulled: Place | None, error: GraphQLError) -> None:
        """An error whose place is known already."""
        self._located.append(FieldError(order, nulled, error))

    def __bool__(self) -> bool:
        return bool(self._raised or self._located)

    @property
    def nulls_all(self) -> bool:
        """Whether null has propagated to the root, as far as was looked."""
        return None in self._dead

    @property
    def nulls_some(self) -> bool:
        """Whether null has propagated to any position, as far as was looked."""
        return bool(self._dead)

    def look(self) -> bool:
        """Takes note of the positions that are null by the errors so far; whether there are new errors."""
        raised, located = self._looked
        if raised == len(self._raised) and located == len(self._located):
            return False
        self._dead.update(self._locate(error).nulled for error in self._raised[raised:])
        self._dead.update(error.nulled for error in self._located[located:])
        self._looked = len(self._raised), len(self._located)
        return True

    def is_dead(self, column: Column, depth: int, index: int) -> bool:
        """Whether a position, or one above it, is null by an error that was taken note of."""
        return _is_below(tuple(step.key for step in column.steps(depth, index)), self._dead)

    def collected(self) -> list[GraphQLError]:
        """The errors in the order of the response.

        Of several errors that null the same position, or positions below it, the first is kept, and those before it:
        just what a depth-first execution comes across that stops where a null has propagated to.
        """
        nulled: set[Place | None] = set()
        collected: list[GraphQLError] = []
        for found in sorted([*map(self._locate, self._raised), *self._located], key=lambda found: found.order):
            if not _is_below(found.nulled, nulled):
                nulled.add(found.nulled)
                collected.append(found.error)
        return collected

    def _locate(self, raised: tuple[Column, int, int, Exception]) -> FieldError:
        column, depth, index, error = raised
        steps = column.steps(depth, index)
        above = column.nulled(depth, propagates=self.propagates)
        path = tuple(step.key for step in steps)
        return FieldError(
            order=tuple(step.ordinal for step in steps),
            nulled=None if above is None else path[: len(path) - above],
            error=located_error(error, column.plan.nodes, list(path)),
        )


def _is_below(position: Place | None, nulled: set[Place | None]) -> bool:
    """Whether a position is one of those that are null, or below one; None is the root, above all others."""
    if None in nulled:
        return True
    return position is not None and any(position[:length] in nulled for length in range(len(position) + 1))

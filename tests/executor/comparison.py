"""What two executors may answer to one operation, and how an answer is told to be none of that.

GraphQL lets an executor choose: where several errors null the same position, any one of them is reported and the others
need not be, nor any error below a position that is null already. Which ones are depends on what is done first.

So an operation is executed twice by each executor. First *without propagation* (graphql-core's directive
``@experimental_disableErrorPropagation``): every error stays where it happened, nulls just that position, and all are
reported. These are the *candidates*, and there is no choice: both executors must have the same ones and the same data.
Then as it stands. From the candidates and the nullability of every position follows all that may be answered:

* the data is the candidates' data, null at the position that each of them nulls: its own, or the nearest position above
  it that is nullable;
* each error reported is a candidate, no two null the same position, and a candidate that is not reported has a reported
  one that nulls its position or one above;
* our errors are in the order of the response, but those below one asynchronous iterable, which graphql-core completes
  for us, in the order of their happening;
* of a *synchronous* execution, where nothing depends on time, exactly one answer is right: an error is reported unless
  an earlier one, in the order of the response, nulls its position or one above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import orjson
from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    NameNode,
    OperationDefinitionNode,
    is_non_null_type,
)
from graphql.execution import Executor
from graphql.pyutils import Path

Place = tuple[str | int, ...]
UNPROPAGATED = ConstDirectiveNode(name=NameNode(value="experimental_disableErrorPropagation"), arguments=())


@dataclass(frozen=True)
class Problem:
    """An error as a client reads it; ``place`` is its path, None where it is about the request."""

    message: str
    place: Place | None
    locations: tuple[tuple[int, int], ...]
    extensions: str = ""


@dataclass(frozen=True)
class Answer:
    """What an execution returned: ``data`` as bytes on the wire."""

    data: bytes
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, result: ExecutionResult) -> Answer:
        """The answer that a result is."""
        return cls(
            orjson.dumps(result.data, default=str),
            tuple(
                Problem(
                    error.message,
                    None if error.path is None else tuple(error.path),
                    tuple((location.line, location.column) for location in error.locations or ()),
                    repr(error.extensions or ""),
                )
                for error in result.errors or ()
            ),
        )


def without_propagation(document: DocumentNode) -> DocumentNode:
    """The document with error propagation disabled in its operations."""
    definitions = (
        replace(definition, directives=(*(definition.directives or ()), UNPROPAGATED))
        if isinstance(definition, OperationDefinitionNode)
        else definition
        for definition in document.definitions
    )
    return replace(document, definitions=tuple(definitions))


def recording(base: type[Executor[Any]], types: dict[Place, GraphQLOutputType]) -> type[Executor[Any]]:
    """An executor class that keeps the types of the fields it executes, by their places."""

    class Recording(base):  # type: ignore[misc,valid-type]
        def build_resolve_info(
            self, field_def: GraphQLField, field_nodes: list[FieldNode], parent_type: GraphQLObjectType, path: Path
        ) -> GraphQLResolveInfo:
            types[tuple(path.as_list())] = field_def.type
            return super().build_resolve_info(field_def, field_nodes, parent_type, path)

    return Recording


@dataclass(frozen=True)
class Expected:
    """All that may be answered, from the candidates of an execution without propagation.

    ``types`` has the types of all fields that were executed, by their places; ``streams`` has the places of
    asynchronous iterables.
    """

    candidates: Answer
    types: Mapping[Place, GraphQLOutputType]
    streams: AbstractSet[Place] = frozenset()

    def nulled(self, problem: Problem) -> Place | None:
        """The position that a problem nulls; None where that is the whole response."""
        place = problem.place
        assert place is not None
        while place:
            field = place
            while isinstance(field[-1], int):
                field = field[:-1]
            type_: Any = self.types[field]
            for _ in place[len(field) :]:
                type_ = (type_.of_type if is_non_null_type(type_) else type_).of_type
            if not is_non_null_type(type_):
                return place
            place = place[:-1]
        return None

    def data(self) -> bytes:
        """The data, with every position nulled that a candidate nulls."""
        data = orjson.loads(self.candidates.data)
        for problem in self.candidates.problems:
            place = self.nulled(problem)
            if place is None:
                return b"null"
            holder = data
            for step in place[:-1]:
                if holder is None:
                    break
                holder = holder[step]
            if holder is not None:
                holder[place[-1]] = None
        return orjson.dumps(data)

    def sorted(self, problems: Iterable[Problem]) -> list[Problem]:
        """Candidates in the order of the response."""
        data = orjson.loads(self.candidates.data)

        def order(problem: Problem) -> list[int]:
            assert problem.place is not None
            steps, value = [], data
            for depth, step in enumerate(problem.place):
                if problem.place[:depth] in self.streams:
                    break
                steps.append(step if isinstance(step, int) else list(value).index(step))
                value = value[step]
            return steps

        return sorted(problems, key=order)

    def in_order(self) -> tuple[Problem, ...]:
        """The errors in the order of the response, without those whose position is null by then."""
        kept: list[Problem] = []
        nulled: set[Place | None] = set()
        for problem in self.sorted(self.candidates.problems):
            place = self.nulled(problem)
            if not above(place, nulled):
                nulled.add(place)
                kept.append(problem)
        return tuple(kept)

    def deviations(self, answer: Answer, *, synchronous: bool, ordered: bool = True) -> list[str]:
        """What is wrong with an answer; ``ordered`` where its errors are to be in the response's order."""
        found = []
        if orjson.dumps(orjson.loads(answer.data)) != (data := self.data()):
            found.append(unlike(data, answer.data))
        if synchronous:
            if answer.problems != (expected := self.in_order()):
                found.append(f"errors: {unlike_errors(expected, answer.problems)}")
            return found
        unknown = Counter(answer.problems) - Counter(self.candidates.problems)
        if unknown:
            return [*found, f"errors that never happened: {list(unknown)}"]
        if ordered and list(answer.problems) != self.sorted(answer.problems):
            found.append(f"not in the order of the response: {answer.problems}")
        nulled = Counter(map(self.nulled, answer.problems))
        found += [f"{count} errors null {place}" for place, count in nulled.items() if count > 1]
        found += [
            f"swallowed: {problem}"
            for problem in self.candidates.problems
            if problem not in answer.problems and not above(self.nulled(problem), nulled)
        ]
        return found


def above(place: Place | None, nulled: Mapping[Place | None, Any] | set[Place | None]) -> bool:
    """Whether a position, or one above it, is among those that are null."""
    if None in nulled:
        return True
    return place is not None and any(place[:length] in nulled for length in range(1, len(place) + 1))


def settled(answer: Answer) -> Answer:
    """An answer without propagation, less the errors below a position that has an error itself.

    A list may fail as a whole when some of its items have failed already: they may be reported, and need not be.
    """
    places: set[Place | None] = {problem.place for problem in answer.problems}
    kept = [problem for problem in answer.problems if problem.place is None or not above(problem.place[:-1], places)]
    return Answer(answer.data, tuple(sorted(kept, key=repr)))


def differences(
    stock: Sequence[Answer],
    ours: Sequence[Answer],
    types: Mapping[Place, GraphQLOutputType],
    *,
    synchronous: bool,
    streams: AbstractSet[Place] = frozenset(),
) -> list[str]:
    """What our executor answers otherwise than it may: (without propagation, as it stands) of either executor."""
    candidates, ours_candidates = settled(stock[0]), settled(ours[0])
    if candidates.data != ours_candidates.data:
        return [f"without propagation, {unlike(candidates.data, ours_candidates.data)}"]
    if candidates.problems != ours_candidates.problems:
        return [f"without propagation, {unlike_errors(candidates.problems, ours_candidates.problems)}"]
    if any(problem.place is None for problem in candidates.problems):
        return [] if stock[1] == ours[1] else [f"expected {stock[1]}, got {ours[1]}"]
    expected = Expected(candidates, types, streams)
    found = [f"graphql-core: {one}" for one in expected.deviations(stock[1], synchronous=synchronous, ordered=False)]
    found += [f"ours: {one}" for one in expected.deviations(ours[1], synchronous=synchronous)]
    if stock[1].data != ours[1].data:
        found.append(unlike(stock[1].data, ours[1].data))
    return found


def unlike(expected: bytes, got: bytes) -> str:
    """Where data differs, in words."""
    pairs = enumerate(zip_longest(expected, got))
    at = next((index for index, (one, other) in pairs if one != other), 0)
    start = max(0, at - 100)
    return f"data: expected ...{expected[start : at + 100]!r}..., got ...{got[start : at + 100]!r}..."


def unlike_errors(expected: Sequence[Problem], got: Sequence[Problem]) -> str:
    """Where errors differ, in words."""
    missing, extra = list(Counter(expected) - Counter(got)), list(Counter(got) - Counter(expected))
    if missing or extra:
        return f"missing {missing[:3]}, unexpected {extra[:3]} ({len(missing)} and {len(extra)})"
    return f"another order: expected {expected}, got {got}"

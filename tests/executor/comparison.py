"""What two executors may answer to one operation, and how an answer is told to be none of that.

GraphQL lets an executor choose: where several errors null the same position, any one of them is reported and the others
need not be, nor any error below a position that is null already. A depth-first executor chooses by time, ours by place.
So an operation is executed twice by each executor. First *without propagation* (graphql-core's directive
``@experimental_disableErrorPropagation``): every error stays where it happened, nulls just that position, and all are
reported. These are the *candidates*, and there is no choice: both executors must have the same ones and the same data.
Then as it stands. From the candidates and the nullability of every position follows all that may be answered:

* the data is the candidates' data, null at the position that each of them nulls: its own, or the nearest position above
  it that is nullable;
* each error reported is a candidate, no two null the same position, and a candidate that is not reported has a reported
  one that nulls its position or one above;
* *in the order of the response*, as an executor without concurrency has it: an error is reported unless an earlier one
  nulls its position or one above. There is exactly one such answer, list order included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    ExecutionResult,
    GraphQLOutputType,
    NameNode,
    OperationDefinitionNode,
    is_non_null_type,
)

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


@dataclass(frozen=True)
class Expected:
    """All that may be answered, from the candidates of an execution without propagation.

    ``types`` has the type of the field at every place at which one was resolved, but for introspection: it never fails.
    """

    candidates: Answer
    types: Mapping[Place, GraphQLOutputType]

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

    def in_order(self) -> tuple[Problem, ...]:
        """The errors in the order of the response, without those whose position is null by then."""
        data = orjson.loads(self.candidates.data)

        def order(problem: Problem) -> list[int]:
            assert problem.place is not None
            steps, value = [], data
            for step in problem.place:
                steps.append(step if isinstance(step, int) else list(value).index(step))
                value = value[step]
            return steps

        kept: list[Problem] = []
        nulled: set[Place | None] = set()
        for problem in sorted(self.candidates.problems, key=order):
            place = self.nulled(problem)
            if not above(place, nulled):
                nulled.add(place)
                kept.append(problem)
        return tuple(kept)

    def deviations(self, answer: Answer, *, ordered: bool) -> list[str]:
        """What is wrong with an answer; ``ordered`` where its errors are to be those of the response's order."""
        found = []
        if orjson.dumps(orjson.loads(answer.data)) != (data := self.data()):
            found.append(f"data: expected {data.decode()}, got {answer.data.decode()}")
        if ordered:
            if answer.problems != (expected := self.in_order()):
                found.append(f"errors: expected {expected}, got {answer.problems}")
            return found
        unknown = Counter(answer.problems) - Counter(self.candidates.problems)
        if unknown:
            return [*found, f"errors that never happened: {list(unknown)}"]
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
    stock: Sequence[Answer], ours: Sequence[Answer], types: Mapping[Place, GraphQLOutputType], *, stock_ordered: bool
) -> list[str]:
    """What our executor answers otherwise than it may: (without propagation, as it stands) of either executor.

    ``stock_ordered`` where graphql-core's executor ran without concurrency: then its errors, and their order, are ours.
    """
    candidates, ours_candidates = settled(stock[0]), settled(ours[0])
    if candidates != ours_candidates:
        return [f"without propagation: expected {candidates}, got {ours_candidates}"]
    if any(problem.place is None for problem in candidates.problems):
        return [] if stock[1] == ours[1] else [f"expected {stock[1]}, got {ours[1]}"]
    expected = Expected(candidates, types)
    found = [f"graphql-core: {one}" for one in expected.deviations(stock[1], ordered=stock_ordered)]
    found += [f"ours: {one}" for one in expected.deviations(ours[1], ordered=True)]
    if stock[1].data != ours[1].data:
        found.append(f"data: expected {stock[1].data.decode()}, got {ours[1].data.decode()}")
    return found

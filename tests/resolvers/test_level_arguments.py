"""Arguments of level resolvers: as Strawberry's other resolvers have them, converted once where they stay the same."""

from __future__ import annotations

import datetime
from enum import Enum
from typing import Any

import pytest
import strawberry

from resolvers import level as levels
from resolvers.executor import Plans
from resolvers.level import install, level
from tests.executor.small import run


@strawberry.enum
class Colour(Enum):
    """An enum whose values are not its names."""

    RED = "#f00"
    BLUE = "#00f"


@strawberry.input
class Range:
    """An input."""

    low: int = 1


@strawberry.type
class Query:
    """A root whose field shows its arguments."""

    @level(description="Its arguments.")
    def shown(
        roots: Any, colour: Colour = Colour.RED, on: datetime.date | None = None, range: Range | None = None
    ) -> str:
        """The arguments as they arrive."""
        return [f"{colour!r} {on!r} {range!r}" for _ in roots]


QUERY = """
    query ($colour: Colour! = BLUE, $low: Int! = 2) {
      constant: shown(colour: BLUE, on: "2026-02-28")
      absent: shown
      varying: shown(colour: $colour)
      input: shown(range: { low: 3 })
      within: shown(range: { low: $low })
    }
"""


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of each conversion."""
    calls: list[dict[str, Any]] = []
    convert = levels.convert_arguments

    def counting(arguments: dict[str, Any], *others: Any, **named: Any) -> Any:
        calls.append(arguments)
        return convert(arguments, *others, **named)

    monkeypatch.setattr(levels, "convert_arguments", counting)
    return calls


def test_arguments_are_converted_once_where_every_execution_has_the_same(converted: list[dict[str, Any]]):
    """Inputs are made anew, as a resolver could change them; so is what depends on a variable."""
    schema, plans = strawberry.Schema(Query), Plans()
    install(schema)
    built = schema._schema  # noqa: SLF001
    blue, red = repr(Colour.BLUE), repr(Colour.RED)
    for variables, colour, low in (({}, blue, 2), ({"colour": "RED", "low": 4}, red, 4), ({}, blue, 2)):
        assert run(built, QUERY, variables=variables, plans=plans) == (
            {
                "constant": f"{blue} datetime.date(2026, 2, 28) None",
                "absent": f"{red} None None",
                "varying": f"{colour} None None",
                "input": f"{red} None Range(low=3)",
                "within": f"{red} None Range(low={low})",
            },
            [],
        )
    assert len(converted) == 2 + 3 * 3

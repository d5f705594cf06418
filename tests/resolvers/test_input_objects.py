"""Inputs made at once: the same objects as Strawberry's own way makes of the same values."""

import datetime
from enum import Enum
from typing import Annotated

import pytest
import strawberry

from resolvers import inputs


def schema_of(*, installed):
    """A schema whose fields answer the Python value of their input; fresh classes each time."""

    @strawberry.enum
    class Colour(Enum):
        RED = "red"
        BLUE = "blue"

    @strawberry.input
    class Wheel:
        width: int
        spare: bool = False
        colours: list[Colour] = strawberry.field(default_factory=lambda: [Colour.BLUE])

    @strawberry.input
    class Car:
        label: str
        built: datetime.date | None
        fleet: Annotated[int | None, strawberry.argument(description="Which")] = 7
        colour: Colour | None = Colour.RED
        wheels: list[Wheel] | None = None
        front: Wheel | None = None
        owner_name: str | None = strawberry.field(name="owner", default=strawberry.UNSET)
        tags: list[str | None] | None = strawberry.UNSET
        lists: list[list[int]] | None = None

    @strawberry.type
    class Query:
        @strawberry.field
        def told(self, car: Car) -> str:
            return repr(car)

        @strawberry.field
        def all(self, cars: list[Car | None] | None = None) -> str:
            return repr(cars)

    schema = strawberry.Schema(Query)
    if installed:
        inputs.install(schema)
    return schema


GIVEN = [
    {"label": "A"},
    {"label": "A", "built": None, "fleet": None, "colour": None, "owner": None, "tags": None},
    {"label": "A", "built": "2026-01-31", "fleet": 3, "colour": "BLUE", "owner": "Ada", "tags": ["a", None]},
    {"label": "A", "wheels": [{"width": 5}, {"width": 6, "spare": True, "colours": ["RED", "BLUE"]}]},
    {"label": "A", "front": {"width": 5, "colours": []}, "lists": [[1, 2], []]},
    {"label": "A", "wheels": [], "tags": []},
    {"label": "A", "wheels": {"width": 5}, "tags": "a", "lists": 1},
]


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("query", ["($v: Car!) { told(car: $v) }", "($v: [Car]) { all(cars: $v) }"])
def test_values_become_the_same_objects(query, given):
    """Absent, null, one for a list, nested, renamed, with defaults and with values that are made anew."""
    answers = []
    for installed in (False, True):
        values = {"v": given if "told" in query else [given, None, given]}
        result = schema_of(installed=installed).execute_sync(f"query {query}", values)
        assert result.errors is None
        answers.append(result.data)
    assert "label='A'" in str(answers[0])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("given", [{}, {"label": None}, {"label": "A", "wheels": [None]}, {"label": "A", "more": 1}])
def test_what_is_no_such_input_is_refused_alike(given):
    """By graphql-core, before any object is made."""
    told = [
        [error.message for error in schema_of(installed=installed).execute_sync(QUERY, {"v": given}).errors or ()]
        for installed in (False, True)
    ]
    assert told[0]
    assert told[0] == told[1]


QUERY = "query ($v: Car!) { told(car: $v) }"


def test_a_default_that_is_made_anew_is_nobody_elses():
    """A list of one request is not that of the next."""
    schema = schema_of(installed=True)
    field = schema.schema_converter.type_map["Wheel"].definition
    made = [field.from_input(field.origin, {"width": 1}, None) for _ in range(2)]
    made[0].colours.clear()
    assert len(made[1].colours) == 1

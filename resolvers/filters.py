"""Inputs that more than one entity takes."""

from __future__ import annotations

import datetime
from enum import Enum

import strawberry

from resolvers.errors import InvalidArgumentError, InvalidPeriodError
from resolvers.scalars import text_of

MAX_VALUES = 1000


@strawberry.enum(description="Which way to order.")
class OrderDirection(Enum):
    """Ascending or descending."""

    ASC = "asc"
    DESC = "desc"


@strawberry.input(description="Conditions on a text; all that are given must hold. Case matters.")
class StringFilter:
    """Conditions on a text column."""

    eq: str | None = strawberry.field(default=None, description="Equal to.")
    in_: list[str] | None = strawberry.field(default=None, name="in", description="Equal to one of at most 1000 texts.")
    contains: str | None = strawberry.field(default=None, description="Contains this text.")
    starts_with: str | None = strawberry.field(default=None, description="Starts with this text.")

    def parameters(self, column: str) -> dict[str, str | tuple[str, ...] | None]:
        """The statement parameters that hold these conditions on a column."""
        if self.in_ is not None and len(self.in_) > MAX_VALUES:
            raise InvalidArgumentError(f"{column}.in: at most {MAX_VALUES} values at once.")
        for text in (self.eq, self.contains, self.starts_with, *(self.in_ or ())):
            if text is not None:
                text_of(text, column)
        return {
            f"{column}_eq": self.eq,
            f"{column}_in": None if self.in_ is None else tuple(self.in_),
            f"{column}_contains": self.contains,
            f"{column}_starts_with": self.starts_with,
        }


@strawberry.input(description="Half open: start <= day < end. Days are those of each vehicle's time zone.")
class Period:
    """A half-open range of days."""

    start: datetime.date = strawberry.field(description="The first day.")
    end: datetime.date = strawberry.field(description="The day after the last.")


def bounds(period: Period | None) -> tuple[datetime.date | None, datetime.date | None]:
    """Start and end of a period, None and None without one. Raises InvalidPeriodError."""
    if period is None:
        return None, None
    if period.start >= period.end:
        raise InvalidPeriodError(f"A period ends after it starts: {period.end} is not after {period.start}.")
    return period.start, period.end

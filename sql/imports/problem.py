"""The problems of a file: all of them are found before any is reported."""

from __future__ import annotations

import re

from sql.errors import ImportFileError

MOST_LISTED = 50
LONGEST_SHOWN = 60
SURROGATE = re.compile("[\ud800-\udfff]")
QUOTED = re.compile(r'"[^"]*"')
"""A value in a message, as quoted() puts it there."""


class Problems:
    """Collects problems, keeping the first ones and counting the rest."""

    def __init__(self) -> None:
        self._listed: list[str] = []
        self._more = 0

    def __bool__(self) -> bool:
        return bool(self._listed)

    def add(self, problem: str) -> None:
        """One problem more, in words that name the place in the file."""
        if len(self._listed) < MOST_LISTED:
            self._listed.append(problem)
        else:
            self._more += 1

    def refuse(self) -> None:
        """Raises ImportFileError with the problems, if there are any."""
        if self._more:
            raise ImportFileError([*self._listed, f"... and {self._more} more"])
        if self._listed:
            raise ImportFileError(self._listed)


def printable(value: str) -> str:
    """A value of the file as a message shows it: on one line, and not too long."""
    shown = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}..."
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown)


def quoted(value: str) -> str:
    """The printable value in quotes."""
    return f'"{printable(value)}"'


def is_storable(value: str) -> bool:
    """Whether PostgreSQL can hold the text: it knows neither the NUL character nor halves of surrogate pairs."""
    return "\0" not in value and (value.isascii() or SURROGATE.search(value) is None)

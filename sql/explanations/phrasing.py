"""Phrasing: a provider of one's own, such as a language model, that says in other words what a rule found."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, runtime_checkable

from sql.reference import at

log = logging.getLogger("motomind.explanations")

LONGEST = 1000
"""The most characters of a text."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Finding:
    """What a rule found about a vehicle or a group: one of both ids is None.

    ``figures`` are those of the explanation, ``sentence`` is how the rule says it. The period is half open.
    """

    vehicle_id: str | None
    fleet_group_id: str | None
    kind: str
    period_start: date
    period_end: date
    figures: Mapping[str, Any]
    sentence: str


@runtime_checkable
class Phrasing(Protocol):
    """What puts findings into words.

    ``name`` is kept beside its texts and names its version, like ``acme-3``: with another name everything is phrased
    anew. Calls may take as long as a network does; they run in threads, one at a time in a process. Whatever they raise
    means: not now, and the rule's sentence stays.
    """

    @property
    def name(self) -> str:
        """What it is called, with its version."""

    def phrase(self, finding: Finding) -> str | None:
        """A text of up to 1,000 characters, with no number that is not in the rule's sentence; None keeps that."""


class PhrasingFailedError(Exception):
    """The provider failed, or did not answer in time."""


class Phraser:
    """Asks a provider, for so many ``seconds`` at most, and shows no text that says another number than the rule."""

    def __init__(self, provider: Phrasing, *, seconds: float) -> None:
        self.name = provider.name
        self._provider = provider
        self._seconds = seconds
        self._turn = threading.Lock()
        self._late: threading.Thread | None = None

    def text(self, finding: Finding) -> str:
        """What to show of a finding: the rule's sentence where the provider keeps it, or says what may not be shown.

        Raises PhrasingFailedError.
        """
        with self._turn:
            said = self._ask(finding)
        if said is None:
            return finding.sentence
        text = " ".join(said.split()) if isinstance(said, str) else ""
        if not 0 < len(text) <= LONGEST or not text.isprintable():
            log.warning("%s gave no text of 1 to %d printable characters, the rule's stays", self.name, LONGEST)
            return finding.sentence
        if strange := set(NUMBER.findall(text)) - set(NUMBER.findall(finding.sentence)):
            log.warning("%s said %s, which the rule does not, and the rule's sentence stays", self.name, min(strange))
            return finding.sentence
        return text

    def _ask(self, finding: Finding) -> Any:
        """The provider's answer, from a thread that nobody waits for longer than is set."""
        if self._late is not None and self._late.is_alive():
            raise PhrasingFailedError("it still has an earlier question in hand")
        answers: list[Any] = []
        errors: list[BaseException] = []

        def call() -> None:
            try:
                answers.append(self._provider.phrase(finding))
            except BaseException as error:  # noqa: BLE001 - whatever it is, it means: not now
                errors.append(error)

        thread = threading.Thread(target=call, name="phrasing", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if errors:
            raise PhrasingFailedError(f"{type(errors[0]).__name__}: {errors[0]}") from errors[0]
        if not answers:
            self._late = thread
            raise PhrasingFailedError(f"no answer within {self._seconds:g} s")
        return answers[0]


def phraser(reference: str, *, seconds: float) -> Phraser:
    """Asks the provider at ``module:attribute``; a class or function there is called for it. Raises ValueError."""
    provider = at(reference, lambda found: isinstance(found, Phrasing))
    if not isinstance(provider, Phrasing):
        raise ValueError(f"{reference!r} has no name and phrase")  # noqa: TRY004 - a setting that is wrong
    if not isinstance(provider.name, str) or not NAME.fullmatch(provider.name):
        raise ValueError(f"{reference!r} has a name other than of letters, digits, dots and hyphens, like acme-3")
    return Phraser(provider, seconds=seconds)

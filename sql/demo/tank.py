"""The fuel tank of a demo vehicle, and its economy from one full fill to the next."""

from __future__ import annotations

import random
from dataclasses import dataclass

SKIPPED_SHARE = 0.015
PARTIAL_SHARE = 0.12
THOUSAND = 1000


@dataclass(frozen=True)
class Fill:
    """A recorded purchase; ``span_miles`` and ``span_milligallons`` are of the span it closes, else 0."""

    milligallons: int
    is_full: bool
    missed_previous: bool
    span_miles: int = 0
    span_milligallons: int = 0


class Tank:
    """What is left to burn, in gallons, and what was filled since the last full fill."""

    def __init__(self, fortune: random.Random, capacity: float) -> None:
        self.capacity = capacity
        self.level = capacity * fortune.uniform(0.3, 1.0)
        self._reserve = capacity * fortune.uniform(0.12, 0.25)
        self._fortune = fortune
        self._full_at: int | None = None
        self._milligallons = 0
        self._missed = False

    def stop(self, burn: float) -> float | None:
        """The part of a day's driving, 0 to 1, after which the driver stops for fuel; None where the day needs none."""
        if not burn or self.level - burn >= self._reserve:
            return None
        return min(self._fortune.uniform(0.05, 0.8), max(0.0, (self.level - 0.03 * self.capacity) / burn))

    def fill(self, odometer: int) -> Fill | None:
        """Fills up at an odometer in miles; None where nobody wrote it down."""
        room = self.capacity - self.level
        is_full = self._fortune.random() >= PARTIAL_SHARE
        milligallons = round((room if is_full else room * self._fortune.uniform(0.4, 0.75)) * THOUSAND)
        self.level += milligallons / THOUSAND
        if self._fortune.random() < SKIPPED_SHARE:
            self._missed, self._full_at = True, None
            return None
        missed, self._missed = self._missed, False
        self._milligallons += milligallons
        fill = Fill(milligallons, is_full, missed)
        if is_full:
            if self._full_at is not None:
                fill = Fill(milligallons, is_full, missed, odometer - self._full_at, self._milligallons)
            self._full_at, self._milligallons = odometer, 0
        return fill

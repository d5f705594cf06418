"""The year as drivers feel it: how much they drive, what a gallon costs, and the hours of a working day."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, time, timedelta

YEAR_DAYS = 365.25
MIDSUMMER = 190
SATURDAY = 5
DAY_OFF_SHARE = 0.04
WEEKEND_MILES = 0.55
DRIVING_BEGINS = time(13, tzinfo=UTC)
DRIVING_HOURS = 10
"""Driving is from 13:00 to 23:00 UTC: 6 to 16 o'clock in California, and the same UTC day everywhere."""


def warmth(day: date) -> float:
    """The season from -1 in midwinter to 1 in midsummer."""
    return math.cos((day.timetuple().tm_yday - MIDSUMMER) / YEAR_DAYS * 2 * math.pi)


def miles(fortune: random.Random, day: date, weekday_miles: float, weekend_share: float, longest: int) -> int:
    """The miles of one vehicle's day; ``weekend_share`` is how often it moves on a Saturday or Sunday."""
    chance, spread = fortune.random(), fortune.lognormvariate(0, 0.35)
    if day.weekday() >= SATURDAY:
        if chance >= weekend_share:
            return 0
        spread *= WEEKEND_MILES
    elif chance < DAY_OFF_SHARE:
        return 0
    return min(longest, int(weekday_miles * spread * (1 + 0.12 * warmth(day))))


def cents_per_gallon(fortune: random.Random, day: date, fuel: str) -> int:
    """What a gallon costs at a station that day, in cents."""
    base = 405 if fuel == "diesel" else 355
    return base + round(22 * warmth(day)) + fortune.randint(-18, 28)


def moment(fortune: random.Random, day: date, fraction: float, minutes: int = 0) -> datetime:
    """The time, in UTC, at which a ``fraction`` of the day's driving is done, moved by ``minutes``."""
    begin = datetime.combine(day, DRIVING_BEGINS)
    return begin + timedelta(seconds=int(fraction * DRIVING_HOURS * 3600) + minutes * 60 + fortune.randrange(60))


def iso(at: datetime) -> str:
    """A time as payloads carry it: ISO 8601 with a Z."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

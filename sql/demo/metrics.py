"""Rows of vehicle_metrics: a demo vehicle's days, added up to weeks and months."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import orjson

from sql.demo.blueprint import dice
from sql.demo.life import WEEK, Day, Life
from sql.demo.payloads import CRUISE_MPH
from sql.demo.tank import THOUSAND

COLUMNS = (
    "tenant_id", "vehicle_id", "metric_date", "period_type", "brake_wear_pct", "fuel_efficiency_mpg", "harsh_events",
    "idle_minutes", "miles_driven", "last_service_date", "data_completeness_pct", "source_latency_sec",
    "sensor_presence", "advanced_metrics",
)  # fmt: skip
GAP_SHARE = 0.06
FUEL_GAUGE_SHARE = 0.4
TELEMATICS_LATENCY = (20, 900)
CAPTURED_LATENCY = (1800, 43200)
WEAR_LIMIT_PCT = 90
MILES_PER_WEAR_PCT = 380


def monday(day: date) -> date:
    """The first day of the day's week."""
    return day - timedelta(days=day.weekday())


def first_of_month(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def economy(days: Sequence[Day]) -> float | None:
    """Miles per gallon over the full-to-full spans that close in these days; None where none does."""
    fuel = sum(day.span_milligallons for day in days)
    return round(sum(day.span_miles for day in days) * THOUSAND / fuel, 2) if fuel else None


def rows(tenant_id: str, life: Life) -> Iterator[tuple[Any, ...]]:
    """The daily, weekly and monthly rows of a life; weeks begin on Monday, and all three add up to the same miles."""
    vehicle = life.vehicle
    fortune = dice(f"{vehicle.seed}/metrics")
    has_telematics = vehicle.attributes["operational"]["telematics"]
    latencies = TELEMATICS_LATENCY if has_telematics else CAPTURED_LATENCY
    sensors = orjson.dumps(
        {
            "odometer": True,
            "gps": has_telematics,
            "accelerometer": has_telematics,
            "fuel_level": fortune.random() < FUEL_GAUGE_SHARE,
        }
    ).decode()
    complete = {
        day.on: fortune.randint(60, 95) if fortune.random() < GAP_SHARE else 100 if has_telematics else 90
        for day in life.days
    }

    def row(start: date, period: str, length: int, days: Sequence[Day]) -> tuple[Any, ...]:
        last = days[-1]
        mpg = economy(days)
        return (
            tenant_id,
            vehicle.id,
            start,
            period,
            f"{last.brake_wear:.2f}",
            mpg,
            sum(day.harsh_events for day in days),
            sum(day.idle_minutes for day in days),
            sum(day.miles for day in days),
            last.last_service,
            round(sum(complete[day.on] for day in days) / length),
            fortune.randint(*latencies),
            sensors,
            _advanced(days, mpg, vehicle.interval),
        )

    for day in life.days:
        yield row(day.on, "daily", 1, (day,))
    for start, days in groupby(life.days, lambda day: monday(day.on)):
        yield row(start, "weekly", WEEK, tuple(days))
    for start, days in groupby(life.days, lambda day: first_of_month(day.on)):
        yield row(start, "monthly", monthrange(start.year, start.month)[1], tuple(days))


def _advanced(days: Sequence[Day], mpg: float | None, interval: int) -> str:
    miles = sum(day.miles for day in days)
    idle = sum(day.idle_minutes for day in days)
    moving = miles * 60 / CRUISE_MPH
    last = days[-1]
    return orjson.dumps(
        {
            "performance": {
                "average_speed_mph": CRUISE_MPH if miles else None,
                "harsh_events_per_100_miles": _share(sum(day.harsh_events for day in days) * 100, miles),
            },
            "efficiency": {"mpg": mpg, "idle_pct": _share(idle * 100, moving + idle)},
            "utilization": {
                "active_days": sum(1 for day in days if day.miles),
                "engine_hours": round((moving + idle) / 60, 1),
            },
            "predictive": {
                "service_due_in_miles": interval - last.since_service,
                "brakes_due_in_miles": round((WEAR_LIMIT_PCT - last.brake_wear) * MILES_PER_WEAR_PCT),
            },
        }
    ).decode()


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 1) if whole else None

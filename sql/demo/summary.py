"""Rows of fleet_summary_metrics: what the vehicles of a group and everything below it did, by month and day."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from sql.demo.blueprint import Blueprint, dice, identity
from sql.demo.life import Day, Life
from sql.demo.metrics import first_of_month
from sql.demo.season import SATURDAY
from sql.demo.tank import THOUSAND

COLUMNS = (
    "tenant_id", "id", "fleet_group_id", "metric_date", "total_vehicles", "active_vehicles", "total_miles_driven",
    "avg_fuel_efficiency", "total_fuel_cost", "on_time_pct", "utilization_pct", "maintenance_compliance_pct",
    "predicted_maintenance_cost", "risk_score", "computed_at",
)  # fmt: skip
DAILY_ROWS = 7
COMPUTED = time(3, 10, tzinfo=UTC)
OVERDUE = 1.1
DUE_SOON = 0.9
REPAIRS_PER_MILE = 0.00007
MILES_AHEAD = 900
OPEN_ISSUE_RISK = 0.3
SERVICE_CENTS = 14500
REPAIR_CENTS = 68000


@dataclass(slots=True)
class Tally:
    """Sums over vehicles in one period. Money in cents, fuel in thousandths of a gallon."""

    active: int = 0
    miles: int = 0
    span_miles: int = 0
    span_milligallons: int = 0
    fuel_cents: int = 0
    repair_cents: int = 0
    used_days: int = 0
    working_days: int = 0
    compliant: int = 0
    risk: float = 0.0
    predicted_cents: int = 0

    def add(self, other: Tally) -> None:
        """Adds another's sums to these."""
        self.active += other.active
        self.miles += other.miles
        self.span_miles += other.span_miles
        self.span_milligallons += other.span_milligallons
        self.fuel_cents += other.fuel_cents
        self.repair_cents += other.repair_cents
        self.used_days += other.used_days
        self.working_days += other.working_days
        self.compliant += other.compliant
        self.risk += other.risk
        self.predicted_cents += other.predicted_cents

    @property
    def economy(self) -> float | None:
        """Miles per gallon: the sum of miles by the sum of gallons over closed spans; None without any."""
        return round(self.span_miles * THOUSAND / self.span_milligallons, 2) if self.span_milligallons else None


def tally(days: Sequence[Day], interval: int) -> Tally:
    """One vehicle's period; ``interval`` is between services, in miles."""
    last = days[-1]
    worn = last.since_service / interval
    p_overdue = min(0.9, max(0.0, (worn - DUE_SOON) / 0.5))
    p_repair = 1 - math.exp(-REPAIRS_PER_MILE * MILES_AHEAD)
    risk = 1 - (1 - p_repair) * (1 - p_overdue) * (1 - OPEN_ISSUE_RISK * last.has_open_issue)
    return Tally(
        active=int(any(day.miles for day in days)),
        miles=sum(day.miles for day in days),
        span_miles=sum(day.span_miles for day in days),
        span_milligallons=sum(day.span_milligallons for day in days),
        fuel_cents=sum(day.fuel_cents for day in days),
        repair_cents=sum(day.repair_cents for day in days),
        used_days=sum(1 for day in days if day.miles and day.on.weekday() < SATURDAY),
        working_days=sum(1 for day in days if day.on.weekday() < SATURDAY),
        compliant=int(worn <= OVERDUE),
        risk=risk,
        predicted_cents=round(SERVICE_CENTS * (worn > DUE_SOON) + REPAIR_CENTS * risk),
    )


class Summary:
    """The sums of one tenant, kept per group (None: the whole tenant) and period while vehicles come by."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._lineages = {group.path: group.lineage for group in blueprint.groups}
        self._vehicles: defaultdict[str | None, int] = defaultdict(int)
        self._sums: defaultdict[tuple[str | None, date], Tally] = defaultdict(Tally)
        self._ends: dict[date, date] = {}

    def add(self, life: Life) -> None:
        """Counts a vehicle in its group, in every group above, and in the tenant."""
        home = life.vehicle.home
        holders: list[str | None] = [None, *(self._lineages[home] if home is not None else ())]
        for holder in holders:
            self._vehicles[holder] += 1
        for start, days in self._periods(life.days):
            self._ends[start] = days[-1].on
            sums = tally(days, life.vehicle.interval)
            for holder in holders:
                self._sums[holder, start].add(sums)

    def total(self, path: str | None) -> Tally:
        """The sums of a group's subtree over the months, which are the whole history."""
        whole = Tally()
        for start in self._ends:
            if start == first_of_month(start):
                whole.add(self._sums[path, start])
        return whole

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """A row for the tenant and for each group, per month and for the last days; a first of month is its month's."""
        blueprint = self._blueprint
        for path in (None, *self._lineages):
            for start, end in sorted(self._ends.items()):
                yield self._row(blueprint, path, start, end)

    def _periods(self, days: Sequence[Day]) -> Iterator[tuple[date, Sequence[Day]]]:
        for start, month in groupby(days, lambda day: first_of_month(day.on)):
            yield start, tuple(month)
        for day in days[-DAILY_ROWS:]:
            if day.on.day > 1:
                yield day.on, (day,)

    def _row(self, blueprint: Blueprint, path: str | None, start: date, end: date) -> tuple[Any, ...]:
        sums, vehicles = self._sums[path, start], self._vehicles[path]
        name = f"{blueprint.name}/summary/{path or ''}/{start}"
        punctual = f"{dice(name).uniform(89, 99.5):.2f}" if sums.active else None
        return (
            str(blueprint.id),
            str(identity(name)),
            blueprint.group_id(path),
            start,
            vehicles,
            sums.active,
            sums.miles,
            sums.economy,
            f"{sums.fuel_cents / 100:.2f}" if vehicles else None,
            punctual,
            f"{sums.used_days * 100 / sums.working_days:.2f}" if sums.working_days else None,
            f"{sums.compliant * 100 / vehicles:.2f}" if vehicles else None,
            f"{sums.predicted_cents / 100:.2f}" if vehicles else None,
            f"{sums.risk / vehicles:.3f}" if vehicles else None,
            datetime.combine(end + timedelta(days=1), COMPUTED),
        )

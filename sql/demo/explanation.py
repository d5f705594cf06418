"""Rows of explanations: what a rule noticed about a demo vehicle or group, in words and figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from sql.demo.blueprint import Blueprint, identity
from sql.demo.life import LOSING_DAYS, Life
from sql.demo.metrics import economy
from sql.demo.summary import OVERDUE, Summary

COLUMNS = (
    "tenant_id", "id", "vehicle_id", "fleet_group_id", "period_start", "period_end", "text", "figures",
    "model_version", "created_at",
)  # fmt: skip
MODEL_VERSION = "rules-1"
PER_RULE = 3
FALLEN_PCT = 8.0
OUTLIER_SHARE = 0.4
WRITTEN = time(4, tzinfo=UTC)


@dataclass(frozen=True)
class Finding:
    """What a rule noticed: how much it matters, about which vehicle or group, since when."""

    weight: float
    rule: str
    vehicle_id: str | None
    group: str | None
    start: date
    text: str
    figures: dict[str, Any]


class Findings:
    """The most telling findings of one tenant, a few per rule."""

    def __init__(self, first_day: date, until: date) -> None:
        self._until = until
        self._first_day = first_day
        self._recent = until - timedelta(days=min(LOSING_DAYS, (until - first_day).days // 2))
        self._best: dict[str, list[Finding]] = {}

    def look(self, life: Life) -> None:
        """Applies the rules about vehicles."""
        self._look_at_economy(life)
        self._look_at_service(life)
        self._look_at_cost(life)

    def compare(self, blueprint: Blueprint, summary: Summary) -> None:
        """Applies the rule about groups: fuel and service per mile against the whole tenant's."""
        whole = summary.total(None)
        for group in blueprint.groups:
            sums = summary.total(group.path)
            if sums.miles and whole.fuel_cents + whole.repair_cents:
                cents = (sums.fuel_cents + sums.repair_cents) / sums.miles
                usual = (whole.fuel_cents + whole.repair_cents) / whole.miles
                above = (cents / usual - 1) * 100
                difference = (
                    f"{abs(above):.0f} % {'more' if above > 0 else 'less'} than" if round(above) else "as much as"
                )
                text = f"A mile of {group.name} costs {cents:.1f} cents, {difference} the whole fleet's {usual:.1f}."
                figures = {
                    "rule": "cost_per_mile",
                    "cents_per_mile": round(cents, 2),
                    "fleet_cents_per_mile": round(usual, 2),
                }
                self._keep(Finding(above, "group_cost", None, group.path, self._first_day, text, figures))

    def rows(self, blueprint: Blueprint) -> Iterator[tuple[Any, ...]]:
        """The rows of what was kept, in a fixed order, a minute apart."""
        kept = [finding for rule in sorted(self._best) for finding in self._best[rule]]
        for index, finding in enumerate(kept):
            subject = finding.vehicle_id or f"group/{finding.group}"
            yield (
                str(blueprint.id),
                str(identity(f"{blueprint.name}/explanation/{finding.rule}/{subject}")),
                finding.vehicle_id,
                blueprint.group_id(finding.group),
                finding.start,
                self._until,
                finding.text,
                orjson.dumps(finding.figures).decode(),
                MODEL_VERSION,
                datetime.combine(self._until, WRITTEN) + timedelta(minutes=index),
            )

    def _look_at_economy(self, life: Life) -> None:
        since = (self._recent - self._first_day).days
        before, now = economy(life.days[:since]), economy(life.days[since:])
        if before is None or now is None:
            return
        fallen = (1 - now / before) * 100
        if fallen >= FALLEN_PCT:
            text = (
                f"{life.vehicle.label} gets {now:.1f} mpg since {self._recent}, "
                f"{fallen:.0f} % less than the {before:.1f} before."
            )
            figures = {"rule": "economy_falling", "mpg": now, "mpg_before": before, "change_pct": round(-fallen, 1)}
            self._keep(Finding(fallen, "economy", life.vehicle.id, None, self._recent, text, figures))

    def _look_at_service(self, life: Life) -> None:
        vehicle, last = life.vehicle, life.days[-1]
        if last.last_service is None or last.since_service <= vehicle.interval * OVERDUE:
            return
        over = last.since_service - vehicle.interval
        text = (
            f"{vehicle.label} is {over} miles past its service, which was due {vehicle.interval} miles after the last."
        )
        figures = {
            "rule": "service_overdue",
            "miles_since_service": last.since_service,
            "interval_miles": vehicle.interval,
            "last_service_date": last.last_service.isoformat(),
        }
        self._keep(Finding(over / vehicle.interval, "service", vehicle.id, None, last.last_service, text, figures))

    def _look_at_cost(self, life: Life) -> None:
        miles = sum(day.miles for day in life.days)
        gallons_cost = sum(day.fuel_cents for day in life.days)
        repairs = sum(day.repair_cents for day in life.days)
        if not miles or not gallons_cost:
            return
        share = repairs / gallons_cost
        text = (
            f"{life.vehicle.label} needed {repairs / 100:.2f} dollars of service over {miles} miles, "
            f"{share * 100:.0f} % of what its fuel cost."
        )
        figures = {
            "rule": "cost_outlier" if share >= OUTLIER_SHARE else "service_cost",
            "service_cost": repairs / 100,
            "fuel_cost": gallons_cost / 100,
            "miles": miles,
        }
        if share > 0:
            self._keep(Finding(share, "cost", life.vehicle.id, None, self._first_day, text, figures))

    def _keep(self, finding: Finding) -> None:
        best = self._best.setdefault(finding.rule, [])
        best.append(finding)
        best.sort(key=lambda kept: -kept.weight)
        del best[PER_RULE:]

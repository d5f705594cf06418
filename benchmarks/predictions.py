"""Predictions, back-tested: ``python -m benchmarks.predictions`` writes docs/predictions.md and its plot.

At each of many cut-off dates a transaction takes out all that happened from then on, asks the same SQL that answers
clients, and is rolled back; then it is looked up what really came. On the demo, and with ``--fuel-log`` on the fills of
real cars: a directory of CSV files as ``motomind import fuel-log`` takes them.
"""

from __future__ import annotations

import argparse
import bisect
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.calibration import Chance, draw
from benchmarks.database import ROOT
from benchmarks.report import markdown
from sql import embedded
from sql.demo import DemoSize, load_demo
from sql.imports import import_fuel_log
from sql.migrate import migrate

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
AHEAD = timedelta(days=30)
FLEET = DemoSize(tenants=1, groups=12, vehicles=200, days=730)
FLEET_CUTS = [UNTIL - timedelta(days=n) for n in range(40, 671, 30)]
YEAR = timedelta(days=365)
LOG_EVERY = timedelta(days=15)
LOG_WARM_UP = timedelta(days=180)
LOG_BOUNDS = (1000, 2500, 5000)
TENANT = "Fuel log"
SHORT, LONG = "the fleet, less than a year known", "the fleet, a year or more known"
PLOTTED = ("p_repair", "p_overdue", "riskScore")
TEMPLATE = Path(__file__).parent / "predictions.md.template"

FORGET = "delete from manual_events where tenant_id = %s and occurred_at >= %s"
SERVICE = """
  insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
  select %s, r.vehicle_id, 'maintenance',
         jsonb_build_object('service_type', 'oil_change', 'odometer_miles', r.miles,
                            'next_service', jsonb_build_object('miles', %s::integer)),
         (select m.user_id from memberships m where m.tenant_id = %s limit 1), r.occurred_at
    from app.current_readings(%s, array[%s]) r
   where r.rejected_reason is null
   order by r.occurred_at desc, r.driven desc limit 1"""
PREDICT = """
  select vehicle_id, next_service_date, earliest, latest, risk_score, factors
    from app.maintenance_predictions(%s, %s::uuid[], %s)"""
READINGS = """
  select vehicle_id, occurred_at, driven from odometer_readings
   where tenant_id = %s and rejected_reason is null order by vehicle_id, occurred_at, driven"""
MAINTENANCE = """
  select vehicle_id, payload ->> 'service_type' = 'repair', occurred_at from manual_events
   where tenant_id = %s and event_type = 'maintenance' order by occurred_at"""


@dataclass(frozen=True)
class Course:
    """What really happened to a vehicle: its accepted readings, its services and its repairs."""

    at: Sequence[datetime]
    driven: Sequence[int]
    services: Sequence[datetime]
    repairs: Sequence[datetime]

    def reached(self, miles: float) -> datetime | None:
        """When so many miles were driven, on the line between two readings; None where they never were."""
        for (at, before), (later, after) in pairwise(zip(self.at, self.driven, strict=True)):
            if before <= miles <= after and after > before:
                return at + (later - at) * ((miles - before) / (after - before))
        return None

    def known(self, cut: datetime) -> int:
        """How many readings there were before a moment."""
        return bisect.bisect_left(self.at, cut)

    def rate(self, cut: datetime, days: int) -> float | None:
        """Miles a day over the last days of readings before a moment."""
        last = self.known(cut) - 1
        began = max(self.at[last] - timedelta(days=days), self.at[0])
        i = bisect.bisect_right(self.at, began) - 1
        if i >= last:
            return None
        share = (began - self.at[i]) / (self.at[i + 1] - self.at[i])
        first = self.driven[i] + share * (self.driven[i + 1] - self.driven[i])
        return (self.driven[last] - first) / ((self.at[last] - began) / timedelta(days=1))


@dataclass(frozen=True)
class Dated:
    """A predicted day and the one that came, in days from the cut-off."""

    ahead: float
    error: float
    error_of_30_days: float
    error_of_365_days: float
    place: int
    """0 before the earliest, 1 before the predicted day, 2 before the latest, 3 after it."""


@dataclass
class Found:
    """What a back-test found: dates, how many were left out, and chances by their name.

    Left out are those whose latest day is after the end of the data: by what was said, not by what came.
    """

    dates: list[Dated] = field(default_factory=list)
    left_out: int = 0
    chances: dict[str, list[Chance]] = field(default_factory=dict)


def main() -> None:
    """Tests, prints the figures and writes the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fuel-log", type=Path, metavar="DIRECTORY", help="CSV files of real fills")
    options.add_argument("--dry", action="store_true", help="print the figures, and write nothing")
    given = options.parse_args()
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:4.0f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory() as directory, embedded.database(Path(directory)) as addresses:
        migrate(addresses.owner)
        tell("Making the fleet ...")
        load_demo(addresses.owner, size=FLEET, until=UNTIL.date(), progress=lambda *_: None)
        with psycopg.connect(addresses.owner, autocommit=True) as connection:
            tell(f"{len(FLEET_CUTS)} cut-off dates ...")
            found = _test_fleet(connection)
        if given.fuel_log is not None:
            for path in sorted(given.fuel_log.glob("*.csv")):
                tell(f"{path.name} ...")
                import_fuel_log(addresses.owner, path, tenant=TENANT, progress=lambda *_: None)
            with psycopg.connect(addresses.owner, autocommit=True) as connection:
                found |= _test_log(connection)
    tables = _tables(found)
    for name, rows in tables.items():
        print(f"\n{name}\n{rows}")
    if not given.dry:
        draw(
            {name: [dated.place for dated in part.dates] for name, part in found.items() if part.dates},
            {name: some for name, some in _chances_of(found).items() if name in PLOTTED},
            ROOT / "docs" / "predictions" / "calibration.svg",
        )
        text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(tables)
        (ROOT / "docs" / "predictions.md").write_text(text, encoding="utf-8")
        tell("Wrote docs/predictions.md and its plot.")


def _courses(connection: psycopg.Connection[Any], tenant_id: UUID) -> dict[UUID, Course]:
    connection.execute("select app.refresh_changed_figures()")
    courses: dict[UUID, Course] = {}
    for vehicle, at, driven in connection.execute(READINGS, [tenant_id]):
        course = courses.setdefault(vehicle, Course([], [], [], []))
        course.at.append(at)  # type: ignore[attr-defined]
        course.driven.append(driven)  # type: ignore[attr-defined]
    for vehicle, is_repair, at in connection.execute(MAINTENANCE, [tenant_id]):
        if vehicle in courses:
            (courses[vehicle].repairs if is_repair else courses[vehicle].services).append(at)  # type: ignore[attr-defined]
    return courses


def _test_fleet(connection: psycopg.Connection[Any]) -> dict[str, Found]:
    ((tenant_id,),) = connection.execute("select id from tenants").fetchall()
    courses = _courses(connection, tenant_id)
    found = {SHORT: Found(), LONG: Found()}
    for cut in FLEET_CUTS:
        with connection.transaction(force_rollback=True):
            connection.execute(FORGET, [tenant_id, cut])
            connection.execute("select app.refresh_changed_figures()")
            connection.execute("select app.refresh_class_rates(%s, '0')", [tenant_id])
            rows = connection.execute(PREDICT, [tenant_id, list(courses), cut]).fetchall()
        for vehicle, *days, risk, factors in rows:
            part = found[LONG if cut - courses[vehicle].at[0] >= YEAR else SHORT]
            _compare_dates(courses[vehicle], cut, days, factors, part)
            _compare_chances(courses[vehicle], cut, risk, factors, part)
    return found


def _test_log(connection: psycopg.Connection[Any]) -> dict[str, Found]:
    ((tenant_id,),) = connection.execute("select id from tenants where name = %s", [TENANT]).fetchall()
    found = {f"the log, {bound:,} miles after a service": Found() for bound in LOG_BOUNDS}
    for vehicle, course in _courses(connection, tenant_id).items():
        for cut in _cuts(course):
            for bound, part in zip(LOG_BOUNDS, found.values(), strict=True):
                with connection.transaction(force_rollback=True):
                    connection.execute(FORGET, [tenant_id, cut])
                    connection.execute(SERVICE, [tenant_id, bound, tenant_id, tenant_id, vehicle])
                    rows = connection.execute(PREDICT, [tenant_id, [vehicle], cut]).fetchall()
                for _, *days, _risk, factors in rows:
                    _compare_dates(course, cut, days, factors, part)
    return found


def _cuts(course: Course) -> Iterator[datetime]:
    cut = course.at[0] + LOG_WARM_UP
    while cut < course.at[-1]:
        yield cut
        cut += LOG_EVERY


def _compare_dates(course: Course, cut: datetime, days: Sequence[date | None], told: Any, found: Found) -> None:
    """The day on which the odometer crossed the bound, against what was said; unless it had crossed it before."""
    (expected, earliest, latest), left = days, told["service"]["miles_remaining"]
    if expected is None or earliest is None or left is None or left <= 0:
        return
    if latest is None or latest >= course.at[-1].date():
        found.left_out += 1
        return
    came = course.reached(told["repair"]["miles"] + left) or course.at[-1]
    on = came.date()
    last = course.at[course.known(cut) - 1]
    rates = [course.rate(cut, days) for days in (30, 365)]
    naive = [max(cut, last + timedelta(days=left / rate)).date() if rate else date.max for rate in rates]
    found.dates.append(
        Dated(
            (came - cut) / timedelta(days=1),
            abs((on - expected).days),
            *(abs((on - day).days) for day in naive),
            0 if on < earliest else 1 if on < expected else 2 if on <= latest else 3,
        )
    )


def _compare_chances(course: Course, cut: datetime, risk: float | None, told: Any, found: Found) -> None:
    if risk is None:
        return
    end = cut + AHEAD
    mended = any(cut <= at < end for at in course.repairs)
    service, driven = told["service"], told["repair"]["miles"]
    late = service["state"] == "OVERDUE"
    if not late and service["miles_remaining"] is not None:
        over = course.reached(driven + service["miles_remaining"] + 0.1 * service["miles_allowed"])
        next_service = next((at for at in course.services if at >= cut), end)
        late = over is not None and over < min(end, next_service)
    for name, said, came in (
        ("p_repair", told["p_repair"], mended),
        ("p_overdue", told["p_overdue"], late),
        ("riskScore", risk, mended or late),
        ("p_repair and p_open_issue", 1 - (1 - told["p_repair"]) * (1 - told["p_open_issue"]), mended),
    ):
        found.chances.setdefault(name, []).append(Chance(said, came))
    if service["state"] != "OVERDUE":
        found.chances.setdefault("p_overdue, of those that are not overdue", []).append(Chance(told["p_overdue"], late))


def _chances_of(found: Mapping[str, Found]) -> dict[str, list[Chance]]:
    chances: dict[str, list[Chance]] = {}
    for part in found.values():
        for name, some in part.chances.items():
            chances.setdefault(name, []).extend(some)
    return chances


def _tables(found: Mapping[str, Found]) -> dict[str, str]:
    return {
        "dates": markdown([
            ["", "predictions", "median days ahead", "median error, days", "of 365 days' usage", "of 30 days' usage",
             "before the earliest", "after the latest", "between", "left out"],
            *(_dates(name, part) for name, part in found.items() if part.dates),
        ]),
        "chances": markdown([
            ["", "predictions", "said on average", "came", "Brier score", "of the average alone"],
            *(_chances(name, some) for name, some in _chances_of(found).items()),
        ]),
    }  # fmt: skip


def _dates(name: str, found: Found) -> list[str]:
    count = len(found.dates)
    before, after = (sum(d.place == place for d in found.dates) / count for place in (0, 3))
    return [
        name, f"{count:,}", f"{statistics.median(d.ahead for d in found.dates):.0f}",
        f"{statistics.median(d.error for d in found.dates):.1f}",
        f"{statistics.median(d.error_of_365_days for d in found.dates):.1f}",
        f"{statistics.median(d.error_of_30_days for d in found.dates):.1f}",
        f"{before:.0%}", f"{after:.0%}", f"{1 - before - after:.0%}", f"{found.left_out:,}",
    ]  # fmt: skip


def _chances(name: str, chances: Sequence[Chance]) -> list[str]:
    came = statistics.fmean(chance.came for chance in chances)
    brier = statistics.fmean((chance.said - chance.came) ** 2 for chance in chances)
    said = statistics.fmean(chance.said for chance in chances)
    return [name, f"{len(chances):,}", f"{said:.3f}", f"{came:.3f}", f"{brier:.4f}", f"{came * (1 - came):.4f}"]


if __name__ == "__main__":
    main()

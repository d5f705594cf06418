"""The life of a demo vehicle: day after day of driving, and the events that people capture about it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sql.demo import payloads, season
from sql.demo.blueprint import dice
from sql.demo.tank import Tank
from sql.demo.vehicle import Vehicle

LOSING_DAYS = 45
RECEIPT_SHARE = 0.12
TYPO_SHARE = 1 / 220
ISSUE_SHARE = 1 / 190
BRAKES_WORN_PCT = 78.0
WEEK = 7


@dataclass(frozen=True, slots=True)
class Event:
    """A captured event; ``author`` picks among the people who capture, ``lag`` is until it was entered, in minutes."""

    at: datetime
    kind: str
    payload: dict[str, Any]
    confidence: int
    verified: bool
    author: int
    lag: int
    has_receipt: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """What one day added, and how it left the vehicle. Fuel in thousandths of a gallon."""

    on: date
    miles: int
    idle_minutes: int
    harsh_events: int
    span_miles: int
    span_milligallons: int
    odometer: int
    brake_wear: float
    since_service: int
    last_service: date | None


@dataclass(frozen=True)
class Life:
    """Everything that happened to a vehicle, by day and as events in the order of their time."""

    vehicle: Vehicle
    days: tuple[Day, ...]
    events: tuple[Event, ...]


def live(vehicle: Vehicle, first_day: date, until: date) -> Life:
    """The vehicle's life from ``first_day`` to the day before ``until``."""
    course = _Course(vehicle, first_day, until)
    days = tuple(course.spend(first_day + timedelta(days=n)) for n in range((until - first_day).days))
    return Life(vehicle, days, tuple(sorted(course.events, key=lambda event: event.at)))


class _Course:
    """A vehicle on its way through the days."""

    def __init__(self, vehicle: Vehicle, first_day: date, until: date) -> None:
        self.events: list[Event] = []
        self._vehicle = vehicle
        self._until = until
        self._losing_from = until - timedelta(days=min(LOSING_DAYS, (until - first_day).days // 2))
        self._fortune = dice(f"{vehicle.seed}/life")
        self._tank = Tank(self._fortune, vehicle.model.tank)
        self._odometer = vehicle.odometer
        self._since_service = self._fortune.randrange(vehicle.interval)
        self._services = self._fortune.randrange(len(payloads.ROUTINE))
        self._last_service: date | None = None
        self._brake_wear = self._fortune.uniform(5, 60)
        self._brake_life = self._fortune.uniform(28000, 48000)
        self._repairs: list[datetime] = []
        self._workshop = dice(f"{vehicle.seed}/repairs")
        self._next_reading = first_day
        self._batch_day = self._fortune.randrange(WEEK)
        self._trips: list[dict[str, Any]] = []

    def spend(self, day: date) -> Day:
        """Lives through one day, captures its events and returns its figures."""
        vehicle, fortune = self._vehicle, self._fortune
        miles = season.miles(fortune, day, vehicle.weekday_miles, vehicle.weekend_share, vehicle.longest_day)
        self._service(day)
        self._repair(day)
        span_miles, span_milligallons = self._drive(day, miles)
        idle_minutes = int(miles * fortune.uniform(0.1, 0.45))
        harsh_events = int(miles * fortune.random() ** 2 / 22)
        self._report_issue(day, miles)
        self._odometer += miles
        self._since_service += miles
        self._brake_wear = min(99.0, self._brake_wear + miles / self._brake_life * 100 + harsh_events * 0.01)
        self._read_odometer(day)
        self._batch_trips(day, miles, idle_minutes, harsh_events)
        return Day(
            day, miles, idle_minutes, harsh_events, span_miles, span_milligallons,
            self._odometer, self._brake_wear, self._since_service, self._last_service,
        )  # fmt: skip

    def _capture(
        self,
        at: datetime,
        kind: str,
        payload: dict[str, Any],
        confidence: int | None = None,
        *,
        receipt: bool = False,
        fortune: random.Random | None = None,
    ) -> None:
        fortune = fortune or self._fortune
        sure = fortune.choice((70, 80, 80, 80, 90, 95, 100)) if confidence is None else confidence
        verified, author, lag = fortune.random() < sure / 160, fortune.randrange(1000), fortune.randint(1, 25)
        self.events.append(Event(at, kind, payload, sure, verified, author, lag, receipt))

    def _service(self, day: date) -> None:
        """Goes to the garage in the morning where it is time."""
        vehicle = self._vehicle
        if day.weekday() >= season.SATURDAY or self._since_service < vehicle.interval * vehicle.patience:
            return
        service = payloads.ROUTINE[self._services % len(payloads.ROUTINE)]
        if self._brake_wear > BRAKES_WORN_PCT:
            service, self._brake_wear = "brake_service", 2.0
        payload = payloads.maintenance(self._fortune, service, self._odometer, vehicle.interval)
        self._capture(season.moment(self._fortune, day, 0, -40), "maintenance", payload)
        self._services += 1
        self._since_service, self._last_service = 0, day

    def _repair(self, day: date) -> None:
        """Has mended what is mended on this day."""
        for at in self._repairs:
            if at.date() == day:
                self._capture(at, "maintenance", payloads.repair(self._workshop), fortune=self._workshop)

    def _drive(self, day: date, miles: int) -> tuple[int, int]:
        """Burns the fuel of the day and buys more on the way; returns what span it closed, in miles and fuel."""
        vehicle, fortune, tank = self._vehicle, self._fortune, self._tank
        loss = vehicle.economy_loss if day >= self._losing_from else 0.0
        mpg = vehicle.true_mpg * (1 + 0.04 * season.warmth(day) - loss) * fortune.uniform(0.96, 1.04)
        burn = miles / mpg
        part = tank.stop(burn)
        if part is None:
            tank.level -= burn
            return 0, 0
        before = int(miles * part)
        odometer = self._odometer + before
        tank.level -= before / mpg
        fill = tank.fill(odometer)
        tank.level -= (miles - before) / mpg
        if fill is None:
            return 0, 0
        receipt = fortune.random() < RECEIPT_SHARE
        price = season.cents_per_gallon(fortune, day, vehicle.model.fuel)
        payload = payloads.fuel_purchase(fortune, fill, odometer, price, vehicle.model.fuel, receipt=receipt)
        self._capture(season.moment(fortune, day, part), "fuel_purchase", payload, receipt=receipt)
        return fill.span_miles, fill.span_milligallons

    def _report_issue(self, day: date, miles: int) -> None:
        """Now and then something breaks."""
        if miles and self._fortune.random() < ISSUE_SHARE:
            part = self._fortune.random()
            payload = payloads.issue_report(self._fortune, self._odometer + int(miles * part), day, self._until)
            if "resolved_at" in payload:
                self._repairs.append(datetime.fromisoformat(payload["resolved_at"]))
            self._capture(season.moment(self._fortune, day, part), "issue_report", payload)

    def _read_odometer(self, day: date) -> None:
        """Reads the odometer in the evening, about once a week, now and then with a slip of the finger."""
        if day < self._next_reading:
            return
        self._next_reading = day + timedelta(days=WEEK + self._fortune.randint(-1, 1))
        typo = None
        if self._vehicle.makes_typos and self._fortune.random() < TYPO_SHARE:
            typo = payloads.misread(self._fortune, self._odometer)
        payload = payloads.odometer_reading(self._fortune, self._odometer, typo)
        confidence = None if typo is None else self._fortune.randint(40, 65)
        self._capture(season.moment(self._fortune, day, 1, 2), "odometer_reading", payload, confidence)

    def _batch_trips(self, day: date, miles: int, idle_minutes: int, harsh_events: int) -> None:
        """Keeps the day's trips and hands them in once a week, and on the last day what is left."""
        if miles:
            self._trips += payloads.trips(self._fortune, day, miles, idle_minutes, harsh_events)
        is_last = day + timedelta(days=1) == self._until
        if self._trips and (day.weekday() == self._batch_day or is_last):
            self._capture(season.moment(self._fortune, day, 1, 20), "trip_batch", {"trips": self._trips}, 100)
            self._trips = []

"""A garage: a tenant of its own, whose vehicles' events a test records as the database's owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from sql import metrics
from sql.demo import DemoSize, load_demo
from sql.embedded import Addresses
from sql.explanations import Explained, explain
from tests.numbers.world import UNTIL

EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)


def day(number: float) -> datetime:
    """Noon of a day of the year's first, and so on; fractions are parts of a day."""
    return EPOCH + timedelta(days=number)


class Garage:
    """Records events and asks what follows from them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.tenant, self.user = uuid4(), uuid4()
        connection.execute("insert into tenants (id, name, kind) values (%s, 'Garage', 'org')", [self.tenant])
        connection.execute("insert into users (id, email, name) values (%s, 'g@garage.example', 'G')", [self.user])
        connection.execute(
            "insert into memberships (tenant_id, user_id, role) values (%s, %s, 'owner')", [self.tenant, self.user]
        )

    def vehicle(self, **columns: Any) -> UUID:
        """A new vehicle."""
        id_ = uuid4()
        given = [columns.get(name) for name in ("baseline", "group", "make", "model")]
        self.connection.execute(
            "insert into vehicles (tenant_id, id, label, baseline_service_interval_miles, baseline_fuel_mpg,"
            " fleet_group_id, make, model) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [self.tenant, id_, columns.get("label", "V"), columns.get("interval", 5000), *given],
        )
        return id_

    def group(self, name: str, parent: UUID | None = None) -> UUID:
        """A new group."""
        id_ = uuid4()
        self.connection.execute(
            "insert into fleet_groups (tenant_id, id, name, parent_group_id, group_type)"
            " values (%s, %s, %s, %s, 'custom')",
            [self.tenant, id_, name, parent],
        )
        return id_

    def keep(self, vehicle: UUID, zone: str) -> None:
        """The vehicle's own time zone."""
        self.connection.execute(
            "update vehicles set extended_attributes = %s where tenant_id = %s and id = %s",
            [json.dumps({"operational": {"time_zone": zone}}), self.tenant, vehicle],
        )

    def work(self) -> None:
        """Lets the worker store everything: figures, metrics, calendars, totals of groups."""
        for _ in metrics.work_off(self.connection, self.tenant):
            pass

    def record(self, vehicle: UUID, event_type: str, at: float, *, verified: bool = False, **payload: Any) -> UUID:
        """An event of a vehicle at noon of a day."""
        row = self.connection.execute(
            "insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at,"
            " verified_by_user) values (%s, %s, %s, %s, %s, %s, %s) returning id",
            [self.tenant, vehicle, event_type, json.dumps(payload), self.user, day(at), verified],
        ).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    def read(self, vehicle: UUID, *miles: int, every: float = 1.0) -> list[UUID]:
        """Readings of the odometer, one after the other."""
        return [self.record(vehicle, "odometer_reading", every * i, miles=m) for i, m in enumerate(miles)]

    def fill(self, vehicle: UUID, at: float, gallons: float, odometer: int | None, **payload: Any) -> UUID:
        """A fuel purchase."""
        told = {} if odometer is None else {"odometer_miles": odometer}
        return self.record(vehicle, "fuel_purchase", at, gallons=gallons, **told, **payload)

    def drive(self, vehicle: UUID, *, odometer: int, spans: int, **each: Any) -> int:
        """Fills of 10 gallons, ``every`` so many days from ``at`` on, ``miles`` apart; what the odometer shows then.

        With ``begin`` a full tank before them, else they follow the fill before.
        """
        if each.get("begin"):
            self.fill(vehicle, each["at"] - each.get("every", 5), 10, odometer)
        for number in range(spans):
            odometer += each["miles"]
            self.fill(vehicle, each["at"] + number * each.get("every", 5), each.get("gallons", 10), odometer)
        return odometer

    def readings(self, vehicle: UUID, function: str = "odometer_readings") -> list[tuple[Any, ...]]:
        """Miles, miles driven and why not, in order of time."""
        return self.connection.execute(
            f"select miles, driven, rejected_reason from app.{function}(%s, array[%s]) order by occurred_at, miles",
            [self.tenant, vehicle],
        ).fetchall()

    def spans(self, vehicle: UUID, function: str = "fuel_spans") -> list[tuple[Any, ...]]:
        """Miles, gallons and why not, in order of time."""
        found = self.connection.execute(
            f"select miles, gallons, rejected_reason from app.{function}(%s, array[%s]) order by ended_at, miles",
            [self.tenant, vehicle],
        ).fetchall()
        return [(miles, float(gallons), reason) for miles, gallons, reason in found]

    def service(self, vehicle: UUID, at: float) -> tuple[Any, ...]:
        """State, miles since the service and remaining, and the day that one is due, as of a day."""
        row = self.connection.execute(
            "select state, miles_since_service, miles_remaining, due_on from app.service_status(%s, array[%s], %s)",
            [self.tenant, vehicle, day(at).date()],
        ).fetchone()
        assert row is not None
        return tuple(row)

    def explain(self, at: date | float, **more: Any) -> Explained:
        """Brings metrics and explanations up to date, as of a day."""
        self.work()
        done = explain(self.connection, self.tenant, today=at if isinstance(at, date) else day(at).date(), **more)
        assert done is not None
        return done

    def said(self, subject: UUID, *, closed: bool = False) -> dict[str, str]:
        """What is said about a vehicle or group, by kind."""
        rows = self.connection.execute(
            "select kind, text from explanations where %s in (vehicle_id, fleet_group_id)"
            " and (closed_at is not null) = %s",
            [subject, closed],
        ).fetchall()
        assert len({kind for kind, _ in rows}) == len(rows)
        return dict(rows)

    def refresh(self) -> int:
        """Stores the figures of what changed; how many vehicles that were."""
        row = self.connection.execute("select app.refresh_changed_figures()").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def garage(fresh_database: Addresses) -> Iterator[Garage]:
    """A garage in a database of the test's own."""
    with psycopg.connect(fresh_database.owner, autocommit=True, options="-c jit=off") as connection:
        yield Garage(connection)


@pytest.fixture
def world(fresh_database: Addresses) -> Addresses:
    """A small tenant over two months, in a database of the test's own."""
    load_demo(fresh_database.owner, size=DemoSize(1, 12, 40, 60), until=UNTIL, progress=lambda *_: None)
    return fresh_database

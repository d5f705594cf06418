"""A garage: a tenant of its own, whose vehicles' events a test records as the database's owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from sql.embedded import Addresses

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
        self.connection.execute(
            "insert into vehicles (tenant_id, id, label, make, model, baseline_service_interval_miles)"
            " values (%s, %s, 'V', %s, %s, %s)",
            [self.tenant, id_, columns.get("make"), columns.get("model"), columns.get("interval", 5000)],
        )
        return id_

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

"""The demo loader: one transaction from the first tenant to the last figure, then what rules find in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from sql.demo import chunk, forest, roster
from sql.demo.blueprint import Blueprint, DemoSize
from sql.demo.catalogue import named
from sql.demo.chunk import Chunk
from sql.demo.life import live
from sql.demo.roster import Roster
from sql.demo.stage import Stage, texts
from sql.demo.vehicle import make_vehicle
from sql.encryption import Keyring
from sql.encryption.fields import COLUMNS as ENCRYPTED
from sql.encryption.tenant_seal import TenantSeal
from sql.explanations import explain
from sql.fleet_summaries import summarize
from sql.owner import connected

Progress = Callable[[str, int, int], None]

NAMED_DAYS = 365
EXPLAINED = time(4, tzinfo=UTC)
LAST_MOMENT = timedelta(seconds=1)
"""Before the day until which it is loaded: when summaries look how the vehicles stand."""
CHUNK_ROWS = 20_000
COLUMNS = {**roster.COLUMNS, **chunk.COLUMNS}
RECORDS = ("audit_trail", "event_stream")
FIGURES = (
    *("odometer_readings", "fuel_spans", "vehicle_changes", "group_metrics", "vehicle_calendars", "group_changes"),
    *("class_rates", "group_outlooks", "fleet_summary_metrics", "fleet_summary_changes"),
)
ROWS_PER_VEHICLE = 6
ROWS_PER_DAY = 1.75
"""First guesses at what a vehicle brings, until there are vehicles to judge by."""


def load_demo(
    owner_url: str,
    *,
    size: DemoSize | None = None,
    until: date,
    progress: Progress,
    keyring: Keyring | None = None,
) -> bool:
    """Loads the demo as the database's owner: the four named tenants, or generated ones where a ``size`` is given.

    ``until`` is the day after the last one with data. ``progress`` is told the step, and how many rows are loaded of
    how many. What the ``keyring`` names is encrypted before it is written. Returns False, and changes nothing, where a
    tenant of one of the names is there already.
    Raises ValueError for a size that makes no fleet, SetupError where no key can be made, and what sql.owner says of an
    address.
    """
    if size is not None and (min(size.tenants, size.days) < 1 or min(size.groups, size.vehicles) < 0):
        raise ValueError("A demo needs at least one tenant and one day, and no negative number of groups or vehicles.")
    blueprints = named() if size is None else [forest.fleet(number, size) for number in range(1, size.tenants + 1)]
    first_day = until - timedelta(days=NAMED_DAYS if size is None else size.days)
    with connected(owner_url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute(texts()["lock"].encode())
            names = [blueprint.name for blueprint in blueprints]
            present = connection.execute(texts()["tenants_present"].encode(), {"names": names}).fetchone()
            if present is not None and present[0]:
                return False
            connection.execute(
                texts()["make_partitions"].encode(), {"first_day": first_day, "last_day": until - timedelta(days=1)}
            )
            load = _Load(connection, blueprints, first_day, until, progress, keyring)
            load.run()
            progress("Figures", load.done, load.done)
            connection.execute(texts()["refresh_figures"].encode())
            connection.execute(texts()["refresh_class_rates"].encode(), {"names": names})
            for blueprint in blueprints:
                progress("Summaries", load.done, load.done)
                summarize(connection, blueprint.id, moment=datetime.combine(until, time(0, tzinfo=UTC)) - LAST_MOMENT)
        for table in (*COLUMNS, *RECORDS, *FIGURES):
            progress("Analyzing", load.done, load.done)
            connection.execute(SQL(texts()["analyze"]).format(table=Identifier(table)))
        for blueprint in blueprints:
            progress("Explanations", load.done, load.done)
            explain(connection, blueprint.id, today=until, written_at=datetime.combine(until, EXPLAINED))
        connection.execute(SQL(texts()["analyze"]).format(table=Identifier("explanations")))
    progress("Done", load.done, load.done)
    return True


class _Load:
    """One run of the loader, and how far it is."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        blueprints: Sequence[Blueprint],
        first_day: date,
        until: date,
        progress: Progress,
        keyring: Keyring | None,
    ) -> None:
        self.done = 0
        self._connection = connection
        self._keyring = keyring
        self._seal: TenantSeal | None = None
        self._stages = {table: Stage(connection, table, columns) for table, columns in COLUMNS.items()}
        self._blueprints = blueprints
        self._first_day = first_day
        self._until = until
        self._progress = progress
        self._step = ""
        self._vehicles_left = sum(len(blueprint.homes) for blueprint in blueprints)
        self._vehicles_loaded = 0
        self._vehicle_rows = 0
        self._rows_guessed = ROWS_PER_VEHICLE + ROWS_PER_DAY * (until - first_day).days

    def run(self) -> None:
        """Loads everybody, then tenant after tenant."""
        plan = Roster(self._first_day)
        self._step = "People and tenants"
        self._put("users", plan.users(self._blueprints))
        self._put("tenants", plan.tenants(self._blueprints))
        for tenant in self._blueprints:
            self._step = tenant.name
            self._seal = TenantSeal.of(self._connection, self._keyring, tenant.id)
            self._put("memberships", plan.memberships(tenant))
            self._put("fleet_groups", plan.fleet_groups(tenant))
            self._put("group_permissions", plan.group_permissions(tenant))
            self._load_vehicles(tenant, plan)

    def _load_vehicles(self, tenant: Blueprint, plan: Roster) -> None:
        """Loads a tenant's vehicles with their lives, in chunks."""
        rows = Chunk(tenant, plan)
        pending = 0
        for number in range(1, len(tenant.homes) + 1):
            life = live(make_vehicle(tenant, number), self._first_day, self._until)
            rows.add(life)
            pending += 1
            if len(rows) >= CHUNK_ROWS or number == len(tenant.homes):
                self._flush(rows, pending)
                rows, pending = Chunk(tenant, plan), 0

    def _flush(self, rows: Chunk, vehicles: int) -> None:
        self._vehicles_left -= vehicles
        self._vehicles_loaded += vehicles
        self._vehicle_rows += len(rows)
        self._rows_guessed = self._vehicle_rows / self._vehicles_loaded
        left = len(rows)
        for table, values in rows.tables.items():
            left -= len(values)
            self._put(table, values, left)

    def _put(self, table: str, rows: Sequence[Sequence[Any]], left: int = 0) -> None:
        """Loads rows and reports; ``left`` are those of the chunk that come next."""
        if rows:
            self._stages[table].load(self._sealed(table, rows))
        self.done += len(rows)
        self._progress(self._step, self.done, self.done + left + round(self._vehicles_left * self._rows_guessed))

    def _sealed(self, table: str, rows: Sequence[Sequence[Any]]) -> Iterable[Sequence[Any]]:
        if self._seal is None or table not in ENCRYPTED:
            return rows
        columns = COLUMNS[table]
        return self._seal.rows(table, rows, id_at=columns.index("id"), text_at=columns.index(ENCRYPTED[table]))

"""Metrics of vehicles: computed from events, for those whose events changed or whose days are others now."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from sql.explanations import Phraser, explain
from sql.fleet_summaries import rebuild_summaries
from sql.owner import connected, no_tenant, statements

log = logging.getLogger("motomind.metrics")

VEHICLES = 300
"""How many vehicles are computed in one transaction."""
GROUPS = 200
"""Of how many groups the totals are stored after each."""
MARKS = 20_000
"""Among how many marks of changes the vehicles of a transaction are looked for."""
RATES = timedelta(hours=1)
"""How long the rates of a tenant's makes and models stand, at least."""
WAIT_SECONDS = 0.2
"""How often a rebuild looks again while others have the last vehicles in hand."""


@dataclass(frozen=True)
class Batch:
    """What one turn did: for which vehicles and for how many groups, with how many changes taken and rows written."""

    vehicles: tuple[UUID, ...]
    changes: int = 0
    written: int = 0
    removed: int = 0
    groups: int = 0
    failed: tuple[UUID, ...] = ()


class BatchFailedError(Exception):
    """A transaction failed, and left everything as it was; tells the vehicles that it had claimed."""

    def __init__(self, vehicles: Sequence[UUID]) -> None:
        super().__init__(f"the metrics of {len(vehicles)} vehicle(s) could not be computed")
        self.vehicles = tuple(vehicles)


def compute(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, at_once: int = VEHICLES, without: Sequence[UUID] = ()
) -> Batch:
    """Computes some of a tenant's vehicles that are due, in a transaction; ``without`` are those to be left alone.

    Vehicles that another worker is computing are passed over; an empty batch says that there is nothing else. What
    commits while this runs is not lost: it leaves its own mark. Needs a connection in autocommit mode.
    Raises BatchFailedError where PostgreSQL refuses what was computed.
    """
    said = statements(__name__)
    claimed: list[UUID] = []
    try:
        with connection.transaction():
            given: dict[str, Any] = {"tenant_id": tenant_id, "vehicles": at_once, "rows": MARKS}
            rows = connection.execute(said["claim"], {**given, "except": list(without)}).fetchall()
            claimed = [row[0] for row in rows]
            if not claimed:
                return Batch(())
            taken = connection.execute(said["take"], {**given, "vehicle_ids": claimed}).fetchall()
            if not taken:  # another worker was faster, and has ended
                return Batch(tuple(claimed))
            due = [(vehicle_id, since) for vehicle_id, since, _ in taken]
            vehicles = tuple(vehicle_id for vehicle_id, _ in due)
            due += connection.execute(said["refresh_figures"], {**given, "vehicle_ids": list(vehicles)}).fetchall()
            given |= {"vehicle_ids": [vehicle_id for vehicle_id, _ in due], "since": [since for _, since in due]}
            ((written, removed),) = connection.execute(said["refresh_metrics"], given).fetchall()
            connection.execute(statements("sql.explanations")["note_due"], given)
            return Batch(vehicles, sum(changes for *_, changes in taken), written, removed)
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.InternalError) as error:
        if not claimed:
            raise
        raise BatchFailedError(claimed) from error


def work_off(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, at_once: int = VEHICLES, without: Sequence[UUID] = ()
) -> Iterator[Batch]:
    """Computes a tenant's vehicles and then their groups' totals, until none is due that nobody has in hand.

    Yields what each turn did. ``without`` are vehicles to be left alone. One that cannot be computed is looked for
    among those of its transaction, logged, told as failed and left as it is, so that the others do not wait for it.
    """
    passed_over = list(without)
    suspects: set[UUID] = set()
    while True:
        try:
            batch = compute(connection, tenant_id, at_once=1 if suspects else at_once, without=passed_over)
        except BatchFailedError as error:
            if len(error.vehicles) > 1:
                suspects.update(error.vehicles)
                continue
            log.exception("the metrics of vehicle %s cannot be computed", *error.vehicles)
            batch = Batch((), failed=error.vehicles)
            passed_over += error.vehicles
        batch = replace(batch, groups=_store_groups(connection, tenant_id))
        if not (batch.vehicles or batch.failed or batch.groups):
            return
        suspects.difference_update(batch.vehicles, batch.failed)
        yield batch


def _store_groups(connection: psycopg.Connection[Any], tenant_id: UUID) -> int:
    """Stores the totals of some groups that changed; returns of how many."""
    given = {"tenant_id": tenant_id, "groups": GROUPS}
    ((groups,),) = connection.execute(statements(__name__)["refresh_groups"], given).fetchall()
    return int(groups)


def refresh_class_rates(connection: psycopg.Connection[Any], tenant_id: UUID, *, within: timedelta = RATES) -> bool:
    """Adds the rates of a tenant's makes and models up anew, unless that was done ``within`` a time; whether it was.

    They stand behind predictions of vehicles that say little by themselves.
    """
    given = {"tenant_id": tenant_id, "within": within}
    ((refreshed,),) = connection.execute(statements(__name__)["refresh_class_rates"], given).fetchall()
    return bool(refreshed)


@dataclass(frozen=True)
class RebuiltTenant:
    """A tenant whose metrics are rebuilt: its vehicles that are done, of how many, and what is being made."""

    name: str
    done: int
    of: int
    failed: tuple[UUID, ...] = ()
    making: str = "metrics"


def rebuild(owner_url: str, tenant: str | None, phraser: Phraser | None = None) -> Iterator[RebuiltTenant]:
    """Computes the metrics of every vehicle anew, of all tenants or the one of a name; tells after each transaction.

    After its metrics a tenant's summaries are rebuilt, and its explanations brought up to date, by ``phraser`` in other
    words; each is announced. All vehicles are marked first. Where marks of an earlier rebuild are left, that one is
    completed: by this, or by a worker meanwhile.
    Raises SetupError for a name that no tenant has, and what sql.owner says of an address.
    """
    said = statements(__name__)
    with connected(owner_url, autocommit=True) as connection:
        tenants = connection.execute(said["tenants_to_rebuild"], {"tenant": tenant}).fetchall()
        if tenant is not None and not tenants:
            raise no_tenant(connection, tenant)
        with connection.transaction():
            connection.execute(said["lock_rebuild"])
            connection.execute(said["make_all_due"], {"tenant_ids": [tenant_id for tenant_id, _ in tenants]})
        for tenant_id, name in tenants:
            done = yield from _rebuild(connection, tenant_id, name)
            yield RebuiltTenant(name, done, done, making="summaries")
            rebuild_summaries(connection, tenant_id)
            yield RebuiltTenant(name, done, done, making="explanations")
            explain(connection, tenant_id, phraser=phraser)


def _rebuild(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> Generator[RebuiltTenant, None, int]:
    """A tenant's turn: computes what is due, and waits for what workers have in hand; returns how many were done."""
    said = statements(__name__)

    def due() -> int:
        ((count,),) = connection.execute(said["due_vehicles"], {"tenant_id": tenant_id}).fetchall()
        return int(count)

    total = left = due()
    failed: list[UUID] = []
    while left > len(failed):
        for batch in work_off(connection, tenant_id, at_once=VEHICLES, without=failed):
            failed += batch.failed
            left = due()
            yield RebuiltTenant(name, total - left, total)
        if left > len(failed):
            time.sleep(WAIT_SECONDS)
            left = due()
    refresh_class_rates(connection, tenant_id, within=timedelta())
    yield RebuiltTenant(name, total - left, total, tuple(failed))
    return total - left

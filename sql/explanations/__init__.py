"""Explanations: what rules find in the figures of a tenant, kept current in sentences."""

from __future__ import annotations

import logging
import time
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from sql.explanations.phrasing import Finding, Phraser, Phrasing, PhrasingFailedError, phraser
from sql.owner import statements

__all__ = ["Explained", "Finding", "Phraser", "Phrasing", "PhrasingFailedError", "explain", "phraser"]

log = logging.getLogger("motomind.explanations")

RULES = (
    *("find_members", "compare_economy", "find_falling_economy", "find_overdue_services", "find_cost_outliers"),
    *("find_rejected_readings", "find_falling_economy_of_groups", "find_vehicles_of_groups"),
)
"""The statements of a run, in their order: rules about groups count what those about vehicles found."""
PHRASED_AT_ONCE = 100
"""How many texts a run asks a provider for; the next one goes on."""
FAILURES = 3
"""After so many failures, one after the other, a run does not ask the provider again."""


@dataclass(frozen=True)
class Explained:
    """What a run did: how many explanations it wrote or rewrote, closed, and had put into other words."""

    written: int
    closed: int
    phrased: int = 0


def explain(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    *,
    today: date | None = None,
    written_at: datetime | None = None,
    phraser: Phraser | None = None,
) -> Explained | None:
    """Brings a tenant's explanations up to date, as of ``today``; None where somebody else is at it.

    In one transaction; then, where there is a ``phraser``, what is new is put into other words, one after the other:
    until then, and wherever that fails, the rule's sentence stands. Needs a connection in autocommit mode.
    Raises what PostgreSQL refuses; the tenant is due again then, like after any other run.
    """
    said = statements(__name__)
    begun = time.monotonic()
    ((now,),) = connection.execute(said["today"]).fetchall()
    given: dict[str, Any] = {"tenant_id": tenant_id, "today": today or now, "written_at": written_at}
    try:
        with connection.transaction():
            done = _write(connection, given, phraser)
            if done is None:
                return None
            connection.execute(said["note_run"], {**given, "seconds": time.monotonic() - begun})
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.InternalError):
        with connection.transaction():
            connection.execute(said["note_due"], given)
            connection.execute(said["note_run"], {**given, "seconds": time.monotonic() - begun})
        raise
    written, closed, left = done
    phrased = 0 if phraser is None else _phrase(connection, tenant_id, phraser, left)
    return Explained(written, closed, phrased)


def _write(
    connection: psycopg.Connection[Any], given: dict[str, Any], phraser: Phraser | None
) -> tuple[int, int, list[Any]] | None:
    """Writes in the rules' words: how many were written and closed, and which are to be put into other words."""
    said = statements(__name__)
    ((is_ours,),) = connection.execute(said["take_turn"], given).fetchall()
    if not is_ours:
        return None
    connection.execute(said["take_due"], given)
    connection.execute(said["make_tables"])
    for rule in RULES:
        connection.execute(said[rule], given)
    closed = len(connection.execute(said["close"], given).fetchall())
    written = len(connection.execute(said["keep"], given).fetchall())
    left = []
    if phraser is not None:
        asked = {**given, "provider": phraser.name, "at_most": PHRASED_AT_ONCE}
        left = connection.execute(said["to_phrase"], asked).fetchall()
    connection.execute(said["drop_tables"])
    return written, closed, left


def _phrase(connection: psycopg.Connection[Any], tenant_id: UUID, phraser: Phraser, rows: list[Any]) -> int:
    """Has findings put into other words; how many were. What fails is left for the next run."""
    said = statements(__name__)
    phrased = failures = 0
    for id_, vehicle_id, fleet_group_id, kind, start, end, figures, sentence, rule_version in rows:
        vehicle, group = (None if one is None else str(one) for one in (vehicle_id, fleet_group_id))
        try:
            text = phraser.text(Finding(vehicle, group, kind, start, end, deepcopy(figures), sentence))
        except PhrasingFailedError as error:
            log.warning("%s failed to phrase explanation %s, the rule's sentence stays: %s", phraser.name, id_, error)
            failures += 1
            if failures == FAILURES:
                break
            continue
        failures = 0
        given = {"tenant_id": tenant_id, "id": id_, "text": text, "figures": Jsonb(figures)}
        given["model_version"] = f"{rule_version} + {phraser.name}"
        phrased += connection.execute(said["phrase"], given).rowcount
    if len(rows) == PHRASED_AT_ONCE and failures < FAILURES:
        connection.execute(said["note_due"], {"tenant_id": tenant_id})
    return phrased

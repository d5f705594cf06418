"""Summaries of fleets: the figures of every group with all below it, and of the tenant, by day, in their table."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from sql.owner import statements

WAIT_SECONDS = 0.2
"""How often a rebuild looks again while somebody else is at it."""


def summarize(connection: psycopg.Connection[Any], tenant_id: UUID, *, moment: datetime | None = None) -> int | None:
    """Brings a tenant's summaries up to date, as of ``moment``, else of now; None where somebody else is at it.

    Days are summed up anew where something of them changed. How the vehicles of a group stand, its compliance, costs to
    come and risk, is looked at where something of it changed, and of all groups once a day. Returns how many rows were
    written. In one transaction, or a part of the caller's where there is one: what is due stays due until it is done.
    Raises what PostgreSQL refuses; the tenant is due again after a minute then.
    """
    said = statements(__name__)
    given = {"tenant_id": tenant_id, "moment": moment}
    try:
        with connection.transaction():
            ((written,),) = connection.execute(said["refresh"], given).fetchall()
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.InternalError):
        with connection.transaction():
            connection.execute(said["note_failure"], given)
        raise
    return None if written is None else int(written)


def rebuild_summaries(connection: psycopg.Connection[Any], tenant_id: UUID) -> int:
    """Sums every day of every group of a tenant up anew; returns how many rows differed. Needs autocommit mode."""
    connection.execute(statements(__name__)["make_all_due"], {"tenant_id": tenant_id})
    while (written := summarize(connection, tenant_id)) is None:
        time.sleep(WAIT_SECONDS)
    return written

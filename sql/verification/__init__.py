"""Verification: vehicles, fleet groups and memberships, rebuilt from the event stream and compared with the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from sql.owner import connected, no_tenant, statements

ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Difference:
    """What the stream and the tables do not agree on: an aggregate, and the column, the row or the versions."""

    aggregate_type: str
    aggregate_id: UUID
    told: str


@dataclass(frozen=True)
class VerifiedTenant:
    """A tenant whose turn it is, its number among all, and what differs in it."""

    name: str
    number: int
    of: int
    differences: Iterator[Difference]


def verify(owner_url: str, tenant: str | None) -> Iterator[VerifiedTenant]:
    """Every tenant, or the one of a name, one after the other; the differences of each are to be read before the next.

    Reads one snapshot of each tenant, so that what is written meanwhile does not differ; writes nothing.
    Raises SetupError for a name that no tenant has, and what sql.owner says of an address.
    """
    with connected(owner_url, autocommit=True) as connection:
        tenants = connection.execute(statements(__name__)["verified_tenants"], {"tenant": tenant}).fetchall()
        if tenant is not None and not tenants:
            raise no_tenant(connection, tenant)
        for number, (tenant_id, name) in enumerate(tenants, start=1):
            with connection.transaction():
                connection.execute("set transaction isolation level repeatable read, read only")
                yield VerifiedTenant(name, number, len(tenants), _differences(connection, tenant_id))


def _differences(connection: psycopg.Connection[Any], tenant_id: UUID) -> Iterator[Difference]:
    with connection.cursor("differences") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(statements(__name__)["differences"], {"tenant_id": tenant_id})
        for aggregate_type, aggregate_id, column, streamed, stored in cursor:
            what = "" if column is None else f"{column}: "
            yield Difference(aggregate_type, aggregate_id, f"{what}{streamed} in the stream, {stored} in the table")
    with connection.cursor("versions") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(statements(__name__)["broken_versions"], {"tenant_id": tenant_id})
        for aggregate_type, aggregate_id, first, last, events, versions in cursor:
            told = f"versions {first} to {last}, {versions} of them, in {events} events"
            yield Difference(aggregate_type, aggregate_id, told)

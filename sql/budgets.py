"""Budgets and usage in PostgreSQL: each call one round trip as the login role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

import orjson

from sql.database import Database

Key = tuple[UUID, UUID]
"""Whose budget: a tenant, and in it a client or a person."""


@dataclass(frozen=True)
class Budget:
    """A bucket of ``capacity`` points that fills up by ``rate`` points a second."""

    capacity: int
    rate: float


@dataclass(slots=True)
class Used:
    """What was used of a document on a day: by a client, or by the people of the tenant."""

    tenant_id: UUID
    client_id: UUID | None
    day: date
    document: str
    requests: int = 0
    errors: int = 0
    not_modified: int = 0
    requested_cost: int = 0
    actual_cost: int = 0
    milliseconds: float = 0


class PostgresBudgets:
    """Budgets by the database's clock, the same for all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spend(self, key: Key, cost: int, budget: Budget) -> tuple[bool, float]:
        """Takes points, or refuses where there are not enough: whether they were taken, and how many are left.

        Raises DatabaseError.
        """
        (row,) = await self._database.fetch(
            "spend",
            tenant_id=str(key[0]),
            credential_id=str(key[1]),
            cost=float(cost),
            capacity=float(budget.capacity),
            restore_rate=float(budget.rate),
        )
        return row["granted"], row["available"]

    async def refund(self, refunds: Mapping[Key, int]) -> None:
        """Gives points back; negative ones are taken. Raises DatabaseError."""
        told = [{"tenant_id": t, "credential_id": c, "points": points} for (t, c), points in refunds.items()]
        await self._database.fetch("refund", refunds=orjson.dumps(told).decode())

    async def close(self) -> None:
        """Nothing is open: the connections are the database's."""


async def record_usage(database: Database, usage: Sequence[Used]) -> None:
    """Adds usage to what is kept of it. Raises DatabaseError."""
    await database.fetch("record_usage", usage=orjson.dumps([asdict(used) for used in usage]).decode())

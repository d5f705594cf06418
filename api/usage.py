"""Usage: what every document was asked for and cost, added up in memory and kept once a second."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self
from uuid import UUID

from api.budget import Charge
from api.delay import Delay
from sql.admission import Client
from sql.budgets import Used, record_usage
from sql.database import Database
from sql.errors import DatabaseError
from sql.session import Caller

log = logging.getLogger("motomind")

MOST = 10_000  # entries between two records; beyond, documents are counted together
OTHER = "(other)"
UsageKey = tuple[UUID, UUID | None, date, str]


@dataclass(frozen=True)
class Usage:
    """One request's part: who asked for which document, the points, whether the answer has errors, the time it took."""

    tenant_id: UUID
    client_id: UUID | None
    document: str
    requested: int
    actual: int
    failed: bool
    milliseconds: float

    @classmethod
    def of(cls, caller: Caller, client: Client | None, document: str, charge: Charge, *, failed: bool) -> Self:
        """The usage of one request, when its answer is there."""
        client_id = None if client is None else client.id
        return cls(caller.tenant_id, client_id, document, charge.requested, charge.actual, failed, charge.milliseconds)


class UsageRecord:
    """Adds usage up. What was not kept yet is lost in a crash; answers never wait for it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: dict[UsageKey, Used] = {}
        self._delay = Delay(self._keep)

    def add(self, usage: Usage, *, not_modified: bool = False) -> None:
        """Counts one request."""
        today = datetime.now(UTC).date()
        document = usage.document if len(self._used) < MOST else OTHER
        key = (usage.tenant_id, usage.client_id, today, document)
        used = self._used.get(key)
        if used is None:
            used = self._used[key] = Used(*key)
        used.requests += 1
        used.errors += usage.failed
        used.not_modified += not_modified
        used.requested_cost += usage.requested
        used.actual_cost += usage.actual
        used.milliseconds += usage.milliseconds
        self._delay.soon()

    async def close(self) -> None:
        """Keeps what is not kept yet."""
        await self._delay.close()

    async def _keep(self) -> None:
        used, self._used = self._used, {}
        if used:
            try:
                await record_usage(self._database, list(used.values()))
            except DatabaseError as error:
                log.warning("the usage of documents in the last second is not kept: %s", error)

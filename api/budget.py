"""Budgets: what a credential may spend, taken before an operation runs; what it did not use is given back after it."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from api.delay import Delay
from api.errors import ThrottledError
from api.redis_budgets import RedisBudgets
from api.settings import Settings
from resolvers.limits import DocumentRefusedError
from sql.admission import Client
from sql.budgets import Budget, Key, PostgresBudgets
from sql.database import Database
from sql.errors import DatabaseError
from sql.session import Caller

log = logging.getLogger("motomind")


class Store(Protocol):
    """Where budgets are kept, for all processes together."""

    async def spend(self, key: Key, cost: int, budget: Budget) -> tuple[bool, float]:
        """Takes points, or refuses to: whether they were taken, and how many are left."""

    async def refund(self, refunds: Mapping[Key, int]) -> None:
        """Gives points back; negative ones are taken."""

    async def close(self) -> None:
        """Lets go of connections."""


@dataclass(frozen=True)
class ThrottleStatus:
    """A credential's budget after points were asked of it: ``available`` are left."""

    key: Key
    budget: Budget
    available: float

    def told(self, requested: int, actual: int | None) -> dict[str, Any]:
        """``extensions`` of an answer, in Shopify's shape."""
        return {
            "cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": {
                    "maximumAvailable": self.budget.capacity,
                    "currentlyAvailable": max(math.floor(self.available), 0),
                    "restoreRate": self.budget.rate,
                },
            }
        }

    @property
    def headers(self) -> dict[str, str]:
        """RateLimit and RateLimit-Policy, after draft-ietf-httpapi-ratelimit-headers-10."""
        capacity, rate = self.budget.capacity, self.budget.rate
        remaining, full = max(math.floor(self.available), 0), math.ceil((capacity - self.available) / rate)
        return {
            "RateLimit-Policy": f'"cost";q={capacity};qu="points";w={math.ceil(capacity / rate)}',
            "RateLimit": f'"cost";r={remaining};t={full}',
        }


@dataclass
class Charge:
    """What an operation is charged: its estimate until its ``actual`` cost is known."""

    requested: int
    actual: int
    status: ThrottleStatus | None
    started: float = field(default_factory=time.perf_counter)

    @property
    def milliseconds(self) -> float:
        """Since it was charged."""
        return 1000 * (time.perf_counter() - self.started)


class Budgets:
    """Spends and settles. Points are given back once a second; those of the last second are lost in a crash."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._of_clients = _budget(settings.client_budget, settings.client_restore_rate)
        self._of_people = _budget(settings.person_budget, settings.person_restore_rate)
        self._store: Store = RedisBudgets(settings.redis_url) if settings.redis_url else PostgresBudgets(database)
        self._refunds: Counter[Key] = Counter()
        self._delay = Delay(self._send)

    @asynccontextmanager
    async def charge(self, caller: Caller, client: Client | None, cost: int) -> AsyncIterator[Charge]:
        """Takes what an operation may cost from the credential's budget, if it has one, and settles the rest after it.

        A failure of the database costs nothing; who hangs up pays the estimate. Raises DocumentRefusedError for more
        than the budget ever holds, ThrottledError for more than it holds now.
        """
        charge = Charge(cost, cost, await self._spend(caller, client, cost))
        try:
            yield charge
        except DatabaseError:
            charge.actual = 0
            raise
        finally:
            if charge.status is not None and charge.actual != cost:
                charge.status = self._settle(charge.status, cost - charge.actual)

    async def _spend(self, caller: Caller, client: Client | None, cost: int) -> ThrottleStatus | None:
        budget = self._of_people if client is None else self._of_clients
        if budget is None:
            return None
        if cost > budget.capacity:
            raise DocumentRefusedError("QUERY_TOO_EXPENSIVE", "Estimated cost in points", budget.capacity, cost)
        key = (caller.tenant_id, caller.user_id if client is None else client.id)
        granted, available = await self._store.spend(key, cost, budget)
        status = ThrottleStatus(key, budget, available)
        if not granted:
            retry_after = max(math.ceil((cost - available) / budget.rate), 1)
            raise ThrottledError(retry_after, status.headers, status.told(cost, None))
        return status

    def _settle(self, status: ThrottleStatus, points: int) -> ThrottleStatus:
        self._refunds[status.key] += points
        self._delay.soon()
        return replace(status, available=min(status.available + points, status.budget.capacity))

    async def close(self) -> None:
        """Sends what is still to be sent."""
        await self._delay.close()
        await self._store.close()

    async def _send(self) -> None:
        refunds, self._refunds = self._refunds, Counter()
        if refunds:
            try:
                await self._store.refund(refunds)
            except DatabaseError as error:
                log.warning("points of the last second are not given back: %s", error)


def _budget(capacity: int, rate: float) -> Budget | None:
    return Budget(capacity, rate) if capacity else None

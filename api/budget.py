"""Budgets: what a credential may spend, taken before an operation runs; what it did not use is given back after it."""

from __future__ import annotations

import asyncio
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

TAKEN_AHEAD = 0.02  # of a budget, by each process that serves the credential
IDLE_SECONDS = 1.0  # after which what was taken ahead is given back


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


@dataclass
class Lease:
    """Points that were taken ahead: what is left of them, and what the store had left when it was last asked."""

    points: int = 0
    stored: float = 0.0
    asked: float = 0.0
    used: float = field(default_factory=time.monotonic)

    def available(self, budget: Budget) -> float:
        """What the credential has left, here and in the store, which has filled up since."""
        stored = self.stored + (time.monotonic() - self.asked) * budget.rate
        return min(stored + self.points, budget.capacity)


class Budgets:
    """Spends and settles.

    A process takes a fiftieth of a budget ahead, so that few requests wait for the store: no more is ever spent than
    the budget holds, and what a process does not need is back after a second or two. Points are given back once a
    second; those of the last second are lost in a crash.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._of_clients = _budget(settings.client_budget, settings.client_restore_rate)
        self._of_people = _budget(settings.person_budget, settings.person_restore_rate)
        self._store: Store = RedisBudgets(settings.redis_url) if settings.redis_url else PostgresBudgets(database)
        self._refunds: Counter[Key] = Counter()
        self._leases: dict[Key, Lease] = {}
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
        lease = self._leases.get(key)
        if lease is None or lease.points < cost:
            lease = await self._lease(key, cost, budget)
        available = lease.available(budget)
        if lease.points < cost:
            status = ThrottleStatus(key, budget, available)
            retry_after = max(math.ceil((cost - available) / budget.rate), 1)
            raise ThrottledError(retry_after, status.headers, status.told(cost, None))
        lease.points -= cost
        lease.used = time.monotonic()
        return ThrottleStatus(key, budget, available - cost)

    async def _lease(self, key: Key, cost: int, budget: Budget) -> Lease:
        """The lease of a credential, with points for an operation if the store has them."""
        ahead = int(budget.capacity * TAKEN_AHEAD)
        held = self._leases.get(key, Lease()).points
        for points in dict.fromkeys((max(cost - held, ahead), cost - held)):
            granted, stored = await self._store.spend(key, points, budget)
            lease = self._leases.setdefault(key, Lease())
            lease.stored, lease.asked = stored, time.monotonic()
            if granted:
                lease.points += points
                break
        self._delay.soon()
        return lease

    def _settle(self, status: ThrottleStatus, points: int) -> ThrottleStatus:
        self._refunds[status.key] += points
        self._delay.soon()
        return replace(status, available=min(status.available + points, status.budget.capacity))

    async def close(self) -> None:
        """Sends what is still to be sent."""
        for lease in self._leases.values():
            lease.used = 0.0
        await self._delay.close()
        await self._store.close()

    async def _send(self) -> None:
        idle = time.monotonic() - IDLE_SECONDS
        for key in [key for key, lease in self._leases.items() if lease.used <= idle]:
            self._refunds[key] += self._leases.pop(key).points
        if self._leases:
            asyncio.get_running_loop().call_later(IDLE_SECONDS, self._delay.soon)
        refunds, self._refunds = {key: points for key, points in self._refunds.items() if points}, Counter()
        if refunds:
            try:
                await self._store.refund(refunds)
            except DatabaseError as error:
                log.warning("points of the last second are not given back: %s", error)


def _budget(capacity: int, rate: float) -> Budget | None:
    return Budget(capacity, rate) if capacity else None

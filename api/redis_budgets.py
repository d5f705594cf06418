"""Budgets in Redis: one script, one round trip. While Redis cannot be reached, requests are let through."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sql.budgets import Budget, Key

log = logging.getLogger("motomind")

PATIENCE_SECONDS = 1.0
# By Redis' own clock, as PostgreSQL's store goes by the database's. A bucket that is full again is forgotten.
SPEND = """
local now = redis.call('TIME')
local time = now[1] + now[2] / 1000000
local cost, capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'available', 'time')
local available = capacity
if kept[1] then
  available = math.min(tonumber(kept[1]) + rate * math.max(time - tonumber(kept[2]), 0), capacity)
end
local granted = 0
if available >= cost then
  granted, available = 1, available - cost
end
redis.call('HSET', KEYS[1], 'available', string.format('%.6f', available), 'time', string.format('%.6f', time),
           'capacity', capacity)
redis.call('EXPIRE', KEYS[1], math.ceil(2 * capacity / rate) + 1)
return {granted, string.format('%.6f', available)}
"""
REFUND = """
local kept = redis.call('HMGET', KEYS[1], 'available', 'capacity')
if kept[1] then
  local capacity = tonumber(kept[2])
  local available = math.max(math.min(tonumber(kept[1]) + tonumber(ARGV[1]), capacity), -capacity)
  redis.call('HSET', KEYS[1], 'available', string.format('%.6f', available))
end
"""


class RedisBudgets:
    """Budgets by Redis' clock, the same for all processes."""

    def __init__(self, url: str) -> None:
        """Connects when it is first asked. Raises ValueError for what is no address of a Redis."""
        self._redis = Redis.from_url(
            url,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
        )
        self._down_until = 0.0
        self._spend = self._redis.register_script(SPEND)
        self._refund = self._redis.register_script(REFUND)

    async def spend(self, key: Key, cost: int, budget: Budget) -> tuple[bool, float]:
        """Takes points, or refuses where there are not enough: whether they were taken, and how many are left."""
        if time.monotonic() >= self._down_until:
            try:
                granted, available = await self._spend(keys=[_name(key)], args=[cost, budget.capacity, budget.rate])
            except RedisError as error:
                log.warning("Redis cannot be reached, so requests are let through without a budget: %s", error)
                self._down_until = time.monotonic() + PATIENCE_SECONDS
            else:
                return bool(granted), float(available)
        return True, float(budget.capacity)

    async def refund(self, refunds: Mapping[Key, int]) -> None:
        """Gives points back; negative ones are taken."""
        try:
            for key, points in refunds.items():
                await self._refund(keys=[_name(key)], args=[points])
        except RedisError as error:
            log.warning("Redis cannot be reached, so points are not given back: %s", error)

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()


def _name(key: Key) -> str:
    return f"motomind:budget:{key[0]}:{key[1]}"

"""Latency: one client, subjects by turns, so that what else happens on the machine hits all alike."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.client import Connection

ROUND = 20
WARM_REQUESTS = 40
"""PostgreSQL decides on a prepared statement's lasting plan at the sixth execution; V8 compiles what is hot."""

WARM_LEAST = 7

Name = TypeVar("Name")


@dataclass(frozen=True)
class Plan:
    """How many requests of each kind, and how many seconds they may take; slow ones are asked less often."""

    requests: int = 200
    seconds: float = 12.0
    warm_seconds: float = 2.0
    least: int = 10
    warm_least: int = 7


@dataclass(frozen=True)
class Target:
    """A request to a server."""

    port: int
    request: bytes


@dataclass(frozen=True)
class Sample:
    """What was measured of one target, milliseconds."""

    times: Sequence[float]

    @property
    def median(self) -> float:
        """Half of the requests took longer."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """One in twenty took longer: the smallest time that at least 95 % do not exceed."""
        return sorted(self.times)[math.ceil(0.95 * len(self.times)) - 1]

    def told(self) -> dict[str, float]:
        """For the results' file."""
        return {"median": self.median, "p95": self.p95, "requests": len(self.times)}


def measure(targets: Mapping[Name, Target], plan: Plan) -> dict[Name, Sample]:
    """Asks all targets by turns, in rounds of up to twenty requests each."""
    times: dict[Name, list[float]] = {name: [] for name in targets}
    gc.disable()
    try:
        sizes = {name: _round_size(_warm(target, plan), plan) for name, target in targets.items()}
        for _ in range(math.ceil(plan.requests / ROUND)):
            for name, target in targets.items():
                times[name] += _turn(target, sizes[name])
    finally:
        gc.enable()
    return {name: Sample(taken) for name, taken in times.items()}


def _turn(target: Target, requests: int) -> list[float]:
    """Times over one connection; it is new, because servers hang up on idle ones, and used once before it counts."""
    with Connection(target.port) as connection:
        if requests > 1:
            connection.ask(target.request)
        return [_ask(connection, target.request) for _ in range(requests)]


def _ask(connection: Connection, request: bytes) -> float:
    began = time.perf_counter_ns()
    connection.ask(request)
    return (time.perf_counter_ns() - began) / 1e6


def _warm(target: Target, plan: Plan) -> float:
    """Asks until the server is warm; returns the milliseconds that one request takes then."""
    taken: list[float] = []
    with Connection(target.port) as connection:
        while len(taken) < WARM_REQUESTS and (sum(taken) < plan.warm_seconds * 1000 or len(taken) < plan.warm_least):
            taken.append(_ask(connection, target.request))
    return statistics.median(taken[-5:])


def _round_size(milliseconds: float, plan: Plan) -> int:
    rounds = math.ceil(plan.requests / ROUND)
    affordable = plan.seconds * 1000 / rounds / milliseconds
    return min(ROUND, max(math.ceil(plan.least / rounds), int(affordable)))

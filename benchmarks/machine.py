"""The machine and the versions that numbers belong to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psycopg

from benchmarks import node, throughput

LIBRARIES = ("graphql-core", "strawberry-graphql", "starlette", "uvicorn", "asyncpg", "orjson")


def description() -> str:
    """What class of machine this is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores ({_processor()}), {memory:.0f} GB of memory, {platform.system()}"


def versions(owner_url: str) -> dict[str, str]:
    """Of everything that takes part."""
    with psycopg.connect(owner_url) as connection:
        row = connection.execute("show server_version").fetchone()
    return {
        "MotoMind Gateway": version("motomind-gateway"),
        "PostgreSQL": str(row[0]).split()[0] if row else "unknown",
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        **node.versions(),
        "wrk": throughput.version(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

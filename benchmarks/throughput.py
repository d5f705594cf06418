"""Throughput: requests a second over several connections, by wrk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.client import split

SCRIPT = Path(__file__).parent / "post.lua"
MARK = "RESULT "
TIMEOUT_SECONDS = 60


class LoadGeneratorMissingError(Exception):
    """wrk is not installed."""


class LoadFailedError(Exception):
    """Requests under load failed, or their answers were shorter than the one that was checked."""


def require() -> None:
    """Installs wrk where that is possible. Raises LoadGeneratorMissingError with what to do where it is not."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        subprocess.run([apt, "install", "-y", "-qq", "wrk"], stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    if shutil.which("wrk") is None:
        raise LoadGeneratorMissingError(
            "wrk, the load generator, is missing. Install it (Debian: apt-get install wrk), or leave the measurement "
            "out: --skip throughput"
        )


def version() -> str:
    """The version of wrk."""
    told = subprocess.run([shutil.which("wrk") or "wrk", "-v"], capture_output=True, text=True, check=False)  # noqa: S603
    return told.stdout.split()[1] if told.stdout else "unknown"


def measure(
    port: int, request: bytes, *, connections: int, seconds: int, answer_bytes: int, settle: Callable[[], None]
) -> float:
    """Requests a second, after a second to warm up; 0 where not one was answered in the time.

    ``settle`` is called after each load: the requests that it leaves behind must not weigh on the next.
    """
    told = {}
    for duration in (1, seconds):
        told = _run(port, request, connections, duration)
        settle()
    if told["failed"]:
        raise LoadFailedError(f"{told['failed']} of {told['requests']} requests failed over {connections} connections")
    if told["requests"] and told["bytes"] / told["requests"] < answer_bytes:
        raise LoadFailedError(f"answers over {connections} connections are shorter than the one that was checked")
    return told["requests"] / (told["microseconds"] / 1e6)


def _run(port: int, request: bytes, connections: int, seconds: int) -> dict[str, int]:
    path, headers, body = split(request)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        environment = {**os.environ, "WRK_BODY": file.name, "WRK_HEADERS": "\n".join(f"{k}: {v}" for k, v in headers)}
        command = [
            shutil.which("wrk") or "wrk", "--threads", "1", "--connections", str(connections),
            "--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s", "--script", str(SCRIPT),
            f"http://127.0.0.1:{port}{path}",
        ]  # fmt: skip
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    line = next(line for line in told.stdout.splitlines() if line.startswith(MARK))
    result: dict[str, int] = json.loads(line.removeprefix(MARK))
    return result

"""Gateways as processes of their own, on a real port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil

from api.settings import Settings

START_SECONDS = 120
PATIENCE = 120.0  # a machine that is busy starts a worker in ten seconds


@dataclass
class Gateway:
    """A gateway that runs, what it has logged, and ways to ask it."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path
    headers: dict[str, str] = field(default_factory=dict)

    def lines(self, logger: str | None = None) -> list[dict[str, Any]]:
        """The lines of its log, or of one logger's."""
        lines = [orjson.loads(line) for line in self.log.read_bytes().splitlines()]
        return [line for line in lines if logger in {None, line["logger"]}]

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to a GET on a connection of its own."""
        return httpx.get(self.address + path, headers=headers, timeout=PATIENCE)

    def post(self, query: str, **headers: str) -> httpx.Response:
        """The answer to a query on a connection of its own."""
        headers = {**self.headers, **headers}
        return httpx.post(f"{self.address}/graphql", json={"query": query}, headers=headers, timeout=PATIENCE)

    def workers(self) -> set[int]:
        """The ids of the worker processes."""
        found = set()
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it has ended
                if "spawn_main" in " ".join(child.cmdline()):
                    found.add(child.pid)
        return found

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status after a signal."""
        self.process.send_signal(by)
        return self.process.wait(PATIENCE)


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)


@contextmanager
def gateway(settings: Settings, port: int, folder: Path, *options: str, **more: str) -> Iterator[Gateway]:
    """Serves the settings' database with its development key; ``more`` is settings by their variables' names."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MOTOMIND_", "OTEL_"))}
    environment |= {"DATABASE_URL": str(settings.database_url), "MOTOMIND_DATA_DIR": str(settings.data_dir), **more}
    command = [Path(sys.executable).parent / "motomind", "serve", "--port", str(port), *options]
    log = folder / "log"
    with log.open("wb") as output, (folder / "err").open("wb") as errors:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=errors)  # noqa: S603
    running = Gateway(process, f"http://127.0.0.1:{port}", log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text() + (folder / "err").read_text()
        try:
            return running.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answers, START_SECONDS)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

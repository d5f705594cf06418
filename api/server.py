"""The server: one process, or several workers under a supervisor that replaces those that end."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from api import logs
from api.app import create
from api.drain import DRAIN_WORKER
from api.protocol import HttpProtocol
from api.settings import Settings

log = logging.getLogger("motomind")

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
START_SECONDS = 30  # that a worker may take to begin, or to say that it is alive


def application() -> Starlette:
    """The application of one process, which logs as the settings say."""
    settings = Settings()
    logs.configure(settings)
    return create(settings)


def run(settings: Settings) -> None:
    """Serves until a signal ends it. SystemExit with a status where it could not begin."""
    config = uvicorn.Config(
        "api.server:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=HttpProtocol,
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=ceil(settings.request_timeout) + 1,
        timeout_worker_healthcheck=START_SECONDS,
    )
    logs.configure(settings)
    with _metrics_directory(several=settings.workers > 1):
        if settings.workers > 1:
            supervisor = Supervisor(config, [config.bind_socket()])
            supervisor.run()
            started = not any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)
        else:
            server = uvicorn.Server(config)
            server.run()
            started = server.started
    if not started:
        sys.exit(1)


class Supervisor(Multiprocess):
    """uvicorn's, which starts workers anew that end by themselves; by SIGHUP all of them, one after the other.

    By SIGTERM the workers drain together before they stop.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[object]) -> None:
        super().__init__(config, sockets)  # type: ignore[arg-type]
        self._seen: dict[int, Process] = {}

    def terminate_all(self) -> None:
        """Has all workers drain."""
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, DRAIN_WORKER)

    def handle_hup(self) -> None:
        """Replaces the workers; ends all where it was a terminal that was closed."""
        if sys.stdin is not None and sys.stdin.isatty():
            self.handle_term()
        else:
            super().handle_hup()

    def keep_subprocess_alive(self) -> None:
        """Starts workers in place of those that have ended, and says so."""
        super().keep_subprocess_alive()
        now = {process.pid: process for process in self.processes if process.pid is not None}
        for pid, process in self._seen.items():
            if pid not in now:
                log.warning("worker %d has ended (%s); another one is in its place", pid, process.exitcode)
                if DIRECTORY in os.environ:
                    from prometheus_client.multiprocess import mark_process_dead

                    mark_process_dead(pid)  # type: ignore[no-untyped-call]
        self._seen = now


@contextmanager
def _metrics_directory(*, several: bool) -> Iterator[None]:
    """A directory for the metrics of several workers: the one that the environment names, emptied, or a new one."""
    given = os.environ.get(DIRECTORY)
    if given is not None:
        Path(given).mkdir(parents=True, exist_ok=True)
        for left in Path(given).glob("*.db"):
            left.unlink()
        yield
    elif several:
        with tempfile.TemporaryDirectory(prefix="motomind-metrics-", ignore_cleanup_errors=True) as made:
            os.environ[DIRECTORY] = made
            try:
                yield
            finally:
                del os.environ[DIRECTORY]
    else:
        yield

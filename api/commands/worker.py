"""``motomind worker``: what is computed in the background."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from api.terminal import DataDir, console, database, settings_of

STOP_SECONDS = 30  # that a worker beside the gateway may take to finish what it has in hand


def worker(
    data_dir: DataDir = None,
    parent: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process is no parent.")] = None,
) -> None:
    """Keep the metrics of vehicles, and explanations of them, current, as the database's owner.

    What events change is computed within seconds, for several tenants at the same time (MOTOMIND_WORKER_JOBS). Any
    number of workers may run, on any number of machines. SIGTERM or Ctrl+C: it finishes what it has in hand.
    """
    from api import logs
    from sql.jobs.worker import Worker, require_database, work

    settings = settings_of(data_dir=data_dir)
    with database(settings, migrate=False, begin=False) as addresses:
        require_database(addresses.owner)
        logs.configure(settings)
        if parent is None:
            console.print("The worker keeps metrics and explanations current  (Ctrl+C stops it)", style="bold")
        running = Worker(addresses.owner, at_once=settings.worker_jobs, phraser=settings.phraser())
        asyncio.run(work(running, is_orphan=lambda: parent is not None and os.getppid() != parent))
        if parent is None:
            console.print("Stopped.")


@contextmanager
def beside(owner_url: str) -> Iterator[None]:
    """A worker in a process of its own, in this one's group, for as long as the context lasts."""
    command = [sys.executable, "-c", "from api.cli import main; main()", "worker", "--parent", str(os.getpid())]
    environment = {**os.environ, "DATABASE_URL": owner_url}
    environment.pop("MOTOMIND_OWNER_DATABASE_URL", None)
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - our own command
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

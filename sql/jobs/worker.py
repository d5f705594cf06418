"""The worker: computes what is due, tenant by tenant, with jobs that are shared with all other workers."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.resources import files
from uuid import UUID

import psycopg
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from psycopg_pool import PoolTimeout

from sql import metrics
from sql.explanations import Phraser, explain
from sql.fleet_summaries import summarize
from sql.jobs import SCHEMA
from sql.owner import connected, statements

log = logging.getLogger("motomind.worker")

LOOK_SECONDS = 1.0
"""How often it is looked for tenants with something due."""
AGAIN_SECONDS = 5.0
"""After how long it is tried again where the database does not answer."""
PATIENCE_SECONDS = 60.0
"""For how long a vehicle that cannot be computed is left alone."""
TENANT_TASKS = {"metrics": 0, "fleet_summaries": -1, "explanations": -2}
"""What is done tenant by tenant, with its priority: each has its statement of who is due in a package of that name."""
UNREACHABLE = (ConnectorException, psycopg.OperationalError, PoolTimeout)


def require_database(owner_url: str) -> None:
    """Raises, with what to do, where the database does not answer, is not migrated, or lets in who is not its owner."""
    with connected(owner_url) as connection:
        connection.execute(statements("sql.metrics")["nothing_due"])


class Worker:
    """One worker, until it is stopped. ``at_once`` is how many jobs it carries out at the same time.

    ``phraser`` puts explanations into other words; without one they stay in the rules' own.
    """

    def __init__(self, owner_url: str, *, at_once: int, phraser: Phraser | None = None) -> None:
        self._url = owner_url
        self._at_once = at_once
        self._phraser = phraser
        self._stopping = threading.Event()
        self._failed: dict[UUID, float] = {}

    def stop(self) -> None:
        """Lets it end after the transactions that are at work."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until it is stopped; waits for a database that does not answer."""
        while not self._stopping.is_set():
            try:
                await self._work()
            except UNREACHABLE as error:
                log.warning("the database does not answer (%s); it is tried again", type(error).__name__)
                await self._pause(AGAIN_SECONDS)

    async def _work(self) -> None:
        connector = PsycopgConnector(
            conninfo=self._url,
            min_size=1,
            max_size=self._at_once + 3,
            timeout=AGAIN_SECONDS,
            kwargs={"options": f"-c search_path={SCHEMA}", "application_name": "motomind worker"},
        )
        app = App(connector=connector)
        _add_tasks(
            app,
            self._work_off,
            self._write_summaries,
            self._write_explanations,
            self._refresh_rates,
            self._make_partitions,
        )
        async with app.open_async():
            # Its jobs are few and short: what is to be kept is in the log.
            working = asyncio.create_task(
                app.run_worker_async(
                    concurrency=self._at_once,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=LOOK_SECONDS,
                )
            )
            looking = asyncio.create_task(self._look(app))
            try:
                await asyncio.wait({working, looking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                looking.cancel()
                working.cancel()  # it takes no new job, and waits for those at work
                ended = await asyncio.gather(working, looking, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    async def _look(self, app: App) -> None:
        """Defers jobs for tenants that have something due and no such job that waits, until it is to stop."""
        while not self._stopping.is_set():
            for task, priority in TENANT_TASKS.items():
                due = statements(f"sql.{task}")["tenants_due"].decode()
                for row in await app.connector.execute_query_all_async(due):
                    tenant_id = str(row["id"])
                    job = app.configure_task(task, queueing_lock=f"{task} {tenant_id}", priority=priority)
                    with suppress(AlreadyEnqueued):
                        await job.defer_async(tenant_id=tenant_id)
            await self._pause(LOOK_SECONDS)

    async def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and time.monotonic() < until:  # noqa: ASYNC110 - threads ask for it as well
            await asyncio.sleep(0.1)

    def _write_summaries(self, tenant_id: UUID) -> None:
        begun = time.monotonic()
        with connected(self._url, autocommit=True) as connection:
            written = summarize(connection, tenant_id)
        if written:
            log.info("summaries of tenant %s: %d rows written, in %.2f s", tenant_id, written, time.monotonic() - begun)

    def _write_explanations(self, tenant_id: UUID) -> None:
        """After its figures, as what is stored of a vehicle is read faster than worked out."""
        self._work_off(tenant_id)
        if self._stopping.is_set():
            return
        with connected(self._url, autocommit=True) as connection:
            done = explain(connection, tenant_id, phraser=self._phraser)
        if done is not None and (done.written or done.closed or done.phrased):
            log.info(
                "explanations of tenant %s: %d written, %d closed, %d phrased",
                *(tenant_id, done.written, done.closed, done.phrased),
            )

    def _work_off(self, tenant_id: UUID) -> None:
        begun = time.monotonic()
        self._failed = {vehicle: until for vehicle, until in self._failed.items() if until > begun}
        vehicles = changes = rows = 0
        with connected(self._url, autocommit=True) as connection:
            for batch in metrics.work_off(connection, tenant_id, without=tuple(self._failed)):
                vehicles += len(batch.vehicles)
                changes += batch.changes
                rows += batch.written + batch.removed
                self._failed |= dict.fromkeys(batch.failed, time.monotonic() + PATIENCE_SECONDS)
                if self._stopping.is_set():
                    break
            if vehicles:
                metrics.refresh_class_rates(connection, tenant_id)
        if vehicles:
            log.info(
                "metrics of tenant %s: %d vehicles, %d changes, %d rows written, in %.2f s",
                *(tenant_id, vehicles, changes, rows, time.monotonic() - begun),
            )

    async def _refresh_rates(self) -> None:
        def refresh() -> None:
            with connected(self._url, autocommit=True) as connection:
                for (tenant_id,) in connection.execute(statements("sql.metrics")["tenants_with_old_rates"]).fetchall():
                    if not self._stopping.is_set():
                        metrics.refresh_class_rates(connection, tenant_id)

        await asyncio.to_thread(refresh)

    async def _make_partitions(self) -> None:
        def make() -> None:
            with connected(self._url) as connection:
                connection.execute(files("sql").joinpath("partitions_ahead.sql").read_bytes())

        await asyncio.to_thread(make)


def _add_tasks(
    app: App,
    compute: Callable[[UUID], None],
    summarize_tenant: Callable[[UUID], None],
    explain_tenant: Callable[[UUID], None],
    refresh_rates: Callable[[], Awaitable[None]],
    make_partitions: Callable[[], Awaitable[None]],
) -> None:
    """What jobs do. Each may run twice or be lost with its worker: what is due stays marked until it is done."""

    def add_for_tenants(name: str, work: Callable[[UUID], None], retry: RetryStrategy | None = None) -> None:
        @app.task(name=name, retry=retry or False)
        async def _work_for_tenant(tenant_id: str) -> None:
            await asyncio.to_thread(work, UUID(tenant_id))

    add_for_tenants("metrics", compute, RetryStrategy(max_attempts=5, exponential_wait=2))
    add_for_tenants("fleet_summaries", summarize_tenant)  # where it fails, what was due stays so
    add_for_tenants("explanations", explain_tenant)  # where it fails, the tenant is due again

    @app.periodic(cron="41 * * * *")
    @app.task(name="class_rates", queueing_lock="class_rates", retry=RetryStrategy(max_attempts=2, exponential_wait=4))
    async def _class_rates(timestamp: int) -> None:
        """What became of events whose metrics were computed too soon after the rates."""
        del timestamp
        await refresh_rates()

    @app.periodic(cron="17 3 * * *")
    @app.task(name="partitions", queueing_lock="partitions", retry=RetryStrategy(max_attempts=5, exponential_wait=4))
    async def _partitions(timestamp: int) -> None:
        del timestamp
        await make_partitions()

    @app.periodic(cron="* * * * *")
    @app.task(name="forget_lost_jobs", queueing_lock="forget_lost_jobs")
    async def _forget_lost_jobs(timestamp: int) -> None:
        """Jobs of workers that were killed: others have taken up their work."""
        del timestamp
        for job in await app.job_manager.get_stalled_jobs():
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


async def work(worker: Worker, *, is_orphan: Callable[[], bool] = lambda: False) -> None:
    """Runs a worker until SIGTERM or Ctrl+C, or until whoever started it is gone."""
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, worker.stop)

    async def watch() -> None:
        while not is_orphan():  # noqa: ASYNC110 - there is nothing that would tell
            await asyncio.sleep(LOOK_SECONDS)
        worker.stop()

    watching = asyncio.create_task(watch())
    try:
        await worker.run()
    finally:
        watching.cancel()

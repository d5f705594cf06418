"""The worker as a process: keeps metrics current, stops in good order, and loses nothing when it is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from sql import embedded, metrics
from sql.demo import DemoSize, load_demo
from sql.embedded import Addresses
from tests.conftest import DEMO_UNTIL

MOTOMIND = Path(sys.executable).parent / "motomind"
PATIENCE = 60.0
WORKERS = "select count(*) from jobs.procrastinate_workers"
LEFT = """select (select count(*) from vehicle_changes) + (select count(*) from metrics_due)
              + (select count(*) from group_changes)"""
ROWS = """select vehicle_id, period_type, metric_date, miles_driven, fuel_efficiency_mpg, idle_minutes, harsh_events,
                 last_service_date, data_completeness_pct from vehicle_metrics order by 1, 2, 3"""
READING = """
  insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
  select v.tenant_id, v.id, 'odometer_reading', jsonb_build_object('miles', %s::integer),
         (select user_id from memberships m where m.tenant_id = v.tenant_id limit 1), %s::timestamptz
    from vehicles v order by v.id offset %s limit 1"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def small_fleet(fresh_database: Addresses) -> Addresses:
    """A database of two small generated tenants, of the test's own."""
    load_demo(fresh_database.owner, size=DemoSize(2, 2, 6, 3), until=DEMO_UNTIL, progress=lambda *_: None)
    return fresh_database


@pytest.fixture
def start(small_fleet: Addresses, tmp_path: Path) -> Iterator[Start]:
    """Starts workers on the small fleet; those that still run are killed in the end."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: str, address: str = small_fleet.owner) -> subprocess.Popen[str]:
        environment = {**os.environ, "DATABASE_URL": address, "MOTOMIND_DATA_DIR": str(tmp_path)}
        started.append(
            subprocess.Popen(  # noqa: S603 - our own command
                [str(MOTOMIND), "worker", *words],
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
        return started[-1]

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def until(connection: psycopg.Connection, query: str, wanted: Callable[[int], bool], *values: object) -> None:
    """Waits for a count."""
    end = time.monotonic() + PATIENCE
    while True:
        ((count,),) = connection.execute(query, values).fetchall()
        if wanted(count):
            return
        assert time.monotonic() < end, f"{query}: still {count}"
        time.sleep(0.05)


def test_a_worker_keeps_metrics_current_and_ends_by_a_signal(small_fleet: Addresses, start: Start):
    """Several do as well as one; each ends with status 0, and forgets itself."""
    workers = [start(), start()]
    with psycopg.connect(small_fleet.owner, autocommit=True) as connection:
        until(connection, WORKERS, lambda count: count == 2)
        until(connection, LEFT, lambda count: count == 0)
        for at, miles in (("2029-01-05T00:00Z", 900_000), ("2029-01-05T20:00Z", 900_500)):
            connection.execute(READING, [miles, at, 0])
        query = "select count(*) from vehicle_metrics where metric_date = '2029-01-05' and miles_driven = 500"
        until(connection, query, lambda count: count == 1)
        for worker, sent in zip(workers, (signal.SIGTERM, signal.SIGINT), strict=True):
            worker.send_signal(sent)
            told = worker.communicate(timeout=PATIENCE)[1]
            assert worker.returncode == 0, told
            assert "Stopped." in told
            assert "Traceback" not in told
        until(connection, WORKERS, lambda count: count == 0)


def test_a_worker_writes_summaries(small_fleet: Addresses, start: Start):
    """Of today, a new day for what was loaded; and then of the day of a late event, above its group as well."""
    looked = "select count(*) from fleet_summary_metrics where metric_date >= (now() at time zone 'UTC')::date - 1"
    driven = "select count(*) from fleet_summary_metrics where metric_date = '2021-05-05' and total_miles_driven >= 500"
    with psycopg.connect(small_fleet.owner, autocommit=True) as connection:
        start()
        until(connection, looked, lambda count: count == 6)  # two tenants of two groups
        for at, miles in (("2021-05-05T00:00Z", 1), ("2021-05-05T20:00Z", 501)):
            connection.execute(READING, [miles, at, 0])
        until(connection, driven, lambda count: count >= 2)


def test_a_worker_adds_up_rates_of_makes_and_models(small_fleet: Addresses, start: Start):
    """After the metrics of a tenant that has none yet: predictions need them."""
    query = "select count(distinct tenant_id) from class_rates"
    with psycopg.connect(small_fleet.owner, autocommit=True) as connection:
        assert connection.execute(query).fetchone() == (2,)
        connection.execute("delete from class_rates")
        connection.execute("insert into metrics_due (tenant_id, vehicle_id) select tenant_id, id from vehicles")
        start()
        until(connection, query, lambda count: count == 2)


def test_a_worker_that_is_killed_loses_nothing(small_fleet: Addresses, start: Start):
    """Killed three times while events are written; the last one completes what all of them left."""
    dice = random.Random(3)  # noqa: S311 - to be the same every time
    for _ in metrics.rebuild(small_fleet.owner, None):  # what the demo wrote by itself is from no event
        pass
    with psycopg.connect(small_fleet.owner, autocommit=True) as connection:
        for _ in range(3):
            worker = start()
            until(connection, WORKERS, lambda count: count >= 1)
            for _ in range(60):
                day, hour = dice.randrange(1, 29), dice.randrange(24)
                connection.execute(
                    READING, [800_000 + day * 24 + hour, f"2029-02-{day:02}T{hour:02}:00Z", dice.randrange(12)]
                )
            worker.kill()
            worker.wait()
        start()
        until(connection, LEFT, lambda count: count == 0)
        kept = connection.execute(ROWS).fetchall()
        assert any(row[2].year == 2029 for row in kept)
        connection.execute("delete from vehicle_metrics")
        for _ in metrics.rebuild(small_fleet.owner, None):
            pass
        # Days of the demo that no event tells are gone; whatever an event tells is the same.
        assert set(connection.execute(ROWS).fetchall()) <= set(kept)


def test_a_worker_outlives_the_database(small_fleet: Addresses, start: Start):
    """All of its connections are cut; it goes on."""
    worker = start()
    with psycopg.connect(small_fleet.owner, autocommit=True) as connection:
        until(connection, WORKERS, lambda count: count == 1)
        until(connection, LEFT, lambda count: count == 0)
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and usename = current_user"
        )
        connection.execute(READING, [900_000, "2029-01-05T00:00Z", 0])
        until(connection, LEFT, lambda count: count == 0)
    assert worker.poll() is None


def test_a_worker_writes_explanations_in_the_words_of_a_provider(
    small_fleet: Addresses, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Also of what is due when it begins; what ceases to hold is closed as soon as the tenant's turn comes again."""
    (tmp_path / "polite.py").write_text(
        "class Polite:\n    name = 'polite-1'\n"
        "    def phrase(self, finding):\n        return 'Kindly: ' + finding.sentence\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("MOTOMIND_PHRASING", "polite:Polite")
    overdue = "select count(*) from explanations where kind = 'SERVICE_OVERDUE' and vehicle_id is not null"
    with psycopg.connect(small_fleet.owner, autocommit=True) as connection:
        connection.execute(READING, [900_000, "2029-01-05T00:00Z", 0])
        start()
        phrased = " and text like 'Kindly: %%' and model_version = %s and closed_at is null"
        until(connection, overdue + phrased, lambda count: count == 1, "service-1 + polite-1")
        connection.execute(
            "update manual_events set voided_at = now(), void_reason = 'Wrong.' where odometer_miles = 900000"
        )
        until(connection, LEFT, lambda count: count == 0)
        connection.execute(
            "update explanation_runs set ended_at = ended_at - interval '1 hour'"
        )  # its turn is in a minute
        until(connection, overdue + " and closed_at is not null", lambda count: count == 1)


def test_a_worker_says_what_to_do_where_it_is_not_the_owner(small_fleet: Addresses, start: Start):
    """The gateway's role neither reads what is due nor may use the schema of jobs."""
    worker = start(address=small_fleet.gateway)
    told = worker.communicate(timeout=PATIENCE)[1]
    assert worker.returncode == 1
    assert "MOTOMIND_OWNER_DATABASE_URL" in told
    assert "Traceback" not in told
    with psycopg.connect(small_fleet.owner) as connection:
        roles = connection.execute(
            "select rolname from pg_roles where rolname ~ '^gateway' and has_schema_privilege(oid, 'jobs', 'usage')"
        )
        assert roles.fetchall() == []


def test_serving_the_demo_has_a_worker_beside_it(tmp_path: Path, free_port: int):
    """What is written shows within seconds; both end together, also when the gateway is killed."""
    command = [str(MOTOMIND), "serve", "--demo", "--data-dir", str(tmp_path / "data"), "--port", str(free_port)]
    with embedded.database(tmp_path / "data") as addresses:
        from sql.migrate import migrate

        migrate(addresses.owner)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sql.demo.loader.NAMED_DAYS", 3)
            load_demo(addresses.owner, until=DEMO_UNTIL, progress=lambda *_: None)
        for sent in (signal.SIGKILL, signal.SIGTERM):  # the second one finds that the first is gone
            serving = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
            with psycopg.connect(addresses.owner, autocommit=True) as connection:
                until(
                    connection,
                    WORKERS + " where last_heartbeat > now() - interval '8 seconds'",
                    lambda count: count >= 1,
                )
                children = psutil.Process(serving.pid).children()
                until(connection, LEFT, lambda count: count == 0)
            (worker,) = [child for child in children if "worker" in child.cmdline()]
            assert os.getpgid(worker.pid) == os.getpgid(serving.pid)
            serving.send_signal(sent)
            serving.wait(PATIENCE)
            psutil.wait_procs([worker], timeout=PATIENCE)
            assert not worker.is_running()

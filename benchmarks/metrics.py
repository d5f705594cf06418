"""The metrics worker: how many events a second it keeps up with. Run: python -m benchmarks.metrics [--help].

A writer records odometer readings of random vehicles, one in ten of them late by up to 60 days, as fast as two workers
compute what they change: it waits while more than a few thousand are waiting. All of it on this machine.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from sql import embedded, metrics
from sql.demo import DemoSize, load_demo
from sql.migrate import migrate

DAYS = 90
WAITING = 3000
AT_ONCE = 100
UNTIL = date(2026, 11, 1)
WRITE = """
  insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
  select v.tenant_id, v.id, 'odometer_reading',
         jsonb_build_object('miles', greatest(1, (
           select r.miles + extract(epoch from e.at - r.occurred_at) / 86400 * 30
             from odometer_readings r
            where r.tenant_id = v.tenant_id and r.vehicle_id = v.id and r.rejected_reason is null
               and r.occurred_at <= e.at
            order by r.occurred_at desc limit 1)::integer)),
         (select m.user_id from memberships m where m.tenant_id = v.tenant_id limit 1), e.at
    from unnest(%s::uuid[], %s::timestamptz[]) e (vehicle_id, at)
    join vehicles v on v.id = e.vehicle_id
   where exists (select from odometer_readings r where r.tenant_id = v.tenant_id and r.vehicle_id = v.id
                    and r.rejected_reason is null and r.occurred_at <= e.at)"""


def main() -> None:
    """Prints the rate of a backlog and the sustained one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--vehicles", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory, embedded.database(Path(directory)) as addresses:
        migrate(addresses.owner)
        load_demo(addresses.owner, size=DemoSize(1, 200, given.vehicles, DAYS), until=UNTIL, progress=lambda *_: None)
        begun = time.monotonic()
        for _ in metrics.rebuild(addresses.owner, None):
            pass
        took = time.monotonic() - begun
        print(
            f"rebuild: {given.vehicles} vehicles of {DAYS} days in {took:.1f} s, {given.vehicles / took:.0f} a second"
        )
        sustained(addresses.owner, given.seconds, given.workers)


def sustained(address: str, seconds: float, workers: int) -> None:
    """Writes and computes at the same time for so long."""
    with psycopg.connect(address, autocommit=True) as connection:
        ids = [row[0] for row in connection.execute("select id from vehicles")]
        ((tenant_id,),) = connection.execute("select id from tenants").fetchall()
        stop = threading.Event()
        done: list[tuple[float, metrics.Batch]] = []
        threads = [threading.Thread(target=work, args=(address, tenant_id, stop, done)) for _ in range(workers)]
        for thread in threads:
            thread.start()
        dice = random.Random(1)  # noqa: S311 - to be the same every time
        written, begun = 0, time.monotonic()
        now = datetime.combine(UNTIL, datetime.min.time(), UTC)
        while time.monotonic() - begun < seconds:
            ((waiting,),) = connection.execute("select count(*) from vehicle_changes").fetchall()
            if waiting > WAITING:
                time.sleep(0.02)
                continue
            now += timedelta(minutes=1)
            late = [now - timedelta(days=dice.uniform(0, 60) if dice.random() < 0.1 else 0) for _ in range(AT_ONCE)]
            written += connection.execute(WRITE, [dice.choices(ids, k=AT_ONCE), late]).rowcount
        stop.set()
        for thread in threads:
            thread.join()
        took = max(at for at, _ in done) - begun
        changes = sum(batch.changes for _, batch in done)
        rows = sum(batch.written + batch.removed for _, batch in done)
        computed = sum(len(batch.vehicles) for _, batch in done)
        print(
            f"sustained over {took:.0f} s with {workers} workers: {written / took:.0f} events written a second, "
            f"{changes / took:.0f} changes and {computed / took:.0f} vehicles computed, {rows / took:.0f} rows written"
        )


def work(address: str, tenant_id: Any, stop: threading.Event, done: list[tuple[float, metrics.Batch]]) -> None:
    """A worker, until it is to stop and nothing is left."""
    with psycopg.connect(address, autocommit=True) as connection:
        while True:
            is_last = stop.is_set()
            found = False
            for batch in metrics.work_off(connection, tenant_id):
                found = True
                done.append((time.monotonic(), batch))
            if is_last and not found:
                return


if __name__ == "__main__":
    main()

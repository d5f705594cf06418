"""Writing: a fuel purchase through the gateway, and as one hand-written INSERT under the same policies and triggers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg

from benchmarks import latency
from benchmarks.answer import compare, read
from benchmarks.client import Connection
from benchmarks.database import uid
from benchmarks.query import Caller, Query
from benchmarks.subject import SUBJECTS, running
from sql.embedded import Addresses

NAME = "purchase"
CALLER = Caller(uid("owner", 4), uid("tenant", 4))  # of a tenant that no question is asked in
VEHICLE = str(uid("vehicle", 100_001))
STATION = "Station of the benchmark's writes"  # what its rows are known by
WHEN = "2026-06-30T12:00:00+00:00"
QUERIES = {
    "gateway": Query(NAME, "", NAME, CALLER, {"input": {
        "vehicleId": VEHICLE, "occurredAt": WHEN, "gallons": "12.5", "pricePerGallon": "3.899", "totalCost": "48.74",
        "odometerMiles": 40_200, "stationName": STATION}}),
    "sql": Query(NAME, "", NAME, CALLER, {"vehicle": VEHICLE, "occurredAt": WHEN, "payload": (
        '{"gallons": 12.5, "price_per_gallon": 3.899, "total_cost": 48.74, "odometer_miles": 40200, '
        f'"is_full_tank": true, "missed_previous": false, "station_name": "{STATION}"}}')}),
}  # fmt: skip


def measure(addresses: Addresses, plan: latency.Plan, report: Callable[[str], None]) -> dict[str, Any]:
    """Medians in ms of a person's recordFuelPurchase and of the INSERT; the database is left as it was found."""
    chosen = [subject for subject in SUBJECTS if subject.name in QUERIES]
    with ExitStack() as stack:
        servers = [stack.enter_context(running(subject, addresses)) for subject in chosen]
        stack.enter_context(_undone(addresses.owner))
        targets = {
            server.subject.name: latency.Target(server.port, server.subject.request(QUERIES[server.subject.name]))
            for server in servers
        }
        answers = {}
        for name, target in targets.items():
            with Connection(target.port) as connection:
                answers[name] = read(f"{NAME} of {name}", connection.ask(target.request))
            del answers[name]["event"]["id"]
        compare(NAME, answers)
        samples = latency.measure(targets, plan)
    found = {name: sample.told() for name, sample in samples.items()}
    ratio = found["gateway"]["median"] / found["sql"]["median"]
    report(f"  write, of the INSERT's {found['sql']['median']:.2f} ms: gateway {ratio:.2f}")
    return found


@contextmanager
def _undone(owner: str) -> Iterator[None]:
    """Removes what is written inside, and what is left of a run that was killed."""
    _remove(owner)
    try:
        yield
    finally:
        _remove(owner)


def _remove(owner: str) -> None:
    tables = ("manual_events", "audit_trail", "vehicle_changes")
    with psycopg.connect(owner) as connection:
        connection.execute("alter table manual_events disable trigger audit_delete")
        connection.execute(
            """with gone as (delete from manual_events
                              where tenant_id = %s and vehicle_id = %s and payload ->> 'station_name' = %s
                             returning id)
               delete from audit_trail where tenant_id = %s and record_id in (select id from gone)""",
            [CALLER.tenant_id, VEHICLE, STATION, CALLER.tenant_id],
        )
        connection.execute(
            "delete from vehicle_changes where tenant_id = %s and vehicle_id = %s", [CALLER.tenant_id, VEHICLE]
        )
        connection.execute("alter table manual_events enable trigger audit_delete")
    with psycopg.connect(owner, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"vacuum {table}".encode())

"""Importing many events: ``python -m benchmarks.bulk --rows 1000000``.

A generated fuel-card file is imported by the command line, and the rows that it left are copied by a bare COPY into the
same table of another database, with the same partitions, triggers, constraints and policies; as a superuser, because
PostgreSQL takes no COPY into a table whose policies hold for who copies. Tells rows per second, the ratio of the two,
and the most memory that the import held, for the file and for a tenth of it. With ``--encrypt`` two values of each row
are encrypted on their way in.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from sql import embedded
from sql.embedded import Addresses
from sql.encryption import new_master_key
from sql.migrate import migrate

VEHICLES = 5000
DAYS = 365
SEED = 7
COLUMNS = "tenant_id, id, vehicle_id, event_type, payload, confidence, created_by, occurred_at"
MAP = """
[vehicle]
column = "Vehicle"
[fields]
external_id = "Transaction"
occurred_at = "Date"
event_type = { constant = "fuel_purchase" }
gallons = "Gallons"
price_per_gallon = "Price"
total_cost = "Total"
odometer_miles = "Odometer"
station_name = "Station"
"""
ENCRYPTED = '["manual_events.payload.station_name", "manual_events.payload.columns.Driver"]'


def write_files(folder: Path, rows: int) -> None:
    """The vehicles, the map and the events; the same ones every time."""
    chance = random.Random(SEED)  # noqa: S311
    (folder / "map.toml").write_text(MAP, encoding="utf-8")
    with (folder / "vehicles.csv").open("w", encoding="utf-8") as file:
        file.write("label,external_id\n")
        file.writelines(f"Truck {number},T{number}\n" for number in range(VEHICLES))
    began = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(days=DAYS)
    with (folder / "events.csv").open("w", encoding="utf-8") as file:
        file.write("Transaction,Vehicle,Date,Gallons,Price,Total,Odometer,Station,Driver\n")
        for number in range(rows):
            at = began + datetime.timedelta(seconds=number * DAYS * 86_400 // rows)
            gallons, price = chance.randint(5_000, 30_000) / 1000, chance.randint(2_800, 4_500) / 1000
            file.write(
                f"X{number},Truck {chance.randrange(VEHICLES)},{at.isoformat()},{gallons:.3f},{price:.3f},"
                f"{gallons * price:.2f},{number},Shell {number % 50},Driver {number % 300}\n"
            )


def run(database: Addresses, *arguments: object) -> tuple[float, float]:
    """Runs ``motomind import``; seconds, and the most MB that it held."""
    began = time.perf_counter()
    command = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", "from api.cli import main; main()", "import", *map(str, arguments), "--tenant", "Bench"],
        env={**os.environ, "DATABASE_URL": database.owner},
    )
    _, status, usage = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    assert command.returncode == 0, "the import failed"
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def copied(source: Addresses, superuser: str, target: str, folder: Path) -> float:
    """Seconds that a bare COPY of the source's events takes in the target."""
    path = folder / "rows.copy"
    with psycopg.connect(source.owner) as connection, path.open("wb") as file:
        query = f"copy (select {COLUMNS} from manual_events order by occurred_at) to stdout"
        with connection.cursor() as cursor, cursor.copy(query.encode()) as rows:
            for piece in rows:
                file.write(piece)
    with psycopg.connect(superuser, dbname=target) as connection, path.open("rb") as file:
        began = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(f"copy manual_events ({COLUMNS}) from stdin".encode()) as rows:
            while piece := file.read(1024 * 1024):
                rows.write(piece)
        connection.commit()
        return time.perf_counter() - began


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--encrypt", action="store_true", help="encrypt the station and the driver")
    given = parser.parse_args()
    rows = given.rows
    if given.encrypt:
        os.environ["MOTOMIND_ENCRYPTED_FIELDS"] = ENCRYPTED
        os.environ["MOTOMIND_MASTER_KEYS"] = new_master_key("bench")
    with tempfile.TemporaryDirectory(prefix="motomind-bulk-") as name:
        folder = Path(name)
        with embedded.server(folder / "server") as superuser:
            embedded.create_roles(superuser)

            def database(name: str, template: str | None = None) -> Addresses:
                embedded.create_database(superuser, name, template)
                return embedded.addresses(superuser, name)

            start = database("start")
            migrate(start.owner)
            write_files(folder, rows // 10)
            run(start, "vehicles", folder / "vehicles.csv")
            with psycopg.connect(start.owner) as connection:
                connection.execute(
                    "select app.make_event_partitions((now() - interval '13 months')::date, now()::date)"
                )
            events = ("events", folder / "events.csv", "--map", folder / "map.toml")
            _, small = run(database("small", "start"), *events)
            write_files(folder, rows)
            imported = database("imported", "start")
            seconds, large = run(imported, *events)
            again, _ = run(imported, *events)
            database("bare", "start")
            bare = copied(imported, superuser, "bare", folder)
    print(f"{rows:,} events, {VEHICLES:,} vehicles")
    print(f"import        {seconds:8.1f} s  {rows / seconds:10,.0f} rows/s  at most {large:.0f} MB")
    print(f"a tenth of it                                 at most {small:.0f} MB")
    print(f"again         {again:8.1f} s  {rows / again:10,.0f} rows/s  nothing to add")
    print(f"bare COPY     {bare:8.1f} s  {rows / bare:10,.0f} rows/s")
    print(f"import / COPY {seconds / bare:8.2f}")


if __name__ == "__main__":
    main()

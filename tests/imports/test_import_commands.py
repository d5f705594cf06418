"""``motomind import vehicles|events`` as a person types them: what is printed, how it ends, and one that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sql.encryption import new_master_key
from tests.dump import dump
from tests.imports.conftest import EVENTS

pytestmark = pytest.mark.database

SMALL_COMMITS = (
    "import api.imports.bulk as bulk; bulk.ROWS_PER_COMMIT = 100; import api.cli as cli; cli.main()"
)  # fmt: skip
ROWS = 2000


@pytest.fixture
def start(fresh_database, tmp_path) -> Callable[..., subprocess.Popen[str]]:
    """Starts ``motomind`` on the test's database."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MOTOMIND_", "DATABASE_URL"))}

    def start(*arguments: object, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", SMALL_COMMITS, *map(str, arguments)],
            cwd=tmp_path,
            env={
                **kept,
                "DATABASE_URL": fresh_database.owner,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                **settings,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def events(count: int) -> str:
    """Rows of a file."""
    return EVENTS + "".join(
        f"Van,odometer_reading,2026-01-{n % 28 + 1:02}T{n % 24:02}:00:00Z,,,,{n}\n" for n in range(count)
    )


def test_refused_rows_end_with_status_1_and_say_what_to_do(fleet, start, tmp_path):
    """Counts by reason, the first few, and the file."""
    del fleet
    path = tmp_path / "new.csv"
    path.write_text(events(3) + "Van,odometer_reading,2026-01-31,,,,x\n" * 12, encoding="utf-8")
    _, told = (command := start("import", "events", path, "--tenant", "Acme")).communicate(timeout=120)
    assert command.returncode == 1
    assert told.splitlines() == [
        "Read 15 rows: added 3 events, 0 there already, 12 refused.",
        *[f'  row {n}, column odometer_miles: "x" is no number such as 12.5' for n in range(5, 15)],
        "By reason:",
        "         12  odometer_miles: ... is no number such as 12.5",
        f"The refused rows are in {path}.refused.csv: correct them there, and import that file the same way.",
    ]
    path.write_text(events(4), encoding="utf-8")
    _, told = (command := start("import", "events", path, "--tenant", "acme", "--dry-run")).communicate(timeout=120)
    assert (command.returncode, told) == (0, "Read 4 rows: would add 1 events, 3 there already, 0 refused.\n")


def test_odd_rows_are_told_by_kind_and_end_with_status_0(fleet, start, tmp_path):
    """With the code of the warning, and the first row that has it."""
    del fleet
    (tmp_path / "new.csv").write_text(EVENTS + "Van,fuel_purchase,2026-01-31,400,3,1200,\n", encoding="utf-8")
    _, told = (command := start("import", "events", "new.csv", "--tenant", "Acme")).communicate(timeout=120)
    assert command.returncode == 0
    assert told.splitlines() == [
        "Read 1 rows: added 1 events, 0 there already, 0 refused.",
        "Odd, and not refused (docs/writing.md tells what is meant):",
        "          1  MUCH_FUEL, first in row 2",
    ]


def test_a_wrong_map_or_file_is_one_message(fleet, start, tmp_path):
    """No stack trace."""
    del fleet
    (tmp_path / "map.toml").write_text("feilds = 1", encoding="utf-8")
    (tmp_path / "new.csv").write_text(events(1), encoding="utf-8")
    for arguments, expected in (
        (["new.csv", "--map", "map.toml"], "map.toml, feilds: there is no such key; did you mean fields?"),
        (["new.csv", "--map", "none.toml"], "none.toml: cannot be read: No such file or directory"),
        (["none.csv"], "There is no file none.csv."),
    ):
        command = start("import", "events", *arguments, "--tenant", "Acme")
        _, told = command.communicate(timeout=120)
        assert command.returncode == 1
        assert expected in told
        assert "Traceback" not in told


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_import_that_was_interrupted_is_completed_by_the_same_command(fleet, start, rows, tmp_path, how):
    """By kill -9 or Ctrl+C in a transaction: what was committed stays, every row is there once in the end.

    Who presses Ctrl+C is told what to do.
    """
    del fleet
    path = tmp_path / "new.csv"
    path.write_text(events(ROWS), encoding="utf-8")
    command = start("import", "events", path, "--tenant", "Acme")
    with psycopg.connect(rows.owner) as connection:
        while not (held := rows("select count(*) from manual_events")[0][0]):
            assert command.poll() is None, command.communicate()
            time.sleep(0.01)
        connection.execute("lock table manual_events in exclusive mode")  # it goes on only when it is let
        waiting = "select count(*) from pg_locks where relation = 'manual_events'::regclass and not granted"
        while not rows(waiting)[0][0]:
            assert command.poll() is None, command.communicate()
            time.sleep(0.01)
        held = connection.execute("select count(*) from manual_events").fetchone()[0]
        command.send_signal(how)
        if how == signal.SIGKILL:
            command.wait()
    _, told = command.communicate(timeout=120)
    if how == signal.SIGINT:
        assert command.returncode == 130
        assert told.endswith("Interrupted. What is committed stays; the same command again adds what is missing.\n")
    assert 0 < held < ROWS
    _, told = (command := start("import", "events", path, "--tenant", "Acme")).communicate(timeout=120)
    assert command.returncode == 0
    there = int(told.split(" events, ")[1].split(" ")[0].replace(",", ""))
    assert told == f"Read 2,000 rows: added {ROWS - there:,} events, {there:,} there already, 0 refused.\n"
    assert rows("select count(*), count(distinct id) from manual_events") == [(ROWS, ROWS)]
    assert rows("select count(*) from audit_trail where table_name = 'manual_events'") == [(ROWS,)]


FIELDS = json.dumps(
    [
        "manual_events.payload.location",
        "manual_events.payload.trip_miles",
        "vehicles.extended_attributes.custom_fields",
    ]
)
FILES = {
    "vehicles": "label,owner\nVan,Ada Lovelace\n",
    "events": "vehicle,event_type,occurred_at,miles,location\n"
    'Van,odometer_reading,2026-01-05,7,"{""lat"": 47.376887}"\n',
    "fuel-log": "car_name,model,date,odometer,miles,gallons,price\nCar,Ford Ka,2024-02-29,42116,327.125,10.5,3.9\n",
}


def test_every_import_encrypts_as_the_settings_say_or_does_not_begin(start, fresh_database, tmp_path):
    """Without a master key each is refused with the setting to make; also where only the tenant has keys."""
    master = new_master_key("2026")

    def ran(kind: str, status: int, **settings: str) -> str:
        (tmp_path / f"{kind}.csv").write_text(FILES[kind], encoding="utf-8")
        command = start("import", kind, f"{kind}.csv", "--tenant", "Acme", **settings)
        _, told = command.communicate(timeout=120)
        assert command.returncode == status, told
        assert "Traceback" not in told
        return str(told)

    for kind in FILES:
        told = ran(kind, 1, MOTOMIND_ENCRYPTED_FIELDS=FIELDS)
        assert "MOTOMIND_ENCRYPTED_FIELDS needs MOTOMIND_MASTER_KEYS" in told
        assert "export MOTOMIND_MASTER_KEYS=$(motomind keys generate)" in told
    for _ in range(2):
        told = [ran(kind, 0, MOTOMIND_ENCRYPTED_FIELDS=FIELDS, MOTOMIND_MASTER_KEYS=master) for kind in FILES]
    assert [line for line in "".join(told).splitlines() if line.startswith("Read")] == [
        "Read 1 rows: added 0 vehicles, 1 there already, 0 refused.",
        "Read 1 rows: added 0 events, 1 there already, 0 refused.",
        "Read 1 rows; added nothing: all of it was there already.",
    ]
    text = dump(fresh_database)
    assert len(re.findall(r'"key": "\w+", "\$enc"', text)) == 3 * 2 + 1  # rows, their records, the vehicle's stream
    assert [clear for clear in ("Ada Lovelace", "47.376887", "327.125") if clear in text] == []
    assert "no master key is set here" in ran("events", 1)
    assert "There is no master key 2026." in ran("events", 1, MOTOMIND_MASTER_KEYS=new_master_key("2027"))

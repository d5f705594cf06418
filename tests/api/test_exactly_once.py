"""Events are recorded exactly once, although the gateway and PostgreSQL are killed in the middle of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest

from sql import embedded

CLIENTS = 8
EVENTS = int(os.environ.get("MOTOMIND_STRESS_EVENTS", "400"))  # in all
KILLS = 4
MOTOMIND = Path(sys.executable).parent / "motomind"
PATIENCE = 240.0
RECORD = """mutation ($input: RecordOdometerReadingInput!) {
  recordOdometerReading(input: $input) { event { id } userErrors { code } }
}"""


class Gateway:
    """A gateway with an embedded PostgreSQL of its own, started again after every kill."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir, self.port = data_dir, port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts both; the log goes nowhere."""
        command = [str(MOTOMIND), "serve", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]  # noqa: S603 - our own

    def kill(self, *, database: bool) -> None:
        """Kills the gateway without a word, or PostgreSQL with all its processes."""
        if database:
            pid = int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            children = subprocess.run(  # noqa: S603
                ["ps", "-o", "pid=", "--ppid", str(pid)],  # noqa: S607
                capture_output=True,
                text=True,
                check=False,
            ).stdout.split()
            for one in (pid, *map(int, children)):
                try:
                    os.kill(one, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends both in good order."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def command(self, *words: str) -> str:
        """What a command prints."""
        done = subprocess.run(  # noqa: S603 - our own command
            [str(MOTOMIND), *words, "--data-dir", str(self.data_dir)], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def gateway(tmp_path: Path, free_port: int):
    """A gateway on a small generated fleet."""
    gateway = Gateway(tmp_path / "data", free_port)
    gateway.command("demo", "--tenants", "1", "--groups", "2", "--vehicles", "4", "--days", "1")
    gateway.start()
    yield gateway
    gateway.stop()


async def test_every_event_is_there_exactly_once(gateway: Gateway):  # noqa: C901 - clients, and who kills
    """Clients try again with the same key whenever they have no answer; the kills come while they do."""
    headers = {"Authorization": f"Bearer {gateway.command('token', 'owner@fleet-1.example')}"}
    url = f"http://127.0.0.1:{gateway.port}/graphql"
    answered, retries = Counter[str](), 0
    until = time.monotonic() + PATIENCE

    async with httpx.AsyncClient(timeout=10, headers=headers, limits=httpx.Limits(max_connections=CLIENTS)) as http:

        async def ask(query: str, variables: dict[str, object] | None = None) -> dict[str, dict[str, object]]:
            """Asks until there is an answer that holds."""
            nonlocal retries
            while True:
                assert time.monotonic() < until, "the gateway did not come back"
                try:
                    response = await http.post(url, json={"query": query, "variables": variables})
                    body = response.json()
                    if response.status_code == 200 and "errors" not in body:
                        data: dict[str, dict[str, object]] = body["data"]
                        return data
                except (httpx.HTTPError, ValueError):
                    pass
                retries += 1
                await asyncio.sleep(0.1)

        page = await ask("{ vehicles(first: 1) { nodes { id } } }")
        vehicle = page["vehicles"]["nodes"][0]["id"]  # type: ignore[index]

        async def client(number: int) -> None:
            for miles in range(number, EVENTS, CLIENTS):
                given = {
                    "vehicleId": vehicle,
                    "occurredAt": "2026-10-05T08:00:00Z",
                    "miles": 1_000_000 + miles,
                    "idempotencyKey": f"event-{miles}",
                }
                payload = (await ask(RECORD, {"input": given}))["recordOdometerReading"]
                assert payload["userErrors"] == []
                answered[payload["event"]["id"]] += 1  # type: ignore[index]

        async def killer() -> None:
            for kill in range(1, KILLS + 1):
                while len(answered) < EVENTS * kill // (KILLS + 1):  # noqa: ASYNC110 - one look in a while
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(gateway.kill, database=kill % 2 == 0)
                gateway.start()

        async with asyncio.TaskGroup() as everybody:
            everybody.create_task(killer())
            for number in range(CLIENTS):
                everybody.create_task(client(number))

    with embedded.database(gateway.data_dir) as addresses, psycopg.connect(addresses.owner) as connection:
        rows = connection.execute(
            "select id::text, odometer_miles from manual_events where vehicle_id = %s and odometer_miles >= 1000000",
            [vehicle],
        ).fetchall()
    print(f"{len(answered)} events, {retries} retries, {KILLS} kills")  # noqa: T201
    assert sorted(miles for _, miles in rows) == [1_000_000 + n for n in range(EVENTS)]
    assert {id_ for id_, _ in rows} == set(answered)
    assert retries > 0

"""Behind a PgBouncer in transaction mode: few server connections, many people, and nobody sees another's fleet."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import psycopg
import pytest

from resolvers.execution import Engine
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller
from tests.api.conftest import Serve, unused_port
from tests.conftest import name_of
from tests.waiting import PATIENCE

pytestmark = pytest.mark.database

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PEOPLE = [
    ("owner@enterprise.example", "Enterprise"),
    ("manager@enterprise.example", "Enterprise"),
    ("viewer@enterprise.example", "Enterprise"),
    ("dispatcher@enterprise.example", "Enterprise"),
    ("newcomer@enterprise.example", "Enterprise"),
    ("owner@small.example", None),
    ("owner@medium.example", None),
    ("owner@solo.example", None),
    ("consultant@example.com", "Medium"),
    ("consultant@example.com", "Small"),
]
QUERY = """{
  viewer { email memberships { role tenant { name } } }
  tenant { name rootGroups { id name rollup { vehicleCount milesDriven } } }
  vehicles(first: 5) { totalCount nodes { id label fleetGroup { id myPermission } events(first: 2) { totalCount } } }
  fleetGroups(first: 5) { totalCount nodes { id children { id } } }
}"""


@pytest.fixture(scope="module")
def bouncer(server: str, demo: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo's address through a PgBouncer of two server connections."""
    if PGBOUNCER is None:
        pytest.skip("there is no pgbouncer here: apt-get install pgbouncer")
    info: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(server)
    port, folder = unused_port(), tmp_path_factory.mktemp("pgbouncer")
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n{name_of(demo)} = host={info['host']} port={info.get('port', 5432)} dbname={name_of(demo)}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {folder / 'users.txt'}\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 100\n"
        f"server_reset_query_always = 0\nlogfile = {folder / 'log'}\n",
        encoding="utf-8",
    )
    (folder / "users.txt").write_text('"gateway" ""\n', encoding="utf-8")
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses to run as root: it runs as the test server's own user, who reaches the socket
        as_user = {"user": Path(info["host"]).owner() if Path(info["host"]).is_dir() else "nobody"}
        for path in (folder, *folder.parents):
            if path.stat().st_uid == 0 and not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
        shutil.chown(folder, as_user["user"])
    process = subprocess.Popen([PGBOUNCER, "-q", str(config)], **as_user)  # noqa: S603
    url = f"postgresql://gateway@127.0.0.1:{port}/{name_of(demo)}"
    try:
        until = time.monotonic() + 10
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                psycopg.connect(url).close()
            except psycopg.OperationalError as error:
                if "does not exist" in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                break
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
async def bounced(bouncer: str) -> AsyncIterator[Database]:
    """A pool of ten connections to the bouncer."""
    database = await Database.connect(bouncer, PoolSettings(max_size=10, statement_cache_size=0))
    yield database
    await database.close()


async def answer(database: Database, engine: Engine, caller: Caller) -> Any:
    """What a caller sees."""
    async with database.session(caller) as session:
        result = await engine.execute(engine.document(QUERY), session, None, None)
    assert not result.errors, result.errors
    return orjson.loads(orjson.dumps(result.data, default=str))


async def test_everybody_sees_the_same_as_without_it(
    bounced: Database, database: Database, engine: Engine, demo: Addresses
):
    """Forty operations at once of ten people over two server connections."""
    callers = []
    for email, tenant in PEOPLE:
        person = await member(demo.owner, email, tenant)
        assert person.tenant_id
        callers.append(Caller(person.user_id, person.tenant_id))
    plain = [await answer(database, engine, caller) for caller in callers]
    assert len({orjson.dumps(each) for each in plain}) == len(plain)
    assert {each["viewer"]["email"] for each in plain} == {email for email, _ in PEOPLE}
    through = await asyncio.gather(*(answer(bounced, engine, caller) for caller in callers * 4))
    assert through == plain * 4


async def test_statements_outside_of_a_transaction_work_as_well(bounced: Database, demo: Addresses):
    """Who belongs where is asked before a transaction begins; forty at once, each answered for the right person."""
    people = [await member(demo.owner, email, tenant) for email, tenant in PEOPLE]
    plain = [await bounced.tenants_of(person.user_id) for person in people]
    through = await asyncio.gather(*(bounced.tenants_of(person.user_id) for person in people * 10))
    assert through == plain * 10


async def test_a_busy_gateway_does_not_keep_the_others_waiting(
    bounced: Database, bouncer: str, engine: Engine, demo: Addresses
):
    """It passes its connections on from one caller to the next, but not for ever: two are for all gateways."""
    person = await member(demo.owner, "owner@small.example", None)
    assert person.tenant_id
    caller = Caller(person.user_id, person.tenant_id)
    busy, asked = True, 0

    async def ask() -> None:
        nonlocal asked
        while busy:
            await answer(bounced, engine, caller)
            asked += 1

    other = await Database.connect(bouncer, PoolSettings(max_size=1, statement_cache_size=0, acquire_timeout=PATIENCE))
    tasks = [asyncio.create_task(ask()) for _ in range(30)]
    try:
        async with asyncio.timeout(PATIENCE):
            while asked < 10:  # noqa: ASYNC110 - by then both connections are at work
                await asyncio.sleep(0.01)
            for _ in range(3):
                assert (await answer(other, engine, caller))["viewer"]["email"] == "owner@small.example"
    finally:
        busy = False
        await asyncio.gather(*tasks)
        await other.close()


async def test_opening_many_connections_at_once_works(bouncer: str):
    """What the driver asks when it connects goes through the bouncer, too."""
    pools = await asyncio.gather(
        *(Database.connect(bouncer, PoolSettings(min_size=4, max_size=4, statement_cache_size=0)) for _ in range(8))
    )
    for pool in pools:
        await pool.close()


async def test_cancelled_callers_leave_the_bouncer_whole(
    bounced: Database, engine: Engine, demo: Addresses, caplog: pytest.LogCaptureFixture
):
    """Callers who go away at any moment; those after them see their own."""
    person = await member(demo.owner, "owner@enterprise.example", None)
    other = await member(demo.owner, "owner@solo.example", None)
    assert person.tenant_id
    assert other.tenant_id
    caller, stranger = Caller(person.user_id, person.tenant_id), Caller(other.user_id, other.tenant_id)

    async def work() -> None:
        async with bounced.session(caller) as session:
            while True:
                await session.fetch("fleet_tree", root_id=None, max_depth=None)

    for number in range(40):
        task = asyncio.create_task(work())
        await asyncio.sleep(0.0005 * number)
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE)
        assert task.cancelled()
    answers = await asyncio.gather(*(answer(bounced, engine, stranger) for _ in range(20)))
    assert {each["viewer"]["email"] for each in answers} == {"owner@solo.example"}
    assert "active transaction" not in caplog.text  # the driver found one that the session should have ended


async def test_nothing_of_a_session_stays_on_the_server_connection(bounced: Database, bouncer: str, demo: Addresses):
    """Whoever gets the server connection next finds no tenant, no role and no statement timeout."""
    person = await member(demo.owner, "owner@enterprise.example", None)
    assert person.tenant_id
    async with bounced.session(Caller(person.user_id, person.tenant_id)):
        pass
    for _ in range(4):
        connection = await asyncpg.connect(bouncer, statement_cache_size=0)
        row = await connection.fetchrow(
            "select current_user::text, current_setting('app.tenant_id', true), current_setting('statement_timeout')"
        )
        await connection.close()
        assert [value or "" for value in row] == ["gateway", "", "0"]


async def test_gateway_serves_through_it(serve: Serve, bouncer: str):
    """The whole way, with the setting that the documentation names."""
    async with serve(database_url=bouncer, statement_cache_size=0) as client:
        people = [person for person in PEOPLE if person[1] is None] * 10
        responses = await asyncio.gather(*(client.post("{ viewer { email } }", *person) for person in people))
        assert [response.json() for response in responses] == [
            {"data": {"viewer": {"email": email}}} for email, _ in people
        ]

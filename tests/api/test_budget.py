"""Budgets over HTTP: what is charged, told, refused and given back, in PostgreSQL and in Redis alike."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from redis.asyncio import Redis

from api import delay
from api.budget import Budgets
from api.credentials import digest_of, new_key
from api.documents import hash_of
from api.redis_budgets import RedisBudgets
from api.settings import Settings
from sql import admission
from sql.budgets import Budget, PostgresBudgets
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from sql.errors import DatabaseUnavailableError
from sql.session import Caller
from tests.api.conftest import GRAPHQL_JSON, Client, Partner, Serve, codes, unused_port

pytestmark = pytest.mark.database

SMALL = "{ viewer { email } }"  # 1 point
PAGE = "query ($first: Int) { vehicles(first: $first) { nodes { id } } }"  # 1 point and one for each of the page
DAY = 86_400.0


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of this module's own."""
    command = shutil.which("redis-server")
    if command is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    port = unused_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    directory = tmp_path_factory.mktemp("redis")
    with subprocess.Popen(  # noqa: S603 - a server on the loopback
        [command, *options, "--dir", str(directory)], stdout=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}", timeout=1)
        except httpx.ConnectError:
            time.sleep(0.05)
        except httpx.HTTPError:  # it speaks, if not HTTP
            return
    raise AssertionError("redis-server did not start")


@pytest.fixture(params=["PostgreSQL", "Redis"])
def store(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of each place where budgets can be kept."""
    return {"redis_url": request.getfixturevalue("redis")} if request.param == "Redis" else {}


def cost_of(response: httpx.Response) -> dict[str, Any]:
    """What an answer tells of its cost."""
    return dict(response.json()["extensions"]["cost"])


async def test_answers_tell_what_they_cost_and_what_is_left(serve: Serve, partner: Partner, store: dict[str, str]):
    """In Shopify's shape, and in the headers; after the refund, which later requests find as well."""
    async with serve(client_budget=1000, client_restore_rate=0.001, **store) as client:
        response = await partner.ask(client.http, PAGE, first=3)
        assert response.status_code == 200
        nodes = len(response.json()["data"]["vehicles"]["nodes"])
        assert cost_of(response) == {
            "requestedQueryCost": 4,
            "actualQueryCost": 1 + nodes,
            "throttleStatus": {"maximumAvailable": 1000, "currentlyAvailable": 1000 - 4, "restoreRate": 0.001},
        }
        assert response.headers["ratelimit-policy"] == '"cost";q=1000;qu="points";w=1000000'
        assert re.fullmatch(r'"cost";r=996;t=\d+', response.headers["ratelimit"])
        # A page of 200 of which a few are there: what was not used is given back.
        query = '{ vehicles(first: 200, filter: { label: { eq: "no such label" } }) { nodes { id } } }'
        response = await partner.ask(client.http, query)
        assert (cost_of(response)["requestedQueryCost"], cost_of(response)["actualQueryCost"]) == (201, 1)
        assert cost_of(response)["throttleStatus"]["currentlyAvailable"] == 996 - 1
        await asyncio.sleep(1.5 * delay.SECONDS)
        response = await partner.ask(client.http)
        assert cost_of(response)["throttleStatus"]["currentlyAvailable"] == 996 - 2


async def test_client_over_its_budget_is_refused_and_recovers(serve: Serve, partner: Partner, store: dict[str, str]):
    """429, with the seconds to wait: no sooner, and then it is let in again."""
    async with serve(client_budget=50, client_restore_rate=10, **store) as client:
        assert (await partner.ask(client.http, PAGE, first=49)).status_code == 200
        response = await partner.ask(client.http, PAGE, first=20)
        assert (response.status_code, codes(response)) == (429, ["THROTTLED"])
        assert "data" not in response.json()
        wait = int(response.headers["retry-after"])
        assert 1 <= wait <= 3
        told = cost_of(response)
        assert (told["requestedQueryCost"], told["actualQueryCost"]) == (21, None)
        missing = 21 - told["throttleStatus"]["currentlyAvailable"]
        assert (missing - 1) / 10 <= wait < missing / 10 + 1
        assert response.headers["ratelimit"].startswith(f'"cost";r={told["throttleStatus"]["currentlyAvailable"]};t=')
        await asyncio.sleep(wait)
        assert (await partner.ask(client.http, PAGE, first=20)).status_code == 200


async def test_two_processes_together_spend_no_more_than_the_budget(
    serve: Serve, partner: Partner, store: dict[str, str]
):
    """Each takes points ahead; what one does not need, the other has after a while."""
    settings: dict[str, Any] = {"client_budget": 1000, "client_restore_rate": 0.001, **store}
    async with serve(**settings) as one, serve(**settings) as other:
        assert (await partner.ask(one.http, PAGE, first=3)).status_code == 200
        left = cost_of(await partner.ask(other.http, PAGE, first=3))["throttleStatus"]["currentlyAvailable"]
        assert 1000 - 4 - 4 - 20 <= left <= 1000 - 4 - 4
        await asyncio.sleep(3.5 * delay.SECONDS)
        left = cost_of(await partner.ask(other.http, PAGE, first=3))["throttleStatus"]["currentlyAvailable"]
        assert left == 1000 - 3 * 4
        spent = 3 * 4
        for turn in range(100):
            response = await partner.ask((one, other)[turn % 2].http, PAGE, first=49)
            if response.status_code != 200:
                break
            spent += cost_of(response)["requestedQueryCost"]
        assert (response.status_code, codes(response)) == (429, ["THROTTLED"])
        assert 1000 - 50 - 20 <= spent <= 1000


async def test_operation_beyond_the_whole_budget_is_refused_for_ever(serve: Serve, partner: Partner):
    """400: to wait does not help. It costs nothing."""
    async with serve(client_budget=50, client_restore_rate=0.001) as client:
        response = await partner.ask(client.http, PAGE, first=60)
        assert (response.status_code, codes(response)) == (400, ["QUERY_TOO_EXPENSIVE"])
        assert response.json()["errors"][0]["extensions"] | {"code": ""} == {"code": "", "limit": 50, "count": 61}
        response = await partner.ask(client.http, PAGE, first=49)
        assert response.status_code == 200


async def test_refused_documents_and_variables_cost_nothing(serve: Serve, partner: Partner):
    """They never reach the database."""
    async with serve(client_budget=100, client_restore_rate=0.001) as client:
        assert codes(await partner.ask(client.http, "{ nothing }")) == ["GRAPHQL_VALIDATION_FAILED"]
        assert codes(await partner.ask(client.http, "{ viewer")) == ["GRAPHQL_PARSE_FAILED"]
        response = await partner.ask(client.http, PAGE, first="many")
        assert codes(response) == ["BAD_USER_INPUT"]
        assert cost_of(response)["actualQueryCost"] == 0
        await asyncio.sleep(1.5 * delay.SECONDS)
        assert cost_of(await partner.ask(client.http))["throttleStatus"]["currentlyAvailable"] == 99


async def test_who_has_no_budget_is_told_of_none(client: Client, serve: Serve, partner: Partner):
    """People by default, and clients where the setting says so."""
    response = await client.post(SMALL)
    assert set(response.json()) == {"data"}
    assert not [name for name in response.headers if name.startswith("ratelimit")]
    async with serve(client_budget=0) as unlimited:
        assert set((await partner.ask(unlimited.http)).json()) == {"data"}


async def test_people_may_have_budgets_too(serve: Serve):
    """Each person their own, in each tenant."""
    async with serve(person_budget=10, person_restore_rate=0.001) as client:
        first = await client.post(SMALL, "manager@enterprise.example")
        second = await client.post(SMALL, "viewer@enterprise.example")
        for response in (first, second):
            assert cost_of(response)["throttleStatus"]["currentlyAvailable"] == 9
        foreign = await client.post(SMALL, "owner@small.example")
        assert foreign.status_code == 200


async def test_clients_share_nothing(serve: Serve, partner: Partner, store: dict[str, str], demo: Addresses):
    """What one has used up is not missing from another's budget; all keys of a client share one."""
    other = new_key()
    with psycopg.connect(demo.owner) as connection:
        connection.execute(
            "insert into client_keys (tenant_id, client_id, digest, hint) values (%s, %s, %s, 'mmk_')",
            [partner.tenant_id, partner.id, digest_of(other)],
        )
    async with serve(client_budget=10, client_restore_rate=0.001, person_budget=10, **store) as client:
        assert (await partner.ask(client.http, PAGE, first=9)).status_code == 200
        assert (await partner.ask(client.http)).status_code == 429
        assert (await Partner(partner.tenant_id, partner.id, other).ask(client.http)).status_code == 429
        assert (await client.post(SMALL)).status_code == 200


async def test_etag_of_a_persisted_get_is_not_the_budgets(serve: Serve, partner: Partner):
    """What is left differs each time; the data does not, and is answered by 304 with the budget in the headers."""
    async with serve(client_budget=1000, client_restore_rate=0.001) as client:
        headers = {"Authorization": f"Bearer {partner.key}", "Accept": GRAPHQL_JSON}
        extensions = f'{{"persistedQuery":{{"version":1,"sha256Hash":"{hash_of(SMALL)}"}}}}'
        registered = {"query": SMALL, "extensions": extensions}
        assert (await client.http.get("/graphql", params=registered, headers=headers)).status_code == 200
        named = {"extensions": extensions}
        first = await client.http.get("/graphql", params=named, headers=headers)
        assert first.headers["etag"].startswith('W/"')
        assert first.json()["data"] == {"viewer": {"email": "owner@enterprise.example"}}
        again = await client.http.get(
            "/graphql", params=named, headers={**headers, "If-None-Match": first.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["ratelimit"] != first.headers["ratelimit"]


async def test_redis_that_is_away_lets_requests_through(serve: Serve, partner: Partner):
    """And it is told in the log; nobody waits for it again and again."""
    async with serve(client_budget=10, redis_url=f"redis://127.0.0.1:{unused_port()}/0") as client:
        for _ in range(20):
            assert (await partner.ask(client.http)).status_code == 200


def describe_stores():
    """The two stores themselves, alike."""

    @pytest.fixture
    async def stored(store: dict[str, str], demo: Addresses) -> AsyncIterator[Any]:
        """A store."""
        if store:
            kept: Any = RedisBudgets(store["redis_url"])
            yield kept
            await kept.close()
            return
        database = await Database.connect(demo.gateway, PoolSettings(max_size=8))
        yield PostgresBudgets(database)
        await database.close()

    async def spends_until_there_is_no_more(stored: Any, partner: Partner):
        """To the last point, and not one beyond, however many ask at once."""
        key, budget = (partner.tenant_id, partner.id), Budget(100, 1 / DAY)
        answers = await asyncio.gather(*(stored.spend(key, 7, budget) for _ in range(40)))
        assert sum(granted for granted, _ in answers) == 14
        granted, available = await stored.spend(key, 2, budget)
        assert granted
        assert available == pytest.approx(0, abs=0.1)

    async def fills_up_with_time(stored: Any, partner: Partner):
        """By the rate, and to the capacity."""
        key = (partner.tenant_id, partner.id)
        await stored.spend(key, 100, Budget(100, 1 / DAY))
        _, before = await stored.spend(key, 1000, Budget(100, 1 / DAY))
        started = time.monotonic()
        await asyncio.sleep(0.2)
        _, after = await stored.spend(key, 1000, Budget(100, 50))
        waited = time.monotonic() - started
        assert before < 0.1
        assert 50 * 0.2 <= after <= before + 50 * (waited + 0.1)
        await asyncio.sleep(0.1)
        _, full = await stored.spend(key, 1000, Budget(100, 1e9))
        assert full == 100

    async def gives_back(stored: Any, partner: Partner):
        """No more than there is room for; what was used beyond the estimate is taken, to a whole budget below 0."""
        key, budget = (partner.tenant_id, partner.id), Budget(100, 1 / DAY)
        await stored.spend(key, 60, budget)
        await stored.refund({key: 20})
        assert (await stored.spend(key, 0, budget))[1] == pytest.approx(60, abs=0.1)
        await stored.refund({key: 1000})
        assert (await stored.spend(key, 0, budget))[1] == 100
        await stored.refund({key: -150})
        granted, available = await stored.spend(key, 1, budget)
        assert (granted, available) == (False, pytest.approx(-50, abs=0.1))
        await stored.refund({key: -1_000_000})
        assert (await stored.spend(key, 1, budget))[1] == pytest.approx(-100, abs=0.1)

    async def nobody_refunds_who_has_no_budget(stored: Any):
        """Nothing is made by it."""
        await stored.refund({(uuid4(), uuid4()): 5})


async def test_strangers_get_no_row(demo: Addresses):
    """Who is no member and no client could fill the table with names that they make up."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=1))
    try:
        granted, _ = await PostgresBudgets(database).spend((uuid4(), uuid4()), 1, Budget(10, 1))
    finally:
        await database.close()
    assert granted
    with psycopg.connect(demo.owner) as connection:
        rows = connection.execute(
            "select from budgets b where not exists (select from tenants t where t.id = b.tenant_id)"
        ).fetchall()
    assert rows == []


async def test_redis_forgets_what_is_full_again(redis: str, partner: Partner):
    """A key ends by itself, so nothing has to be cleaned up."""
    store, connection = RedisBudgets(redis), Redis.from_url(redis, decode_responses=True)
    key = (partner.tenant_id, partner.id)
    try:
        await store.spend(key, 1, Budget(100, 10))
        assert 1 <= await connection.ttl(f"motomind:budget:{key[0]}:{key[1]}") <= 21
    finally:
        await connection.aclose()
        await store.close()


@pytest.mark.parametrize(
    ("failure", "left"),
    [(DatabaseUnavailableError("The database is away."), 100), (asyncio.CancelledError(), 70)],
    ids=["a database that fails", "a client that hangs up"],
)
async def test_operation_that_does_not_end_costs(
    failure: BaseException, left: int, settings: Settings, demo: Addresses, partner: Partner
):
    """Nothing where it is our fault; the estimate where the client did not wait for the answer."""
    database = await Database.connect(demo.gateway, PoolSettings(max_size=1))
    budgets = Budgets(settings.model_copy(update={"client_budget": 100, "client_restore_rate": 1 / DAY}), database)
    member = uuid4()
    asking = admission.Client(partner.tenant_id, partner.id, "partner", "open", introspection=True, user_id=member)
    try:
        with suppress(type(failure)):
            async with budgets.charge(Caller(member, partner.tenant_id), asking, 30):
                raise failure
        await budgets.close()
        key = (partner.tenant_id, partner.id)
        _, available = await PostgresBudgets(database).spend(key, 0, Budget(100, 1 / DAY))
        assert available == pytest.approx(left, abs=0.1)
    finally:
        await database.close()

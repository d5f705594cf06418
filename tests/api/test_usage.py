"""Usage: which client asked which document how often, kept in the background, read by owners in the graph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api import delay
from api.documents import hash_of
from sql.budgets import Used, record_usage
from sql.database import Database, PoolSettings
from sql.embedded import Addresses
from tests.api.conftest import GRAPHQL_JSON, Client, Partner, Serve, codes

pytestmark = pytest.mark.database

QUERY = "query ($first: Int) { vehicles(first: $first) { nodes { id } } }"
USAGE = """query ($client: ID!) {
  documentUsage(filter: { clientId: $client }, orderBy: [{ field: REQUESTS }]) {
    totalCount
    nodes { id day document requests errors notModified requestedCost actualCost milliseconds client { id name } }
  }
}"""


async def usage_of(client: Client, partner: Partner) -> list[dict[str, Any]]:
    """What an owner reads of a client's usage."""
    response = await client.post(USAGE, variables={"client": str(partner.id)})
    found = response.json()["data"]["documentUsage"]
    assert found["totalCount"] == len(found["nodes"])
    return list(found["nodes"])


async def test_owners_read_what_a_client_asked_and_what_it_cost(client: Client, serve: Serve, partner: Partner):
    """Requests, errors, answers that were not modified, estimated and actual cost, and time: added up over a day."""
    async with serve() as served:
        for first in (2, 3):
            assert (await partner.ask(served.http, QUERY, first=first)).status_code == 200
        assert codes(await partner.ask(served.http, QUERY, first=0)) == ["INVALID_PAGE"]
        assert codes(await partner.ask(served.http, "{ nothing }")) == ["GRAPHQL_VALIDATION_FAILED"]
    # The end of a process keeps what was not kept yet.
    (usage,) = await usage_of(client, partner)
    assert usage["document"] == "sha256:" + hash_of(QUERY)
    assert usage["day"] == datetime.now(UTC).date().isoformat()
    assert usage["client"]["id"] == str(partner.id)
    assert (usage["requests"], usage["errors"], usage["notModified"]) == (3, 1, 0)
    assert (usage["requestedCost"], usage["actualCost"]) == (3 + 4 + 1, 3 + 4)
    assert usage["milliseconds"] > 0


async def test_answers_that_were_not_modified_are_counted(client: Client, serve: Serve, partner: Partner):
    """A 304 is a request as well."""
    headers = {"Authorization": f"Bearer {partner.key}", "Accept": GRAPHQL_JSON}
    persisted = f'{{"persistedQuery":{{"version":1,"sha256Hash":"{hash_of(QUERY)}"}}}}'
    async with serve() as served:
        given = {"query": QUERY, "extensions": persisted}
        assert (await served.http.get("/graphql", params=given, headers=headers)).status_code == 200
        for status in (200, 304, 304):
            response = await served.http.get("/graphql", params={"extensions": persisted}, headers=headers)
            assert response.status_code == status
            headers["If-None-Match"] = response.headers["etag"]
    (usage,) = await usage_of(client, partner)
    assert (usage["requests"], usage["notModified"]) == (4, 2)


async def test_usage_is_kept_while_the_gateway_runs(client: Client, serve: Serve, partner: Partner):
    """A second later; nobody has to wait for the end of the process."""
    async with serve() as served:
        await partner.ask(served.http)
        for _ in range(100):
            if usage := await usage_of(client, partner):
                break
            await asyncio.sleep(delay.SECONDS / 10)
        assert [each["requests"] for each in usage] == [1]
        await partner.ask(served.http)
    assert [each["requests"] for each in await usage_of(client, partner)] == [2]


async def test_every_operation_of_a_batch_is_counted(client: Client, serve: Serve, partner: Partner):
    """By its own document."""
    headers = {"Authorization": f"Bearer {partner.key}", "Accept": GRAPHQL_JSON}
    batch = [{"query": "{ viewer { id } }"}, {"query": "{ viewer { id } }"}, {"query": "{ viewer { name } }"}]
    async with serve(max_batch_size=10) as served:
        response = await served.http.post("/graphql", json=batch, headers=headers)
        assert [set(one) for one in response.json()] == [{"data", "extensions"}] * 3
    assert [each["requests"] for each in await usage_of(client, partner)] == [2, 1]


async def test_usage_is_for_owners(client: Client):
    """As the audit trail is."""
    for person in ("manager@enterprise.example", "viewer@enterprise.example"):
        assert codes(await client.post("{ documentUsage { totalCount } }", person)) == ["FORBIDDEN"]


@pytest.fixture
async def database(fresh_database: Addresses):
    """The gateway's pool on a database with two tenants, each with an owner and a client."""
    with psycopg.connect(fresh_database.owner) as connection:
        for name in ("One", "Two"):
            connection.execute(
                """with t as (insert into tenants (name, kind, plan_name, primary_region)
                              values (%(name)s, 'org', 'basic', 'us') returning id),
                        u as (insert into users (email, name) values (%(name)s || '@x.example', %(name)s) returning id),
                        m as (insert into memberships (tenant_id, user_id, role)
                              select t.id, u.id, 'owner' from t, u returning tenant_id, user_id)
                   select 1""",
                {"name": name},
            )
        connection.execute(
            """insert into clients (tenant_id, name, mode, user_id)
               select tenant_id, 'partner', 'open', user_id from memberships"""
        )
    database = await Database.connect(fresh_database.gateway, PoolSettings(max_size=4))
    yield database
    await database.close()


@pytest.fixture
def rows(fresh_database: Addresses) -> Callable[[str], list[Any]]:
    """A function that returns the rows of a question by the owner of the database."""

    def ask(query: str) -> list[Any]:
        with psycopg.connect(fresh_database.owner) as connection:
            return connection.execute(query).fetchall()

    return ask


TODAY = datetime.now(UTC).date()


async def test_usage_of_strangers_is_left_out(database: Database, rows: Callable[[str], list[Any]]):
    """A tenant that is no more, a client of another tenant: the rest of the batch is kept."""
    (one, client_one), (two, _) = rows("select tenant_id, id from clients order by tenant_id")
    await record_usage(
        database,
        [
            Used(uuid4(), None, TODAY, "a", requests=1),
            Used(two, client_one, TODAY, "b", requests=1),
            Used(one, client_one, TODAY, "c", requests=1),
            Used(two, None, TODAY, "d", requests=2),
        ],
    )
    found = rows("select tenant_id, client_id, document, requests from document_usage order by document")
    assert found == [(one, client_one, "c", 1), (two, None, "d", 2)]


async def test_day_of_a_client_has_an_end(database: Database, rows: Callable[[str], list[Any]]):
    """A thousand documents are told apart; who sends a new one each time fills one row more."""
    ((tenant, client), *_) = rows("select tenant_id, id from clients order by tenant_id")

    def many(start: int, client_id: UUID | None) -> list[Used]:
        return [Used(tenant, client_id, TODAY, f"d{i}", requests=1) for i in range(start, start + 600)]

    for start in (0, 600, 1200, 0):
        await record_usage(database, [*many(start, client), *many(start, None)])
    found = rows(
        """select client_id is null, document = '(other)', count(*), sum(requests)
             from document_usage group by 1, 2 order by 1, 2"""
    )
    assert found == [(False, False, 1000, 1600), (False, True, 1, 800), (True, False, 1000, 1600), (True, True, 1, 800)]


async def test_processes_add_up_and_do_not_wait_in_circles(database: Database, rows: Callable[[str], list[Any]]):
    """Many at once, each with all documents in an order of its own."""
    tenants = [row[0] for row in rows("select id from tenants")]
    used = [Used(tenant, None, TODAY, f"d{i}", requests=1, milliseconds=0.5) for tenant in tenants for i in range(20)]
    await asyncio.gather(*(record_usage(database, used[at:] + used[:at]) for at in range(0, 40, 2)))
    assert rows("select distinct requests, milliseconds from document_usage") == [(20, 10.0)]

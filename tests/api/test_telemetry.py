"""Telemetry: what metrics, log lines, spans and headers say of requests, and what they never say."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from api import logs
from api.credentials import digest_of, hint_of, new_key
from api.documents import hash_of
from api.settings import Settings
from sql import clients, statements
from sql.embedded import Addresses
from sql.statements import Statement
from tests.api.conftest import Client, Serve, Token, codes
from tests.api.processes import gateway, until

pytestmark = pytest.mark.database

NAMED = "query Fleet { vehicles(first: 1) { nodes { label } } }"
TRUSTED = "query Partners { tenant { name } }"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PERSON = "owner@enterprise.example"
LITERAL = "a-literal-value"


def samples(text: str) -> dict[str, float]:
    """The samples of a page of metrics by name and labels."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def metrics(client: Client) -> dict[str, float]:
    """The gateway's metrics."""
    response = await client.http.get("/metrics")
    assert response.status_code == 200
    return samples(response.text)


async def by_key(client: Client, key: str, **asked: Any) -> httpx.Response:
    """The answer to a client with a key."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/graphql-response+json"}
    return await client.http.post("/graphql", json=asked, headers=headers)


@pytest.fixture
async def published(fresh_database: Addresses) -> str:
    """The key of a client in a tenant of the test's own, with one trusted document, "partners"."""
    owner = await asyncpg.connect(fresh_database.owner)
    await owner.execute("insert into tenants (id, name, kind) values (gen_random_uuid(), 'T', 'org')")
    await owner.close()
    key = new_key()
    clients.create(
        fresh_database.owner,
        "p1",
        tenant="T",
        mode="log",
        role="manager",
        grants=[],
        introspection=False,
        token_client=None,
        key=(digest_of(key), hint_of(key)),
    )
    listed = clients.Listed("partners", TRUSTED, hash_of(TRUSTED), "Partners")
    clients.publish(fresh_database.owner, "p1", [listed], tenant="T")
    return key


async def test_metrics_count_what_was_asked(serve: Serve):
    """By type, code and kind of caller; statements, bytes, documents and connections."""
    async with serve(pool_max_size=3) as client:
        for _ in range(3):
            assert (await client.post(NAMED)).status_code == 200
        assert codes(await client.post("{ nothing }")) == ["GRAPHQL_VALIDATION_FAILED"]
        sizes = len((await client.post(NAMED)).content)
        await client.http.post("/graphql", json={"query": NAMED})
        found = await metrics(client)
    assert found['motomind_operations_total{client="person",code="OK",type="query"}'] == 4
    refused = 'motomind_operations_total{client="person",code="GRAPHQL_VALIDATION_FAILED",type="unknown"}'
    assert found[refused] == 1
    assert found['motomind_operations_total{client="unknown",code="UNAUTHENTICATED",type="unknown"}'] == 1
    assert found['motomind_requests_total{status="200"}'] == 4
    assert found['motomind_requests_total{status="401"}'] == 1
    assert found['motomind_operation_seconds_count{client="person",type="query"}'] == 4
    assert found['motomind_operation_statements_sum{type="query"}'] == 4
    assert found["motomind_response_bytes_sum"] > 4 * sizes
    assert found['motomind_document_cache_total{result="miss"}'] == 2
    assert found['motomind_document_cache_total{result="hit"}'] == 3
    assert found["motomind_pool_connections_max"] == 3
    assert found["motomind_pool_wait_seconds_count"] >= 4
    assert found["motomind_requests_running"] == found["motomind_draining"] == 0


async def test_names_of_operations_are_labels_for_trusted_documents_alone(
    serve: Serve, fresh_database: Addresses, published: str
):
    """Hits and misses of both kinds of persisted documents; whatever else a caller may choose is no label."""
    async with serve(database_url=fresh_database.gateway) as client:
        for _ in range(2):
            assert (await by_key(client, published, documentId="partners")).status_code == 200
        assert codes(await by_key(client, published, documentId="other")) == ["PERSISTED_QUERY_NOT_IN_LIST"]
        text = "query ChosenByACaller { tenant { name } }"
        persisted = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}
        assert codes(await by_key(client, published, extensions=persisted)) == ["PERSISTED_QUERY_NOT_FOUND"]
        assert "errors" not in (await by_key(client, published, query=text, extensions=persisted)).json()
        assert "errors" not in (await by_key(client, published, extensions=persisted)).json()
        found = await metrics(client)
    assert found['motomind_trusted_operation_seconds_count{operation="Partners"}'] == 2
    assert found['motomind_persisted_documents_total{kind="trusted",result="hit"}'] == 2
    assert found['motomind_persisted_documents_total{kind="trusted",result="miss"}'] == 1
    assert found['motomind_persisted_documents_total{kind="registered",result="hit"}'] == 1
    assert found['motomind_persisted_documents_total{kind="registered",result="miss"}'] == 1
    assert found['motomind_operations_total{client="client",code="OK",type="query"}'] == 4
    assert "ChosenByACaller" not in str(found)


async def test_batch_counts_its_operations(serve: Serve, lines: list[dict[str, Any]]):
    """Each with its own type and code; one line in the log has them all."""
    async with serve(max_batch_size=5) as client:
        headers = {"Authorization": f"Bearer {await client.token(PERSON)}"}
        batch = [{"query": NAMED}, {"query": "{ nothing }"}, {"query": NAMED}]
        await client.http.post("/graphql", json=batch, headers=headers)
        found = await metrics(client)
    assert found['motomind_operations_total{client="person",code="OK",type="query"}'] == 2
    refused = 'motomind_operations_total{client="person",code="GRAPHQL_VALIDATION_FAILED",type="unknown"}'
    assert found[refused] == 1
    assert found['motomind_requests_total{status="200"}'] == 1
    (line,) = (line for line in lines if line["logger"] == "motomind.access")
    assert (line["operations"], line["codes"], line["statements"]) == (3, ["GRAPHQL_VALIDATION_FAILED"], 2)


async def test_one_line_for_each_request(client: Client, lines: list[dict[str, Any]]):
    """With what is needed to find it again, and to see how it went."""
    response = await client.post(NAMED)
    (line,) = lines
    assert line["request_id"] == response.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", line["request_id"])
    assert (line["logger"], line["message"]) == ("motomind.access", "POST /graphql")
    assert (line["operation"], line["name"], line["status"], line["statements"]) == ("query", "Fleet", 200, 1)
    assert line["bytes"] == len(response.content)
    assert line["ms"] > 0
    assert line["cost"] > 0
    assert line["tenant"] != line["user"]
    assert "codes" not in line


async def test_lines_have_no_variables_tokens_keys_or_texts(
    serve: Serve, fresh_database: Addresses, published: str, client: Client, lines: list[dict[str, Any]]
):
    """Whether the request was answered or refused, by GET or by POST."""
    token = await client.token(PERSON)
    headers = {"Authorization": f"Bearer {token}"}
    await client.post("query A($v: UUID!) { vehicle(id: $v) { id } }", variables={"v": LITERAL})
    await client.http.get("/graphql", params={"query": f'{{ vehicle(id: "{LITERAL}") {{ id }} }}'}, headers=headers)
    await client.http.post("/graphql", content=f'{{"query": "{LITERAL}"}}', headers=headers)
    await client.http.get("/graphql", params={"query": LITERAL}, headers={"Authorization": f"Bearer {LITERAL}"})
    async with serve(database_url=fresh_database.gateway) as other:
        assert (await by_key(other, published, documentId="partners")).status_code == 200
    text = str(lines)
    assert len([line for line in lines if line["logger"] == "motomind.access"]) == 5
    assert LITERAL not in text
    assert token not in text
    assert published not in text
    assert token.rpartition(".")[2] not in text
    (line,) = (line for line in lines if line.get("client"))
    assert (line["client"], line["document_id"], line["name"]) == ("p1", "partners", "Partners")


@pytest.mark.parametrize("given", ["a-1.b:2", "x" * 100, "ORDER_5/6@7=8+9"])
async def test_sane_request_id_is_kept(client: Client, lines: list[dict[str, Any]], given: str):
    """In the header and in the log."""
    response = await client.http.post("/graphql", json={}, headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] == lines[-1]["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 101, "a b", 'a"b', "a\tb", "\xe9", "a,b", "{}"])
async def test_other_request_id_is_replaced(client: Client, given: str):
    """One that is too long, or that would not be itself in a line of the log."""
    response = await client.http.post("/graphql", json={}, headers={"X-Request-Id": given.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])


async def test_masked_error_is_found_by_both_ids(
    client: Client, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    """The line with the stack trace has the error's id, which the client was told, and the request's."""
    broken = Statement("vehicles_by_id", "select nothing, :tenant_id, :ids", "Vehicle")
    monkeypatch.setitem(statements.load(), "vehicles_by_id", broken)
    response = await client.post('{ vehicle(id: "00000000-0000-0000-0000-000000000000") { id } }')
    (error,) = response.json()["errors"]
    (line,) = (line for line in lines if "exception" in line)
    assert error["extensions"]["errorId"] in line["message"]
    assert line["request_id"] == response.headers["x-request-id"]
    assert lines[-1]["codes"] == ["INTERNAL_ERROR"]


async def test_server_timing_tells_each_step(client: Client):
    """In order, with the number of statements; a refused request as far as it came."""
    timing = (await client.post(NAMED)).headers["server-timing"]
    assert re.sub(r"dur=\d+\.\d\d", "t", timing) == (
        'auth;t, read;t, document;t, cost;t, database;t, execute;t, commit;t, encode;t, statements;t;desc="1"'
    )
    refused = (await client.http.post("/graphql", json={"query": NAMED})).headers["server-timing"]
    assert re.sub(r"dur=\d+\.\d\d", "t", refused) == "error;t, encode;t"


async def test_server_timing_is_by_setting(serve: Serve):
    """Off where it is off."""
    async with serve(server_timing=False) as client:
        response = await client.post(NAMED)
        assert "server-timing" not in response.headers
        assert "x-request-id" in response.headers


def test_server_timing_is_off_in_production():
    """Unless it is asked for."""
    production = {"database_url": "postgresql://h/d", "issuers": [{"issuer": "https://id.example", "audience": "a"}]}
    assert not Settings(**production).has_server_timing
    assert Settings(**production, server_timing=True).has_server_timing
    assert Settings(database_url="postgresql://h/d").has_server_timing


def test_workers_metrics_are_added_up_and_lines_are_json(
    settings: Settings, tmp_path: Path, free_port: int, token: Token
):
    """Whichever worker is asked, it tells of all; every line on standard output is JSON, and none has a secret."""
    bearer = asyncio.run(token(PERSON))
    with gateway(settings, free_port, tmp_path, "--workers", "2", MOTOMIND_DRAIN_SECONDS="0") as running:
        running.headers["Authorization"] = f"Bearer {bearer}"
        until(lambda: samples(running.get("/metrics").text).get("motomind_pool_connections_max") == 20)
        for _ in range(30):
            assert running.post(NAMED).status_code == 200
        key = 'motomind_operations_total{client="person",code="OK",type="query"}'
        until(lambda: samples(running.get("/metrics").text).get(key) == 30)  # each worker reports by itself
        for _ in range(5):
            assert samples(running.get("/metrics").text)[key] == 30
        assert running.end() == 0
        lines = running.lines("motomind.access")
        assert len(lines) == 30
        assert len({line["request_id"] for line in lines}) == 30
        assert bearer not in running.log.read_text() + (tmp_path / "err").read_text()


def test_text_has_one_line_for_each_record_whatever_is_in_it():
    """Values with spaces, quotes and line ends are quoted; a stack trace comes below."""
    record = logging.LogRecord("motomind", logging.WARNING, "", 0, "said %s", ("so",), None)
    record.fields = {"name": "A", "codes": ["X", "Y"], "document_id": "a b\nlevel=error", "ms": 1.5}
    line = logs.TextFormatter().format(record)
    assert line[9:] == 'warning said so name=A codes=X,Y document_id="a b\\nlevel=error" ms=1.5'

"""Server-sent events: the distinct connections mode of GraphQL over SSE, and the same gate as for JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from api.events import event_stream
from api.response import Answer
from sql.embedded import Addresses
from tests.api.conftest import Client, Serve, refusal
from tests.api.partners import MODES, PUBLISHED, REGISTERED, WAYS, Partners, expected, outcome, persisted, prepared

pytestmark = pytest.mark.database

EVENTS = {"Accept": "text/event-stream"}
NAME = {"tenant": {"name": "Fleet 1"}}


@pytest.fixture(scope="module")
async def gateway(fleet: Addresses, serve: Serve) -> AsyncIterator[Client]:
    """A gateway that takes batches."""
    async with serve(database_url=fleet.gateway, max_batch_size=10) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def partners(fleet: Addresses) -> Partners:
    """Clients of every mode."""
    return prepared(fleet)


def told(response: httpx.Response) -> Any:
    """The body that a stream tells in its one ``next`` before ``complete``."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] in {"no-store", "private, no-cache, must-revalidate"}
    first, second, end = response.text.split("\n\n")
    assert second.split("\n") == ["event: complete", "data: "]
    assert end == ""
    event, data = first.split("\n")
    assert event == "event: next"
    return orjson.loads(data.removeprefix("data: "))


async def test_an_answer_is_next_and_complete(gateway: Client, partners: Partners):
    """By POST and by GET, with what GraphQL refuses as well."""
    partner = partners.by_mode["open"]
    headers = {**partner.headers, **EVENTS}
    assert told(await gateway.http.post("/graphql", json={"query": PUBLISHED}, headers=headers))["data"] == NAME
    assert told(await partner.get(gateway.http, EVENTS, query=PUBLISHED))["data"] == NAME
    refused = told(await partner.get(gateway.http, EVENTS, query="{ nothing }"))
    assert refused["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("mode", MODES)
async def test_every_way_to_name_a_document_in_every_mode(gateway: Client, partners: Partners, mode: str):
    """The same gate; what is refused there is no stream, but for what libraries look for in one."""
    await partners.by_mode["open"].post(gateway.http, query=REGISTERED, extensions=persisted(REGISTERED))
    headers, found = {**partners.by_mode[mode].headers, **EVENTS}, {}
    for way, (sent, _) in WAYS.items():
        response = await gateway.http.post("/graphql", json=sent, headers=headers)
        found[way] = outcome(told(response) if response.status_code == 200 else response.json())
    assert found == expected(mode)


async def test_what_is_refused_before_is_json_under_its_status(gateway: Client, partners: Partners):
    """Without a credential, in another media type, and a batch, which is no stream."""
    headers = {**partners.by_mode["open"].headers, **EVENTS}
    nobody = await gateway.http.post("/graphql", json={"query": PUBLISHED}, headers=EVENTS)
    assert refusal(nobody, 401) == "UNAUTHENTICATED"
    form = await gateway.http.post("/graphql", data={"query": PUBLISHED}, headers=headers)
    assert refusal(form, 415) == "UNSUPPORTED_MEDIA_TYPE"
    batch = await gateway.http.post("/graphql", json=[{"query": PUBLISHED}], headers=headers)
    assert refusal(batch, 406) == "NOT_ACCEPTABLE"


async def test_a_stream_is_what_is_preferred_and_never_a_guess(gateway: Client, partners: Partners):
    """Clients that take JSON as well, or anything, get JSON."""
    partner = partners.by_mode["open"]
    for accept, media_type in (
        ("text/event-stream, application/json", "application/json"),
        ("text/event-stream;q=0.9, application/json", "application/json"),
        ("text/event-stream, */*", "application/json"),
        ("text/event-stream, application/json;q=0.9", "text/event-stream"),
        ("TEXT/EVENT-STREAM", "text/event-stream"),
    ):
        response = await partner.get(gateway.http, {"Accept": accept}, query=PUBLISHED)
        assert response.headers["content-type"].partition(";")[0] == media_type, accept


async def test_an_event_is_one_line_whatever_json_has_between_its_values():
    """JSON of the database is spliced in as it is, and a line break would end the event."""
    body = {"data": {"a": orjson.Fragment(b'{\r\n"b":\n1\r}'), "long": [{"n": n} for n in range(2500)]}}
    pieces = [bytes(piece) async for piece in event_stream(Answer(body)).body_iterator]  # type: ignore[attr-defined]
    first, _, _ = b"".join(pieces).partition(b"\n\n")
    event, data = first.split(b"\n")
    assert event == b"event: next"
    told = orjson.loads(data.removeprefix(b"data: "))
    assert told["data"]["a"] == {"b": 1}
    assert len(told["data"]["long"]) == 2500

"""GraphQL over HTTP: methods, media types, statuses, and what cannot be understood."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from resolvers import vehicle
from tests.api.conftest import GRAPHQL_JSON, Client, Serve, codes, refusal

pytestmark = pytest.mark.database

JSON = "application/json"
QUERY = "{ viewer { email } }"
DATA = {"viewer": {"email": "owner@enterprise.example"}}


async def send(client: Client, content: bytes | str, accept: str = GRAPHQL_JSON, **headers: str) -> httpx.Response:
    """A POST of a body as it is."""
    token = await client.token("owner@enterprise.example")
    headers = {"Authorization": f"Bearer {token}", "Accept": accept, "Content-Type": JSON, **headers}
    return await client.http.post("/graphql", content=content, headers=headers)


async def get(client: Client, accept: str = GRAPHQL_JSON, **parameters: str) -> httpx.Response:
    """A GET with these parameters."""
    token = await client.token("owner@enterprise.example")
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    return await client.http.get("/graphql", params=parameters, headers=headers)


async def test_a_query_is_answered_by_post_and_by_get(client: Client):
    """The same answer either way; keys that nobody knows and null parameters change nothing."""
    more = '"variables": null, "operationName": null, "extensions": null, "unknown": 1'
    responses = [
        await send(client, f'{{"query": "{QUERY}", {more}}}'),
        await send(client, f'{{"query": "{QUERY}"}}', **{"Content-Type": "application/json; charset=utf-8"}),
        await send(client, f'{{"query": "{QUERY}"}}', **{"Content-Type": "Application/JSON"}),
        await get(client, query=QUERY),
        await get(client, query=QUERY, variables="{}", unknown="1"),
    ]
    for response in responses:
        assert response.status_code == 200
        assert response.json() == {"data": DATA}


async def test_operation_name_and_variables_work_by_get(client: Client):
    """The name picks the operation; variables are JSON."""
    query = "query A($id: ID!) { vehicle(id: $id) { id } } query B { viewer { email } }"
    assert (await get(client, query=query, operationName="B")).json() == {"data": DATA}
    variables = '{"id": "00000000-0000-0000-0000-000000000000"}'
    answer = await get(client, query=query, operationName="A", variables=variables)
    assert answer.json() == {"data": {"vehicle": None}}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html, */*;q=0.1", JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON}", GRAPHQL_JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
    ],
)
async def test_media_type_follows_accept(client: Client, accept: str, media_type: str):
    """The answer, and the status of a document that GraphQL refuses: 400, but 200 under application/json."""
    good = await send(client, f'{{"query": "{QUERY}"}}', accept)
    assert good.headers["content-type"] == f"{media_type}; charset=utf-8"
    bad = await send(client, '{"query": "{ nothing }"}', accept)
    assert bad.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert bad.status_code == (400 if media_type == GRAPHQL_JSON else 200)
    assert codes(bad) == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize("accept", ["text/html", "image/png", "text/event-stream"])
async def test_answer_in_no_acceptable_media_type_is_406(client: Client, accept: str):
    """Only JSON is spoken here."""
    assert refusal(await send(client, f'{{"query": "{QUERY}"}}', accept), 406) == "NOT_ACCEPTABLE"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_body_of_another_media_type_is_415(client: Client, content_type: str):
    """What a form can send is refused; so no other site can send a request along."""
    response = await send(client, f'{{"query": "{QUERY}"}}', **{"Content-Type": content_type})
    assert refusal(response, 415) == "UNSUPPORTED_MEDIA_TYPE"


# A mutation by GET is 405; the schema has no mutation yet, so that cannot be asked. It comes with the first one.


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_405_with_a_graphql_body(client: Client, method: str):
    """Allow says what there is, and the body is the shape that a GraphQL client reads."""
    token = await client.token("owner@enterprise.example")
    headers = {"Authorization": f"Bearer {token}"}
    response = await client.http.request(method, "/graphql", params={"query": QUERY}, headers=headers)
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["allow"].replace(" ", "").split(","))
    if method != "HEAD":
        assert refusal(response, 405) == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "query",
        "5",
        "null",
        "[5]",
        "[]",
        '"text"',
        "{}",
        '{"query": null}',
        '{"query": 5}',
        '{"query": ""}',
        '{"query": ["{ viewer { email } }"]}',
        '{"query": "{ viewer { email } }", "operationName": 5}',
        '{"query": "{ viewer { email } }", "variables": 5}',
        '{"query": "{ viewer { email } }", "variables": [1]}',
        '{"query": "{ viewer { email } }", "variables": "{}"}',
        b'{"query": "\xff"}',
        '{"query": "\\ud800"}',
        "[" * 100_000,
        '{"variables":' * 5_000,
        "\ufeff{}",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_body_that_is_no_request_is_400(client: Client, body: bytes | str):
    """Never a 500, under either media type."""
    content = body.encode() if isinstance(body, str) else body
    for accept in (GRAPHQL_JSON, JSON):
        assert refusal(await send(client, content, accept), 400) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": ""}, {"query": QUERY, "variables": "{"}, {"query": QUERY, "variables": "[1]"}],
    ids=lambda parameters: str(parameters)[:40],
)
async def test_parameters_that_are_no_request_are_400(client: Client, parameters: dict[str, str]):
    """The same by GET."""
    assert refusal(await get(client, **parameters), 400) == "BAD_REQUEST"


async def test_body_beyond_the_limit_is_413(client: Client, serve: Serve):
    """Up to the limit a body is read; a byte more is refused."""
    body = f'{{"query": "{QUERY}"}}'.encode()
    async with serve(max_body_bytes=len(body)) as small:
        assert (await send(small, body)).json() == {"data": DATA}
        assert refusal(await send(small, body + b" "), 413) == "BODY_TOO_LARGE"
    assert refusal(await send(client, b" " * 1_000_001), 413) == "BODY_TOO_LARGE"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ viewer { email }", "GRAPHQL_PARSE_FAILED"),
        ("{" + "a " * 10_001 + "}", "TOO_MANY_TOKENS"),
        ("{a" * 4_000, "QUERY_TOO_DEEP"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ vehicle { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ vehicles(first: 3000000000) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer { ...A } } fragment A on User { ...A }", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment A on User { email }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { viewer { email } }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { viewer { id } } query B { viewer { id } }", "OPERATION_RESOLUTION_FAILURE"),
    ],
    ids=lambda text: text[:32],
)
async def test_document_that_cannot_be_executed_is_400_with_a_code(client: Client, query: str, code: str):
    """The same code on every error of it, also when the document comes a second time, from the cache."""
    for _ in range(2):
        response = await client.post(query)
        assert response.status_code == 400
        assert set(response.json()) == {"errors"}
        assert set(codes(response)) == {code}


async def test_unknown_operation_name_is_400(client: Client):
    """The name must be one of the document's, even where there is one operation only."""
    response = await client.post("query A { viewer { id } }", operationName="B")
    assert refusal(response, 400) == "OPERATION_RESOLUTION_FAILURE"


@pytest.mark.parametrize(
    ("declared", "variables"),
    [
        ("$id: ID!", {}),
        ("$id: ID!", {"id": None}),
        ("$id: ID!", {"id": {"a": 1}}),
        ("$id: ID!", {"id": ["a"]}),
        ("$id: ID!, $n: Int", {"id": "a", "n": "1"}),
        ("$id: ID!, $n: Int", {"id": "a", "n": 2**31}),
        ("$id: ID!, $n: Int", {"id": "a", "n": 2**63}),
        ("$id: ID!, $n: Int", {"id": "a", "n": 1e308}),
    ],
    ids=str,
)
async def test_variables_that_do_not_fit_are_bad_user_input(client: Client, declared: str, variables: dict[str, Any]):
    """A request error: nothing is executed."""
    use = " vehicles(first: $n) { totalCount }" if "$n" in declared else ""
    response = await client.post(f"query ({declared}) {{ vehicle(id: $id) {{ id }}{use} }}", variables=variables)
    assert refusal(response, 400) == "BAD_USER_INPUT"


async def test_unexpected_error_is_masked_with_an_id_that_the_log_has(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """What went wrong inside is for the log; fields beside it still answer."""

    async def broken(*_: Any) -> list[Any]:
        raise LookupError("secret: postgresql://gateway:password@host")

    monkeypatch.setattr(vehicle, "vehicle_by_id", broken)
    with caplog.at_level(logging.ERROR, logger="motomind"):
        response = await client.post(
            '{ vehicle(id: "00000000-0000-0000-0000-000000000000") { id } viewer { email } tenant { name } }'
        )
    assert response.status_code == 200
    assert response.json()["data"] == {"vehicle": None, **DATA, "tenant": {"name": "Enterprise"}}
    (error,) = response.json()["errors"]
    assert error["path"] == ["vehicle"]
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert error["extensions"]["errorId"] in error["message"]
    assert "secret" not in response.text
    assert error["extensions"]["errorId"] in caplog.text
    assert "LookupError: secret" in caplog.text


async def test_unexpected_error_outside_of_resolvers_is_masked_as_well(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Still a GraphQL body under 500, still an id that the log has."""

    def broken(*_: Any, **__: Any) -> Any:
        raise LookupError("secret")

    endpoint = client.http._transport.app.state.endpoint  # noqa: SLF001
    monkeypatch.setattr(endpoint.database, "session", broken)
    with caplog.at_level(logging.ERROR, logger="motomind"):
        response = await client.post(QUERY)
    assert refusal(response, 500) == "INTERNAL_ERROR"
    assert response.json()["errors"][0]["extensions"]["errorId"] in caplog.text
    assert "secret" not in response.text

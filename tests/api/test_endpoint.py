"""GraphQL over HTTP: methods, media types, statuses, and what cannot be understood."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.documents import hash_of
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
        (f"{GRAPHQL_JSON};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL_JSON}, {JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        (f"{JSON};q=0, {GRAPHQL_JSON};q=0.1", GRAPHQL_JSON),
        ("", JSON),
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


@pytest.mark.parametrize("accept", ["text/html", "image/png", f"{JSON};q=0", f"{JSON};q=x", "*/*;q=0.0"])
async def test_answer_in_no_acceptable_media_type_is_406(client: Client, accept: str):
    """Only JSON is spoken here."""
    assert refusal(await send(client, f'{{"query": "{QUERY}"}}', accept), 406) == "NOT_ACCEPTABLE"


async def test_get_with_a_hash_and_any_media_type_is_a_query(client: Client):
    """As automatic persisted queries ask; it is never a page."""
    hash_ = hash_of(QUERY)
    extensions = '{"persistedQuery": {"version": 1, "sha256Hash": "' + hash_ + '"}}'
    for accept in ("*/*", "text/html,application/xhtml+xml,*/*;q=0.8"):
        missing = await get(client, accept, extensions=extensions.replace(hash_, "0" * 64))
        assert refusal(missing, 200) == "PERSISTED_QUERY_NOT_FOUND"
    await send(client, f'{{"query": "{QUERY}", "extensions": {extensions}}}')
    for accept in ("*/*", "text/html,application/xhtml+xml,*/*;q=0.8"):
        found = await get(client, accept, extensions=extensions)
        assert (found.headers["content-type"], found.json()) == (f"{JSON}; charset=utf-8", {"data": DATA})


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_body_of_another_media_type_is_415(client: Client, content_type: str):
    """What a form can send is refused; so no other site can send a request along."""
    response = await send(client, f'{{"query": "{QUERY}"}}', **{"Content-Type": content_type})
    assert refusal(response, 415) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
    ],
    ids=str,
)
async def test_body_in_another_encoding_is_415(client: Client, headers: dict[str, str]):
    """Nothing is unpacked here: a small body stays small."""
    content = gzip.compress(b'{"query": "{ viewer { email } }"}')
    assert refusal(await send(client, content, **headers), 415) == "UNSUPPORTED_MEDIA_TYPE"


async def test_credentials_are_taken_from_one_header_alone(client: Client):
    """Not from cookies or the query string, which other sites' pages can have a browser send."""
    token = await client.token("owner@enterprise.example")
    for headers in ({"Cookie": f"Authorization=Bearer {token}; token={token}"}, {"Authorization": f"Basic {token}"}):
        response = await client.http.get("/graphql", params={"query": QUERY, "access_token": token}, headers=headers)
        assert refusal(response, 401) == "UNAUTHENTICATED"
        assert response.headers["www-authenticate"] == "Bearer"


async def test_responses_are_not_kept_or_guessed_at(client: Client):
    """Tenant data, and refusals, are for who asked, and are what they say."""
    for response in (
        await client.post(QUERY),
        await get(client, query=QUERY),
        await client.http.get("/graphql"),
        await client.http.get("/nothing"),
    ):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["vary"] == "Authorization, Accept, X-Tenant-Id"
        assert "set-cookie" not in response.headers


async def test_other_paths_and_methods_are_told_in_json(client: Client):
    """Whoever mistypes the address reads where it is."""
    lost = await client.http.post("/grapqhl", json={})
    assert refusal(lost, 404) == "NOT_FOUND"
    assert "/graphql" in lost.json()["errors"][0]["message"]
    assert refusal(await client.http.post("/healthz"), 405) == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "body",
    [
        '{"query": "{ viewer { email } }", "query": "{ tenant { name } }"}',
        '{"query": "{ viewer { email } }", "qu\\u0065ry": "{ tenant { name } }"}',
        '{"query": "{ viewer { email } }", "variables": {}, "variables": {"a": 123456789012345678901234567890}}',
        '{"query": "{ viewer { email } }", "extensions": null, "extensions": {}}',
        '{"documentId": "a", "documentId": "b"}',
    ],
)
async def test_a_key_that_is_there_twice_is_400(client: Client, body: str):
    """Whoever looked at the request on the way may have read the other one."""
    assert refusal(await send(client, body), 400) == "BAD_REQUEST"


async def test_a_parameter_that_is_there_twice_is_400(client: Client):
    """The same by GET."""
    headers = {"Authorization": f"Bearer {await client.token('owner@enterprise.example')}"}
    response = await client.http.get(f"/graphql?query={QUERY}&query={QUERY}", headers=headers)
    assert refusal(response, 400) == "BAD_REQUEST"


async def test_words_that_look_like_keys_are_values(client: Client):
    """A variable may be called query, as often as it likes, with numbers of any length."""
    deep = '{"query": {"query": [{"query": 1' + "0" * 300 + '}]}, "name": "\\u0041"}'
    assert (await send(client, f'{{"query": "{QUERY}", "variables": {deep}}}')).json() == {"data": DATA}


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


async def test_body_that_does_not_arrive_is_408(client: Client, serve: Serve):
    """One that comes in drops, and one that never ends; the connection is not kept."""

    async def dripping() -> AsyncIterator[bytes]:
        yield b'{"query": "'
        while True:
            yield b"#"
            await asyncio.sleep(0.01)

    headers = {"Authorization": f"Bearer {await client.token('owner@enterprise.example')}", "Content-Type": JSON}
    async with serve(body_timeout=0.1) as impatient:
        response = await impatient.http.post("/graphql", content=dripping(), headers=headers)
    assert refusal(response, 408) == "BODY_TOO_SLOW"
    assert response.headers["connection"] == "close"


async def test_headers_beyond_the_limit_are_431(client: Client):
    """Also where they would say nothing of interest."""
    assert refusal(await send(client, "{}", **{"X-Long": "x" * 1_000_000}), 431) == "HEADERS_TOO_LARGE"
    assert (await send(client, f'{{"query": "{QUERY}"}}', **{"X-Long": "x" * 30_000})).json() == {"data": DATA}


async def test_query_string_beyond_the_limit_is_414(client: Client):
    """With advice."""
    long = await get(client, query=QUERY + " " * 20_000)
    assert refusal(long, 414) == "URI_TOO_LONG"
    assert "POST" in long.json()["errors"][0]["message"]


class TestBatches:
    """Several operations in one body, where they are let in."""

    async def test_they_are_off_by_default(self, client: Client):
        """One code for batches, another for what is none."""
        for body in (f'[{{"query": "{QUERY}"}}]', '[{"query": 5}, {}]', "[{}]"):
            assert refusal(await send(client, body), 400) == "BATCHING_DISABLED"
        for body in ("[]", "[5]", "[null]", "[[]]"):
            assert refusal(await send(client, body), 400) == "BAD_REQUEST"

    async def test_each_entry_is_answered_in_its_place(self, serve: Serve):
        """What is wrong with one is told there, and is nothing to the others."""
        entries = [
            f'{{"query": "{QUERY}"}}',
            "5",
            "{}",
            '{"query": "{ nothing }"}',
            '{"documentId": "a"}',
            "null",
            "[]",
            f'{{"query": "query A {QUERY} query B {QUERY}", "operationName": "B"}}',
        ]
        async with serve(max_batch_size=len(entries)) as batching:
            for accept in (GRAPHQL_JSON, JSON, "*/*"):
                response = await send(batching, f"[{','.join(entries)}]", accept)
                assert response.status_code == 200
                media_type = GRAPHQL_JSON if accept == GRAPHQL_JSON else JSON
                assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
                told = [
                    answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer
                    for answer in response.json()
                ]
                assert told == [
                    {"data": DATA},
                    "BAD_REQUEST",
                    "BAD_REQUEST",
                    "GRAPHQL_VALIDATION_FAILED",
                    "PERSISTED_QUERY_NOT_IN_LIST",
                    "BAD_REQUEST",
                    "BAD_REQUEST",
                    {"data": DATA},
                ]
            one_more = await send(batching, f"[{','.join([*entries, entries[0]])}]")
            assert refusal(one_more, 400) == "BATCH_TOO_LARGE"
            assert refusal(await send(batching, "[]"), 400) == "BAD_REQUEST"
            twice = await send(batching, f'[{{"query": "{QUERY}", "query": "{QUERY}"}}]')
            assert refusal(twice, 400) == "BAD_REQUEST"

    async def test_a_mistake_of_ours_is_told_in_its_place(self, serve: Serve, monkeypatch: pytest.MonkeyPatch):
        """What was done before it is not lost."""
        async with serve(max_batch_size=3) as batching:
            endpoint = batching.http._transport.app.state.endpoint  # noqa: SLF001
            execute, calls = endpoint.engine.execute, []

            async def sometimes(*arguments: Any, **options: Any) -> Any:
                calls.append(arguments)
                if len(calls) == 2:
                    raise LookupError("secret")
                return await execute(*arguments, **options)

            monkeypatch.setattr(endpoint.engine, "execute", sometimes)
            entry = f'{{"query": "{QUERY}"}}'
            response = await send(batching, f"[{entry}, {entry}, {entry}]")
        first, second, third = response.json()
        assert first == third == {"data": DATA}
        assert second["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
        assert "secret" not in response.text


class TestCrossOrigin:
    """Which pages' browsers may read answers."""

    APP = "https://app.example"

    async def test_nobody_is_let_in_by_default(self, client: Client):
        """No header of the kind, and a preflight is a method that is not served."""
        headers = {"Origin": self.APP, "Access-Control-Request-Method": "POST"}
        preflight = await client.http.options("/graphql", headers=headers)
        assert refusal(preflight, 405) == "METHOD_NOT_ALLOWED"
        answers = [preflight, await send(client, f'{{"query": "{QUERY}"}}', Origin=self.APP)]
        assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]

    async def test_origins_that_are_set_may_ask(self, serve: Serve):
        """Their preflights say what may be sent; answers and refusals can be read; another origin is told nothing."""
        ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
        async with serve(cors_origins=f"{self.APP}, https://other.example:8443") as open_to:
            preflight = await open_to.http.options("/graphql", headers={"Origin": self.APP, **ask})
            assert (preflight.status_code, preflight.content) == (204, b"")
            assert preflight.headers["access-control-allow-origin"] == self.APP
            allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
            assert {"authorization", "content-type", "x-tenant-id", "if-none-match"} <= set(allowed)
            assert "access-control-allow-credentials" not in preflight.headers
            for body in (f'{{"query": "{QUERY}"}}', "5"):
                answer = await send(open_to, body, Origin="https://other.example:8443")
                assert answer.headers["access-control-allow-origin"] == "https://other.example:8443"
                assert "ETag" in answer.headers["access-control-expose-headers"]
                assert answer.headers["vary"].endswith(", Origin")
            for origin in ("https://evil.example", "null", self.APP + ".evil.example", "HTTPS://APP.EXAMPLE"):
                refused = await open_to.http.options("/graphql", headers={"Origin": origin, **ask})
                assert refusal(refused, 405) == "METHOD_NOT_ALLOWED"
                answer = await send(open_to, f'{{"query": "{QUERY}"}}', Origin=origin)
                assert "access-control-allow-origin" not in answer.headers
                assert answer.headers["vary"].endswith(", Origin")

    async def test_all_may_be_let_in(self, serve: Serve):
        """Still without cookies."""
        async with serve(cors_origins="*") as open_to:
            answer = await send(open_to, f'{{"query": "{QUERY}"}}', Origin="https://any.example")
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers


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

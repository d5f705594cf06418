"""Documents: automatic persisted queries, trusted documents in every mode, and what a cache may keep."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator

import jwt
import pytest
import strawberry
from starlette.requests import HTTPConnection

from api import auth
from api.credentials import digest_of, hint_of, new_key
from api.documents import NOT_FOUND_HEADERS, Documents, hash_of
from api.endpoint import Endpoint
from resolvers.execution import Engine
from sql import clients
from sql.admission import Admission
from sql.embedded import Addresses
from sql.owner import connected
from sql.people import member
from sql.session import Caller
from tests.api.conftest import GRAPHQL_JSON, Client, Serve, codes, refusal
from tests.api.partners import (
    MODES,
    NOT_FOUND,
    PUBLISHED,
    REGISTERED,
    WAYS,
    Partner,
    Partners,
    expected,
    outcome,
    persisted,
    prepared,
    sha256,
)
from tests.waiting import until

pytestmark = pytest.mark.database

NAME = {"data": {"tenant": {"name": "Fleet 1"}}}
SOON = 6.0  # seconds


@pytest.fixture(scope="module")
async def gateway(fleet: Addresses, serve: Serve) -> AsyncIterator[Client]:
    """A gateway that takes batches."""
    async with serve(database_url=fleet.gateway, max_batch_size=100, max_document_length=200_000) as gateway:
        yield gateway


@pytest.fixture(scope="module")
async def second(fleet: Addresses, serve: Serve) -> AsyncIterator[Client]:
    """Another process's gateway on the same database."""
    async with serve(database_url=fleet.gateway) as gateway:
        yield gateway


@pytest.fixture(scope="module")
async def partners(fleet: Addresses, gateway: Client) -> Partners:
    """Clients of every mode; one of them has registered a text."""
    partners = prepared(fleet)
    answer = await partners.by_mode["open"].post(gateway.http, query=REGISTERED, extensions=persisted(REGISTERED))
    assert outcome(answer.json()) == "ok"
    return partners


@pytest.fixture(scope="module")
async def owner(fleet: Addresses, gateway: Client) -> dict[str, str]:
    """What the owner of Fleet 1 sends along."""
    token = await gateway.token("owner@fleet-1.example", None, fleet.owner)
    return {"Authorization": f"Bearer {token}", "Accept": GRAPHQL_JSON}


def endpoint_of(client: Client) -> Endpoint:
    """The endpoint of a gateway."""
    endpoint: Endpoint = client.http._transport.app.state.endpoint  # noqa: SLF001
    return endpoint


@pytest.mark.parametrize("mode", MODES)
async def test_every_way_to_name_a_document_in_every_mode_by_post(gateway: Client, partners: Partners, mode: str):
    """Who may send what, and the code for who may not."""
    partner = partners.by_mode[mode]
    found = {way: outcome((await partner.post(gateway.http, **sent)).json()) for way, (sent, _) in WAYS.items()}
    assert found == expected(mode)


@pytest.mark.parametrize("mode", MODES)
async def test_every_way_to_name_a_document_in_every_mode_by_get(gateway: Client, partners: Partners, mode: str):
    """The same gate."""
    partner = partners.by_mode[mode]
    found = {way: outcome((await partner.get(gateway.http, **sent)).json()) for way, (sent, _) in WAYS.items()}
    assert found == expected(mode)


@pytest.mark.parametrize("mode", MODES)
async def test_every_way_to_name_a_document_in_every_mode_in_a_batch(gateway: Client, partners: Partners, mode: str):
    """The same gate for each entry, answered in its place."""
    batch = [sent for sent, _ in WAYS.values()]
    response = await gateway.http.post("/graphql", json=batch, headers=partners.by_mode[mode].headers)
    assert response.status_code == 200
    assert dict(zip(WAYS, map(outcome, response.json()), strict=True)) == expected(mode)


@pytest.mark.parametrize(
    ("way", "mode", "status"),
    [
        ("text, unknown", "safelist", 403),
        ("text, unknown", "id_only", 403),
        ("id, unknown", "open", 404),
        ("hash, unknown", "id_only", 404),
        ("hash, unknown", "open", 200),
        ("edited text and the old hash", "open", 400),
        ("text and id", "open", 400),
    ],
)
async def test_refusals_of_documents_have_their_status(
    gateway: Client, partners: Partners, way: str, mode: str, status: int
):
    """Under both media types, by POST and by GET."""
    partner, (sent, _) = partners.by_mode[mode], WAYS[way]
    for accept in (GRAPHQL_JSON, "application/json"):
        headers = {**partner.headers, "Accept": accept}
        by_post = await gateway.http.post("/graphql", json=sent, headers=headers)
        by_get = await partner.get(gateway.http, {"Accept": accept}, **sent)
        assert refusal(by_post, status) == refusal(by_get, status) == expected(mode)[way]


async def test_id_of_another_client_looks_like_an_unknown_one(gateway: Client, partners: Partners):
    """The same bytes, so that nobody learns what others have published."""
    partner = partners.by_mode["id_only"]
    answers = [
        (await partner.post(gateway.http, documentId=id_)).content for id_ in ("foreign-1", "nothing", sha256("x"))
    ]
    assert len(set(answers)) == 1


@pytest.mark.usefixtures("partners")
@pytest.mark.parametrize("mode", ["open", "id_only"])
async def test_people_have_the_mode_of_the_settings(serve: Serve, fleet: Addresses, owner: dict[str, str], mode: str):
    """With a token that names no client there is no list: open takes texts, id_only nothing."""
    async with serve(database_url=fleet.gateway, document_mode=mode) as strict:
        found = []
        for sent in ({"query": PUBLISHED}, {"extensions": persisted(REGISTERED)}, {"documentId": sha256(PUBLISHED)}):
            response = await strict.http.post("/graphql", json=sent, headers=owner)
            found.append(outcome(response.json()))
    in_list = "PERSISTED_QUERY_NOT_IN_LIST"
    assert (
        found
        == {
            "open": ["ok", "ok", in_list],
            "id_only": ["PERSISTED_QUERY_ID_REQUIRED", in_list, in_list],
        }[mode]
    )


class TestAutomaticPersistedQueries:
    """Texts that are registered under their SHA-256 by whoever sends them first."""

    async def test_a_text_is_registered_and_then_asked_for_by_its_hash(
        self, gateway: Client, second: Client, owner: dict[str, str]
    ):
        """Missing, registered by POST, found by POST and GET, in this process and in another one."""
        text = "query Apq($n: Int = 1) { vehicles(first: $n) { totalCount } }"
        asked = {"extensions": persisted(text)}
        for http in (gateway.http, second.http):
            miss = await http.post("/graphql", json=asked, headers=owner)
            assert refusal(miss, 200) == NOT_FOUND
            assert miss.json()["errors"][0]["message"] == "PersistedQueryNotFound"
            assert miss.headers["cache-control"] == "private, no-cache, must-revalidate"
        sent = await gateway.http.post("/graphql", json={"query": text, **asked}, headers=owner)
        data = sent.json()["data"]
        extensions = '{"persistedQuery":{"version":1,"sha256Hash":"' + hash_of(text) + '"}}'
        for http in (gateway.http, second.http):
            assert (await http.post("/graphql", json=asked, headers=owner)).json() == {"data": data}
            got = await http.get("/graphql", params={"extensions": extensions, "variables": '{"n": 2}'}, headers=owner)
            assert got.json() == {"data": data}

    async def test_a_miss_is_the_same_under_both_media_types(self, gateway: Client, owner: dict[str, str]):
        """Clients look at the message."""
        for accept in (GRAPHQL_JSON, "application/json", "*/*"):
            headers = {**owner, "Accept": accept}
            response = await gateway.http.post(
                "/graphql", json={"extensions": persisted("{ nothing }")}, headers=headers
            )
            assert refusal(response, 200) == NOT_FOUND

    @pytest.mark.parametrize("text", ["{ nothing }", "{", "{ viewer { email } } { tenant { name } }"])
    async def test_documents_that_are_not_valid_are_not_registered(
        self, gateway: Client, owner: dict[str, str], text: str
    ):
        """They would be asked for again and again."""
        sent = await gateway.http.post("/graphql", json={"query": text, "extensions": persisted(text)}, headers=owner)
        assert sent.status_code == 400
        again = await gateway.http.post("/graphql", json={"extensions": persisted(text)}, headers=owner)
        assert refusal(again, 200) == NOT_FOUND

    @pytest.mark.parametrize("text", ["{ tenant { name } } # \0", f"{{ tenant {{ name }} }} #{'x' * 100_000}"])
    async def test_what_cannot_be_kept_is_answered_and_not_registered(
        self, gateway: Client, owner: dict[str, str], text: str
    ):
        """PostgreSQL's text cannot hold NUL; very long texts are not kept."""
        sent = await gateway.http.post("/graphql", json={"query": text, "extensions": persisted(text)}, headers=owner)
        assert sent.json() == NAME
        again = await gateway.http.post("/graphql", json={"extensions": persisted(text)}, headers=owner)
        assert refusal(again, 200) == NOT_FOUND

    @pytest.mark.parametrize(
        ("extension", "code"),
        [
            ({"version": 2, "sha256Hash": hash_of(PUBLISHED)}, "PERSISTED_QUERY_NOT_SUPPORTED"),
            ({"sha256Hash": hash_of(PUBLISHED)}, "PERSISTED_QUERY_NOT_SUPPORTED"),
            ({"version": 1, "sha256Hash": hash_of("{ a }")}, "PERSISTED_QUERY_HASH_MISMATCH"),
            ({"version": 1, "sha256Hash": hash_of(PUBLISHED).upper()}, "PERSISTED_QUERY_HASH_MISMATCH"),
            ({"version": 1, "sha256Hash": 5}, "BAD_REQUEST"),
            ({"version": 1}, "BAD_REQUEST"),
            ("text", "BAD_REQUEST"),
        ],
        ids=str,
    )
    async def test_an_extension_that_does_not_fit_is_400(
        self, gateway: Client, owner: dict[str, str], extension: object, code: str
    ):
        """Version, hash and shape."""
        body = {"query": PUBLISHED, "extensions": {"persistedQuery": extension}}
        assert refusal(await gateway.http.post("/graphql", json=body, headers=owner), 400) == code

    @pytest.mark.usefixtures("partners")
    async def test_another_tenant_does_not_find_it(self, gateway: Client, fleet: Addresses, owner: dict[str, str]):
        """A hash of another tenant's looks like an unknown one, byte for byte."""
        token = await gateway.token("owner@fleet-2.example", None, fleet.owner)
        headers = {**owner, "Authorization": f"Bearer {token}"}
        answers = [
            await gateway.http.post("/graphql", json={"extensions": persisted(text)}, headers=headers)
            for text in (REGISTERED, "{ never { seen } }")
        ]
        assert {refusal(answer, 200) for answer in answers} == {NOT_FOUND}
        assert answers[0].content == answers[1].content

    @pytest.mark.usefixtures("partners")
    async def test_a_former_member_is_told_nothing(self, fleet: Addresses, gateway: Client):
        """A hash that the tenant knows and one that it does not look alike; a text they send is not kept."""
        person = await member(fleet.owner, "manager@fleet-1.example", None)
        assert person.tenant_id is not None
        token = auth.development_token(gateway.settings, person.user_id, person.tenant_id)
        headers = {"Authorization": f"Bearer {token}", "Accept": GRAPHQL_JSON}
        text = "query Left { tenant { kind name id } }"
        change = "update memberships set left_at = {} where user_id = %s"
        with connected(fleet.owner) as connection:
            connection.execute(change.format("now()").encode(), [person.user_id])
        try:
            answers = [
                await gateway.http.post("/graphql", json={"extensions": persisted(t)}, headers=headers)
                for t in (REGISTERED, "{ never { seen } }")
            ]
            assert answers[0].content == answers[1].content
            body = {"query": text, "extensions": persisted(text)}
            assert refusal(await gateway.http.post("/graphql", json=body, headers=headers), 403) == "NOT_A_MEMBER"
        finally:
            with connected(fleet.owner) as connection:
                connection.execute(change.format("null").encode(), [person.user_id])
        caller = Caller(person.user_id, person.tenant_id)
        admission = Admission(endpoint_of(gateway).database)
        assert await admission.registered_document(caller, hash_of(REGISTERED)) == REGISTERED
        assert await admission.registered_document(caller, hash_of(text)) is None

    async def test_they_can_be_turned_off(self, serve: Serve, fleet: Addresses, owner: dict[str, str]):
        """Clients are told so in the words that they know, and send texts from then on."""
        async with serve(database_url=fleet.gateway, automatic_persisted_queries=False) as off:
            for body in (
                {"extensions": persisted(REGISTERED)},
                {"query": REGISTERED, "extensions": persisted(REGISTERED)},
            ):
                response = await off.http.post("/graphql", json=body, headers=owner)
                assert refusal(response, 200) == "PERSISTED_QUERY_NOT_SUPPORTED"
                assert response.json()["errors"][0]["message"] == "PersistedQueryNotSupported"
                assert response.headers["cache-control"] == NOT_FOUND_HEADERS["Cache-Control"]
            plain = await off.http.post("/graphql", json={"query": PUBLISHED}, headers=owner)
            assert plain.json() == NAME


@strawberry.type
class Query:
    """One field to ask for."""

    @strawberry.field
    def kind(self) -> str:
        """Some text."""
        return "kind"


@strawberry.type
class Mutation:
    """One field that would change something."""

    @strawberry.field
    def change(self) -> str:
        """Some text."""
        return "changed"


async def test_a_mutation_by_get_is_405_however_it_is_named(
    gateway: Client, partners: Partners, monkeypatch: pytest.MonkeyPatch
):
    """By text, id and hash; the same by POST is executed."""
    monkeypatch.setattr(endpoint_of(gateway), "engine", Engine(strawberry.Schema(Query, Mutation)))
    text, partner = "mutation Change { change }", partners.make()
    partner.publish({sha256(text): text, "change": text})
    ways = ({"query": text}, {"documentId": "change"}, {"extensions": persisted(text)})
    for way in ways:
        response = await partner.get(gateway.http, **way)
        assert refusal(response, 405) == "METHOD_NOT_ALLOWED"
        assert response.headers["allow"] == "POST"
        assert (await partner.post(gateway.http, **way)).json()["data"] == {"change": "changed"}
    for query, name in (
        ("query Q { kind } mutation M { change }", "M"),
        ("mutation M { change } query Q { kind }", "M"),
    ):
        assert refusal(await partner.get(gateway.http, query=query, operationName=name), 405) == "METHOD_NOT_ALLOWED"
    both = await partner.get(gateway.http, query="mutation M { change } query Q { kind }", operationName="Q")
    assert both.json()["data"] == {"kind": "kind"}
    partner.retire(sha256(text), "change")  # they do not fit the schema of others


class TestCaching:
    """Persisted GETs may be kept by the caller's own cache, and asked about again."""

    async def test_a_repeated_get_is_304(self, gateway: Client, partners: Partners):
        """For a trusted document and for a registered one, with what a cache has to know."""
        partner = partners.by_mode["open"]
        for named in ({"documentId": "custom-1"}, {"extensions": persisted(REGISTERED)}):
            first = await partner.get(gateway.http, **named)
            assert first.status_code == 200
            assert first.headers["cache-control"] == "private, no-cache"
            assert {"Authorization", "Accept"} <= set(first.headers["vary"].split(", "))
            etag = first.headers["etag"]
            strong = etag.removeprefix("W/")
            for tag in (strong, f"W/{strong}", f'"x", {etag}', "*"):
                again = await partner.get(gateway.http, {"If-None-Match": tag}, **named)
                assert (again.status_code, again.content) == (304, b"")
                assert "content-type" not in again.headers
                for header in ("etag", "cache-control", "vary"):
                    assert again.headers[header] == first.headers[header]
            other = await partner.get(gateway.http, {"If-None-Match": '"x"'}, **named)
            assert (other.status_code, other.json()["data"]) == (200, first.json()["data"])

    async def test_an_etag_stands_for_the_very_data(self, gateway: Client, partners: Partners):
        """Another media type or other data has another one; another caller's is taken for equal data alone."""
        partner, viewer = partners.by_mode["open"], partners.make(role="viewer")
        text = "query Count { vehicles(first: 1) { totalCount } tenant { name } }"
        same = "query Same { tenant { name } }"
        for one in (partner, viewer):
            one.publish({"count": text, "same": same})
        counted, narrow = [await one.get(gateway.http, documentId="count") for one in (partner, viewer)]
        assert counted.json()["data"] != narrow.json()["data"]
        assert counted.headers["etag"] != narrow.headers["etag"]
        tag = {"If-None-Match": counted.headers["etag"]}
        assert (await viewer.get(gateway.http, tag, documentId="count")).json()["data"] == narrow.json()["data"]
        plain = await partner.get(gateway.http, {"Accept": "application/json"}, documentId="count")
        assert plain.headers["etag"] != counted.headers["etag"]
        equal = [await one.get(gateway.http, documentId="same") for one in (partner, viewer)]
        assert equal[0].json()["data"] == equal[1].json()["data"]
        tag = {"If-None-Match": equal[0].headers["etag"]}
        assert (await viewer.get(gateway.http, tag, documentId="same")).status_code == 304

    async def test_nothing_else_is_kept(self, gateway: Client, partners: Partners):
        """Texts, POSTs, errors and refusals have no ETag and are never 304."""
        partner = partners.make()
        wrong = 'query Wrong { tenant { name } vehicle(id: "5") { id } }'
        variable = "query Variable($id: ID!) { vehicle(id: $id) { id } }"
        partner.publish({"wrong": wrong, "variable": variable, "same": PUBLISHED})
        tag = {"If-None-Match": "*"}
        answers = [
            await partner.get(gateway.http, tag, query="{ tenant { name } }"),
            await gateway.http.post("/graphql", json={"documentId": "same"}, headers={**partner.headers, **tag}),
            await partner.get(gateway.http, tag, documentId="wrong"),
            await partner.get(gateway.http, tag, documentId="variable"),
            await partner.get(gateway.http, tag, documentId="unknown"),
            await partner.get(gateway.http, {**tag, "Authorization": "Bearer x"}, documentId="same"),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 404, 401]
        assert codes(answers[2]) == ["INVALID_ID"]
        for answer in answers:
            assert "etag" not in answer.headers
            assert answer.headers["cache-control"] == "no-store"


class TestWithinSeconds:
    """What ends, ends in every process."""

    async def test_a_retired_document_is_refused_everywhere(self, gateway: Client, second: Client, partners: Partners):
        """While another one goes on; brought back it is served again."""
        partner = partners.make("id_only")
        partner.publish({"ends": PUBLISHED, "stays": REGISTERED})

        async def statuses(id_: str) -> list[int]:
            return [(await partner.get(http, documentId=id_)).status_code for http in (gateway.http, second.http)]

        assert await statuses("ends") == [200, 200]
        partner.retire("ends")

        async def refused() -> bool:
            return await statuses("ends") == [404, 404]

        async def served() -> bool:
            return await statuses("ends") == [200, 200]

        await until(refused, SOON)
        assert await statuses("stays") == [200, 200]
        partner.publish({"ends": PUBLISHED, "more": "{ viewer { name } }"})
        await until(served, SOON)

    async def test_old_keys_are_refused_everywhere(self, gateway: Client, second: Client, partners: Partners):
        """After a rotation without grace, and after the client was revoked; with grace both keys hold."""
        old = partners.make()

        async def statuses(*holders: Partner) -> list[int]:
            return [
                (await holder.post(http, query=PUBLISHED)).status_code
                for holder in holders
                for http in (gateway.http, second.http)
            ]

        new = old.rotate(datetime.timedelta(hours=1))
        assert await statuses(old, new) == [200] * 4
        newest = new.rotate(datetime.timedelta(0))

        async def rotated() -> bool:
            return await statuses(old, new) == [401] * 4

        async def revoked() -> bool:
            return await statuses(newest) == [401] * 2

        await until(rotated, SOON)
        assert await statuses(newest) == [200] * 2
        newest.revoke()
        await until(revoked, SOON)
        refused = await newest.post(gateway.http, query=PUBLISHED)
        assert refusal(refused, 401) == "KEY_INVALID"
        assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.usefixtures("partners")
async def test_a_process_that_starts_has_the_documents_ready(serve: Serve, fleet: Addresses):
    """Those that were used last, of all tenants; retired ones are not read."""
    async with serve(database_url=fleet.gateway) as started:
        ready = endpoint_of(started).engine._documents  # noqa: SLF001
        assert PUBLISHED in ready
        assert REGISTERED in ready
    async with serve(database_url=fleet.gateway, cached_documents=1) as started:
        assert len(endpoint_of(started).engine._documents) == 1  # noqa: SLF001


async def test_a_start_does_not_depend_on_the_documents(
    serve: Serve, fleet: Addresses, monkeypatch: pytest.MonkeyPatch
):
    """A document that does not fit the schema any more is passed over."""

    async def recent(_: Documents) -> list[str]:
        return ["{ gone }", "{", PUBLISHED]

    monkeypatch.setattr(Documents, "recent", recent)
    async with serve(database_url=fleet.gateway) as started:
        assert list(endpoint_of(started).engine._documents) == [PUBLISHED]  # noqa: SLF001


async def test_what_is_used_and_what_is_unknown_is_kept(
    fleet: Addresses, serve: Serve, partners: Partners, owner: dict[str, str]
):
    """Last uses of documents, and texts of the modes that ask for it, once the second is over or the process ends."""
    unseen = "query Unseen { tenant { name } } # \0"
    kept = unseen.replace("\0", "\N{REPLACEMENT CHARACTER}")
    made = {mode: partners.make(mode) for mode in MODES}
    async with serve(database_url=fleet.gateway) as gateway:
        for partner in made.values():
            partner.publish({"used": PUBLISHED, "unused": "{ viewer { email } }"})
            await partner.get(gateway.http, documentId="used")
            for _ in range(3):
                await partner.post(gateway.http, query=unseen)
            await partner.post(gateway.http, query=PUBLISHED)
        assert (await gateway.http.post("/graphql", json={"query": unseen}, headers=owner)).status_code == 200
    with connected(fleet.owner) as connection:
        used = connection.execute(
            b"select c.mode, d.document_id from client_documents d join clients c on c.id = d.client_id"
            b" where c.name = any (%s) and d.last_used_at is not null",
            [[partner.name for partner in made.values()]],
        ).fetchall()
        unknown = connection.execute(
            b"select c.mode, u.text, u.seen from unknown_documents u join clients c on c.id = u.client_id"
            b" where c.name = any (%s) order by c.mode",
            [[partner.name for partner in made.values()]],
        ).fetchall()
    assert sorted(used) == sorted((mode, "used") for mode in MODES)
    assert unknown == [(mode, kept, 3) for mode in ("id_only", "log", "safelist")]


async def test_a_token_that_names_a_client_has_its_mode(gateway: Client, fleet: Addresses):
    """In the client's own tenant, for its members; the record then names it. Elsewhere the name says nothing."""
    clients.create(
        fleet.owner,
        "by-token",
        tenant="Fleet 1",
        mode="id_only",
        role="viewer",
        grants=(),
        introspection=False,
        token_client="their-app",
        key=(digest_of(new_key()), hint_of(new_key())),
    )
    callers, codes_of = {}, {}
    for email in ("owner@fleet-1.example", "owner@fleet-2.example"):
        token = await gateway.token(email, None, fleet.owner)
        claims = {**jwt.decode(token, options={"verify_signature": False}), "azp": "their-app"}
        named = jwt.encode(claims, auth.development_key(gateway.settings.data_dir), algorithm="EdDSA")
        headers = {"Authorization": f"Bearer {named}", "Accept": GRAPHQL_JSON}
        response = await gateway.http.post("/graphql", json={"query": PUBLISHED}, headers=headers)
        codes_of[email] = outcome(response.json())
        connection = HTTPConnection({"type": "http", "headers": []})
        callers[email] = await endpoint_of(gateway).admit(connection, headers["Authorization"], None)
    assert list(codes_of.values()) == ["PERSISTED_QUERY_ID_REQUIRED", "ok"]
    (caller, client), (other, nobody) = callers.values()
    assert client is not None
    assert (client.name, caller.client_id) == ("by-token", client.id)
    assert (nobody, other.client_id) == (None, None)


async def test_what_is_no_key_of_ours_is_told_so(gateway: Client):
    """Something that begins like a key, one with a wrong digit and one that nobody made look alike."""
    answers = set()
    for key in (b"mmk_", b"mmk_x", b"mmk_" + b"a" * 51, "mmk_\u00e9".encode(), new_key().encode()):
        headers = {b"Authorization": b"Bearer " + key, b"Accept": GRAPHQL_JSON.encode()}
        response = await gateway.http.post("/graphql", json={"query": PUBLISHED}, headers=headers)
        assert refusal(response, 401) == "KEY_INVALID"
        answers.add(response.content)
    assert len(answers) == 1

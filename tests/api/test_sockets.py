"""WebSockets: graphql-transport-ws on a real port, and the same gate as over HTTP."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import jwt
import orjson
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from api import auth
from api.endpoint import Endpoint
from api.settings import Settings
from api.sockets import Sockets
from sql import statements
from sql.embedded import Addresses
from sql.people import member
from sql.statements import Statement
from tests.api.conftest import Listen, Listening
from tests.api.partners import MODES, PUBLISHED, REGISTERED, WAYS, Partners, expected, outcome, persisted, prepared
from tests.waiting import PATIENCE

pytestmark = pytest.mark.database

PROTOCOL = Subprotocol("graphql-transport-ws")
ORIGIN = "https://app.example"
NAME = {"data": {"tenant": {"name": "Fleet 1"}}}
MOST_BYTES = 20_000
NOBODY = "00000000-0000-0000-0000-000000000000"
SLOW = f'{{ vehicle(id: "{NOBODY}") {{ id }} }}'


@pytest.fixture(scope="module")
async def gateway(fleet: Addresses, listen: Listen) -> AsyncIterator[Listening]:
    """A gateway that listens and knows one web app."""
    more = {"cors_origins": ORIGIN, "max_body_bytes": MOST_BYTES, "max_socket_operations": 3, "socket_init_timeout": 1}
    async with listen(database_url=fleet.gateway, **more) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def partners(fleet: Addresses) -> Partners:
    """Clients of every mode."""
    return prepared(fleet)


@pytest.fixture(scope="module")
async def token(fleet: Addresses, settings: Settings) -> str:
    """The token of Fleet 1's owner."""
    person = await member(fleet.owner, "owner@fleet-1.example", None)
    return auth.development_token(settings, person.user_id, person.tenant_id)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes looking up a vehicle take a second."""
    text = "select pg_sleep(1), :tenant_id::uuid as id, :ids::uuid[] as ids"
    monkeypatch.setitem(statements.load(), "vehicles_by_id", Statement("vehicles_by_id", text, "Vehicle"))


def opened(
    gateway: Listening, protocol: str = PROTOCOL, **headers: str
) -> AbstractAsyncContextManager[ClientConnection]:
    """A socket, before its first message."""
    url = f"ws://127.0.0.1:{gateway.port}/graphql"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return connect(url, subprotocols=[Subprotocol(protocol)], additional_headers=more, compression=None)


@asynccontextmanager
async def acknowledged(gateway: Listening, authorization: str, **payload: Any) -> AsyncIterator[ClientConnection]:
    """A socket on which operations may be asked."""
    async with opened(gateway) as socket:
        await send(socket, type="connection_init", payload={"Authorization": f"Bearer {authorization}", **payload})
        assert await receive(socket) == {"type": "connection_ack"}
        yield socket


async def send(socket: ClientConnection, **message: Any) -> None:
    """Sends a message."""
    await socket.send(orjson.dumps(message).decode())


async def receive(socket: ClientConnection) -> Any:
    """The next message."""
    async with asyncio.timeout(PATIENCE):
        return orjson.loads(await socket.recv())


async def ask(socket: ClientConnection, id_: str = "1", **payload: Any) -> Any:
    """What an operation on a socket that runs no other ends in: the body, with data or with errors alone."""
    await send(socket, id=id_, type="subscribe", payload=payload)
    answer = await receive(socket)
    assert answer["id"] == id_
    if answer["type"] == "error":
        return {"errors": answer["payload"]}
    assert answer["type"] == "next"
    assert await receive(socket) == {"id": id_, "type": "complete"}
    return answer["payload"]


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """The code and reason that the gateway closes a socket with."""
    async with asyncio.timeout(PATIENCE):
        try:
            message = await socket.recv()
        except ConnectionClosed:
            assert socket.close_code is not None
            return socket.close_code, socket.close_reason or ""
    raise AssertionError(message)


async def test_queries_are_answered(gateway: Listening, token: str):
    """One after the other, several at once, with variables and names; errors of fields come with the data."""
    async with acknowledged(gateway, token) as socket:
        assert await ask(socket, query=PUBLISHED) == NAME
        assert await ask(socket, query=PUBLISHED, variables=None, extensions={}, operationName="Published") == NAME
        both = "query A($n: Int!) { vehicles(first: $n) { totalCount } } query B { tenant { name } }"
        assert (await ask(socket, query=both, operationName="A", variables={"n": 1}))["data"]["vehicles"]
        wrong = await ask(socket, query='{ tenant { name } vehicle(id: "5") { id } }')
        assert wrong["data"] == {"tenant": {"name": "Fleet 1"}, "vehicle": None}
        for id_ in ("a", "b", "c"):
            await send(socket, id=id_, type="subscribe", payload={"query": PUBLISHED})
        answers = [await receive(socket) for _ in range(6)]
        assert {a["id"] for a in answers if a["type"] == "next" and a["payload"] == NAME} == {"a", "b", "c"}
        assert {a["id"] for a in answers if a["type"] == "complete"} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "subscription { nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { viewer { id } }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query ($id: ID!) { vehicle(id: $id) { id } }"}, "BAD_USER_INPUT"),
        ({"query": 5}, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
    ],
    ids=str,
)
async def test_what_cannot_be_executed_ends_with_error(
    gateway: Listening, token: str, payload: dict[str, Any], code: str
):
    """The operation, not the socket."""
    async with acknowledged(gateway, token) as socket:
        (error,) = (await ask(socket, **payload))["errors"]
        assert error["message"]
        assert error["extensions"]["code"] == code
        assert await ask(socket, query=PUBLISHED) == NAME


@pytest.mark.parametrize("mode", MODES)
async def test_every_way_to_name_a_document_in_every_mode(gateway: Listening, partners: Partners, mode: str):
    """The same gate as over HTTP."""
    async with acknowledged(gateway, partners.by_mode["open"].key) as socket:
        await ask(socket, query=REGISTERED, extensions=persisted(REGISTERED))
    async with acknowledged(gateway, partners.by_mode[mode].key) as socket:
        found = {way: outcome(await ask(socket, **sent)) for way, (sent, _) in WAYS.items()}
    assert found == expected(mode)


@pytest.mark.parametrize("protocol", ["graphql-ws", "graphql-transport-ws-2", "mqtt"])
async def test_another_subprotocol_is_4406(gateway: Listening, protocol: str):
    """The old graphql-ws among them."""
    async with opened(gateway, protocol) as socket:
        code, reason = await closed(socket)
        assert code == 4406
        assert "graphql-transport-ws" in reason


class TestCredentials:
    """Who asks comes in connection_init, or in the handshake's headers."""

    @pytest.mark.parametrize("payload", [None, {}, {"Authorization": 5}, {"Authorization": "Bearer x"}, {"a": "b"}])
    async def test_none_that_holds_is_4401(self, gateway: Listening, payload: Any):
        """The reason has the code of the refusal."""
        async with opened(gateway) as socket:
            await send(socket, type="connection_init", payload=payload)
            code, reason = await closed(socket)
            assert code == 4401
            assert reason.startswith(("UNAUTHENTICATED: ", "TOKEN_INVALID: "))

    async def test_another_tenant_is_4403(self, gateway: Listening, token: str):
        """A credential that holds, for something else."""
        async with opened(gateway) as socket:
            payload = {"authorization": f"Bearer {token}", "X-Tenant-Id": NOBODY}
            await send(socket, type="connection_init", payload=payload)
            code, reason = await closed(socket)
            assert code == 4403
            assert reason.startswith("TENANT_MISMATCH: ")

    async def test_headers_of_the_handshake_serve_as_well(self, gateway: Listening, token: str):
        """For programs, which can set them."""
        async with opened(gateway, Authorization=f"Bearer {token}") as socket:
            await send(socket, type="connection_init")
            assert await receive(socket) == {"type": "connection_ack"}
            assert await ask(socket, query=PUBLISHED) == NAME

    async def test_a_token_that_expires_closes_with_4403(self, gateway: Listening, settings: Settings, token: str):
        """Also a socket on which nothing happens."""
        claims = jwt.decode(token, options={"verify_signature": False})
        now = datetime.datetime.now(datetime.UTC)
        claims["exp"] = now + datetime.timedelta(seconds=4 - auth.LEEWAY_SECONDS)
        short = jwt.encode(claims, auth.development_key(settings.data_dir), algorithm="EdDSA")
        async with acknowledged(gateway, short) as socket:
            assert await ask(socket, query=PUBLISHED) == NAME
            code, reason = await closed(socket)
            assert code == 4403
            assert reason.startswith("TOKEN_EXPIRED: ")

    async def test_a_revoked_key_closes_with_4403(self, gateway: Listening, partners: Partners):
        """At the next operation, two seconds later."""
        partner = partners.make()
        async with acknowledged(gateway, partner.key) as socket:
            assert (await ask(socket, query=PUBLISHED))["data"] == NAME["data"]
            partner.revoke()
            await asyncio.sleep(2.1)
            await send(socket, id="2", type="subscribe", payload={"query": PUBLISHED})
            refused = await receive(socket)
            assert (refused["id"], refused["type"]) == ("2", "error")
            assert refused["payload"][0]["extensions"]["code"] == "KEY_INVALID"
            code, reason = await closed(socket)
            assert code == 4403
            assert reason.startswith("KEY_INVALID: ")


class TestProtocol:
    """What the protocol says of messages, in and out of turn."""

    async def test_ping_is_answered_by_pong(self, gateway: Listening, token: str):
        """Before and after the acknowledgement, with the payload; pong is taken in silence."""
        async with opened(gateway) as socket:
            await send(socket, type="ping")
            assert await receive(socket) == {"type": "pong"}
            await send(socket, type="connection_init", payload={"Authorization": f"Bearer {token}"})
            assert await receive(socket) == {"type": "connection_ack"}
            await send(socket, type="pong", payload={"a": 1})
            await send(socket, type="ping", payload={"a": 1})
            assert await receive(socket) == {"type": "pong", "payload": {"a": 1}}

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ("text", 4400),
            ("5", 4400),
            ("{}", 4400),
            ('{"type": 5}', 4400),
            ('{"type": "unknown"}', 4400),
            ('{"type": "next", "id": "1"}', 4400),
            ('{"type": "subscribe", "id": "1"}', 4400),
            ('{"type": "subscribe", "id": 1, "payload": {"query": "{ a }"}}', 4400),
            ('{"type": "subscribe", "id": "", "payload": {"query": "{ a }"}}', 4400),
            ('{"type": "connection_init"}', 4429),
            ("[" * 10_000, 4400),
            (b"{}", 4400),
            ('"' + "x" * MOST_BYTES + '"', 1009),
        ],
        ids=lambda value: str(value)[:60],
    )
    async def test_a_message_out_of_turn_or_shape_closes(
        self, gateway: Listening, token: str, message: bytes | str, code: int
    ):
        """With the code that the protocol has for it."""
        async with acknowledged(gateway, token) as socket:
            await socket.send(message)
            assert (await closed(socket))[0] == code

    async def test_subscribe_before_the_acknowledgement_is_4401(self, gateway: Listening):
        """Nothing is executed for nobody."""
        async with opened(gateway) as socket:
            await send(socket, id="1", type="subscribe", payload={"query": PUBLISHED})
            assert (await closed(socket))[0] == 4401

    async def test_silence_before_connection_init_is_4408(self, gateway: Listening):
        """A socket is not kept for who says nothing."""
        async with opened(gateway) as socket:
            assert (await closed(socket))[0] == 4408

    @pytest.mark.usefixtures("slow")
    async def test_an_id_in_use_is_4409(self, gateway: Listening, token: str):
        """Which answer would be whose is not clear."""
        async with acknowledged(gateway, token) as socket:
            for _ in range(2):
                await send(socket, id="1", type="subscribe", payload={"query": SLOW})
            assert (await closed(socket))[0] == 4409

    @pytest.mark.usefixtures("slow")
    async def test_operations_beyond_the_limit_end_with_error(self, gateway: Listening, token: str):
        """Those before are answered, and make room."""
        async with acknowledged(gateway, token) as socket:
            for id_ in "abcd":
                await send(socket, id=id_, type="subscribe", payload={"query": SLOW})
            refused = await receive(socket)
            assert (refused["id"], refused["type"]) == ("d", "error")
            assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
            answers = [await receive(socket) for _ in range(6)]
            assert {a["id"] for a in answers if a["type"] == "complete"} == {"a", "b", "c"}
            assert await ask(socket, query=PUBLISHED) == NAME

    @pytest.mark.usefixtures("slow")
    async def test_complete_cancels_an_operation(self, gateway: Listening, token: str):
        """Nothing more is heard of it; its id is free again."""
        async with acknowledged(gateway, token) as socket:
            await send(socket, id="1", type="subscribe", payload={"query": SLOW})
            await send(socket, id="1", type="complete")
            await send(socket, id="unknown", type="complete")
            assert await ask(socket, "1", query=PUBLISHED) == NAME

    @pytest.mark.usefixtures("slow")
    async def test_a_client_that_leaves_takes_its_operations_along(self, gateway: Listening, token: str):
        """No task is left."""
        tasks = asyncio.all_tasks()
        async with acknowledged(gateway, token) as socket:
            await send(socket, id="1", type="subscribe", payload={"query": SLOW})
            await send(socket, type="ping")
            assert await receive(socket) == {"type": "pong"}
            assert any("_operate" in repr(task) for task in asyncio.all_tasks() - tasks)
        _, left = await asyncio.wait(asyncio.all_tasks() - tasks, timeout=PATIENCE)
        assert left == set()


class TestHandshake:
    """Whose pages may open sockets, and how many there are."""

    async def test_origins_are_checked(self, gateway: Listening):
        """Those that are set, and the gateway's own; a page of another origin gets a GraphQL error under 403."""
        for origin in (ORIGIN, gateway.url):
            async with opened(gateway, Origin=origin) as socket:
                await send(socket, type="ping")
                assert await receive(socket) == {"type": "pong"}
        for origin in ("https://evil.example", "null", ORIGIN + ".evil.example"):
            with pytest.raises(InvalidStatus) as refused:
                async with opened(gateway, Origin=origin):
                    pass
            assert refused.value.response.status_code == 403
            body = orjson.loads(refused.value.response.body)
            assert body["errors"][0]["extensions"]["code"] == "ORIGIN_NOT_ALLOWED"

    async def test_sockets_beyond_the_limit_are_503(self, listen: Listen, fleet: Addresses):
        """Until one of them is closed."""
        async with listen(database_url=fleet.gateway, max_sockets=1) as small:
            async with opened(small) as socket:
                await send(socket, type="ping")
                await receive(socket)
                with pytest.raises(InvalidStatus) as refused:
                    async with opened(small):
                        pass
                assert refused.value.response.status_code == 503
                body = orjson.loads(refused.value.response.body)
                assert body["errors"][0]["extensions"]["code"] == "SOCKETS_UNAVAILABLE"
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        async with opened(small):
                            break
                    except websockets.InvalidStatus:
                        await asyncio.sleep(0.05)


@pytest.mark.usefixtures("slow")
async def test_draining_answers_what_runs_and_closes_with_1001(listen: Listen, fleet: Addresses, token: str):
    """An idle socket at once; new operations and new sockets are refused meanwhile."""
    async with listen(database_url=fleet.gateway) as gateway:
        sockets: Sockets = gateway.application.state.sockets
        async with acknowledged(gateway, token) as busy, acknowledged(gateway, token) as idle:
            await send(busy, id="1", type="subscribe", payload={"query": SLOW})
            await send(busy, type="ping")
            assert await receive(busy) == {"type": "pong"}
            draining = asyncio.create_task(sockets.drain())
            assert (await closed(idle))[0] == 1001
            await send(busy, id="2", type="subscribe", payload={"query": PUBLISHED})
            refused = await receive(busy)
            assert (refused["id"], refused["type"]) == ("2", "error")
            assert refused["payload"][0]["extensions"]["code"] == "SOCKETS_UNAVAILABLE"
            with pytest.raises(InvalidStatus):
                async with opened(gateway):
                    pass
            assert (await receive(busy))["payload"] == {"data": {"vehicle": None}}
            assert (await receive(busy)) == {"id": "1", "type": "complete"}
            assert (await closed(busy))[0] == 1001
            await draining


async def test_mistakes_of_ours_are_masked(gateway: Listening, token: str, monkeypatch: pytest.MonkeyPatch):
    """As over HTTP, with an id; the socket goes on."""

    def broken(*_: Any, **__: Any) -> Any:
        raise LookupError("secret")

    endpoint: Endpoint = gateway.application.state.endpoint
    async with acknowledged(gateway, token) as socket:
        with monkeypatch.context() as patch:
            patch.setattr(endpoint.database, "session", broken)
            (error,) = (await ask(socket, query=PUBLISHED))["errors"]
        assert error["extensions"]["code"] == "INTERNAL_ERROR"
        assert "secret" not in str(error)
        assert await ask(socket, query=PUBLISHED) == NAME

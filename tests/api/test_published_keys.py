"""Keys that an issuer publishes: rotated, withdrawn, out of reach, nonsense; and how often it is asked for them."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import logging
import ssl
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

from api import published_keys
from api.keys import KeySetError, keys_of_jwks
from sql.embedded import Addresses
from sql.people import member
from tests.api.conftest import Client, Serve, refusal
from tests.api.issuer_server import DISCOVERY, JWKS, RSA_KEYS, IssuerServer, jwk
from tests.waiting import until

pytestmark = pytest.mark.database

QUERY = "{ viewer { email } }"
OWNER = {"data": {"viewer": {"email": "owner@enterprise.example"}}}
NEW_KEY, FOREIGN_KEY = RSA_KEYS[1], RSA_KEYS[2]
FOREVER = 86_400.0
SOON = 0.02


@pytest.fixture
async def sub(demo: Addresses) -> str:
    """The id of the enterprise's owner."""
    return str((await member(demo.owner, "owner@enterprise.example", None)).user_id)


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch):
    """What is unknown is looked up every time, and an issuer that is down is asked again soon."""
    monkeypatch.setattr(published_keys, "REFETCH_SECONDS", 0.0)
    monkeypatch.setattr(published_keys, "RETRY_SECONDS", SOON)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the gateway logs."""
    caplog.set_level(logging.INFO, "motomind")
    return caplog


async def ask(client: Client, token: str) -> httpx.Response:
    """A query under a bearer token."""
    return await client.http.post("/graphql", json={"query": QUERY}, headers={"Authorization": f"Bearer {token}"})


async def test_new_key_is_taken_at_once_and_the_old_one_until_it_is_gone(serve: Serve, issuer: IssuerServer, sub: str):
    """A rotation: not one request is refused that is signed with a published key; then the old key is withdrawn."""
    async with serve(issuers=[issuer.settings(refresh_seconds=FOREVER)]) as client:
        old = issuer.token(sub=sub)
        assert (await ask(client, old)).json() == OWNER
        issuer.keys["two"] = NEW_KEY
        new = issuer.token(kid="two", sub=sub)
        for token in (new, old, issuer.token(sub=sub, jti="another")):
            assert (await ask(client, token)).json() == OWNER
        assert issuer.asked == [JWKS, JWKS]
        withdrawn = issuer.keys.pop("one")
        assert (await ask(client, old)).json() == OWNER  # nobody knows yet
        assert refusal(await ask(client, issuer.token(kid="three", key=FOREIGN_KEY, sub=sub)), 401) == "TOKEN_INVALID"
        for token in (old, issuer.token(key=withdrawn, sub=sub, jti="another")):
            assert refusal(await ask(client, token), 401) == "TOKEN_INVALID"
        assert (await ask(client, new)).json() == OWNER


async def test_withdrawn_key_stops_counting_by_itself(serve: Serve, issuer: IssuerServer, sub: str):
    """Without a request that gives a reason: also for a token that was verified with it, and under the same name."""
    async with serve(issuers=[issuer.settings(refresh_seconds=SOON)]) as client:
        old = issuer.token(sub=sub)
        assert (await ask(client, old)).json() == OWNER
        issuer.keys["one"] = NEW_KEY
        seen = len(issuer.asked)
        await until(lambda: len(issuer.asked) >= seen + 2)
        assert refusal(await ask(client, old), 401) == "TOKEN_INVALID"
        assert (await ask(client, issuer.token(sub=sub))).json() == OWNER


async def test_issuer_that_withdraws_every_key_is_believed(
    serve: Serve, issuer: IssuerServer, sub: str, told: pytest.LogCaptureFixture
):
    """An empty key set is an answer, and a reason for a line in the log."""
    async with serve(issuers=[issuer.settings(refresh_seconds=SOON)]) as client:
        token = issuer.token(sub=sub)
        assert (await ask(client, token)).json() == OWNER
        issuer.keys.clear()
        await until(lambda: "publishes no key for RS256" in told.text)
        assert refusal(await ask(client, token), 401) == "TOKEN_INVALID"


async def test_made_up_key_names_do_not_hammer_the_issuer(
    serve: Serve, issuer: IssuerServer, sub: str, monkeypatch: pytest.MonkeyPatch
):
    """Hundreds at once and one after the other: a single fetch besides the first one."""
    monkeypatch.setattr(published_keys, "REFETCH_SECONDS", FOREVER)
    async with serve(issuers=[issuer.settings(refresh_seconds=FOREVER)]) as client:
        assert (await ask(client, issuer.token(sub=sub))).json() == OWNER
        forged = [issuer.token(kid=f"kid {number}", key=FOREIGN_KEY, sub=sub) for number in range(200)]
        for answer in await asyncio.gather(*(ask(client, token) for token in forged)):
            assert refusal(answer, 401) == "TOKEN_INVALID"
        for token in forged[:20]:
            assert refusal(await ask(client, token), 401) == "TOKEN_INVALID"
        assert issuer.asked == [JWKS, JWKS]


async def test_issuer_that_is_down_at_the_start_is_waited_for(
    serve: Serve, issuer: IssuerServer, sub: str, told: pytest.LogCaptureFixture
):
    """The gateway starts, serves others, says 503 for this one, and takes its tokens as soon as its keys arrive."""
    other = IssuerServer()
    await other.start()
    await issuer.stop()
    async with serve(issuers=[issuer.settings(), other.settings()]) as client:
        for token in (issuer.token(sub=sub), issuer.token(kid=None, sub=sub)):
            answer = await ask(client, token)
            assert refusal(answer, 503) == "ISSUER_UNAVAILABLE"
            assert answer.headers["retry-after"].isdigit()
        assert (await ask(client, other.token(sub=sub))).json() == OWNER
        await issuer.start()
        token = issuer.token(sub=sub)
        await until(lambda: f"issuer {issuer.url}: 1 key(s)" in told.text)
        assert (await ask(client, token)).json() == OWNER
    await other.stop()
    (warning,) = [record for record in told.records if record.levelno >= logging.WARNING]
    assert issuer.url in warning.getMessage()
    assert "\n" not in warning.getMessage()
    assert warning.exc_info is None


async def test_issuer_that_goes_down_is_served_by_its_last_good_keys(
    serve: Serve, issuer: IssuerServer, sub: str, told: pytest.LogCaptureFixture
):
    """Tokens seen before and tokens never seen; it comes back with other keys, and those count."""
    async with serve(issuers=[issuer.settings(refresh_seconds=SOON)]) as client:
        old = issuer.token(sub=sub)
        assert (await ask(client, old)).json() == OWNER
        await issuer.stop()
        await until(lambda: "the last ones are kept" in told.text)
        assert (await ask(client, old)).json() == OWNER
        assert (await ask(client, issuer.token(sub=sub, jti="never seen"))).json() == OWNER
        unknown = issuer.token(kid="two", key=NEW_KEY, sub=sub)
        assert refusal(await ask(client, unknown), 401) == "TOKEN_INVALID"
        issuer.keys = {"two": NEW_KEY}
        await issuer.start()
        await until(lambda: len(issuer.asked) >= 3)
        assert (await ask(client, unknown)).json() == OWNER
        assert refusal(await ask(client, old), 401) == "TOKEN_INVALID"


async def test_slow_issuer_delays_only_tokens_whose_keys_are_unknown(serve: Serve, issuer: IssuerServer, sub: str):
    """While it takes its time known keys serve; whoever waits for it waits for one question together."""
    async with serve(issuers=[issuer.settings(refresh_seconds=FOREVER)]) as client:
        assert (await ask(client, issuer.token(sub=sub))).json() == OWNER
        issuer.open.clear()
        issuer.keys["two"] = NEW_KEY
        new = [issuer.token(kid="two", sub=sub, jti=str(number)) for number in range(20)]
        waiting = asyncio.gather(*(ask(client, token) for token in new))
        await until(lambda: len(issuer.asked) == 2)
        assert (await ask(client, issuer.token(sub=sub, jti="another"))).json() == OWNER
        assert not waiting.done()
        issuer.open.set()
        assert [answer.json() for answer in await waiting] == [OWNER] * 20
        assert issuer.asked == [JWKS, JWKS]


async def test_issuer_that_never_answers_is_given_up(
    serve: Serve, issuer: IssuerServer, sub: str, monkeypatch: pytest.MonkeyPatch
):
    """A connection that says nothing is an issuer that is down; the gateway still stops at once."""
    monkeypatch.setattr(published_keys, "FETCH_SECONDS", 0.1)
    monkeypatch.setattr(published_keys, "RETRY_SECONDS", FOREVER)
    issuer.open.clear()
    async with serve(issuers=[issuer.settings()]) as client:
        assert refusal(await ask(client, issuer.token(sub=sub)), 503) == "ISSUER_UNAVAILABLE"
    monkeypatch.setattr(published_keys, "FETCH_SECONDS", FOREVER)
    async with serve(issuers=[issuer.settings()]):
        await until(lambda: len(issuer.asked) == 2)


GOOD = orjson.dumps({"keys": [jwk(FOREIGN_KEY, "evil")]})
NONSENSE = {
    "nothing": (200, b""),
    "no JSON": (200, b"<html>"),
    "no UTF-8": (200, b'{"keys": ["\xff"]}'),
    "a list": (200, b"[]"),
    "a number": (200, b"5"),
    "keys that are no list": (200, b'{"keys": {}}'),
    "no keys": (200, b"{}"),
    "deeply nested": (200, b'{"keys": ' + b"[" * 100_000),
    "huge": (200, GOOD[:-1] + b" " * 300_000 + b"}"),
    "more keys than anybody has": (200, orjson.dumps({"keys": [jwk(FOREIGN_KEY, f"evil{n}") for n in range(101)]})),
    "compressed": (200, gzip.compress(GOOD)),
    "not found": (404, GOOD),
    "failing": (500, GOOD),
    "elsewhere": (302, GOOD),
}


@pytest.mark.parametrize("what", NONSENSE)
async def test_nonsense_leaves_the_last_good_keys(serve: Serve, issuer: IssuerServer, sub: str, what: str):
    """Nothing of it is taken, no redirect is followed, and nobody is refused who was not before."""
    issuer.headers = {
        "compressed": "Content-Encoding: gzip\r\n",
        "elsewhere": "Location: /elsewhere\r\n",
    }.get(what, "")
    async with serve(issuers=[issuer.settings(refresh_seconds=FOREVER)]) as client:
        issuer.headers, later = "", issuer.headers
        assert (await ask(client, issuer.token(sub=sub))).json() == OWNER
        issuer.headers = later
        issuer.answers[JWKS] = NONSENSE[what]
        evil = issuer.token(kid="evil", key=FOREIGN_KEY, sub=sub)
        assert refusal(await ask(client, evil), 401) == "TOKEN_INVALID"
        assert (await ask(client, issuer.token(sub=sub, jti="another"))).json() == OWNER
        assert issuer.asked == [JWKS, JWKS]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://another.example", "jwks_uri": "{url}/keys"},
        {"jwks_uri": "{url}/keys"},
        {"issuer": "{url}"},
        {"issuer": "{url}", "jwks_uri": "http://keys.example/keys"},
        {"issuer": "{url}", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "{url}", "jwks_uri": ["{url}/keys"]},
        ["{url}"],
    ],
    ids=str,
)
async def test_discovery_is_taken_from_the_issuer_itself_only(
    serve: Serve, issuer: IssuerServer, sub: str, document: Any
):
    """A document of another issuer, or one that leads to an address that is not safe, leads nowhere."""
    issuer.answers[DISCOVERY] = 200, orjson.dumps(document).replace(b"{url}", issuer.url.encode())
    async with serve(issuers=[issuer.settings(jwks_url=None)]) as client:
        assert refusal(await ask(client, issuer.token(sub=sub)), 503) == "ISSUER_UNAVAILABLE"
    assert set(issuer.asked) == {DISCOVERY}


async def test_certificate_has_to_be_trusted(serve: Serve, sub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One that nobody vouches for is an issuer that is down; SSL_CERT_FILE vouches for it."""
    certificate = tmp_path / "certificate.pem"
    context = self_signed(certificate)
    issuer = IssuerServer(context)
    await issuer.start()
    async with serve(issuers=[issuer.settings()]) as client:
        assert refusal(await ask(client, issuer.token(sub=sub)), 503) == "ISSUER_UNAVAILABLE"
    assert issuer.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serve(issuers=[issuer.settings()]) as client:
        assert (await ask(client, issuer.token(sub=sub))).json() == OWNER
    await issuer.stop()


def self_signed(file: Path) -> ssl.SSLContext:
    """A server's context with a certificate for localhost that it signed itself, in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_keys_that_are_for_something_else_are_passed_over():
    """One good key among keys that are private, symmetric, small, of other uses or types, or cannot be read."""
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is to be passed over
    entries = [
        5,
        {},
        {"kty": "RSA"},
        {"kty": ["RSA"]},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {**RSAAlgorithm.to_jwk(FOREIGN_KEY, as_dict=True), "kid": "private", "key_ops": ["verify"]},
        {**jwk(FOREIGN_KEY, "half private"), "d": "AQAB"},
        jwk(FOREIGN_KEY, "encrypts", use="enc"),
        {**jwk(FOREIGN_KEY, "signs"), "key_ops": ["sign"]},
        {**jwk(FOREIGN_KEY, "named by a number"), "kid": 7},
        jwk(FOREIGN_KEY, "of another algorithm", alg="RSA-OAEP"),
        jwk(small, "small"),
        jwk(ec.generate_private_key(ec.SECP384R1()), "of another curve"),
        jwk(ec.generate_private_key(ec.SECP256K1()), "of a curve that no algorithm has"),
        {"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08", "kid": "agrees"},
        jwk(NEW_KEY, "good"),
        {**jwk(NEW_KEY, "verifies"), "key_ops": ["verify"]},
    ]
    document = orjson.dumps({"keys": entries})
    assert {key.kid for key in keys_of_jwks(document, ["RS256", "ES256", "EdDSA"])} == {"good", "verifies"}
    assert keys_of_jwks(b'{"keys": []}', ["RS256"]) == frozenset()
    with pytest.raises(KeySetError):
        keys_of_jwks(b"{}", ["RS256"])

"""Issuers: forged tokens, several issuers beside each other, and whom a token is for."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm
from pydantic import ValidationError

from api.auth import Identity, TokenVerifier
from api.credentials import Credential, Credentials
from api.errors import UnauthenticatedError
from api.settings import Settings
from sql.admission import Admission
from sql.database import Database
from sql.embedded import Addresses
from sql.people import Member, member
from tests.api.conftest import Client, Serve, refusal
from tests.api.issuer_server import AUDIENCE, DISCOVERY, JWKS, RSA_KEYS, IssuerServer, jwk
from tests.conftest import name_of

pytestmark = pytest.mark.database

QUERY = "{ viewer { email } }"
OWNER = {"data": {"viewer": {"email": "owner@enterprise.example"}}}
OTHER_KEY = RSA_KEYS[2]
SMALL_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is to be refused


@pytest.fixture
async def owner(demo: Addresses) -> Member:
    """The enterprise's owner."""
    return await member(demo.owner, "owner@enterprise.example", None)


async def ask(client: Client, token: str, **headers: str) -> httpx.Response:
    """A query under a bearer token."""
    return await client.http.post(
        "/graphql", json={"query": QUERY}, headers={"Authorization": f"Bearer {token}", **headers}
    )


def encoded(value: bytes) -> str:
    """One part of a token."""
    return urlsafe_b64encode(value).decode().rstrip("=")


def public_pem(key: Any) -> str:
    """A public key as text."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def assembled(header: dict[str, Any], claims: dict[str, Any], key: Any = None) -> str:
    """A token that no library would make: unsigned, or signed with an RSA key or whatever it is as a shared secret."""
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    kind = HMACAlgorithm if isinstance(key, bytes) else RSAAlgorithm
    return f"{text}.{'' if key is None else encoded(kind(kind.SHA256).sign(text.encode(), key))}"


async def test_forged_tokens_are_refused_alike(serve: Serve, issuer: IssuerServer, owner: Member):
    """Whatever is wrong, the answer is the same, byte for byte; and no address that a token names is asked."""
    issuer.keys["curve"] = ec.generate_private_key(ec.SECP256R1())
    issuer.keys["small"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = b"a shared secret of thirty-two bytes"
    document = {
        "keys": [
            *(jwk(key, kid) for kid, key in issuer.keys.items()),
            {"kty": "oct", "kid": "shared", "use": "sig", "k": encoded(secret)},
            jwk(OTHER_KEY, "encryption", use="enc"),
            jwk(OTHER_KEY, "only RS512", alg="RS512"),
            jwk(RSA_KEYS[1], "names an algorithm", alg="RS256"),
        ]
    }
    issuer.answers[JWKS] = 200, json.dumps(document).encode()
    sub = str(owner.user_id)
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": sub, "exp": now + 3600}
    good = issuer.token(sub=sub)
    head, _, signature = good.split(".")
    evil = f"{issuer.url}/evil"
    key_at = {"kid": "one", "jku": evil, "x5u": evil, "jwk": jwk(OTHER_KEY), "x5c": ["MIIB"]}

    def signed(headers: dict[str, Any], key: Any = issuer.keys["one"], algorithm: str = "RS256") -> str:
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)

    forged = {
        "alg none": assembled({"alg": "none", "kid": "one"}, claims),
        "alg None, a signature": assembled({"alg": "None", "kid": "one"}, claims) + signature,
        "no alg": assembled({"kid": "one"}, claims, issuer.keys["one"]),
        "alg of no text": assembled({"alg": ["RS256"], "kid": "one"}, claims, issuer.keys["one"]),
        "HS256 with the public key": assembled(
            {"alg": "HS256", "kid": "one"}, claims, public_pem(issuer.keys["one"]).encode()
        ),
        "HS256 with a published secret": assembled({"alg": "HS256", "kid": "shared"}, claims, secret),
        "another key": issuer.token(key=OTHER_KEY, sub=sub),
        "the key of another kid": issuer.token(kid="small", key=issuer.keys["one"], sub=sub),
        "unknown kid": issuer.token(kid="unknown", key=OTHER_KEY, sub=sub),
        "no kid where there are several keys": issuer.token(kid=None, sub=sub),
        "kid of no text": assembled({"alg": "RS256", "kid": 1}, claims, issuer.keys["one"]),
        "embedded key": signed({"jwk": jwk(OTHER_KEY)}, OTHER_KEY),
        "embedded key, known kid": signed({"kid": "one", "jwk": jwk(OTHER_KEY)}, OTHER_KEY),
        "key by address": signed(key_at, OTHER_KEY),
        "key by address alone": signed({"jku": evil, "x5u": evil}, OTHER_KEY),
        "critical extension": signed({"kid": "one", "crit": ["exp"]}),
        "critical extensions, none": signed({"kid": "one", "crit": []}),
        "critical extension that the library knows": assembled(
            {"alg": "RS256", "kid": "one", "crit": ["b64"], "b64": True}, claims, issuer.keys["one"]
        ),
        "key for encryption": signed({"kid": "encryption"}, OTHER_KEY),
        "key of another algorithm": signed({"kid": "only RS512"}, OTHER_KEY),
        "algorithm that the key does not name": signed({"kid": "names an algorithm"}, RSA_KEYS[1], "RS512"),
        "algorithm that the issuer does not use": signed({"kid": "one"}, algorithm="RS384"),
        "algorithm of another type of key": assembled({"alg": "ES256", "kid": "one"}, claims, issuer.keys["one"]),
        "wrong audience": issuer.token(sub=sub, aud="another"),
        "no audience": issuer.token(sub=sub, aud=None),
        "wrong issuer": issuer.token(sub=sub, iss="https://another.example"),
        "issuer of no text": assembled(
            {"alg": "RS256", "kid": "one"}, {**claims, "iss": [issuer.url]}, issuer.keys["one"]
        ),
        "no issuer": issuer.token(sub=sub, iss=None),
        "not yet valid": issuer.token(sub=sub, nbf=now + 600),
        "issued tomorrow": issuer.token(sub=sub, iat=now + 86_400),
        "no expiry": issuer.token(sub=sub, exp=None),
        "expiry beyond numbers": issuer.token(sub=sub, exp=float("inf")),
        "no subject": issuer.token(),
        "subject no id": issuer.token(sub="owner@enterprise.example"),
        "client of no text": issuer.token(sub=sub, azp=["a"]),
        "claims of another": f"{head}.{encoded(json.dumps({**claims, 'sub': str(uuid4())}).encode())}.{signature}",
        "claims that are a list": f"{head}.{encoded(b'[]')}.{signature}",
        "signature cut short": good[:-20],
        "deeply nested": f"{head}.{encoded(b'[' * 10_000)}.{signature}",
    }
    algorithms = ["RS256", "RS512", "ES256"]
    async with serve(issuers=[issuer.settings(algorithms=algorithms)]) as client:
        assert (await ask(client, good)).json() == OWNER
        assert (await ask(client, signed({"kid": "one", "jku": evil, "jwk": jwk(OTHER_KEY)}))).json() == OWNER
        curve = issuer.token(kid="curve", algorithm="ES256", sub=sub)
        assert (await ask(client, curve)).json() == OWNER
        answers = {what: await ask(client, token) for what, token in forged.items()}
        expired = await ask(client, issuer.token(sub=sub, iat=None, exp=now - 60))
    for what, answer in answers.items():
        assert (what, refusal(answer, 401)) == (what, "TOKEN_INVALID")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len({answer.content for answer in answers.values()}) == 1
    assert refusal(expired, 401) == "TOKEN_EXPIRED"
    assert set(issuer.asked) == {JWKS}


async def test_expired_and_forged_is_forged(serve: Serve, issuer: IssuerServer, owner: Member):
    """Nobody is told that a token has expired but who was given it."""
    async with serve(issuers=[issuer.settings()]) as client:
        token = issuer.token(key=OTHER_KEY, sub=str(owner.user_id), exp=int(time.time()) - 60)
        assert refusal(await ask(client, token), 401) == "TOKEN_INVALID"


async def test_several_issuers_do_not_sign_for_each_other(serve: Serve, issuer: IssuerServer, owner: Member):
    """Published keys, discovered keys, a key that is set and the simple settings: each for its own name only."""
    discovered, curve, simple = IssuerServer(), Ed25519PrivateKey.generate(), RSA_KEYS[1]
    discovered.keys = {"one": OTHER_KEY}
    await discovered.start()
    found = {"issuer": discovered.url, "audience": AUDIENCE}
    pinned = {
        "issuer": "pinned",
        "audience": AUDIENCE,
        "algorithms": ["EdDSA"],
        "public_key": public_pem(curve),
        "user_claim": "https://fleet.example/user",
    }
    alone = {"jwt_issuer": "simple", "jwt_audience": AUDIENCE, "jwt_public_key": public_pem(simple)}
    sub = str(owner.user_id)
    good = {
        issuer.url: (issuer.keys["one"], "RS256", {"sub": sub}),
        discovered.url: (OTHER_KEY, "RS256", {"sub": sub}),
        "pinned": (curve, "EdDSA", {"sub": "somebody", "https://fleet.example/user": sub}),
        "simple": (simple, "RS256", {"sub": sub}),
    }
    async with serve(issuers=[issuer.settings(), found, pinned], **alone) as client:
        for name, (_, _, claims) in good.items():
            for signer, (key, algorithm, _) in good.items():
                answer = await ask(client, issuer.token(key=key, algorithm=algorithm, **{**claims, "iss": name}))
                if name == signer:
                    assert answer.json() == OWNER, name
                else:
                    assert refusal(answer, 401) == "TOKEN_INVALID", (name, signer)
        development = await client.token("owner@enterprise.example")
        assert refusal(await ask(client, development), 401) == "TOKEN_INVALID"
        nothing = await client.http.post("/graphql", json={"query": QUERY})
        assert refusal(nothing, 401) == "UNAUTHENTICATED"
        assert "motomind token" not in nothing.text
    await discovered.stop()
    assert discovered.asked[:2] == [DISCOVERY, JWKS]


async def test_person_by_a_verified_address(serve: Serve, issuer: IssuerServer):
    """In whatever case; an address that the issuer has not verified names nobody."""
    async with serve(issuers=[issuer.settings(identify_by="email")]) as client:
        for email in ("owner@enterprise.example", "OWNER@Enterprise.Example"):
            assert (await ask(client, issuer.token(email=email, email_verified=True))).json() == OWNER
        for claims in (
            {"email": "owner@enterprise.example"},
            {"email": "owner@enterprise.example", "email_verified": False},
            {"email": "owner@enterprise.example", "email_verified": "true"},
            {"email_verified": True},
            *(
                {"email": email, "email_verified": True}
                for email in (7, "", "owner", "a\0b@c", "\ud800@c", f"{'a' * 320}@c", "owner@enterprise.example\n")
            ),
        ):
            assert refusal(await ask(client, issuer.token(sub=str(uuid4()), **claims)), 401) == "TOKEN_INVALID", claims


async def test_unknown_address_is_answered_like_somebody_without_a_tenant(serve: Serve, issuer: IssuerServer):
    """Nobody learns who is in the database: not by a header, not without one."""
    by_id = issuer.settings(issuer="by id", audience=AUDIENCE)
    async with serve(issuers=[issuer.settings(identify_by="email"), by_id]) as client:
        by_email = issuer.token(email="nobody@enterprise.example", email_verified=True)
        unknown = issuer.token(iss="by id", sub=str(uuid4()))
        for headers in ({}, {"X-Tenant-Id": str(uuid4())}):
            answers = [await ask(client, token, **headers) for token in (by_email, unknown)]
            assert [refusal(answer, 403) for answer in answers] == ["NOT_A_MEMBER"] * 2
            assert answers[0].content == answers[1].content


async def test_address_cannot_be_looked_up_without_a_database(
    serve: Serve, issuer: IssuerServer, fresh_database: Addresses, server: str
):
    """The database being away is told as such, not as a fault of the token or of ours."""
    database = name_of(fresh_database)
    async with serve(
        database_url=fresh_database.gateway, pool_min_size=0, issuers=[issuer.settings(identify_by="email")]
    ) as client:
        connection = await asyncpg.connect(server)
        await connection.execute(f'alter database "{database}" allow_connections false')
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database)
        await connection.close()
        answer = await ask(client, issuer.token(email="owner@enterprise.example", email_verified=True))
        assert refusal(answer, 503) == "DATABASE_UNAVAILABLE"


async def test_claims_bind_to_a_tenant_and_name_a_client(
    settings: Settings, database: Database, issuer: IssuerServer, owner: Member
):
    """Each by the claim that is set, or by the usual one; a claim that is switched off says nothing."""
    tenant, sub = uuid4(), str(owner.user_id)
    usual = Identity(owner.user_id, None, None, issuer.url)

    async def identity(set_: dict[str, Any], **claims: Any) -> Identity:
        changed = Settings(**{**settings.model_dump(), "issuers": [issuer.settings(**set_)]})
        async with TokenVerifier(changed, Admission(database)) as verifier:
            return await verifier.identify(f"Bearer {issuer.token(sub=sub, **claims)}")

    assert await identity({}) == usual
    assert await identity({}, tenant_id=str(tenant)) == replace(usual, tenant_id=tenant)
    assert await identity({"tenant_claim": "org"}, tenant_id="no id", org=str(tenant)) == replace(
        usual, tenant_id=tenant
    )
    assert await identity({"tenant_claim": None}, tenant_id=str(tenant)) == usual
    for wrong in ("", "Enterprise", 7):
        with pytest.raises(UnauthenticatedError):
            await identity({}, tenant_id=wrong)
    assert await identity({}, azp="fleet-app", client_id="other") == replace(usual, client="fleet-app")
    assert await identity({}, client_id="fleet-app") == replace(usual, client="fleet-app")
    changed = Settings(**{**settings.model_dump(), "issuers": [issuer.settings()]})
    credentials = Credentials(changed, Admission(database))
    async with credentials.verifier:
        credential = await credentials.identify(f"Bearer {issuer.token(sub=sub, azp='fleet-app')}")
    assert credential == Credential(owner.user_id, token_client="fleet-app")
    assert await identity({"client_claim": "appid"}, appid="fleet-app", azp="x") == replace(usual, client="fleet-app")


async def test_who_left_a_tenant_is_refused_at_once(serve: Serve, issuer: IssuerServer, fresh_database: Addresses):
    """A token that was taken a moment ago, and is remembered, does not outlive the membership."""
    person, tenant = uuid4(), uuid4()
    owner = await asyncpg.connect(fresh_database.owner)
    await owner.execute("insert into tenants (id, name, kind) values ($1, 'T', 'org')", tenant)
    await owner.execute("insert into users (id, email, name) values ($1, 'o@t.example', 'O')", person)
    await owner.execute("insert into memberships (tenant_id, user_id, role) values ($1, $2, 'owner')", tenant, person)
    await owner.execute(
        """with other as (insert into users (email, name) values ('other@t.example', 'Other') returning id)
           insert into memberships (tenant_id, user_id, role) select $1, id, 'owner' from other""",
        tenant,
    )
    async with serve(database_url=fresh_database.gateway, issuers=[issuer.settings()]) as client:
        open_token, bound = issuer.token(sub=str(person)), issuer.token(sub=str(person), tenant_id=str(tenant))
        asked = ((open_token, {}), (open_token, {"X-Tenant-Id": str(tenant)}), (bound, {}))
        for token, headers in asked:
            assert (await ask(client, token, **headers)).json() == {"data": {"viewer": {"email": "o@t.example"}}}
        await owner.execute("update memberships set left_at = now() where user_id = $1", person)
        for token, headers in asked:
            assert refusal(await ask(client, token, **headers), 403) == "NOT_A_MEMBER"
    await owner.close()


async def test_small_letters_of_others_do_not_make_an_address_ours(fresh_database: Addresses):
    """The Kelvin sign has k as its small letter, and is still somebody else's address."""
    owner = await asyncpg.connect(fresh_database.owner)
    person = await owner.fetchval("insert into users (email, name) values ('kim@t.example', 'K') returning id")
    await owner.close()
    database = await Database.connect(fresh_database.gateway)
    admission = Admission(database)
    assert await admission.user_of_email("KIM@T.example") == UUID(str(person))
    assert await admission.user_of_email("\u212aim@t.example") is None
    assert await admission.user_of_email("") is None
    await database.close()


@pytest.mark.parametrize(
    ("issuers", "said"),
    [
        ("[", "no JSON"),
        ("{}", "a JSON list of objects"),
        ("[1]", "a JSON list of objects"),
        ([{"issuer": "https://a.example"}], "audience"),
        ([{"issuer": "https://a.example", "audience": "a", "audiance": "b"}], "audiance"),
        ([{"issuer": "https://a.example", "audience": "a", "algorithms": []}], "algorithms"),
        ([{"issuer": "https://a.example", "audience": "a", "algorithms": ["none"]}], "algorithms"),
        ([{"issuer": "https://a.example", "audience": "a", "algorithms": ["HS256"]}], "algorithms"),
        ([{"issuer": "https://a.example", "audience": "a", "identify_by": "name"}], "identify_by"),
        ([{"issuer": "a", "audience": "a"}], "set jwks_url or public_key"),
        ([{"issuer": "http://a.example", "audience": "a"}], "set jwks_url or public_key"),
        ([{"issuer": "a", "audience": "a", "jwks_url": "http://a.example/keys"}], "jwks_url starts with https"),
        ([{"issuer": "a", "audience": "a", "jwks_url": "file:///etc/keys"}], "jwks_url starts with https"),
        ([{"issuer": "a", "audience": "a", "jwks_url": "https://[a/"}], "jwks_url starts with https"),
        ([{"issuer": "a", "audience": "a", "public_key": "no key"}], "public_key is no public key"),
        ([{"issuer": "a", "audience": "a", "jwks_url": "https://a", "public_key": "b"}], "exclude each other"),
        (
            [{"issuer": "a", "audience": "a", "public_key": public_pem(OTHER_KEY), "algorithms": ["RS256", "ES256"]}],
            "no public key for ES256",
        ),
        (
            [{"issuer": "a", "audience": "a", "public_key": public_pem(SMALL_KEY)}],
            "no public key for RS256",
        ),
        ([{"issuer": "https://a.example", "audience": name} for name in "ab"], "twice: https://a.example"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_mistakes_in_the_settings_are_told(issuers: Any, said: str):
    """At the start, and by the name of what is wrong."""
    with pytest.raises(ValidationError, match=said):
        Settings(issuers=issuers)


def test_issuers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    """As JSON; empty is none."""
    monkeypatch.setenv("MOTOMIND_ISSUERS", '[{"issuer": "https://a.example", "audience": "a"}]')
    assert [issuer.issuer for issuer in Settings().trusted_issuers] == ["https://a.example"]
    monkeypatch.setenv("MOTOMIND_ISSUERS", "")
    assert not Settings().has_production_issuer

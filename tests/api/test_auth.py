"""Who asks: tokens that hold, tokens that do not, and the tenant that a request acts in."""

from __future__ import annotations

import datetime
import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from api.auth import DEVELOPMENT_ISSUER, development_key
from api.settings import Settings
from sql.embedded import Addresses
from sql.people import member
from tests.api.conftest import Client, Serve, refusal

pytestmark = pytest.mark.database

QUERY = "{ viewer { email } tenant { name } }"


async def ask(client: Client, authorization: str | None, **headers: str) -> httpx.Response:
    """A query under an Authorization header as it is."""
    if authorization is not None:
        headers["Authorization"] = authorization
    return await client.http.post("/graphql", json={"query": QUERY}, headers=headers)


def part(value: object) -> str:
    """One part of a token."""
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def public_pem(key: Any) -> str:
    """A public key as text."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def key(client: Client) -> Ed25519PrivateKey:
    """The gateway's development key."""
    return development_key(client.settings.data_dir)


@pytest.fixture
async def claims(demo: Addresses) -> dict[str, Any]:
    """Claims that the gateway takes, of the enterprise's owner."""
    person = await member(demo.owner, "owner@enterprise.example", None)
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    return {"iss": DEVELOPMENT_ISSUER, "aud": "motomind", "sub": str(person.user_id), "exp": int(expires.timestamp())}


async def test_claims_of_these_tests_are_taken(client: Client, key: Ed25519PrivateKey, claims: dict[str, Any]):
    """What the refusals below change is all that is wrong with them."""
    response = await ask(client, f"bearer {jwt.encode(claims, key, algorithm='EdDSA')}")
    assert response.status_code == 200
    assert response.json()["data"]["viewer"]["email"] == "owner@enterprise.example"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic b3duZXI6b3duZXI=", "token"])
async def test_without_a_bearer_token_a_request_is_401(client: Client, authorization: str | None):
    """No header, no token or another scheme: a message that says what to send."""
    response = await ask(client, authorization)
    assert refusal(response, 401) == "UNAUTHENTICATED"
    assert response.headers["www-authenticate"] == "Bearer"
    assert "motomind token" in response.json()["errors"][0]["message"]


async def test_forged_tokens_are_401(client: Client, key: Ed25519PrivateKey, claims: dict[str, Any]):
    """Garbage, alg none, the public key as a shared secret, another key, and a key that the token brings along."""
    now = int(datetime.datetime.now(datetime.UTC).timestamp())
    other = Ed25519PrivateKey.generate()
    raw = other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(raw).decode().rstrip("=")}

    def signed(**changed: Any) -> str:
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return jwt.encode(kept, key, algorithm="EdDSA")

    # PyJWT refuses to sign with a PEM as a secret, so this one is put together by hand.
    pem = public_pem(key).encode()
    unsigned = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    confused = f"{unsigned}.{urlsafe_b64encode(mac.sign(unsigned.encode(), pem)).decode().rstrip('=')}"
    good = signed()
    tokens = {
        "garbage": "garbage",
        "three empty parts": "..",
        "not base64": "ä.ö.ü",
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.",
        "alg none, a signature": f"{part({'alg': 'none'})}.{part(claims)}.{good.rpartition('.')[2]}",
        "public key as secret": confused,
        "other key": jwt.encode(claims, other, algorithm="EdDSA"),
        "embedded key": jwt.encode(claims, other, algorithm="EdDSA", headers={"jwk": jwk}),
        "key by address": jwt.encode(claims, other, algorithm="EdDSA", headers={"jku": "http://127.0.0.1:9/keys"}),
        "payload of another": f"{good.split('.')[0]}.{part({**claims, 'sub': str(uuid4())})}.{good.split('.')[2]}",
        "wrong audience": signed(aud="another"),
        "no audience": signed(aud=None),
        "wrong issuer": signed(iss="another"),
        "no issuer": signed(iss=None),
        "not yet": signed(nbf=now + 600),
        "no subject": signed(sub=None),
        "no expiry": signed(exp=None),
        "expiry of no number": signed(exp="soon"),
        "subject no id": signed(sub="owner@enterprise.example"),
        "tenant no id": signed(tenant_id="Enterprise"),
        "tenant empty": signed(tenant_id=""),
    }
    for what, token in tokens.items():
        response = await client.http.post(
            "/graphql", json={"query": QUERY}, headers={"Authorization": f"Bearer {token}".encode()}
        )
        assert refusal(response, 401) == "TOKEN_INVALID", what
        assert response.headers["www-authenticate"].startswith("Bearer"), what


@pytest.mark.parametrize("which", ["header", "payload"])
async def test_token_of_deeply_nested_json_is_401(client: Client, which: str):
    """What is read before the signature is checked cannot exhaust the stack."""
    nested = urlsafe_b64encode(b"[" * 10_000).decode().rstrip("=")
    first = nested if which == "header" else part({"alg": "EdDSA", "typ": "JWT"})
    response = await ask(client, f"Bearer {first}.{nested}.c2ln")
    assert refusal(response, 401) == "TOKEN_INVALID"


async def test_expired_token_has_a_code_of_its_own(client: Client, key: Ed25519PrivateKey, claims: dict[str, Any]):
    """A client can tell that it only needs a new token."""
    token = jwt.encode({**claims, "exp": claims["exp"] - 7200}, key, algorithm="EdDSA")
    response = await ask(client, f"Bearer {token}")
    assert refusal(response, 401) == "TOKEN_EXPIRED"


async def test_unknown_person_is_no_member(client: Client, key: Ed25519PrivateKey, claims: dict[str, Any]):
    """A token of the right issuer for somebody who is not in the database."""
    token = jwt.encode({**claims, "sub": str(uuid4())}, key, algorithm="EdDSA")
    assert refusal(await ask(client, f"Bearer {token}"), 403) == "NOT_A_MEMBER"
    with_tenant = await ask(client, f"Bearer {token}", **{"X-Tenant-Id": str(uuid4())})
    assert refusal(with_tenant, 403) == "NOT_A_MEMBER"


async def test_foreign_tenant_and_absent_tenant_answer_alike(
    client: Client, key: Ed25519PrivateKey, claims: dict[str, Any], demo: Addresses
):
    """Nobody learns which tenants exist; neither by header nor by claim."""
    foreign = (await member(demo.owner, "owner@small.example", None)).tenant_id
    by_header = [
        await ask(client, f"Bearer {jwt.encode(claims, key, algorithm='EdDSA')}", **{"X-Tenant-Id": str(tenant)})
        for tenant in (foreign, uuid4())
    ]
    by_claim = [
        await ask(client, f"Bearer {jwt.encode({**claims, 'tenant_id': str(tenant)}, key, algorithm='EdDSA')}")
        for tenant in (foreign, uuid4())
    ]
    assert [refusal(response, 403) for response in (*by_header, *by_claim)] == ["NOT_A_MEMBER"] * 4
    assert len({response.text for response in (*by_header, *by_claim)}) == 1


async def test_header_cannot_name_another_tenant_than_the_token(client: Client, demo: Addresses):
    """A token that is bound to a tenant stays there, even for a member of both."""
    medium = (await member(demo.owner, "owner@medium.example", None)).tenant_id
    token = await client.token("consultant@example.com", "Small")
    response = await ask(client, f"Bearer {token}", **{"X-Tenant-Id": str(medium)})
    assert refusal(response, 403) == "TENANT_MISMATCH"


@pytest.mark.parametrize("header", ["Enterprise", "123", "00000000-0000-0000-0000-00000000000g", "' or true --"])
async def test_malformed_tenant_header_is_400(client: Client, header: str):
    """What is no UUID names no tenant."""
    token = await client.token("owner@enterprise.example")
    assert refusal(await ask(client, f"Bearer {token}", **{"X-Tenant-Id": header}), 400) == "INVALID_ID"


async def test_member_of_several_tenants_says_which(client: Client):
    """Without a tenant the refusal lists the choices; each of them works as the header."""
    token = await client.token("consultant@example.com", None)
    response = await ask(client, f"Bearer {token}")
    assert refusal(response, 400) == "TENANT_REQUIRED"
    tenants = response.json()["errors"][0]["extensions"]["tenants"]
    assert [tenant["name"] for tenant in tenants] == sorted(tenant["name"] for tenant in tenants)
    assert len(tenants) == 2
    for tenant in tenants:
        assert UUID(tenant["id"])
        answer = await ask(client, f"Bearer {token}", **{"X-Tenant-Id": tenant["id"]})
        assert answer.json()["data"] == {
            "viewer": {"email": "consultant@example.com"},
            "tenant": {"name": tenant["name"]},
        }


async def test_production_issuer_replaces_development_tokens(serve: Serve, claims: dict[str, Any], client: Client):
    """With an issuer's key set, its tokens are taken and the development key's are not."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer = {"jwt_issuer": "https://issuer.example", "jwt_public_key": public_pem(private), "jwt_audience": "fleet"}
    taken = {**claims, "iss": "https://issuer.example", "aud": ["other", "fleet"]}
    async with serve(**issuer) as production:
        answer = await ask(production, f"Bearer {jwt.encode(taken, private, algorithm='RS256')}")
        assert answer.json()["data"]["viewer"] == {"email": "owner@enterprise.example"}
        refused = {
            "development token": await client.token("owner@enterprise.example"),
            "other algorithm of the same key": jwt.encode(taken, private, algorithm="RS512"),
            "development claims, issuer's key": jwt.encode(claims, private, algorithm="RS256"),
        }
        for what, token in refused.items():
            assert refusal(await ask(production, f"Bearer {token}"), 401) == "TOKEN_INVALID", what


@pytest.mark.parametrize("half", [{"jwt_issuer": "https://issuer.example"}, {"jwt_public_key": "PEM"}])
def test_half_a_production_issuer_is_refused(half: dict[str, str]):
    """An issuer without a key, or a key without an issuer, would fall back to development tokens."""
    with pytest.raises(ValidationError, match="go together"):
        Settings(**half)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_unusable_public_key_is_refused_at_the_start(algorithm: str):
    """A key that cannot be read, or not with the algorithm, is a wrong setting; not an error of every request."""
    keys = {
        "RS256": ["no key", public_pem(Ed25519PrivateKey.generate())],
        "ES256": ["no key", public_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))],
        "EdDSA": ["no key", public_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))],
    }
    for pem in keys[algorithm]:
        with pytest.raises(ValueError, match=r"(?i)public.?key"):
            Settings(jwt_issuer="https://issuer.example", jwt_public_key=pem, jwt_algorithm=algorithm)


def test_development_key_is_for_its_owner_only(settings: Settings):
    """Who can read the key can be anybody."""
    development_key(settings.data_dir)
    assert (settings.data_dir / "development-key.pem").stat().st_mode & 0o077 == 0

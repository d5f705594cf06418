"""Authentication: a bearer token says who asks, and may say in which tenant."""

from __future__ import annotations

import datetime
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import jwt
from cachetools import LRUCache, TTLCache
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from api.errors import UnauthenticatedError
from api.issuer import Issuer
from api.keys import TrustedKey, key_of_pem
from api.published_keys import Keys, PinnedKey, PublishedKeys, http_client
from api.settings import Settings
from sql.admission import Admission

DEVELOPMENT_ISSUER = "motomind-development"
DEVELOPMENT_KEY = "development-key.pem"
TOKEN_HOURS = 12
LEEWAY_SECONDS = 5
REMEMBERED_SECONDS = 60  # how long a verified token is taken without verifying its signature again
PERSON_SECONDS = 30  # how long a person found by their address is taken to be the same
MOST_REMEMBERED = 10_000
LONGEST_CLIENT = 200
EMAIL = re.compile(r"(?=.{3,320}\Z)[^@\s\x00-\x1f\x7f\ud800-\udfff]+@[^@\s\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True)
class Identity:
    """Who asks, the tenant that the token is bound to, if it is, and the client that it was issued to, if it says so.

    A client's name is its issuer's: two issuers may use the same one for different clients.
    """

    user_id: UUID
    tenant_id: UUID | None
    client: str | None = None
    issuer: str | None = None


@dataclass(frozen=True)
class VerifiedToken:
    """What a token says that held: a person by id or by address, until a time in seconds, as long as its key counts."""

    issuer: str
    key: TrustedKey
    person: UUID | str
    tenant_id: UUID | None
    client: str | None
    until: float


@dataclass(frozen=True)
class TrustedIssuer:
    """An issuer as it is set, and its keys."""

    settings: Issuer
    keys: Keys


class TokenVerifier:
    """Checks tokens of the issuers that are set: signature, algorithm, issuer, audience and time.

    A token that held is remembered for a minute, or until it expires or its key does not count any more: a signature
    costs more than a small query. As a context it keeps the keys that issuers publish current.
    """

    def __init__(self, settings: Settings, admission: Admission) -> None:
        self._admission = admission
        self._production = settings.has_production_issuer
        self._http: httpx.AsyncClient | None = None
        self._issuers = {
            issuer.issuer: TrustedIssuer(issuer, self._keys_of(issuer))
            for issuer in settings.trusted_issuers or (development_issuer(settings),)
        }
        self._verified: LRUCache[str, VerifiedToken] = LRUCache(MOST_REMEMBERED)
        self._people: TTLCache[str, UUID] = TTLCache(MOST_REMEMBERED, PERSON_SECONDS, time.monotonic)

    async def __aenter__(self) -> Self:
        for issuer in self._issuers.values():
            if isinstance(issuer.keys, PublishedKeys):
                issuer.keys.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for issuer in self._issuers.values():
            if isinstance(issuer.keys, PublishedKeys):
                await issuer.keys.stop()
        if self._http is not None:
            await self._http.aclose()

    def _keys_of(self, issuer: Issuer) -> Keys:
        if issuer.public_key is not None and (key := key_of_pem(issuer.public_key)) is not None:
            return PinnedKey(key)
        self._http = self._http or http_client()
        return PublishedKeys(issuer, self._http)

    async def identify(self, authorization: str | None) -> Identity:
        """The identity behind an Authorization header.

        Raises UnauthenticatedError with what is wrong, UnavailableError where the issuer's keys are not here yet, and
        DatabaseError where a person cannot be looked up.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            where = "" if self._production else " For development, make one with: motomind token EMAIL"
            raise UnauthenticatedError("UNAUTHENTICATED", f"Send a token: 'Authorization: Bearer TOKEN'.{where}")
        verified = self._remembered(token)
        if verified is None:
            verified = self._verified[token] = await self._verify(token)
        person = verified.person
        user_id = person if isinstance(person, UUID) else await self._user_of(person)
        return Identity(user_id, verified.tenant_id, verified.client, verified.issuer)

    def _remembered(self, token: str) -> VerifiedToken | None:
        known = self._verified.get(token)
        if known is None or time.time() >= known.until or not self._issuers[known.issuer].keys.trusts(known.key):
            return None
        return known

    async def _verify(self, token: str) -> VerifiedToken:
        """What a token says that holds; whatever else is wrong with one, the refusal is the same."""
        try:
            return await self._check(token)
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("TOKEN_EXPIRED", "The token has expired. Get a new one.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise UnauthenticatedError("TOKEN_INVALID", "The token is not one that this gateway trusts.") from None

    async def _check(self, token: str) -> VerifiedToken:
        """What a token says. Its header and its issuer only choose among what is set; nothing it brings is used."""
        unverified = jwt.decode_complete(token, options={"verify_signature": False})
        header, name = unverified["header"], unverified["payload"].get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        algorithm = header.get("alg")
        # "crit" names extensions that must be understood (RFC 7515, section 4.1.11): we understand none.
        if issuer is None or algorithm not in issuer.settings.algorithms or "crit" in header:
            raise jwt.InvalidTokenError
        for key in await issuer.keys.candidates(header.get("kid"), algorithm):
            with suppress(jwt.InvalidSignatureError):
                return _read(issuer.settings, key, _claims(issuer.settings, key, token, algorithm))
        raise jwt.InvalidTokenError

    async def _user_of(self, email: str) -> UUID:
        """The person of an address.

        Who is unknown is given an id that nobody has, so that they are answered like somebody who is no member
        anywhere: ids of people are random (version 4), this one is of version 5.
        """
        known = self._people.get(email)
        if known is None:
            known = await self._admission.user_of_email(email)
            if known is None:
                return uuid5(NAMESPACE_URL, f"mailto:{email}")
            self._people[email] = known
        return known


def _claims(issuer: Issuer, key: TrustedKey, token: str, algorithm: str) -> dict[str, Any]:
    """The claims of a token that the key has signed. Raises jwt.InvalidTokenError where one does not hold."""
    wanted = ["exp", "iss", "aud", "email" if issuer.identify_by == "email" else issuer.user_claim]
    claims: dict[str, Any] = jwt.decode(
        token,
        key.public,
        algorithms=[algorithm],
        audience=issuer.audience,
        issuer=issuer.issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": wanted},
    )
    return claims


def _read(issuer: Issuer, key: TrustedKey, claims: dict[str, Any]) -> VerifiedToken:
    """Who a token is for, by the claims that the issuer's settings name. Raises ValueError where they are no such."""
    person: UUID | str
    if issuer.identify_by == "email":
        person = claims["email"]
        if claims.get("email_verified") is not True or not isinstance(person, str) or not EMAIL.fullmatch(person):
            raise ValueError("no verified address")
    else:
        person = UUID(str(claims[issuer.user_claim]))
    tenant = None if issuer.tenant_claim is None else claims.get(issuer.tenant_claim)
    names = ("azp", "client_id") if issuer.client_claim is None else (issuer.client_claim,)
    client = next((claims[name] for name in names if claims.get(name) is not None), None)
    if client is not None and not (isinstance(client, str) and 0 < len(client) <= LONGEST_CLIENT):
        raise ValueError("no name of a client")
    return VerifiedToken(
        issuer.issuer,
        key,
        person,
        None if tenant is None else UUID(str(tenant)),
        client,
        min(float(claims["exp"]) + LEEWAY_SECONDS, time.time() + REMEMBERED_SECONDS),
    )


def development_issuer(settings: Settings) -> Issuer:
    """The issuer of development tokens: this gateway itself."""
    public = development_key(settings.data_dir).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Issuer(issuer=DEVELOPMENT_ISSUER, audience=settings.jwt_audience, algorithms=("EdDSA",), public_key=pem)


def development_key(data_dir: Path) -> Ed25519PrivateKey:
    """The key that development tokens are signed with: made once, kept in the data directory for its owner only."""
    path = data_dir / DEVELOPMENT_KEY
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        part = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        try:
            os.link(part, path)  # whoever comes second keeps the first one's key
        except FileExistsError:
            pass
        finally:
            part.unlink()
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} is not an Ed25519 private key. Remove it and a new one is made.")
    return key


def url_key(settings: Settings) -> bytes:
    """The key that URLs of uploads are signed with: of a setting, or of the development key (HKDF, RFC 5869)."""
    if settings.url_key is not None:
        secret = settings.url_key.get_secret_value().encode()
    else:
        secret = development_key(settings.data_dir).private_bytes_raw()
    return HKDF(SHA256(), 32, salt=None, info=b"motomind urls of uploads").derive(secret)


def development_token(settings: Settings, user_id: UUID, tenant_id: UUID | None) -> str:
    """A token for a person, for twelve hours, bound to a tenant if one is named."""
    now = datetime.datetime.now(datetime.UTC)
    claims = {
        "iss": DEVELOPMENT_ISSUER,
        "aud": settings.jwt_audience,
        "sub": str(user_id),
        "iat": now,
        "exp": now + datetime.timedelta(hours=TOKEN_HOURS),
    }
    if tenant_id is not None:
        claims["tenant_id"] = str(tenant_id)
    return jwt.encode(claims, development_key(settings.data_dir), algorithm="EdDSA")

"""Credentials: a bearer token says who asks; a client's key says which program, and as which member it acts."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID
from zlib import crc32

import jwt
from cachetools import TTLCache

from api.auth import TokenVerifier
from api.errors import UnauthenticatedError
from api.settings import Settings
from sql.admission import Admission, Client

PREFIX = "mmk_"
SECRET_BYTES = 32
CHECK_LENGTH = 8
HINT_LENGTH = 12
REMEMBERED = 10_000
FRESH_SECONDS = 2.0  # how long a key or a document that is no more may still be taken


@dataclass(frozen=True)
class Credential:
    """Who asks, the tenant that the credential is bound to, and the client that it belongs to, where it says so.

    ``token_client`` is what a token's issuer calls the client: who that is depends on the tenant.
    """

    user_id: UUID
    tenant_id: UUID | None = None
    client: Client | None = None
    token_client: str | None = None


class Credentials:
    """Identifies callers. What is said of a key holds for two seconds, so a revoked one stops everywhere by then."""

    def __init__(self, settings: Settings, admission: Admission) -> None:
        self.verifier = TokenVerifier(settings, admission)
        self._admission = admission
        self._keys: TTLCache[bytes, Client | None] = TTLCache(REMEMBERED, FRESH_SECONDS, time.monotonic)
        self._token_clients: TTLCache[tuple[UUID, UUID, str], Client | None]
        self._token_clients = TTLCache(REMEMBERED, FRESH_SECONDS, time.monotonic)

    async def identify(self, authorization: str | None) -> Credential:
        """The credential in an Authorization header.

        Raises UnauthenticatedError with what is wrong, UnavailableError where a token cannot be checked now.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token.startswith(PREFIX):
            identity = await self.verifier.identify(authorization)
            return Credential(identity.user_id, identity.tenant_id, token_client=identity.client)
        client = await self._client_of_key(token) if is_key(token) else None
        if client is None:
            raise UnauthenticatedError(
                "KEY_INVALID", "The key is not one that this gateway knows, or not any more. Get a new one."
            )
        return Credential(client.user_id, client.tenant_id, client)

    async def client_of(self, credential: Credential, tenant_id: UUID) -> Client | None:
        """The client that a credential belongs to in a tenant; None for a person with a token that names none."""
        if credential.client is not None or credential.token_client is None:
            return credential.client
        key = (tenant_id, credential.user_id, credential.token_client)
        if key not in self._token_clients:
            self._token_clients[key] = await self._admission.client_of_token(*key)
        return self._token_clients.get(key)

    async def _client_of_key(self, key: str) -> Client | None:
        digest = digest_of(key)
        try:
            return self._keys[digest]
        except KeyError:
            client = self._keys[digest] = await self._admission.client_of_key(digest)
            return client


def expiry_of(authorization: str | None) -> float | None:
    """Until when a token that held is good, in seconds since 1970; None for a key, which may be revoked at any time."""
    token = (authorization or "").partition(" ")[2].strip()
    if token.startswith(PREFIX):
        return None
    return float(jwt.decode(token, options={"verify_signature": False})["exp"])


def new_key() -> str:
    """A new key: the prefix, 32 random bytes, and eight digits by which a mistyped one is told without a look-up."""
    body = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    return body + _check(body)


def is_key(text: str) -> bool:
    """Whether a text is a key, known or not."""
    return text.startswith(PREFIX) and text.isascii() and _check(text[:-CHECK_LENGTH]) == text[-CHECK_LENGTH:]


def digest_of(key: str) -> bytes:
    """What is kept of a key: its SHA-256."""
    return sha256(key.encode()).digest()


def hint_of(key: str) -> str:
    """The first characters of a key, by which people tell keys apart."""
    return key[:HINT_LENGTH]


def _check(body: str) -> str:
    return f"{crc32(body.encode()):08x}"

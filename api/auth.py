"""Authentication: a bearer token says who asks, and may say in which tenant."""

from __future__ import annotations

import datetime
import os
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from api.errors import UnauthenticatedError
from api.settings import Settings

DEVELOPMENT_ISSUER = "motomind-development"
DEVELOPMENT_KEY = "development-key.pem"
TOKEN_HOURS = 12
LEEWAY_SECONDS = 5
REMEMBERED_SECONDS = 60  # how long a verified token is taken without verifying its signature again
REMEMBERED_TOKENS = 10_000


@dataclass(frozen=True)
class Identity:
    """Who asks, and the tenant that the token is bound to, if it is."""

    user_id: UUID
    tenant_id: UUID | None


@dataclass(frozen=True)
class TokenVerifier:
    """Checks tokens of one issuer: signature, algorithm, issuer, audience and time.

    A token that held is remembered for a minute, or until it expires: a signature costs more than a small query.
    """

    key: str
    algorithm: str
    issuer: str
    audience: str
    _verified: OrderedDict[str, tuple[Identity, float]] = field(default_factory=OrderedDict, compare=False, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> TokenVerifier:
        """The verifier that the settings ask for: the production issuer's, or the development key's."""
        if settings.jwt_issuer is not None and settings.jwt_public_key is not None:
            return cls(settings.jwt_public_key, settings.jwt_algorithm, settings.jwt_issuer, settings.jwt_audience)
        public = development_key(settings.data_dir).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return cls(pem, "EdDSA", DEVELOPMENT_ISSUER, settings.jwt_audience)

    def identify(self, authorization: str | None) -> Identity:
        """The identity behind an Authorization header. Raises UnauthenticatedError with what is wrong."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError(
                "UNAUTHENTICATED",
                "Send a token: 'Authorization: Bearer TOKEN'. For development, make one with: motomind token EMAIL",
            )
        token = token.strip()
        known = self._verified.get(token)
        if known is not None and time.time() < known[1]:
            return known[0]
        identity, expires = self._verify(token)
        self._verified[token] = identity, min(expires + LEEWAY_SECONDS, time.time() + REMEMBERED_SECONDS)
        self._verified.move_to_end(token)
        if len(self._verified) > REMEMBERED_TOKENS:
            self._verified.popitem(last=False)
        return identity

    def _verify(self, token: str) -> tuple[Identity, float]:
        """The identity in a token, and when it expires."""
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=[self.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            tenant = claims.get("tenant_id")
            identity = Identity(UUID(str(claims["sub"])), None if tenant is None else UUID(str(tenant)))
            return identity, float(claims["exp"])
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("TOKEN_EXPIRED", "The token has expired. Get a new one.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise UnauthenticatedError("TOKEN_INVALID", "The token is not one that this gateway trusts.") from None


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

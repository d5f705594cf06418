"""URLs of uploads: signed, for one person, until a time."""

from __future__ import annotations

import hmac
import secrets
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from sql.session import Caller

LAYOUT = struct.Struct(">16s16sQ")  # tenant, person, seconds since 1970
SIGNATURE_BYTES = 32
LONGEST_TOKEN = 200
MOST_SECONDS = 86_400


class UrlInvalidError(Exception):
    """A URL that was not made here, or was changed."""


class UrlExpiredError(Exception):
    """A URL whose time is over."""


@dataclass(frozen=True)
class UrlSigner:
    """Makes and checks URLs. A token is who may read, until when, and the HMAC-SHA-256 of that with the upload's id.

    ``base`` is what URLs begin with: nothing, or the gateway's address as its clients see it.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(SIGNATURE_BYTES), repr=False)
    base: str = ""
    clock: Callable[[], float] = field(default=lambda: time.time(), repr=False)  # noqa: PLW0108 - looked up each time

    def url(self, caller: Caller, upload_id: str, expires_in: int) -> str:
        """The URL by which a caller, and whoever they hand it to, reads an upload for some seconds."""
        claims = LAYOUT.pack(caller.tenant_id.bytes, caller.user_id.bytes, int(self.clock()) + expires_in)
        token = urlsafe_b64encode(claims + self._signature(upload_id, claims)).rstrip(b"=").decode()
        return f"{self.base}/uploads/{upload_id}?token={token}"

    def reader(self, upload_id: str, token: str) -> tuple[Caller, int]:
        """Who reads, and how many seconds are left. Raises UrlInvalidError and UrlExpiredError."""
        try:
            if len(token) > LONGEST_TOKEN:
                raise UrlInvalidError
            signed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (Base64Error, ValueError):
            raise UrlInvalidError from None
        claims, signature = signed[: LAYOUT.size], signed[LAYOUT.size :]
        if not hmac.compare_digest(signature, self._signature(upload_id, claims)):
            raise UrlInvalidError
        tenant, person, expires = LAYOUT.unpack(claims)
        left = expires - int(self.clock())
        if left <= 0:
            raise UrlExpiredError
        return Caller(UUID(bytes=person), UUID(bytes=tenant)), left

    def _signature(self, upload_id: str, claims: bytes) -> bytes:
        return hmac.digest(self.key, b"motomind upload\0" + upload_id.encode() + b"\0" + claims, sha256)

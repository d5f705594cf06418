"""Master keys: what wraps data keys, from the environment or a key service of one's own."""

from __future__ import annotations

import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sql.errors import EncryptionUnavailableError
from sql.reference import at

KEY_BYTES = 32
NONCE_BYTES = 12
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@runtime_checkable
class KeyService(Protocol):
    """What wraps data keys and unwraps them again, like the key management of a cloud.

    ``name`` is kept beside what it wrapped. ``context`` says whose key it is, and must be the same both times.
    Calls may take as long as a network does; they run in threads. Whatever they raise means: not now.
    """

    @property
    def name(self) -> str:
        """What it is called."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """A data key of 32 bytes, wrapped."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The data key."""


@dataclass(frozen=True)
class MasterKey:
    """A master key of 32 bytes: wraps by AES-256-GCM."""

    name: str
    _cipher: AESGCM

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """A data key, wrapped: the nonce, and what AES-GCM makes of it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The data key."""
        return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)


@dataclass(frozen=True)
class MasterKeys:
    """Everything that can unwrap, by name; ``current`` wraps."""

    services: tuple[KeyService, ...]

    @classmethod
    def of(cls, text: str, service: KeyService | None = None) -> Self:
        """The keys of a text like ``2026:BASE64,2025:BASE64``, after a key service where there is one.

        Raises ValueError, which names no key.
        """
        keys: list[KeyService] = [_key(part.strip()) for part in text.split(",") if part.strip()]
        services = ([] if service is None else [service]) + keys
        names = [one.name for one in services]
        if not names or len(set(names)) < len(names):
            raise ValueError("has keys with different names, like 2026:BASE64,2025:BASE64")
        return cls(tuple(services))

    @property
    def current(self) -> KeyService:
        """The one that wraps."""
        return self.services[0]

    @property
    def names(self) -> list[str]:
        """The names, the current one first."""
        return [service.name for service in self.services]

    def wrap(self, tenant_id: str, key_id: str, key: bytes) -> bytes:
        """A data key, wrapped by the current one. Raises EncryptionUnavailableError."""
        try:
            return self.current.wrap(key, _context(tenant_id, key_id))
        except Exception as error:
            raise EncryptionUnavailableError(f"{self.current.name} does not wrap a data key now.") from error

    def unwrap(self, tenant_id: str, key_id: str, wrapped: bytes, wrapped_by: str) -> bytes:
        """A data key. Raises EncryptionUnavailableError where what wrapped it is not here, or is another one."""
        for service in self.services:
            if service.name == wrapped_by:
                try:
                    key = service.unwrap(wrapped, _context(tenant_id, key_id))
                except InvalidTag as error:
                    raise EncryptionUnavailableError(f"{wrapped_by} is not the key that wrapped this.") from error
                except Exception as error:
                    raise EncryptionUnavailableError(f"{wrapped_by} does not unwrap a data key now.") from error
                if len(key) == KEY_BYTES:
                    return key
        raise EncryptionUnavailableError(f"There is no master key {wrapped_by}.")


def new_master_key(name: str) -> str:
    """A new master key as settings have it."""
    return f"{name}:{b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def key_service(reference: str) -> KeyService:
    """The key service at ``module:attribute``; a class or function there is called for it. Raises ValueError."""
    service = at(reference, lambda found: isinstance(found, KeyService))
    if not isinstance(service, KeyService):
        raise ValueError(f"{reference!r} has no name, wrap and unwrap")  # noqa: TRY004 - a setting that is wrong
    return service


def _key(text: str) -> MasterKey:
    name, _, encoded = text.partition(":")
    try:
        key = b64decode(encoded, validate=True)
    except Base64Error:
        key = b""
    if not NAME.fullmatch(name) or len(key) != KEY_BYTES:
        raise ValueError("is keys of 32 bytes, each as NAME:BASE64. Make one: motomind keys generate NAME")
    return MasterKey(name, AESGCM(key))


def _context(tenant_id: str, key_id: str) -> bytes:
    return f"motomind data key {tenant_id} {key_id}".encode()

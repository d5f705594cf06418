"""A tenant's seal: what encrypts the rows of imports and of the demo before they are on their way to the tables."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Self

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sql.encryption import sealing
from sql.encryption.keyring import Keyring, new_key_id
from sql.encryption.master import KEY_BYTES
from sql.encryption.sealing import DataKey, Place
from sql.errors import EncryptionUnavailableError, SetupError
from sql.owner import statements

UNSET = (
    "Values of this tenant are encrypted, and no master key is set here: what comes in now would be in clear.\n"
    "Set MOTOMIND_MASTER_KEYS (or MOTOMIND_KMS) and MOTOMIND_ENCRYPTED_FIELDS as the gateway has them, then type the "
    "command again."
)
_sql = partial(statements, "sql.encryption")


class TenantSeal:
    """The current data key of one tenant, and a secret of it that stays when keys are rotated."""

    def __init__(self, keyring: Keyring, tenant_id: str, key: DataKey, secret: bytes) -> None:
        self._keyring = keyring
        self._tenant_id = tenant_id
        self._key = key
        self._secret = secret

    @classmethod
    def of(
        cls, connection: psycopg.Connection[Any], keyring: Keyring | None, tenant_id: object, *, dry: bool = False
    ) -> Self | None:
        """The seal of a tenant that has keys, or is to have: its first one is made where there is what to encrypt.

        None where nothing is, or was, encrypted. With ``dry`` no key is kept. Raises SetupError, with what to set,
        where the tenant has keys that cannot be used here: nothing is to be in clear beside what is encrypted.
        """
        ids = {"tenant_id": str(tenant_id)}
        kept = connection.execute(_sql()["first_and_current_key"], ids).fetchall()
        if keyring is None:
            if kept:
                raise SetupError(UNSET)
            return None
        if not kept and not keyring.fields.paths:
            return None
        if not kept and dry:
            key = AESGCM.generate_key(KEY_BYTES * 8)
            return cls(keyring, ids["tenant_id"], DataKey(new_key_id(), AESGCM(key)), key)
        if not kept:
            _make_key(connection, keyring, ids["tenant_id"])
            kept = connection.execute(_sql()["first_and_current_key"], ids).fetchall()
        first, *others = (_unwrapped(keyring, ids["tenant_id"], row) for row in kept)
        return cls(keyring, ids["tenant_id"], DataKey(kept[-1][0], AESGCM(others[-1] if others else first)), first)

    def refresh(self, connection: psycopg.Connection[Any]) -> None:
        """Takes the key that has become the current one, if another has. Raises SetupError."""
        kept = connection.execute(_sql()["first_and_current_key"], {"tenant_id": self._tenant_id}).fetchall()
        if kept and kept[-1][0] != self._key.key_id:
            self._key = DataKey(kept[-1][0], AESGCM(_unwrapped(self._keyring, self._tenant_id, kept[-1])))

    def concerns(self, table: str, text: str) -> bool:
        """Whether a JSON text may hold what is to be encrypted."""
        return self._keyring.needs_sealing(table, text)

    def covers(self, table: str, *path: str) -> bool:
        """Whether the value at a path is encrypted."""
        return self._keyring.fields.cover(table, path)

    def digest(self, text: str) -> str:
        """A digest that says nothing to who has no key: the HMAC-SHA-256 with the secret."""
        return hmac.digest(self._secret, b"motomind import " + text.encode(), "sha256").hex()

    def rows(self, table: str, rows: Iterable[Sequence[Any]], *, id_at: int, text_at: int) -> Iterator[Sequence[Any]]:
        """Rows with what is to be encrypted encrypted in their JSON text; told are its position and that of the id."""
        for row in rows:
            text = row[text_at]
            if not self.concerns(table, text):
                yield row
                continue
            place = Place(self._tenant_id, table, str(row[id_at]))
            sealed = sealing.write(self._keyring.seal(self._key, place, sealing.read(text)))
            yield (*row[:text_at], sealed, *row[text_at + 1 :])


def _make_key(connection: psycopg.Connection[Any], keyring: Keyring, tenant_id: str) -> None:
    """A tenant's first key; where another process was faster, nothing happens."""
    key_id, masters = new_key_id(), keyring.masters
    try:
        wrapped = masters.wrap(tenant_id, key_id, AESGCM.generate_key(KEY_BYTES * 8))
    except EncryptionUnavailableError as error:
        raise _not_now(error, masters.current.name) from error
    ids = {"tenant_id": tenant_id, "key_id": key_id}
    connection.execute(_sql()["add_first_key"], {**ids, "wrapped": wrapped, "wrapped_by": masters.current.name})


def _unwrapped(keyring: Keyring, tenant_id: str, row: Sequence[Any]) -> bytes:
    key_id, wrapped, wrapped_by = row
    try:
        return keyring.masters.unwrap(tenant_id, key_id, wrapped, wrapped_by)
    except EncryptionUnavailableError as error:
        raise _not_now(error, wrapped_by) from error


def _not_now(error: EncryptionUnavailableError, name: str) -> SetupError:
    return SetupError(
        f"What is to be encrypted cannot be: {error} Nothing more was written.\n"
        f"Name it, after the newer ones if there are any:  MOTOMIND_MASTER_KEYS=...,{name}:BASE64  (or MOTOMIND_KMS, "
        "where a key service wraps), then type the command again."
    )

"""The keyring: data keys in memory, and what a session asks of them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache, TTLCache
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sql.driver import Row
from sql.encryption import sealing
from sql.encryption.fields import EncryptedFields
from sql.encryption.master import KEY_BYTES, MasterKeys
from sql.encryption.sealing import DataKey, Path, Place
from sql.errors import EncryptionUnavailableError

log = logging.getLogger("motomind")

MOST_KEYS = 10_000
CURRENT_SECONDS = 30.0  # how long a key may still encrypt after another took its place
FAILED_SECONDS = 5.0  # how long what could not be unwrapped is not tried again
UNAVAILABLE = "A value cannot be encrypted now: its key cannot be used. Try again in a moment."
Fetch = Callable[[], Awaitable[Sequence[Row]]]


def new_key_id() -> str:
    """A name for a new data key."""
    return secrets.token_hex(6)


@dataclass(eq=False)
class Keyring:
    """What is encrypted, by which master keys, and the data keys that were unwrapped so far.

    ``writers_see`` lets viewers see what is encrypted in rows that they hold WRITE on.
    """

    fields: EncryptedFields
    masters: MasterKeys
    writers_see: bool = False
    _keys: LRUCache[tuple[str, str], DataKey] = field(default_factory=lambda: LRUCache(MOST_KEYS))
    _current: TTLCache[str, str] = field(default_factory=lambda: TTLCache(MOST_KEYS, CURRENT_SECONDS, time.monotonic))
    _failed: TTLCache[tuple[str, str], bool] = field(
        default_factory=lambda: TTLCache(MOST_KEYS, FAILED_SECONDS, time.monotonic)
    )

    async def ensure(self, tenant_id: str, current: Fetch, add: Callable[..., Awaitable[Any]]) -> None:
        """Makes a tenant's first key where it has none; ``add`` keeps a wrapped one, ``current`` finds the one kept.

        A failure is told where a value is to be encrypted, and not before.
        """
        if not self.fields.paths or tenant_id in self._current:
            return
        rows = await current()
        if not rows:
            key_id, wrapped_by = new_key_id(), self.masters.current.name
            try:
                key = AESGCM.generate_key(KEY_BYTES * 8)
                wrapped = await asyncio.to_thread(self.masters.wrap, tenant_id, key_id, key)
            except EncryptionUnavailableError as error:
                log.warning("no data key could be made: %s", error)
                return
            await add(key_id=key_id, wrapped=wrapped, wrapped_by=wrapped_by)
            rows = await current()
        await self._learn(tenant_id, rows)

    async def key_to_seal(self, tenant_id: str, fetch: Fetch) -> DataKey:
        """The key that encrypts now. Raises EncryptionUnavailableError."""
        current = self._current.get(tenant_id)
        if current is None:
            await self._learn(tenant_id, await fetch())
            current = self._current.get(tenant_id)
        key = self._keys.get((tenant_id, current or ""))
        if key is None:
            raise EncryptionUnavailableError(UNAVAILABLE)
        return key

    async def keys_to_open(self, tenant_id: str, wanted: set[str], fetch: Fetch) -> dict[str, DataKey]:
        """The keys of these names that can be used."""
        if any((tenant_id, key_id) not in self._keys for key_id in wanted):
            await self._learn(tenant_id, await fetch(), wanted)
        return {key_id: key for key_id in wanted if (key := self._keys.get((tenant_id, key_id))) is not None}

    async def _learn(self, tenant_id: str, rows: Sequence[Row], wanted: set[str] | None = None) -> None:
        for row in rows:
            identity = (tenant_id, row["key_id"])
            if wanted is not None and row["key_id"] not in wanted and row["retired_at"] is not None:
                continue
            if identity not in self._keys and identity not in self._failed:
                try:
                    key = await asyncio.to_thread(self.masters.unwrap, *identity, row["wrapped"], row["wrapped_by"])
                except EncryptionUnavailableError as error:
                    self._failed[identity] = True
                    log.warning("a data key cannot be used: %s", error)
                    continue
                self._keys[identity] = DataKey(row["key_id"], AESGCM(key))
            if row["retired_at"] is None and identity in self._keys:
                self._current[tenant_id] = row["key_id"]

    def needs_sealing(self, table: str, text: str) -> bool:
        """Whether a JSON text may hold what is to be encrypted."""
        return any(
            named == table and (not _is_plain(path[0]) or f'"{path[0]}"' in text) for named, path in self.fields.paths
        )

    def seal(self, key: DataKey, place: Place, value: Any) -> Any:
        """A value that was read, with what is to be encrypted encrypted."""
        sealing.seal_paths(key, place, self.fields.of_table(place.table), value)
        return value


def _is_plain(key: str) -> bool:
    """Whether every JSON text has a key as it is, and not escaped."""
    return key.isascii() and key.isprintable() and not {'"', "\\"} & set(key)


@dataclass
class Opening:
    """Rows being opened: counts what could not be."""

    unreadable: int = 0

    def text(self, keys: dict[str, DataKey] | None, place: Place, text: str) -> str:
        """A JSON text with its sealed values in clear; null for those that are not for the caller, or cannot be read.

        Without ``keys`` nothing is for the caller.
        """

        def change(path: Path, sealed: dict[str, Any]) -> Any:
            if keys is None:
                return None
            clear = sealing.unseal(keys, place, path, sealed)
            self.unreadable += clear is None
            return clear

        return sealing.write(sealing.map_sealed(sealing.read(text), change))

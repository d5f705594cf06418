"""Sealing: values within JSON texts encrypted and decrypted, each in its place.

A sealed value is an object: ``{"$enc": "v1", "key": "<data key>", "nonce": "<base64>", "data": "<base64>"}``. What is
encrypted is the value's JSON text; tenant, table, row and path are its associated data (AES-GCM, NIST SP 800-38D), so
that a value moved to another place does not open.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = '"$enc": "v1"'  # as PostgreSQL writes jsonb
RESERVED = '"$enc":'  # as json and orjson write it
KEY_IDS = re.compile(r'"key": "([0-9a-z]{4,32})", "\$enc": "v1"')  # jsonb orders keys by length
NONCE_BYTES = 12
DECODER = json.JSONDecoder(parse_float=orjson.Fragment, parse_int=orjson.Fragment)
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class DataKey:
    """A data key of a tenant, ready to use."""

    key_id: str
    cipher: AESGCM


@dataclass(frozen=True)
class Place:
    """The row whose JSON column values are in. Ids are written as rows have them."""

    tenant_id: str
    table: str
    row_id: str

    def bound(self, path: Path) -> bytes:
        """What binds a value to its place."""
        return orjson.dumps([self.tenant_id, self.table, self.row_id, *path])


def read(text: str) -> Any:
    """A JSON text, its numbers kept as they are written."""
    return DECODER.decode(text)


def write(value: Any) -> str:
    """The JSON text of what was read."""
    return orjson.dumps(value).decode()


def key_ids(text: str) -> set[str]:
    """The names of the data keys that sealed what is in a JSON text, as PostgreSQL writes it."""
    return set(KEY_IDS.findall(text))


def is_sealed(value: object) -> bool:
    """Whether a value is a sealed one."""
    return isinstance(value, dict) and "$enc" in value


def holds_sealed(value: object) -> bool:
    """Whether there is a sealed value in a value, or it is one."""
    match value:
        case dict():
            return "$enc" in value or any(map(holds_sealed, value.values()))
        case list():
            return any(map(holds_sealed, value))
    return False


def seal(key: DataKey, place: Place, path: Path, value: Any) -> dict[str, str]:
    """A value, sealed for its place with a random nonce."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    data = key.cipher.encrypt(nonce, orjson.dumps(value), place.bound(path))
    return {"$enc": "v1", "key": key.key_id, "nonce": b64encode(nonce).decode(), "data": b64encode(data).decode()}


def unseal(keys: Mapping[str, DataKey], place: Place, path: Path, sealed: dict[str, Any]) -> orjson.Fragment | None:
    """The JSON text of a sealed value; None where its key is not at hand, or it was sealed for another place."""
    key = keys.get(str(sealed.get("key")))
    if key is None or sealed["$enc"] != "v1":
        return None
    try:
        nonce, data = (b64decode(sealed[part], validate=True) for part in ("nonce", "data"))
        return orjson.Fragment(key.cipher.decrypt(nonce, data, place.bound(path)))
    except (InvalidTag, Base64Error, KeyError, TypeError, ValueError):
        return None


def seal_paths(key: DataKey, place: Place, paths: Iterable[tuple[str, ...]], value: Any) -> int:
    """Seals, within a value that was read, what is at the paths and not sealed yet. Returns how many values."""
    return sum(_seal_path(key, place, path, value, ()) for path in paths)


def _seal_path(key: DataKey, place: Place, path: tuple[str, ...], value: Any, at: Path) -> int:
    if isinstance(value, list):
        return sum(_seal_path(key, place, path, inner, (*at, index)) for index, inner in enumerate(value))
    if not isinstance(value, dict) or is_sealed(value) or value.get(path[0]) is None:
        return 0
    name, *below = path
    if below:
        return _seal_path(key, place, tuple(below), value[name], (*at, name))
    if is_sealed(value[name]):
        return 0
    value[name] = seal(key, place, (*at, name), value[name])
    return 1


def map_sealed(value: Any, change: Callable[[Path, dict[str, Any]], Any], at: Path = ()) -> Any:
    """A value that was read, with what ``change`` makes of each sealed value in it."""
    match value:
        case {"$enc": _}:
            return change(at, value)
        case dict():
            return {name: map_sealed(inner, change, (*at, name)) for name, inner in value.items()}
        case list():
            return [map_sealed(inner, change, (*at, index)) for index, inner in enumerate(value)]
    return value


def keep_sealed(stored: Any, given: Any) -> Any:
    """What is given, with the sealed values of what is stored where nothing is given in their place.

    Who cannot see a value reads null, and writes null back without meaning it.
    """
    if is_sealed(stored) or not holds_sealed(stored):
        return stored if given is None and is_sealed(stored) else given
    if isinstance(stored, dict) and (given is None or isinstance(given, dict)):
        kept = dict(given or {})
        for name, inner in stored.items():
            if holds_sealed(inner):
                kept[name] = keep_sealed(inner, kept.get(name))
        return kept
    if isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        return [keep_sealed(*pair) for pair in zip(stored, given, strict=True)]
    return stored if given is None else given

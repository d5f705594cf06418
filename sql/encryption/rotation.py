"""Rotation: new data keys, data keys wrapped anew, and values encrypted anew; as the database's owner."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import orjson
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import namedtuple_row

from sql.encryption import sealing
from sql.encryption.fields import COLUMNS, EncryptedFields
from sql.encryption.keyring import new_key_id
from sql.encryption.master import KEY_BYTES, MasterKeys
from sql.encryption.sealing import DataKey, Path, Place
from sql.owner import connected, no_tenant, statements

BATCH = 500
PLACES = ("manual_events", "archived_events", "vehicles", "audit_records", "stream_events")
BEFORE_ALL = (str(UUID(int=0)), datetime.datetime(1, 1, 2, tzinfo=datetime.UTC))
Progress: TypeAlias = Callable[[str, int, int], None]
_sql = partial(statements, "sql.encryption")


@dataclass(frozen=True)
class Rotated:
    """A tenant with a new key; ``retired`` is the one before it."""

    tenant: str
    key_id: str
    retired: str | None


@dataclass
class Renewed:
    """What was encrypted anew: rows, values in them, and values that no key at hand opens."""

    rows: int = 0
    values: int = 0
    unreadable: int = 0


def list_keys(owner_url: str, tenant: str | None) -> list[Any]:
    """The data keys of a tenant, or of all: tenant, key_id, wrapped_by, created_at, retired_at."""
    with connected(owner_url) as connection, connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(_sql()["keys"], {"tenant": tenant}).fetchall()


def rotate(owner_url: str, masters: MasterKeys, tenant: str | None) -> list[Rotated]:
    """Gives a tenant, or every one that has keys, a new data key; what the one before encrypted stays readable."""
    rotated = []
    with connected(owner_url) as connection:
        for tenant_id, name in _tenants(connection, tenant):
            retired = connection.execute(_sql()["retire_key"], {"tenant_id": tenant_id}).fetchone()
            key_id = new_key_id()
            wrapped = masters.wrap(tenant_id, key_id, AESGCM.generate_key(KEY_BYTES * 8))
            ids = {"tenant_id": tenant_id, "key_id": key_id}
            connection.execute(_sql()["add_key"], {**ids, "wrapped": wrapped, "wrapped_by": masters.current.name})
            rotated.append(Rotated(name, key_id, retired[0] if retired else None))
    return rotated


def rewrap(owner_url: str, masters: MasterKeys, tenant: str | None) -> int:
    """Wraps data keys that another master key wrapped with the current one; returns how many."""
    count = 0
    with connected(owner_url) as connection:
        for tenant_id, _ in _tenants(connection, tenant):
            for key_id, wrapped, wrapped_by, _ in connection.execute(
                _sql()["keys_of_tenant"], {"tenant_id": tenant_id}
            ).fetchall():
                if wrapped_by != masters.current.name:
                    key = masters.unwrap(tenant_id, key_id, wrapped, wrapped_by)
                    wrapped_anew = masters.wrap(tenant_id, key_id, key)
                    ids = {"tenant_id": tenant_id, "key_id": key_id, "wrapped_by": masters.current.name}
                    connection.execute(_sql()["rewrap_key"], {**ids, "wrapped": wrapped_anew})
                    count += 1
    return count


def reencrypt(
    owner_url: str, masters: MasterKeys, fields: EncryptedFields, tenant: str | None, progress: Progress
) -> Renewed:
    """Encrypts with the current keys what older ones encrypted, and what is in clear and should not be.

    In events, vehicles, and their copies in the audit trail and the event stream. Each batch is a transaction of its
    own; what is done is passed over the next time, so it may be stopped and begun again.
    """
    renewed = Renewed()
    with connected(owner_url, autocommit=True) as connection:
        for tenant_id, name in _tenants(connection, tenant):
            keys, current = _keys(connection, masters, tenant_id)
            if current is not None:
                renewal = _Renewal(connection, tenant_id, keys, current, fields, renewed)
                for place in PLACES:
                    renewal.run(place, partial(progress, f"{name}: {place}"))
    return renewed


class _Renewal:
    """The values of one tenant."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        tenant_id: str,
        keys: Mapping[str, DataKey],
        current: DataKey,
        fields: EncryptedFields,
        renewed: Renewed,
    ) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._keys = keys
        self._current = current
        self._fields = fields
        self._renewed = renewed
        own = {table: [_in_clear(path) for path in fields.of_table(table)] for table in COLUMNS}
        self._parameters = {
            "tenant_id": tenant_id,
            "key_id": current.key_id,
            "batch": BATCH,
            "event_paths": own["manual_events"],
            "vehicle_paths": own["vehicles"],
            "copy_paths": [
                _in_clear((column, *path)) for table, column in COLUMNS.items() for path in fields.of_table(table)
            ],
        }

    def run(self, place: str, progress: Callable[[int, int], None]) -> None:
        """Renews one place, batch by batch."""
        ((total,),) = self._connection.execute(_sql()[f"count_{place}"], self._parameters).fetchall()
        done, after = 0, BEFORE_ALL
        progress(done, total)
        while total:
            with self._connection.transaction(), self._connection.cursor(row_factory=namedtuple_row) as cursor:
                position = {"after_id": after[0], "after_moment": after[1]}
                rows: list[Any] = cursor.execute(_sql()[f"stale_{place}"], {**self._parameters, **position}).fetchall()
                for row in rows:
                    self._renew(place, row)
            if not rows:
                return
            after = (rows[-1].id, rows[-1].moment)
            done += len(rows)
            progress(done, max(done, total))

    def _renew(self, place: str, row: Any) -> None:
        before = self._renewed.values
        where = Place(self._tenant_id, row.table_name, row.row_id)
        texts = [
            None if text is None else sealing.write(self._text(where, sealing.read(text), whole_row=row.whole_rows))
            for text in row.texts
        ]
        if self._renewed.values > before:
            self._renewed.rows += 1
            ids = {"tenant_id": self._tenant_id, "id": row.id, "moment": row.moment}
            self._connection.execute(_sql()[f"renew_{place}"], {**ids, "texts": texts})

    def _text(self, where: Place, value: Any, *, whole_row: bool) -> Any:
        if not whole_row:
            return self._value(where, value)
        column = COLUMNS[where.table]
        return {name: self._value(where, inner) if name == column else inner for name, inner in value.items()}

    def _value(self, where: Place, value: Any) -> Any:
        def change(path: Path, sealed: dict[str, Any]) -> Any:
            if sealed.get("key") == self._current.key_id:
                return sealed
            clear = sealing.unseal(self._keys, where, path, sealed)
            if clear is None:
                self._renewed.unreadable += 1
                return sealed
            self._renewed.values += 1
            return sealing.seal(self._current, where, path, clear)

        value = sealing.map_sealed(value, change)
        self._renewed.values += sealing.seal_paths(self._current, where, self._fields.of_table(where.table), value)
        return value


def _tenants(connection: psycopg.Connection[Any], tenant: str | None) -> list[tuple[str, str]]:
    found = connection.execute(_sql()["tenants_with_keys"], {"tenant": tenant}).fetchall()
    if tenant is not None and not found:
        raise no_tenant(connection, tenant)
    return found


def _keys(
    connection: psycopg.Connection[Any], masters: MasterKeys, tenant_id: str
) -> tuple[dict[str, DataKey], DataKey | None]:
    """The data keys of a tenant, and the current one of them. Raises EncryptionUnavailableError."""
    keys: dict[str, DataKey] = {}
    current = None
    for key_id, wrapped, wrapped_by, retired_at in connection.execute(
        _sql()["keys_of_tenant"], {"tenant_id": tenant_id}
    ).fetchall():
        keys[key_id] = DataKey(key_id, AESGCM(masters.unwrap(tenant_id, key_id, wrapped, wrapped_by)))
        current = current if retired_at is not None else keys[key_id]
    return keys, current


def _in_clear(path: tuple[str, ...]) -> str:
    """The jsonpath of what is at a path and not encrypted."""
    names = "".join(f".{orjson.dumps(name).decode()}" for name in path)
    return f'${names} ? (@ != null && !exists(@."$enc"))'

"""The way of many rows into the tables: a piece of a file in each transaction, and each row at most once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

import psycopg

from sql.encryption import Keyring
from sql.encryption.tenant_seal import TenantSeal
from sql.errors import ImportFileError
from sql.imports.problem import quoted
from sql.imports.stage import statements
from sql.imports.tenant import Tenant, act_as_owner, enter_tenant, find_tenant, row_id
from sql.owner import connected

MOST_KNOWN = 50_000
Table = Literal["events", "vehicles"]
By = Literal["label", "vin", "id", "external_id"]
JSON_COLUMNS: dict[Table, tuple[str, int]] = {"events": ("manual_events", 4), "vehicles": ("vehicles", 9)}
"""The table that rows go into, and the position of their column with values to encrypt."""


@dataclass(frozen=True)
class Piece:
    """Rows that are ready to be added to a table; BulkTarget.piece makes them."""

    table: Table
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class RefusedRow:
    """A row that the database refuses: its place among those handed over, the constraint and the message."""

    position: int
    constraint: str
    message: str


@dataclass(frozen=True)
class Added:
    """What became of rows: how many are new, how many were there already, and which the database refuses."""

    new: int
    there: int
    refused: list[RefusedRow]


@dataclass(frozen=True)
class BulkTarget:
    """A tenant that rows go into, as the database's owner. With ``dry`` nothing is written.

    Has one connection to look with and one to write with: the next rows may be prepared while some are added.
    """

    tenant: Tenant
    dry: bool
    seal: TenantSeal | None
    _looking: psycopg.Connection[Any]
    _writing: psycopg.Connection[Any]
    _known: dict[str, dict[str, list[UUID]]] = field(default_factory=dict)
    _months: set[date] = field(default_factory=set)

    def id_of(self, *key: object) -> UUID:
        """The id of the row with this readable key: the same at every import into the tenant."""
        return row_id(self.tenant, *key)

    def ids_of(self, *key: object, hides: bool) -> tuple[UUID, UUID | None]:
        """The id of the row with this key, and another one that it may have from an import before.

        Guesses of what an id is made of could be tried on it. So where the key ``hides`` what is encrypted, the id is
        made with a secret of the tenant. The other one is that of the key when nothing, or something, was encrypted.
        """
        plain = self.id_of(*key)
        if self.seal is None:
            return plain, None
        keyed = self.id_of("keyed", self.seal.digest(" ".join(map(str, key))))
        return (keyed, plain) if hides else (plain, keyed)

    def vehicles(self, by: By, keys: Iterable[str]) -> dict[str, list[UUID]]:
        """The ids of the vehicles that each key names: none, one, or several that share a label."""
        return self._found(f"vehicles_by_{by}", keys)

    def groups(self, keys: Iterable[str]) -> dict[str, list[UUID]]:
        """The ids of the fleet groups that each key names, by id, code, path or name."""
        return self._found("groups_by_key", keys)

    def forget_vehicles(self) -> None:
        """Looks again for vehicles that were not there."""
        for name in [name for name in self._known if name.startswith("vehicles")]:
            del self._known[name]

    def piece(self, table: Table, rows: Sequence[Sequence[Any]]) -> Piece:
        """Rows, each with an id of its own in front, as they may be added: what is to be encrypted is.

        Raises SetupError where a key cannot be used.
        """
        if self.seal is None:
            return Piece(table, rows)
        self.seal.refresh(self._looking)
        name, text_at = JSON_COLUMNS[table]
        return Piece(table, list(self.seal.rows(name, rows, id_at=0, text_at=text_at)))

    def add(self, piece: Piece) -> Added:
        """Adds rows in one transaction; those that are there already stay.

        Where the database refuses a row, the others are added by halves, until it is alone.
        """
        rows = piece.rows
        if not rows:
            return Added(0, 0, [])
        try:
            new = self._add(piece.table, rows)
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
            if len(rows) == 1:
                told = error.diag.message_primary or str(error)
                return Added(0, 0, [RefusedRow(0, error.diag.constraint_name or "", told)])
            half = len(rows) // 2
            first, second = (self.add(Piece(piece.table, part)) for part in (rows[:half], rows[half:]))
            moved = [RefusedRow(r.position + half, r.constraint, r.message) for r in second.refused]
            return Added(first.new + second.new, first.there + second.there, first.refused + moved)
        return Added(new, len(rows) - new, [])

    def make_months(self, months: Iterable[date]) -> None:
        """Makes the partitions of months that have none yet, so that their events do not pile up in the default one."""
        if self.dry or not (missing := set(months) - self._months):
            return
        with self._writing.transaction():
            self._writing.execute(statements()["make_partitions"], {"months": sorted(missing)})
        self._months.update(missing)

    def _add(self, table: Table, rows: Sequence[Sequence[Any]]) -> int:
        parameters = {"tenant_id": self.tenant.id, "owner_id": self.tenant.owner_id}
        with self._writing.transaction():
            self._writing.execute(statements()["lock"])
            act_as_owner(self._writing, self.tenant)
            self._writing.execute(statements()[f"stage_bulk_{table}"])
            with self._writing.cursor() as cursor, cursor.copy(statements()[f"copy_bulk_{table}"]) as copy:
                for row in rows:
                    copy.write_row(row)
            if self.dry:
                counted = self._writing.execute(statements()[f"count_bulk_{table}"], parameters).fetchall()
                self._writing.execute(f"drop table incoming_{table}".encode())
                return int(counted[0][0])
            return self._writing.execute(statements()[f"add_bulk_{table}"], parameters).rowcount

    def _found(self, statement: str, keys: Iterable[str]) -> dict[str, list[UUID]]:
        known = self._known.setdefault(statement, {})
        asked = set(keys)
        if missing := asked - known.keys():
            if len(known) + len(missing) > MOST_KNOWN:
                known.clear()
                missing = asked
            known |= {key: [] for key in missing}
            parameters = {"tenant_id": self.tenant.id, "keys": sorted(missing)}
            for key, id_ in self._looking.execute(statements()[statement], parameters):
                known[key].append(id_)
        return known


@contextmanager
def bulk_target(owner_url: str, name: str, keyring: Keyring | None, *, make: bool, dry: bool) -> Iterator[BulkTarget]:
    """A tenant to import into, found by its name, or made together with its owner where that is to be done.

    What the ``keyring`` names is encrypted. Raises ImportFileError where there is no such tenant, SetupError where its
    keys cannot be used, and what sql.owner says of an address.
    """
    with connected(owner_url, autocommit=True) as looking, connected(owner_url, autocommit=True) as writing:
        with writing.transaction():
            tenant = enter_tenant(writing, name) if make and not dry else find_tenant(writing, name)
            if tenant is None and not make:
                raise ImportFileError([f"tenant {quoted(name)}: there is none; import its vehicles first"])
            tenant = tenant or Tenant(UUID(int=0), UUID(int=0))
            seal = TenantSeal.of(writing, keyring, tenant.id, dry=dry)
        yield BulkTarget(tenant, dry, seal, looking, writing)

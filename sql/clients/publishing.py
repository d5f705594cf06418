"""Documents of clients: published from a manifest, listed, retired, and what is known of their use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from sql.clients.registry import Registered, find
from sql.errors import ClientError
from sql.owner import connected, statements

_sql = partial(statements, "sql.clients")


@dataclass(frozen=True)
class Listed:
    """A document to publish: its id, its text, the text's SHA-256 and its operation's name."""

    document_id: str
    text: str
    sha256: str
    operation_name: str | None


@dataclass(frozen=True)
class Publication:
    """What publishing did, or would do: the version it made, None where nothing changed, and ids by what is new."""

    version: int | None
    added: tuple[str, ...]
    brought_back: tuple[str, ...]
    kept: tuple[str, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """A client's documents with their last use, and the unknown ones that it sent, newest first."""

    mode: str
    documents: list[Any]
    unknown: list[Any]


def publish(
    owner_url: str, name: str, manifest: Sequence[Listed], *, tenant: str | None, dry_run: bool = False
) -> Publication:
    """Publishes documents for a client, all or none, as its next version. The same again changes nothing.

    Documents of earlier manifests stay: older apps are still out there. Raises ClientError, also for an id that
    was published with another text before.
    """
    with connected(owner_url) as connection:
        client = find(connection, name, tenant)
        there = {document.document_id: document for document in _documents(connection, client)}
        changed = [d.document_id for d in manifest if d.document_id in there and there[d.document_id].text != d.text]
        if changed:
            raise ClientError(
                f"{len(changed)} id(s) were published with another text before; an id stands for one text for ever: "
                f"{', '.join(changed[:5])}\nGive the changed documents new ids; a hash of the text does that by itself."
            )
        (last,) = connection.execute(_sql()["last_version"], _ids(client)).fetchall()[0]
        added = tuple(d.document_id for d in manifest if d.document_id not in there)
        back = tuple(d.document_id for d in manifest if d.document_id in there and there[d.document_id].retired_at)
        listed = {d.document_id for d in manifest}
        current = {id_ for id_, d in there.items() if d.last_version == last and d.retired_at is None}
        absent = tuple(id_ for id_, d in there.items() if id_ not in listed and d.retired_at is None)
        kept = tuple(id_ for id_ in listed if id_ in there and id_ not in back)
        version = None if current == listed else last + 1
        if version is not None and not dry_run:
            _put(connection, client, manifest, version)
        return Publication(version, added, back, kept, absent)


def documents(owner_url: str, name: str, *, tenant: str | None) -> list[Any]:
    """The documents of a client by id, retired ones as well."""
    with connected(owner_url) as connection:
        return _documents(connection, find(connection, name, tenant))


def all_documents(owner_url: str) -> list[Any]:
    """Every document that is served: tenant, client, document_id and text."""
    with connected(owner_url) as connection, connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(_sql()["all_documents"]).fetchall()


def retire(owner_url: str, name: str, ids: Sequence[str], *, tenant: str | None) -> None:
    """Ends documents of a client; every process refuses them within seconds. Raises ClientError for unknown ids."""
    with connected(owner_url) as connection:
        client = find(connection, name, tenant)
        parameters = {**_ids(client), "ids": list(ids)}
        retired = {id_ for (id_,) in connection.execute(_sql()["retire_documents"], parameters)}
        if unknown := sorted(set(ids) - retired):
            raise ClientError(
                f"Nothing was retired: {name} has no such document, or not any more: {', '.join(unknown[:5])}\n"
                f"Those there are: motomind documents list --client {name}"
            )


def report(owner_url: str, name: str, *, tenant: str | None) -> Report:
    """What is known of the use of a client's documents."""
    with connected(owner_url) as connection:
        client = find(connection, name, tenant)
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            unknown = cursor.execute(_sql()["unknown_documents"], _ids(client)).fetchall()
        return Report(client.mode, _documents(connection, client), unknown)


def _documents(connection: psycopg.Connection[Any], client: Registered) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(_sql()["documents"], _ids(client)).fetchall()


def _put(connection: psycopg.Connection[Any], client: Registered, manifest: Sequence[Listed], version: int) -> None:
    ids = {**_ids(client), "version": version}
    connection.execute(_sql()["add_manifest"], {**ids, "document_count": len(manifest)})
    with connection.cursor() as cursor:
        cursor.executemany(
            _sql()["put_document"],
            [
                {
                    **ids,
                    "document_id": d.document_id,
                    "sha256": d.sha256,
                    "text": d.text,
                    "operation_name": d.operation_name,
                }
                for d in manifest
            ],
        )


def _ids(client: Registered) -> dict[str, Any]:
    return {"tenant_id": client.tenant_id, "client_id": client.id}

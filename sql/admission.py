"""Admission: what the gateway asks the database about people, clients and documents before it lets a caller in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from sql.database import Database
from sql.driver import Row
from sql.session import Caller


@dataclass(frozen=True)
class Client:
    """A program of a partner, bound to one tenant.

    ``mode`` says which documents it may send: ``open``, ``log``, ``safelist`` or ``id_only``. ``user_id`` is the
    member that it acts as.
    """

    tenant_id: UUID
    id: UUID
    name: str
    mode: str
    introspection: bool
    user_id: UUID

    @classmethod
    def of(cls, row: Row) -> Self:
        """The client of a row."""
        tenant_id, client_id, user_id = (UUID(row[key]) for key in ("tenant_id", "client_id", "user_id"))
        return cls(tenant_id, client_id, row["name"], row["mode"], row["introspection"], user_id)


class Admission:
    """The questions, each one round trip as the login role. All of them raise DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def client_of_key(self, digest: bytes) -> Client | None:
        """The client whose key has this SHA-256; None where the key, the client or its membership holds no more."""
        rows = await self._database.fetch("client_of_key", digest=digest)
        return Client.of(rows[0]) if rows else None

    async def client_of_token(self, tenant_id: UUID, user_id: UUID, token_client: str) -> Client | None:
        """The tenant's client that tokens call so, acting as a member; None for who is no member."""
        ids = {"tenant_id": str(tenant_id), "user_id": str(user_id)}
        rows = await self._database.fetch("client_of_token", **ids, token_client=token_client)
        return Client.of(rows[0]) if rows else None

    async def user_of_email(self, email: str) -> UUID | None:
        """The person with an email address, in whatever case it is written; None where there is none."""
        user_id = (await self._database.fetch("user_of_email", email=email))[0]["user_id"]
        return None if user_id is None else UUID(user_id)

    async def trusted_document(self, client: Client, document_id: str, sha256: str | None) -> tuple[str, str] | None:
        """Id and text of a document that is published for the client, by its id or by the SHA-256 of its text."""
        rows = await self._database.fetch(
            "trusted_document",
            tenant_id=str(client.tenant_id),
            client_id=str(client.id),
            document_id=document_id,
            sha256=sha256,
        )
        return (rows[0]["document_id"], rows[0]["text"]) if rows else None

    async def registered_document(self, caller: Caller, sha256: str) -> str | None:
        """The text that was registered in the caller's tenant under its SHA-256; None for who is no member."""
        ids = {"tenant_id": str(caller.tenant_id), "user_id": str(caller.user_id)}
        rows = await self._database.fetch("registered_document", **ids, sha256=sha256)
        return rows[0]["text"] if rows else None

    async def register_document(self, caller: Caller, sha256: str, text: str) -> None:
        """Registers a text in the caller's tenant; does nothing for who is no member."""
        ids = {"tenant_id": str(caller.tenant_id), "user_id": str(caller.user_id)}
        await self._database.fetch("register_document", **ids, sha256=sha256, text=text)

    async def record_documents(self, seen: dict[str, list[dict[str, Any]]]) -> None:
        """Keeps which documents were used and which unknown ones were sent."""
        await self._database.fetch("record_documents", seen=orjson.dumps(seen).decode())

    async def recent_documents(self, most: int) -> list[str]:
        """The texts that were used last, whoever's they are."""
        return [row["text"] for row in await self._database.fetch("recent_documents", most=most)]

"""Documents: which one a request means, and whether its client may send it. Every transport passes here.

Three ways to name one: its text; ``extensions.persistedQuery`` with the SHA-256 of a text that was registered before
(automatic persisted queries); ``documentId`` of one that was published for the client (trusted documents).
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from cachetools import TTLCache

from api.credentials import FRESH_SECONDS
from api.delay import Delay
from api.errors import BadRequestError, NotPermittedError
from api.request import GraphQLRequest
from api.settings import Settings
from sql.admission import Admission, Client
from sql.errors import DatabaseError
from sql.session import Caller

log = logging.getLogger("motomind")

SHA256 = re.compile(r"[0-9a-f]{64}")
PREFIX = "sha256:"
LONGEST_REGISTERED = 100_000  # characters
REMEMBERED = 10_000
MOST_UNKNOWN = 1000  # kept in memory between two records
NOT_FOUND_HEADERS = {"Cache-Control": "private, no-cache, must-revalidate"}


@dataclass(frozen=True)
class Named:
    """The document that a request means: its text, and its id where it was named by one.

    ``register`` says that the text is to be registered once it is known to be valid, ``trusted`` that it was published
    for the client.
    """

    text: str
    document_id: str | None = None
    register: bool = False
    trusted: bool = False

    @property
    def name(self) -> str:
        """What it is called where its use is counted: its id, else the SHA-256 of its text."""
        return self.document_id or PREFIX + hash_of(self.text)


class Documents:
    """Finds documents. What is said of one holds for two seconds, so a retired one stops everywhere by then."""

    def __init__(self, settings: Settings, admission: Admission) -> None:
        self._settings = settings
        self._admission = admission
        self._trusted: TTLCache[tuple[UUID, str], tuple[str, str] | None]
        self._trusted = TTLCache(REMEMBERED, FRESH_SECONDS, time.monotonic)
        self._registered: TTLCache[tuple[UUID, UUID, str], str]
        self._registered = TTLCache(REMEMBERED, 60 * FRESH_SECONDS, time.monotonic)
        self._used: set[tuple[UUID, UUID, str]] = set()
        self._used_registered: set[tuple[UUID, str]] = set()
        self._unknown: Counter[tuple[UUID, UUID, str]] = Counter()
        self._delay = Delay(self._record)

    async def find(self, asked: GraphQLRequest, caller: Caller, client: Client | None) -> Named:
        """The document that a request means. Raises BadRequestError and NotPermittedError with what is wrong."""
        mode = self._settings.document_mode if client is None else client.mode
        if asked.query is not None and asked.sha256 is not None and hash_of(asked.query) != asked.sha256:
            raise BadRequestError("PERSISTED_QUERY_HASH_MISMATCH", "sha256Hash is not the SHA-256 of the query.")
        published = await self._published(asked, client, mode)
        if client is not None and published is not None and (mode != "id_only" or asked.query is None):
            self._used.add((client.tenant_id, client.id, published[0]))
            self._delay.soon()
            return Named(published[1], published[0], trusted=True)
        if mode in {"safelist", "id_only"} or asked.document_id is not None:
            if published is None and asked.query is not None:
                self._saw_unknown(client, asked.query)
            raise _refusal(mode, asked)
        if asked.query is not None:
            text, register = asked.query, asked.sha256 is not None and self._is_to_register(caller, asked)
            named = Named(text, register=register)
        else:
            named = await self._registered_document(caller, asked.sha256 or "")
        if mode == "log":
            self._saw_unknown(client, named.text)
        return named

    async def register(self, caller: Caller, named: Named) -> None:
        """Registers a text that turned out to be valid, for everybody in the caller's tenant."""
        hash_ = hash_of(named.text)
        with suppress(DatabaseError):  # the client will be asked for the text again
            await self._admission.register_document(caller, hash_, named.text)
            self._registered[caller.tenant_id, caller.user_id, hash_] = named.text

    async def recent(self) -> list[str]:
        """The texts that were used last, as many as a process keeps ready."""
        return (await self._admission.recent_documents(self._settings.cached_documents))[::-1]

    async def close(self) -> None:
        """Keeps what was seen and not kept yet."""
        await self._delay.close()

    async def _published(self, asked: GraphQLRequest, client: Client | None, mode: str) -> tuple[str, str] | None:
        """Id and text of the document in the client's list: by id, or by text where that makes a difference."""
        if client is None:
            return None
        if asked.document_id is not None:
            id_ = asked.document_id
            hash_ = id_.removeprefix(PREFIX) if SHA256.fullmatch(id_.removeprefix(PREFIX)) else None
        elif asked.sha256 is not None:
            id_ = hash_ = asked.sha256
        elif asked.query is not None and mode != "open":
            id_ = hash_ = hash_of(asked.query)
        else:
            return None
        if "\0" in id_:  # PostgreSQL's text cannot hold it
            return None
        key = (client.id, id_)
        try:
            return self._trusted[key]
        except KeyError:
            found = self._trusted[key] = await self._admission.trusted_document(client, id_, hash_)
            return found

    def _is_to_register(self, caller: Caller, asked: GraphQLRequest) -> bool:
        if not self._settings.automatic_persisted_queries:
            raise _not_supported()
        text = asked.query or ""
        known = (caller.tenant_id, caller.user_id, asked.sha256) in self._registered
        return not known and len(text) <= LONGEST_REGISTERED and "\0" not in text

    async def _registered_document(self, caller: Caller, hash_: str) -> Named:
        if not self._settings.automatic_persisted_queries:
            raise _not_supported()
        # By person, so that only who was a member a moment ago is told that a tenant knows a document.
        key = (caller.tenant_id, caller.user_id, hash_)
        text = self._registered.get(key)
        if text is None:
            text = await self._admission.registered_document(caller, hash_) if SHA256.fullmatch(hash_) else None
            if text is None:
                raise BadRequestError(
                    "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound", status=200, headers=NOT_FOUND_HEADERS
                )
            self._registered[key] = text
        self._used_registered.add((caller.tenant_id, hash_))
        self._delay.soon()
        return Named(text, PREFIX + hash_)

    def _saw_unknown(self, client: Client | None, text: str) -> None:
        if client is None or len(self._unknown) >= MOST_UNKNOWN or len(text) > LONGEST_REGISTERED:
            return
        self._unknown[client.tenant_id, client.id, text.replace("\0", "\N{REPLACEMENT CHARACTER}")] += 1
        self._delay.soon()

    async def _record(self) -> None:
        used, self._used = self._used, set()
        registered, self._used_registered = self._used_registered, set()
        unknown, self._unknown = self._unknown, Counter()
        if not (used or registered or unknown):
            return
        try:
            await self._admission.record_documents(
                {
                    "trusted": [{"tenant_id": t, "client_id": c, "document_id": d} for t, c, d in used],
                    "registered": [{"tenant_id": t, "sha256": h} for t, h in registered],
                    "unknown": [
                        {"tenant_id": t, "client_id": c, "sha256": hash_of(text), "text": text, "seen": seen}
                        for (t, c, text), seen in unknown.items()
                    ],
                }
            )
        except DatabaseError as error:
            log.warning("what documents were used in the last second is not kept: %s", error)


def hash_of(text: str) -> str:
    """The SHA-256 of a document's text, as 64 hexadecimal digits."""
    return sha256(text.encode(errors="replace")).hexdigest()


def _not_supported() -> BadRequestError:
    """What clients take as advice to send texts from then on; 200 as their libraries expect it."""
    return BadRequestError(
        "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported", status=200, headers=NOT_FOUND_HEADERS
    )


def _refusal(mode: str, asked: GraphQLRequest) -> BadRequestError | NotPermittedError:
    """Why a document that is not published, or a text where ids alone are taken, is refused."""
    if asked.query is None:
        return BadRequestError(
            "PERSISTED_QUERY_NOT_IN_LIST", "No document with this id is published for this client.", status=404
        )
    if mode == "id_only":
        return NotPermittedError(
            "PERSISTED_QUERY_ID_REQUIRED", "Send the id of a document that is published for this client."
        )
    return NotPermittedError("QUERY_NOT_IN_SAFELIST", "The document is not published for this client.")

"""Partners: clients of every mode with their keys, documents of every standing, and every way to name one."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import orjson

from api.credentials import digest_of, hint_of, new_key
from api.documents import hash_of
from sql import clients
from sql.clients import Listed
from sql.embedded import Addresses
from tests.api.conftest import GRAPHQL_JSON

TENANT = "Fleet 1"
MODES = ("open", "log", "safelist", "id_only")
PUBLISHED = "query Published { tenant { name } }"
CUSTOM = "query Custom { tenant { name kind } }"
RETIRED = "query Retired { tenant { id name } }"
FOREIGN = "query Foreign { tenant { kind name } }"
REGISTERED = "query Registered { tenant { name id } }"
UNKNOWN = "query Unknown { tenant { kind } }"
NEW = "query New { tenant { kind id } }"
EDITED = PUBLISHED.replace("name", "id name")
NUMBERS = count(1)

IN_LIST, NOT_FOUND = "PERSISTED_QUERY_NOT_IN_LIST", "PERSISTED_QUERY_NOT_FOUND"
SAFELIST, BY_ID = "QUERY_NOT_IN_SAFELIST", "PERSISTED_QUERY_ID_REQUIRED"
MISMATCH, BOTH = "PERSISTED_QUERY_HASH_MISMATCH", "CANNOT_SEND_PQ_ID_AND_BODY"
OK = "ok"


def persisted(text: str) -> dict[str, Any]:
    """The extension that names a text by its SHA-256."""
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}


def sha256(text: str) -> str:
    """The id of a text that is its SHA-256."""
    return f"sha256:{hash_of(text)}"


# Each way to name a document: what is sent, and what comes of it in each mode, in the order of MODES.
WAYS: dict[str, tuple[dict[str, Any], tuple[str, str, str, str]]] = {
    "text, published": ({"query": PUBLISHED}, (OK, OK, OK, BY_ID)),
    "text, published under an id": ({"query": CUSTOM}, (OK, OK, OK, BY_ID)),
    "text, retired": ({"query": RETIRED}, (OK, OK, SAFELIST, BY_ID)),
    "text, of another client": ({"query": FOREIGN}, (OK, OK, SAFELIST, BY_ID)),
    "text, registered": ({"query": REGISTERED}, (OK, OK, SAFELIST, BY_ID)),
    "text, unknown": ({"query": UNKNOWN}, (OK, OK, SAFELIST, BY_ID)),
    "text, edited": ({"query": PUBLISHED + " "}, (OK, OK, SAFELIST, BY_ID)),
    "id, published": ({"documentId": sha256(PUBLISHED)}, (OK, OK, OK, OK)),
    "id, without sha256:": ({"documentId": hash_of(PUBLISHED)}, (OK, OK, OK, OK)),
    "id, of one's own": ({"documentId": "custom-1"}, (OK, OK, OK, OK)),
    "id, the hash of a text with another id": ({"documentId": sha256(CUSTOM)}, (OK, OK, OK, OK)),
    "id, retired": ({"documentId": sha256(RETIRED)}, (IN_LIST,) * 4),
    "id, of another client": ({"documentId": sha256(FOREIGN)}, (IN_LIST,) * 4),
    "id, of one's own, of another client": ({"documentId": "foreign-1"}, (IN_LIST,) * 4),
    "id, registered": ({"documentId": sha256(REGISTERED)}, (IN_LIST,) * 4),
    "id, unknown": ({"documentId": sha256(UNKNOWN)}, (IN_LIST,) * 4),
    "id, with NUL": ({"documentId": "custom-1\0"}, (IN_LIST,) * 4),
    "id, empty": ({"documentId": ""}, (IN_LIST,) * 4),
    "hash, published": ({"extensions": persisted(PUBLISHED)}, (OK, OK, OK, OK)),
    "hash, registered": ({"extensions": persisted(REGISTERED)}, (OK, OK, IN_LIST, IN_LIST)),
    "hash, retired": ({"extensions": persisted(RETIRED)}, (NOT_FOUND, NOT_FOUND, IN_LIST, IN_LIST)),
    "hash, of another client": ({"extensions": persisted(FOREIGN)}, (NOT_FOUND, NOT_FOUND, IN_LIST, IN_LIST)),
    "hash, unknown": ({"extensions": persisted(UNKNOWN)}, (NOT_FOUND, NOT_FOUND, IN_LIST, IN_LIST)),
    "text and hash, published": ({"query": PUBLISHED, "extensions": persisted(PUBLISHED)}, (OK, OK, OK, BY_ID)),
    "text and hash, unknown": ({"query": NEW, "extensions": persisted(NEW)}, (OK, OK, SAFELIST, BY_ID)),
    "edited text and the old hash": ({"query": EDITED, "extensions": persisted(PUBLISHED)}, (MISMATCH,) * 4),
    "text and id": ({"query": PUBLISHED, "documentId": sha256(PUBLISHED)}, (BOTH,) * 4),
    "hash and id": ({"extensions": persisted(PUBLISHED), "documentId": "custom-1"}, (BOTH,) * 4),
}


def expected(mode: str) -> dict[str, str]:
    """What comes of each way in a mode."""
    return {way: outcomes[MODES.index(mode)] for way, (_, outcomes) in WAYS.items()}


def outcome(body: Any) -> str:
    """What came of an operation: data, or one error with a code and no data."""
    if "errors" not in body:
        assert body["data"]["tenant"]
        return OK
    assert set(body) == {"errors"}, body
    (error,) = body["errors"]
    return str(error["extensions"]["code"])


@dataclass(frozen=True)
class Partner:
    """A client and its newest key."""

    name: str
    key: str
    addresses: Addresses

    @property
    def headers(self) -> dict[str, str]:
        """What it sends along."""
        return {"Authorization": f"Bearer {self.key}", "Accept": GRAPHQL_JSON}

    async def post(self, http: httpx.AsyncClient, **body: Any) -> httpx.Response:
        """A request by POST."""
        return await http.post("/graphql", json=body, headers=self.headers)

    async def get(self, http: httpx.AsyncClient, headers: dict[str, str] | None = None, **given: Any) -> httpx.Response:
        """The same by GET."""
        parameters = {k: v if isinstance(v, str) else orjson.dumps(v).decode() for k, v in given.items()}
        return await http.get("/graphql", params=parameters, headers={**self.headers, **(headers or {})})

    def publish(self, documents: dict[str, str]) -> None:
        """Publishes documents, texts by id."""
        listed = [Listed(id_, text, hash_of(text), None) for id_, text in documents.items()]
        clients.publish(self.addresses.owner, self.name, listed, tenant=None)

    def retire(self, *ids: str) -> None:
        """Retires documents."""
        clients.retire(self.addresses.owner, self.name, ids, tenant=None)

    def rotate(self, grace: datetime.timedelta) -> Partner:
        """The same client with a new key."""
        key = new_key()
        clients.rotate(self.addresses.owner, self.name, tenant=None, grace=grace, key=(digest_of(key), hint_of(key)))
        return Partner(self.name, key, self.addresses)

    def revoke(self) -> None:
        """Ends the client."""
        clients.revoke(self.addresses.owner, self.name, tenant=None)


@dataclass
class Partners:
    """The clients of a database."""

    addresses: Addresses
    by_mode: dict[str, Partner] = field(default_factory=dict)

    def make(
        self,
        mode: str = "open",
        *,
        tenant: str = TENANT,
        role: str = "manager",
        grants: tuple[tuple[str, str], ...] = (),
    ) -> Partner:
        """A new client."""
        name, key = f"partner-{next(NUMBERS)}", new_key()
        clients.create(
            self.addresses.owner,
            name,
            tenant=tenant,
            mode=mode,
            role=role,
            grants=grants,
            introspection=False,
            token_client=None,
            key=(digest_of(key), hint_of(key)),
        )
        return Partner(name, key, self.addresses)


def prepared(addresses: Addresses) -> Partners:
    """A client of each mode, with documents that are published and retired; another has documents of its own."""
    partners = Partners(addresses)
    for mode in MODES:
        partner = partners.by_mode[mode] = partners.make(mode)
        partner.publish({sha256(PUBLISHED): PUBLISHED, "custom-1": CUSTOM, sha256(RETIRED): RETIRED})
        partner.retire(sha256(RETIRED))
    partners.make().publish({sha256(FOREIGN): FOREIGN, "foreign-1": FOREIGN})
    return partners

"""The tenant that a file is imported into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4, uuid5

import psycopg

from sql.errors import ImportFileError
from sql.imports.problem import is_storable, quoted
from sql.imports.stage import statements
from sql.owner import connected

LONGEST_NAME = 200
PLAIN_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
NOT_IN_EMAIL = re.compile(r"[^a-z0-9]+")
LONGEST_WORDS = 40
DIGEST_LENGTH = 12


@dataclass(frozen=True)
class Tenant:
    """The tenant and its owner; with the owner's email where the import made them."""

    id: UUID
    owner_id: UUID
    owner_email: str | None = None


@contextmanager
def import_transaction(owner_url: str, name: str) -> Iterator[tuple[psycopg.Connection[Any], Tenant]]:
    """One transaction as the database's owner, acting for the tenant's owner; imports wait for each other.

    The tenant is found by its name, whatever its case, or made together with its owner, who is nobody else yet.
    Raises ImportFileError for a name that no tenant can have or be made with, and what sql.owner says of an address.
    """
    with connected(owner_url) as connection:
        yield connection, enter_tenant(connection, name)


def enter_tenant(connection: psycopg.Connection[Any], name: str) -> Tenant:
    """The tenant of a name, found or made; the transaction acts for its owner from here on, and others wait."""
    tenant = find_tenant(connection, name)
    if tenant is None:
        return _create(connection, name.strip())
    act_as_owner(connection, tenant)
    return tenant


def find_tenant(connection: psycopg.Connection[Any], name: str) -> Tenant | None:
    """The tenant of a name, if there is one. Raises ImportFileError for a name that no tenant can have."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not is_storable(name):
        raise ImportFileError([f"tenant {quoted(name)}: a name has 1 to {LONGEST_NAME} characters"])
    connection.execute(statements()["lock"])
    found = connection.execute(statements()["find_tenant"], {"name": name}).fetchone()
    if found is None:
        return None
    if found[1] is None:
        raise ImportFileError([f"tenant {quoted(name)}: it has no owner who could be named as the importer"])
    return Tenant(found[0], found[1])


def row_id(tenant: Tenant, *key: object) -> UUID:
    """The id of the row with this readable key: the same at every import into the tenant."""
    return uuid5(tenant.id, " ".join(map(str, key)))


def owner_email(name: str) -> str:
    """The email of the owner of a tenant that an import makes; another one for each name, whatever its case.

    ``owner@NAME.example`` for a plain name; otherwise what is plain in the name, and a digest of the whole of it.
    """
    if PLAIN_NAME.fullmatch(name):
        return f"owner@{name.lower()}.example"
    words = NOT_IN_EMAIL.sub("-", name.lower())[:LONGEST_WORDS].strip("-") or "tenant"
    return f"owner@{words}.{sha256(name.lower().encode()).hexdigest()[:DIGEST_LENGTH]}.example"


def _create(connection: psycopg.Connection[Any], name: str) -> Tenant:
    """Makes the tenant. The person comes first, so that the audit trail can name them from the first row on."""
    email = owner_email(name)
    person = {"email": email, "name": f"Owner of {name}"[:LONGEST_NAME]}
    added = connection.execute(statements()["add_user"], person).fetchone()
    if added is None:
        raise ImportFileError(
            [f"tenant {quoted(name)}: its owner would be {email}, who is somebody already; choose another name"]
        )
    (owner_id,) = added
    tenant = Tenant(uuid4(), owner_id, email)
    act_as_owner(connection, tenant)
    connection.execute(statements()["add_tenant"], {"tenant_id": tenant.id, "name": name})
    connection.execute(statements()["add_owner"], {"tenant_id": tenant.id, "owner_id": owner_id})
    return tenant


def act_as_owner(connection: psycopg.Connection[Any], tenant: Tenant) -> None:
    """Lets the rest of the transaction act for the tenant's owner, as the audit trail will tell."""
    connection.execute(statements()["act_as_owner"], {"tenant_id": tenant.id, "owner_id": tenant.owner_id})

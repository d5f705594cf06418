"""The tenant that a file is imported into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

import psycopg

from sql.errors import ImportFileError
from sql.imports.problem import is_storable, quoted
from sql.imports.stage import statements
from sql.owner import connected

LONGEST_NAME = 200
NOT_IN_EMAIL = re.compile(r"[^a-z0-9-]")


@dataclass(frozen=True)
class Tenant:
    """The tenant, its owner, and whether the import made them."""

    id: UUID
    owner_id: UUID
    created: bool


@contextmanager
def import_transaction(owner_url: str, name: str) -> Iterator[tuple[psycopg.Connection[Any], Tenant]]:
    """One transaction as the database's owner, acting for the tenant's owner; imports wait for each other.

    The tenant is found by its name, whatever its case, or made together with its owner ``owner@NAME.example``.
    Raises ImportFileError for a name that no tenant can have, and what sql.owner says of an address.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not is_storable(name):
        raise ImportFileError([f"tenant {quoted(name)}: a name has 1 to {LONGEST_NAME} characters"])
    with connected(owner_url) as connection:
        connection.execute(statements()["lock"])
        found = connection.execute(statements()["find_tenant"], {"name": name}).fetchone()
        if found is None:
            tenant = _create(connection, name)
        elif found[1] is None:
            raise ImportFileError([f"tenant {quoted(name)}: it has no owner who could be named as the importer"])
        else:
            tenant = Tenant(found[0], found[1], created=False)
            _act_as_owner(connection, tenant)
        yield connection, tenant


def row_id(tenant: Tenant, *key: object) -> UUID:
    """The id of the row with this readable key: the same at every import into the tenant."""
    return uuid5(tenant.id, " ".join(map(str, key)))


def owner_email(name: str) -> str:
    """The email of the owner of a tenant that an import makes. Raises ImportFileError where the name leaves nothing."""
    domain = NOT_IN_EMAIL.sub("", name.lower()).strip("-")
    if not domain:
        raise ImportFileError(
            [f"tenant {quoted(name)}: a new tenant needs letters a to z or digits in its name, for its owner's email"]
        )
    return f"owner@{domain}.example"


def _create(connection: psycopg.Connection[Any], name: str) -> Tenant:
    """Makes the tenant. The person comes first, so that the audit trail can name them from the first row on."""
    person = {"email": owner_email(name), "name": f"Owner of {name}"[:LONGEST_NAME]}
    connection.execute(statements()["add_user"], person)
    (owner_id,) = connection.execute(statements()["find_user"], person).fetchall()[0]
    tenant = Tenant(uuid4(), owner_id, created=True)
    _act_as_owner(connection, tenant)
    connection.execute(statements()["add_tenant"], {"tenant_id": tenant.id, "name": name})
    connection.execute(statements()["add_owner"], {"tenant_id": tenant.id, "owner_id": owner_id})
    return tenant


def _act_as_owner(connection: psycopg.Connection[Any], tenant: Tenant) -> None:
    connection.execute(statements()["act_as_owner"], {"tenant_id": tenant.id, "owner_id": tenant.owner_id})

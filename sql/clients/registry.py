"""Clients and their keys: made, listed, given new keys, revoked."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import namedtuple_row

from sql.errors import ClientError
from sql.owner import connected, no_tenant, statements

LONGEST_TOKEN_CLIENT = 200
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_sql = partial(statements, "sql.clients")


@dataclass(frozen=True)
class Registered:
    """A client as the registry has it."""

    tenant_id: UUID
    id: UUID
    name: str
    mode: str
    introspection: bool
    user_id: UUID


def create(
    owner_url: str,
    name: str,
    *,
    tenant: str,
    mode: str,
    role: str,
    grants: Sequence[tuple[str, str]],
    introspection: bool,
    token_client: str | None,
    key: tuple[bytes, str],
) -> None:
    """Makes a client with a member of its own, what is granted to it, and its first key, as digest and hint.

    A grant is a group's path of names, like ``North America/US West``, and a level. Raises ClientError.
    """
    if not NAME.fullmatch(name):
        raise ClientError(f"{name!r} is no name for a client: 1 to 63 of a-z, 0-9, '.', '_' and '-'.")
    if token_client is not None and not (1 <= len(token_client) <= LONGEST_TOKEN_CLIENT and token_client.isprintable()):
        raise ClientError(f"What tokens call a client has 1 to {LONGEST_TOKEN_CLIENT} characters.")
    with connected(owner_url) as connection:
        tenant_id = find_tenant(connection, tenant)
        if (there := _find(connection, tenant_id, name)) is not None:
            advice = (
                f"For a new key: motomind clients rotate {name}"
                if there[1] is None
                else "It is revoked, and its name stays in the record: choose another."
            )
            raise ClientError(f"There is a client {name} already. {advice}")
        user_id = uuid4()
        email = f"{name}@{user_id.hex[:12]}.clients.invalid"
        connection.execute(_sql()["add_user"], {"user_id": user_id, "email": email, "name": f"Client {name}"})
        connection.execute(_sql()["add_membership"], {"tenant_id": tenant_id, "user_id": user_id, "role": role})
        _grant(connection, tenant_id, user_id, grants)
        try:
            ((client_id,),) = connection.execute(
                _sql()["add_client"],
                {
                    "tenant_id": tenant_id,
                    "name": name,
                    "mode": mode,
                    "introspection": introspection,
                    "user_id": user_id,
                    "token_client": token_client,
                },
            ).fetchall()
        except psycopg.errors.UniqueViolation:
            raise ClientError(f"Another client of {tenant} is {token_client!r} in tokens already.") from None
        _add_key(connection, tenant_id, client_id, key)


def clients(owner_url: str, tenant: str | None) -> list[Any]:
    """The clients of a tenant, or of all: tenant, name, mode, role, state, and how many keys and documents."""
    with connected(owner_url) as connection, connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(_sql()["clients"], {"tenant": tenant}).fetchall()


def rotate(owner_url: str, name: str, *, tenant: str | None, grace: datetime.timedelta, key: tuple[bytes, str]) -> None:
    """Gives a client a new key; the ones before hold on for a time of ``grace``."""
    with connected(owner_url) as connection:
        client = find(connection, name, tenant)
        ids = {"tenant_id": client.tenant_id, "client_id": client.id}
        connection.execute(_sql()["expire_keys"], {**ids, "grace": grace})
        _add_key(connection, client.tenant_id, client.id, key)


def revoke(owner_url: str, name: str, *, tenant: str | None) -> None:
    """Ends a client for good: its keys hold no more, and its member leaves the tenant."""
    with connected(owner_url) as connection:
        client = find(connection, name, tenant)
        connection.execute(_sql()["revoke_client"], {"tenant_id": client.tenant_id, "client_id": client.id})
        connection.execute(_sql()["leave"], {"tenant_id": client.tenant_id, "user_id": client.user_id})


def find_tenant(connection: psycopg.Connection[Any], name: str) -> UUID:
    """The id of the tenant of a name; the transaction acts in it from here on. Raises SetupError."""
    row = connection.execute(_sql()["tenant"], {"tenant": name}).fetchone()
    if row is None:
        raise no_tenant(connection, name)
    tenant_id: UUID = row[0]
    connection.execute(_sql()["act_for"], {"tenant_id": str(tenant_id)})
    return tenant_id


def find(connection: psycopg.Connection[Any], name: str, tenant: str | None) -> Registered:
    """The client of a name, not revoked; the tenant may be left out where only one has it. Raises ClientError."""
    if tenant is None:
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            there: list[Any] = cursor.execute(_sql()["clients"], {"tenant": None}).fetchall()
        tenants = [client.tenant for client in there if client.name == name]
        if not tenants:
            names = ", ".join(sorted({client.name for client in there})) or "none yet"
            raise ClientError(f"There is no client {name}. Clients: {names}.")
        if len(tenants) > 1:
            raise ClientError(f"Several tenants have a client {name}: say which with --tenant. {', '.join(tenants)}")
        (tenant,) = tenants
    found = _find(connection, find_tenant(connection, tenant), name)
    if found is None:
        raise ClientError(f"{tenant} has no client {name}. Those there are: motomind clients list --tenant '{tenant}'")
    client, revoked_at = found
    if revoked_at is not None:
        raise ClientError(
            f"The client {name} was revoked on {revoked_at:%Y-%m-%d}. Make another one with another name."
        )
    return client


def _find(
    connection: psycopg.Connection[Any], tenant_id: UUID, name: str
) -> tuple[Registered, datetime.datetime | None] | None:
    row = connection.execute(_sql()["client"], {"tenant_id": tenant_id, "name": name}).fetchone()
    return None if row is None else (Registered(tenant_id, *row[:-1]), row[-1])


def _grant(
    connection: psycopg.Connection[Any], tenant_id: UUID, user_id: UUID, grants: Sequence[tuple[str, str]]
) -> None:
    """Grants what is asked for; of two levels for one group the stronger."""
    levels: dict[UUID, str] = {}
    for path, level in grants:
        names = [name.strip() for name in path.split("/")]
        found = connection.execute(_sql()["group_path"], {"tenant_id": tenant_id, "names": names}).fetchall()
        if len(found) != 1:
            problem = "is no group" if not found else "are several groups: begin further up"
            raise ClientError(f"{path!r} {problem}. A group is named by its path, like 'North America/US West'.")
        levels[found[0][0]] = "write" if "write" in {level, levels.get(found[0][0])} else level
    for group_id, level in levels.items():
        connection.execute(
            _sql()["add_grant"],
            {"tenant_id": tenant_id, "user_id": user_id, "fleet_group_id": group_id, "permission_level": level},
        )


def _add_key(connection: psycopg.Connection[Any], tenant_id: UUID, client_id: UUID, key: tuple[bytes, str]) -> None:
    digest, hint = key
    connection.execute(
        _sql()["add_key"], {"tenant_id": tenant_id, "client_id": client_id, "digest": digest, "hint": hint}
    )

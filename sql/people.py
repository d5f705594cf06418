"""People by the names that a person types; as the database's owner, for the command line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from sql.database import refused, unreachable
from sql.driver import BROKEN
from sql.errors import NotAMemberError, SetupError
from sql.owner import NO_SCHEMA, not_the_owner
from sql.statements import load


@dataclass(frozen=True)
class Member:
    """A person, and the tenant to act in: None where the person belongs to several and none was named."""

    user_id: UUID
    tenant_id: UUID | None


async def member(owner_url: str, email: str, tenant: str | None) -> Member:
    """The person with an email address, in the tenant of a name or in their only one.

    Raises NotAMemberError, with who and what there is, where that names nobody; SetupError for a role that may not ask.
    """
    try:
        connection = await asyncpg.connect(owner_url)
    except (*BROKEN, ValueError) as error:
        raise unreachable(error) from error
    except asyncpg.PostgresError as error:
        raise refused(error) from error
    try:
        person = await connection.fetchrow(load()["user_by_email"].render(frozenset())[0], email)
        tenants = await connection.fetch(load()["tenants_of_email"].render(frozenset())[0], email)
        some = await connection.fetch(load()["some_addresses"].render(frozenset())[0])
    except asyncpg.UndefinedTableError as error:
        raise SetupError(NO_SCHEMA) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise await asyncio.to_thread(not_the_owner, owner_url, error) from error
    finally:
        await connection.close()
    if person is None:
        there = ", ".join(row["email"] for row in some) or "nobody yet; motomind demo brings some"
        raise NotAMemberError(f"Nobody has the address {email}. Among those there are: {there}.")
    if tenant is None:
        return Member(person["id"], tenants[0]["id"] if len(tenants) == 1 else None)
    for row in tenants:
        if row["name"].lower() == tenant.lower():
            return Member(person["id"], row["id"])
    names = ", ".join(row["name"] for row in tenants) or "no tenant"
    raise NotAMemberError(f"{email} is no member of {tenant}, but of {names}.")

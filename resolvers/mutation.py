"""Mutations: one change each, undone as a whole where it is refused, written once however often it is sent.

An operation is one transaction, and each of its mutations a savepoint in it: one that is refused leaves nothing, and
those beside it stand. The answer is sent after the commit.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any, TypeVar
from uuid import uuid4

import strawberry

from resolvers.context import Info
from resolvers.errors import InvalidArgumentError, InvalidIdError
from resolvers.limits.weights import Cost, ListSize
from resolvers.loading import Batch
from resolvers.scalars import json_of, text_of, uuid_of
from sql.driver import Row
from sql.encryption import RESERVED
from sql.errors import ViolationError
from sql.session import Session

Payload = TypeVar("Payload")
LONGEST_KEY = 255
KEY = "Sent again with the same key, the change is written once and answered the same, for two days."
EXPECTED = "Refused as VERSION_CONFLICT where the version is another."
WEIGHT = "10"
"""What a change costs, in points: a transaction's worth of statements, triggers and a commit."""


@strawberry.type(description="A mistake of the caller's, told as data.", directives=[Cost(weight="0")])
class UserError:
    """A mistake in an input."""

    code: str = strawberry.field(description="Stable; docs/writing.md lists them.")
    message: str = strawberry.field(description="What is wrong, for a person.")
    field: list[str] | None = strawberry.field(
        default=None, description="Where in the input.", directives=[ListSize(assumed_size=2)]
    )


class Mistake(Exception):  # noqa: N818 - of the caller's: it is told as data and raised nowhere else
    """A change that is refused, with a stable code; ``field`` is the path into the input."""

    def __init__(self, code: str, message: str, *path: str) -> None:
        super().__init__(message)
        self.told = UserError(code=code, message=message, field=list(path) or None)


def mistakes() -> Any:
    """The field ``userErrors`` of a payload."""
    told = "Mistakes of the caller's; empty where it is done."
    return strawberry.field(description=told, directives=[ListSize(assumed_size=1)])


def oddities() -> Any:
    """The field ``warnings`` of a payload."""
    told = "What is odd about the input, and yet done."
    return strawberry.field(description=told, directives=[ListSize(assumed_size=1)])


def mutation(*, description: str) -> Any:
    """Makes a function of one ``input`` a mutation, at what a change costs."""
    return strawberry.mutation(description=description, directives=[Cost(weight=WEIGHT)])


def not_found(what: str, *path: str) -> Mistake:
    """What is not there, or not for the caller: both look the same."""
    return Mistake("NOT_FOUND", f"There is no such {what}, or none that you may see.", *path)


VIOLATIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "vehicles_tenant_id_vin_key": ("VIN_TAKEN", "Another vehicle of the tenant has this VIN.", ("vin",)),
    "fleet_groups_no_cycle": ("CYCLE", "A group cannot be moved below itself.", ("newParentId",)),
    "fleet_groups_no_self_parent": ("CYCLE", "A group cannot be moved below itself.", ("newParentId",)),
    "fleet_groups_tenant_id_parent_group_id_fkey": ("NOT_EMPTY", "The group has groups below it.", ("id",)),
    "vehicles_tenant_id_fleet_group_id_fkey": ("NOT_EMPTY", "The group has vehicles.", ("id",)),
    "manual_events_tenant_id_vehicle_id_fkey": (
        "IN_USE",
        "The vehicle has events, and what happened is not deleted. Move it to another group instead.",
        ("id",),
    ),
    "memberships_last_owner": ("LAST_OWNER", "A tenant keeps at least one owner.", ("role",)),
    "manual_events_payload": ("INVALID", "The payload is not one of this type of event.", ()),
}
IN_USE = ("IN_USE", "Others refer to it, so it cannot be deleted.", ("id",))
FORBIDDEN = ("FORBIDDEN", "You may not change this.", ())
FOREIGN_KEY_VIOLATION = "23503"
INSUFFICIENT_PRIVILEGE = "42501"


def mistake_of(violation: ViolationError) -> Mistake | None:
    """The caller's mistake behind what the database refused; None where it must be ours."""
    told = VIOLATIONS.get(violation.constraint)
    if told is None and violation.sqlstate == FOREIGN_KEY_VIOLATION:
        told = IN_USE
    if told is None and violation.sqlstate == INSUFFICIENT_PRIVILEGE:
        told = FORBIDDEN
    return None if told is None else Mistake(told[0], told[1], *told[2])


class Change:
    """One mutation under way: the session that it writes in, and the warnings that it will tell."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.warnings: list[UserError] = []
        self.rows: list[tuple[Batch, list[Row]]] = []

    async def fetch(self, statement: str, /, **parameters: Any) -> list[Row]:
        """The rows of a named statement."""
        return await self.session.fetch(statement, **parameters)

    async def write(self, statement: str, /, **parameters: Any) -> None:
        """Changes the one row that was looked at before. Raises the mistake that somebody else did so in between."""
        if not await self.fetch(statement, **parameters):
            raise Mistake("VERSION_CONFLICT", "It was changed at this very moment. Read it again.", "expectedVersion")

    async def one(self, statement: str, id_: str, what: str, *path: str) -> Row:
        """The row of ``things_to_change`` with an id. Raises the mistake that there is none."""
        rows = await self.fetch(statement, ids=[id_])
        if not rows:
            raise not_found(what, *path)
        return rows[0]

    async def sealed(
        self, table: str, id_: str, text_: str, *path: str, stored: str | None = None, untouched: Sequence[str] = ()
    ) -> str:
        """The JSON text of a row's column as it is stored; ``stored`` and ``untouched`` as Session.sealed has them.

        Raises the mistake that it holds the key that marks encrypted values.
        """
        if RESERVED in text_:
            raise Mistake("INVALID", 'The key "$enc" is reserved for encrypted values.', *path)
        return await self.session.sealed(table, id_, text_, stored=stored, untouched=untouched)

    def written(self, batch: Batch, rows: list[Row]) -> None:
        """Takes rows as they were written, for the payload to show; ``batch`` finds such rows by id."""
        self.rows.append((batch, rows))

    def warn(self, code: str, message: str, *path: str) -> None:
        """Tells something that is odd and yet written."""
        self.warnings.append(UserError(code=code, message=message, field=list(path) or None))

    async def replayed(self, name: str, key: str, digest: str) -> dict[str, Any] | None:
        """What the same request answered before; waits for one that is still under way."""
        if not 1 <= len(key) <= LONGEST_KEY:
            raise Mistake("INVALID", f"A key has 1 to {LONGEST_KEY} characters.", "idempotencyKey")
        await self.fetch("lock_idempotency_key", key=f"{self.session.caller.user_id} {key}")
        rows = await self.fetch("idempotency_key", key=key)
        if not rows:
            return None
        if (rows[0]["mutation"], rows[0]["input_sha256"]) != (name, digest):
            raise Mistake("IDEMPOTENCY_KEY_REUSED", "The key was sent with another input before.", "idempotencyKey")
        result: dict[str, Any] = json.loads(rows[0]["result"])
        return result


async def perform(
    info: Info, payload: Callable[..., Payload], given: Any, work: Callable[[Change], Awaitable[dict[str, Any]]]
) -> Payload:
    """Does a change and answers its payload.

    ``work`` writes and returns ids, by which ``payload`` finds what it shows: it is called with the ids (none where
    the change is refused), the mistakes and the warnings.
    """
    context = info.context
    change = Change(context.session)
    key = getattr(given, "idempotency_key", None)
    try:
        async with context.session.savepoint():
            result = None
            if key is not None:
                digest = digest_of(given)
                result = await change.replayed(info.field_name, text_of(key, "idempotencyKey"), digest)
            if result is None:
                result = {"ids": await work(change), "warnings": [asdict(warning) for warning in change.warnings]}
                if key is not None:
                    kept = {"mutation": info.field_name, "input_sha256": digest, "result": json.dumps(result)}
                    await change.fetch("keep_idempotency_key", key=key, **kept)
    except Mistake as mistake:
        return payload({}, [mistake.told], [])
    except ViolationError as violation:
        known = mistake_of(violation)
        if known is None:
            raise
        return payload({}, [known.told], [])
    context.loaders.forget()
    for batch, rows in change.rows:
        context.loaders.prime(batch, rows)
    return payload(result["ids"], [], [UserError(**warning) for warning in result["warnings"]])


def digest_of(given: Any) -> str:
    """The SHA-256 of an input, the same for the same values in whatever order."""
    return sha256(json.dumps(asdict(given), default=str, sort_keys=True).encode(errors="replace")).hexdigest()


def new_id() -> str:
    """An id for a new row, as rows have it."""
    return str(uuid4())


def id_of(value: str, *path: str) -> str:
    """The id in an input. Raises the mistake that there is no such thing, for what is no id at all as well."""
    try:
        return uuid_of(value)
    except InvalidIdError:
        raise not_found("id", *path) from None


def text(value: str, *path: str, longest: int = 200, shortest: int = 1) -> str:
    """A text of an input, without white space around it. Raises the mistake that it is too short or too long."""
    try:
        stripped = text_of(value, path[-1]).strip()
    except InvalidArgumentError as error:
        raise Mistake("INVALID", str(error), *path) from None
    if not shortest <= len(stripped) <= longest:
        raise Mistake("INVALID", f"{path[-1]} has {shortest} to {longest} characters, not {len(stripped)}.", *path)
    return stripped


def object_of(value: object, *path: str) -> str:
    """A JSON object of an input, as text. Raises the mistake that it is none."""
    if not isinstance(value, dict):
        raise Mistake("INVALID", f"{path[-1]} is a JSON object.", *path)
    try:
        return json_of(value, path[-1])
    except InvalidArgumentError as error:
        raise Mistake("INVALID", str(error), *path) from None


def require_version(expected: int | None, version: int) -> None:
    """Raises the mistake that somebody else was faster, where another version is expected than there is."""
    if expected is not None and expected != version:
        raise Mistake("VERSION_CONFLICT", f"It was changed meanwhile: its version is {version}.", "expectedVersion")

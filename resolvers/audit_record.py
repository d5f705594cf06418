"""The audit trail: who changed which row, when, from where and with what."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.client import Client, client_by_id
from resolvers.context import Info
from resolvers.level import Level, level
from resolvers.loading import Loaders, column, one_by
from resolvers.membership import MembershipRole, require_role
from resolvers.node import Node, findable
from resolvers.paging import PAGED, Connection, connection, page
from resolvers.scalars import Json, text_of, uuid_of
from resolvers.user import User, user_by_id
from sql.statements import Ordering


@strawberry.enum(description="What was done to a row.")
class AuditOperation(Enum):
    """Operations on a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@strawberry.input(description="Conditions on audit records; all that are given must hold.")
class AuditFilter:
    """Conditions on audit records."""

    table_name: str | None = strawberry.field(default=None, description="Of this table.")
    record_id: strawberry.ID | None = strawberry.field(default=None, description="Of this row.")
    operation: AuditOperation | None = strawberry.field(default=None, description="Of this kind.")
    changed_by_id: strawberry.ID | None = strawberry.field(default=None, description="By this person.")
    changed_from: datetime.datetime | None = strawberry.field(default=None, description="Then or later.")
    changed_before: datetime.datetime | None = strawberry.field(default=None, description="Before then.")

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        return {
            "table_name": None if self.table_name is None else text_of(self.table_name, "tableName"),
            "record_id": None if self.record_id is None else uuid_of(self.record_id, "recordId"),
            "operation": self.operation.value if self.operation else None,
            "changed_by": None if self.changed_by_id is None else uuid_of(self.changed_by_id, "changedById"),
            "changed_from": self.changed_from,
            "changed_before": self.changed_before,
        }


async def audit_record_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Audit records by id."""
    return one_by(ids, await loaders.fetch("audit_records_by_id", ids=ids))


@strawberry.type(description="A change of one row.")
class AuditRecord(Node):
    """A row of audit_trail."""

    changed_by_id: strawberry.Private[str | None]
    client_id: strawberry.Private[str | None]
    table_name: str = strawberry.field(description="The table.")
    record_id: strawberry.ID = strawberry.field(description="The row's id; a member's user id for memberships.")
    operation: AuditOperation = strawberry.field(description="What was done.")
    old_values: Json | None = strawberry.field(description="The row before; null for an insert.")
    new_values: Json | None = strawberry.field(description="The row after; null for a delete.")
    changed_at: datetime.datetime = strawberry.field(description="When.")
    client_ip: str | None = strawberry.field(description="From which address.")
    user_agent: str | None = strawberry.field(description="With which program, as it said itself.")

    @level(description="Who did it; null for the system.")
    def changed_by(records: Level, info: Info) -> User | None:
        """The person."""
        return info.context.loaders.level(user_by_id, column(records, "changed_by_id"))

    @level(description="With which client's credentials; null for a person's own.")
    def client(records: Level, info: Info) -> Client | None:
        """The client."""
        return info.context.loaders.level(client_by_id, column(records, "client_id"))


findable("AuditRecord", audit_record_by_id)


@strawberry.type
class AuditQuery:
    """Ways to the audit trail."""

    @level(
        description="What was changed in the tenant, newest first; for owners.",
        directives=PAGED,
    )
    def audit_trail(
        _: Level,
        info: Info,
        filter: AuditFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[AuditRecord]:
        """A page of audit records."""
        require_role(info, MembershipRole.OWNER, what="The audit trail")
        asked = page(
            info, "audit_records", Ordering("changed_at", descending=True), first, after, last, before, filter=filter
        )
        return connection(info, "audit_records", asked)

"""Deletions: what is given to them and what comes of them, whatever is deleted."""

from __future__ import annotations

from typing import Any

import strawberry

from resolvers.mutation import EXPECTED, KEY, UserError, mistakes


@strawberry.input(description="What is to be deleted.")
class DeleteInput:
    """An id, and the version it is expected to have."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What became of a deletion.")
class DeletePayload:
    """The id of what is gone, or why it is not."""

    deleted_id: strawberry.ID | None = strawberry.field(description="The id of what is gone; null where it is not.")
    user_errors: list[UserError] = mistakes()

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], _warnings: list[UserError]) -> DeletePayload:
        """The payload of a deletion."""
        return cls(deleted_id=ids.get("id"), user_errors=errors)

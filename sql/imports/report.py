"""The report of an import, and how far it is meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

Progress = Callable[[str, int, int], None]
"""Told the step, and how many rows of how many are done in it."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did: the tenant it went into, the rows read from the file, the rows added by what they are.

    ``owner_email`` is that of the owner whom it made together with the tenant; None for a tenant that was there.
    """

    tenant_id: UUID
    owner_email: str | None
    read: int
    added: dict[str, int]

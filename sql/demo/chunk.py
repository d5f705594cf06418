"""A chunk of a demo tenant: the rows of a few vehicles, table by table, on their way to the database."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import orjson

from sql.demo import metrics
from sql.demo.blueprint import Blueprint, identity
from sql.demo.life import Event, Life
from sql.demo.roster import Roster

COLUMNS = {
    "uploads": (
        "tenant_id", "id", "vehicle_id", "uploaded_by", "file_name", "content_type", "size", "sha256", "storage_key",
        "status", "created_at",
    ),
    "manual_events": (
        "tenant_id", "id", "vehicle_id", "source_upload_id", "event_type", "payload", "confidence",
        "verified_by_user", "created_by", "occurred_at", "created_at",
    ),
    "vehicle_metrics": metrics.COLUMNS,
}  # fmt: skip
SMALLEST_PHOTO = 180_000
PHOTO_SPREAD = 2_400_000


class Chunk:
    """Rows by table, in the order in which foreign keys want them."""

    def __init__(self, tenant: Blueprint, roster: Roster) -> None:
        self.tables: dict[str, list[tuple[Any, ...]]] = {table: [] for table in ("vehicles", *COLUMNS)}
        self._tenant = tenant
        self._tenant_id = str(tenant.id)
        self._authors = [str(person.id) for person in tenant.authors]
        self._roster = roster

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))

    def add(self, life: Life) -> None:
        """Adds a vehicle and everything that happened to it."""
        self.tables["vehicles"].append(self._roster.vehicle(self._tenant, life.vehicle))
        for index, event in enumerate(life.events):
            self._add_event(life, index, event)
        self.tables["vehicle_metrics"] += metrics.rows(self._tenant_id, life)

    def _add_event(self, life: Life, index: int, event: Event) -> None:
        author = self._authors[event.author % len(self._authors)]
        created_at = event.at + timedelta(minutes=event.lag)
        path = f"{life.vehicle.seed}/event/{index}"
        upload_id = None
        if event.has_receipt:
            upload_id = str(identity(f"{path}/receipt"))
            digest = hashlib.sha256(path.encode()).hexdigest()
            self.tables["uploads"].append(
                (
                    self._tenant_id,
                    upload_id,
                    life.vehicle.id,
                    author,
                    f"receipt-{event.at:%Y%m%d-%H%M}.jpg",
                    "image/jpeg",
                    SMALLEST_PHOTO + int(digest[:8], 16) % PHOTO_SPREAD,
                    digest,
                    f"sha256/{digest[:2]}/{digest}",
                    "processed",
                    created_at,
                )
            )
        self.tables["manual_events"].append(
            (
                self._tenant_id,
                str(identity(path)),
                life.vehicle.id,
                upload_id,
                event.kind,
                orjson.dumps(event.payload).decode(),
                event.confidence,
                event.verified,
                author,
                event.at,
                created_at,
            )
        )

"""Recording: captured events, checked and written together."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from resolvers.manual_event import manual_event_by_id
from resolvers.mutation import Change, Mistake, id_of, new_id, not_found
from resolvers.payloads import payload_text
from resolvers.vehicle_mutation import require_vehicle
from sql.driver import Row

EARLIEST = datetime.datetime(1990, 1, 1, tzinfo=datetime.UTC)
AHEAD = datetime.timedelta(days=1)  # what clocks and time zones may be off
MOST_MILES_A_DAY = 2000
MUCH_FUEL = 300  # gallons, at once
COST_TOLERANCE = Decimal("0.05")


@dataclass(frozen=True)
class Draft:
    """An event to record, of a vehicle by its id as rows have it; ``path`` is its place in the input."""

    event_type: str
    vehicle_id: str
    occurred_at: datetime.datetime
    captured: dict[str, Any]
    source_upload_id: str | None = None
    confidence: int | None = None
    path: tuple[str, ...] = field(default=())

    @property
    def odometer_miles(self) -> int | None:
        """The miles on the odometer, where they were captured."""
        miles = self.captured.get("miles" if self.event_type == "odometer_reading" else "odometer_miles")
        return miles if isinstance(miles, int) else None


async def record(change: Change, drafts: Sequence[Draft]) -> list[str]:
    """Records events, all or none, and returns their ids. Raises the first mistake; warns of what is odd."""
    before = await _vehicles_to_record(change, drafts)
    await _require_uploads(change, drafts)
    rows: list[dict[str, Any]] = []
    for draft in drafts:
        if not EARLIEST <= draft.occurred_at <= datetime.datetime.now(datetime.UTC) + AHEAD:
            raise Mistake(
                "OUT_OF_RANGE", f"occurredAt is from {EARLIEST:%Y-%m-%d} to a day from now.", *draft.path, "occurredAt"
            )
        if draft.confidence is not None and not 0 <= draft.confidence <= 100:  # noqa: PLR2004
            raise Mistake("OUT_OF_RANGE", "confidence is from 0 to 100.", *draft.path, "confidence")
        id_ = new_id()
        payload = payload_text(draft.event_type, draft.captured, *draft.path)
        rows.append(
            {
                "id": id_,
                "vehicle_id": draft.vehicle_id,
                "source_upload_id": draft.source_upload_id,
                "event_type": draft.event_type,
                "payload": orjson.Fragment(await change.sealed("manual_events", id_, payload, *draft.path)),
                "confidence": draft.confidence,
                "occurred_at": draft.occurred_at,
            }
        )
        if draft.event_type == "fuel_purchase":
            _look_at_fuel(change, draft)
    _look_at_odometers(change, drafts, before)
    change.written(manual_event_by_id, await change.fetch("record_manual_events", events=orjson.dumps(rows).decode()))
    return [row["id"] for row in rows]


async def _vehicles_to_record(change: Change, drafts: Sequence[Draft]) -> dict[int, Row]:
    """What is known of each draft's vehicle, by the draft's position. Raises the mistake of the first that is not there."""
    moments = [None if draft.odometer_miles is None else draft.occurred_at for draft in drafts]
    rows = await change.fetch(
        "vehicles_to_record",
        positions=list(range(len(drafts))),
        ids=[draft.vehicle_id for draft in drafts],
        moments=moments if any(moments) else None,
    )
    found = {row["position"]: row for row in rows}
    for at, draft in enumerate(drafts):
        require_vehicle(found.get(at), *draft.path, "vehicleId")
    return found


async def _require_uploads(change: Change, drafts: Sequence[Draft]) -> None:
    asked = {d.source_upload_id: d for d in drafts if d.source_upload_id is not None}
    ids = {id_of(id_, *draft.path, "sourceUploadId"): draft for id_, draft in asked.items()}
    if not ids:
        return
    found = {row["id"] for row in await change.fetch("uploads_by_id", ids=list(ids))}
    for id_, draft in ids.items():
        if id_ not in found:
            raise not_found("upload", *draft.path, "sourceUploadId")


def _look_at_fuel(change: Change, draft: Draft) -> None:
    gallons, price, total = (_exact(draft.captured.get(key)) for key in ("gallons", "price_per_gallon", "total_cost"))
    if isinstance(gallons, Decimal) and gallons > MUCH_FUEL:
        change.warn("MUCH_FUEL", f"{gallons} gallons at once are more than most tanks hold.", *draft.path, "gallons")
    if isinstance(gallons, Decimal) and isinstance(price, Decimal) and isinstance(total, Decimal) and total > 0:
        reckoned = gallons * price
        if abs(reckoned - total) > total * COST_TOLERANCE:
            change.warn(
                "COST_MISMATCH",
                f"{gallons} gallons at {price} would be {round(reckoned, 2)}, not {total}.",
                *draft.path,
                "totalCost",
            )


def _exact(value: object) -> object:
    """A number as JSON has it, as the decimal that the payload keeps."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _look_at_odometers(change: Change, drafts: Sequence[Draft], before: Mapping[int, Row]) -> None:
    """Warns of readings that fall or leap; which ones count is decided with all the others in view."""
    for at, draft in enumerate(drafts):
        miles, row = draft.odometer_miles, before[at]
        if miles is None or row["odometer_miles"] is None:
            continue
        key = "miles" if draft.event_type == "odometer_reading" else "odometerMiles"
        days = max(1.0, (draft.occurred_at - row["occurred_at"]) / datetime.timedelta(days=1))
        if miles < row["odometer_miles"]:
            change.warn(
                "ODOMETER_BELOW_LAST", f"The reading before it was {row['odometer_miles']:,}.", *draft.path, key
            )
        elif (miles - row["odometer_miles"]) / days > MOST_MILES_A_DAY:
            change.warn(
                "ODOMETER_LEAP",
                f"The reading before it was {row['odometer_miles']:,}, {days:.0f} day(s) earlier.",
                *draft.path,
                key,
            )

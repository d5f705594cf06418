"""Recording: captured events, checked and written together."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from resolvers.manual_event import manual_event_by_id
from resolvers.mutation import Change, Mistake, id_of, new_id, not_found
from resolvers.payloads import payload_text
from resolvers.vehicle_mutation import vehicles_to_change

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
    await _require_uploads(change, drafts)
    events = [await _event(change, draft) for draft in drafts]
    rows = await change.fetch("record_manual_events", events=orjson.dumps(events).decode())
    if len(rows) < len(drafts):
        await vehicles_to_change(change, ((draft.vehicle_id, (*draft.path, "vehicleId")) for draft in drafts))
        raise Mistake("VERSION_CONFLICT", "A vehicle was changed at this very moment. Try again.", "vehicleId")
    written = {row["id"]: row for row in rows}
    for draft in drafts:
        for code, message, field_ in fuel_oddities(draft.event_type, draft.captured):
            change.warn(code, message, *draft.path, field_)
    for draft, event in zip(drafts, events, strict=True):
        _look_at_odometer(change, draft, written[event["id"]]["last_reading"])
    change.written(manual_event_by_id, rows)
    return [event["id"] for event in events]


async def _event(change: Change, draft: Draft) -> dict[str, Any]:
    """A draft as it is written. Raises the first mistake."""
    if not EARLIEST <= draft.occurred_at <= datetime.datetime.now(datetime.UTC) + AHEAD:
        raise Mistake(
            "OUT_OF_RANGE", f"occurredAt is from {EARLIEST:%Y-%m-%d} to a day from now.", *draft.path, "occurredAt"
        )
    if draft.confidence is not None and not 0 <= draft.confidence <= 100:  # noqa: PLR2004
        raise Mistake("OUT_OF_RANGE", "confidence is from 0 to 100.", *draft.path, "confidence")
    id_ = new_id()
    payload = payload_text(draft.event_type, draft.captured, *draft.path)
    return {
        "id": id_,
        "vehicle_id": draft.vehicle_id,
        "source_upload_id": draft.source_upload_id,
        "event_type": draft.event_type,
        "payload": orjson.Fragment(await change.sealed("manual_events", id_, payload, *draft.path)),
        "confidence": draft.confidence,
        "occurred_at": draft.occurred_at,
    }


async def _require_uploads(change: Change, drafts: Sequence[Draft]) -> None:
    asked = {d.source_upload_id: d for d in drafts if d.source_upload_id is not None}
    ids = {id_of(id_, *draft.path, "sourceUploadId"): draft for id_, draft in asked.items()}
    if not ids:
        return
    found = {row["id"] for row in await change.fetch("uploads_by_id", ids=list(ids))}
    for id_, draft in ids.items():
        if id_ not in found:
            raise not_found("upload", *draft.path, "sourceUploadId")


def fuel_oddities(event_type: str, captured: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is odd about a fuel purchase by itself: code, message and field of each."""
    if event_type != "fuel_purchase":
        return
    gallons, price, total = (_exact(captured.get(key)) for key in ("gallons", "price_per_gallon", "total_cost"))
    if isinstance(gallons, Decimal) and gallons > MUCH_FUEL:
        yield "MUCH_FUEL", f"{gallons} gallons at once are more than most tanks hold.", "gallons"
    if isinstance(gallons, Decimal) and isinstance(price, Decimal) and isinstance(total, Decimal) and total > 0:
        reckoned = gallons * price
        if abs(reckoned - total) > total * COST_TOLERANCE:
            told = f"{gallons} gallons at {price} would be {round(reckoned, 2)}, not {total}."
            yield "COST_MISMATCH", told, "totalCost"


def _exact(value: object) -> object:
    """A number as JSON has it, as the decimal that the payload keeps."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _look_at_odometer(change: Change, draft: Draft, last_reading: list[float] | None) -> None:
    """Warns of a reading that falls or leaps, given the miles of the last one before and the days since.

    Which readings count is decided with all the others in view.
    """
    if draft.odometer_miles is None or last_reading is None:
        return
    miles, days = int(last_reading[0]), max(1.0, last_reading[1])
    key = "miles" if draft.event_type == "odometer_reading" else "odometerMiles"
    if draft.odometer_miles < miles:
        change.warn("ODOMETER_BELOW_LAST", f"The reading before it was {miles:,}.", *draft.path, key)
    elif (draft.odometer_miles - miles) / days > MOST_MILES_A_DAY:
        told = f"The reading before it was {miles:,}, {days:.0f} day(s) earlier."
        change.warn("ODOMETER_LEAP", told, *draft.path, key)

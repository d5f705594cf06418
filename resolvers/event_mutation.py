"""Changes of events: recorded, checked by a person, made void. They take WRITE on the vehicle's group."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.event_inputs import (
    RecordEventsInput,
    RecordFuelPurchaseInput,
    RecordMaintenanceInput,
    RecordOdometerReadingInput,
    RecordTripBatchInput,
    ReportIssueInput,
    VerifyEventInput,
    VoidEventInput,
)
from resolvers.level import Level, level
from resolvers.limits.weights import ListSize
from resolvers.manual_event import ManualEvent, manual_event_by_id
from resolvers.mutation import (
    Change,
    Mistake,
    UserError,
    id_of,
    mistakes,
    mutation,
    oddities,
    perform,
    require_version,
    text,
)
from resolvers.payloads import payload_text
from resolvers.recording import Draft, record
from sql.driver import Row
from sql.encryption import holds_sealed

MOST_EVENTS = 1000
LONGEST_REASON = 1000


@strawberry.type(description="What became of a change of an event.")
class ManualEventPayload:
    """An event, or why it was not changed."""

    id: strawberry.Private[str | None]
    user_errors: list[UserError] = mistakes()
    warnings: list[UserError] = oddities()

    @level(description="The event after the change; null where it was refused.")
    def event(payloads: Level, info: Info) -> ManualEvent | None:
        """The event."""
        return info.context.loaders.level(manual_event_by_id, [payload.id for payload in payloads])

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], warnings: list[UserError]) -> ManualEventPayload:
        """The payload of a change."""
        return cls(id=ids.get("id"), user_errors=errors, warnings=warnings)


@strawberry.type(description="What became of events recorded together.")
class RecordEventsPayload:
    """The events, or why they were not recorded."""

    ids: strawberry.Private[list[str]]
    user_errors: list[UserError] = mistakes()
    warnings: list[UserError] = oddities()

    @strawberry.field(
        description="The events, in the order of the input; empty where they were refused.",
        directives=[ListSize(assumed_size=100)],
    )
    def events(self, info: Info) -> list[ManualEvent]:
        """The events: here already where they were written just now, else awaited."""
        return info.context.loaders.level(manual_event_by_id, self.ids)

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], warnings: list[UserError]) -> RecordEventsPayload:
        """The payload of a recording."""
        return cls(ids=ids.get("ids", []), user_errors=errors, warnings=warnings)


def _captured(extra: object, **known: Any) -> dict[str, Any]:
    """A payload of what has fields in the input, and of what has none: ``extra``."""
    if extra is not None and not isinstance(extra, dict):
        raise Mistake("INVALID", "extra is a JSON object.", "extra")
    if twice := sorted(set(extra or {}) & set(known)):
        raise Mistake("INVALID", f"{twice[0]} has a field of its own in the input.", "extra", twice[0])
    return (extra or {}) | {key: value for key, value in known.items() if value is not None}


async def _record_one(
    info: Info, given: Any, event_type: str, occurred_at: datetime.datetime, known: dict[str, Any]
) -> ManualEventPayload:
    async def work(change: Change) -> dict[str, Any]:
        draft = Draft(
            event_type,
            id_of(given.vehicle_id, "vehicleId"),
            occurred_at,
            _captured(getattr(given, "extra", None), **known),
            given.source_upload_id,
            given.confidence,
        )
        (id_,) = await record(change, [draft])
        return {"id": id_}

    return await perform(info, ManualEventPayload.of, given, work)


async def _event_to_change(change: Change, given: VerifyEventInput | VoidEventInput) -> Row:
    event = await change.one("manual_events_to_change", id_of(given.id, "id"), "event", "id")
    if not event["may_write"]:
        raise Mistake("FORBIDDEN", "It takes WRITE on the vehicle's group.", "id")
    if event["voided_at"] is not None:
        raise Mistake("ALREADY_VOID", "The event is void.", "id")
    require_version(given.expected_version, event["version"])
    return event


@strawberry.type
class EventMutation:
    """Changes of events."""

    @mutation(description="Records an odometer as it was read.")
    async def record_odometer_reading(self, info: Info, input: RecordOdometerReadingInput) -> ManualEventPayload:
        """An odometer reading."""
        return await _record_one(info, input, "odometer_reading", input.occurred_at, {"miles": input.miles})

    @mutation(description="Records a fill-up.")
    async def record_fuel_purchase(self, info: Info, input: RecordFuelPurchaseInput) -> ManualEventPayload:
        """A fuel purchase."""
        known = {
            "gallons": input.gallons,
            "price_per_gallon": input.price_per_gallon,
            "total_cost": input.total_cost,
            "odometer_miles": input.odometer_miles,
            "is_full_tank": input.is_full_tank,
            "missed_previous": input.missed_previous,
            "fuel_type": input.fuel_type,
            "station_name": input.station_name,
        }
        return await _record_one(info, input, "fuel_purchase", input.occurred_at, known)

    @mutation(description="Records a service or repair.")
    async def record_maintenance(self, info: Info, input: RecordMaintenanceInput) -> ManualEventPayload:
        """A service."""
        known = {
            "service_type": input.service_type,
            "odometer_miles": input.odometer_miles,
            "cost": input.cost,
            "parts_replaced": input.parts_replaced,
            "service_provider": input.service_provider,
            "next_service": input.next_service,
        }
        return await _record_one(info, input, "maintenance", input.occurred_at, known)

    @mutation(description="Reports a defect.")
    async def report_issue(self, info: Info, input: ReportIssueInput) -> ManualEventPayload:
        """An issue."""
        known = {
            "severity": input.severity.value,
            "description": input.description,
            "odometer_miles": input.odometer_miles,
        }
        return await _record_one(info, input, "issue_report", input.occurred_at, known)

    @mutation(description="Records trips as one event, which happened when the last of them ended.")
    async def record_trip_batch(self, info: Info, input: RecordTripBatchInput) -> ManualEventPayload:
        """Trips."""
        trips = [
            {
                "start": trip.started_at.isoformat(),
                "end": trip.ended_at.isoformat(),
                "miles": trip.miles,
                "idle_minutes": trip.idle_minutes,
                "harsh_events": trip.harsh_events,
            }
            for trip in input.trips
        ]

        async def work(change: Change) -> dict[str, Any]:
            if not input.trips:
                raise Mistake("INVALID", "A batch has at least one trip.", "trips")
            for at, trip in enumerate(input.trips):
                if trip.ended_at < trip.started_at:
                    raise Mistake("INVALID", "A trip ends after it starts.", "trips", str(at), "endedAt")
            last = max(trip.ended_at for trip in input.trips)
            vehicle_id = id_of(input.vehicle_id, "vehicleId")
            upload_id = input.source_upload_id
            draft = Draft("trip_batch", vehicle_id, last, {"trips": trips}, upload_id, input.confidence)
            (id_,) = await record(change, [draft])
            return {"id": id_}

        return await perform(info, ManualEventPayload.of, input, work)

    @mutation(description="Records up to 1,000 events of any types, all of them or none.")
    async def record_events(self, info: Info, input: RecordEventsInput) -> RecordEventsPayload:
        """Events of any types."""

        async def work(change: Change) -> dict[str, Any]:
            if not 1 <= len(input.events) <= MOST_EVENTS:
                raise Mistake("TOO_MANY", f"1 to {MOST_EVENTS:,} events are recorded at once.", "events")
            drafts = []
            for at, event in enumerate(input.events):
                path = ("events", str(at))
                if not isinstance(event.payload, dict):
                    raise Mistake("INVALID", "payload is a JSON object.", *path, "payload")
                drafts.append(
                    Draft(
                        event.event_type.value,
                        id_of(event.vehicle_id, *path, "vehicleId"),
                        event.occurred_at,
                        event.payload,
                        event.source_upload_id,
                        event.confidence,
                        path,
                    )
                )
            return {"ids": await record(change, drafts)}

        return await perform(info, RecordEventsPayload.of, input, work)

    @mutation(description="Marks a captured event as checked by a person, with corrections if there are any.")
    async def verify_event(self, info: Info, input: VerifyEventInput) -> ManualEventPayload:
        """A checked event."""

        async def work(change: Change) -> dict[str, Any]:
            event = await _event_to_change(change, input)
            payload = None
            if input.corrections is not None:
                if not isinstance(input.corrections, dict):
                    raise Mistake("INVALID", "corrections is a JSON object.", "corrections")
                payload = await _corrected(change, event, input.corrections)
            await change.write(
                "verify_manual_event",
                id=event["id"],
                occurred_at=event["occurred_at"],
                payload=payload,
                expected_version=event["version"],
            )
            return {"id": event["id"]}

        return await perform(info, ManualEventPayload.of, input, work)

    @mutation(description="Makes an event void, with a reason: it stays, and counts for nothing any more.")
    async def void_event(self, info: Info, input: VoidEventInput) -> ManualEventPayload:
        """A void event."""

        async def work(change: Change) -> dict[str, Any]:
            reason = text(input.reason, "reason", longest=LONGEST_REASON)
            event = await _event_to_change(change, input)
            await change.write(
                "void_manual_event",
                id=event["id"],
                occurred_at=event["occurred_at"],
                reason=reason,
                expected_version=event["version"],
            )
            return {"id": event["id"]}

        return await perform(info, ManualEventPayload.of, input, work)


async def _corrected(change: Change, event: Row, corrections: dict[str, Any]) -> str:
    """An event's payload with corrections, as it is stored; encrypted values that stay are left as they are."""
    stored = json.loads(event["payload"], parse_float=Decimal)
    encrypted = [key for key, value in stored.items() if holds_sealed(value)]
    captured = {key: value for key, value in stored.items() if key not in encrypted} | corrections
    return await change.sealed(
        "manual_events",
        event["id"],
        payload_text(event["event_type"], captured, "corrections"),
        "corrections",
        stored=event["payload"],
        untouched=[key for key in encrypted if key not in corrections],
    )

"""Events recorded, checked and made void."""

from __future__ import annotations

import datetime
import json

import pytest

from tests.mutations.documents import mutation

pytestmark = pytest.mark.database

FUEL = mutation(
    "recordFuelPurchase",
    "RecordFuelPurchaseInput!",
    "event { id version ... on FuelPurchase { gallons totalCost odometerMiles isFullTank } } warnings { code field }",
)
ROLLUP = "{ tenant { rollup { fuelGallons fuelCost } } }"


@pytest.fixture
async def vehicle(write):
    """A new vehicle's id."""
    made = await write('mutation { createVehicle(input: {label: "Van"}) { vehicle { id } } }')
    return made["createVehicle"]["vehicle"]["id"]


def fill(vehicle, **more):
    """The input of a fill-up."""
    return {"vehicleId": vehicle, "occurredAt": "2026-10-05T08:00:00Z", "gallons": "10.125", **more}


async def test_a_fill_up_is_kept_to_the_last_digit_with_extra_keys(write, vehicle, rows):
    """Decimals are exact from the input to the table and back."""
    given = fill(vehicle, pricePerGallon="3.459", odometerMiles=1200, extra={"pump": 4, "note": "ü"})
    answer = (await write(FUEL, input=given))["recordFuelPurchase"]
    assert (answer["userErrors"], answer["warnings"]) == ([], [])
    assert (answer["event"]["gallons"], answer["event"]["totalCost"]) == ("10.125", "35.02")
    (row,) = rows("select payload, gallons, created_by from manual_events where id = %s", answer["event"]["id"])
    assert str(row["gallons"]) == "10.125"
    assert row["payload"] | {"pump": 4, "note": "ü", "is_full_tank": True} == row["payload"]
    assert json.dumps(row["payload"]["gallons"]) == "10.125"


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"gallons": "-5"}, "INVALID", ["gallons"]),
        ({"gallons": "0"}, "INVALID", ["gallons"]),
        ({"gallons": "10001"}, "INVALID", ["gallons"]),
        ({"totalCost": "-1"}, "INVALID", ["totalCost"]),
        ({"odometerMiles": -1}, "INVALID", ["odometerMiles"]),
        ({"occurredAt": "1970-01-01T00:00:00Z"}, "OUT_OF_RANGE", ["occurredAt"]),
        ({"occurredAt": "2199-01-01T00:00:00Z"}, "OUT_OF_RANGE", ["occurredAt"]),
        ({"confidence": 101}, "OUT_OF_RANGE", ["confidence"]),
        ({"extra": []}, "INVALID", ["extra"]),
        ({"extra": {"gallons": 1}}, "INVALID", ["extra", "gallons"]),
        ({"extra": {"receipt_data": "x"}}, "INVALID", ["receiptData"]),
        ({"extra": {"deep": {"nul": "\0"}}}, "INVALID", None),
        ({"vehicleId": "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"}, "NOT_FOUND", ["vehicleId"]),
        ({"sourceUploadId": "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"}, "NOT_FOUND", ["sourceUploadId"]),
    ],
)
async def test_mistakes_are_told_by_their_place(write, vehicle, rows, more, code, field):
    """And nothing is written."""
    answer = (await write(FUEL, input=fill(vehicle, **more)))["recordFuelPurchase"]
    assert answer["event"] is None
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [(code, field)]
    assert rows("select from manual_events where vehicle_id = %s", vehicle) == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"odometerMiles": 900}, "ODOMETER_BELOW_LAST"),
        ({"odometerMiles": 90_000}, "ODOMETER_LEAP"),
        ({"gallons": "400"}, "MUCH_FUEL"),
        ({"pricePerGallon": "3", "totalCost": "300"}, "COST_MISMATCH"),
    ],
)
async def test_what_is_odd_is_written_and_told(write, vehicle, more, code):
    """A warning is no error: a person may know better."""
    await write(FUEL, input=fill(vehicle, odometerMiles=1000, occurredAt="2026-10-04T08:00:00Z"))
    answer = (await write(FUEL, input=fill(vehicle, **more)))["recordFuelPurchase"]
    assert answer["event"] is not None
    assert [warning["code"] for warning in answer["warnings"]] == [code]


async def test_a_void_event_stays_and_counts_for_nothing(write, vehicle):
    """The totals are what they were before it; it cannot be changed any more."""
    before = await write(ROLLUP)
    event = (await write(FUEL, input=fill(vehicle, totalCost="40")))["recordFuelPurchase"]["event"]
    assert await write(ROLLUP) != before
    void = mutation("voidEvent", "VoidEventInput!", "event { voidedAt voidReason version }")
    answer = (await write(void, input={"id": event["id"], "reason": "Entered twice."}))["voidEvent"]
    assert answer["event"]["voidReason"] == "Entered twice."
    assert answer["event"]["version"] == 2
    assert await write(ROLLUP) == before
    again = (await write(void, input={"id": event["id"], "reason": "Again."}))["voidEvent"]
    assert [error["code"] for error in again["userErrors"]] == ["ALREADY_VOID"]


async def test_corrections_are_checked_like_the_first_capture(write, vehicle):
    """A verified event has the corrected payload; a wrong correction is told and changes nothing."""
    event = (await write(FUEL, input=fill(vehicle)))["recordFuelPurchase"]["event"]
    verify = mutation("verifyEvent", "VerifyEventInput!", "event { verifiedByUser ... on FuelPurchase { gallons } }")
    wrong = (await write(verify, input={"id": event["id"], "corrections": {"gallons": "lots"}}))["verifyEvent"]
    assert [(error["code"], error["field"]) for error in wrong["userErrors"]] == [
        ("INVALID", ["corrections", "gallons"])
    ]
    right = await write(verify, input={"id": event["id"], "corrections": {"gallons": 11.5}, "expectedVersion": 1})
    assert right["verifyEvent"]["event"] == {"verifiedByUser": True, "gallons": "11.5"}


async def test_trips_happen_when_the_last_of_them_ends(write, vehicle):
    """One event for the batch."""
    trips = [
        {"startedAt": "2026-10-05T08:00:00Z", "endedAt": "2026-10-05T09:00:00Z", "miles": "30.5"},
        {"startedAt": "2026-10-05T06:00:00Z", "endedAt": "2026-10-05T07:00:00Z", "miles": "12", "idleMinutes": 3},
    ]
    record = mutation(
        "recordTripBatch",
        "RecordTripBatchInput!",
        "event { occurredAt ... on TripBatch { trips { miles idleMinutes } } }",
    )
    answer = (await write(record, input={"vehicleId": vehicle, "trips": trips}))["recordTripBatch"]
    assert answer["userErrors"] == []
    assert datetime.datetime.fromisoformat(answer["event"]["occurredAt"]).hour == 9
    assert answer["event"]["trips"] == [{"miles": "30.5", "idleMinutes": 0}, {"miles": "12", "idleMinutes": 3}]


async def test_a_thousand_events_are_recorded_at_once_or_none(write, vehicle, rows):
    """The mistake's path names the event."""
    record = mutation("recordEvents", "RecordEventsInput!", "events { id }")
    events = [
        {
            "vehicleId": vehicle,
            "eventType": "ODOMETER_READING",
            "occurredAt": f"2026-10-01T00:{n // 60:02}:{n % 60:02}Z",
            "payload": {"miles": n},
        }
        for n in range(1000)
    ]
    wrong = [*events[:7], events[7] | {"payload": {"miles": "7"}}, *events[8:]]
    refused = (await write(record, input={"events": wrong}))["recordEvents"]
    assert [error["field"] for error in refused["userErrors"]] == [["events", "7", "miles"]]
    assert rows("select from manual_events where vehicle_id = %s", vehicle) == []
    answer = (await write(record, input={"events": events}))["recordEvents"]
    assert (len(answer["events"]), answer["userErrors"]) == (1000, [])
    many = (await write(record, input={"events": [*events, events[0]]}))["recordEvents"]
    assert [error["code"] for error in many["userErrors"]] == ["TOO_MANY"]


async def test_figures_of_a_payload_may_be_whole_numbers_or_texts(write, vehicle, rows):
    """They are decimals in the table; what is no number is told."""
    record = mutation("recordEvents", "RecordEventsInput!", "events { id }")
    events = [
        {"vehicleId": vehicle, "eventType": "FUEL_PURCHASE", "occurredAt": "2026-10-01T00:00:00Z", "payload": payload}
        for payload in ({"gallons": 5}, {"gallons": "10.50", "total_cost": 3.1}, {"gallons": True})
    ]
    refused = (await write(record, input={"events": events}))["recordEvents"]
    assert [error["field"] for error in refused["userErrors"]] == [["events", "2", "gallons"]]
    assert (await write(record, input={"events": events[:2]}))["recordEvents"]["userErrors"] == []
    stored = rows("select gallons::text as g from manual_events where vehicle_id = %s order by gallons", vehicle)
    assert [row["g"] for row in stored] == ["5", "10.50"]


async def test_a_reading_shows_in_the_answer_that_records_it(write, vehicle):
    """The odometer needs no worker to be right; one that cannot be is rejected, and voiding another lets it in."""
    record = mutation(
        "recordOdometerReading",
        "RecordOdometerReadingInput!",
        "event { id vehicle { odometer { miles rejectedReadings } } }",
    )
    found = []
    for day, miles in (("01", 90000), ("02", 1000), ("03", 1100)):
        given = {"vehicleId": vehicle, "occurredAt": f"2026-10-{day}T08:00:00Z", "miles": miles}
        found.append((await write(record, input=given))["recordOdometerReading"]["event"])
    assert [one["vehicle"]["odometer"] for one in found] == [
        {"miles": 90000, "rejectedReadings": 0},
        {"miles": 90000, "rejectedReadings": 1},
        {"miles": 1100, "rejectedReadings": 1},
    ]
    void = mutation("voidEvent", "VoidEventInput!", "event { vehicle { odometer { miles rejectedReadings } } }")
    answer = await write(void, input={"id": found[0]["id"], "reason": "the other car"})
    assert answer["voidEvent"]["event"]["vehicle"]["odometer"] == {"miles": 1100, "rejectedReadings": 0}

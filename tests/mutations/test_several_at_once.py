"""Several mutations in an operation, whose savepoint is one that is used again, and what is lost in between."""

from __future__ import annotations

from itertools import product

import psycopg
import pytest

from sql.session import Session
from tests.mutations.documents import ERRORS, mutation

pytestmark = pytest.mark.database

WRITER, READER = "dispatcher@enterprise.example", "viewer@enterprise.example"
NOBODY = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
VIN = "1M8GDM9AXKP042788"
RECORD = mutation("recordEvents", "RecordEventsInput!", "events { id }")


def step(kind, number, vehicle):
    """A mutation that is done, that the database refuses, or that is refused after it wrote a row."""
    if kind == "done":
        return f'm{number}: createVehicle(input: {{label: "kept {number}"}}) {{ vehicle {{ label }} {ERRORS} }}'
    if kind == "violation":
        given = f'{{label: "lost {number}", vin: "{VIN}"}}'
        return f"m{number}: createVehicle(input: {given}) {{ vehicle {{ label }} {ERRORS} }}"
    events = ", ".join(
        f'{{vehicleId: "{id_}", eventType: ODOMETER_READING, occurredAt: "2026-10-01T00:00:00Z",'
        f" payload: {{miles: {number}}}}}"
        for id_ in (vehicle, NOBODY)
    )
    return f"m{number}: recordEvents(input: {{events: [{events}]}}) {{ events {{ id }} {ERRORS} }}"


@pytest.fixture
async def vehicle(write):
    """A vehicle whose VIN is taken."""
    made = await write(f'mutation {{ createVehicle(input: {{label: "Van", vin: "{VIN}"}}) {{ vehicle {{ id }} }} }}')
    return made["createVehicle"]["vehicle"]["id"]


async def test_every_order_of_done_and_refused_changes_keeps_just_the_done_ones(write, vehicle, rows):
    """Each has the savepoint for itself, also after one before it went back to it."""
    codes = {"done": [], "violation": ["VIN_TAKEN"], "mistake": ["NOT_FOUND"]}
    count = "select (select count(*) from manual_events) as events, (select count(*) from vehicles) as vehicles"
    (before,) = rows(count)
    done = 0
    for kinds in product(codes, repeat=3):
        operation = " ".join(step(kind, number, vehicle) for number, kind in enumerate(kinds))
        answer = await write(f"mutation {{ {operation} }}")
        told = [[error["code"] for error in answer[f"m{number}"]["userErrors"]] for number in range(3)]
        assert told == [codes[kind] for kind in kinds], kinds
        done += kinds.count("done")
        assert rows(count) == [{"events": before["events"], "vehicles": before["vehicles"] + done}], kinds
    assert rows("select from vehicles where label like 'lost%%'") == []
    assert rows("select from audit_trail where new_values ->> 'label' like 'lost%%'") == []


async def test_the_savepoint_costs_a_round_trip_only_between_changes(write, vehicle, monkeypatch):
    """The first comes with the beginning and the last goes with the end; one that was gone back to is still there."""
    controls = []
    control = Session._control  # noqa: SLF001 - what goes over the wire is its point

    async def spied(session, command):
        controls.append(command)
        await control(session, command)

    monkeypatch.setattr(Session, "_control", spied)
    forward, back = "release savepoint change; savepoint change", "rollback to savepoint change"
    for kinds, expected in (
        (["done"], []),
        (["done", "done", "done"], [forward, forward]),
        (["violation", "done", "done"], [back, forward]),
        (["done", "mistake", "done"], [forward, back]),
        (["mistake", "violation"], [back, back]),
    ):
        controls.clear()
        operation = " ".join(step(kind, number, vehicle) for number, kind in enumerate(kinds))
        await write(f"mutation {{ {operation} }}")
        assert controls == expected, kinds


@pytest.fixture
async def ids(write, rows):
    """Vehicles by what the writer may do with them."""
    made = {}
    for name in ("California", "Europe", "no group"):
        group = rows("select id::text from fleet_groups where name = %s", name)
        placed = f', fleetGroupId: "{group[0]["id"]}"' if group else ""
        answer = await write(f'mutation {{ createVehicle(input: {{label: "{name}"{placed}}}) {{ vehicle {{ id }} }} }}')
        made[name] = answer["createVehicle"]["vehicle"]["id"]
    return made


def readings(*vehicles):
    """The input of a reading of each."""
    return {
        "events": [
            {
                "vehicleId": id_,
                "eventType": "ODOMETER_READING",
                "occurredAt": "2026-10-01T00:00:00Z",
                "payload": {"miles": 1},
            }
            for id_ in vehicles
        ]
    }


async def test_events_of_vehicles_that_may_not_be_changed_are_none_and_told_by_their_place(write, ids, rows):
    """What is not there and what is not seen look the same; what is seen and not for the caller is told so."""
    for person, vehicle, code in (
        (WRITER, NOBODY, "NOT_FOUND"),
        (WRITER, ids["no group"], "NOT_FOUND"),
        (WRITER, ids["Europe"], "FORBIDDEN"),
        (READER, ids["California"], "FORBIDDEN"),
    ):
        given = readings(ids["California"], vehicle) if person == WRITER else readings(vehicle)
        answer = (await write(RECORD, person, input=given))["recordEvents"]
        place = ["events", str(len(given["events"]) - 1), "vehicleId"]
        assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [(code, place)]
    assert rows("select from manual_events where vehicle_id = any(%s::uuid[])", list(ids.values())) == []


async def test_a_vehicle_that_comes_within_reach_at_that_very_moment_is_a_conflict(
    write, writable, ids, rows, monkeypatch
):
    """The statement did not see it there and the look afterwards does: the caller is to try again, and then can."""
    fetch = Session.fetch
    (group,) = rows("select id::text from fleet_groups where name = 'California'")

    async def moved_after(session, name, /, **parameters):
        found = await fetch(session, name, **parameters)
        if name == "record_manual_events":
            with psycopg.connect(writable.owner) as connection:
                connection.execute(
                    "update vehicles set fleet_group_id = %s where id = %s", [group["id"], ids["Europe"]]
                )
        return found

    given = readings(ids["California"], ids["Europe"])
    with monkeypatch.context() as patched:
        patched.setattr(Session, "fetch", moved_after)
        answer = (await write(RECORD, WRITER, input=given))["recordEvents"]
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [("VERSION_CONFLICT", ["vehicleId"])]
    assert rows("select from manual_events where vehicle_id = any(%s::uuid[])", list(ids.values())) == []
    again = (await write(RECORD, WRITER, input=given))["recordEvents"]
    assert (len(again["events"]), again["userErrors"]) == (2, [])

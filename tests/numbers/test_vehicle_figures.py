"""Figures of vehicles in the graph: as worked out by hand from what the caller sees, and at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sql.embedded import Addresses
from tests.conftest import Ask

pytestmark = pytest.mark.database

OWNER, VIEWER, DISPATCHER = (f"{name}@enterprise.example" for name in ("owner", "viewer", "dispatcher"))
PREDICTIONS = """
  query Predictions($first: Int!) {
    vehicles(first: $first) {
      nodes {
        id make model serviceStatus { state }
        prediction { nextServiceDate earliest latest riskScore factors asOf methodVersion }
      }
    }
  }
"""
PERIOD = {"start": "2026-03-01", "end": "2026-06-01"}
ALL = """
  query All($period: Period, $first: Int!) {
    vehicles(first: $first) {
      nodes {
        id
        odometer { miles readAt rejectedReadings }
        odometerReadings(rejected: true) { rejectedReason }
        fuelEconomy(period: $period) { miles gallons mpg fuelCostPerMile unavailableReason spans { endedAt miles mpg } }
        serviceStatus { state milesSinceService milesRemaining }
      }
    }
    vehiclesDue(first: 200) { id serviceStatus { state milesRemaining } }
  }
"""


@pytest.fixture(scope="module")
def rows(demo: Addresses) -> dict[str, list[dict[str, Any]]]:
    """What is stored of every vehicle, by its id."""
    found: dict[str, list[dict[str, Any]]] = {}
    with psycopg.connect(demo.owner, row_factory=dict_row) as connection:
        for table in ("fuel_spans", "odometer_readings"):
            for row in connection.execute(f"select * from {table}"):
                found.setdefault(f"{table}/{row['vehicle_id']}", []).append(row)
    return found


@pytest.mark.parametrize("person", [OWNER, VIEWER])
@pytest.mark.parametrize("period", [None, PERIOD])
async def test_every_vehicle_against_its_rows(ask: Ask, rows, person: str, period: dict[str, str] | None):
    """Economy over the spans that end in the period; the latest accepted reading; due where the state says so."""
    answer = await ask(ALL, person, first=200, period=period)
    assert not answer.errors
    nodes = answer.data["vehicles"]["nodes"]
    start, end = (
        (datetime.fromisoformat(f"{period[key]}T00:00Z") for key in ("start", "end")) if period else (None, None)
    )
    for node in nodes:
        spans = [
            span
            for span in rows.get(f"fuel_spans/{node['id']}", [])
            if span["rejected_reason"] is None and (start is None or start <= span["ended_at"] < end)
        ]
        economy = node["fuelEconomy"]
        miles, gallons = sum(s["miles"] for s in spans), sum(s["gallons"] for s in spans)
        assert (economy["miles"], float(economy["gallons"])) == (miles, pytest.approx(float(gallons)))
        assert (economy["mpg"] is None) == (not spans) == (economy["unavailableReason"] is not None)
        if spans:
            assert economy["mpg"] == pytest.approx(miles / float(gallons))
            assert float(economy["fuelCostPerMile"]) == pytest.approx(
                float(sum(s["cost"] for s in spans)) / miles, abs=1e-4
            )
        readings = rows[f"odometer_readings/{node['id']}"]
        latest = max(
            (r for r in readings if r["rejected_reason"] is None), key=lambda r: (r["occurred_at"], r["miles"])
        )
        rejected = sum(r["rejected_reason"] is not None for r in readings)
        assert node["odometer"] == {
            "miles": latest["miles"],
            "readAt": latest["occurred_at"].astimezone(UTC).isoformat(),
            "rejectedReadings": rejected,
        }
        assert len(node["odometerReadings"]) == rejected
    seen = {node["id"]: node["serviceStatus"] for node in nodes}
    due = answer.data["vehiclesDue"]
    assert {one["serviceStatus"]["state"] for one in due} <= {"DUE_SOON", "DUE", "OVERDUE"}
    if person == VIEWER:  # who sees fewer than a page
        assert {one["id"] for one in due} == {id_ for id_, s in seen.items() if s["state"] not in {"OK", "UNKNOWN"}}
    assert due


async def test_due_in_a_group_and_below_it(ask: Ask):
    """With includeDescendants the sum of the group's and those of the groups below."""
    groups = await ask("{ fleetGroups(first: 200) { nodes { id name } } }", OWNER)
    (west,) = [g["id"] for g in groups.data["fleetGroups"]["nodes"] if g["name"] == "US West"]
    query = "query Due($id: ID!, $below: Boolean!) { vehiclesDue(groupId: $id, includeDescendants: $below) { label } }"
    below = await ask(query, OWNER, id=west, below=True)
    alone = await ask(query, OWNER, id=west, below=False)
    everywhere = await ask("{ vehiclesDue(first: 200) { label } }", OWNER)
    assert 0 < len(below.data["vehiclesDue"]) < len(everywhere.data["vehiclesDue"])
    assert len(alone.data["vehiclesDue"]) < len(below.data["vehiclesDue"])
    assert [issued.name for issued in below.issued] == ["vehicles_due"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ vehiclesDue(first: 0) { id } }", "INVALID_PAGE"),
        ("{ vehiclesDue(first: 100000) { id } }", "INVALID_PAGE"),
        ('{ vehiclesDue(groupId: "x") { id } }', "INVALID_ID"),
        ('{ vehicles(first: 1) { nodes { fuelEconomy(period: {start: "2026-02-01", end: "2026-02-01"}) { mpg } } } }',
         "INVALID_PERIOD"),
    ],
)  # fmt: skip
async def test_what_cannot_be_asked(ask: Ask, query: str, code: str):
    """Each with its code."""
    (error,) = (await ask(query, OWNER)).errors
    assert error["extensions"]["code"] == code


@pytest.mark.parametrize("person", [OWNER, VIEWER, DISPATCHER])
async def test_predictions_rest_on_what_the_caller_sees(ask: Ask, demo: Addresses, person: str):
    """The vehicles of a class that factors tell are those that the caller may see; one statement for a level.

    So a viewer's figures hold nothing of hidden groups, and the owner's of the same vehicle can be others.
    """
    answer = await ask(PREDICTIONS, person, first=200)
    assert not answer.errors
    assert [issued.name for issued in answer.issued].count("predictions_by_vehicle") == 1
    nodes = answer.data["vehicles"]["nodes"]
    if person != OWNER:  # who sees more than a page
        seen = {node["id"] for node in nodes}
        with psycopg.connect(demo.owner) as connection:
            driven = connection.execute(
                "select v.make, v.model, max(r.driven) from odometer_readings r join vehicles v on v.id = r.vehicle_id"
                " where v.id::text = any (%s) group by v.make, v.model, v.id",
                [list(seen)],
            ).fetchall()
    for node in nodes:
        told = node["prediction"]
        factors, asked = told["factors"], told["asOf"]
        days = [told[key] for key in ("earliest", "nextServiceDate", "latest")]
        assert asked <= days[0] <= days[1] <= days[2]
        risk = 1 - (1 - factors["p_repair"]) * (1 - factors["p_overdue"]) * (1 - factors["p_open_issue"])
        assert told["riskScore"] == pytest.approx(risk, abs=2e-4)
        assert (factors["p_overdue"] == 1) == (node["serviceStatus"]["state"] == "OVERDUE")
        assert (days[1] == asked) >= (node["serviceStatus"]["state"] in {"DUE", "OVERDUE"})
        if person != OWNER:
            of_class = [
                miles
                for make, model, miles in driven
                if factors["class"]["of"] == "TENANT" or (make, model) == (node["make"], node["model"])
            ]
            assert (factors["class"]["vehicles"], factors["class"]["miles"]) == (len(of_class), sum(of_class))


async def test_a_prediction_of_a_foreign_vehicle_is_as_of_none(ask: Ask, demo: Addresses):
    """Of another tenant, of a hidden group, and of nothing: the same answer."""
    query = "query P($id: ID!) { vehicle(id: $id) { prediction { riskScore factors } } }"
    with psycopg.connect(demo.owner) as connection:
        ids = [
            row[0]
            for row in connection.execute(
                "select distinct on (t.name) v.id::text from vehicles v join tenants t on t.id = v.tenant_id"
                " where t.name = 'Medium' or t.name = 'Enterprise' and v.fleet_group_id is null"
            )
        ]
    answers = [(await ask(query, VIEWER, id=id_)) for id_ in (*ids, "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9")]
    assert [(one.data, one.errors) for one in answers] == [({"vehicle": None}, [])] * 3

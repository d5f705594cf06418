"""Verification: what was changed by mutations is what the stream says, and what was not is found."""

from __future__ import annotations

import random

import psycopg
import pytest

from sql.errors import SetupError
from sql.verification import verify
from tests.mutations.documents import mutation

pytestmark = pytest.mark.database

CREATE_GROUP = mutation("createFleetGroup", "CreateFleetGroupInput!", "fleetGroup { id }")
MOVE_GROUP = mutation("moveFleetGroup", "MoveFleetGroupInput!", "fleetGroup { id }")
RENAME_GROUP = mutation("updateFleetGroup", "UpdateFleetGroupInput!", "fleetGroup { id }")
DELETE_GROUP = mutation("deleteFleetGroup", "DeleteInput!", "deletedId")
CREATE = mutation("createVehicle", "CreateVehicleInput!", "vehicle { id }")
UPDATE = mutation("updateVehicle", "UpdateVehicleInput!", "vehicle { id }")
MOVE = mutation("moveVehicles", "MoveVehiclesInput!", "vehicles { id }")
DELETE = mutation("deleteVehicle", "DeleteInput!", "deletedId")


@pytest.fixture
def found(writable):
    """What differs, as the command line tells it, without the ids."""

    def found(tenant: str | None = None) -> list[str]:
        return [
            f"{verified.name}, {difference.aggregate_type}: {difference.told}"
            for verified in verify(writable.owner, tenant)
            for difference in verified.differences
        ]

    return found


@pytest.fixture
def behind(writable):
    """Runs a statement behind the triggers' back."""

    def behind(table: str, statement: str, *parameters: object) -> None:
        with psycopg.connect(writable.owner) as connection:
            connection.execute(f"alter table {table} disable trigger user".encode())
            connection.execute(statement.encode(), parameters)
            connection.execute(f"alter table {table} enable trigger user".encode())

    return behind


async def test_the_demo_is_what_the_stream_says_after_any_number_of_changes(write, found, rows):
    """Every tenant of the demo, as it was loaded and after changes at random; refused ones leave nothing either."""
    assert found() == []
    chance = random.Random(11)  # noqa: S311
    groups = [str(row["id"]) for row in rows("select g.id from fleet_groups g join tenants t on t.id = g.tenant_id"
                                             " where t.name = 'Enterprise'")]  # fmt: skip
    vehicles = []
    for number in range(150):
        group, other = chance.choice(groups), chance.choice(groups)
        vehicle = chance.choice(vehicles) if vehicles else None
        match chance.randrange(8):
            case 0:
                made = await write(CREATE_GROUP, input={"name": f"Group {number}", "parentId": group})
                groups.append(made["createFleetGroup"]["fleetGroup"]["id"])
            case 1:
                await write(MOVE_GROUP, input={"id": group, "newParentId": other})
            case 2:
                await write(RENAME_GROUP, input={"id": group, "name": f"Group {number}", "metadata": {"n": number}})
            case 3:
                answer = await write(DELETE_GROUP, input={"id": group})
                if answer["deleteFleetGroup"]["deletedId"]:
                    groups.remove(group)
            case 4 | 5:
                made = await write(CREATE, input={"label": f"Car {number}", "fleetGroupId": group})
                vehicles.append(made["createVehicle"]["vehicle"]["id"])
            case 6 if vehicle:
                await write(UPDATE, input={"id": vehicle, "make": chance.choice([None, "Ford"]), "label": f"C{number}"})
                await write(MOVE, input={"vehicleIds": [vehicle], "fleetGroupId": other})
            case 7 if vehicle:
                await write(DELETE, input={"id": vehicle})
                vehicles.remove(vehicle)
    assert rows("select count(*) as n from event_stream where event_type = 'vehicle.deleted'")[0]["n"] > 0
    assert found() == []


@pytest.mark.parametrize(
    ("table", "statement", "expected"),
    [
        (
            "vehicles",
            ("update vehicles set label = 'Stolen', version = version + 1 where id = (select id from vehicles"
            " where tenant_id = (select id from tenants where name = 'Enterprise') and version = 1"
                " order by id limit 1)"),
            ["Enterprise, vehicle: label: {label} in the stream, Stolen in the table",
             "Enterprise, vehicle: version: 1 in the stream, 2 in the table"],
        ),
        (
            "memberships",
            ("update memberships set role = 'viewer' where role = 'manager' and user_id ="
            " (select id from users where email = 'manager@enterprise.example')"),
            ["Enterprise, user: role: manager in the stream, viewer in the table"],
        ),
        (
            "fleet_groups",
            "insert into fleet_groups (tenant_id, name) select id, 'Ghosts' from tenants where name = 'Enterprise'",
            ["Enterprise, fleet_group: nothing in the stream, a row in the table"],
        ),
        (
            "event_stream",
            ("insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, version)"
            " select id, 'vehicle', gen_random_uuid(), 'vehicle.created', '{}', 3 from tenants"
                " where name = 'Enterprise'"),
            ["Enterprise, vehicle: a row in the stream, nothing in the table",
             "Enterprise, vehicle: versions 3 to 3, 1 of them, in 1 events"],
        ),
    ],
    ids=["vehicle", "membership", "fleet group", "gap"],
)  # fmt: skip
def test_what_was_changed_behind_the_triggers_is_found(found, behind, rows, table, statement, expected):
    """By its column, and only that; and in its tenant alone."""
    label = rows("select v.label from vehicles v join tenants t on t.id = v.tenant_id where t.name = 'Enterprise'"
                 " and v.version = 1 order by v.id limit 1")[0]["label"]  # fmt: skip
    behind(table, statement)
    assert sorted(found()) == sorted(line.format(label=label) for line in expected)
    assert found("Enterprise") == found()
    assert found("solo") == []


def test_a_version_that_is_there_twice_is_found(found, behind):
    """Only without the constraint that refuses it."""
    behind("event_stream", "alter table event_stream drop constraint"
           " event_stream_tenant_id_aggregate_type_aggregate_id_version_key")  # fmt: skip
    behind(
        "event_stream",
        "insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, version)"
        " select s.tenant_id, s.aggregate_type, s.aggregate_id, 'vehicle.updated', '{}', 1 from event_stream s"
        " join tenants t on t.id = s.tenant_id"
        " where t.name = 'Enterprise' and s.aggregate_type = 'vehicle' order by s.id limit 1",
    )
    assert found() == ["Enterprise, vehicle: versions 1 to 1, 1 of them, in 2 events"]


def test_a_tenant_that_is_not_there_is_told(found):
    """By its name."""
    with pytest.raises(SetupError, match=r"^There is no tenant Nobody\. Tenants: .*Enterprise, .*\.$"):
        found("Nobody")

"""Changes of vehicles and groups, end to end on a demo of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from tests.mutations.documents import ERRORS, mutation

pytestmark = pytest.mark.database

CREATE = mutation(
    "createVehicle", "CreateVehicleInput!", "vehicle { id label vin version fleetGroup { name } } warnings { code }"
)
UPDATE = mutation("updateVehicle", "UpdateVehicleInput!", "vehicle { label notes make version }")
GROUPS = "{ fleetGroups(first: 50) { nodes { id name version } } }"


async def groups(write, person="owner@enterprise.example"):
    """The ids of groups by name."""
    return {group["name"]: group["id"] for group in (await write(GROUPS, person))["fleetGroups"]["nodes"]}


async def test_a_vehicle_is_made_changed_moved_and_deleted(write, rows):
    """And each step is in the stream, once, with its version."""
    ids = await groups(write)
    made = await write(
        CREATE, input={"label": " Van 1 ", "fleetGroupId": ids["California"], "vin": "1m8gdm9a-xkp042788"}
    )
    vehicle = made["createVehicle"]["vehicle"]
    assert made["createVehicle"]["userErrors"] == made["createVehicle"]["warnings"] == []
    assert (vehicle["label"], vehicle["vin"], vehicle["version"]) == ("Van 1", "1M8GDM9AXKP042788", 1)
    changed = await write(UPDATE, input={"id": vehicle["id"], "notes": "New.", "make": None, "expectedVersion": 1})
    assert changed["updateVehicle"]["vehicle"] == {"label": "Van 1", "notes": "New.", "make": None, "version": 2}
    moved = await write(
        mutation("moveVehicles", "MoveVehiclesInput!", "vehicles { version fleetGroup { name } }"),
        input={"vehicleIds": [vehicle["id"]], "fleetGroupId": ids["Oregon"]},
    )
    assert moved["moveVehicles"] == {"vehicles": [{"version": 3, "fleetGroup": {"name": "Oregon"}}], "userErrors": []}
    gone = await write(
        mutation("deleteVehicle", "DeleteInput!", "deletedId"),
        input={"id": vehicle["id"], "expectedVersion": 3},
    )
    assert gone["deleteVehicle"] == {"deletedId": vehicle["id"], "userErrors": []}
    stream = rows(
        "select event_type, version from event_stream where aggregate_id = %s order by version", vehicle["id"]
    )
    assert [tuple(row.values()) for row in stream] == [
        ("vehicle.created", 1),
        ("vehicle.updated", 2),
        ("vehicle.moved", 3),
        ("vehicle.deleted", 4),
    ]


async def test_a_stale_version_is_a_conflict_and_changes_nothing(write):
    """Of two changes from one version the second is told."""
    vehicle = (await write(CREATE, input={"label": "Van"}))["createVehicle"]["vehicle"]
    answers = await asyncio.gather(
        *(write(UPDATE, input={"id": vehicle["id"], "notes": str(n), "expectedVersion": 1}) for n in range(4))
    )
    codes = [[error["code"] for error in answer["updateVehicle"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[], *[["VERSION_CONFLICT"]] * 3]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"label": " "}, "INVALID", ["label"]),
        ({"label": "x" * 201}, "INVALID", ["label"]),
        ({"label": "Van", "vin": "IOQ"}, "VIN_INVALID", ["vin"]),
        ({"label": "Van", "fleetGroupId": "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"}, "NOT_FOUND", ["fleetGroupId"]),
        ({"label": "Van", "fleetGroupId": "nonsense"}, "NOT_FOUND", ["fleetGroupId"]),
        ({"label": "Van", "baselineFuelMpg": "25.46"}, "OUT_OF_RANGE", ["baselineFuelMpg"]),
        ({"label": "Van", "baselineFuelMpg": "0"}, "OUT_OF_RANGE", ["baselineFuelMpg"]),
        ({"label": "Van", "baselineServiceIntervalMiles": 0}, "OUT_OF_RANGE", ["baselineServiceIntervalMiles"]),
        ({"label": "Van", "extendedAttributes": [1]}, "INVALID", ["extendedAttributes"]),
    ],
)
async def test_mistakes_are_told_as_data(write, rows, given, code, field):
    """With a stable code and the path into the input; nothing is written."""
    before = rows("select count(*) as n from vehicles")
    answer = (await write(CREATE, input=given))["createVehicle"]
    assert answer["vehicle"] is None
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [(code, field)]
    assert rows("select count(*) as n from vehicles") == before


async def test_one_refused_change_leaves_those_beside_it(write):
    """Each mutation of an operation stands or falls for itself."""
    answer = await write(
        f"""mutation {{
          a: createVehicle(input: {{label: "A", vin: "1M8GDM9AXKP042788"}}) {{ vehicle {{ label }} {ERRORS} }}
          b: createVehicle(input: {{label: "B", vin: "1M8GDM9AXKP042788"}}) {{ vehicle {{ label }} {ERRORS} }}
          c: createVehicle(input: {{label: "C"}}) {{ vehicle {{ label }} {ERRORS} }}
        }}"""
    )
    assert [answer[key]["vehicle"] for key in "abc"] == [{"label": "A"}, None, {"label": "C"}]
    assert answer["b"]["userErrors"][0]["code"] == "VIN_TAKEN"
    kept = await write('{ vehicles(filter: {label: {in: ["A", "B", "C"]}}) { nodes { label } } }')
    assert [vehicle["label"] for vehicle in kept["vehicles"]["nodes"]] == ["A", "C"]


async def test_a_key_makes_a_repeated_change_write_once(write, rows):
    """Also when both arrive at the same moment; with another input it is refused."""
    given = {"label": "Once", "idempotencyKey": "key-1"}
    answers = await asyncio.gather(*(write(CREATE, input=given) for _ in range(4)))
    assert len({answer["createVehicle"]["vehicle"]["id"] for answer in answers}) == 1
    assert rows("select count(*) as n from vehicles where label = 'Once'") == [{"n": 1}]
    other = (await write(CREATE, input=given | {"label": "Twice"}))["createVehicle"]
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    somebody = (await write(CREATE, "manager@enterprise.example", input=given))["createVehicle"]["vehicle"]
    assert somebody["id"] != answers[0]["createVehicle"]["vehicle"]["id"]


async def test_a_group_made_by_its_administrator_is_theirs_at_once(write, rows):
    """A viewer with ADMIN makes a group below theirs, sees it in the answer and changes it in the same operation."""
    person = "dispatcher@enterprise.example"
    rows(
        """update group_permissions p set permission_level = 'admin' from users u
            where u.id = p.user_id and u.email = %s returning 1""",
        person,
    )
    ids = await groups(write, person)
    make = mutation("createFleetGroup", "CreateFleetGroupInput!", "fleetGroup { id name myPermission parent { name } }")
    made = (await write(make, person, input={"name": "New", "parentId": ids["California"]}))["createFleetGroup"]
    assert made["userErrors"] == []
    assert made["fleetGroup"]["myPermission"] == "ADMIN"
    assert made["fleetGroup"]["parent"] == {"name": "California"}
    top = (await write(make, person, input={"name": "Top"}))["createFleetGroup"]
    assert [error["code"] for error in top["userErrors"]] == ["FORBIDDEN"]


async def test_a_group_does_not_move_below_itself(write):
    """Not below a child either."""
    ids = await groups(write)
    move = mutation("moveFleetGroup", "MoveFleetGroupInput!", "fleetGroup { version }")
    for parent in ("US West", "California"):
        answer = (await write(move, input={"id": ids["US West"], "newParentId": ids[parent]}))["moveFleetGroup"]
        assert [error["code"] for error in answer["userErrors"]] == ["CYCLE"]
    full = await write(f'mutation {{ deleteFleetGroup(input: {{id: "{ids["US West"]}"}}) {{ deletedId {ERRORS} }} }}')
    assert full["deleteFleetGroup"]["userErrors"][0]["code"] == "NOT_EMPTY"

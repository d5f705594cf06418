"""Who may change what: every mutation tried by everybody, as a table in docs/who-may-change.md."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from sql.people import member
from sql.session import Caller
from tests.mutations.documents import mutation

pytestmark = pytest.mark.database

PAGE = Path(__file__).resolve().parents[2] / "docs" / "who-may-change.md"
PEOPLE = ("owner", "manager", "viewer", "dispatcher", "newcomer", "lead")
TOLD = {"": "yes", "FORBIDDEN": "no", "NOT_FOUND": "not there"}
HEAD = """# Who may change what

Every mutation, tried by people of the demo's Enterprise tenant on the same things: the group California, a vehicle in
it, an event of that vehicle. This page is written by a test that does so.

| person | role | granted |
|---|---|---|
| owner | owner | |
| manager | manager | |
| viewer | viewer | READ on US West, above California |
| dispatcher | viewer | WRITE on California |
| newcomer | viewer | nothing |
| lead | viewer | ADMIN on California |

`yes` is done, `no` refused as FORBIDDEN, `not there` refused as NOT_FOUND: what a person does not see looks like what
does not exist.

"""


@pytest.fixture
def things(rows):
    """What is to be changed, and a lead beside the people that the demo has."""
    rows(
        """with person as (
             insert into users (email, name) values ('lead@enterprise.example', 'Ada Lead') returning id
           ), member as (
             insert into memberships (tenant_id, user_id, role)
             select t.id, p.id, 'viewer' from tenants t, person p where t.name = 'Enterprise' returning user_id
           )
           select 1 from member"""
    )
    rows(
        """insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)
           select g.tenant_id, u.id, g.id, 'admin', o.user_id
             from fleet_groups g
             join users u on u.email = 'lead@enterprise.example'
             join memberships o on o.tenant_id = g.tenant_id and o.role = 'owner'
            where g.name = 'California' returning 1"""
    )
    (found,) = rows(
        """select g.id as group, p.id as parent, s.id as sibling, v.id as vehicle, o.id as upper, n.id as newcomer,
                  (select id from manual_events e where e.vehicle_id = v.id and e.event_type = 'odometer_reading'
                    order by occurred_at limit 1) as event
             from fleet_groups g
             join fleet_groups p on p.id = g.parent_group_id
             join fleet_groups s on s.parent_group_id = p.id and s.name = 'Oregon'
             join lateral (select id from vehicles where fleet_group_id = g.id order by label limit 1) v on true
             join users n on n.email = 'newcomer@enterprise.example'
             join users o on o.email = 'owner@enterprise.example'
            where g.name = 'California'"""
    )
    return {key: str(value) for key, value in found.items()}


def mutations(t):
    """Every mutation: what it is called in the table, its field, its input, and what of its payload to ask for."""
    when, new = "2026-10-05T08:00:00Z", "fleetGroup { id }"
    event = {"vehicleId": t["vehicle"], "occurredAt": when}
    trip = {"startedAt": when, "endedAt": when, "miles": "1"}
    grant = {"userId": t["newcomer"], "fleetGroupId": t["group"], "permissionLevel": "READ"}
    moved, vehicles, beside = {"vehicleIds": [t["vehicle"]]}, "vehicles { id }", t["sibling"]
    above, added = {"fleetGroupId": t["parent"]}, {"email": "new@enterprise.example", "role": "VIEWER"}
    reading = event | {"eventType": "ODOMETER_READING", "payload": {"miles": 1}}
    return [
        ("createFleetGroup, at the top", "createFleetGroup", {"name": "New"}, new),
        ("createFleetGroup, below it", "createFleetGroup", {"name": "New", "parentId": t["group"]}, new),
        ("updateFleetGroup", "updateFleetGroup", {"id": t["group"], "name": "Renamed"}, new),
        ("moveFleetGroup, to the group beside it", "moveFleetGroup", {"id": t["group"], "newParentId": beside}, new),
        ("deleteFleetGroup, one just made below it", "deleteFleetGroup", {"id": "made"}, "deletedId"),
        ("createVehicle, in it", "createVehicle", {"label": "Van", "fleetGroupId": t["group"]}, "vehicle { id }"),
        ("createVehicle, without a group", "createVehicle", {"label": "Van"}, "vehicle { id }"),
        ("updateVehicle", "updateVehicle", {"id": t["vehicle"], "notes": "New."}, "vehicle { id }"),
        ("moveVehicles, to the group beside it", "moveVehicles", moved | {"fleetGroupId": beside}, vehicles),
        ("moveVehicles, out of all groups", "moveVehicles", moved, vehicles),
        ("deleteVehicle, one just made in it", "deleteVehicle", {"id": "made"}, "deletedId"),
        ("grantGroupPermission, on it", "grantGroupPermission", grant, "permission { id }"),
        ("grantGroupPermission, above it", "grantGroupPermission", grant | above, "permission { id }"),
        ("revokeGroupPermission, one just given on it", "revokeGroupPermission", {"id": "made"}, "deletedId"),
        ("setMembership", "setMembership", added, "membership { role }"),
        ("removeMembership", "removeMembership", {"userId": t["newcomer"]}, "deletedId"),
        ("recordOdometerReading", "recordOdometerReading", event | {"miles": 1}, "event { id }"),
        ("recordFuelPurchase", "recordFuelPurchase", event | {"gallons": "1"}, "event { id }"),
        ("recordMaintenance", "recordMaintenance", event | {"serviceType": "oil_change"}, "event { id }"),
        ("reportIssue", "reportIssue", event | {"severity": "LOW", "description": "Squeaks."}, "event { id }"),
        ("recordTripBatch", "recordTripBatch", {"vehicleId": t["vehicle"], "trips": [trip]}, "event { id }"),
        ("recordEvents", "recordEvents", {"events": [reading]}, "events { id }"),
        ("verifyEvent", "verifyEvent", {"id": t["event"]}, "event { id }"),
        ("voidEvent", "voidEvent", {"id": t["event"], "reason": "Wrong."}, "event { id }"),
    ]  # fmt: skip


MADE = {
    "deleteFleetGroup": """with made as (insert into fleet_groups (tenant_id, parent_group_id, name)
        select tenant_id, id, 'Made' from fleet_groups where id = %s returning id) select id from made""",
    "deleteVehicle": """with made as (insert into vehicles (tenant_id, fleet_group_id, label)
        select tenant_id, id, 'Made' from fleet_groups where id = %s returning id) select id from made""",
    "revokeGroupPermission": """with made as (
          insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)
          select g.tenant_id, m.user_id, g.id, 'read', m.user_id
            from fleet_groups g join memberships m on m.tenant_id = g.tenant_id and m.role = 'manager'
           where g.id = %s returning id) select id from made""",
}


class UndoneError(Exception):
    """Ends a transaction that was only to be looked at."""


async def test_who_may_change_what_is_what_the_page_says(things, engine, database, writable, rows, rewrite):
    """Each change in a transaction that is undone, so that everybody tries the same; each refusal has its reason."""
    made = {field: str(rows(query, things["group"])[0]["id"]) for field, query in MADE.items()}
    lines = ["| mutation | " + " | ".join(PEOPLE) + " |", "|---" * (len(PEOPLE) + 1) + "|"]
    tried, changes = set(), engine.schema._schema.mutation_type.fields  # noqa: SLF001 - as in test_isolation
    for title, field, given, shown in mutations(things):
        tried.add(field)
        type_ = changes[field].args["input"].type
        document = engine.document(mutation(field, type_, shown))
        assert not document.errors, document.errors
        answers = []
        for person in PEOPLE:
            found = await member(writable.owner, f"{person}@enterprise.example", None)
            variables = {"input": {**given, **({"id": made[field]} if given.get("id") == "made" else {})}}
            with suppress(UndoneError):
                async with database.session(Caller(found.user_id, found.tenant_id), writes=True) as session:
                    result = await engine.execute(document, session, variables, None)
                    assert not result.errors, (title, person, result.errors)
                    raise UndoneError
            errors = result.data[field]["userErrors"]
            assert all(error["message"] for error in errors)
            answers.append(TOLD["".join(error["code"] for error in errors)])
        lines.append(f"| {title} | " + " | ".join(answers) + " |")
    assert tried == set(changes), "a mutation is not tried"
    page = HEAD + "\n".join(lines) + "\n"
    if rewrite:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page

"""Plans: what a narrow viewer in a large tenant asks for is found by index, without a function per row."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sql import statements
from sql.database import Database
from sql.demo import DemoSize, load_demo
from sql.embedded import Addresses
from sql.people import member
from sql.session import Caller, Session
from sql.statements import Ordering
from tests.conftest import Databases, name_of

pytestmark = pytest.mark.database

LABEL = (Ordering("label"), Ordering("id"))
LATEST = (Ordering("occurred_at", descending=True), Ordering("id", descending=True))

# The statements behind trees, lists, events, rollups and lookups, with what they are given.
HOTTEST: dict[str, tuple[str, tuple[Ordering, ...], dict[str, Any]]] = {
    "list of vehicles": ("vehicles_page", LABEL, {"limit": 51, "narrow": True}),
    "vehicles by id": ("vehicles_by_id", (), {"ids": "vehicles"}),
    "vehicles of groups": ("vehicles_page_by_group", LABEL, {"ids": "groups", "limit": 6}),
    "vehicles of subtrees": (
        "vehicles_page_by_group",
        LABEL,
        {"ids": "groups", "limit": 6, "include_descendants": True},
    ),
    "tree": ("fleet_tree", (), {}),
    "children": ("fleet_groups_below", (), {"ids": "groups", "depth": 5}),
    "latest events of vehicles": ("manual_events_page_by_vehicle", LATEST, {"ids": "vehicles", "limit": 4}),
    "latest events": ("manual_events_page", LATEST, {"limit": 51, "narrow": True}),
    "events of a type": ("manual_events_page", LATEST, {"limit": 51, "event_type": "issue_report", "narrow": True}),
    "metrics": ("vehicle_metrics_by_vehicle", (), {"ids": "vehicles", "period_type": "daily"}),
    "predictions": ("predictions_by_vehicle", (), {"ids": "vehicles"}),
    "rollups": ("rollups_by_group", (), {"ids": "groups", "spans": True}),
    "rollup of all": ("rollups_by_group", (), {"ids": [], "whole_tenant": True, "granted": True, "spans": True}),
    "costs of all": (
        "cost_breakdown",
        (),
        {
            "by_group": True,
            "interval": "month",
            "driven": True,
            "spent": True,
            "spans": True,
            "granted": True,
            "limit": 100,
        },
    ),
    "costs of whole groups": (
        "cost_breakdown",
        (),
        {
            "stored": True,
            "by_group": True,
            "interval": "month",
            "driven": True,
            "spent": True,
            "spans": True,
            "granted": True,
            "limit": 100,
        },
    ),
    "series of whole groups": (
        "metrics_series",
        (),
        {
            "stored": True,
            "interval": "day",
            "daily": True,
            "driven": True,
            "granted": True,
            "limit": 100,
            "root_id": "group",
            "descendants": True,
            "miles_driven": True,
        },
    ),
    "series of a subtree": (
        "metrics_series",
        (),
        {
            "by_vehicle": True,
            "interval": "day",
            "driven": True,
            "spent": True,
            "granted": True,
            "limit": 100,
            "root_id": "group",
            "descendants": True,
            "miles_driven": True,
            "total_cost": True,
        },
    ),
    "node": ("node_types_by_id", (), {"ids": "vehicles"}),
    "permissions": ("caller_permission_by_group", (), {"ids": "groups"}),
}


@pytest.fixture(scope="module")
def large(databases: Databases, migrated: Addresses) -> Iterator[Addresses]:
    """A tenant in which the viewer sees one group in a hundred."""
    addresses = databases.make(name_of(migrated))
    size = DemoSize(tenants=1, groups=200, vehicles=2000, days=14)
    load_demo(addresses.owner, size=size, until=datetime.date(2026, 11, 1), progress=lambda *_: None)
    yield addresses
    databases.drop(addresses)


@pytest.fixture(scope="module")
async def narrow(large: Addresses) -> AsyncIterator[tuple[Session, dict[str, Any]]]:
    """The viewer's session, and the ids of what they see."""
    database = await Database.connect(large.gateway)
    found = await member(large.owner, "viewer@fleet-1.example", "Fleet 1")
    assert found.tenant_id is not None
    async with database.session(Caller(found.user_id, found.tenant_id)) as session:
        vehicles = await session.fetch("vehicles_page", order=LABEL, limit=100)
        groups = await session.fetch("fleet_groups_page", order=(Ordering("name"), Ordering("id")), limit=100)
        yield (
            session,
            {
                "vehicles": [row["id"] for row in vehicles],
                "groups": [row["id"] for row in groups],
                "group": groups[0]["id"],
            },
        )
    await database.close()


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"'{{{','.join(value)}}}'"
    return f"'{value}'"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


@pytest.mark.parametrize("what", HOTTEST)
async def test_a_narrow_viewer_pays_for_what_they_see(what: str, narrow: tuple[Session, dict[str, Any]]):
    """No node reads rows only to drop them or a tenant's rows in sequence, and none calls a function per row."""
    session, ids = narrow
    name, order, given = HOTTEST[what]
    statement = statements.load()[name]
    values = {"tenant_id": str(session.caller.tenant_id), **given}
    values = {key: ids[value] if isinstance(value, str) and value in ids else value for key, value in values.items()}
    sql, parameters = statement.render(frozenset(key for key in statement.optional if key in given), order)
    connection, prepared = session.connection, "hottest_" + what.replace(" ", "_")
    await connection.execute(f"set local plan_cache_mode = {statement.plan}")
    types = [type_.name for type_ in (await connection.prepare(sql)).get_parameters()]
    await connection.execute(f"prepare {prepared} ({', '.join(types)}) as {sql}")  # explained as it is executed
    literals = ", ".join(_literal(values[key]) for key in parameters)
    (row,) = await connection.fetch(f"explain (analyze, timing off, format json) execute {prepared}({literals})")
    for node in _nodes(json.loads(row[0])[0]["Plan"]):
        loops, dropped = node["Actual Loops"], node.get("Rows Removed by Filter", 0)
        read = (node["Actual Rows"] + dropped) * loops
        assert dropped * loops <= 1000, (
            f"{node['Node Type']} on {node.get('Relation Name')} drops {dropped * loops} rows"
        )
        if node["Node Type"] == "Seq Scan":
            assert read <= 1000, f"a sequential scan of {node['Relation Name']} reads {read} rows"
        assert "app." not in str(node.get("Filter", "")), node["Filter"]

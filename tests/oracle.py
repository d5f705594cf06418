"""Who may see what, by brute force: plain Python over the raw tables, sharing nothing with the policies."""

from __future__ import annotations

from datetime import UTC
from uuid import UUID

import psycopg

TABLES = {
    "tenants": None,
    "users": None,
    "memberships": None,
    "fleet_groups": "fleetGroups",
    "group_permissions": None,
    "granted_subtrees": None,
    "vehicles": "vehicles",
    "manual_events": "events",
    "manual_events_archive": "archivedEvents",
    "uploads": "uploads",
    "explanations": "explanations",
    "event_stream": "eventStream",
    "audit_trail": "auditTrail",
    "fleet_summary_metrics": None,
    "vehicle_metrics": None,
    "vehicle_changes": None,
    "odometer_readings": None,
    "fuel_spans": None,
    "class_rates": None,
    "metrics_due": None,
    "group_changes": None,
    "group_metrics": None,
    "vehicle_calendars": None,
    "explanations_due": None,
    "explanation_runs": None,
    "group_outlooks": None,
    "fleet_summary_changes": None,
    "fleet_summary_runs": None,
    "clients": "clients",
    "client_keys": None,
    "manifests": None,
    "client_documents": None,
    "registered_documents": None,
    "unknown_documents": None,
    "budgets": None,
    "document_usage": "documentUsage",
    "idempotency_keys": None,
    "tenant_keys": None,
}
OF_OWNERS = (
    *("clients", "client_keys", "manifests", "client_documents", "registered_documents", "unknown_documents"),
    *("budgets", "document_usage"),
)
LEVELS = ["read", "write", "admin"]
COSTLY = {"fuel_purchase": "fuelCost", "maintenance": "maintenanceCost"}


class Oracle:
    """The raw tables, and what of them a person may see in a tenant."""

    def __init__(self, address):
        with psycopg.connect(address, row_factory=psycopg.rows.dict_row) as connection:
            listed = connection.execute(
                """select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace
                      and c.relkind in ('r', 'p') and not c.relispartition and c.relname !~ '^_?yoyo'"""
            ).fetchall()
            assert {row["name"] for row in listed} == set(TABLES), "say here who sees the new table"
            connection.execute("delete from group_changes")  # their days are infinite; rolled back
            self.rows = {table: connection.execute(f"select * from {table}").fetchall() for table in TABLES}
            connection.rollback()
        self.users = {row["email"]: row["id"] for row in self.rows["users"]}
        self.tenants = {row["name"]: row["id"] for row in self.rows["tenants"]}
        self.known = {v for rows in self.rows.values() for row in rows for v in row.values() if isinstance(v, UUID)}
        self._seen = {}

    def role(self, person, tenant):
        """The role of a member."""
        key = (self.tenants[tenant], self.users[person])
        (role,) = [row["role"] for row in self.rows["memberships"] if (row["tenant_id"], row["user_id"]) == key]
        return role

    def levels(self, person, tenant):
        """The level that a person holds on each group they see: by role, or the strongest grant on the way up."""
        own = [row for row in self.rows["fleet_groups"] if row["tenant_id"] == self.tenants[tenant]]
        parents = {row["id"]: row["parent_group_id"] for row in own}
        grants = {
            row["fleet_group_id"]: LEVELS.index(row["permission_level"])
            for row in self.rows["group_permissions"]
            if row["user_id"] == self.users[person] and row["tenant_id"] == self.tenants[tenant]
        }
        base = {"owner": 2, "manager": 1, "viewer": -1}[self.role(person, tenant)]
        levels = {}
        for group in parents:
            level, up = base, group
            while up is not None:
                level, up = max(level, grants.get(up, -1)), parents[up]
            if level >= 0:
                levels[group] = LEVELS[level]
        return levels

    def see(self, person, tenant):
        """The rows of each table that a person may see."""
        if (person, tenant) in self._seen:
            return self._seen[person, tenant]
        user, acting, role = self.users[person], self.tenants[tenant], self.role(person, tenant)
        whole, levels = role != "viewer", self.levels(person, tenant)
        own = {table: [row for row in rows if row.get("tenant_id") == acting] for table, rows in self.rows.items()}
        seen = {"fleet_groups": [row for row in own["fleet_groups"] if row["id"] in levels]}
        seen["vehicles"] = [row for row in own["vehicles"] if whole or row["fleet_group_id"] in levels]
        cars = {row["id"] for row in seen["vehicles"]}
        for table in ("manual_events", "manual_events_archive", "uploads", "vehicle_metrics", "explanations"):
            seen[table] = [
                row for row in own[table] if whole or row["vehicle_id"] in cars or row.get("fleet_group_id") in levels
            ]
        seen["fleet_summary_metrics"] = [
            row for row in own["fleet_summary_metrics"] if whole or row["fleet_group_id"] in levels
        ]
        seen["group_permissions"] = [
            row
            for row in own["group_permissions"]
            if whole or row["user_id"] == user or levels.get(row["fleet_group_id"]) == "admin"
        ]
        seen["audit_trail"] = own["audit_trail"] if role == "owner" else []
        seen["idempotency_keys"] = [row for row in own["idempotency_keys"] if row["user_id"] == user]
        seen["tenant_keys"] = own["tenant_keys"] if whole or {"write", "admin"} & set(levels.values()) else []
        seen |= {table: own[table] if role == "owner" else [] for table in OF_OWNERS}
        seen["event_stream"] = own["event_stream"] if whole else []
        seen["memberships"] = [
            row for row in self.rows["memberships"] if row["tenant_id"] == acting or row["user_id"] == user
        ]
        people = {row["user_id"] for row in seen["memberships"]} | {user}
        seen["users"] = [row for row in self.rows["users"] if row["id"] in people]
        mine = {row["tenant_id"] for row in seen["memberships"] if row["user_id"] == user and row["left_at"] is None}
        seen["tenants"] = [row for row in self.rows["tenants"] if row["id"] in mine]
        self._seen[person, tenant] = seen
        return seen

    def ids(self, person, tenant):
        """The ids of all rows that a person may see."""
        return {row["id"] for rows in self.see(person, tenant).values() for row in rows if "id" in row}

    def secrets(self, person, tenant):
        """Names that only hidden rows bear: labels, numbers, addresses and texts."""
        columns = {
            "fleet_groups": ["name", "description"],
            "vehicles": ["label", "vin"],
            "explanations": ["text"],
            "users": ["email", "name"],
            "tenants": ["name"],
            "uploads": ["sha256"],
            "clients": ["name"],
            "client_keys": ["hint"],
            "client_documents": ["document_id", "text"],
            "document_usage": ["document"],
        }

        def texts(rows):
            return {row[c] for table, names in columns.items() for row in rows[table] for c in names if row[c]}

        return texts(self.rows) - texts(self.see(person, tenant))


def subtree(groups, root):
    """A group and all below it."""
    found = {root} & {group["id"] for group in groups}
    while below := {group["id"] for group in groups if group["parent_group_id"] in found} - found:
        found |= below
    return found


def totals(oracle, caller, groups, period):
    """Sums over the visible vehicles of some groups; of all that are visible where none are named."""
    seen = oracle.see(*caller)
    cars = {row["id"] for row in seen["vehicles"] if groups is None or row["fleet_group_id"] in groups}

    def within(day):
        return period is None or period[0] <= day < period[1]

    events = [
        row
        for row in oracle.rows["manual_events"] + oracle.rows["manual_events_archive"]
        if row["vehicle_id"] in cars and within(row["occurred_at"].astimezone(UTC).date())
    ]
    driven = [
        row
        for row in oracle.rows["vehicle_metrics"]
        if row["vehicle_id"] in cars and row["period_type"] == "daily" and within(row["metric_date"])
    ]
    costs = {kind: sum(row["cost"] or 0 for row in events if row["event_type"] == kind) for kind in COSTLY}
    return {
        "groupCount": len(seen["fleet_groups"] if groups is None else groups),
        "vehicleCount": len(cars),
        "milesDriven": sum(row["miles_driven"] or 0 for row in driven),
        "fuelGallons": sum(row["gallons"] or 0 for row in events),
        **{COSTLY[kind]: cost for kind, cost in costs.items()},
    }

"""Rows of a demo tenant's frame: users, the tenant, memberships, groups, grants and vehicles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from sql.demo.blueprint import Blueprint, identity
from sql.demo.vehicle import Vehicle

COLUMNS = {
    "users": ("id", "email", "name", "created_at"),
    "tenants": ("id", "name", "kind", "data_residency_requirements", "created_at"),
    "memberships": ("tenant_id", "user_id", "role", "created_at"),
    "fleet_groups": (
        "tenant_id", "id", "parent_group_id", "name", "description", "group_type", "metadata", "created_at",
    ),
    "group_permissions": (
        "tenant_id", "id", "user_id", "fleet_group_id", "permission_level", "granted_by", "created_at",
    ),
    "vehicles": (
        "tenant_id", "id", "fleet_group_id", "label", "make", "model", "vin", "baseline_fuel_mpg",
        "baseline_service_interval_miles", "notes", "extended_attributes", "created_at",
    ),
}  # fmt: skip
FOUNDED_DAYS_AHEAD = 90
GROUPED_DAYS_AHEAD = 80
BOUGHT_DAYS_AHEAD = 60
OPENING = time(8, tzinfo=UTC)


class Roster:
    """The frame of tenants, made in the months before the first day of their history."""

    def __init__(self, first_day: date) -> None:
        self._first_day = first_day

    def users(self, blueprints: Iterable[Blueprint]) -> list[tuple[Any, ...]]:
        """Everybody once, whatever the number of tenants they belong to."""
        people = {member.person.email: member.person for blueprint in blueprints for member in blueprint.members}
        return [
            (person.id, person.email, person.name, self._at(FOUNDED_DAYS_AHEAD, index, 60))
            for index, person in enumerate(people.values())
        ]

    def tenants(self, blueprints: Iterable[Blueprint]) -> list[tuple[Any, ...]]:
        """The tenants."""
        return [
            (tenant.id, tenant.name, tenant.kind, _json(tenant.residency), self._at(FOUNDED_DAYS_AHEAD, index, 60))
            for index, tenant in enumerate(blueprints)
        ]

    def memberships(self, tenant: Blueprint) -> list[tuple[Any, ...]]:
        """Who belongs to a tenant, the owner first."""
        return [
            (tenant.id, member.person.id, member.role, self._at(FOUNDED_DAYS_AHEAD - 1, index, 60))
            for index, member in enumerate(tenant.members)
        ]

    def fleet_groups(self, tenant: Blueprint) -> list[tuple[Any, ...]]:
        """A tenant's groups, parents before children."""
        return [
            (
                tenant.id,
                tenant.group_id(group.path),
                tenant.group_id(group.parent),
                group.name,
                group.description,
                group.group_type,
                _json(group.metadata),
                self._at(GROUPED_DAYS_AHEAD, index, self._step(len(tenant.groups), 15)),
            )
            for index, group in enumerate(tenant.groups)
        ]

    def group_permissions(self, tenant: Blueprint) -> list[tuple[Any, ...]]:
        """A tenant's grants, all given by its owner."""
        return [
            (
                tenant.id,
                identity(f"{tenant.name}/grant/{grant.person.email}/{grant.group}"),
                grant.person.id,
                tenant.group_id(grant.group),
                grant.level,
                tenant.owner.id,
                self._at(BOUGHT_DAYS_AHEAD + 1, index, 60),
            )
            for index, grant in enumerate(tenant.grants)
        ]

    def vehicle(self, tenant: Blueprint, vehicle: Vehicle) -> tuple[Any, ...]:
        """The values of one vehicle's row."""
        return (
            tenant.id,
            vehicle.id,
            tenant.group_id(vehicle.home),
            vehicle.label,
            vehicle.model.make,
            vehicle.model.name,
            vehicle.vin,
            vehicle.model.mpg,
            vehicle.interval,
            vehicle.notes,
            _json(vehicle.attributes),
            self._at(BOUGHT_DAYS_AHEAD, vehicle.number, self._step(len(tenant.homes), 50)),
        )

    def _at(self, days_ahead: int, index: int, step: float) -> datetime:
        """The ``index``-th moment, ``step`` seconds apart, from the opening hour on a day ahead of the history."""
        return datetime.combine(self._first_day, OPENING) + timedelta(days=-days_ahead, seconds=index * step)

    def _step(self, count: int, days: int) -> float:
        """Seconds between moments so that ``count`` of them pass within ``days``; an hour at most."""
        return min(3600.0, days * 86400 / max(count, 1))


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()

"""Tenants: one customer each, with everything that is theirs."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.errors import OtherTenantError
from resolvers.filters import Period, bounds
from resolvers.fleet_group import ASSUMED_GROUPS, FleetGroup, root_groups
from resolvers.fleet_rollup import FleetRollup, rollups
from resolvers.fleet_summary import FleetSummary, summaries_of_tenant
from resolvers.level import Level, level
from resolvers.limits import Cost, ListSize
from resolvers.loading import Batch, Loaders, one_by
from resolvers.membership import Membership, memberships_of_tenant
from resolvers.node import Node, findable
from resolvers.scalars import Json


@strawberry.enum(description="Who a tenant is.")
class TenantKind(Enum):
    """Kinds of tenants."""

    SOLO = "solo"
    ORG = "org"


async def tenant_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Tenants by id: the acting one and the caller's others."""
    return one_by(ids, await loaders.fetch("tenants_by_id", ids=ids))


@strawberry.type(description="A customer: one driver with one car, or an enterprise with a tree of groups.")
class Tenant(Node):
    """A row of tenants. What lies in a tenant is read in a request that acts in it."""

    name: str = strawberry.field(description="The tenant's name.")
    kind: TenantKind = strawberry.field(description="A single driver or an organisation.")
    plan_name: str = strawberry.field(description="The plan that the tenant subscribes to.")
    primary_region: str = strawberry.field(description="The region that holds the tenant's data.")
    time_zone: str = strawberry.field(
        description="The time zone of the days of vehicles, unless theirs or their group's says otherwise."
    )
    data_residency_requirements: Json = strawberry.field(
        description="Where data may be kept: allowed_regions, prohibited_regions, compliance_requirements, "
        "data_retention_days."
    )
    created_at: datetime.datetime = strawberry.field(description="When the tenant was made.")
    updated_at: datetime.datetime = strawberry.field(description="When the tenant last changed.")

    @level(
        description="The members, by email.",
        directives=[ListSize(assumed_size=50)],
    )
    def memberships(tenants: Level, info: Info) -> list[Membership]:
        """Members of the acting tenant."""
        return _of_acting(tenants, info, memberships_of_tenant)

    @level(
        description="The topmost groups that the caller sees, by name.",
        directives=[ListSize(assumed_size=5, assumed_total=ASSUMED_GROUPS)],
    )
    def root_groups(tenants: Level, info: Info) -> list[FleetGroup]:
        """Roots of the visible tree."""
        return _of_acting(tenants, info, root_groups)

    @level(
        description="Totals over all that the caller may see, each vehicle once.",
        directives=[Cost(weight="4")],
    )
    def rollup(tenants: Level, info: Info, period: Period | None = None) -> FleetRollup:
        """Totals of the tenant."""
        return _of_acting(tenants, info, *rollups(info, period))

    @level(
        description="Stored day figures of the whole tenant, oldest first; for owners and managers.",
        directives=[ListSize(assumed_size=31)],
    )
    def summaries(tenants: Level, info: Info, period: Period | None = None) -> list[FleetSummary]:
        """Day figures of the tenant."""
        return _of_acting(tenants, info, summaries_of_tenant, *bounds(period))


def _of_acting(tenants: Level, info: Info, batch: Batch, *arguments: Hashable) -> Any:
    """What a batch function answers for the acting tenant; of any other one this request tells nothing."""
    acting = info.context.tenant_id

    def refused(values: list[Any]) -> list[Any]:
        return [value if tenant.id == acting else _other(tenant) for tenant, value in zip(tenants, values, strict=True)]

    keys = [tenant.id if tenant.id == acting else None for tenant in tenants]
    return info.context.loaders.level(batch, keys, *arguments, then=refused)


def _other(tenant: Any) -> OtherTenantError:
    return OtherTenantError(
        f"This request acts in another tenant. To read {tenant.name}, send the header X-Tenant-Id: {tenant.id}"
    )


findable("Tenant", tenant_by_id)


@strawberry.type
class TenantQuery:
    """The acting tenant."""

    @level(description="The tenant this request acts in.")
    def tenant(_: Level, info: Info) -> Tenant:
        """The acting tenant."""
        return info.context.loaders.level(tenant_by_id, [info.context.tenant_id])

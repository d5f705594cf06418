"""Tenants: one customer each, with everything that is theirs."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry

from resolvers.context import Info
from resolvers.errors import OtherTenantError
from resolvers.filters import Period
from resolvers.fleet_group import FleetGroup, root_groups
from resolvers.fleet_rollup import FleetRollup, rollup
from resolvers.fleet_summary import FleetSummary, summaries_of_tenant
from resolvers.loading import Loaders, one_by
from resolvers.membership import Membership, memberships_of_tenant
from resolvers.node import Node, findable
from resolvers.scalars import Json


@strawberry.enum(description="Who a tenant is.")
class TenantKind(Enum):
    """Kinds of tenants."""

    SOLO = "solo"
    ORG = "org"


async def tenant_by_id(loaders: Loaders, ids: list[UUID]) -> Sequence[Any]:
    """Tenants by id: the acting one and the caller's others."""
    return one_by(ids, await loaders.fetch("tenants_by_id", ids=ids))


@strawberry.type(description="A customer: one driver with one car, or an enterprise with a tree of groups.")
class Tenant(Node):
    """A row of tenants. What lies in a tenant is read in a request that acts in it."""

    name: str = strawberry.field(description="The tenant's name.")
    kind: TenantKind = strawberry.field(description="A single driver or an organisation.")
    plan_name: str = strawberry.field(description="The plan that the tenant subscribes to.")
    primary_region: str = strawberry.field(description="The region that holds the tenant's data.")
    data_residency_requirements: Json = strawberry.field(
        description="Where data may be kept: allowed_regions, prohibited_regions, compliance_requirements, "
        "data_retention_days."
    )
    created_at: datetime.datetime = strawberry.field(description="When the tenant was made.")
    updated_at: datetime.datetime = strawberry.field(description="When the tenant last changed.")

    @strawberry.field(description="The members, by email.")
    async def memberships(self, info: Info) -> list[Membership]:
        """Members of the acting tenant."""
        _require_acting(self, info)
        return await info.context.loaders.load(memberships_of_tenant, self.id)

    @strawberry.field(description="The topmost groups that the caller sees, by name.")
    async def root_groups(self, info: Info) -> list[FleetGroup]:
        """Roots of the visible tree."""
        _require_acting(self, info)
        return await info.context.loaders.load(root_groups, self.id)

    @strawberry.field(description="Totals over all that the caller may see, each vehicle once.")
    async def rollup(self, info: Info, period: Period | None = None) -> FleetRollup:
        """Totals of the tenant."""
        _require_acting(self, info)
        return await rollup(info, UUID(str(self.id)), period)

    @strawberry.field(description="Stored day figures of the whole tenant, oldest first; for owners and managers.")
    async def summaries(self, info: Info, period: Period | None = None) -> list[FleetSummary]:
        """Day figures of the tenant."""
        _require_acting(self, info)
        return await summaries_of_tenant(info, period)


def _require_acting(tenant: Tenant, info: Info) -> None:
    if tenant.id != info.context.caller.tenant_id:
        raise OtherTenantError(
            f"This request acts in another tenant. To read {tenant.name}, send the header X-Tenant-Id: {tenant.id}"
        )


findable("Tenant", tenant_by_id)


@strawberry.type
class TenantQuery:
    """The acting tenant."""

    @strawberry.field(description="The tenant this request acts in.")
    async def tenant(self, info: Info) -> Tenant:
        """The acting tenant."""
        return await info.context.loaders.load(tenant_by_id, info.context.caller.tenant_id)

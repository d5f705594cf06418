"""The schema: one line for each entity."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers import inputs, level, node, scalars
from resolvers.audit_record import AuditQuery
from resolvers.client import ClientQuery
from resolvers.cost_breakdown import CostBreakdownQuery
from resolvers.document_usage import DocumentUsageQuery
from resolvers.economy_decline import EconomyDeclineQuery
from resolvers.event_mutation import EventMutation
from resolvers.executor import BreadthFirstExecutor
from resolvers.explanation import ExplanationQuery
from resolvers.fleet_group import FleetGroupQuery
from resolvers.fleet_group_mutation import FleetGroupMutation
from resolvers.group_permission_mutation import GroupPermissionMutation
from resolvers.limits import weights
from resolvers.manual_event import ManualEventQuery
from resolvers.membership_mutation import MembershipMutation
from resolvers.metrics_series import MetricsSeriesQuery
from resolvers.node import NodeQuery
from resolvers.paging import FREE
from resolvers.scalars import SCALARS
from resolvers.stream_event import StreamQuery
from resolvers.tenant import TenantQuery
from resolvers.typed_event import EVENT_TYPES
from resolvers.upload import UploadQuery
from resolvers.user import UserQuery
from resolvers.vehicle import VehicleQuery
from resolvers.vehicle_mutation import VehicleMutation
from sql.driver import Row

QUERIES = (
    UserQuery,
    TenantQuery,
    NodeQuery,
    FleetGroupQuery,
    VehicleQuery,
    ManualEventQuery,
    UploadQuery,
    ExplanationQuery,
    StreamQuery,
    AuditQuery,
    ClientQuery,
    DocumentUsageQuery,
    CostBreakdownQuery,
    MetricsSeriesQuery,
    EconomyDeclineQuery,
)


MUTATIONS = (
    FleetGroupMutation,
    VehicleMutation,
    GroupPermissionMutation,
    MembershipMutation,
    EventMutation,
)


def read(source: Any, name: str) -> object:
    """A field without a resolver: a column of a row, or an attribute."""
    return source[name] if isinstance(source, Row) else getattr(source, name)


def build() -> strawberry.Schema:
    """The schema that the gateway serves."""
    schema = strawberry.Schema(
        query=strawberry.type(type("Query", QUERIES, {}), description="The ways into the graph.", directives=FREE),
        mutation=strawberry.type(type("Mutation", MUTATIONS, {}), description="The ways to change it."),
        types=EVENT_TYPES,
        execution_context_class=BreadthFirstExecutor,
        config=StrawberryConfig(default_resolver=read, scalar_map=SCALARS),
    )
    inputs.install(schema)
    level.install(schema)
    node.install(schema)
    scalars.install(schema)
    weights.install(schema)
    return schema


def published() -> str:
    """The schema in GraphQL's definition language, as schema.graphql has it."""
    return build().as_str() + "\n"

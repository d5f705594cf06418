"""What flat rows for BI have in common: which vehicles they count, what they are grouped by, how many there may be."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.errors import InvalidArgumentError, TooManyRowsError
from resolvers.filters import Period, bounds
from resolvers.fleet_group import FleetGroup, fleet_group_by_id
from resolvers.level import Level, level
from resolvers.limits import Cost, ListSize
from resolvers.loading import Loaders, column
from resolvers.scalars import text_of, uuid_of
from resolvers.vehicle import Vehicle, VehicleFilter, vehicle_by_id

MAX_ROWS = 10_000
MAX_PATH = 20
# Defaults of lists: tuples, because Strawberry hashes them.
COST_CENTRE_PATH: Any = ("custom_fields", "cost_center")
UNGROUPED: Any = ()
FLAT = (
    Cost(weight="20"),
    ListSize(assumed_size=1000, slicing_arguments=["first"], maximum_size=MAX_ROWS),
)
"""The directives of a field that is a list of flat rows: it reads whatever its vehicles have in the period."""


@strawberry.type
class FlatRow:
    """What rows of vehicles with the same values of the dimensions have in common."""

    fleet_group_id: strawberry.Private[str | None]
    vehicle_id: strawberry.Private[str | None]
    make: str | None = strawberry.field(description="By MAKE: who built the vehicles.")
    model: str | None = strawberry.field(description="By MODEL: what they were sold as.")
    cost_centre: str | None = strawberry.field(
        description="By COST_CENTRE: the text, number or boolean at costCentrePath; null without one."
    )
    miles_driven: int | None = strawberry.field(description="Miles, from the daily metrics.")
    fuel_gallons: Decimal | None = strawberry.field(description="US gallons bought.")
    fuel_cost: Decimal | None = strawberry.field(description="US dollars paid for fuel.")
    maintenance_cost: Decimal | None = strawberry.field(description="US dollars paid for maintenance.")
    total_cost: Decimal | None = strawberry.field(description="US dollars of fuel and maintenance.")

    @level(description="By GROUP: the group the vehicles are in today; null for those without one.")
    def fleet_group(rows: Level, info: Info) -> FleetGroup | None:
        """The group."""
        return info.context.loaders.level(fleet_group_by_id, column(rows, "fleet_group_id"))

    @level(description="By VEHICLE: the vehicle.")
    def vehicle(rows: Level, info: Info) -> Vehicle | None:
        """The vehicle."""
        return info.context.loaders.level(vehicle_by_id, column(rows, "vehicle_id"))


async def flat_rows(loaders: Loaders, names: list[str], parameters: tuple[tuple[str, Any], ...]) -> Sequence[Any]:
    """The rows of statements, each once. Raises TooManyRowsError for more than may be, where first cuts none off."""
    given = dict(parameters)
    cut = given.pop("first", None)
    limit = MAX_ROWS + 1 if cut is None else cut
    found = [await loaders.fetch(name, **given, limit=limit) for name in names]
    if any(len(rows) > MAX_ROWS for rows in found):
        raise TooManyRowsError(
            f"There are more than {MAX_ROWS} rows. Ask for a shorter period, longer intervals, fewer dimensions or "
            "some of the vehicles; or for the first rows by first."
        )
    return found


def flat(
    info: Info,
    name: str,
    group_by: Sequence[Enum],
    period: Period | None,
    group_id: str | None,
    include_descendants: bool,
    filter: VehicleFilter | None,
    cost_centre_path: Sequence[str],
    first: int | None,
    *,
    stored: bool,
    **more: Any,
) -> Any:
    """The rows of a statement that has the members and the totals of ``costs_and_series.sql``.

    ``stored`` says that the stored totals of groups have every figure; they are taken where no vehicle of a group is
    told from another. Raises InvalidArgumentError, InvalidIdError and InvalidPeriodError.
    """
    if first is not None and not 0 <= first <= MAX_ROWS:
        raise InvalidArgumentError(f"first is {first}: it goes from 0 to {MAX_ROWS}.")
    dimensions = {dimension.value for dimension in group_by}
    start, end = bounds(period)
    filters = {name: value for name, value in filter.parameters().items() if value is not None} if filter else {}
    given = {
        **filters,
        "stored": True if stored and not filters and dimensions <= {"group", "month"} else None,
        **{f"by_{name}": True for name in ("group", "vehicle", "make", "model") if name in dimensions},
        "cost_centre_path": _path(info, cost_centre_path) if "cost_centre" in dimensions else None,
        "period_start": start,
        "period_end": end,
        "root_id": None if group_id is None else uuid_of(group_id, "groupId"),
        "descendants": True if include_descendants else None,
        "first": first,
        **more,
    }
    parameters = tuple(sorted((key, value) for key, value in given.items() if value is not None))
    return info.context.loaders.level(flat_rows, [name], parameters)


def _path(info: Info, path: Collection[str]) -> tuple[str, ...]:
    """A path into extended attributes whose values may be shown to all who see the vehicle."""
    if not 1 <= len(path) <= MAX_PATH:
        raise InvalidArgumentError(f"costCentrePath has {len(path)} keys: it has from 1 to {MAX_PATH}.")
    keys = tuple(text_of(key, "costCentrePath") for key in path)
    keyring = info.context.session.keyring
    if keyring is not None and keyring.fields.cover("vehicles", keys):
        raise InvalidArgumentError("costCentrePath leads to a value that is encrypted: nothing is grouped by those.")
    return keys

"""Changes of vehicles. They take WRITE on the vehicle's group, before and after; owners and managers hold it on all."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.deletion import DeleteInput, DeletePayload
from resolvers.level import Level, level
from resolvers.limits.weights import ListSize
from resolvers.mutation import (
    EXPECTED,
    KEY,
    Change,
    Mistake,
    UserError,
    id_of,
    mistakes,
    mutation,
    new_id,
    not_found,
    object_of,
    oddities,
    perform,
    require_version,
    text,
)
from resolvers.scalars import Json
from resolvers.vehicle import Vehicle, vehicle_by_id
from resolvers.vin import vin_of
from sql.driver import Row

LONGEST_NOTES = 10_000
MOST_VEHICLES = 1000
HIGHEST_MPG = Decimal("999.9")
HIGHEST_INTERVAL = 1_000_000


@strawberry.input(description="A new vehicle.")
class CreateVehicleInput:
    """What a vehicle is made of."""

    label: str = strawberry.field(description="What drivers call it; 1 to 200 characters.")
    fleet_group_id: strawberry.ID | None = strawberry.field(
        default=None, description="The group it belongs to; without one it is for owners and managers."
    )
    make: str | None = strawberry.field(default=None, description="Who built it.")
    model: str | None = strawberry.field(default=None, description="What it was sold as.")
    vin: str | None = strawberry.field(default=None, description="The vehicle identification number.")
    baseline_fuel_mpg: Decimal | None = strawberry.field(
        default=None, description="Expected economy, miles per US gallon, to one decimal."
    )
    baseline_service_interval_miles: int | None = strawberry.field(
        default=None, description="Miles from one service to the next; 5,000 if not given."
    )
    notes: str | None = strawberry.field(default=None, description="Whatever is to be noted.")
    extended_attributes: Json | None = strawberry.field(
        default=None, description="A JSON object: physical, operational, custom_fields."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Changes of a vehicle; what is not given stays.")
class UpdateVehicleInput:
    """What may be changed of a vehicle."""

    id: strawberry.ID = strawberry.field(description="The vehicle.")
    label: str | None = strawberry.field(default=None, description="1 to 200 characters.")
    make: str | None = strawberry.field(default=strawberry.UNSET, description="Null removes it.")
    model: str | None = strawberry.field(default=strawberry.UNSET, description="Null removes it.")
    vin: str | None = strawberry.field(default=strawberry.UNSET, description="Null removes it.")
    baseline_fuel_mpg: Decimal | None = strawberry.field(default=strawberry.UNSET, description="Null removes it.")
    baseline_service_interval_miles: int | None = strawberry.field(
        default=strawberry.UNSET, description="Null removes it."
    )
    notes: str | None = strawberry.field(default=strawberry.UNSET, description="Null removes them.")
    extended_attributes: Json | None = strawberry.field(
        default=None, description="A JSON object; replaces the one there is."
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A new group for vehicles.")
class MoveVehiclesInput:
    """Which vehicles go where."""

    vehicle_ids: list[strawberry.ID] = strawberry.field(description="The vehicles, up to 1,000; all move or none.")
    fleet_group_id: strawberry.ID | None = strawberry.field(
        default=None, description="The group they go to; none takes them out of all groups."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="What became of a change of a vehicle.")
class VehiclePayload:
    """A vehicle, or why it was not changed."""

    id: strawberry.Private[str | None]
    user_errors: list[UserError] = mistakes()
    warnings: list[UserError] = oddities()

    @level(description="The vehicle after the change; null where it was refused.")
    def vehicle(payloads: Level, info: Info) -> Vehicle | None:
        """The vehicle."""
        return info.context.loaders.level(vehicle_by_id, [payload.id for payload in payloads])

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], warnings: list[UserError]) -> VehiclePayload:
        """The payload of a change."""
        return cls(id=ids.get("id"), user_errors=errors, warnings=warnings)


@strawberry.type(description="What became of a move of vehicles.")
class MoveVehiclesPayload:
    """The vehicles moved, or why they were not."""

    ids: strawberry.Private[list[str]]
    user_errors: list[UserError] = mistakes()

    @strawberry.field(
        description="The vehicles after the move, in the order asked for; empty where it was refused.",
        directives=[ListSize(assumed_size=50)],
    )
    async def vehicles(self, info: Info) -> list[Vehicle]:
        """The vehicles that the caller still sees."""
        found = await info.context.loaders.level(vehicle_by_id, self.ids) if self.ids else []
        return [vehicle for vehicle in found if vehicle is not None]

    @classmethod
    def of(cls, ids: dict[str, Any], errors: list[UserError], _warnings: list[UserError]) -> MoveVehiclesPayload:
        """The payload of a move."""
        return cls(ids=ids.get("ids", []), user_errors=errors)


async def require_write(change: Change, group_id: str | None, *path: str) -> None:
    """Raises the mistake that the caller may not write in a group; None is what belongs to no group."""
    if group_id is None:
        if change.session.role == "viewer":
            raise Mistake("FORBIDDEN", "Vehicles without a group are for owners and managers.", *path)
        return
    group = await change.one("fleet_groups_to_change", group_id, "fleet group", *path)
    if not group["may_write"]:
        raise Mistake("FORBIDDEN", "It takes WRITE on this group.", *path)


async def vehicles_to_change(change: Change, asked: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, Row]:
    """Vehicles that the caller may change, by id; each is asked for with its place in the input.

    Raises the mistake of the first that is not there, or not for the caller to change.
    """
    places = list(asked)
    rows = await change.fetch("vehicles_to_change", ids=sorted({id_ for id_, _ in places}))
    found = {row["id"]: row for row in rows}
    for id_, path in places:
        if id_ not in found:
            raise not_found("vehicle", *path)
        if not found[id_]["may_write"]:
            raise Mistake("FORBIDDEN", "It takes WRITE on the vehicle's group.", *path)
    return found


async def vehicle_to_change(change: Change, id_: str, *path: str) -> Row:
    """A vehicle that the caller may change."""
    vehicle_id = id_of(id_, *path)
    return (await vehicles_to_change(change, [(vehicle_id, path)]))[vehicle_id]


def mpg(value: Decimal | None) -> str | None:
    """An economy as it is kept. Raises the mistake that it cannot be one."""
    if value is None:
        return None
    if not 0 < value <= HIGHEST_MPG or value != round(value, 1):
        raise Mistake("OUT_OF_RANGE", "baselineFuelMpg is from 0.1 to 999.9, to one decimal.", "baselineFuelMpg")
    return str(value)


def interval(value: int | None) -> int | None:
    """Miles between services. Raises the mistake that there are too few or too many."""
    if value is not None and not 0 < value <= HIGHEST_INTERVAL:
        raise Mistake(
            "OUT_OF_RANGE",
            f"baselineServiceIntervalMiles is from 1 to {HIGHEST_INTERVAL:,}.",
            "baselineServiceIntervalMiles",
        )
    return value


def _columns(change: Change, given: CreateVehicleInput | UpdateVehicleInput) -> dict[str, Any]:
    """The columns of the input that may be null, by name; without those that are not given."""
    columns: dict[str, Any] = {}
    for name, longest in (("make", 200), ("model", 200), ("notes", LONGEST_NOTES)):
        value = getattr(given, name)
        columns[name] = value if value is strawberry.UNSET or value is None else text(value, name, longest=longest)
    columns["vin"] = given.vin and vin_of(change, given.vin)
    for name, checked in (("baseline_fuel_mpg", mpg), ("baseline_service_interval_miles", interval)):
        value = getattr(given, name)
        columns[name] = value if value is strawberry.UNSET else checked(value)
    return {name: value for name, value in columns.items() if value is not strawberry.UNSET}


async def _attributes(change: Change, id_: str, given: object, stored: str | None = None) -> str | None:
    """Extended attributes as they are stored; None where none are given."""
    if given is None:
        return None
    text_ = object_of(given, "extendedAttributes")
    return await change.sealed("vehicles", id_, text_, "extendedAttributes", stored=stored)


@strawberry.type
class VehicleMutation:
    """Changes of vehicles."""

    @mutation(description="Adds a vehicle; takes WRITE on its group.")
    async def create_vehicle(self, info: Info, input: CreateVehicleInput) -> VehiclePayload:
        """A new vehicle."""

        async def work(change: Change) -> dict[str, Any]:
            group_id = None if input.fleet_group_id is None else id_of(input.fleet_group_id, "fleetGroupId")
            await require_write(change, group_id, "fleetGroupId")
            id_ = new_id()
            await change.fetch(
                "create_vehicle",
                id=id_,
                fleet_group_id=group_id,
                label=text(input.label, "label"),
                extended_attributes=await _attributes(change, id_, input.extended_attributes),
                **_columns(change, input),
            )
            return {"id": id_}

        return await perform(info, VehiclePayload.of, input, work)

    @mutation(description="Changes what is known of a vehicle; takes WRITE on its group.")
    async def update_vehicle(self, info: Info, input: UpdateVehicleInput) -> VehiclePayload:
        """A changed vehicle."""

        async def work(change: Change) -> dict[str, Any]:
            vehicle = await vehicle_to_change(change, input.id, "id")
            require_version(input.expected_version, vehicle["version"])
            columns = _columns(change, input)
            attributes = await _attributes(
                change, vehicle["id"], input.extended_attributes, vehicle["extended_attributes"]
            )
            none = dict.fromkeys(
                ("make", "model", "vin", "notes", "baseline_fuel_mpg", "baseline_service_interval_miles")
            )
            await change.write(
                "update_vehicle",
                id=vehicle["id"],
                label=None if input.label is None else text(input.label, "label"),
                set=list(columns),
                extended_attributes=attributes,
                expected_version=vehicle["version"],
                **(none | columns),
            )
            return {"id": vehicle["id"]}

        return await perform(info, VehiclePayload.of, input, work)

    @mutation(description="Moves vehicles to a group; takes WRITE on where they are and where they go.")
    async def move_vehicles(self, info: Info, input: MoveVehiclesInput) -> MoveVehiclesPayload:
        """Moved vehicles."""

        async def work(change: Change) -> dict[str, Any]:
            if not 1 <= len(input.vehicle_ids) <= MOST_VEHICLES:
                raise Mistake("TOO_MANY", f"1 to {MOST_VEHICLES:,} vehicles move at once.", "vehicleIds")
            group_id = None if input.fleet_group_id is None else id_of(input.fleet_group_id, "fleetGroupId")
            await require_write(change, group_id, "fleetGroupId")
            ids = [id_of(id_, "vehicleIds", str(at)) for at, id_ in enumerate(input.vehicle_ids)]
            await vehicles_to_change(change, ((id_, ("vehicleIds", str(at))) for at, id_ in enumerate(ids)))
            await change.fetch("move_vehicles", ids=sorted(set(ids)), fleet_group_id=group_id)
            return {"ids": list(dict.fromkeys(ids))}

        return await perform(info, MoveVehiclesPayload.of, input, work)

    @mutation(description="Deletes a vehicle without a history; takes WRITE on its group.")
    async def delete_vehicle(self, info: Info, input: DeleteInput) -> DeletePayload:
        """A deleted vehicle."""

        async def work(change: Change) -> dict[str, Any]:
            vehicle = await vehicle_to_change(change, input.id, "id")
            require_version(input.expected_version, vehicle["version"])
            await change.write("delete_vehicle", id=vehicle["id"], expected_version=vehicle["version"])
            return {"id": vehicle["id"]}

        return await perform(info, DeletePayload.of, input, work)

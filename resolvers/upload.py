"""Uploads: photos and files that events are read from."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.errors import InvalidArgumentError
from resolvers.level import Level, level
from resolvers.loading import Loaders, column, many_by, one_by
from resolvers.node import Node, findable
from resolvers.paging import PAGED, Connection, connection, page
from resolvers.scalars import uuid_of
from resolvers.upload_url import MOST_SECONDS
from resolvers.user import User, user_by_id
from resolvers.vehicle import Vehicle, vehicle_by_id
from sql.statements import Ordering


@strawberry.enum(description="How far an upload has come.")
class UploadStatus(Enum):
    """States of an upload."""

    PENDING = "pending"
    STORED = "stored"
    PROCESSED = "processed"
    REJECTED = "rejected"


@strawberry.input(description="Conditions on uploads; all that are given must hold.")
class UploadFilter:
    """Conditions on uploads."""

    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="For this vehicle.")
    status: UploadStatus | None = strawberry.field(default=None, description="In this state.")

    def parameters(self) -> dict[str, Any]:
        """The statement parameters that hold these conditions."""
        return {
            "vehicle_id": None if self.vehicle_id is None else uuid_of(self.vehicle_id, "vehicleId"),
            "status": self.status.value if self.status else None,
        }


async def upload_by_id(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """Uploads by id."""
    return one_by(ids, await loaders.fetch("uploads_by_id", ids=ids))


async def uploads_of_vehicle(loaders: Loaders, ids: list[str]) -> Sequence[Any]:
    """The uploads of a vehicle, newest first."""
    return many_by(ids, await loaders.fetch("uploads_by_vehicle", ids=ids), "vehicle_id")


@strawberry.type(description="A file that a person uploaded.")
class Upload(Node):
    """A row of uploads."""

    vehicle_id: strawberry.Private[str | None]
    uploaded_by_id: strawberry.Private[str]
    file_name: str = strawberry.field(description="The file's name on the device it came from.")
    content_type: str = strawberry.field(description="The media type.")
    size: int = strawberry.field(description="Bytes.")
    sha256: str = strawberry.field(description="The SHA-256 of the content, hexadecimal.")
    status: UploadStatus = strawberry.field(description="How far the upload has come.")
    created_at: datetime.datetime = strawberry.field(description="When it was uploaded.")
    updated_at: datetime.datetime = strawberry.field(description="When it last changed.")

    @level(
        description="Where its content is read without credentials, for expiresIn seconds, a day at most, and as long "
        "as the caller sees the upload. Begins with a slash unless the gateway knows its address."
    )
    def url(uploads: Level, info: Info, expires_in: int = 300) -> str:
        """A signed URL."""
        if not 1 <= expires_in <= MOST_SECONDS:
            raise InvalidArgumentError(f"expiresIn is from 1 to {MOST_SECONDS} seconds.")
        caller, signer = info.context.session.caller, info.context.signer
        urls: Any = [signer.url(caller, id_, expires_in) for id_ in column(uploads, "id")]
        return urls

    @level(description="The vehicle it was uploaded for.")
    def vehicle(uploads: Level, info: Info) -> Vehicle | None:
        """The vehicle."""
        return info.context.loaders.level(vehicle_by_id, column(uploads, "vehicle_id"))

    @level(description="Who uploaded it.")
    def uploaded_by(uploads: Level, info: Info) -> User:
        """The person."""
        return info.context.loaders.level(user_by_id, column(uploads, "uploaded_by_id"))


findable("Upload", upload_by_id)


@strawberry.type
class UploadQuery:
    """Ways to uploads."""

    @level(
        description="All uploads that the caller may see, newest first.",
        directives=PAGED,
    )
    def uploads(
        _: Level,
        info: Info,
        filter: UploadFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Upload]:
        """A page of uploads."""
        asked = page(
            info, "uploads", Ordering("created_at", descending=True), first, after, last, before, filter=filter
        )
        return connection(info, "uploads", asked)

"""What a demo tenant is made of before any vehicle has moved: people, groups, grants and where vehicles stand."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

NAMESPACE = UUID("6d6f746f-6d69-5e64-8d64-656d6f000001")


@dataclass(frozen=True)
class DemoSize:
    """How much to generate: tenants, groups and vehicles per tenant, days of history."""

    tenants: int
    groups: int
    vehicles: int
    days: int


@dataclass(frozen=True)
class Person:
    """A user: address and human name."""

    email: str
    name: str

    @property
    def id(self) -> UUID:
        """The user's id, the same in every tenant."""
        return identity(f"user/{self.email}")


@dataclass(frozen=True)
class Member:
    """A person's role in one tenant: owner, manager or viewer."""

    person: Person
    role: str


@dataclass(frozen=True)
class Group:
    """A fleet group, known by the slash-joined names from its root down to itself."""

    path: str
    group_type: str
    description: str
    metadata: dict[str, Any]

    @property
    def name(self) -> str:
        """The group's own name."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> str | None:
        """The path of the parent group; None for a root."""
        return self.path.rpartition("/")[0] or None

    @property
    def lineage(self) -> list[str]:
        """The paths from the root down to the group itself."""
        names = self.path.split("/")
        return ["/".join(names[: depth + 1]) for depth in range(len(names))]


@dataclass(frozen=True)
class Grant:
    """A permission of a person on a group: read, write or admin."""

    person: Person
    group: str
    level: str


@dataclass(frozen=True)
class Blueprint:
    """A demo tenant; ``homes`` names the group of each vehicle, in the vehicles' order."""

    name: str
    kind: str
    members: tuple[Member, ...]
    groups: tuple[Group, ...]
    grants: tuple[Grant, ...]
    homes: tuple[str | None, ...]
    residency: dict[str, Any] = field(default_factory=dict)
    makes_typos: bool = True

    @property
    def id(self) -> UUID:
        """The tenant's id."""
        return identity(f"{self.name}/tenant")

    @property
    def owner(self) -> Person:
        """The person who owns the tenant and made its grants."""
        return next(member.person for member in self.members if member.role == "owner")

    @property
    def authors(self) -> tuple[Person, ...]:
        """The people who capture events: the owner and the managers."""
        return tuple(member.person for member in self.members if member.role != "viewer")

    def group_id(self, path: str | None) -> UUID | None:
        """The id of the group at a path; None for no group."""
        return None if path is None else identity(f"{self.name}/group/{path}")


def identity(path: str) -> UUID:
    """The id that a readable path always gets."""
    return uuid5(NAMESPACE, path)


def dice(seed: str) -> random.Random:
    """Random numbers that a readable seed always gives."""
    return random.Random(seed)  # noqa: S311 - demo data must come out the same every time

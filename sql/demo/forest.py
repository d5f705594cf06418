"""Generated tenants: "Fleet 1", "Fleet 2" and so on, with a group tree and vehicles of any number."""

from __future__ import annotations

import math
import random
from collections import Counter

from sql.demo.blueprint import Blueprint, DemoSize, Grant, Group, Member, Person, dice

LEVELS = (
    ("Region", "location"),
    ("District", "location"),
    ("Area", "location"),
    ("Hub", "location"),
    ("Department", "department"),
    ("Team", "custom"),
)
FIRST_NAMES = (
    "Alice",
    "Ben",
    "Chiara",
    "Dmitri",
    "Esther",
    "Farid",
    "Hannah",
    "Ivan",
    "Julia",
    "Kwame",
    "Leila",
    "Noor",
)
LAST_NAMES = ("Abbott", "Bianchi", "Cohen", "Dubois", "Eriksen", "Fischer", "Gupta", "Hughes", "Ito", "Jensen", "Kim")
INNER_SHARE = 0.15
UNGROUPED_EVERY = 100
VIEWER_SHARE = 0.01


def fleet(number: int, size: DemoSize) -> Blueprint:
    """The generated tenant of a number, counted from 1, with exactly the groups and vehicles of ``size``."""
    name = f"Fleet {number}"
    fortune = dice(f"{name}/blueprint")
    owner, manager, viewer = (
        Person(f"{role}@fleet-{number}.example", f"{fortune.choice(FIRST_NAMES)} {fortune.choice(LAST_NAMES)}")
        for role in ("owner", "manager", "viewer")
    )
    paths = _paths(fortune, size.groups)
    return Blueprint(
        name,
        "org",
        (Member(owner, "owner"), Member(manager, "manager"), Member(viewer, "viewer")),
        tuple(_group(path, index) for index, path in enumerate(paths)),
        (Grant(viewer, _narrow(paths), "read"),) if paths else (),
        _homes(fortune, paths, size.vehicles),
    )


def _group(path: str, index: int) -> Group:
    level, group_type = LEVELS[path.count("/")]
    description = f"{level} of the generated fleet."
    return Group(path, group_type, description, {"cost_center": f"CC-{100 + index}", "level": level.lower()})


def _paths(fortune: random.Random, groups: int) -> list[str]:
    """Exactly ``groups`` paths, parents before children, on at most six levels; some parents have more children."""
    paths: list[str] = []
    parents = [""]
    for level, width in enumerate(_widths(groups)):
        weights = [fortune.uniform(0.4, 2.5) for _ in parents]
        counts = Counter(fortune.choices(range(len(parents)), weights, k=width))
        children: list[str] = []
        for index, parent in enumerate(parents):
            address = parent.rpartition(" ")[2]
            for child in range(1, counts[index] + 1):
                name = f"{LEVELS[level][0]} {address}.{child}" if parent else f"{LEVELS[level][0]} {child}"
                children.append(f"{parent}/{name}" if parent else name)
        paths += children
        parents = children
    return paths


def _widths(groups: int) -> list[int]:
    """How many groups stand on each level: a geometric row that adds up to ``groups``."""
    if groups <= 0:
        return []
    depth = max(1, min(len(LEVELS), int(math.log2(groups))))
    low, high = 1.0, float(groups)
    while high - low > 1e-6:  # noqa: PLR2004 - the tolerance of a bisection
        middle = (low + high) / 2
        low, high = (middle, high) if sum(middle**level for level in range(1, depth + 1)) < groups else (low, middle)
    widths = [max(1, round(low**level)) for level in range(1, depth)]
    return [*widths, groups - sum(widths)]


def _narrow(paths: list[str]) -> str:
    """The group whose subtree is closest in size to the share that the viewer shall see."""
    sizes: Counter[str] = Counter()
    for path in paths:
        names = path.split("/")
        sizes.update("/".join(names[: depth + 1]) for depth in range(len(names)))
    wanted = max(1, round(len(paths) * VIEWER_SHARE))
    return min(paths, key=lambda path: abs(sizes[path] - wanted))


def _homes(fortune: random.Random, paths: list[str], vehicles: int) -> tuple[str | None, ...]:
    """A group for each vehicle, mostly one without children; one in a hundred of a large fleet has none."""
    if not paths:
        return (None,) * vehicles
    inner = {path.rpartition("/")[0] for path in paths} - {""}
    leaves = [path for path in paths if path not in inner]
    inner_paths = [path for path in paths if path in inner] or leaves
    homes: list[str | None] = []
    for number in range(1, vehicles + 1):
        home = fortune.choice(inner_paths if fortune.random() < INNER_SHARE else leaves)
        homes.append(None if vehicles > UNGROUPED_EVERY and number % UNGROUPED_EVERY == 0 else home)
    return tuple(homes)

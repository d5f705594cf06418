"""The four named tenants of the demo: Solo, Small, Medium and Enterprise."""

from __future__ import annotations

from sql.demo.blueprint import Blueprint, Grant, Group, Member, Person, dice

CONSULTANT = Person("consultant@example.com", "Priya Raman")

NORTH_AMERICA = "North America"
US_WEST = f"{NORTH_AMERICA}/US West"
CALIFORNIA = f"{US_WEST}/California"
BAY_AREA_DELIVERY = f"{CALIFORNIA}/Bay Area - Delivery"
BAY_AREA_SERVICE = f"{BAY_AREA_DELIVERY}/Bay Area - Service"
OREGON = f"{US_WEST}/Oregon"
US_EAST = f"{NORTH_AMERICA}/US East"
EUROPE = "Europe"
UK = f"{EUROPE}/UK"
GERMANY = f"{EUROPE}/Germany"
WEST_COAST = "West Coast Operations"
EAST_COAST = "East Coast Operations"

MEDIUM_VEHICLES = 60
ENTERPRISE_VEHICLES = 300
ENTERPRISE_UNGROUPED = (100, 200, 300)


def named() -> list[Blueprint]:
    """The four tenants, the smallest first."""
    return [_solo(), _small(), _medium(), _enterprise()]


def people() -> list[dict[str, str]]:
    """Everybody of the four tenants, once in each: email, name, role, tenant, user_id and tenant_id."""
    return [
        {
            "email": member.person.email,
            "name": member.person.name,
            "role": member.role,
            "tenant": tenant.name,
            "user_id": str(member.person.id),
            "tenant_id": str(tenant.id),
        }
        for tenant in named()
        for member in tenant.members
    ]


def _group(path: str, group_type: str, description: str, cost_center: str, **extra: str | int) -> Group:
    return Group(path, group_type, description, {"cost_center": cost_center, **extra})


def _solo() -> Blueprint:
    owner = Person("owner@solo.example", "Sam Whitaker")
    return Blueprint("Solo", "solo", (Member(owner, "owner"),), (), (), (None,), makes_typos=False)


def _small() -> Blueprint:
    owner = Person("owner@small.example", "Maria Delgado")
    groups = (
        _group("Delivery Vehicles", "vehicle_type", "Vans that bring parcels to the door.", "CC-101"),
        _group("Service Vehicles", "vehicle_type", "Cars and trucks of the technicians.", "CC-102"),
    )
    members = (Member(owner, "owner"), Member(CONSULTANT, "manager"))
    homes = (groups[0].path, groups[0].path, groups[1].path, groups[1].path)
    return Blueprint("Small", "org", members, groups, (), homes)


def _medium() -> Blueprint:
    owner = Person("owner@medium.example", "David Okafor")
    weighted = [
        (_group(WEST_COAST, "department", "Everything that runs along the Pacific.", "CC-200"), 2),
        (_group(f"{WEST_COAST}/San Francisco Hub", "location", "Depot at the bay.", "CC-210", bays=14), 20),
        (_group(f"{WEST_COAST}/Los Angeles Hub", "location", "Depot near the port.", "CC-220", bays=18), 22),
        (_group(EAST_COAST, "department", "Everything that runs along the Atlantic.", "CC-300"), 2),
        (_group(f"{EAST_COAST}/New York Hub", "location", "Depot in Queens.", "CC-310", bays=10), 16),
    ]
    return Blueprint(
        "Medium",
        "org",
        (Member(owner, "owner"), Member(CONSULTANT, "viewer")),
        tuple(group for group, _ in weighted),
        (Grant(CONSULTANT, EAST_COAST, "read"),),
        _homes("Medium", weighted, MEDIUM_VEHICLES),
        residency={"allowed_regions": ["us-west-1", "us-east-1"], "data_retention_days": 1825},
    )


def _enterprise() -> Blueprint:
    owner = Person("owner@enterprise.example", "Eleanor Vance")
    manager = Person("manager@enterprise.example", "Tomás Herrera")
    viewer = Person("viewer@enterprise.example", "Grace Lindqvist")
    dispatcher = Person("dispatcher@enterprise.example", "Jamal Carter")
    newcomer = Person("newcomer@enterprise.example", "Yuki Tanaka")
    weighted = [
        (_group(NORTH_AMERICA, "location", "The United States, from both coasts.", "CC-100"), 6),
        (_group(US_WEST, "location", "The western states.", "CC-110", manager="T. Herrera"), 12),
        (_group(CALIFORNIA, "location", "All of California.", "CC-111"), 36),
        (_group(BAY_AREA_DELIVERY, "department", "Deliveries around the bay.", "CC-112", docks=9), 54),
        (_group(BAY_AREA_SERVICE, "department", "Technicians who keep the deliveries running.", "CC-113"), 28),
        (_group(OREGON, "location", "Portland and the valley.", "CC-114"), 30),
        (_group(US_EAST, "location", "The eastern states.", "CC-120"), 60),
        (_group(EUROPE, "location", "The European subsidiaries.", "CC-500", currency="USD"), 4),
        (_group(UK, "location", "Great Britain.", "CC-510"), 32),
        (_group(GERMANY, "location", "Germany.", "CC-520"), 38),
    ]
    homes: list[str | None] = list(_homes("Enterprise", weighted, ENTERPRISE_VEHICLES))
    for number in ENTERPRISE_UNGROUPED:
        homes[number - 1] = None
    return Blueprint(
        "Enterprise",
        "org",
        (
            Member(owner, "owner"),
            Member(manager, "manager"),
            Member(viewer, "viewer"),
            Member(dispatcher, "viewer"),
            Member(newcomer, "viewer"),
        ),
        tuple(group for group, _ in weighted),
        (
            Grant(viewer, US_WEST, "read"),
            Grant(dispatcher, CALIFORNIA, "write"),
            Grant(dispatcher, EUROPE, "read"),
        ),
        tuple(homes),
        residency={
            "allowed_regions": ["us-west-1", "us-east-1", "eu-central-1"],
            "prohibited_regions": ["ap-southeast-1"],
            "compliance_requirements": ["SOC2", "GDPR"],
            "data_retention_days": 2555,
        },
    )


def _homes(seed: str, weighted: list[tuple[Group, int]], vehicles: int) -> tuple[str, ...]:
    """A group for each vehicle: every group gets one, the rest fall by weight."""
    fortune = dice(f"{seed}/homes")
    paths = [group.path for group, _ in weighted]
    homes = paths + fortune.choices(paths, [weight for _, weight in weighted], k=vehicles - len(paths))
    fortune.shuffle(homes)
    return tuple(homes)

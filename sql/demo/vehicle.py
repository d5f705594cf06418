"""Demo vehicles: what they are, and how hard they are driven."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sql.demo.blueprint import Blueprint, dice, identity
from sql.demo.vin import make_vin


@dataclass(frozen=True)
class Model:
    """A model on the market: ``maker`` begins its VIN, economy in mpg, tank in gallons, weight in pounds."""

    make: str
    name: str
    body: str
    maker: str
    mpg: float
    tank: float
    fuel: str
    weight: int


MODELS = (
    Model("Ford", "Transit 250", "Van", "1FT", 16.0, 25.0, "regular", 9070),
    Model("Ford", "Transit Connect", "Van", "NM0", 25.0, 15.8, "regular", 5280),
    Model("Ford", "F-150", "Truck", "1FT", 20.0, 26.0, "regular", 6700),
    Model("Ford", "Explorer", "SUV", "1FM", 24.0, 17.9, "regular", 6150),
    Model("Ram", "ProMaster 2500", "Van", "3C6", 15.5, 24.0, "regular", 8900),
    Model("Ram", "1500", "Truck", "1C6", 20.5, 26.0, "regular", 6900),
    Model("Mercedes-Benz", "Sprinter 2500", "Van", "WD4", 19.5, 24.5, "diesel", 9050),
    Model("Chevrolet", "Express 2500", "Van", "1GC", 14.0, 31.0, "regular", 8600),
    Model("Chevrolet", "Silverado 1500", "Truck", "1GC", 19.0, 24.0, "regular", 7000),
    Model("Nissan", "NV200", "Van", "3N6", 25.0, 14.5, "regular", 4750),
    Model("Toyota", "Corolla", "Car", "5YF", 34.0, 13.2, "regular", 3800),
    Model("Toyota", "Camry", "Car", "4T1", 32.0, 15.8, "regular", 4500),
    Model("Toyota", "Prius", "Car", "JTD", 52.0, 11.3, "regular", 3900),
    Model("Toyota", "Sienna", "Van", "5TD", 36.0, 18.0, "regular", 6000),
    Model("Honda", "Civic", "Car", "2HG", 35.0, 12.4, "regular", 3900),
    Model("Honda", "CR-V", "SUV", "5J6", 30.0, 14.0, "regular", 4600),
    Model("Subaru", "Outback", "SUV", "4S4", 28.0, 18.5, "regular", 4800),
    Model("Isuzu", "NPR-HD", "Truck", "JAL", 12.0, 30.0, "diesel", 14500),
)
COLORS = ("white", "silver", "black", "blue", "red", "green")
SHIFTS = ("day", "day", "early", "late")
INTERVALS = (5000, 5000, 5000, 7500, 10000)
YEARS = range(2016, 2026)
NOTES = ("Spare key in the depot safe.", "Roof rack fitted.", "Back door sticks in the cold.", "Shared by two drivers.")
NOTED_SHARE = 0.2
TELEMATICS_SHARE = 0.8
FALLING_SHARE = 0.08
NEGLECTED_SHARE = 0.1
BURN_LIMIT = 0.35
"""The share of a tank that a day may burn, so that one stop a day is always enough."""


@dataclass(frozen=True)
class Vehicle:
    """A vehicle of the demo. Economy in mpg, distances in miles, tank in gallons, shares from 0 to 1."""

    tenant: str
    number: int
    id: str
    home: str | None
    model: Model
    vin: str
    year: int
    interval: int
    notes: str | None
    attributes: dict[str, Any]
    odometer: int
    weekday_miles: float
    weekend_share: float
    longest_day: int
    true_mpg: float
    economy_loss: float
    patience: float
    makes_typos: bool

    @property
    def label(self) -> str:
        """What people call it: the body and its number."""
        return f"{self.model.body} {self.number}"

    @property
    def seed(self) -> str:
        """The seed of everything that happens to the vehicle."""
        return f"{self.tenant}/vehicle/{self.number}"


def make_vehicle(blueprint: Blueprint, number: int) -> Vehicle:
    """The vehicle of a number, counted from 1, the same on every call."""
    seed = f"{blueprint.name}/vehicle/{number}"
    fortune = dice(f"{seed}/identity")
    model = fortune.choice(MODELS)
    year = fortune.choice(YEARS)
    attributes = {
        "physical": {
            "color": fortune.choice(COLORS),
            "model_year": year,
            "fuel_tank_gallons": model.tank,
            "gross_weight_lb": model.weight,
        },
        "operational": {"shift": fortune.choice(SHIFTS), "telematics": fortune.random() < TELEMATICS_SHARE},
        "custom_fields": {"asset_tag": f"A-{number:05}", "cost_center": f"CC-{fortune.randrange(100, 140)}"},
    }
    return Vehicle(
        tenant=blueprint.name,
        number=number,
        id=str(identity(seed)),
        home=blueprint.homes[number - 1],
        model=model,
        vin=make_vin(fortune, model.maker, year, number),
        year=year,
        interval=fortune.choice(INTERVALS),
        notes=fortune.choice(NOTES) if fortune.random() < NOTED_SHARE else None,
        attributes=attributes,
        odometer=int((YEARS.stop - year) * fortune.uniform(7000, 15000)),
        weekday_miles=fortune.uniform(20, 75),
        weekend_share=fortune.uniform(0.05, 0.5),
        longest_day=int(model.tank * model.mpg * BURN_LIMIT),
        true_mpg=model.mpg * fortune.uniform(0.88, 1.05),
        economy_loss=fortune.uniform(0.12, 0.22) if fortune.random() < FALLING_SHARE else 0.0,
        patience=fortune.uniform(1.2, 1.6) if fortune.random() < NEGLECTED_SHARE else fortune.uniform(0.9, 1.08),
        makes_typos=blueprint.makes_typos,
    )

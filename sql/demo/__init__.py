"""Demo data: deterministic tenants, fleets and a plausible year of their events, loaded with COPY."""

from sql.demo.blueprint import DemoSize
from sql.demo.catalogue import people
from sql.demo.loader import load_demo

__all__ = ["DemoSize", "load_demo", "people"]

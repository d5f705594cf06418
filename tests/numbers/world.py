"""A small fleet whose past changes at random, and what its raw rows say in plain Python."""

from __future__ import annotations

import random
from datetime import date
from zoneinfo import ZoneInfo

import orjson
import psycopg

from tests.oracle import Oracle

UNTIL = date(2026, 4, 1)
OWNER, VIEWER = "owner@fleet-1.example", "viewer@fleet-1.example"
ZONES = ["America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati", "Europe/Berlin", "UTC", "no/where", None]
CHANGES = {
    "an event is recorded": """
      insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
      select v.tenant_id, v.id, kind, payload,
             (select user_id from memberships m where m.tenant_id = v.tenant_id limit 1),
             timestamptz '2026-03-01 00:00Z' + random_minutes * interval '1 minute'
        from (select * from vehicles order by id offset %(n)s %% 40 limit 1) v,
             (values (0, 'maintenance', '{"service_type": "oil_change", "cost": 77.7}'::jsonb),
                     (1, 'fuel_purchase', '{"gallons": 9.5, "total_cost": 40.01}')) e (which, kind, payload),
             (select %(n)s - 1500 as random_minutes) minutes
       where which = %(n)s %% 2""",
    "an event is voided": """
      update manual_events set voided_at = now(), void_reason = 'Wrong.'
       where id = (select id from manual_events where event_type <> 'odometer_reading'
                    order by id offset %(n)s %% 200 limit 1)""",
    "an event is dated anew": """
      update manual_events set occurred_at = occurred_at - interval '40 days'
       where id = (select id from manual_events where event_type = 'fuel_purchase' and occurred_at > '2026-03-01'
                    order by id offset %(n)s %% 20 limit 1)""",
    "a reading is wrong": """
      update manual_events set payload = jsonb_set(payload, '{odometer_miles}', '999999')
       where id = (select id from manual_events where event_type = 'fuel_purchase' and payload ? 'odometer_miles'
                    order by id offset %(n)s %% 200 limit 1)""",
    "a vehicle moves": """
      update vehicles set fleet_group_id = (select g.id from fleet_groups g where g.tenant_id = vehicles.tenant_id
                                             order by g.id offset %(n)s %% 13 limit 1)
       where id = (select id from vehicles order by id offset %(n)s %% 40 limit 1)""",
    "a vehicle is new": """
      insert into vehicles (tenant_id, fleet_group_id, label)
      select g.tenant_id, g.id, 'New' from fleet_groups g order by g.id offset %(n)s %% 12 limit 1""",
    "a vehicle goes with what was recorded of it": """
      delete from manual_events e using vehicles v where v.id = e.vehicle_id and v.label = 'New';
      delete from manual_events_archive e using vehicles v where v.id = e.vehicle_id and v.label = 'New';
      delete from vehicle_metrics m using vehicles v where v.id = m.vehicle_id and v.label = 'New';
      delete from vehicles where label = 'New'""",
    "a group moves": """
      update fleet_groups g set parent_group_id = null
       where id = (select id from fleet_groups order by id offset %(n)s %% 12 limit 1)""",
    "events are archived": "select app.archive_event_partitions('2026-02-01')",
}
NAMED = {
    "a vehicle's zone": """
      update vehicles set extended_attributes = jsonb_set(extended_attributes, '{operational,time_zone}', %(zone)s)
       where id = (select id from vehicles order by id offset %(n)s %% 40 limit 1)""",
    "a group's zone": """
      update fleet_groups set metadata = jsonb_set(metadata, '{time_zone}', %(zone)s)
       where id = (select id from fleet_groups order by id offset %(n)s %% 12 limit 1)""",
}


def change(connection: psycopg.Connection, turn: int, fortune: random.Random) -> bool:
    """Makes a random change, every fourth one of a time zone; whether it is one that no worker has to see first."""
    if turn % 4 == 3:
        name = fortune.choice(list(NAMED))
        zone = orjson.dumps(fortune.choice(ZONES)).decode()
        connection.execute(NAMED[name], {"n": fortune.randrange(10_000), "zone": zone})
        return False
    name = fortune.choice(list(CHANGES))
    connection.execute(CHANGES[name], {"n": fortune.randrange(10_000)} if "%" in CHANGES[name] else None)
    return True


def zone_of(vehicle, seen):
    """A vehicle's time zone: its own, else that of the nearest group upwards, else the tenant's."""

    def known(name):
        return name is not None and name in ZONES and name != "no/where"

    own = vehicle["extended_attributes"].get("operational", {}).get("time_zone")
    if known(own):
        return ZoneInfo(own)
    groups = {group["id"]: group for group in seen["fleet_groups"]}
    at = vehicle["fleet_group_id"]
    while at is not None:
        if known(groups[at]["metadata"].get("time_zone")):
            return ZoneInfo(groups[at]["metadata"]["time_zone"])
        at = groups[at]["parent_group_id"]
    return ZoneInfo("UTC")


class Sums:
    """What the raw rows say, vehicle by vehicle."""

    def __init__(self, address, tenant):
        self.oracle = Oracle(address)
        self.tenant = tenant
        rows, own = self.oracle.rows, self.oracle.tenants[tenant]
        everything = self.oracle.see(OWNER, tenant)
        self.zones = {car["id"]: zone_of(car, everything) for car in everything["vehicles"]}
        self.days = [
            (row["vehicle_id"], row["metric_date"], row)
            for row in rows["vehicle_metrics"]
            if row["tenant_id"] == own and row["period_type"] == "daily"
        ]
        self.events = [
            (row["vehicle_id"], self.day(row["vehicle_id"], row["occurred_at"]), row)
            for row in rows["manual_events"] + rows["manual_events_archive"]
            if row["tenant_id"] == own
            and row["event_type"] in {"fuel_purchase", "maintenance"}
            and row["voided_at"] is None
        ]
        with psycopg.connect(address) as connection:
            spans = connection.execute(
                """select vehicle_id, ended_at, miles, gallons
                     from app.fuel_spans(%s, array(select id from vehicles)) where rejected_reason is null""",
                [own],
            ).fetchall()
        self.spans = [(vehicle, self.day(vehicle, at), (miles, gallons)) for vehicle, at, miles, gallons in spans]

    def day(self, vehicle, at):
        """The day of a moment where the vehicle is."""
        return at.astimezone(self.zones[vehicle]).date()

"""Metrics of vehicles from their events: by hand, in any order, by several at once, interrupted."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from sql import metrics
from sql.embedded import Addresses
from sql.owner import statements

pytestmark = pytest.mark.database

EVENTS = int(os.environ.get("MOTOMIND_LATE_EVENTS", "700"))
LATE_DAYS = 90
ROWS = """
  select vehicle_id, period_type, metric_date, miles_driven, fuel_efficiency_mpg, idle_minutes, harsh_events,
         last_service_date, data_completeness_pct, brake_wear_pct
    from vehicle_metrics order by 1, 2, 3"""


@dataclass(frozen=True)
class Fleet:
    """A tenant with one owner, and what tests do with it."""

    connection: psycopg.Connection[Any]
    address: str
    tenant_id: UUID
    user_id: UUID

    def group(self, parent: UUID | None = None, **metadata: str) -> UUID:
        """A new group."""
        return self.put(
            "insert into fleet_groups (tenant_id, name, group_type, parent_group_id, metadata)"
            " values (%s, 'Group', 'custom', %s, %s) returning id",
            *(self.tenant_id, parent, orjson.dumps(metadata).decode()),
        )

    def vehicle(self, group: UUID | None = None, zone: str | None = None) -> UUID:
        """A new vehicle."""
        attributes = {} if zone is None else {"operational": {"time_zone": zone}}
        return self.put(
            "insert into vehicles (tenant_id, label, fleet_group_id, extended_attributes)"
            " values (%s, 'Vehicle', %s, %s) returning id",
            *(self.tenant_id, group, orjson.dumps(attributes).decode()),
        )

    def event(self, vehicle: UUID, at: str | datetime, kind: str, id_: UUID | None = None, **payload: Any) -> UUID:
        """Records an event, of which we hear a minute later."""
        return self.put(
            "insert into manual_events"
            " (tenant_id, id, vehicle_id, event_type, payload, created_by, occurred_at, created_at)"
            " values (%s, coalesce(%s, gen_random_uuid()), %s, %s, %s, %s, %s, %s::timestamptz + interval '1 minute')"
            " returning id",
            *(self.tenant_id, id_, vehicle, kind, orjson.dumps(payload).decode(), self.user_id, at, at),
        )

    def reading(self, vehicle: UUID, at: str, miles: int) -> UUID:
        """Records what an odometer showed."""
        return self.event(vehicle, at, "odometer_reading", miles=miles)

    def put(self, statement: str, *values: Any) -> UUID:
        """Inserts a row; its id."""
        ((id_,),) = self.connection.execute(statement, values).fetchall()
        return UUID(str(id_))

    def work_off(self) -> int:
        """Computes all that is due; how many rows were written or removed."""
        batches = list(metrics.work_off(self.connection, self.tenant_id))
        assert not any(batch.failed for batch in batches)
        return sum(batch.written + batch.removed for batch in batches)

    def rows(self) -> list[tuple[Any, ...]]:
        """All metrics, without what tells when they were written."""
        return self.connection.execute(ROWS).fetchall()

    def column(self, name: str, vehicle: UUID, period: str = "daily") -> dict[str, Any]:
        """One figure of a vehicle by the date."""
        rows = self.connection.execute(
            f"select metric_date::text, {name} from vehicle_metrics where vehicle_id = %s and period_type = %s",
            [vehicle, period],
        )
        return dict(rows.fetchall())

    def marks(self) -> int:
        """How many marks are left."""
        ((count,),) = self.connection.execute(
            "select (select count(*) from vehicle_changes) + (select count(*) from metrics_due)"
            " + (select count(*) from group_changes)"
        ).fetchall()
        return int(count)


@pytest.fixture
def make_fleet(make_database: Callable[[], Addresses]) -> Iterator[Callable[[], Fleet]]:
    """Makes tenants, each in a database of its own."""
    opened: list[psycopg.Connection[Any]] = []

    def make() -> Fleet:
        address = make_database().owner
        connection = psycopg.connect(address, autocommit=True, options="-c jit=off")
        opened.append(connection)
        with connection.transaction():
            ((tenant_id,),) = connection.execute(
                "insert into tenants (name, kind) values ('Acme', 'org') returning id"
            ).fetchall()
            ((user_id,),) = connection.execute(
                "insert into users (email, name) values ('owner@acme.example', 'Owner') returning id"
            ).fetchall()
            connection.execute(
                "insert into memberships (tenant_id, user_id, role) values (%s, %s, 'owner')", [tenant_id, user_id]
            )
            connection.execute("select app.make_event_partitions('2026-01-01', '2026-12-31')")
        return Fleet(connection, address, tenant_id, user_id)

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def fleet(make_fleet: Callable[[], Fleet]) -> Fleet:
    """A tenant without vehicles."""
    return make_fleet()


def test_miles_of_days_lie_on_the_line_between_two_readings(fleet: Fleet):
    """120 miles in 48 hours from 6 in the morning: 18, 24 and 6 hours of 2.5 miles, which is 45, 60 and 15."""
    vehicle = fleet.vehicle()
    fleet.reading(vehicle, "2026-03-02T06:00Z", 1000)
    fleet.reading(vehicle, "2026-03-04T06:00Z", 1120)
    assert fleet.work_off() == 5
    assert fleet.column("miles_driven", vehicle) == {"2026-03-02": 45, "2026-03-03": 60, "2026-03-04": 15}
    assert fleet.column("miles_driven", vehicle, "weekly") == {"2026-03-02": 120}
    assert fleet.column("miles_driven", vehicle, "monthly") == {"2026-03-01": 120}
    assert fleet.column("data_completeness_pct", vehicle, "weekly") == {"2026-03-02": 43}  # 3 days of 7
    assert fleet.column("data_completeness_pct", vehicle, "monthly") == {"2026-03-01": 10}  # 3 days of 31
    assert fleet.marks() == 0


def test_a_later_reading_changes_its_own_days_and_nothing_is_written_twice(fleet: Fleet):
    """Between the two comes a third: 90 of the 120 miles were driven in the first 24 hours. What is the same stays."""
    vehicle = fleet.vehicle()
    fleet.reading(vehicle, "2026-03-02T06:00Z", 1000)
    fleet.reading(vehicle, "2026-03-04T06:00Z", 1120)
    fleet.work_off()
    third = fleet.reading(vehicle, "2026-03-03T06:00Z", 1090)
    assert fleet.work_off() == 3  # the three days; their week and month have the same miles
    assert fleet.column("miles_driven", vehicle) == {"2026-03-02": 68, "2026-03-03": 45, "2026-03-04": 7}
    fleet.connection.execute("update manual_events set voided_at = now(), void_reason = 'typo' where id = %s", [third])
    assert fleet.work_off() == 3
    assert fleet.column("miles_driven", vehicle) == {"2026-03-02": 45, "2026-03-03": 60, "2026-03-04": 15}


@pytest.mark.parametrize(
    ("begins", "ends", "miles"),
    [
        ("2026-03-27T23:00Z", "2026-03-29T22:00Z", {"2026-03-28": 240, "2026-03-29": 230, "2026-03-30": 0}),
        ("2026-10-23T22:00Z", "2026-10-25T23:00Z", {"2026-10-24": 240, "2026-10-25": 250, "2026-10-26": 0}),
    ],
)
def test_days_of_23_and_of_25_hours_have_their_share(fleet: Fleet, begins: str, ends: str, miles: dict[str, int]):
    """10 miles an hour in Berlin, where clocks are set forward on 29 March and back on 25 October."""
    vehicle = fleet.vehicle(zone="Europe/Berlin")
    fleet.reading(vehicle, begins, 5000)
    fleet.reading(vehicle, ends, 5000 + sum(miles.values()))
    fleet.work_off()
    assert fleet.column("miles_driven", vehicle) == miles


def test_outside_of_readings_trips_count_and_without_them_nothing_is_known(fleet: Fleet):
    """Trips on the 1st, before any reading: 12.4 + 7.2 miles. On the 5th just a repair: no miles, which is not 0."""
    vehicle = fleet.vehicle()
    fleet.event(
        vehicle,
        "2026-03-01T20:00Z",
        "trip_batch",
        trips=[
            {"start": "2026-03-01T08:00:00Z", "end": "2026-03-01T09:00:00Z", "miles": 12.4, "idle_minutes": 5},
            {"start": "2026-03-01T10:00:00Z", "end": "2026-03-01T11:00:00Z", "miles": 7.2, "harsh_events": 2},
            {"start": "2026-02-28T10:00:00Z", "end": "2026-02-28T11:00:00Z", "miles": 3, "idle_minutes": 1},
            {"start": "2026-13-45 nonsense", "end": "?", "miles": 1},  # counts when its batch does
        ],
    )
    fleet.reading(vehicle, "2026-03-02T12:00Z", 1000)
    fleet.reading(vehicle, "2026-03-03T12:00Z", 1100)
    fleet.event(vehicle, "2026-03-05T12:00Z", "maintenance", service_type="oil_change")
    fleet.work_off()
    miles = {"2026-02-28": 3, "2026-03-01": 21, "2026-03-02": 50, "2026-03-03": 50, "2026-03-05": None}
    assert fleet.column("miles_driven", vehicle) == miles
    assert list(fleet.column("idle_minutes", vehicle).values()) == [1, 5, 0, 0, 0]
    assert list(fleet.column("harsh_events", vehicle).values()) == [0, 2, 0, 0, 0]
    assert list(fleet.column("data_completeness_pct", vehicle).values()) == [100, 100, 100, 100, 0]
    assert fleet.column("last_service_date", vehicle, "weekly") == {
        "2026-02-23": None,
        "2026-03-02": date(2026, 3, 5),
    }


def test_one_reading_alone_says_nothing_of_miles(fleet: Fleet):
    """There is no difference yet."""
    vehicle = fleet.vehicle()
    fleet.reading(vehicle, "2026-03-02T06:00Z", 1000)
    fleet.work_off()
    assert fleet.column("miles_driven", vehicle) == {"2026-03-02": None}


def test_economy_is_miles_by_gallons_of_the_spans_that_end_in_the_period(fleet: Fleet):
    """300 miles on 10 gallons and 100 on 5: 30 and 20 by day, but 400 by 15 in the week, which is 26.67 and not 25."""
    vehicle = fleet.vehicle()
    for at, miles, gallons in (("2026-03-02", 1000, 8), ("2026-03-04", 1300, 10), ("2026-03-06", 1400, 5)):
        fleet.event(vehicle, f"{at}T12:00Z", "fuel_purchase", gallons=gallons, odometer_miles=miles, total_cost=30)
    fleet.work_off()
    economy = {key: value and float(value) for key, value in fleet.column("fuel_efficiency_mpg", vehicle).items()}
    assert economy == {"2026-03-02": None, "2026-03-03": None, "2026-03-04": 30, "2026-03-05": None, "2026-03-06": 20}
    assert float(fleet.column("fuel_efficiency_mpg", vehicle, "weekly")["2026-03-02"]) == 26.67


def test_latency_is_the_mean_of_a_days_events(fleet: Fleet):
    """Heard of one after 60 and of another after 180 seconds."""
    vehicle = fleet.vehicle()
    for seconds in (60, 180):
        id_ = fleet.event(vehicle, "2026-03-02T12:00Z", "issue_report", severity="low", description="?")
        fleet.connection.execute(
            "update manual_events set created_at = occurred_at + make_interval(secs => %s) where id = %s",
            [seconds, id_],
        )
    fleet.work_off()
    assert fleet.column("source_latency_sec", vehicle) == {"2026-03-02": 120}


def test_the_time_zone_is_the_vehicles_else_the_nearest_groups_else_the_tenants(fleet: Fleet):
    """What is named and does not exist counts as not named."""
    top = fleet.group(time_zone="Asia/Tokyo")
    middle = fleet.group(top, time_zone="Mars/Olympus")
    bottom = fleet.group(middle)
    chicago = fleet.group(middle, time_zone="America/Chicago")
    expected = {
        fleet.vehicle(bottom): "Asia/Tokyo",
        fleet.vehicle(chicago): "America/Chicago",
        fleet.vehicle(chicago, "Europe/Berlin"): "Europe/Berlin",
        fleet.vehicle(chicago, "Foo5"): "America/Chicago",
        fleet.vehicle(fleet.group()): "Australia/Perth",
        fleet.vehicle(): "Australia/Perth",
    }
    fleet.connection.execute("update tenants set time_zone = 'Australia/Perth'")
    found = fleet.connection.execute(
        "select vehicle_id, time_zone from app.vehicle_time_zones(%s, %s)", [fleet.tenant_id, list(expected)]
    ).fetchall()
    assert dict(found) == expected


def test_a_tenants_time_zone_that_does_not_exist_is_refused(fleet: Fleet):
    """With a message that says what a name is like."""
    with pytest.raises(psycopg.errors.CheckViolation, match=r'no time zone "Mars/Olympus".*Europe/Berlin'):
        fleet.connection.execute("update tenants set time_zone = 'Mars/Olympus'")


def test_days_move_with_the_time_zone(fleet: Fleet):
    """Of the tenant, of a group above, of the group where it is moved to, and of the vehicle itself."""
    old, new = fleet.group(), fleet.group(time_zone="Pacific/Auckland")
    vehicle = fleet.vehicle(old)
    fleet.event(vehicle, "2026-03-02T23:30Z", "issue_report", severity="low", description="?")

    def day(statement: str, *values: object) -> list[str]:
        fleet.connection.execute(statement, values)
        fleet.work_off()
        return list(fleet.column("miles_driven", vehicle))

    assert day("select") == ["2026-03-02"]
    assert day("update tenants set time_zone = 'Europe/Berlin'") == ["2026-03-03"]
    assert day("""update fleet_groups set metadata = '{"time_zone": "America/Lima"}' where id = %s""", old) == [
        "2026-03-02"
    ]
    assert day("update vehicles set fleet_group_id = %s where id = %s", new, vehicle) == ["2026-03-03"]
    own = '{"operational": {"time_zone": "UTC"}}'
    assert day("update vehicles set extended_attributes = %s where id = %s", own, vehicle) == ["2026-03-02"]


def test_what_no_event_tells_stays_and_days_without_anything_go(fleet: Fleet):
    """A row with the wear of brakes stays when its event is void, without the event's figures; others are removed."""
    vehicle = fleet.vehicle()
    trip = {"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:00:00Z", "miles": 9}
    fleet.event(vehicle, "2026-03-02T12:00Z", "trip_batch", trips=[trip])
    fleet.event(vehicle, "2026-05-04T12:00Z", "issue_report", severity="low", description="?")
    fleet.work_off()
    fleet.connection.execute(
        "update vehicle_metrics set brake_wear_pct = 40 where metric_date = '2026-03-02' and period_type = 'daily'"
    )
    fleet.connection.execute("update manual_events set voided_at = now(), void_reason = 'test'")
    fleet.work_off()
    assert fleet.column("miles_driven", vehicle) == {"2026-03-02": None}
    assert [float(wear) for wear in fleet.column("brake_wear_pct", vehicle).values()] == [40]


def _life(dice: random.Random, vehicles: list[UUID], events: int) -> list[dict[str, Any]]:
    """Events of vehicles over half a year, in order of time; some are void at the end, and some readings are typos."""
    made = []
    for vehicle in vehicles:
        miles, count = dice.randrange(1000, 90_000), events // len(vehicles)
        moments = sorted(dice.uniform(0, 180 * 86400) for _ in range(count))
        before = 0.0
        for moment in moments:
            miles += round((moment - before) / 86400 * dice.uniform(0, 200))
            before = moment
            at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=round(moment))
            said = miles * 10 if dice.random() < 0.02 else miles
            kind, payload = dice.choice(
                [
                    ("odometer_reading", {"miles": said}),
                    ("fuel_purchase", {"gallons": round(dice.uniform(2, 15), 2), "odometer_miles": said}),
                    ("maintenance", {"service_type": "oil_change"}),
                    (
                        "trip_batch",
                        {
                            "trips": [
                                {
                                    "start": (at - timedelta(hours=dice.uniform(0, 60))).isoformat(),
                                    "end": at.isoformat(),
                                    "miles": round(dice.uniform(1, 50), 1),
                                    "idle_minutes": dice.randrange(30),
                                    "harsh_events": dice.randrange(3),
                                }
                            ]
                        },
                    ),
                ]
            )
            event = {"id": uuid4(), "vehicle": vehicle, "at": at, "kind": kind, "payload": payload}
            made.append({**event, "is_void": dice.random() < 0.05})
    return sorted(made, key=lambda event: event["at"])


def _wrong(event: dict[str, Any]) -> dict[str, Any]:
    """What of an event's payload is told wrong at first; of a trip, that it began six days earlier."""
    match event["kind"]:
        case "odometer_reading":
            return {"miles": 4}
        case "fuel_purchase":
            return {"gallons": 1}
        case "trip_batch":
            start = (event["at"] - timedelta(days=6)).isoformat()
            return {"trips": [{"start": start, "end": start, "miles": 70, "idle_minutes": 3}]}
        case _:
            return {}


def test_late_events_in_any_order_end_in_the_same_metrics_as_in_order(make_fleet: Callable[[], Fleet]):
    """Up to 90 days late, some with a wrong payload or day at first, some void later: row by row the same.

    MOTOMIND_LATE_EVENTS=10000 is the full size.
    """
    dice = random.Random(20261124)  # noqa: S311 - to be the same every time
    zones = [None, "America/New_York", "Asia/Kolkata", "Nowhere/At_All"]
    in_order, late = make_fleet(), make_fleet()
    vehicles = [in_order.vehicle(zone=zones[number % 4]) for number in range(max(4, EVENTS // 250))]
    copied = in_order.connection.execute("select id, label, extended_attributes from vehicles").fetchall()
    for id_, label, attributes in copied:
        late.connection.execute(
            "insert into vehicles (tenant_id, id, label, extended_attributes) values (%s, %s, %s, %s)",
            [late.tenant_id, id_, label, orjson.dumps(attributes).decode()],
        )
    events = _life(dice, vehicles, EVENTS)
    void = "update manual_events set voided_at = now(), void_reason = 'test' where id = %s"

    with in_order.connection.transaction():
        for event in events:
            in_order.event(event["vehicle"], event["at"], event["kind"], event["id"], **event["payload"])
            if event["is_void"]:
                in_order.connection.execute(void, [event["id"]])
    in_order.work_off()

    arriving = sorted(events, key=lambda event: event["at"] + timedelta(days=dice.uniform(0, LATE_DAYS)))
    corrections: list[Callable[[], object]] = []
    step = max(1, len(arriving) // 25)
    for start in range(0, len(arriving), step):
        with late.connection.transaction():
            for event in arriving[start : start + step]:
                at, payload = event["at"], event["payload"]
                if dice.random() < 0.1:  # wrong at first
                    at += timedelta(days=dice.uniform(-5, 5))
                    payload = {**payload, **_wrong(event)}
                    corrections.append(
                        lambda event=event: late.connection.execute(
                            "update manual_events set occurred_at = %s, payload = %s where id = %s",
                            [event["at"], orjson.dumps(event["payload"]).decode(), event["id"]],
                        )
                    )
                late.event(event["vehicle"], at, event["kind"], event["id"], **payload)
                if event["is_void"]:
                    corrections.append(lambda event=event: late.connection.execute(void, [event["id"]]))
            dice.shuffle(corrections)
            for _ in range(len(corrections) // 2):
                corrections.pop()()
        late.work_off()
    for correct in corrections:
        correct()
    late.work_off()

    assert late.marks() == 0
    assert len(late.rows()) > len(vehicles) * 150
    differences = set(late.rows()) ^ set(in_order.rows())
    assert sorted(differences, key=str)[:6] == []
    list(metrics.rebuild(late.address, None))
    assert late.rows() == in_order.rows()


def test_two_workers_at_once_do_it_once(make_fleet: Callable[[], Fleet], monkeypatch: pytest.MonkeyPatch):
    """Each vehicle has one of them at a time; together they leave what one alone leaves."""
    monkeypatch.setattr(metrics, "VEHICLES", 3)
    fleet = make_fleet()
    dice = random.Random(7)  # noqa: S311 - to be the same every time
    events = _life(dice, [fleet.vehicle() for _ in range(24)], 480)
    errors: list[Exception] = []
    writing = threading.Event()

    def work() -> None:
        try:
            with psycopg.connect(fleet.address, autocommit=True, options="-c jit=off") as connection:
                while True:
                    is_last = writing.is_set()
                    found = sum(
                        len(batch.vehicles) for batch in metrics.work_off(connection, fleet.tenant_id, at_once=3)
                    )
                    if is_last and not found:
                        return
        except Exception as error:  # noqa: BLE001 - for the test to tell
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for event in dice.sample(events, len(events)):
        fleet.event(event["vehicle"], event["at"], event["kind"], event["id"], **event["payload"])
    writing.set()
    for worker in workers:
        worker.join()
    assert errors == []
    fleet.work_off()
    assert fleet.marks() == 0
    together = fleet.rows()
    fleet.connection.execute("delete from vehicle_metrics")
    list(metrics.rebuild(fleet.address, "acme"))
    assert fleet.rows() == together


def test_an_interrupted_rebuild_goes_on_where_it_was(fleet: Fleet, monkeypatch: pytest.MonkeyPatch):
    """What was done before is not done again: a wrong figure put there meanwhile is still there after it."""
    monkeypatch.setattr(metrics, "VEHICLES", 2)
    vehicles = [fleet.vehicle() for _ in range(6)]
    for vehicle in vehicles:
        fleet.reading(vehicle, "2026-03-02T00:00Z", 1000)
        fleet.reading(vehicle, "2026-03-02T12:00Z", 1040)
    fleet.work_off()
    fleet.connection.execute("update vehicle_metrics set miles_driven = 1")

    interrupted = metrics.rebuild(fleet.address, None)
    assert next(interrupted).done == 2
    interrupted.close()
    assert fleet.marks() == 4
    fleet.connection.execute("update vehicle_metrics set miles_driven = 2 where miles_driven = 40")
    told = list(metrics.rebuild(fleet.address, None))
    assert [at.making for at in told[-3:]] == ["metrics", "summaries", "explanations"]
    assert {(at.done, at.of) for at in told[-3:]} == {(4, 4)}
    miles = [fleet.column("miles_driven", vehicle)["2026-03-02"] for vehicle in vehicles]
    assert sorted(miles) == [2, 2, 40, 40, 40, 40]
    list(metrics.rebuild(fleet.address, None))
    assert {fleet.column("miles_driven", vehicle)["2026-03-02"] for vehicle in vehicles} == {40}


def test_a_rebuild_adds_up_rates_of_makes_and_models_and_others_do_so_once_an_hour(fleet: Fleet):
    """What came since shows in them after another rebuild, or when the rates are old."""
    vehicle = fleet.vehicle()
    rates = "select sum(driven) from class_rates"
    for day, miles in (("02", 1000), ("20", 1900)):
        fleet.reading(vehicle, f"2026-03-{day}T06:00Z", miles)
    list(metrics.rebuild(fleet.address, "Acme"))
    assert fleet.connection.execute(rates).fetchone() == (900,)
    fleet.reading(vehicle, "2026-03-24T06:00Z", 2100)
    fleet.work_off()
    assert not metrics.refresh_class_rates(fleet.connection, fleet.tenant_id)
    assert fleet.connection.execute(rates).fetchone() == (900,)
    fleet.connection.execute("update class_rates set refreshed_at = now() - interval '61 minutes'")
    assert metrics.refresh_class_rates(fleet.connection, fleet.tenant_id)
    assert fleet.connection.execute(rates).fetchone() == (1100,)


def test_rates_are_old_when_events_came_since_or_after_a_day(fleet: Fleet):
    """Only then the hourly job has anything to do."""
    looked_for = statements("sql.metrics")["tenants_with_old_rates"]

    def old() -> bool:
        return bool(fleet.connection.execute(looked_for).fetchall())

    assert not old()
    vehicle = fleet.vehicle()
    assert old()
    fleet.reading(vehicle, "2026-03-02T06:00Z", 1000)
    metrics.refresh_class_rates(fleet.connection, fleet.tenant_id)
    assert not old()
    fleet.event(vehicle, datetime.now(UTC), "odometer_reading", miles=1010)
    assert old()
    metrics.refresh_class_rates(fleet.connection, fleet.tenant_id, within=timedelta())
    fleet.connection.execute("update manual_events set created_at = '2026-03-01'")
    assert not old()
    fleet.connection.execute("update class_rates set refreshed_at = now() - interval '25 hours'")
    assert old()


def test_a_vehicle_that_cannot_be_computed_does_not_hold_up_the_others(fleet: Fleet, caplog: pytest.LogCaptureFixture):
    """It is told, and stays marked."""
    vehicles = [fleet.vehicle() for _ in range(5)]
    for vehicle in vehicles:
        fleet.reading(vehicle, "2026-03-02T12:00Z", 1000)
    fleet.connection.execute(
        f"alter table vehicle_metrics add constraint never check (vehicle_id <> '{vehicles[2]}') not valid"
    )
    batches = list(metrics.work_off(fleet.connection, fleet.tenant_id))
    assert [vehicle for batch in batches for vehicle in batch.failed] == [vehicles[2]]
    assert sorted(vehicle for batch in batches for vehicle in batch.vehicles) == sorted({*vehicles} - {vehicles[2]})
    assert fleet.marks() == 1
    assert str(vehicles[2]) in caplog.text


def test_what_fails_in_the_middle_leaves_everything_as_it_was(fleet: Fleet):
    """The connection is lost after the marks were taken: they are there again, and the next one does the work."""
    vehicle = fleet.vehicle()
    fleet.reading(vehicle, "2026-03-02T00:00Z", 1000)
    fleet.reading(vehicle, "2026-03-02T12:00Z", 1040)
    fleet.connection.execute(
        """create function die() returns trigger language plpgsql as
           'begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return null; end';
           create trigger die before insert on vehicle_metrics for each statement execute function die()"""
    )
    with psycopg.connect(fleet.address, autocommit=True) as lost, pytest.raises(psycopg.OperationalError):
        list(metrics.work_off(lost, fleet.tenant_id))
    assert fleet.marks() > 0
    assert fleet.rows() == []
    fleet.connection.execute("drop function die() cascade")
    fleet.work_off()
    assert fleet.marks() == 0
    assert fleet.column("miles_driven", vehicle) == {"2026-03-02": 40}

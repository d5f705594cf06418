"""Fuel logs from files: vehicles, purchases and readings with exact figures, refusals, and reruns."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import psycopg
import pytest

from sql.errors import ImportFileError
from sql.imports import import_fuel_log

pytestmark = pytest.mark.database

HEADER = "car_name,model,date,odometer,miles,gallons,price\n"
EVERYTHING = (
    "select (select count(*) from tenants), (select count(*) from users), (select count(*) from vehicles),"
    " (select count(*) from manual_events), (select count(*) from audit_trail), (select count(*) from event_stream)"
)
EVENTS = (
    "select v.label, e.event_type, e.payload::text, e.occurred_at from manual_events e"
    " join vehicles v on v.tenant_id = e.tenant_id and v.id = e.vehicle_id"
    " order by v.label, e.occurred_at, e.event_type"
)


def silent(step, done, total):
    """Reports to nobody."""


def rows(database, query):
    """The rows of a query as the database's owner."""
    with psycopg.connect(database.owner) as connection:
        return connection.execute(query).fetchall()


def at(day, minute=0):
    """A minute past noon UTC."""
    return datetime(day.year, day.month, day.day, 12, minute, tzinfo=UTC)


@pytest.fixture
def load(fresh_database, tmp_path):
    """Imports a text as a file."""

    def load(content, *, tenant="Acme"):
        path = tmp_path / "log.csv"
        path.write_text(content, encoding="utf-8")
        return import_fuel_log(fresh_database.owner, path, tenant=tenant, progress=silent)

    return load


def test_a_fill_becomes_a_purchase_and_a_reading(load, fresh_database):
    """With the digits of the file, and the cost rounded half up: 10.50 x 3.99 is 41.895."""
    report = load(HEADER + "Bus,Nissan Quest SL,2024-02-29,42116,327.0,10.50,3.990\n")
    assert (report.owner_email, report.read) == ("owner@acme.example", 1)
    assert report.added == {"vehicles": 1, "fuel purchases": 1, "odometer readings": 1}
    ((label, purchase, paid, filled_at), (_, reading, read, read_at)) = rows(fresh_database, EVENTS)
    assert (label, purchase, reading) == ("Bus", "fuel_purchase", "odometer_reading")
    assert paid == (
        '{"gallons": 10.50, "total_cost": 41.90, "trip_miles": 327.0, "is_full_tank": true,'
        ' "odometer_miles": 42116, "price_per_gallon": 3.990}'
    )
    assert read == '{"miles": 42116, "source": "fuel_log"}'
    assert filled_at == read_at == at(date(2024, 2, 29))
    assert rows(fresh_database, "select label, make, model, fleet_group_id from vehicles") == [
        ("Bus", "Nissan", "Quest SL", None)
    ]
    assert rows(
        fresh_database,
        "select distinct e.confidence, e.verified_by_user, u.email from manual_events e"
        " join users u on u.id = e.created_by",
    ) == [(100, True, "owner@acme.example")]


def test_what_is_empty_is_absent(load, fresh_database):
    """No price: no cost. No odometer: no reading. No model: none, and a later row may tell it."""
    report = load(HEADER + "Bus,,2024-01-01,,,10,\nBus,Ford,2024-01-02,,,.5,0\n")
    assert report.added == {"vehicles": 1, "fuel purchases": 2, "odometer readings": 0}
    assert [payload for _, _, payload, _ in rows(fresh_database, EVENTS)] == [
        '{"gallons": 10, "is_full_tank": true}',
        '{"gallons": 0.5, "total_cost": 0.00, "is_full_tank": true, "price_per_gallon": 0}',
    ]
    assert rows(fresh_database, "select make, model from vehicles") == [("Ford", None)]


def test_fills_on_one_day_keep_their_order(load, fresh_database):
    """A minute apart per car, also where a row of the past comes last; equal rows are fills of their own."""
    load(
        HEADER
        + "A,X,2024-01-02,100,,1,\nB,X,2024-01-02,7,,1,\nA,X,2024-01-02,90,,2,\nA,X,2024-01-01,80,,3,\n"
        + "A,X,2024-01-02,90,,2,\n"
    )
    filled = [
        (label, payload, filled_at)
        for label, event_type, payload, filled_at in rows(fresh_database, EVENTS)
        if event_type == "odometer_reading"
    ]
    assert filled == [
        (label, f'{{"miles": {miles}, "source": "fuel_log"}}', filled_at)
        for label, miles, filled_at in [
            ("A", 80, at(date(2024, 1, 1))),
            ("A", 100, at(date(2024, 1, 2))),
            ("A", 90, at(date(2024, 1, 2), 1)),
            ("A", 90, at(date(2024, 1, 2), 2)),
            ("B", 7, at(date(2024, 1, 2))),
        ]
    ]


def test_a_day_holds_as_many_fills_as_there_are_minutes_left(load, fresh_database):
    """One more would lie on the next day."""
    fill = "A,X,2024-01-02,,,1,\n"
    with pytest.raises(ImportFileError, match=r"^row 722, column date: more than 720 fills of one car on this day$"):
        load(HEADER + fill * 721)
    assert load(HEADER + fill * 720).added["fuel purchases"] == 720
    assert rows(fresh_database, "select max(occurred_at) from manual_events") == [
        (datetime(2024, 1, 2, 23, 59, tzinfo=UTC),)
    ]


def test_the_same_file_again_adds_nothing_and_a_grown_one_its_new_rows(load, fresh_database):
    """The last row is a second fill on a day that is there."""
    log = HEADER + "A,X,2024-01-02,100,,1,\n"
    first = load(log)
    before = rows(fresh_database, EVERYTHING)
    again = load(log, tenant="ACME")
    assert (again.tenant_id, again.owner_email) == (first.tenant_id, None)
    assert again.added == {"vehicles": 0, "fuel purchases": 0, "odometer readings": 0}
    assert rows(fresh_database, EVERYTHING) == before
    grown = load(log + "A,X,2024-01-02,110,,2,\nB,X,2024-01-02,,,2,\n")
    assert grown.added == {"vehicles": 1, "fuel purchases": 2, "odometer readings": 1}


def test_archived_and_redated_events_are_not_added_again(load, fresh_database):
    """An event is known by its id, wherever it went; what the default partition caught is archived as well."""
    months_ago = datetime.now(UTC).date() - timedelta(days=60)
    log = HEADER + f"A,X,{months_ago},100,,1,\nA,X,2001-01-02,,,1,\n"
    load(log)
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("update manual_events set occurred_at = '2001-02-03' where occurred_at < '2002-01-01'")
        connection.execute("select app.archive_event_partitions(date_trunc('month', now())::date)")
    assert rows(fresh_database, "select count(*) from manual_events_archive") == [(3,)]
    assert load(log).added == {"vehicles": 0, "fuel purchases": 0, "odometer readings": 0}


def test_semicolons_quotes_and_a_byte_order_mark_are_read(load, fresh_database):
    """As spreadsheets write them; the columns come in any order."""
    load('\ufeffGallons;date;price;car_name;model;odometer;miles\r\n1.5;2024-01-02;3;"A;B";X;;\r\n')
    assert rows(fresh_database, "select label from vehicles") == [("A;B",)]
    assert rows(fresh_database, "select gallons, cost from manual_events") == [(Decimal("1.5"), Decimal("4.50"))]


def test_the_bounds_themselves_are_possible(load, fresh_database):
    """The largest and the smallest figures, the first date, and tomorrow."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    load(HEADER + f"A,X,1970-01-01,9999999,0,10000,100\nA,X,{tomorrow},0,9999999,0.001,1000\n")
    assert rows(fresh_database, "select count(*), sum(gallons), sum(cost) from manual_events") == [
        (4, Decimal("10000.001"), Decimal("1000001.00"))
    ]


def test_the_trail_says_who_and_with_what(load, fresh_database):
    """The owner, with the import, for the vehicle as for its events."""
    load(HEADER + "A,X,2024-01-02,100,,1,\n")
    assert rows(
        fresh_database,
        "select a.table_name, u.email, a.user_agent, count(*) from audit_trail a"
        " join users u on u.id = a.changed_by group by 1, 2, 3 order by 1",
    ) == [
        (table, "owner@acme.example", "motomind import", count)
        for table, count in [("manual_events", 2), ("memberships", 1), ("tenants", 1), ("vehicles", 1)]
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",X,2024-01-02,1,1,1,1", "column car_name: is missing"),
        (f"{'x' * 201},X,2024-01-02,1,1,1,1", "column car_name: 201 characters, at most 200 are possible"),
        ("A,Y,2024-01-02,1,1,1,1", 'column model: "Y", but the car was a "X" before'),
        ("A,X,,1,1,1,1", "column date: is missing"),
        ("A,X,2024-02-30,1,1,1,1", 'column date: "2024-02-30" is no date such as 2024-03-31'),
        ("A,X,20240102,1,1,1,1", 'column date: "20240102" is no date such as 2024-03-31'),
        ("A,X,01/02/2024,1,1,1,1", 'column date: "01/02/2024" is no date such as 2024-03-31'),
        ("A,X,1969-12-31,1,1,1,1", "column date: 1969-12-31 is before 1970-01-01"),
        ("A,X,9999-12-31,1,1,1,1", "column date: 9999-12-31 is in the future"),
        ("A,X,2024-01-02,1,1,,1", "column gallons: is missing"),
        ("A,X,2024-01-02,1,1,0,1", 'column gallons: "0" is not between 0.001 and 10000'),
        ("A,X,2024-01-02,1,1,-1,1", 'column gallons: "-1" is not between 0.001 and 10000'),
        ("A,X,2024-01-02,1,1,10000.1,1", 'column gallons: "10000.1" is not between 0.001 and 10000'),
        ("A,X,2024-01-02,1,1,NaN,1", 'column gallons: "NaN" is no plain number such as 12.5'),
        ("A,X,2024-01-02,1,1,1e400,1", 'column gallons: "1e400" is no plain number such as 12.5'),
        ("A,X,2024-01-02,1,1,\u0661,1", 'column gallons: "\u0661" is no plain number such as 12.5'),
        ('A,X,2024-01-02,1,1,"1,5",1', 'column gallons: "1,5" is no plain number such as 12.5'),
        ("A,X,2024-01-02,1,1,.,1", 'column gallons: "." is no plain number such as 12.5'),
        ("A,X,2024-01-02,1,1,1,-0.01", 'column price: "-0.01" is not between 0 and 1000'),
        ("A,X,2024-01-02,1,1,1,$3", 'column price: "$3" is no plain number such as 12.5'),
        ("A,X,2024-01-02,1,1,10000,100.01",
         "column price: 10000 gallons would cost $1000100.00, more than $1000000"),
        ("A,X,2024-01-02,-1,1,1,1", 'column odometer: "-1" is not between 0 and 9999999'),
        ("A,X,2024-01-02,9999999.1,1,1,1", 'column odometer: "9999999.1" is not between 0 and 9999999'),
        ("A,X,2024-01-02,1,many,1,1", 'column miles: "many" is no plain number such as 12.5'),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_row_is_said_with_its_place(load, fresh_database, row, expected):
    """One problem, in these words, and nothing is written, not even of the good row before."""
    with pytest.raises(ImportFileError) as refused:
        load(f"{HEADER}A,X,2024-01-01,1,1,1,1\n{row}\n")
    assert refused.value.problems == [f"row 3, {expected}"]
    assert rows(fresh_database, EVERYTHING) == [(0, 0, 0, 0, 0, 0)]


def test_missing_columns_and_missing_rows_are_told(load):
    """All columns at once; a header alone is an empty file."""
    with pytest.raises(ImportFileError) as refused:
        load("car_name,model,date,miles,gallons\nA,X,2024-01-02,1,1\n")
    assert refused.value.problems == ["row 1: no column odometer", "row 1: no column price"]
    with pytest.raises(ImportFileError, match=r"^the file is empty"):
        load(HEADER)


def test_all_problems_are_told_at_once_and_the_first_fifty_of_many(load):
    """Several of one row; and the others are counted."""
    with pytest.raises(ImportFileError) as refused:
        load(HEADER + "A,X,soon,1,1,0,1\n" + "B,X,2024-01-02,x,1,1,1\n" * 60)
    assert refused.value.problems[:2] == [
        'row 2, column date: "soon" is no date such as 2024-03-31',
        'row 2, column gallons: "0" is not between 0.001 and 10000',
    ]
    assert refused.value.problems[50:] == ["... and 12 more"]


def test_a_failure_at_the_database_leaves_nothing(load, fresh_database):
    """The vehicle, the tenant and its owner, made in the same transaction, are gone as well."""
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("alter table manual_events add constraint no_readings check (event_type = 'fuel_purchase')")
    with pytest.raises(psycopg.errors.CheckViolation):
        load(HEADER + "A,X,2024-01-02,100,,1,\n")
    assert rows(fresh_database, EVERYTHING) == [(0, 0, 0, 0, 0, 0)]


@pytest.mark.parametrize("name", ["2011quest.csv", "2008altima.csv"])
def test_a_real_log_comes_in_exactly(fresh_database, real_data, name):
    """Gallons, trip miles and dollars add up to those of the file, and nothing is new the second time."""
    path = real_data / "fuel_log" / name
    with path.open(encoding="utf-8", newline="") as file:
        fills = list(csv.DictReader(file))
    gallons = sum(Decimal(fill["gallons"]) for fill in fills)
    miles = sum(Decimal(fill["miles"]) for fill in fills)
    dollars = sum(
        (Decimal(fill["gallons"]) * Decimal(fill["price"])).quantize(Decimal("0.01"), ROUND_HALF_UP) for fill in fills
    )

    report = import_fuel_log(fresh_database.owner, path, tenant="solo2", progress=silent)
    assert report.read == len(fills)
    assert report.added == {"vehicles": 1, "fuel purchases": len(fills), "odometer readings": len(fills)}
    assert rows(
        fresh_database,
        "select sum(gallons), sum((payload ->> 'trip_miles')::numeric), sum(cost), count(distinct occurred_at)"
        " from manual_events",
    ) == [(gallons, miles, dollars, len(fills))]
    odometers = rows(
        fresh_database,
        "select payload ->> 'miles' from manual_events where event_type = 'odometer_reading' order by occurred_at",
    )
    assert [miles for (miles,) in odometers] == [fill["odometer"] for fill in fills]
    again = import_fuel_log(fresh_database.owner, path, tenant="solo2", progress=silent)
    assert set(again.added.values()) == {0}

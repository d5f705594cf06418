"""The demo data: loaded once, the same everywhere, and true to itself."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from sql.demo import DemoSize, load_demo
from sql.demo.vin import check_digit

pytestmark = pytest.mark.database

UNTIL = date(2026, 5, 1)
TINY = DemoSize(tenants=2, groups=9, vehicles=8, days=61)


def silent(step, done, total):
    """Reports to nobody."""


def rows(database, query):
    """The rows of a query as the database's owner."""
    with psycopg.connect(database.owner) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def loaded(fresh_database):
    """A database with a tiny generated demo."""
    assert load_demo(fresh_database.owner, size=TINY, until=UNTIL, progress=silent)
    return fresh_database


def test_a_second_load_is_refused_and_changes_nothing(loaded):
    """The names are there already: False, and no row more."""
    before = rows(loaded, "select count(*) from audit_trail")
    assert not load_demo(loaded.owner, size=TINY, until=UNTIL, progress=silent)
    assert rows(loaded, "select count(*) from audit_trail") == before


@pytest.mark.parametrize(
    "query",
    [
        "select id, email, name, created_at from users order by id",
        "select id, fleet_group_id, label, vin, extended_attributes, created_at from vehicles order by id",
        "select id, vehicle_id, event_type, payload, occurred_at, created_at from manual_events order by id",
        "select id, storage_key, created_at from uploads order by id",
        "select id, fleet_group_id, metric_date, total_miles_driven, risk_score from fleet_summary_metrics order by id",
        "select id, text, figures, created_at from explanations order by id",
    ],
)
def test_two_databases_get_the_same_demo(make_database, query):
    """Ids, payloads and times are made from names, not drawn."""
    first, second = make_database(), make_database()
    for database in (first, second):
        load_demo(database.owner, size=DemoSize(1, 5, 4, 20), until=UNTIL, progress=silent)
    assert rows(first, query) == rows(second, query)


def test_exactly_the_asked_groups_and_vehicles_come_out(loaded):
    """Per tenant; and every vehicle of a small fleet has a group."""
    assert rows(loaded, "select tenant_id, count(*) from fleet_groups group by 1 having count(*) <> 9") == []
    assert rows(loaded, "select count(distinct tenant_id), count(*), count(fleet_group_id) from vehicles") == [
        (2, 16, 16)
    ]


@pytest.mark.parametrize("groups", [0, 1, 2, 5, 64, 999])
def test_a_group_tree_of_any_number_comes_out_exactly(fresh_database, groups):
    """At most six levels deep, and the viewer's grant is there as soon as there is a group."""
    size = DemoSize(1, groups, 1, 1)
    assert load_demo(fresh_database.owner, size=size, until=UNTIL, progress=silent)
    assert rows(fresh_database, "select count(*) from fleet_groups") == [(groups,)]
    assert rows(fresh_database, "select count(*) from group_permissions") == [(min(groups, 1),)]


def test_every_payload_passes_and_lies_in_its_month(loaded):
    """Every kind of event is there, none in the default partition, none outside the period."""
    assert rows(loaded, "select count(*) from manual_events where not app.is_payload(event_type, payload)") == [(0,)]
    assert rows(loaded, "select count(*) from manual_events_default") == [(0,)]
    (first, last, future) = rows(
        loaded,
        "select min(occurred_at at time zone 'UTC')::date, max(occurred_at at time zone 'UTC')::date,"
        " count(*) filter (where created_at < occurred_at) from manual_events",
    )[0]
    assert (first, last, future) == (date(2026, 3, 1), date(2026, 4, 30), 0)


def test_days_weeks_and_months_add_up_to_the_same_miles(loaded):
    """Per vehicle; and the trips handed in add up to them as well."""
    miles = rows(
        loaded,
        "select vehicle_id, sum(miles_driven) filter (where period_type = 'daily'),"
        " sum(miles_driven) filter (where period_type = 'weekly'),"
        " sum(miles_driven) filter (where period_type = 'monthly') from vehicle_metrics group by 1",
    )
    assert len(miles) == 16
    assert all(daily == weekly == monthly > 0 for _, daily, weekly, monthly in miles)
    trips = rows(
        loaded,
        "select e.vehicle_id, sum((t.value ->> 'miles')::integer) from manual_events e,"
        " jsonb_array_elements(e.payload -> 'trips') as t where e.event_type = 'trip_batch' group by 1",
    )
    assert dict(trips) == {vehicle: daily for vehicle, daily, _, _ in miles}


def test_a_fleet_summary_is_the_sum_of_its_subtree(loaded):
    """Vehicles and miles of a day, of a group and all below it; the last day says how they stood."""
    wrong = rows(
        loaded,
        "select s.id from fleet_summary_metrics s cross join lateral ("
        "  select count(distinct v.id) as vehicles, coalesce(sum(m.miles_driven), 0) as miles"
        "    from vehicles v left join vehicle_metrics m on m.tenant_id = v.tenant_id and m.vehicle_id = v.id"
        "     and m.metric_date = s.metric_date and m.period_type = 'daily'"
        "   where v.tenant_id = s.tenant_id and (s.fleet_group_id is null"
        "      or v.fleet_group_id = any (app.subtree_ids(s.tenant_id, s.fleet_group_id)))) as f"
        " where (f.vehicles, f.miles) is distinct from (s.total_vehicles, s.total_miles_driven)",
    )
    assert wrong == []
    assert rows(
        loaded,
        "select count(*) > 10, count(*) = count(maintenance_compliance_pct), max(risk_score) > 0"
        "  from fleet_summary_metrics s where total_vehicles > 0"
        "   and metric_date = (select max(metric_date) from fleet_summary_metrics)",
    ) == [(True, True, True)]


def test_totals_of_fuel_purchases_are_gallons_times_price(loaded):
    """To the cent, as the database computes it."""
    assert rows(
        loaded,
        "select count(*) filter (where cost <> round(gallons * (payload ->> 'price_per_gallon')::numeric, 2)),"
        " count(*) > 50 from manual_events where event_type = 'fuel_purchase'",
    ) == [(0, True)]


def test_the_four_tenants_have_their_vehicles_and_an_odometer_that_only_grows(fresh_database):
    """Typos aside, which the only vehicle of Solo does not have."""
    load_demo(fresh_database.owner, until=UNTIL, progress=silent)
    shrunk = rows(
        fresh_database,
        "select count(*) from (select odometer_miles - lag(odometer_miles) over (order by occurred_at) as grown"
        " from manual_events e join tenants t on t.id = e.tenant_id and t.name = 'Solo'"
        " where odometer_miles is not null) as steps where grown < 0",
    )
    assert shrunk == [(0,)]
    assert rows(
        fresh_database,
        "select t.name, count(*), count(*) filter (where v.fleet_group_id is null)"
        " from vehicles v join tenants t on t.id = v.tenant_id group by 1 order by 2",
    ) == [("Solo", 1, 1), ("Small", 4, 0), ("Medium", 60, 0), ("Enterprise", 300, 3)]


def test_every_vin_has_its_check_digit(loaded):
    """Seventeen characters, the ninth as North America asks for."""
    vins = [vin for (vin,) in rows(loaded, "select vin from vehicles")]
    assert len(vins) == 16
    assert all(len(vin) == 17 and vin[8] == check_digit(vin) for vin in vins)


def test_the_check_digit_is_the_one_of_known_numbers():
    """A number whose check digit is public knowledge, and one of ones."""
    assert check_digit("1M8GDM9AXKP042788") == "X"
    assert check_digit("11111111111111111") == "1"


def test_progress_ends_where_it_said_it_would(fresh_database):
    """It never goes back, never passes its total, and ends at it."""
    told = []
    load_demo(fresh_database.owner, size=TINY, until=UNTIL, progress=lambda *step: told.append(step))
    done = [step[1] for step in told]
    assert done == sorted(done)
    assert all(step[1] <= step[2] for step in told)
    assert told[-1][1] == told[-1][2] > 0


def test_a_size_that_makes_no_fleet_is_refused(fresh_database):
    """Before anything is asked of the database."""
    with pytest.raises(ValueError, match="at least one tenant"):
        load_demo(fresh_database.owner, size=DemoSize(0, 1, 1, 1), until=UNTIL, progress=silent)

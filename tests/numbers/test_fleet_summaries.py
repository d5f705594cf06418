"""Summaries of fleets: days against sums over the raw rows in plain Python, and how vehicles stood by hand."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import psycopg
import pytest

from sql import metrics
from sql.fleet_summaries import rebuild_summaries, summarize
from sql.owner import statements
from tests.numbers.conftest import day
from tests.numbers.world import OWNER, UNTIL, Sums, change
from tests.oracle import subtree

pytestmark = pytest.mark.database

MOMENT = datetime.combine(UNTIL, time(0, tzinfo=UTC)) - timedelta(seconds=1)
COLUMNS = (
    "fleet_group_id, metric_date, total_vehicles, active_vehicles, total_miles_driven, avg_fuel_efficiency,"
    " total_fuel_cost, utilization_pct"
)


def summaries(connection):
    """What is stored, by group and day; None is the tenant."""
    rows = connection.execute(f"select {COLUMNS} from fleet_summary_metrics").fetchall()
    return {(group, on): tuple(figures) for group, on, *figures in rows}


class Day:
    """What the vehicles of a fleet did on a day."""

    def __init__(self):
        self.active = set()
        self.miles, self.span_miles = 0, 0
        self.gallons, self.cost = Decimal(0), Decimal(0)

    def row(self, total):
        """What should be stored of it, of so many vehicles."""
        economy = round(self.span_miles / self.gallons, 2) if self.gallons else None
        share = round(Decimal(100 * len(self.active)) / total, 2) if total else None
        return total, len(self.active), self.miles, economy, self.cost if total else None, share


def days_of(sums, members):
    """The days of these vehicles of which something is known."""
    days = defaultdict(Day)
    for car, on, row in sums.days:
        if car in members:
            days[on].miles += row["miles_driven"] or 0
            days[on].active |= {car} if row["miles_driven"] else set()
    for car, on, row in sums.events:
        if car in members:
            days[on].active.add(car)
            days[on].cost += (row["cost"] or 0) if row["event_type"] == "fuel_purchase" else 0
    for car, on, (miles, gallons) in sums.spans:
        if car in members:
            days[on].span_miles += miles
            days[on].gallons += gallons
    return days


def expected(sums, today):
    """What should be stored, from the raw rows: every day of which something is known, and today."""
    seen = sums.oracle.see(OWNER, sums.tenant)
    answer = {}
    for root in [None, *(group["id"] for group in seen["fleet_groups"])]:
        below = None if root is None else subtree(seen["fleet_groups"], root)
        cars = [car for car in seen["vehicles"] if below is None or car["fleet_group_id"] in below]
        first = {car["id"]: sums.day(car["id"], car["created_at"]) for car in cars}
        days = days_of(sums, set(first))
        days.setdefault(today, Day())
        for on, each in days.items():
            first |= {car: min(first[car], on) for car in each.active}
        answer |= {(root, on): each.row(sum(day <= on for day in first.values())) for on, each in days.items()}
    return answer


@pytest.mark.parametrize("seed", range(3))
def test_every_day_of_every_group_is_that_of_the_raw_rows_whatever_changes(seed, world):
    """The days that a change touches are summed up anew, in its group and all above, and no others are missed."""
    fortune = random.Random(seed)  # noqa: S311 - to be the same every time
    with psycopg.connect(world.owner, autocommit=True, options="-c jit=off") as connection:
        ((tenant,),) = connection.execute("select id from tenants where name = 'Fleet 1'").fetchall()
        assert summaries(connection) == expected(Sums(world.owner, "Fleet 1"), MOMENT.date())
        connection.execute("update vehicles set fleet_group_id = null where id::text < '2'")
        for turn in range(12):
            change(connection, turn, fortune)
            for _ in metrics.work_off(connection, tenant):
                pass
            assert summarize(connection, tenant, moment=MOMENT) is not None
            assert summaries(connection) == expected(Sums(world.owner, "Fleet 1"), MOMENT.date())
            assert connection.execute("select count(*) from fleet_summary_changes").fetchone() == (0,)
        assert summarize(connection, tenant, moment=MOMENT) == 0


def test_a_rebuild_mends_what_is_wrong(world):
    """Rows that say something else, rows too many and rows that are missing."""
    with psycopg.connect(world.owner, autocommit=True) as connection:
        ((tenant,),) = connection.execute("select id from tenants").fetchall()
        connection.execute("update fleet_summary_runs set as_of = (now() at time zone 'UTC')::date")
        before = summaries(connection)
        connection.execute("update fleet_summary_metrics set total_miles_driven = 7 where metric_date = '2026-03-03'")
        connection.execute("delete from fleet_summary_metrics where metric_date = '2026-03-04'")
        connection.execute(
            "insert into fleet_summary_metrics (tenant_id, metric_date, total_vehicles, active_vehicles,"
            " total_miles_driven) values (%s, '1999-03-04', 9, 9, 9)",
            [tenant],
        )
        assert rebuild_summaries(connection, tenant) > 3
        after = summaries(connection)
        assert {key: row for key, row in after.items() if key[1] < UNTIL} == before


def fleet(garage):
    """A depot with a yard below it, a car in each and one without a group; today is the 41st day."""
    depot = garage.group("Depot")
    yard = garage.group("Yard", depot)
    cars = [garage.vehicle(group=group, make="Ford", model="Transit", interval=20_000) for group in (depot, yard, None)]
    return depot, yard, cars


def look(garage, on=40.0, **hours):
    """Brings metrics and summaries up to date, as of noon of a day."""
    garage.work()
    moment = day(on) + timedelta(**hours)
    assert summarize(garage.connection, garage.tenant, moment=moment) is not None
    return moment.date()


def stood(garage, group, on):
    """Compliance, expected costs and risk of a day."""
    return garage.connection.execute(
        "select maintenance_compliance_pct, predicted_maintenance_cost, risk_score from fleet_summary_metrics"
        " where fleet_group_id is not distinct from %s and metric_date = %s",
        [group, on],
    ).fetchone()


def test_how_vehicles_stand_is_summed_up_by_hand(garage):
    """Of two cars one is overdue, one has a service within thirty days; each by the rates of the fleet it is in."""
    depot, yard, (first, second, alone) = fleet(garage)
    garage.record(first, "maintenance", 0, service_type="oil_change", odometer_miles=1000, cost=100)
    garage.read(first, 1000, 13_000, 25_000, every=20)  # 24,000 of 20,000
    garage.record(second, "maintenance", 0, service_type="oil_change", odometer_miles=500, cost=140)
    garage.record(second, "maintenance", 30, service_type="repair", cost=660)
    garage.read(second, 500, 9000, 17_500, every=20)  # 17,000 of 20,000, at 425 a day
    garage.read(alone, 10, 20, 30, every=20)  # far from its first service
    garage.work()
    metrics.refresh_class_rates(garage.connection, garage.tenant, within=timedelta())
    today = look(garage)
    predicted = garage.connection.execute(
        "select vehicle_id, next_service_date, risk_score, (factors ->> 'p_repair')::float8"
        " from app.maintenance_predictions(%s, %s, '2026-02-10 12:00Z', %s)",
        [garage.tenant, [first, second, alone], [depot, yard, garage.tenant]],
    ).fetchall()
    risks = {vehicle: risk for vehicle, _, risk, _ in predicted}
    repairs = {vehicle: p for vehicle, _, _, p in predicted}
    due = {vehicle: on for vehicle, on, _, _ in predicted if on is not None and on <= today + timedelta(days=30)}
    assert due == {first: today, second: date(2026, 2, 17)}
    assert stood(garage, yard, today) == (
        100,
        round(Decimal(140 + 660 * repairs[second]), 2),
        round(Decimal(risks[second]), 3),
    )
    assert stood(garage, depot, today) == (
        50,
        round(Decimal(2 * 120 + 660 * (repairs[first] + repairs[second])), 2),
        round(Decimal(risks[first] + risks[second]) / 2, 3),
    )
    compliance, _, _ = stood(garage, None, today)
    assert compliance == Decimal("66.67")


def test_nothing_is_foretold_where_no_cost_is_known(garage):
    """Null, not nothing."""
    depot, _, (first, _, _) = fleet(garage)
    garage.read(first, 1000, 13_000, 25_000, every=20)
    today = look(garage)
    assert stood(garage, depot, today) == (0, None, None)


def test_a_risk_leans_on_vehicles_of_the_fleet_alone(garage):
    """What others' vehicles do changes nothing in a group's row, and so tells nothing of them."""
    depot, yard, (first, second, alone) = fleet(garage)
    for car in (first, second, alone):
        garage.read(car, 1000, 6000, 11_500, every=20)

    def rates():
        garage.work()
        metrics.refresh_class_rates(garage.connection, garage.tenant, within=timedelta())
        garage.connection.execute("delete from fleet_summary_runs")

    rates()
    today = look(garage)
    before = stood(garage, yard, today)
    assert before is not None
    assert before[2] is not None
    for at in range(1, 9):
        garage.record(first, "maintenance", at, service_type="repair", cost=900)
        garage.record(alone, "maintenance", at, service_type="repair", cost=900)
    rates()
    look(garage)
    assert stood(garage, yard, today) == before
    assert stood(garage, depot, today)[2] > before[2]


def test_a_risk_leans_on_the_smallest_fleet_that_says_enough(garage):
    """A group of few miles has none of its own; the one around it has, and tells it only to those who see that one."""
    depot, yard, (first, second, alone) = fleet(garage)
    garage.read(first, 1000, 6000, 11_500, every=20)
    garage.read(second, 1000, 2000, 3000, every=20)
    garage.read(alone, 1000, 21_000, 41_000, every=20)
    for at in range(1, 9):
        garage.record(alone, "maintenance", at, service_type="repair", cost=900)
    garage.work()
    metrics.refresh_class_rates(garage.connection, garage.tenant, within=timedelta())
    today = look(garage)
    assert stood(garage, yard, today)[2] is None
    risks = garage.connection.execute(
        "select risk_score from app.maintenance_predictions(%s, %s, '2026-02-10 12:00Z', %s)",
        [garage.tenant, [first, second], [depot, depot]],
    ).fetchall()
    assert stood(garage, depot, today)[2] == round(sum(Decimal(risk) for (risk,) in risks) / 2, 3)


def test_how_vehicles_stood_stays_while_a_day_s_sums_follow_late_events(garage):
    """On the day after, an event of the day before changes its fuel, in its group and above, and no other row."""
    depot, yard, (first, second, _) = fleet(garage)
    garage.read(first, 1000, 13_000, 25_000, every=20)
    garage.read(second, 10, 20, 30, every=20)
    yesterday = look(garage, 40)
    today = look(garage, 41)
    was = {group: stood(garage, group, yesterday) for group in (depot, yard, None)}
    assert was[depot][0] == 50
    garage.record(first, "maintenance", 40.9, service_type="oil_change", odometer_miles=25_000, cost=100)
    garage.fill(second, 40, 10, None, total_cost=44)
    look(garage, 41, hours=1)
    assert stood(garage, depot, today)[0] == 100
    assert {group: stood(garage, group, yesterday) for group in (depot, yard, None)} == was
    changed = garage.connection.execute(
        "select fleet_group_id, metric_date, total_fuel_cost from fleet_summary_metrics where computed_at = %s",
        [datetime(2026, 2, 11, 13, tzinfo=UTC)],
    ).fetchall()
    assert {(group, on) for group, on, _ in changed if on == yesterday} == {(g, yesterday) for g in (depot, yard, None)}
    assert {cost for _, on, cost in changed if on == yesterday} == {Decimal(44)}
    assert {on for _, on, _ in changed} <= {yesterday, today}


def test_a_risk_follows_an_issue_that_changes_no_sum(garage):
    """The group's row of today is written again, and those of the groups above."""
    depot, yard, (_, second, _) = fleet(garage)
    garage.read(second, 1000, 6000, 11_500, every=20)
    garage.work()
    metrics.refresh_class_rates(garage.connection, garage.tenant, within=timedelta())
    today = look(garage)
    before = stood(garage, yard, today)[2]
    garage.record(second, "issue_report", 40, severity="critical", description="It smokes.")
    look(garage, hours=1)
    assert stood(garage, yard, today)[2] > before + Decimal("0.3")
    assert stood(garage, depot, today)[2] == stood(garage, yard, today)[2]


def test_compliance_follows_an_interval_that_is_corrected(garage):
    """No event tells of it, and no sum changes."""
    depot, _, (first, _, _) = fleet(garage)
    garage.read(first, 1000, 13_000, 25_000, every=20)
    today = look(garage)
    assert stood(garage, depot, today)[0] == 0
    garage.connection.execute("update vehicles set baseline_service_interval_miles = 50000 where id = %s", [first])
    look(garage, hours=1)
    assert stood(garage, depot, today)[0] == 100


def test_how_vehicles_stand_is_of_the_tenant_s_day(garage):
    """In Tokyo a day begins at 15:00 UTC: what is overdue on it is so in its row."""
    depot, _, (first, _, _) = fleet(garage)
    garage.connection.execute("update tenants set time_zone = 'Asia/Tokyo'")
    garage.read(first, 1000, 1010, 1020, every=15)
    garage.record(
        first, "maintenance", 0, service_type="oil_change", odometer_miles=1000, next_service={"date": "2026-01-31"}
    )
    on = next(d for d in range(28, 60) if garage.service(first, d)[0] == "OVERDUE")
    look(garage, on - 1, hours=4)
    assert stood(garage, depot, day(on).date())[0] == 0


@pytest.mark.parametrize(
    "next_service",
    [{"miles": 10**12}, {"odometer_miles": 3 * 10**9}, {"odometer_miles": -(10**12)}, {"date": "0000-01-01"}],
)
def test_no_word_of_a_next_service_fails_a_summary(next_service, garage):
    """It is a text that anybody may write: of its vehicle, and of all others, there are figures."""
    depot, _, (first, _, _) = fleet(garage)
    garage.read(first, 1000, 13_000, 25_000, every=20)
    garage.record(first, "maintenance", 1, service_type="oil_change", odometer_miles=1600, next_service=next_service)
    assert stood(garage, depot, look(garage)) is not None
    assert garage.service(first, 40)[0] in {"OK", "OVERDUE", "UNKNOWN"}


def test_a_run_that_fails_is_tried_again_after_a_minute(garage):
    """And not each second: what was due stays so."""
    fleet(garage)
    garage.work()
    connection = garage.connection
    due = statements("sql.fleet_summaries")["tenants_due"]
    assert len(connection.execute(due).fetchall()) == 1
    connection.execute("alter table fleet_summary_metrics add constraint broken check (total_vehicles < 0) not valid")
    with pytest.raises(psycopg.errors.CheckViolation):
        summarize(connection, garage.tenant)
    assert connection.execute(due).fetchall() == []
    connection.execute("alter table fleet_summary_metrics drop constraint broken")
    connection.execute("update fleet_summary_runs set ended_at = ended_at - interval '61 seconds'")
    assert len(connection.execute(due).fetchall()) == 1
    assert summarize(connection, garage.tenant) > 0


def test_a_group_that_is_deleted_meanwhile_waits_for_the_run(garage, fresh_database):
    """Its rows are written, and go with it."""
    depot, yard, (_, second, _) = fleet(garage)
    garage.connection.execute("update vehicles set fleet_group_id = %s where id = %s", [depot, second])
    garage.work()
    with (
        psycopg.connect(fresh_database.owner, options="-c jit=off") as run,
        psycopg.connect(fresh_database.owner, options="-c lock_timeout=200") as other,
    ):
        with run.transaction():
            assert summarize(run, garage.tenant) > 0
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("delete from fleet_groups where id = %s", [yard])
            other.rollback()
            other.execute("update fleet_groups set name = 'Court' where id = %s", [yard])
            other.rollback()
        other.execute("delete from fleet_groups where id = %s", [yard])


def test_a_new_group_has_a_row_and_goes_with_its_rows(garage):
    """An empty one can be deleted, whatever was written of it; what moved out of it counts where it is now."""
    depot, yard, (_, second, _) = fleet(garage)
    garage.fill(second, 3, 10, None, total_cost=44)
    today = look(garage)
    new = garage.group("New", depot)
    look(garage)
    assert summaries(garage.connection)[new, today] == (0, 0, 0, None, None, None)
    assert summaries(garage.connection)[depot, date(2026, 1, 4)][4] == 44
    garage.connection.execute("update vehicles set fleet_group_id = null where id = %s", [second])
    garage.connection.execute("delete from fleet_groups where id = any (%s)", [[yard, new]])
    look(garage)
    left = summaries(garage.connection)
    assert {group for group, _ in left} == {depot, None}
    assert (depot, date(2026, 1, 4)) not in left
    assert left[None, date(2026, 1, 4)][4] == 44

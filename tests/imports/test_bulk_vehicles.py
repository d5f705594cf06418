"""Vehicles from files of any size: what they are known by, where they go, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sql.imports import import_groups

pytestmark = pytest.mark.database

HEADER = "label,fleet_group,make,model,vin,baseline_fuel_mpg,baseline_service_interval_miles,notes,external_id\n"
VIN = "1HGCM82633A004352"


@pytest.fixture
def _groups(fresh_database, tmp_path):
    """Two countries, each with a group of the same name."""
    path = tmp_path / "groups.csv"
    path.write_text("code,name,parent\nUS,America,\nUS-1,West,US\nDE,Germany,\nDE-1,West,DE\n", encoding="utf-8")
    import_groups(fresh_database.owner, path, tenant="Acme", progress=lambda *_: None)


@pytest.mark.usefixtures("_groups")
def test_a_vehicle_comes_with_all_that_is_known(load, rows):
    """Its tenant is made where there is none; other columns become custom fields."""
    report = load(
        "vehicles",
        HEADER.replace("\n", ",Color\n")
        + f"Van,America/West,Ford,Transit,{VIN.lower()},21.5,7500,old,V1,red\nBus,DE-1,,,,,,,,\nCar,,,,,,,,,\n",
    )
    assert (report.added, report.there, report.refused) == (3, 0, 0)
    found = rows(
        "select v.label, p.name, v.make, v.vin, v.baseline_fuel_mpg, v.baseline_service_interval_miles,"
        " v.extended_attributes, v.version from vehicles v"
        " left join fleet_groups g on g.id = v.fleet_group_id left join fleet_groups p on p.id = g.parent_group_id"
        " order by v.label"
    )
    assert found == [
        ("Bus", "Germany", None, None, None, 5000, {}, 1),
        ("Car", None, None, None, None, 5000, {}, 1),
        ("Van", "America", "Ford", VIN, Decimal("21.5"), 7500,
         {"external_id": "V1", "custom_fields": {"Color": "red"}}, 1),
    ]  # fmt: skip
    assert rows("select count(*) from event_stream where aggregate_type = 'vehicle'") == [(3,)]


def test_the_same_vehicles_again_are_there_already(load, rows):
    """Known by the external id, else the VIN, else the label; also where a mutation made them, and in one file."""
    text = f"label,vin,external_id\nVan,{VIN},V1\nBus,,\nBus,,\nCar,,C1\n"
    report = load("vehicles", text)
    assert (report.read, report.added, report.there) == (4, 3, 1)
    report = load("vehicles", text.replace("Van", "Vans").replace("Car", "Cars"))
    assert (report.added, report.there) == (0, 4)
    report = load("vehicles", f"label,vin\nAnother,{VIN}\n")
    assert (report.added, report.there) == (0, 1)
    assert sorted(rows("select label from vehicles")) == [("Bus",), ("Car",), ("Van",)]


def test_a_vehicle_that_was_deleted_comes_back_where_its_stream_ended(load, rows):
    """With the next version."""
    text = "label\nVan\n"
    load("vehicles", text)
    rows("delete from vehicles returning id")
    assert load("vehicles", text).added == 1
    assert rows("select version from vehicles") == [(3,)]


@pytest.mark.usefixtures("_groups")
@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",,Ford,,,,,,", "column label: is missing"),
        (f"{'x' * 201},,,,,,,,", "column label: label has 1 to 200 characters, not 201"),
        ("B,Nowhere,,,,,,,", 'column fleet_group: there is no fleet group "Nowhere"'),
        (
            "B,West,,,,,,,",
            (
                'column fleet_group: 2 fleet groups are called "West"; write the path from the top, '
                "like North America/US West"
            ),
        ),
        (
            "B,,,,1HGCM82633I004352,,,,",
            "column vin: A VIN has 17 characters: digits, and letters without I, O and Q",
        ),
        (f"B,,,,{VIN},,,,B1", f'column vin: "{VIN}": Another vehicle of the tenant has this VIN.'),
        ("B,,,,,0,,,", "column baseline_fuel_mpg: baselineFuelMpg is from 0.1 to 999.9, to one decimal"),
        ("B,,,,,1.25,,,", "column baseline_fuel_mpg: baselineFuelMpg is from 0.1 to 999.9, to one decimal"),
        (
            "B,,,,,,0,,",
            "column baseline_service_interval_miles: baselineServiceIntervalMiles is from 1 to 1,000,000",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_what_is_wrong_is_told_in_the_words_of_the_mutations(load, rows, row, told):
    """And stops nothing."""
    report = load("vehicles", f"{HEADER}Van,,,,{VIN},,,,V1\n{row}\nCar,,,,,,,,\n")
    assert report.told == [f"row 3, {told}"]
    assert sorted(rows("select label from vehicles")) == [("Car",), ("Van",)]


def test_a_dry_run_makes_no_tenant(load, rows):
    """But says what would come."""
    report = load("vehicles", "label\nVan\n", dry=True)
    assert (report.added, report.owner_email) == (1, None)
    assert rows("select count(*) from tenants") == [(0,)]


def test_a_check_digit_that_does_not_fit_is_counted(load):
    """A European VIN needs none, so the row is not refused."""
    report = load("vehicles", f"label,vin\nA,{VIN}\nB,WVWZZZ1JZXW000001\nC,WVWZZZ1JZXW000002\nD,\n")
    assert (report.added, report.refused) == (4, 0)
    assert (report.odd, report.first_odd) == ({"VIN_CHECK_DIGIT": 2}, {"VIN_CHECK_DIGIT": "row 3"})

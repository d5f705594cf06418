"""Events from files of any size: exact figures, every way to write them, refusals, and reruns."""

from __future__ import annotations

import csv
import json
import resource
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sql.errors import ImportFileError
from tests.imports.conftest import EVENTS

pytestmark = pytest.mark.database

MAPS = Path(__file__).resolve().parents[2] / "docs" / "maps"
FUEL = """
[vehicle]
column = "Car"
[fields]
occurred_at = "Date"
event_type = { constant = "fuel_purchase" }
gallons = { column = "Quantity", unit_column = "Unit" }
"""
ALL = "select event_type, occurred_at, payload, gallons, cost, odometer_miles from manual_events order by occurred_at"


def test_columns_called_like_fields_need_no_map(fleet, rows):
    """With the digits of the file; what no field takes is kept beside."""
    report = fleet(
        "events",
        "Vehicle,event_type,occurred_at,gallons,price_per_gallon,odometer_miles,Driver,Note\n"
        'Van,fuel_purchase,2026-01-31T08:30:00-06:00,10.50,3.990,42116,Ada,"two\nlines, one quote """\n'
        "Bus,Odometer_Reading,2026-02-01T00:00Z,,,7,,\n",
    )
    assert (report.read, report.added, report.there, report.refused) == (2, 2, 0, 0)
    (fuel, odometer) = rows(ALL)
    assert fuel[:2] == ("fuel_purchase", datetime(2026, 1, 31, 14, 30, tzinfo=UTC))
    assert fuel[3:] == (Decimal("10.50"), Decimal("41.90"), 42116)
    assert fuel[2]["columns"] == {"Driver": "Ada", "Note": 'two\nlines, one quote "'}
    assert [text for (text,) in rows("select payload ->> 'gallons' from manual_events where gallons is not null")] == [
        "10.50"
    ]
    assert odometer[2] == {"miles": 7}
    assert rows("select distinct confidence, verified_by_user from manual_events") == [(80, False)]
    assert rows("select count(*), min(user_agent) from audit_trail where table_name = 'manual_events'") == [
        (2, "motomind import")
    ]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_and_a_byte_order_mark_is_none_of_the_header(fleet, rows, delimiter, start):
    """By the header, where a quoted name may have others in it."""
    lines = [
        ["vehicle", "event_type", "occurred_at", "odometer_miles", '"a, b; c, d; e, f"'],
        ["Van", "odometer_reading", "2026-01-31", "5", "x"],
    ]
    fleet("events", start + "\r\n".join(delimiter.join(line) for line in lines) + "\r\n")
    assert rows("select occurred_at, payload from manual_events") == [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), {"miles": 5, "columns": {"a, b; c, d; e, f": "x"}})
    ]


def test_units_are_converted_exactly_row_by_row(fleet, rows):
    """A US gallon has 3.785411784 liters, a mile 1.609344 km; prices go the other way, odometers show whole miles."""
    fleet(
        "events",
        "Car;Date;Quantity;Unit;Price;Km\n"
        "Van;01.02.2026;3,785411784;L;1,00;160,9344\n"
        "Van;02.02.2026;1.000,5;GAL;3,459;1.609,344\n"
        "Van;03.02.2026;10;Liter;;\n",
        map="decimal_comma = true\nthousands = '.'\ndate_formats = ['%d.%m.%Y']\n"
        + FUEL
        + 'price_per_gallon = { column = "Price", unit_column = "Unit" }\n'
        + 'odometer_miles = { column = "Km", unit = "km" }\n',
    )
    assert rows(
        "select gallons, payload ->> 'price_per_gallon', odometer_miles from manual_events order by 1 desc"
    ) == [
        (Decimal("1000.5"), "3.459", 1000),
        (Decimal("2.641721"), None, None),
        (Decimal("1.000000"), "3.785412", 100),
    ]


@pytest.mark.parametrize(
    ("form", "text", "moment"),
    [
        ("excel-1904", "44957", "2027-02-01T18:00:00"),
        ("excel-1900", "46053", "2026-01-31T18:00:00"),
        ("excel-1900", "46053.354166666664", "2026-01-31T14:30:00"),
        ("excel-1904", "44591.5", "2026-01-31T18:00:00"),
        ("%m/%d/%Y %I:%M %p", "01/31/2026 8:30 AM", "2026-01-31T14:30:00"),
        ("%m/%d/%Y", "07/31/2026", "2026-07-31T17:00:00"),
        ("excel-1900", "2026-01-31T08:30:00Z", "2026-01-31T08:30:00"),
        ("excel-1900", "2026-01-31 08:30", "2026-01-31T14:30:00"),
    ],
)
def test_dates_are_read_in_both_systems_of_excel_and_in_a_zone(form, text, moment):
    """Chicago is six hours behind in winter and five in summer; a mere day is at noon there."""
    from api.imports.column_map import ColumnMap
    from api.imports.conversion import Conversion

    conversion = Conversion(ColumnMap(date_formats=[form], time_zone="America/Chicago"))
    assert conversion.moment(text) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("Van,fuel_purchase,2026-01-31,NaN,,,", 'column gallons: "NaN" is no number such as 12.5'),
        ("Van,fuel_purchase,2026-01-31,1e400,,,", 'column gallons: "1e400" is no number such as 12.5'),
        ("Van,fuel_purchase,2026-01-31,-5,,,", 'column gallons: "-5": Input should be greater than or equal to 0.001'),
        (
            "Van,fuel_purchase,2026-01-31,10001,,,",
            'column gallons: "10001": Input should be less than or equal to 10000',
        ),
        ('Van,fuel_purchase,2026-01-31,"1,5",,,', 'column gallons: "1,5" is no number such as 12.5'),
        ("Van,fuel_purchase,2026-01-31,\u0661,,,", 'column gallons: "\u0661" is no number such as 12.5'),
        ("Van,fuel_purchase,2026-01-31,,,,", "column gallons: is missing"),
        (
            "Van,fuel_purchase,1970-01-01,1,,,",
            'column occurred_at: "1970-01-01" is not from 1990-01-01 to a day from now',
        ),
        (
            "Van,fuel_purchase,2199-01-01,1,,,",
            'column occurred_at: "2199-01-01" is not from 1990-01-01 to a day from now',
        ),
        (
            f"Van,fuel_purchase,{TOMORROW},1,,,",
            f'column occurred_at: "{TOMORROW}" is not from 1990-01-01 to a day from now',
        ),
        ("Van,fuel_purchase,31/01/2026,1,,,", 'column occurred_at: "31/01/2026" is no date such as "2026-01-31T08:30"'),
        ("Van,fuel_purchase,2026-02-30,1,,,", 'column occurred_at: "2026-02-30" is no date such as "2026-01-31T08:30"'),
        ("Van,fuel_purchase,,1,,,", "column occurred_at: is missing"),
        ("Van,refuel,2026-01-31,1,,,", 'column event_type: "refuel" is no type of event: '),
        ("Ship,fuel_purchase,2026-01-31,1,,,", 'column vehicle: there is no vehicle with the label "Ship"'),
        (",fuel_purchase,2026-01-31,1,,,", "column vehicle: is missing"),
        (
            "Van,fuel_purchase,2026-01-31,1,,,-1",
            'column odometer_miles: "-1": Input should be greater than or equal to 0',
        ),
        ("Van,fuel_purchase,2026-01-31,1,,\0,", "the row has the character NUL, which cannot be stored"),
        ("Van,fuel_purchase,2026-01-31,1", "4 fields where the header has 7"),
        ('Van,fuel_purchase,2026-01-31,1,"a"b,,', "not CSV: ',' expected after '\"'"),
        (f"Van,fuel_purchase,2026-01-31,1,,,{'9' * 2_000_000}", "the line is longer than 1 MB"),
        (f"Van,fuel_purchase,2026-01-31,1,,,{'9' * 200_000}", "not CSV: field larger than field limit (131072)"),
    ],
    ids=lambda value: value[:60].replace("\0", "NUL"),
)
def test_what_is_wrong_is_told_by_row_and_column_and_stops_nothing(fleet, rows, row, told):
    """The rows before and after it are added."""
    report = fleet("events", f"{EVENTS}Van,fuel_purchase,2026-01-01,1,,,\n{row}\nBus,fuel_purchase,2026-01-02,2,,,\n")
    assert (report.read, report.added, report.refused) == (3, 2, 1)
    assert len(report.told) == 1
    assert report.told[0].startswith(f"row 3, {told}")
    assert rows("select sum(gallons) from manual_events") == [(3,)]


def test_all_that_is_wrong_in_a_row_is_told(fleet):
    """So that it is corrected once."""
    report = fleet("events", f"{EVENTS}Van,fuel_purchase,soon,many,,,\n")
    assert report.told == [
        'row 2, column occurred_at: "soon" is no date such as "2026-01-31T08:30"',
        'row 2, column gallons: "many" is no number such as 12.5',
    ]


def test_a_quote_that_is_not_closed_costs_its_own_row(fleet, rows):
    """Also where the file ends before another quote comes."""
    good = "".join(f"Van,fuel_purchase,2026-01-{day:02},{day},,,\n" for day in range(1, 21))
    for name in ("events.csv", "others.csv"):
        report = fleet("events", f'{EVENTS}{good}"Van,fuel_purchase,2026-01-31,1,,,\n{good}', name=name)
        assert (report.read, report.refused) == (41, 1)
        assert report.told == ["row 22, not CSV: unexpected end of data"]
    assert rows("select count(*) from manual_events") == [(20,)]


def test_refused_rows_are_corrected_and_fed_again_as_they_are(fleet, rows, tmp_path):
    """The problem column is passed over; the file is coded as the one it came from, and gone where all is well."""
    given = 'encoding = "cp1252"\ndelimiter = ";"\n[vehicle]\ncolumn = "Car"\n[fields]\noccurred_at = "Date"\n'
    given += 'event_type = { constant = "issue_report" }\nseverity = "How bad"\ndescription = "Problem"\n'
    text = "Car;Date;How bad;Problem\nVan;2026-01-31;low;Tür\nBus;2026-01-31;;Ölfleck\nBus;2026-02-31;high;€\n"
    report = fleet("events", text.encode("cp1252"), map=given)
    assert (report.added, report.refused) == (1, 2)
    path = tmp_path / "events.csv.refused.csv"
    assert report.refused_path == path
    refused = path.read_text(encoding="cp1252")
    assert refused == (
        "problem;Car;Date;How bad;Problem\n"
        "column How bad: is missing;Bus;2026-01-31;;Ölfleck\n"
        '"column Date: ""2026-02-31"" is no date such as ""2026-01-31T08:30""";Bus;2026-02-31;high;€\n'
    )
    again = fleet("events", path.read_bytes(), name="again.csv", map=given)
    assert (again.added, again.refused) == (0, 2)
    assert (tmp_path / "again.csv.refused.csv").read_text(encoding="cp1252") == refused
    corrected = refused.replace("2026-02-31;", "2026-02-28;").replace("01-31;;", "01-31;low;")
    assert fleet("events", corrected.encode("cp1252"), name="again.csv", map=given).added == 2
    assert not (tmp_path / "again.csv.refused.csv").exists()
    assert sorted(rows("select payload ->> 'description' from manual_events")) == [("Tür",), ("Ölfleck",), ("€",)]


def test_ndjson_is_read_a_line_at_a_time_with_its_numbers_as_they_are(fleet, rows, tmp_path):
    """Nested payloads as well; what is no object, no JSON or cannot be stored is refused."""
    lines = [
        (
            '{"vehicle": "Van", "event_type": "fuel_purchase", "occurred_at": "2026-01-31T08:30:00Z", "gallons": 10.50,'
            ' "tags": {"a": [1.10]}}'
        ),
        (
            '{"vehicle": "Van", "event_type": "trip_batch", "occurred_at": "2026-01-31T09:30:00Z",'
            ' "payload": {"trips": [{"start": "2026-01-31T08:00Z", "end": "2026-01-31T09:00Z", "miles": 30}]}}'
        ),
        "",
        "[1]",
        '{"vehicle": "Van", "event_type": "fuel_purchase", "occurred_at": "2026-01-31T08:30:00Z", "gallons": NaN}',
        '{"vehicle": "Van", "event_type": "fuel_purchase", "occurred_at": "2026-01-31T08:30:00Z", "gallons": 1e400}',
        '{"vehicle": "Van", "event_type": "fuel_purchase", "occurred_at": "2026-01-31T08:30:00Z", "gallons": true}',
        '{"vehicle": "V\\u0000", "event_type": "issue_report", "occurred_at": "2026-01-31T08:30:00Z"}',
        (
            '{"vehicle": "Van", "event_type": "issue_report", "occurred_at": "2026-01-31T08:30:00Z", "severity": "low",'
            ' "description": "x", "more": "\\ud800"}'
        ),
        "[" * 100_000,
    ]
    report = fleet("events", "\n".join(lines), name="events.ndjson")
    assert (report.read, report.added, report.refused) == (9, 2, 7)
    told = [line.partition(", ") for line in report.told]
    assert [int(place.removeprefix("line ")) for place, _, _ in told] == [4, 5, 6, 7, 8, 9, 10]
    assert told[0][2] == "not a JSON object"
    assert told[1][2] == "not JSON: NaN is no number"
    assert told[3][2] == "key gallons: must be a text or a number"
    assert rows("select payload ->> 'gallons', payload -> 'columns' from manual_events where gallons > 0") == [
        ("10.50", {"tags": {"a": [1.10]}})
    ]
    kept = (tmp_path / "events.ndjson.refused.ndjson").read_text(encoding="utf-8").splitlines()
    assert json.loads(kept[3])["gallons"] is True
    assert all("problem" in json.loads(line) for line in kept)


def test_the_same_file_again_adds_nothing_and_a_grown_one_its_new_rows(fleet, rows):
    """By all that an event is; with an external id by that alone, whatever else changed or wherever the event went."""
    text = EVENTS + "Van,fuel_purchase,2026-01-31,1,,,\nVan,fuel_purchase,2026-01-31,1.5,,,\n"
    assert fleet("events", text).added == 2
    again = fleet("events", text + "Van,fuel_purchase,2026-01-31,1.5,,,\nBus,fuel_purchase,2026-01-31,1,,,\n")
    assert (again.added, again.there) == (1, 3)
    keyed = "external_id,vehicle,event_type,occurred_at,odometer_miles\n7,{},odometer_reading,{},{}\n"
    assert fleet("events", keyed.format("Van", "2026-01-31", 5)).added == 1
    assert fleet("events", keyed.format("Bus", "2025-01-31", 6)).added == 0
    other = 'source = "B"\n[vehicle]\ncolumn = "vehicle"\n[fields]\nexternal_id = "external_id"\n'
    other += 'event_type = "event_type"\noccurred_at = "occurred_at"\nmiles = "odometer_miles"\n'
    assert fleet("events", keyed.format("Bus", "2025-01-31", 6), map=other).added == 1
    assert rows("select count(*) from manual_events") == [(5,)]


def test_vehicles_are_named_by_label_vin_id_or_external_id(fleet, rows):
    """A label that two vehicles share names neither."""
    (id_,) = rows("select id from vehicles where label = 'Bus'")[0]
    start = "event_type,occurred_at,miles"
    for column, value in (
        ("vin", "1hgcm82633a004352"),
        ("vehicle_id", str(id_).upper()),
        ("vehicle_external_id", "V2"),
    ):
        assert fleet("events", f"{column},{start}\n{value},odometer_reading,2026-01-31,1\n").refused == 0
    assert sorted(rows("select v.label from manual_events e join vehicles v on v.id = e.vehicle_id")) == [
        ("Bus",),
        ("Van",),
    ]  # the second and third row are the same event
    assert fleet("vehicles", "label,external_id\nTwin,T2\n", name="more.csv").added == 1
    report = fleet("events", f"vehicle,{start}\nTwin,odometer_reading,2026-01-31,1\n")
    assert report.told == [
        'row 2, column vehicle: 2 vehicles have the label "Twin"; name them by = "vin", "id" or "external_id"'
    ]


def test_a_dry_run_checks_all_and_writes_only_the_refused_rows(fleet, rows, tmp_path):
    """Not even a partition."""
    before = rows("select count(*) from pg_class")
    text = EVENTS + "Van,fuel_purchase,1995-01-31,1,,,\nShip,fuel_purchase,2026-01-31,1,,,\n"
    report = fleet("events", text, dry=True)
    assert (report.read, report.added, report.refused) == (2, 1, 1)
    assert (tmp_path / "events.csv.refused.csv").exists()
    assert rows("select count(*) from manual_events") == [(0,)]
    assert rows("select count(*) from pg_class") == before
    assert fleet("events", text).added == 1
    report = fleet("events", text, dry=True)
    assert (report.added, report.there) == (0, 1)


def test_months_get_their_partitions(fleet, rows):
    """Nothing is left in the default one."""
    fleet("events", EVENTS + "Van,fuel_purchase,1990-01-01,1,,,\nVan,fuel_purchase,2003-07-31,1,,,\n")
    assert sorted(rows("select tableoid::regclass::text from manual_events")) == [
        ("manual_events_1990_01",),
        ("manual_events_2003_07",),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "events.csv: the file is empty"),
        (b"\xef\xbb\xbf", "events.csv: the file is empty"),
        (EVENTS.encode(), "the file is empty: nothing is in it to import"),
        (
            EVENTS.encode() + "Van,fuel_purchase,2026-01-31,1,,,\nCaf\xe9".encode("cp1252"),
            (
                "line 3, byte 4: 0xE9 is not UTF-8; save the file as UTF-8, or say how it is coded in a map: "
                'encoding = "cp1252"'
            ),
        ),
        (EVENTS.encode("utf-16"), "events.csv: the file is UTF-16; save it as UTF-8"),
        (b"vehicle,Vehicle,event_type,occurred_at\n", 'row 1: column "vehicle" is there twice'),
        (
            b"event_type,occurred_at\n",
            "no column vehicle_id, vehicle_external_id, vin, vehicle: say in a map which one",
        ),
        (b"vehicle,event_type\n", "map, fields: occurred_at is missing; say its column"),
        (b"a,b\rc,d\re,f\r", "row 1: not CSV: new-line character seen in unquoted field"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_before_anything_is_written(fleet, rows, content, told):
    """With its place."""
    with pytest.raises(ImportFileError) as refused:
        fleet("events", content)
    assert refused.value.problems[0].startswith(told)
    assert rows("select count(*) from manual_events") == [(0,)]


def test_a_byte_that_is_no_character_is_found_wherever_pieces_end(fleet):
    """The place is counted over a file of several pieces, and a character may lie across two of them."""
    from api.imports.lines import PIECE

    start = EVENTS.encode()
    filler = b"x" * (PIECE - len(start) - 2) + b"\n"
    with pytest.raises(ImportFileError, match=r"^line 3, byte 3: 0xC3 is not UTF-8"):
        fleet("events", start + filler + b"ab\xc3\x28")
    with pytest.raises(ImportFileError, match=r"^line 3, byte 1: 0xE2 is not UTF-8"):
        fleet("events", start + filler + b"\xe2\x28\xa1")


def test_a_tenant_that_is_not_there_is_told(fleet):
    """Events have vehicles, so there is one, or the name is wrong."""
    with pytest.raises(ImportFileError, match=r'tenant "Other": there is none'):
        fleet("events", EVENTS + "Van,fuel_purchase,2026-01-31,1,,,\n", tenant="Other")


def test_a_hundred_thousand_refused_rows_take_no_more_memory_than_ten_thousand(fleet, tmp_path):
    """They are counted by reason, the first few are told, and all of them are in the file."""
    few = EVENTS + "".join(f"Van,fuel_purchase,2026-01-31,-{n},,,\n" for n in range(1, 10_001))
    many = EVENTS + "".join(f"Van,fuel_purchase,2026-01-31,x{n},,,\n" for n in range(100_000))
    fleet("events", few)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = fleet("events", many, name="many.csv")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024  # KB
    assert (report.refused, report.added, len(report.told)) == (100_000, 0, 10)
    assert report.reasons == [("gallons: ... is no number such as 12.5", 100_000)]
    with (tmp_path / "many.csv.refused.csv").open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.reader(file)) == 100_001


def test_a_row_that_only_the_database_refuses_is_found_among_many(fleet, rows):
    """The others of its transaction are added."""
    import psycopg

    with psycopg.connect(rows.owner) as connection:
        connection.execute("alter table manual_events add constraint lucky check (gallons <> 13)")
    text = EVENTS + "".join(f"Van,fuel_purchase,2026-01-{n:02},{n},,,\n" for n in range(1, 31))
    report = fleet("events", text)
    assert (report.added, report.refused) == (29, 1)
    assert report.told[0].startswith("row 14, ")


@pytest.mark.parametrize("name", ["2011quest.csv", "2008altima.csv"])
def test_a_real_log_comes_in_exactly_by_the_map_of_the_documentation(load, rows, real_data, name):
    """Gallons and prices add up to those of the file, and nothing is new the second time."""
    path = real_data / "fuel_log" / name
    with path.open(encoding="utf-8", newline="") as file:
        fills = list(csv.DictReader(file))
    map_text = (MAPS / "fuel_log.toml").read_text(encoding="utf-8")
    load("vehicles", f"label\n{fills[0]['car_name']}\n")
    report = load("events", path.read_bytes(), map=map_text)
    unique = {(fill["date"], fill["gallons"], fill["price"], fill["odometer"]) for fill in fills}
    assert (report.read, report.refused) == (len(fills), 0)
    assert report.added == len(unique)
    assert rows("select sum(gallons) from manual_events") == [(sum(Decimal(gallons) for _, gallons, _, _ in unique),)]
    assert load("events", path.read_bytes(), map=map_text).added == 0


def test_what_is_odd_about_a_fill_is_counted_and_kept(fleet):
    """As the mutations warn of it; what is refused is not odd as well."""
    rows_ = ("400,3,1200,", "10,3,300,", "10,3,30.5,", "500,3,1,", "0,3,300,", "5,,,")
    report = fleet(
        "events", EVENTS + "".join(f"Van,fuel_purchase,2026-01-0{n},{row}\n" for n, row in enumerate(rows_, 1))
    )
    assert (report.added, report.refused) == (5, 1)
    assert report.odd == {"MUCH_FUEL": 2, "COST_MISMATCH": 2}
    assert report.first_odd == {"MUCH_FUEL": "row 2", "COST_MISMATCH": "row 3"}

"""Column maps: every mistake in one is told by its key, before the file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.imports.column_map import ColumnMap, FieldMap, read_map
from api.imports.event_rows import KINDS
from resolvers.payloads import PAYLOADS
from sql.errors import ImportFileError
from tests.imports.conftest import EVENTS

ROOT = Path(__file__).resolve().parents[2]
WHOLE = '[vehicle]\ncolumn = "vehicle"\n[fields]\noccurred_at = "occurred_at"\nevent_type = "event_type"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("feilds = 1", "map.toml, feilds: there is no such key; did you mean fields?"),
        ("[fields]\nmiles = { colum = 'x' }",
         "map.toml, fields.miles.colum: there is no such key; did you mean column?"),
        ("[fields]\ngallons = { column = 'x', unit = 'pint' }", "map.toml, fields.gallons.unit: Input should be 'gal'"),
        ("[fields]\ngallons = {}", "map.toml, fields.gallons: say either column or constant"),
        ("[vehicle]\nby = 'vin'", "map.toml, vehicle.column: Field required"),
        ("[vehicle]\ncolumn = 'x'\nby = 'plate'", "map.toml, vehicle.by: Input should be 'label'"),
        ("time_zone = 'Mars/Phobos'", 'map.toml, time_zone: there is no time zone "Mars/Phobos"'),
        ("time_zone = '../../etc/passwd'", 'map.toml, time_zone: there is no time zone "../../etc/passwd"'),
        ("date_formats = ['%H:%M']", 'map.toml, date_formats: "%H:%M" is no format of a date'),
        ("encoding = 'latin-9'", "map.toml, encoding: Input should be 'utf-8' or 'cp1252'"),
        ("delimiter = ':'", "map.toml, delimiter: Input should be ','"),
        ("a = ", "map.toml: not TOML: "),
    ],
)  # fmt: skip
def test_a_wrong_key_or_value_is_named(tmp_path, text, told):
    """With what may have been meant."""
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFileError) as refused:
        read_map(path)
    assert refused.value.problems[0].startswith(told)


@pytest.mark.database
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WHOLE + 'galons = "gallons"', "map, fields.galons: there is no such field; did you mean gallons?"),
        (WHOLE + 'gallons = "Qty"', 'row 1: no column "Qty"; there are "vehicle", "event_type", "occurred_at"'),
        (WHOLE + 'station_name = { column = "gallons", unit = "L" }', "map, fields.station_name: has no unit"),
        (WHOLE + 'gallons = { column = "gallons", unit = "km" }', "map, fields.gallons.unit: km is no unit of it"),
        (WHOLE + 'gallons = { constant = "x" }', 'map, fields.gallons.constant: "x" is no number such as 12.5'),
    ],
)
def test_a_map_that_does_not_fit_is_told_before_any_row_is_read(fleet, text, told):
    """Nothing is written."""
    with pytest.raises(ImportFileError) as refused:
        fleet("events", EVENTS + "Van,fuel_purchase,2026-01-31,1,,,\n", map=text)
    assert refused.value.problems[0].startswith(told)


def test_every_key_of_a_payload_is_a_field():
    """A new key needs to be told how its values are read."""
    assert {key for payload in PAYLOADS.values() for key in payload.model_fields} <= KINDS.keys()


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "maps").iterdir()), ids=lambda path: path.name)
def test_the_maps_of_the_documentation_are_right(path):
    """And name fields that there are."""
    assert read_map(path).fields.keys() <= KINDS.keys()


def test_every_key_of_a_map_is_documented():
    """In docs/importing.md."""
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    keys = {*ColumnMap.model_fields, *FieldMap.model_fields}
    assert [key for key in keys if f"`{key}`" not in text and f"`[{key}]`" not in text] == []


@pytest.mark.database
def test_the_fuel_card_of_the_documentation_is_read(fleet, rows):
    """Liters and gallons in one file, a card number that is dropped, a time in its own column."""
    report = fleet(
        "events",
        "Transaction ID,Transaction Date,Transaction Time,Card Number,Vehicle Number,Quantity,Unit of Measure,"
        "Unit Cost,Net Cost,Odometer,Product,Merchant Name\n"
        '1,01/31/2026,08:30:00,4111111111111111,Van,10.5,GAL,$3.459,36.32,"42,116",Diesel,Shell\n'
        "2,01/31/2026,5:30 PM,4111111111111111,Van,20,L,1.00,20.00,42200,Diesel,Total\n",
        map=(ROOT / "docs" / "maps" / "fuel_card.toml").read_text(encoding="utf-8"),
    )
    assert (report.added, report.refused, report.told) == (2, 0, [])
    assert rows("select gallons::float8, cost::float8, odometer_miles, occurred_at::text, payload ? 'columns'"
                " from manual_events order by occurred_at") == [
        (10.5, 36.32, 42116, "2026-01-31 14:30:00+00", False),
        (5.283441, 20.0, 42200, "2026-01-31 23:30:00+00", False),
    ]  # fmt: skip

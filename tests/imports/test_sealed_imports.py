"""Imports and the demo with values to encrypt: never in clear, read by those who may, and again without harm."""

from __future__ import annotations

import re
import time
from contextlib import asynccontextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from uuid import uuid4, uuid5

import orjson
import psycopg
import pytest

from api.imports import bulk
from api.imports.bulk import BulkReport, import_file
from api.imports.column_map import ColumnMap
from sql.database import Database, PoolSettings
from sql.demo import DemoSize, load_demo
from sql.encryption import EncryptedFields, Keyring, MasterKeys, new_master_key, rotation
from sql.errors import SetupError
from sql.imports import import_fuel_log
from sql.people import member
from sql.session import Caller
from sql.verification import verify
from tests.dump import dump
from tests.imports.conftest import EVENTS

pytestmark = pytest.mark.database

FIELDS = (
    "manual_events.payload.receipt_data.cards.number",
    "manual_events.payload.location",
    "manual_events.payload.columns.Driver",
    "manual_events.payload.source",
    "manual_events.payload.trip_miles",
    "vehicles.extended_attributes.custom_fields.owner",
)
KEY, OTHER = new_master_key("key"), new_master_key("other")
VEHICLES = "label,external_id,owner,colour\nVan,V1,Ada Lovelace,red\nBus,V2,Grace Hopper,blue\n"
HEADER = "vehicle,event_type,occurred_at,gallons,miles,receipt_data,location,Driver,Note\n"
LINES = (
    'Van,fuel_purchase,2026-01-05T08:00:00Z,10.125,,"{""cards"": [{""number"": ""4111-1111"", ""kind"": ""visa""}]}"'
    ',,Mary Jackson,"tank 1"\n'
    'Van,odometer_reading,2026-01-06T08:00:00Z,,1200,,"{""lat"": 47.376887, ""lon"": 8.5416940}",,\n'
    "Bus,fuel_purchase,2026-01-07T08:00:00Z,1.50,,,,Mary Jackson,\n"
)
LOG = "car_name,model,date,odometer,miles,gallons,price\nCar,Nissan Quest,2024-02-29,42116,327.125,10.50,3.990\n"
CLEAR = ("Ada Lovelace", "Grace Hopper", "4111-1111", "47.376887", "Mary Jackson", '"fuel_log"', "327.125")
READ = """{
  vehicles(first: 9) { nodes { label extendedAttributes } }
  events(first: 9) { nodes { payload ... on FuelPurchase { gallons } ... on OdometerReading { location } } } }"""


def keyring_of(masters=KEY, fields=FIELDS):
    """A keyring with the fields of these tests."""
    return Keyring(EncryptedFields.of(fields), MasterKeys.of(masters))


@pytest.fixture
def load(fresh_database, tmp_path):
    """Imports a text as a file of a kind, or as a fuel log, with a keyring unless it is to be without."""

    def load(kind, content, *, keyring=None, plain=False, dry=False):
        path = tmp_path / f"{kind}.csv"
        path.write_text(content, encoding="utf-8")
        more = {"tenant": "Acme", "progress": lambda *_: None, "keyring": None if plain else keyring or keyring_of()}
        if kind == "fuel-log":
            return import_fuel_log(fresh_database.owner, path, **more)
        report = BulkReport(kind, dry)
        import_file(fresh_database.owner, path, ColumnMap(), report, **more)
        return report

    return load


@pytest.fixture
def loaded(load):
    """All three kinds of files in one tenant; twice, and nothing came in the second time."""
    for _ in range(2):
        reports = [load("vehicles", VEHICLES), load("events", HEADER + LINES)]
        log = load("fuel-log", LOG)
    assert [(report.added, report.there, report.refused) for report in reports] == [(0, 2, 0), (0, 3, 0)]
    assert not any(log.added.values())
    return load


@asynccontextmanager
async def reader_of(addresses, engine, keyring, person="owner@acme.example"):
    """What reads through a gateway as somebody."""
    database = await Database.connect(addresses.gateway, PoolSettings(max_size=2), keyring)
    who = await member(addresses.owner, person, None)

    async def read(query=READ):
        async with database.session(Caller(who.user_id, who.tenant_id)) as session:
            result = await engine.execute(engine.document(query), session, {}, None)
        assert not result.errors
        return orjson.loads(orjson.dumps(result.data, default=str))

    try:
        yield read
    finally:
        await database.close()


def assert_in_clear(data):
    """What the files say, with their digits."""
    vehicles = {node["label"]: node["extendedAttributes"] for node in data["vehicles"]["nodes"]}
    assert vehicles == {
        "Van": {"custom_fields": {"owner": "Ada Lovelace", "colour": "red"}, "external_id": "V1"},
        "Bus": {"custom_fields": {"owner": "Grace Hopper", "colour": "blue"}, "external_id": "V2"},
        "Car": {},
    }
    fills = {node["gallons"]: node["payload"] for node in data["events"]["nodes"] if "gallons" in node}
    assert fills["10.125"]["receipt_data"] == {"cards": [{"number": "4111-1111", "kind": "visa"}]}
    assert fills["10.125"]["columns"] == {"Driver": "Mary Jackson", "Note": "tank 1"}
    assert fills["1.50"]["columns"] == {"Driver": "Mary Jackson"}
    assert fills["10.50"]["trip_miles"] == 327.125
    readings = [node for node in data["events"]["nodes"] if "location" in node]
    assert {"lat": 47.376887, "lon": 8.541694} in [reading["location"] for reading in readings]
    assert {"miles": 42116, "source": "fuel_log"} in [reading["payload"] for reading in readings]


@pytest.mark.usefixtures("loaded")
async def test_nothing_of_an_import_is_in_clear_and_who_may_reads_it(fresh_database, engine, rows):
    """Neither in the tables nor in their copies; not even where the database is dumped with everything."""
    text = dump(fresh_database)
    assert "visa" in text
    assert [clear for clear in CLEAR if clear in text] == []
    masters, fields = MasterKeys.of(KEY), EncryptedFields.of(FIELDS)
    assert rotation.reencrypt(fresh_database.owner, masters, fields, None, lambda *_: None).rows == 0
    assert len(rows("select from tenant_keys")) == 1
    assert [list(tenant.differences) for tenant in verify(fresh_database.owner, None)] == [[]]
    async with reader_of(fresh_database, engine, keyring_of()) as read:
        assert_in_clear(await read())


async def test_without_a_keyring_the_same_dump_holds_all_of_it(load, fresh_database):
    """So the test before it looks where they would be."""
    for kind, content in (("vehicles", VEHICLES), ("events", HEADER + LINES), ("fuel-log", LOG)):
        load(kind, content, plain=True)
    text = dump(fresh_database)
    assert [clear for clear in CLEAR if clear not in text] == []


async def test_after_rotation_imports_read_and_add_nothing(loaded, fresh_database, engine):
    """With everything encrypted anew, under another master key."""
    masters = MasterKeys.of(f"{OTHER},{KEY}")
    rotation.rotate(fresh_database.owner, masters, None)
    rotation.rewrap(fresh_database.owner, masters, None)
    keyring = keyring_of(OTHER)
    assert loaded("events", HEADER + LINES, keyring=keyring).there == 3
    renewed = rotation.reencrypt(
        fresh_database.owner, MasterKeys.of(OTHER), EncryptedFields.of(FIELDS), None, lambda *_: None
    )
    # two vehicles and five events, two records of each by now, and the beginning of the vehicles' streams
    assert (renewed.rows, renewed.unreadable) == (23, 0)
    for kind, content in (("vehicles", VEHICLES), ("events", HEADER + LINES)):
        assert loaded(kind, content, keyring=keyring).added == 0
    assert not any(loaded("fuel-log", LOG, keyring=keyring).added.values())
    async with reader_of(fresh_database, engine, keyring) as read:
        assert_in_clear(await read())


def test_fields_that_are_named_later_or_no_longer_do_not_make_events_come_twice(load, rows):
    """Whichever order the settings change in: in clear, encrypted, with other fields, and with none."""
    load("vehicles", VEHICLES, plain=True)
    one, two = (HEADER + line for line in LINES.splitlines(keepends=True)[:2])
    assert load("events", one, plain=True).added == 1
    for keyring in (keyring_of(), keyring_of(fields=FIELDS[:1]), keyring_of(fields=())):
        assert load("events", one + two.removeprefix(HEADER), keyring=keyring).refused == 0
    assert rows("select count(*) from manual_events") == [(2,)]
    assert load("events", one + two.removeprefix(HEADER), keyring=keyring_of(fields=()), dry=True).there == 2


def test_the_id_of_an_event_does_not_let_anybody_try_values(load, rows):
    """In clear it is made of what the event says: who knows all but the location could try locations."""
    load("vehicles", VEHICLES)
    line = LINES.splitlines(keepends=True)[1]
    assert load("events", HEADER + line).added == 1
    ((id_, tenant, vehicle),) = rows("select id, tenant_id, vehicle_id from manual_events")
    payload = '{"miles":1200,"location":{"lat":47.376887,"lon":8.5416940}}'
    said = f"imported event {vehicle} odometer_reading 2026-01-06T08:00:00+00:00 "
    guesses = {uuid5(tenant, said + sha256(payload.encode()).hexdigest())}
    assert id_ not in guesses
    rows("delete from manual_events where id = %s returning id", id_)
    rows("delete from audit_trail where record_id = %s returning id", id_)
    load("events", HEADER + line, keyring=keyring_of(fields=()))
    assert {found for (found,) in rows("select id from manual_events")} == guesses


def test_a_key_that_comes_while_an_import_runs_is_taken(load, fresh_database, rows, tmp_path, monkeypatch):
    """With the next piece."""
    monkeypatch.setattr(bulk, "ROWS_PER_COMMIT", 1)
    load("vehicles", VEHICLES)
    path = tmp_path / "events.csv"
    path.write_text(
        HEADER + "".join(f"Van,odometer_reading,2026-01-0{day},,{day},,,Mary,\n" for day in (1, 2, 3, 4)), "utf-8"
    )
    told = []

    def progress(*step):
        told.append(step)
        if len(told) == 2:  # the first piece is in
            rotation.rotate(fresh_database.owner, MasterKeys.of(KEY), None)

    import_file(
        fresh_database.owner,
        path,
        ColumnMap(),
        BulkReport("events", dry=False),
        tenant="Acme",
        progress=progress,
        keyring=keyring_of(),
    )
    texts = [text for (text,) in rows("select payload::text from manual_events order by occurred_at")]
    keys = [re.search(r'"key": "(\w+)"', text)[1] for text in texts]
    assert len(keys) == 4
    assert {keys[0], keys[3]} == {key for (key,) in rows("select key_id from tenant_keys")}


def test_files_of_the_server_hold_nothing_in_clear(load, server, rows):
    """Neither those of tables, temporary ones too, nor the write-ahead log."""
    with psycopg.connect(server, autocommit=True) as connection:
        folder = Path(connection.execute("show data_directory").fetchone()[0])
        if not (folder / "PG_VERSION").is_file():
            pytest.skip("the server's files are not here")
        began, secret, open_ = time.time() - 1, uuid4().hex, uuid4().hex
        load("vehicles", VEHICLES + f"Third,V3,{secret},{open_}\n")
        lines = "".join(f"Van,odometer_reading,2026-01-01,,{miles},,,{secret},{open_}\n" for miles in range(2000))
        assert load("events", HEADER + lines).added == 2000
        connection.execute("checkpoint")
    found = {secret: 0, open_: 0}
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime >= began:
            content = path.read_bytes()
            for text in found:
                found[text] += text.encode() in content
    assert found[open_] > 1
    assert found[secret] == 0
    assert rows("select count(*) from manual_events") == [(2000,)]


def test_a_dry_run_keeps_no_key(load, rows):
    """It checks, and leaves the database as it was."""
    load("vehicles", VEHICLES, plain=True)
    report = load("events", HEADER + LINES, dry=True)
    assert (report.added, report.refused) == (3, 0)
    assert rows("select count(*) from tenant_keys") == [(0,)]


def test_rows_that_pretend_to_be_encrypted_are_refused(load, rows):
    """What has the mark would be passed over, and stay in clear."""
    load("vehicles", VEHICLES)
    fake = '"{""$enc"": ""v1"", ""lat"": 47.376887}"'
    report = load("events", HEADER + f"Van,odometer_reading,2026-01-06,,1200,,{fake},,\n")
    assert report.told == ['row 2, column location: the key "$enc" is reserved for encrypted values']
    report = load("events", EVENTS.strip() + ",$enc\nVan,odometer_reading,2026-01-06,,,,5,x\n")
    assert report.told == ['row 2, column $enc: the key "$enc" is reserved for encrypted values']
    report = load("vehicles", f"label,extended_attributes\nCar,{fake}\n")
    assert report.told == ['row 2, column extended_attributes: the key "$enc" is reserved for encrypted values']
    assert rows("select count(*) from manual_events") == [(0,)]


def test_without_the_keys_of_a_tenant_nothing_is_imported(load, rows):
    """None at all, or another one: told once, with what to set, before anything is written."""
    load("vehicles", VEHICLES)
    before = rows("select (select count(*) from vehicles), (select count(*) from manual_events)")
    for more, said in (
        ({"plain": True}, "no master key is set here"),
        ({"keyring": keyring_of(OTHER)}, "There is no master key key. .*\nName it.*MOTOMIND_MASTER_KEYS=...,key:"),
        ({"keyring": keyring_of(new_master_key("key"))}, "key is not the key that wrapped this"),
    ):
        for kind, content in (("events", HEADER + LINES), ("vehicles", "label\nNew\n"), ("fuel-log", LOG)):
            with pytest.raises(SetupError, match=said):
                load(kind, content, **more)
    assert rows("select (select count(*) from vehicles), (select count(*) from manual_events)") == before


class Away:
    """A key service that does not answer."""

    name = "kms"

    def wrap(self, *_):
        """Not now."""
        raise OSError("no route to host")

    unwrap = wrap


def test_while_a_key_service_is_away_not_even_the_tenant_is_made(load, rows):
    """The first key comes in the same transaction."""
    for kind, content in (("vehicles", VEHICLES), ("fuel-log", LOG)):
        with pytest.raises(SetupError, match="kms does not wrap a data key now"):
            load(kind, content, keyring=Keyring(EncryptedFields.of(FIELDS), MasterKeys((Away(),))))
    assert rows("select (select count(*) from tenants), (select count(*) from users)") == [(0, 0)]


DEMO = """{ vehicles(first: 20) { nodes { id extendedAttributes events(first: 40) { nodes { id payload } } } } }"""


async def test_the_demo_is_encrypted_as_it_is_loaded(make_database, engine):
    """In the graph it reads like the one in clear, row by row."""
    fields = (
        "manual_events.payload.receipt_data",
        "manual_events.payload.location",
        "vehicles.extended_attributes.custom_fields.asset_tag",
    )
    texts, read = [], []
    for keyring in (None, keyring_of(fields=fields)):
        addresses = make_database()
        size = DemoSize(1, 2, 6, 25)
        assert load_demo(addresses.owner, size=size, until=date(2026, 11, 1), progress=lambda *_: None, keyring=keyring)
        texts.append(dump(addresses))
        async with reader_of(addresses, engine, keyring, "owner@fleet-1.example") as reader:
            read.append(await reader(DEMO))
    assert read[0] == read[1]
    clear = ('"pump"', '"latitude"', "A-00003")
    assert [[text.count(one) > 0 for one in clear] for text in texts] == [[True] * 3, [False] * 3]
    renewed = rotation.reencrypt(addresses.owner, MasterKeys.of(KEY), EncryptedFields.of(fields), None, lambda *_: None)
    assert renewed.rows == 0

"""Values encrypted at rest: who sees them, where they are in clear, and keys that change."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from uuid import uuid4

import orjson
import psycopg
import pytest

from sql.database import Database, PoolSettings
from sql.encryption import EncryptedFields, Keyring, MasterKeys, new_master_key, rotation
from sql.errors import EncryptionUnavailableError, NotAMemberError, SetupError
from sql.people import member
from sql.session import Caller
from tests.dump import dump
from tests.mutations.documents import mutation

pytestmark = pytest.mark.database

FIELDS = (
    "manual_events.payload.receipt_data.cards.number",
    "manual_events.payload.location",
    "manual_events.payload.station_name",
    "vehicles.extended_attributes.custom_fields.owner",
)
RARE = EncryptedFields.of((FIELDS[0], FIELDS[3]))  # what nothing of the demo has
CLEAR = ("4111-1111-1111-1111", "47.376887", "Zeughaus Garage", "Ada Lovelace")
OLD, NEW = new_master_key("old"), new_master_key("new")
OWNER, MANAGER = "owner@enterprise.example", "manager@enterprise.example"
WRITER, READER = "dispatcher@enterprise.example", "viewer@enterprise.example"
FUEL = mutation("recordFuelPurchase", "RecordFuelPurchaseInput!", "event { id }")
ODOMETER = mutation("recordOdometerReading", "RecordOdometerReadingInput!", "event { id }")
CREATE = mutation("createVehicle", "CreateVehicleInput!", "vehicle { id }")
UPDATE = mutation("updateVehicle", "UpdateVehicleInput!", "vehicle { id }")
VERIFY = mutation("verifyEvent", "VerifyEventInput!", "event { id }")
EVENTS = """query ($ids: [ID!]!) { nodes(ids: $ids) {
  ... on FuelPurchase { payload stationName gallons } ... on OdometerReading { payload location miles }
  ... on Vehicle { extendedAttributes } } }"""


def keyring_of(masters=OLD, fields=FIELDS, **more):
    """A keyring with the fields of these tests."""
    return Keyring(EncryptedFields.of(fields), MasterKeys.of(masters), **more)


@pytest.fixture
def keyring():
    """What the gateway of a test encrypts with."""
    return keyring_of()


@pytest.fixture
async def database(writable, keyring):
    """The gateway's pool with the keyring."""
    database = await Database.connect(writable.gateway, PoolSettings(max_size=4), keyring)
    yield database
    await database.close()


@dataclass
class Written:
    """The ids of rows with encrypted values."""

    vehicle: str
    fuel: str
    odometer: str

    @property
    def ids(self):
        """All of them."""
        return [self.fuel, self.odometer, self.vehicle]


@pytest.fixture
async def written(write, rows):
    """A vehicle in California and two events with encrypted values."""
    (group,) = rows("select id::text from fleet_groups where name = 'California'")
    attributes = {"custom_fields": {"owner": "Ada Lovelace", "colour": "red"}}
    made = await write(CREATE, input={"label": "Van", "fleetGroupId": group["id"], "extendedAttributes": attributes})
    vehicle = made["createVehicle"]["vehicle"]["id"]
    given = {"vehicleId": vehicle, "occurredAt": "2026-10-05T08:00:00Z"}
    receipt = {"receipt_data": {"cards": [{"number": "4111-1111-1111-1111", "kind": "visa"}, {"kind": "cash"}]}}
    fuel = await write(
        FUEL, input={**given, "gallons": "10.125", "stationName": "Zeughaus Garage", "extra": {**receipt, "pump": 1.50}}
    )
    assert fuel["recordFuelPurchase"]["userErrors"] == []
    read = await write(
        ODOMETER, input={**given, "miles": 1200, "extra": {"location": {"lat": 47.376887, "lon": 8.541694}}}
    )
    assert read["recordOdometerReading"]["userErrors"] == []
    return Written(vehicle, fuel["recordFuelPurchase"]["event"]["id"], read["recordOdometerReading"]["event"]["id"])


def assert_in_clear(nodes):
    """The values, as they were written, exactly."""
    fuel, read, vehicle = nodes
    cards = [{"number": "4111-1111-1111-1111", "kind": "visa"}, {"kind": "cash"}]
    assert fuel["payload"]["receipt_data"] == {"cards": cards}
    assert (fuel["stationName"], fuel["payload"]["station_name"]) == ("Zeughaus Garage",) * 2
    assert (fuel["gallons"], fuel["payload"]["pump"]) == ("10.125", 1.5)
    assert read["location"] == read["payload"]["location"] == {"lat": 47.376887, "lon": 8.541694}
    assert vehicle["extendedAttributes"] == {"custom_fields": {"owner": "Ada Lovelace", "colour": "red"}}


def assert_hidden(nodes):
    """Null where a value is encrypted, and all the rest."""
    fuel, read, vehicle = nodes
    assert fuel["payload"]["receipt_data"] == {"cards": [{"number": None, "kind": "visa"}, {"kind": "cash"}]}
    assert (fuel["stationName"], fuel["payload"]["station_name"], fuel["gallons"]) == (None, None, "10.125")
    assert (read["location"], read["payload"]["location"], read["miles"]) == (None, None, 1200)
    assert vehicle["extendedAttributes"] == {"custom_fields": {"owner": None, "colour": "red"}}


async def test_owners_and_managers_see_it_and_viewers_see_null(write, written):
    """Also the viewer with WRITE who may change the row, unless a setting lets them."""
    for person in (OWNER, MANAGER):
        assert_in_clear((await write(EVENTS, person, ids=written.ids))["nodes"])
    for person in (WRITER, READER):
        assert_hidden((await write(EVENTS, person, ids=written.ids))["nodes"])


async def test_a_setting_lets_viewers_with_write_see_it_where_they_have_it(write, written, keyring):
    """READ alone is not enough."""
    keyring.writers_see = True
    assert_in_clear((await write(EVENTS, WRITER, ids=written.ids))["nodes"])
    assert_hidden((await write(EVENTS, READER, ids=written.ids))["nodes"])


async def test_a_dump_holds_no_clear_text_and_neither_do_the_copies(writable, write, written, rows):
    """Not in the tables, the audit trail, the event stream or the kept requests; after corrections as well."""
    done = await write(
        VERIFY, input={"id": written.fuel, "corrections": {"station_name": "Zeughaus Garage 2"}, "idempotencyKey": "k"}
    )
    assert done["verifyEvent"]["userErrors"] == []
    text = dump(writable)
    assert written.fuel in text
    assert "visa" in text
    assert [clear for clear in CLEAR if clear in text] == []
    audited = rows("select old_values, new_values from audit_trail where record_id = %s", written.fuel)
    assert [bool(record["old_values"]) for record in audited] == [False, True]
    assert audited[1]["new_values"]["payload"]["station_name"]["$enc"] == "v1"
    (streamed,) = rows("select event_data from event_stream where aggregate_id = %s", written.vehicle)
    (vehicle,) = rows("select extended_attributes from vehicles where id = %s", written.vehicle)
    assert streamed["event_data"]["extended_attributes"] == vehicle["extended_attributes"]
    shown = await write("{ auditTrail(first: 5) { nodes { newValues } } }")
    assert not any(clear in json.dumps(shown) for clear in CLEAR)


async def test_the_same_value_is_never_encrypted_to_the_same_text(write, written, rows):
    """A nonce is random, so equal values do not look equal."""
    for _ in range(3):
        given = {"id": written.odometer, "corrections": {"location": {"lat": 47.376887, "lon": 8.541694}}}
        assert (await write(VERIFY, input=given))["verifyEvent"]["userErrors"] == []
    found = rows(
        "select new_values -> 'payload' -> 'location' as v from audit_trail where record_id = %s", written.odometer
    )
    assert len({row["v"]["nonce"] for row in found}) == len({row["v"]["data"] for row in found}) == 4


async def test_who_cannot_see_a_value_does_not_lose_it_by_writing_the_row_back(write, written):
    """They read null, and send null, or the rest of a correction."""
    attributes = {"custom_fields": {"owner": None, "colour": "blue"}}
    done = await write(UPDATE, WRITER, input={"id": written.vehicle, "extendedAttributes": attributes})
    assert done["updateVehicle"]["userErrors"] == []
    corrections = {"receipt_data": {"cards": [{"number": None, "kind": "amex"}, {"kind": "cash"}]}}
    done = await write(VERIFY, WRITER, input={"id": written.fuel, "corrections": corrections})
    assert done["verifyEvent"]["userErrors"] == []
    fuel, _, vehicle = (await write(EVENTS, ids=written.ids))["nodes"]
    assert vehicle["extendedAttributes"] == {"custom_fields": {"owner": "Ada Lovelace", "colour": "blue"}}
    assert fuel["payload"]["receipt_data"]["cards"][0] == {"number": "4111-1111-1111-1111", "kind": "amex"}
    assert fuel["stationName"] == "Zeughaus Garage"


async def test_who_sees_a_value_may_take_it_away(write, written):
    """Null from an owner means null."""
    await write(UPDATE, input={"id": written.vehicle, "extendedAttributes": {"custom_fields": {"owner": None}}})
    nodes = (await write(EVENTS, ids=written.ids))["nodes"]
    assert nodes[2]["extendedAttributes"] == {"custom_fields": {"owner": None}}


SET = "update manual_events set payload = jsonb_set(payload, %s, %s) where id = %%(odometer)s"
CHANGES = {
    "another row": """update vehicles v set extended_attributes = o.extended_attributes from vehicles o
                       where o.id = %(vehicle)s and v.label = 'Victim'""",
    "another path": SET % ("'{location}'", "(select payload -> 'station_name' from manual_events where id = %(fuel)s)"),
    "changed": SET % ("'{location,data}'", "'\"AAAA\"'"),
    "an unknown key": SET % ("'{location,key}'", "'\"feedfeed\"'"),
    "no value": SET % ("'{location}'", """'{"$enc": "v1"}'"""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_value_that_was_moved_or_changed_does_not_open(write, written, writable, database, engine, change):
    """It is null, and an error beside the data says that it could not be read."""
    victim = (await write(CREATE, input={"label": "Victim"}))["createVehicle"]["vehicle"]["id"]
    with psycopg.connect(writable.owner) as connection:
        done = connection.execute(
            change, {"vehicle": written.vehicle, "fuel": written.fuel, "odometer": written.odometer}
        )
        assert done.rowcount == 1
    person = await member(writable.owner, OWNER, None)
    async with database.session(Caller(person.user_id, person.tenant_id)) as session:
        result = await engine.execute(engine.document(EVENTS), session, {"ids": [written.odometer, victim]}, None)
    (error,) = result.errors
    assert error.extensions == {"code": "ENCRYPTED_FIELD_UNAVAILABLE"}
    assert result.data is not None


@pytest.mark.parametrize("key", ["Größe", 'a "b"', "back\\slash"])
async def test_a_key_that_json_may_write_in_several_ways_is_found_in_each(writable, write, keyring, key):
    """JSON has escapes for some characters, and an encoder chooses."""
    keyring.fields = EncryptedFields.of([f"vehicles.extended_attributes.{key}"])
    made = await write(CREATE, input={"label": "V", "extendedAttributes": {key: "Ada Lovelace"}})
    assert made["createVehicle"]["userErrors"] == []
    assert "Ada Lovelace" not in dump(writable)
    nodes = (await write(EVENTS, ids=[made["createVehicle"]["vehicle"]["id"]]))["nodes"]
    assert nodes == [{"extendedAttributes": {key: "Ada Lovelace"}}]


async def test_input_cannot_pretend_to_be_encrypted(write, written):
    """The key that marks an encrypted value is refused, however deep."""
    fake = {"$enc": "v1", "key": "feedfeed", "nonce": "", "data": ""}
    done = await write(UPDATE, input={"id": written.vehicle, "extendedAttributes": {"a": [fake]}})
    assert done["updateVehicle"]["userErrors"][0]["code"] == "INVALID"
    done = await write(VERIFY, input={"id": written.fuel, "corrections": {"location": fake}})
    assert done["verifyEvent"]["userErrors"][0]["code"] == "INVALID"


async def asked(database, engine, addresses, written):
    """What an owner reads through another gateway."""
    person = await member(addresses.owner, OWNER, None)
    async with database.session(Caller(person.user_id, person.tenant_id)) as session:
        result = await engine.execute(engine.document(EVENTS), session, {"ids": written.ids}, None)
    assert not result.errors
    return orjson.loads(orjson.dumps(result.data, default=str))["nodes"]


async def test_after_rotation_everything_reads(writable, write, written, engine, rows):
    """With the old keys still there, under another master key, and with everything encrypted anew."""
    masters = MasterKeys.of(f"{NEW},{OLD}")
    (rotated,) = rotation.rotate(writable.owner, masters, None)
    assert rotated.tenant == "Enterprise"
    assert_in_clear((await write(EVENTS, ids=written.ids))["nodes"])
    assert rotation.rewrap(writable.owner, masters, None) == 1
    assert rotation.rewrap(writable.owner, masters, None) == 0
    other = await Database.connect(writable.gateway, PoolSettings(max_size=2), keyring_of(NEW))
    try:
        assert_in_clear(await asked(other, engine, writable, written))
        steps = []
        renewed = rotation.reencrypt(writable.owner, masters, RARE, None, lambda *step: steps.append(step))
        assert (renewed.rows, renewed.unreadable) == (10, 0)  # three rows, two records of each, one of the stream
        assert ("Enterprise: audit_records", 6, 6) in steps
        assert rotation.reencrypt(writable.owner, masters, RARE, None, lambda *_: None).rows == 0
        assert_in_clear(await asked(other, engine, writable, written))
    finally:
        await other.close()
    text = dump(writable)
    assert set(re.findall(r'"key": "(\w+)", "\$enc"', text)) == {rotated.key_id}
    assert [clear for clear in CLEAR if clear in text] == []
    (vehicle,) = rows("select extended_attributes from vehicles where id = %s", written.vehicle)
    *_, last = rows("select event_data from event_stream where aggregate_id = %s order by version", written.vehicle)
    assert last["event_data"]["extended_attributes"] == vehicle["extended_attributes"]


async def test_an_encryption_that_was_broken_off_goes_on_where_it_was(writable, write, written, monkeypatch):
    """Each batch is kept; begun again, only the rest is done."""
    monkeypatch.setattr(rotation, "BATCH", 1)
    masters = MasterKeys.of(OLD)
    rotation.rotate(writable.owner, masters, "enterprise")

    def stop(step, done, _):
        if step.endswith("vehicles") and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.reencrypt(writable.owner, masters, RARE, None, stop)
    assert rotation.reencrypt(writable.owner, masters, RARE, None, lambda *_: None).rows == 7
    assert_in_clear((await write(EVENTS, ids=written.ids))["nodes"])


async def test_what_was_written_in_clear_is_encrypted_when_a_setting_names_it(writable, write, keyring, rows):
    """Also where it was copied to; and a running gateway reads both."""
    fields, keyring.fields = keyring.fields, EncryptedFields.of(())
    made = await write(CREATE, input={"label": "V", "extendedAttributes": {"custom_fields": {"owner": CLEAR[3]}}})
    given = {"vehicleId": made["createVehicle"]["vehicle"]["id"], "occurredAt": "2026-10-05T08:00:00Z", "miles": 7}
    await write(ODOMETER, input={**given, "extra": {"location": {"lat": 47.376887}}})
    assert CLEAR[1] in dump(writable)
    assert CLEAR[3] in dump(writable)
    masters = MasterKeys.of(OLD)
    rotation.rotate(writable.owner, masters, "Enterprise")
    demo = rows("select count(*) from manual_events where payload ? 'location' or payload ? 'station_name'")[0]["count"]
    renewed = rotation.reencrypt(writable.owner, masters, fields, "Enterprise", lambda *_: None)
    assert renewed.rows > demo > 1
    text = dump(writable)
    assert CLEAR[1] not in text
    assert CLEAR[3] not in text
    nodes = await write(EVENTS, ids=[given["vehicleId"]])
    assert nodes["nodes"][0]["extendedAttributes"] == {"custom_fields": {"owner": CLEAR[3]}}


async def test_a_gateway_without_the_master_key_does_not_start(writable, written):
    """It says which key is missing; and a key of that name that is another one is told as well."""
    assert written.ids
    for keyring, said in (
        (None, 'the master key "old" is not here'),
        (keyring_of(NEW), 'the master key "old" is not here'),
        (keyring_of(new_master_key("old")), "old is not the key that wrapped this"),
    ):
        with pytest.raises(SetupError, match=said):
            await Database.connect(writable.gateway, PoolSettings(max_size=1), keyring)


class Service:
    """A key service that can be away."""

    name = "kms"
    away = False

    def wrap(self, key, context):
        """Not how it is done."""
        if self.away:
            raise OSError("no route to host")
        return context + key[::-1]

    def unwrap(self, wrapped, context):
        """The key."""
        if self.away:
            raise OSError("no route to host")
        assert wrapped.startswith(context)
        return wrapped[len(context) :][::-1]


async def test_while_a_key_service_is_away_values_are_null_and_nothing_is_written_in_clear(
    writable, engine, written, rows
):
    """What is read says so; what is to be encrypted is refused; all else goes on."""
    service = Service()
    masters = MasterKeys((service, *MasterKeys.of(OLD).services))
    rotation.rotate(writable.owner, masters, "Enterprise")
    rotation.reencrypt(writable.owner, masters, EncryptedFields.of(FIELDS), None, lambda *_: None)
    keyring = Keyring(EncryptedFields.of(FIELDS), masters)
    other = await Database.connect(writable.gateway, PoolSettings(max_size=2), keyring)
    person = await member(writable.owner, OWNER, None)
    caller = Caller(person.user_id, person.tenant_id)
    before = rows("select count(*) from manual_events")
    try:
        service.away = True
        async with other.session(caller) as session:
            result = await engine.execute(engine.document(EVENTS), session, {"ids": written.ids}, None)
        assert [error.extensions for error in result.errors] == [{"code": "ENCRYPTED_FIELD_UNAVAILABLE"}]
        assert_hidden(orjson.loads(orjson.dumps(result.data, default=str))["nodes"])
        given = {"vehicleId": written.vehicle, "occurredAt": "2026-10-05T08:00:00Z", "miles": 7}
        async with other.session(caller, writes=True) as session:
            secret = {**given, "extra": {"location": {"lat": 47.376887}}}
            result = await engine.execute(engine.document(ODOMETER), session, {"input": secret}, None)
        assert isinstance(result.errors[0].original_error, EncryptionUnavailableError)
        assert rows("select count(*) from manual_events") == before
        async with other.session(caller, writes=True) as session:
            result = await engine.execute(engine.document(ODOMETER), session, {"input": given}, None)
        assert not result.errors
        service.away = False
        keyring._failed.clear()  # noqa: SLF001 - rather than to wait
        assert_in_clear(await asked(other, engine, writable, written))
    finally:
        await other.close()


async def test_data_keys_are_read_within_the_tenant_by_who_may_write(writable, database, write):
    """Wrapped as they are; viewers without WRITE read none."""
    for person in (OWNER, "owner@medium.example"):
        await write(CREATE, person, input={"label": "Van"})
    found = {}
    for person in (OWNER, MANAGER, WRITER, READER, "owner@small.example"):
        who = await member(writable.owner, person, None)
        async with database.session(Caller(who.user_id, who.tenant_id)) as session:
            found[person] = [row["key_id"] for row in await session.fetch("tenant_keys")]
    assert len(found[OWNER]) == 1
    assert found == {person: found[OWNER] if person in (OWNER, MANAGER, WRITER) else [] for person in found}


async def test_eight_first_writers_make_one_key(writable, rows):
    """Whoever comes second takes the first one's, in one process or in several."""
    gateways = [await Database.connect(writable.gateway, PoolSettings(max_size=1), keyring_of()) for _ in range(8)]
    person = await member(writable.owner, OWNER, None)

    async def begin(database):
        async with database.session(Caller(person.user_id, person.tenant_id), writes=True):
            pass

    await asyncio.gather(*map(begin, gateways))
    assert [row["retired_at"] for row in rows("select retired_at from tenant_keys")] == [None]
    stranger = Caller(person.user_id, uuid4())
    with pytest.raises(NotAMemberError):
        async with gateways[0].session(stranger, writes=True):
            pass
    assert len(rows("select key_id from tenant_keys")) == 1
    for database in gateways:
        await database.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("users.email", "no field that can be encrypted"),
        ("manual_events.payload", "no field that can be encrypted"),
        ("manual_events.extended_attributes.a", "no field that can be encrypted"),
        ("manual_events.payload..a", "no field that can be encrypted"),
        ("manual_events.payload.gallons", "reckons with gallons"),
        ("manual_events.payload.trips.start", "reckons with trips"),
        ("vehicles.extended_attributes.external_id", "reckons with external_id"),
        ("vehicles.extended_attributes.operational", "reckons with operational.time_zone"),
        ("vehicles.extended_attributes.operational.time_zone", "reckons with operational.time_zone"),
    ],
)
def test_fields_that_cannot_be_encrypted_are_refused_by_name(name, said):
    """Before anything begins."""
    with pytest.raises(ValueError, match=said):
        EncryptedFields.of([name])


def test_fields_beside_those_may_be_encrypted():
    """Only the whole key counts, and each table has its own."""
    names = ("manual_events.payload.external_id", "vehicles.extended_attributes.operational.time_zone_of_driver")
    assert len(EncryptedFields.of((*names, "vehicles.extended_attributes.miles")).paths) == 3


@pytest.mark.parametrize("text", ["", "a", "a:", "a:AAAA", f"{OLD},{OLD}", OLD.replace("old", "ö"), OLD + "A"])
def test_master_keys_that_are_none_are_refused_without_being_told(text):
    """The message never holds a key."""
    with pytest.raises(ValueError, match="keys") as refused:
        MasterKeys.of(text)
    assert OLD.partition(":")[2][:10] not in str(refused.value)

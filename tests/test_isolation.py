"""Who sees what, generated: every root field of the schema, asked by everybody, against an oracle in plain Python.

The oracle reads the raw tables as their owner and works out by brute force what each person may see, so it shares
nothing with the policies. A root field that cannot be asked for, and a table that the oracle does not know, fail here.
"""

from __future__ import annotations

import random
import re
from base64 import urlsafe_b64decode
from datetime import date
from decimal import Decimal
from uuid import UUID

import orjson
import psycopg
import pytest

from resolvers.execution import Engine
from resolvers.schema import build
from sql.database import Database, PoolSettings
from sql.demo import load_demo
from sql.people import member
from sql.session import Caller
from tests.conftest import UNLIMITED, name_of
from tests.oracle import TABLES, Oracle, subtree, totals
from tests.questions import Writer, acting_fields, arguments_of, id_questions, plain

pytestmark = pytest.mark.database

ENTERPRISE = ["owner", "manager", "viewer", "dispatcher", "newcomer", "lead"]
CALLERS = [
    *((f"owner@{tenant.lower()}.example", tenant) for tenant in ("Solo", "Small", "Medium")),
    *((f"{name}@enterprise.example", "Enterprise") for name in ENTERPRISE),
    *(("consultant@example.com", tenant) for tenant in ("Small", "Medium")),
]
NARROW = [caller for caller in CALLERS if caller[0].split("@")[0] in {"viewer", "dispatcher", "newcomer", "lead"}]
NARROW += [("owner@solo.example", "Solo"), ("consultant@example.com", "Medium")]

PERIOD = (date(2026, 4, 1), date(2026, 4, 20))
EXACT = ("fuelGallons", "fuelCost", "maintenanceCost")
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
UNKNOWN = UUID("0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9")
EXTRAS = """
  insert into users (id, email, name) values (gen_random_uuid(), 'lead@enterprise.example', 'Ada Lead'),
    (gen_random_uuid(), 'former@enterprise.example', 'Fay Former');
  insert into memberships (tenant_id, user_id, role, left_at)
    select t.id, u.id, 'viewer', case when u.email like 'former%' then now() end
      from tenants t, users u where t.name = 'Enterprise' and u.name in ('Ada Lead', 'Fay Former');
  insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)
    select g.tenant_id, u.id, g.id, case g.name when 'California' then 'admin' else 'read' end, o.id
      from fleet_groups g, users u, users o
     where g.name in ('California', 'US West') and u.name = 'Ada Lead' and o.email = 'owner@enterprise.example';
  insert into uploads (tenant_id, uploaded_by, file_name, content_type, size, sha256, storage_key)
    select m.tenant_id, m.user_id, 'loose.jpg', 'image/jpeg', 1, repeat('0', 64), 'loose'
      from memberships m where m.role = 'owner';
  -- An event of a vehicle of each tenant that was read from the upload of another, mostly hidden, vehicle.
  update manual_events e set source_upload_id = u.id
    from (select distinct on (vehicle_id) tenant_id, id from manual_events order by vehicle_id, id) first,
         (select distinct on (tenant_id) tenant_id, id from uploads order by tenant_id, id) u
   where e.id = first.id and e.tenant_id = first.tenant_id and u.tenant_id = e.tenant_id;
  select set_config('app.user_id', (select id::text from users where email = 'manager@enterprise.example'), true);
  update vehicles v set notes = 'Looked at.' from tenants t
   where t.id = v.tenant_id and t.name = 'Enterprise' and v.label like '%1';
  select app.archive_event_partitions('2026-03-01');
  select set_config('app.user_id', '', true);
  -- A client of each tenant, with a key and documents of every kind.
  insert into clients (tenant_id, name, mode, user_id, token_client)
    select m.tenant_id, 'client-of-' || lower(t.name), 'id_only', m.user_id, 'web'
      from memberships m join tenants t on t.id = m.tenant_id where m.role = 'owner';
  insert into client_keys (tenant_id, client_id, digest, hint)
    select c.tenant_id, c.id, sha256(c.name::bytea), 'mmk_' || substr(c.name, 11) from clients c;
  insert into manifests (tenant_id, client_id, version, document_count) select c.tenant_id, c.id, 1, 1 from clients c;
  insert into client_documents (tenant_id, client_id, document_id, sha256, text, first_version, last_version)
    select c.tenant_id, c.id, 'document ' || c.name, repeat('1', 64), '{ viewer { id } } # ' || c.name, 1, 1
      from clients c;
  insert into registered_documents (tenant_id, sha256, text)
    select t.id, repeat('2', 64), '{ viewer { id } }' from tenants t;
  insert into unknown_documents (tenant_id, client_id, sha256, text)
    select c.tenant_id, c.id, repeat('3', 64), '{ viewer { name } }' from clients c;
  insert into budgets (tenant_id, credential_id, available, capacity, restore_rate)
    select c.tenant_id, c.id, 1, 10, 1 from clients c;
  insert into document_usage (tenant_id, day, client_id, document, requests)
    select c.tenant_id, '2026-10-31', c.id, 'usage of ' || c.name, 3 from clients c;
"""


@pytest.fixture(scope="module")
def world(databases, migrated):
    """A shorter demo of this module's own, with an archive, a group's administrator, and rows made to mislead."""
    addresses = databases.make(name_of(migrated))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sql.demo.loader.NAMED_DAYS", 120)
        load_demo(addresses.owner, until=date(2026, 5, 1), progress=lambda *_: None)
    with psycopg.connect(addresses.owner) as connection:
        connection.execute(EXTRAS)
    yield addresses
    databases.drop(addresses)


@pytest.fixture(scope="module")
def oracle(world):
    """What everybody may see."""
    return Oracle(world.owner)


@pytest.fixture(scope="module")
def engine():
    """The schema, for questions of any size."""
    return Engine(build(), limits=UNLIMITED)


@pytest.fixture(scope="module")
async def tell(world, engine):
    """A function that asks as somebody: it returns the data as JSON and the errors."""
    database = await Database.connect(world.gateway, PoolSettings(max_size=2))

    async def tell(caller, query, variables=None):
        found = await member(world.owner, *caller)
        document = engine.document(query)
        assert not document.errors, document.errors
        async with database.session(Caller(found.user_id, found.tenant_id)) as session:
            result = await engine.execute(document, session, variables, None)
        text = orjson.dumps(result.data, default=str).decode()
        return text, [error.formatted for error in result.errors or ()]

    yield tell
    await database.close()


@pytest.fixture(scope="module")
def schema(engine):
    """The schema, as graphql-core has it."""
    return engine.schema._schema  # noqa: SLF001


def everyone(callers=CALLERS):
    """Runs a test for each caller."""
    return pytest.mark.parametrize("caller", callers, ids="/".join)


def uuids(text):
    """The UUIDs in an answer, those inside its cursors included."""
    cursors = re.findall(r'[cC]ursor":"([\w-]+)"', text)
    inside = (urlsafe_b64decode(cursor + "===").decode(errors="replace") for cursor in cursors)
    return {UUID(one) for part in (text, *inside) for one in UUIDS.findall(part)}


def sample(ids, size):
    """As many of some ids, the same every time."""
    return random.Random(7).sample(sorted(ids), min(size, len(ids)))  # noqa: S311


def test_everybody_is_asked(oracle):
    """The callers are all the members that there are."""
    names = {id_: email for email, id_ in oracle.users.items()}
    tenants = {id_: name for name, id_ in oracle.tenants.items()}
    members = [row for row in oracle.rows["memberships"] if row["left_at"] is None]
    assert {(names[row["user_id"]], tenants[row["tenant_id"]]) for row in members} == set(CALLERS)


@everyone()
@pytest.mark.parametrize(("depth", "size"), [(1, 200), (2, 6)])
async def test_no_root_field_says_anything_of_a_hidden_row(caller, depth, size, schema, oracle, tell):
    """Everything below every root field: no id, cursor, name or address of a hidden row, in no JSON either."""
    visible, secrets = oracle.ids(*caller), [orjson.dumps(text).decode() for text in oracle.secrets(*caller)]
    picks = [
        [one for rows in tables.values() for one in sample({row["id"] for row in rows if "id" in row} & some, 2)]
        for tables, some in ((oracle.see(*caller), visible), (oracle.rows, oracle.known - visible))
    ]
    elsewhere = {f"Tenant_{name}" for name in acting_fields(schema)}
    for name, field in schema.query_type.fields.items():
        for given in arguments_of(field, *picks):
            head = ", ".join(f"${key}: {field.args[key].type}" for key in given)
            inner = ", ".join([f"{key}: ${key}" for key in given] + [f"first: {size}"] * ("first" in field.args))
            writer = Writer(schema, frozenset() if name == "tenant" else elsewhere)
            query = writer.operation(name, depth + (not field.args), inner and f"({inner})", head and f"({head})")
            text, errors = await tell(caller, query, given)
            assert {error["extensions"]["code"] for error in errors} <= {"FORBIDDEN"}, errors[:3]
            assert uuids(text) & (oracle.known - visible) == set(), name
            assert [secret for secret in secrets if secret in text] == [], name


@everyone()
async def test_nodes_finds_every_visible_row_and_no_other(caller, oracle, tell):
    """Of a sample of every table, seen and hidden, exactly the visible rows are there."""
    visible = oracle.ids(*caller)
    for table, rows in oracle.rows.items():
        ids = (
            {row["id"] for row in rows if "id" in row}
            if table not in {"fleet_summary_metrics", "client_keys"}
            else set()
        )
        asked = [str(one) for some in (ids & visible, ids - visible) for one in sample(some, 100)]
        text, errors = await tell(caller, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": asked})
        found = [node and node["id"] for node in orjson.loads(text)["nodes"]]
        assert (found, errors) == ([one if UUID(one) in visible else None for one in asked], []), table


@everyone()
async def test_connections_hold_as_many_rows_as_are_visible(caller, oracle, tell):
    """The totalCount counts what the caller may see; records that a role may not read are refused, not counted."""
    for table, field in TABLES.items():
        if field:
            text, errors = await tell(caller, f"{{ {field} {{ totalCount }} }}")
            expected = {field: {"totalCount": len(oracle.see(*caller)[table])}}
            refused = [error["extensions"]["code"] for error in errors]
            allowed = {
                "auditTrail": {"owner"},
                "clients": {"owner"},
                "documentUsage": {"owner"},
                "eventStream": {"owner", "manager"},
            }.get(field)
            if allowed and oracle.role(*caller) not in allowed:
                assert (orjson.loads(text), refused) == (None, ["FORBIDDEN"])
            else:
                assert (orjson.loads(text), refused) == (expected, [])


@everyone(NARROW)
async def test_a_foreign_a_hidden_and_an_unknown_id_are_answered_alike(caller, schema, oracle, tell):
    """To the byte, whatever the id belongs to and wherever it is given."""
    visible, acting = oracle.ids(*caller), oracle.tenants[caller[1]]
    ids = {
        table: [
            sample(
                {row["id"] for row in rows if "id" in row and (row.get("tenant_id") == acting) is inside} - visible, 1
            )
            for inside in (True, False)
        ]
        for table, rows in oracle.rows.items()
    }
    questions = list(id_questions(schema))
    assert len(questions) >= 16
    for query in questions:
        unknown = await tell(caller, query, {"id": str(UNKNOWN)})
        for table, samples in ids.items():
            for one in (id_ for some in samples for id_ in some):
                assert await tell(caller, query, {"id": str(one)}) == unknown, f"{query} tells {table}"


@everyone(NARROW)
@pytest.mark.parametrize("field", [field for field in TABLES.values() if field])
async def test_a_cursor_at_a_hidden_row_is_only_a_position(caller, field, oracle, tell):
    """A viewer who is handed an owner's cursor goes on with their own rows behind it, and before it."""
    owner = (f"owner@{caller[1].lower()}.example", caller[1])
    page = f"query ($after: String, $before: String) {{ {field}(%s) {{ edges {{ cursor node {{ id }} }} }} }}"
    text, _ = await tell(owner, page.replace("($after: String, $before: String)", "") % "first: 200")
    edges = orjson.loads(text)[field]["edges"]
    visible = oracle.ids(*caller)
    positions = [at for at, edge in enumerate(edges) if UUID(edge["node"]["id"]) not in visible]
    for at in positions[:: max(1, len(positions) // 3)]:
        cursor = edges[at]["cursor"]
        for bound, some in (("first: %d, after: $after", edges[at + 1 :]), ("last: %d, before: $before", edges[:at])):
            expected = [edge for edge in some if UUID(edge["node"]["id"]) in visible]
            if not expected and "audit" not in field.lower() and "Stream" not in field:
                continue
            key = "after" if "after" in bound else "before"
            query = page.replace("$after: String, $before: String", f"${key}: String") % (bound % max(1, len(expected)))
            text, errors = await tell(caller, query, {key: cursor})
            if errors:
                assert [error["extensions"]["code"] for error in errors] == ["FORBIDDEN"]
            else:
                assert orjson.loads(text)[field]["edges"] == expected


@everyone()
@pytest.mark.parametrize("period", [None, PERIOD], ids=["always", "april"])
async def test_rollups_count_exactly_what_the_caller_sees(caller, period, oracle, tell):
    """Of the tenant and of every visible group, to the last digit, each vehicle once."""
    bound = f'(period: {{start: "{period[0]}", end: "{period[1]}"}})' if period else ""
    figures = f"rollup{bound} {{ groupCount vehicleCount milesDriven {' '.join(EXACT)} }}"
    text, errors = await tell(
        caller, f"{{ tenant {{ {figures} }} fleetGroups(first: 200) {{ nodes {{ id {figures} }} }} }}"
    )
    assert errors == []
    answer = orjson.loads(text)
    groups = oracle.see(*caller)["fleet_groups"]
    below = {row["id"]: subtree(groups, row["id"]) for row in groups}

    def exact(rollup):
        return {name: Decimal(value) if name in EXACT else value for name, value in rollup.items()}

    assert exact(answer["tenant"]["rollup"]) == totals(oracle, caller, None, period)
    assert {UUID(group["id"]) for group in answer["fleetGroups"]["nodes"]} == set(below)
    for group in answer["fleetGroups"]["nodes"]:
        assert exact(group["rollup"]) == totals(oracle, caller, below[UUID(group["id"])], period)


@everyone()
async def test_a_hidden_ancestor_does_not_exist(caller, oracle, tell):
    """The topmost visible groups are roots: no parent, no ancestors, depth 0; and the tree holds what is visible."""
    place = "id depth myPermission parent { id } ancestors { id } children { id }"
    text, errors = await tell(
        caller,
        f"{{ fleetGroups(first: 200) {{ nodes {{ {place} }} }} tenant {{ rootGroups {{ id }} }} "
        "fleetTree { depth parentId group { id } } }",
    )
    assert errors == []
    answer = orjson.loads(text)
    levels = {str(id_): level for id_, level in oracle.levels(*caller).items()}
    parents = {str(row["id"]): str(row["parent_group_id"]) for row in oracle.see(*caller)["fleet_groups"]}

    def above(group):
        return [*above(parents[group]), parents[group]] if parents[group] in parents else []

    expected = [
        {
            "id": group,
            "depth": len(above(group)),
            "myPermission": levels[group].upper(),
            "parent": {"id": parents[group]} if parents[group] in parents else None,
            "ancestors": [{"id": one} for one in above(group)],
        }
        for group in parents
    ]
    children = {
        group.get("id"): {child["id"] for child in group.pop("children")} for group in answer["fleetGroups"]["nodes"]
    }
    by_id = {group["id"]: group for group in expected}
    assert {group["id"]: group for group in answer["fleetGroups"]["nodes"]} == by_id
    assert children == {group: {child for child in parents if parents[child] == group} for group in parents}
    assert {root["id"] for root in answer["tenant"]["rootGroups"]} == {g for g in parents if not above(g)}
    tree = {node["group"]["id"]: (node["depth"], node["parentId"]) for node in answer["fleetTree"]}
    assert len(answer["fleetTree"]) == len(tree)
    assert tree == {group: (len(above(group)), (above(group) or [None])[-1]) for group in parents}


CONSULTANT = [("consultant@example.com", "Small"), ("consultant@example.com", "Medium")]


@everyone(CONSULTANT)
async def test_another_tenant_of_the_callers_is_a_name_and_nothing_more(caller, schema, oracle, tell):
    """Its own row and the caller's membership can be read; every field that needs to act in it says so."""
    (other,) = {"Small", "Medium"} - {caller[1]}
    text, errors = await tell(
        caller, "{ viewer { memberships { tenant { name } permissions { id } user { email } } } }"
    )
    assert errors == []
    assert [row["tenant"]["name"] for row in orjson.loads(text)["viewer"]["memberships"]] == ["Medium", "Small"]
    for name in acting_fields(schema):
        asked = plain(schema.type_map["Tenant"].fields[name].type)
        query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Tenant {{ name {name} {asked} }} }} }}"
        _, errors = await tell(caller, query, {"id": str(oracle.tenants[other])})
        assert [error["extensions"]["code"] for error in errors] == ["OTHER_TENANT"], name


@everyone(CONSULTANT)
async def test_a_refusal_in_one_field_leaves_the_answers_that_others_wait_for(caller, tell):
    """Fields that wait for the same rows: where one is given up, the other is still answered."""
    members = "memberships { user { name } }"
    query = f"{{ viewer {{ memberships {{ tenant {{ {members} rootGroups {{ id }} }} }} }} tenant {{ {members} }} }}"
    _, errors = await tell(caller, query)
    assert {error["extensions"]["code"] for error in errors} == {"OTHER_TENANT"}

"""Who sees what, generated: every root field of the schema, asked by everybody, against an oracle in plain Python.

The oracle reads the raw tables as their owner and works out by brute force what each person may see, so it shares
nothing with the policies. A root field that cannot be asked for, and a table that the oracle does not know, fail here.
"""

from __future__ import annotations

import random
import re
from base64 import urlsafe_b64decode
from collections import defaultdict
from datetime import date
from uuid import UUID

import orjson
import psycopg
import pytest
from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from sql.database import Database, PoolSettings
from sql.demo import load_demo
from sql.people import member
from sql.session import Caller
from tests.conftest import name_of

pytestmark = pytest.mark.database

ENTERPRISE = ["owner", "manager", "viewer", "dispatcher", "newcomer", "lead"]
CALLERS = [
    *((f"owner@{tenant.lower()}.example", tenant) for tenant in ("Solo", "Small", "Medium")),
    *((f"{name}@enterprise.example", "Enterprise") for name in ENTERPRISE),
    *(("consultant@example.com", tenant) for tenant in ("Small", "Medium")),
]
NARROW = [caller for caller in CALLERS if caller[0].split("@")[0] in {"viewer", "dispatcher", "newcomer", "lead"}]
NARROW += [("owner@solo.example", "Solo"), ("consultant@example.com", "Medium")]
TABLES = {
    "tenants": None,
    "users": None,
    "memberships": None,
    "fleet_groups": "fleetGroups",
    "group_permissions": None,
    "vehicles": "vehicles",
    "manual_events": "events",
    "manual_events_archive": "archivedEvents",
    "uploads": "uploads",
    "explanations": "explanations",
    "event_stream": "eventStream",
    "audit_trail": "auditTrail",
    "fleet_summary_metrics": None,
    "vehicle_metrics": None,
}
LEVELS = ["read", "write", "admin"]
PERIOD = (date(2026, 4, 1), date(2026, 4, 20))
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
"""


class Oracle:
    """The raw tables, and what of them a person may see in a tenant."""

    def __init__(self, address):
        with psycopg.connect(address, row_factory=psycopg.rows.dict_row) as connection:
            listed = connection.execute(
                """select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace
                      and c.relkind in ('r', 'p') and not c.relispartition and c.relname !~ '^_?yoyo'"""
            ).fetchall()
            assert {row["name"] for row in listed} == set(TABLES), "say here who sees the new table"
            self.rows = {table: connection.execute(f"select * from {table}").fetchall() for table in TABLES}
        self.users = {row["email"]: row["id"] for row in self.rows["users"]}
        self.tenants = {row["name"]: row["id"] for row in self.rows["tenants"]}
        self.known = {v for rows in self.rows.values() for row in rows for v in row.values() if isinstance(v, UUID)}
        self._seen = {}

    def role(self, person, tenant):
        """The role of a member."""
        key = (self.tenants[tenant], self.users[person])
        (role,) = [row["role"] for row in self.rows["memberships"] if (row["tenant_id"], row["user_id"]) == key]
        return role

    def levels(self, person, tenant):
        """The level that a person holds on each group they see: by role, or the strongest grant on the way up."""
        own = [row for row in self.rows["fleet_groups"] if row["tenant_id"] == self.tenants[tenant]]
        parents = {row["id"]: row["parent_group_id"] for row in own}
        grants = {
            row["fleet_group_id"]: LEVELS.index(row["permission_level"])
            for row in self.rows["group_permissions"]
            if row["user_id"] == self.users[person] and row["tenant_id"] == self.tenants[tenant]
        }
        base = {"owner": 2, "manager": 1, "viewer": -1}[self.role(person, tenant)]
        levels = {}
        for group in parents:
            level, up = base, group
            while up is not None:
                level, up = max(level, grants.get(up, -1)), parents[up]
            if level >= 0:
                levels[group] = LEVELS[level]
        return levels

    def see(self, person, tenant):
        """The rows of each table that a person may see."""
        if (person, tenant) in self._seen:
            return self._seen[person, tenant]
        user, acting, role = self.users[person], self.tenants[tenant], self.role(person, tenant)
        whole, levels = role != "viewer", self.levels(person, tenant)
        own = {table: [row for row in rows if row.get("tenant_id") == acting] for table, rows in self.rows.items()}
        seen = {"fleet_groups": [row for row in own["fleet_groups"] if row["id"] in levels]}
        seen["vehicles"] = [row for row in own["vehicles"] if whole or row["fleet_group_id"] in levels]
        cars = {row["id"] for row in seen["vehicles"]}
        for table in ("manual_events", "manual_events_archive", "uploads", "vehicle_metrics", "explanations"):
            seen[table] = [
                row for row in own[table] if whole or row["vehicle_id"] in cars or row.get("fleet_group_id") in levels
            ]
        seen["fleet_summary_metrics"] = [
            row for row in own["fleet_summary_metrics"] if whole or row["fleet_group_id"] in levels
        ]
        seen["group_permissions"] = [
            row
            for row in own["group_permissions"]
            if whole or row["user_id"] == user or levels.get(row["fleet_group_id"]) == "admin"
        ]
        seen["audit_trail"] = own["audit_trail"] if role == "owner" else []
        seen["event_stream"] = own["event_stream"] if whole else []
        seen["memberships"] = [
            row for row in self.rows["memberships"] if row["tenant_id"] == acting or row["user_id"] == user
        ]
        people = {row["user_id"] for row in seen["memberships"]} | {user}
        seen["users"] = [row for row in self.rows["users"] if row["id"] in people]
        mine = {row["tenant_id"] for row in seen["memberships"] if row["user_id"] == user and row["left_at"] is None}
        seen["tenants"] = [row for row in self.rows["tenants"] if row["id"] in mine]
        self._seen[person, tenant] = seen
        return seen

    def ids(self, person, tenant):
        """The ids of all rows that a person may see."""
        return {row["id"] for rows in self.see(person, tenant).values() for row in rows if "id" in row}

    def secrets(self, person, tenant):
        """Names that only hidden rows bear: labels, numbers, addresses and texts."""
        columns = {
            "fleet_groups": ["name", "description"],
            "vehicles": ["label", "vin"],
            "explanations": ["text"],
            "users": ["email", "name"],
            "tenants": ["name"],
            "uploads": ["sha256"],
        }

        def texts(rows):
            return {row[c] for table, names in columns.items() for row in rows[table] for c in names if row[c]}

        return texts(self.rows) - texts(self.see(person, tenant))


class Writer:
    """Writes operations that select everything below a field: a fragment for each type and depth.

    Every field has an alias that names its type, so that fragments on one interface never meet in a key.
    """

    def __init__(self, schema, without=frozenset()):
        self.schema, self.without, self.fragments = schema, without, {}

    def operation(self, name, depth, arguments="", variables=""):
        """An operation on one root field."""
        type_ = self.schema.query_type.fields[name].type
        body = f"{name}{arguments} {self.select(type_, depth)}"
        return "\n".join([f"query {variables} {{ {body} }}", *self.fragments.values()])

    def select(self, type_, depth):
        """The selection set of a type, empty for a scalar."""
        named = get_named_type(type_)
        if not is_composite_type(named):
            return ""
        types = [named] if isinstance(named, GraphQLObjectType) else self.schema.get_possible_types(named)
        return "{ __typename " + " ".join(f"...{self.fragment(one, depth)}" for one in types) + " }"

    def fragment(self, type_, depth):
        """The name of the fragment that selects everything of an object type."""
        name = f"{type_.name}_{depth}"
        if name not in self.fragments:
            self.fragments[name] = ""
            wraps = type_.name.endswith(("Connection", "Edge"))
            lines = ["__typename"]
            for key, field in type_.fields.items():
                assert not any(map(is_required_argument, field.args.values())), (
                    f"{type_.name}.{key}: give its arguments"
                )
                leaf = not is_composite_type(get_named_type(field.type))
                if f"{type_.name}_{key}" in self.without or not (leaf or wraps or depth):
                    continue
                page = "(first: 4)" if "first" in field.args else ""
                lines.append(
                    f"{type_.name}_{key}: {key}{page} {self.select(field.type, depth if wraps else depth - 1)}"
                )
            self.fragments[name] = f"fragment {name} on {type_.name} {{ {' '.join(lines)} }}"
        return name


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
async def tell(world, engine):
    """A function that asks as somebody: it returns the data, the errors and the whole answer as text."""
    database = await Database.connect(world.gateway, PoolSettings(max_size=2))

    async def tell(caller, query, variables=None):
        found = await member(world.owner, *caller)
        document = engine.document(query)
        assert not document.errors, document.errors
        async with database.session(Caller(found.user_id, found.tenant_id)) as session:
            result = await engine.execute(document, session, variables, None)
        errors = [error.formatted for error in result.errors or ()]
        text = orjson.dumps([result.data, errors], default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        return *orjson.loads(text), text

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
    found = set(UUIDS.findall(text))
    for key, cursor in re.findall(r'"\w*?(cursor|startCursor|endCursor)":"([\w-]+)"', text):
        found |= set(UUIDS.findall(urlsafe_b64decode(cursor + "===").decode(errors="replace"))) or {key}
    return {UUID(one) for one in found if UUIDS.fullmatch(one)}


def sample(ids, size):
    """As many of some ids, the same every time."""
    return random.Random(7).sample(sorted(ids), min(size, len(ids)))  # noqa: S311


def arguments_of(field, visible, hidden):
    """Values for the arguments that a root field cannot go without: ids, singly or as a list."""
    values = {}
    for name, argument in field.args.items():
        if is_required_argument(argument):
            assert get_named_type(argument.type).name == "ID", f"no value for {name}: {argument.type}"
            mixed = [str(one) for pair in zip(visible, hidden, strict=False) for one in pair]
            values[name] = [mixed[i : i + 190] for i in range(0, len(mixed), 190)] if _is_list(argument.type) else mixed
    return values


def _is_list(type_):
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


def test_everybody_is_asked(oracle):
    """The callers are all the members that there are."""
    names = {id_: email for email, id_ in oracle.users.items()}
    tenants = {id_: name for name, id_ in oracle.tenants.items()}
    members = [row for row in oracle.rows["memberships"] if row["left_at"] is None]
    assert {(names[row["user_id"]], tenants[row["tenant_id"]]) for row in members} == set(CALLERS)


@everyone()
async def test_no_root_field_says_anything_of_a_hidden_row(caller, schema, oracle, tell):
    """Everything below every root field, three objects deep: no id, cursor, name or address of a hidden row."""
    visible, secrets = oracle.ids(*caller), oracle.secrets(*caller)
    hidden = oracle.known - visible
    shown = set()
    for name, field in schema.query_type.fields.items():
        by_table = defaultdict(set)
        for table, rows in oracle.rows.items():
            for row in rows:
                by_table[table, row.get("id") in visible].add(row.get("id"))
        picks = {
            seen: [one for (_, s), ids in by_table.items() if s is seen for one in sample(ids - {None}, 5)]
            for seen in (True, False)
        }
        values = arguments_of(field, picks[True], picks[False])
        without = frozenset()
        for value in [v for list_ in values.values() for v in list_] or [None]:
            given = {} if value is None else dict.fromkeys(values, value)
            head = ", ".join(f"${key}: {field.args[key].type}" for key in given)
            inner = [f"{key}: ${key}" for key in given] + ["first: 200"] * ("first" in field.args)
            for _ in range(2):
                query = Writer(schema, without).operation(
                    name, 3, f"({', '.join(inner)})" if inner else "", f"({head})" if head else ""
                )
                _, errors, text = await tell(caller, query, given)
                assert {error["extensions"]["code"] for error in errors} <= {"FORBIDDEN", "OTHER_TENANT"}, errors[:3]
                answer = text
                for one in given.values():
                    for id_ in [one] if isinstance(one, str) else one:
                        answer = answer.replace(id_, "") if UUID(id_) not in visible else answer
                shown |= uuids(answer)
                assert uuids(answer) & hidden == set(), name
                assert [secret for secret in secrets if orjson.dumps(secret).decode() in answer] == [], name
                other = {error["path"][-1] for error in errors if error["extensions"]["code"] == "OTHER_TENANT"}
                if not other:
                    break
                without |= other
    assert shown & visible

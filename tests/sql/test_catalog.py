"""The catalog of the migrated database: a new table, policy, key or function fails here until it is secured."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from graphql import GraphQLEnumType, build_schema

pytestmark = pytest.mark.database

SCHEMA = Path(__file__).resolve().parents[2] / "schema.graphql"
DOMAIN = {
    *("tenants", "users", "memberships", "fleet_groups", "group_permissions", "vehicles", "uploads", "manual_events"),
    *("vehicle_metrics", "explanations", "audit_trail", "event_stream", "fleet_summary_metrics"),
    "manual_events_archive",
    "idempotency_keys",
    "tenant_keys",
    *("vehicle_changes", "odometer_readings", "fuel_spans", "metrics_due", "class_rates"),
    *("group_changes", "group_metrics", "vehicle_calendars"),
    "granted_subtrees",
    *("explanations_due", "explanation_runs"),
    *("group_outlooks", "fleet_summary_changes", "fleet_summary_runs"),
    *("clients", "client_keys", "manifests", "client_documents", "registered_documents", "unknown_documents"),
    *("budgets", "document_usage"),
}
ENTERED = {"gateway_tenant", "gateway_groups"}
WITHOUT_TENANT = {"tenants", "users"}
WRITES = {
    "tenants": {"UPDATE"},
    "memberships": {"INSERT", "UPDATE"},
    "fleet_groups": {"INSERT", "UPDATE", "DELETE"},
    "group_permissions": {"INSERT", "UPDATE", "DELETE"},
    "vehicles": {"INSERT", "UPDATE", "DELETE"},
    "uploads": {"INSERT", "UPDATE"},
    "manual_events": {"INSERT", "UPDATE"},
    "idempotency_keys": {"INSERT", "DELETE"},
}
LOOKS_FOR_PEOPLE = "app.person_of_email(text,text)"
COMMANDS = {"r": ("SELECT",), "a": ("INSERT",), "w": ("UPDATE",), "d": ("DELETE",)}
TABLES = """
  select c.relname as name, c.oid, c.relispartition as is_partition, c.relrowsecurity as enabled,
         c.relforcerowsecurity as forced, c.relkind as kind, pg_get_userbyid(c.relowner) as owner
    from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind not in ('i', 'I') and c.relname !~ '^_?yoyo'
   order by c.relname"""
POLICIES = """
  select p.polname as name, c.relname as table, c.relispartition as is_partition, p.polcmd as command,
         p.polpermissive as permissive,
         array(select case r when 0 then 'public' else pg_get_userbyid(r) end from unnest(p.polroles) r) as roles,
         coalesce(pg_get_expr(p.polqual, p.polrelid), '') as reads,
         coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as writes
    from pg_policy p join pg_class c on c.oid = p.polrelid"""
PRIVILEGES = """
  select c.relname as table, c.relispartition as is_partition, a.privilege_type as privilege,
         case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end as grantee
    from pg_class c
   cross join lateral (
     select * from aclexplode(c.relacl)
     union all
     select x.* from pg_attribute t cross join lateral aclexplode(t.attacl) x where t.attrelid = c.oid
   ) a
   where c.relnamespace = 'public'::regnamespace and a.grantee <> c.relowner"""
KEYS = """
  select c.relname as table, i.indexrelid::regclass::text as name,
         (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = i.indkey[0]) as first
    from pg_index i join pg_class c on c.oid = i.indrelid
   where c.relnamespace = 'public'::regnamespace and i.indisunique and c.relname !~ '^_?yoyo'"""
FOREIGN_KEYS = """
  select k.conname as name, c.relname as table, f.relname as target,
         (select attname from pg_attribute where attrelid = k.conrelid and attnum = k.conkey[1]) as first,
         (select attname from pg_attribute where attrelid = k.confrelid and attnum = k.confkey[1]) as target_first
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class f on f.oid = k.confrelid
   where k.contype = 'f' and k.connamespace = 'public'::regnamespace"""
FUNCTIONS = """
  select p.oid::regprocedure::text as name, p.prosecdef as definer, coalesce(p.proconfig, '{}') as settings,
         p.prosrc as body,
         has_function_privilege('public', p.oid, 'execute') as anybody,
         array(select r from unnest(array['gateway_tenant', 'gateway_groups']) r
                where has_function_privilege(r, p.oid, 'execute')) as entered
    from pg_proc p
   where p.pronamespace = 'app'::regnamespace"""
CHECKS = """
  select c.relname || '.' || k.conname as name, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class c on c.oid = k.conrelid
   where k.contype = 'c' and k.connamespace = 'public'::regnamespace and not c.relispartition"""


@pytest.fixture
def catalog(migrated):
    """A function that returns the rows of a catalog query."""
    with psycopg.connect(migrated.owner, row_factory=psycopg.rows.namedtuple_row) as connection:
        yield lambda query: connection.execute(query).fetchall()


def test_every_table_of_the_domain_is_there_and_no_view_goes_around_them(catalog):
    """A view would read with its owner's rights; nothing but tables is in the schema."""
    tables = catalog(TABLES)
    assert {table.name for table in tables if not table.is_partition} == DOMAIN
    assert {table.kind for table in tables} == {"r", "p"}


def test_row_security_is_enabled_and_forced_on_every_table_and_partition(catalog):
    """Not even the owner reads past the policies."""
    assert [table.name for table in catalog(TABLES) if not (table.enabled and table.forced)] == []


def test_every_table_has_a_policy_for_each_role_that_may_read_it(catalog):
    """A table without one would be empty for everybody, which nobody means."""
    read = {(policy.table, role) for policy in catalog(POLICIES) for role in policy.roles if policy.command in "r*"}
    for table in catalog(TABLES):
        assert (table.name, table.owner) in read, f"{table.name} has no policy for its owner"
        if not table.is_partition:
            assert (table.name, "gateway_tenant") in read, f"{table.name} has no policy for reading"


def test_policies_name_the_entered_roles_or_the_owner_and_never_public(catalog):
    """The login role has no policy, and nobody has one by default."""
    (owner,) = {table.owner for table in catalog(TABLES)}
    for policy in catalog(POLICIES):
        assert set(policy.roles) <= ENTERED | {owner}, f"{policy.name} on {policy.table} is for {policy.roles}"
        assert not (policy.is_partition and set(policy.roles) & ENTERED), f"{policy.table} is open by {policy.name}"


def test_no_two_permissive_policies_meet(catalog):
    """Permissive policies are OR-ed: two for one role and command open what each of them closes."""
    seen = {}
    for policy in catalog(POLICIES):
        commands = COMMANDS.get(policy.command, ("SELECT", "INSERT", "UPDATE", "DELETE"))
        for key in ((policy.table, role, command) for role in policy.roles for command in commands):
            assert not (policy.permissive and key in seen), f"{key}: both {seen.get(key)} and {policy.name}"
            seen[key] = policy.name


def test_every_policy_of_an_entered_role_asks_for_the_tenant(catalog):
    """Whatever else it asks for; and the settings are read once for a statement, not once for a row."""
    for policy in catalog(POLICIES):
        if set(policy.roles) & ENTERED:
            for expression in filter(None, (policy.reads, policy.writes)):
                assert "SELECT app.tenant_id()" in expression, f"{policy.name} on {policy.table}"
                once = r"\( SELECT (app\.\w+\(\)|unnest\(app\.\w+\(\)\)) AS \w+\)"
                bare = re.sub(once, "", expression)
                assert "app." not in bare, f"{policy.name} on {policy.table} calls a function for every row"


def test_tables_are_granted_to_the_entered_roles_alone_and_partitions_to_nobody(catalog):
    """The login holds nothing, PUBLIC holds nothing, and no grant goes beyond what is meant to be written."""
    for grant in catalog(PRIVILEGES):
        assert not grant.is_partition, f"{grant.table} grants {grant.privilege} to {grant.grantee}"
        assert grant.grantee in ENTERED, f"{grant.table} grants {grant.privilege} to {grant.grantee}"
        assert grant.privilege in {"SELECT"} | WRITES.get(grant.table, set()), grant


def test_the_roles_of_the_gateway_are_ordinary_and_can_make_nothing(catalog):
    """No superuser, no BYPASSRLS, nothing inherited, no schema to put a table or a function in."""
    roles = catalog(
        """select rolname as name, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as might,
                  rolinherit as inherits, has_schema_privilege(oid, 'public', 'create') as in_public,
                  has_schema_privilege(oid, 'app', 'create') as in_app,
                  exists (select from pg_class where relowner = r.oid) as owns
             from pg_roles r where rolname ~ '^gateway'"""
    )
    assert {role.name for role in roles} == {"gateway", *ENTERED}
    for role in roles:
        assert role[1:] == (False,) * 5, role
    readable = catalog(
        """select relname from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
              and has_any_column_privilege('gateway', oid, 'select, insert, update, references')"""
    )
    assert readable == []


def test_keys_of_tenant_owned_tables_begin_with_the_tenant(catalog):
    """Primary keys, unique indexes and foreign keys: so no row can point across tenants."""
    owned = {
        row.name
        for row in catalog(
            """select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
                where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                  and a.attname = 'tenant_id' and a.attnotnull"""
        )
    }
    assert {table.name for table in catalog(TABLES)} - owned == WITHOUT_TENANT
    assert [key for key in catalog(KEYS) if key.table in owned and key.first != "tenant_id"] == []
    assert owned <= {key.table for key in catalog(KEYS)}
    for key in catalog(FOREIGN_KEYS):
        if key.table in owned and key.target in owned:
            assert (key.first, key.target_first) == ("tenant_id", "tenant_id"), key


def test_no_function_is_for_everybody(catalog):
    """EXECUTE goes to PUBLIC by default: every new function has to take it back."""
    assert [function.name for function in catalog(FUNCTIONS) if function.anybody] == []


def test_functions_with_their_owners_rights_look_names_up_where_nobody_else_writes(catalog):
    """A fixed search_path that ends in pg_temp: a temporary table of the caller's cannot stand in for a real one."""
    for function in catalog(FUNCTIONS):
        if function.definer:
            paths = [setting for setting in function.settings if setting.startswith("search_path=")]
            assert paths, function.name
            assert paths[0].endswith("pg_temp"), function.name


def test_rows_before_and_after_a_change_do_not_meet_by_nested_loops(catalog):
    """A trigger's plan is kept from a session's first change, of one row, for one of thousands.

    Functions that join tables besides are left out: they look rows up by index.
    """
    joining = [
        function
        for function in catalog(FUNCTIONS)
        if re.search(r"\bjoin (\(select to_jsonb\()?(old_rows|replaced)\b", function.body)
        and function.body.count("join ") == 1
    ]
    assert len(joining) >= 7
    assert [function.name for function in joining if "enable_nestloop=off" not in function.settings] == []


def test_nobody_who_was_let_in_can_call_a_function_with_its_owners_rights(catalog):
    """Such a function reads past the policies: it is for the login role before it enters, not for a session.

    But for the one that finds the person whom an owner adds: people belong to no tenant, so no policy could.
    """
    assert [
        (function.name, function.entered) for function in catalog(FUNCTIONS) if function.definer and function.entered
    ] == [(LOOKS_FOR_PEOPLE, ["gateway_tenant"])]


def test_every_list_of_values_is_an_enumeration_of_the_graph(catalog):
    """A value that the database takes and the graph cannot name would be an error on reading."""
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    enumerations = [frozenset(type_.values) for type_ in schema.type_map.values() if isinstance(type_, GraphQLEnumType)]
    found = 0
    for check in catalog(CHECKS):
        if re.fullmatch(r"CHECK \(\((\w+) = ANY \(ARRAY\[.+\]\)\)\)", check.definition):
            found += 1
            values = frozenset(value.upper() for value in re.findall(r"'(\w+)'::text", check.definition))
            assert values in enumerations, f"{check.name}: {sorted(values)} is no enumeration of schema.graphql"
    assert found >= 9

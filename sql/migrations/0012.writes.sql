-- Writing: events and grants count their changes, events can be void, keys that make a repeated request write once, and
-- the last owner stays.
-- depends: 0011.readiness

-- A void event stays, says why, and counts for nothing. A partition moves to the archive with its constraints, so these
-- bear the same name there.
do $$
declare
  target text;
begin
  foreach target in array array['manual_events', 'manual_events_archive'] loop
    execute format('alter table %I add column version integer not null default 1', target);
    execute format('alter table %I add column voided_at timestamptz', target);
    execute format('alter table %I add column void_reason text', target);
    execute format('alter table %I add constraint manual_events_void check
                      ((voided_at is null) = (void_reason is null) and length(void_reason) between 1 and 1000)', target);
  end loop;
end;
$$;
drop trigger touch on manual_events;
create trigger next_version before update on manual_events for each row execute function app.next_version();
grant update (voided_at, void_reason) on manual_events to gateway_tenant, gateway_groups;

drop index manual_events_cost;
create index manual_events_cost on manual_events (tenant_id, vehicle_id, event_type, occurred_at)
  include (gallons, cost, id, odometer_miles, is_full_tank, missed_previous)
  where event_type in ('fuel_purchase', 'maintenance') and voided_at is null;

-- As in 0003, with the new columns.
create or replace function app.make_event_partitions(first_day date, last_day date) returns integer
  language plpgsql set timezone = 'UTC' as $$
declare
  month date := date_trunc('month', first_day);
  partition_name text;
  made integer := 0;
begin
  while month <= last_day loop
    partition_name := 'manual_events_' || to_char(month, 'YYYY_MM');
    if to_regclass('public.' || partition_name) is null then
      execute format('create table %I (like manual_events including all)', partition_name);
      execute format(
        'with moved as (delete from manual_events_default where occurred_at >= %L and occurred_at < %L returning *)
         insert into %I (tenant_id, id, vehicle_id, source_upload_id, event_type, payload, confidence, verified_by_user,
                         created_by, occurred_at, created_at, updated_at, version, voided_at, void_reason)
         select tenant_id, id, vehicle_id, source_upload_id, event_type, payload, confidence, verified_by_user,
                created_by, occurred_at, created_at, updated_at, version, voided_at, void_reason from moved',
        month::timestamptz, (month + interval '1 month')::timestamptz, partition_name);
      execute format('alter table manual_events attach partition %I for values from (%L) to (%L)',
        partition_name, month::timestamptz, (month + interval '1 month')::timestamptz);
      perform app.secure_partition(partition_name);
      made := made + 1;
    end if;
    month := month + interval '1 month';
  end loop;
  return made;
end;
$$;

alter table group_permissions add column version integer not null default 1;
drop trigger touch on group_permissions;
create trigger next_version before update on group_permissions for each row execute function app.next_version();

-- What a request with a key answered: the same key and input by the same person answers the same and writes nothing.
create table idempotency_keys (
  tenant_id uuid not null references tenants (id),
  user_id uuid not null,
  key text not null check (length(key) between 1 and 255),
  mutation text not null,
  input_sha256 text not null check (input_sha256 ~ '^[0-9a-f]{64}$'),
  result jsonb not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id, key),
  foreign key (tenant_id, user_id) references memberships (tenant_id, user_id)
);
create index idempotency_keys_created_at on idempotency_keys (tenant_id, user_id, created_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
do $$
begin
  execute 'create policy owner on idempotency_keys to current_user using (true) with check (true)';
end;
$$;
create policy own on idempotency_keys to gateway_tenant, gateway_groups
  using (tenant_id = (select app.tenant_id()) and user_id = (select app.user_id()))
  with check (tenant_id = (select app.tenant_id()) and user_id = (select app.user_id()));
grant select, insert, delete on idempotency_keys to gateway_tenant, gateway_groups;

-- Every tenant keeps an owner. Two owners who leave at once would each see the other: they queue on the tenant.
create function app.require_owner() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('memberships ' || tenant_id::text, 0))
    from (select distinct tenant_id from changed order by tenant_id) as tenants_changed;
  if exists (select from (select distinct tenant_id from changed) c
              where exists (select from memberships m where m.tenant_id = c.tenant_id)
                and not exists (select from memberships m
                                 where m.tenant_id = c.tenant_id and m.role = 'owner' and m.left_at is null)) then
    raise exception 'a tenant keeps at least one owner' using errcode = 'MM011', constraint = 'memberships_last_owner';
  end if;
  return null;
end;
$$;
revoke all on function app.require_owner() from public;
create trigger require_owner after update on memberships
  referencing old table as changed for each statement execute function app.require_owner();

-- The person with an address, made where there is none: for an owner who adds a member. The one function with its owner's
-- rights that may be called from within: people belong to no tenant, so no policy lets a tenant look for one. It tells an
-- id that means nothing to who does not know it already, the same for somebody there was and somebody new.
create function app.person_of_email(in_email text, in_name text) returns uuid
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  person uuid;
begin
  if app.role() is distinct from 'owner' then
    raise exception 'members are added by owners' using errcode = 'insufficient_privilege';
  end if;
  insert into users (email, name) values (in_email, in_name)
  on conflict (lower(email)) do nothing
  returning id into person;
  if person is null then
    select u.id into person from users u where lower(u.email) = lower(in_email);
  end if;
  return person;
end;
$$;
revoke all on function app.person_of_email(text, text) from public;
grant execute on function app.person_of_email(text, text) to gateway_tenant;

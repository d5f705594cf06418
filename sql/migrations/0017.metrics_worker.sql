-- Metrics from events: the time zones that say which day it was, and vehicles whose metrics are due as a whole.
-- depends: 0016.figures

-- The names among these that are time zones of this server. The view behind them reads a directory: only where there is a name.
create function app.time_zones_among(names text[]) returns setof text language sql stable as $$
  select n.name from pg_timezone_names n where cardinality(names) > 0 and n.name = any (names)
$$;

alter table tenants add column time_zone text not null default 'UTC';
comment on column tenants.time_zone is 'The time zone of the days of vehicles, unless theirs or their group''s says otherwise.';

create function app.require_time_zone() returns trigger language plpgsql as $$
begin
  if new.time_zone <> 'UTC' and not exists (select from pg_timezone_names n where n.name = new.time_zone) then
    raise exception 'there is no time zone "%": its name is one like Europe/Berlin, America/Chicago or UTC', new.time_zone
      using errcode = 'check_violation', constraint = 'tenants_time_zone', table = 'tenants';
  end if;
  return new;
end;
$$;
create trigger require_time_zone before insert or update of time_zone on tenants
  for each row execute function app.require_time_zone();

-- The time zone of each vehicle: its own, else that of the nearest group upwards that names one, else the tenant's.
-- What is named and is no time zone counts as not named.
create function app.vehicle_time_zones(in_tenant_id uuid, vehicle_ids uuid[])
  returns table (vehicle_id uuid, time_zone text) language sql stable as $$
  with recursive asked as materialized (
    select v.id, v.fleet_group_id, v.extended_attributes #>> '{operational,time_zone}' as named
      from vehicles v
     where v.tenant_id = in_tenant_id and v.id = any (vehicle_ids)
  ),
  above as (
    select distinct a.fleet_group_id as origin, a.fleet_group_id as id, 0 as height
      from asked a
     where a.fleet_group_id is not null
    union all
    select a.origin, g.parent_group_id, a.height + 1
      from above a
      join fleet_groups g on g.tenant_id = in_tenant_id and g.id = a.id
     where g.parent_group_id is not null
  ),
  grouped as materialized (
    select a.origin, a.height, g.metadata ->> 'time_zone' as named
      from above a
      join fleet_groups g on g.tenant_id = in_tenant_id and g.id = a.id
     where g.metadata ->> 'time_zone' is not null
  ),
  tenant as materialized (select t.time_zone as named from tenants t where t.id = in_tenant_id),
  known as materialized (
    select z.name
      from app.time_zones_among(array(
             select a.named from asked a where a.named is not null
             union select g.named from grouped g
             union select t.named from tenant t where t.named <> 'UTC')) as z (name)
  ),
  nearest as materialized (
    select distinct on (g.origin) g.origin, g.named
      from grouped g
     where g.named in (select k.name from known k)
     order by g.origin, g.height
  )
  select a.id,
         coalesce(case when a.named in (select k.name from known k) then a.named end,
                  n.named,
                  (select t.named from tenant t where t.named in (select k.name from known k)),
                  'UTC')
    from asked a
    left join nearest n on n.origin = a.fleet_group_id
$$;

-- When a trip began, as its batch says. What is no moment, or more than a week from the batch, counts as the batch's own:
-- so whoever computes a day knows which batches to read.
create function app.trip_start(said text, batch_at timestamptz) returns timestamptz
  language plpgsql stable set timezone = 'UTC' as $$
declare
  started_at timestamptz;
begin
  if said !~ '^\d{4}-\d\d-\d\d' then
    return batch_at;
  end if;
  started_at := said::timestamptz;
  return case when started_at between batch_at - interval '7 days' and batch_at + interval '7 days'
              then started_at else batch_at end;
exception when data_exception then
  return batch_at;
end;
$$;

-- Vehicles whose metrics are due as a whole, although their events did not change: their days are others now, or somebody
-- asked for it. Appended by whoever, taken by the worker.
create table metrics_due (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  vehicle_id uuid not null,
  is_rebuild boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id) on delete cascade
);
create index metrics_due_created_at on metrics_due (tenant_id, created_at);
create index metrics_due_vehicle on metrics_due (tenant_id, vehicle_id);
alter table metrics_due enable row level security;
alter table metrics_due force row level security;
do $$
begin
  execute 'create policy owner on metrics_due to current_user using (true) with check (true)';
end;
$$;
create policy read_tenant on metrics_due for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));

create function app.metrics_due_of_vehicles() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into metrics_due (tenant_id, vehicle_id)
  select n.tenant_id, n.id
    from new_rows n
    join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
   where n.fleet_group_id is distinct from o.fleet_group_id
      or n.extended_attributes #> '{operational,time_zone}' is distinct from o.extended_attributes #> '{operational,time_zone}';
  return null;
end;
$$;
create trigger metrics_due after update on vehicles
  referencing old table as old_rows new table as new_rows for each statement execute function app.metrics_due_of_vehicles();

create function app.metrics_due_of_groups() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into metrics_due (tenant_id, vehicle_id)
  with recursive below as (
    select n.tenant_id, n.id
      from new_rows n
      join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
     where n.parent_group_id is distinct from o.parent_group_id
        or n.metadata -> 'time_zone' is distinct from o.metadata -> 'time_zone'
    union
    select g.tenant_id, g.id
      from below b
      join fleet_groups g on g.tenant_id = b.tenant_id and g.parent_group_id = b.id
  )
  select v.tenant_id, v.id
    from below b
    join vehicles v on v.tenant_id = b.tenant_id and v.fleet_group_id = b.id;
  return null;
end;
$$;
create trigger metrics_due after update on fleet_groups
  referencing old table as old_rows new table as new_rows for each statement execute function app.metrics_due_of_groups();

create function app.metrics_due_of_tenants() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into metrics_due (tenant_id, vehicle_id)
  select v.tenant_id, v.id
    from new_rows n
    join old_rows o on o.id = n.id
    join vehicles v on v.tenant_id = n.id
   where n.time_zone <> o.time_zone;
  return null;
end;
$$;
create trigger metrics_due after update on tenants
  referencing old table as old_rows new table as new_rows for each statement execute function app.metrics_due_of_tenants();

revoke all on function
  app.time_zones_among(text[]), app.require_time_zone(), app.vehicle_time_zones(uuid, uuid[]), app.trip_start(text, timestamptz),
  app.metrics_due_of_vehicles(), app.metrics_due_of_groups(), app.metrics_due_of_tenants()
  from public;

-- The worker takes those first that wait longest.
create index vehicle_changes_created_at on vehicle_changes (tenant_id, created_at);

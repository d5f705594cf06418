-- The tree of fleet groups, the grants on it, and the vehicles in it.
-- depends: 0001.tenancy

create table fleet_groups (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  parent_group_id uuid,
  name text not null check (length(name) between 1 and 200),
  description text,
  group_type text not null default 'custom' check (group_type in ('department', 'location', 'vehicle_type', 'custom')),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, parent_group_id) references fleet_groups (tenant_id, id),
  constraint fleet_groups_no_self_parent check (parent_group_id <> id)
);
create index fleet_groups_parent on fleet_groups (tenant_id, parent_group_id, name, id);
create index fleet_groups_name on fleet_groups (tenant_id, name, id);
create index fleet_groups_created_at on fleet_groups (tenant_id, created_at, id);
create trigger next_version before update on fleet_groups for each row execute function app.next_version();

-- One statement may move many groups. The rows it leaves behind and all above them are collected once; whoever is not
-- reached from a root among them hangs on a cycle. Linear in the groups looked at, however deep they are. Two moves at
-- once could each be right and together a cycle: they queue on the tenant.
create function app.refuse_group_cycle() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  offender uuid;
begin
  if not exists (select from changed where parent_group_id is not null) then
    return null;
  end if;
  -- Under the lock the other move must be visible; a snapshot from before it would hide the cycle.
  if tg_op = 'UPDATE' and current_setting('transaction_isolation') = 'repeatable read' then
    raise exception 'fleet groups are moved under READ COMMITTED or SERIALIZABLE' using errcode = 'feature_not_supported';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('fleet_groups ' || tenant_id::text, 0))
    from (select distinct tenant_id from changed order by tenant_id) as tenants_changed;
  with recursive above as (
    select c.tenant_id, c.id, c.parent_group_id from changed c
    union
    select p.tenant_id, p.id, p.parent_group_id
      from above a
     cross join lateral (  -- one index look-up each: the planner would rather read the whole table at every level
       select g.tenant_id, g.id, g.parent_group_id
         from fleet_groups g
        where g.tenant_id = a.tenant_id and g.id = a.parent_group_id
        limit 1
     ) p
  ),
  rooted as (
    select a.tenant_id, a.id from above a where a.parent_group_id is null
    union all
    select a.tenant_id, a.id
      from rooted r
      join above a on a.tenant_id = r.tenant_id and a.parent_group_id = r.id
  )
  select a.id into offender
    from above a
   where not exists (select from rooted r where r.tenant_id = a.tenant_id and r.id = a.id)
   limit 1;
  if found then
    raise exception 'fleet group % would be inside its own subtree', offender
      using errcode = 'MM010', constraint = 'fleet_groups_no_cycle', table = 'fleet_groups';
  end if;
  return null;
end;
$$;

create trigger refuse_cycle_inserted after insert on fleet_groups
  referencing new table as changed for each statement execute function app.refuse_group_cycle();
create trigger refuse_cycle_updated after update on fleet_groups
  referencing new table as changed for each statement execute function app.refuse_group_cycle();

-- Ids of a subtree, its root included, as far as the caller sees. The one place that walks down.
create function app.subtree_ids(in_tenant_id uuid, root_id uuid) returns uuid[] language sql stable parallel safe as $$
  with recursive subtree as (
    select g.id from fleet_groups g where g.tenant_id = in_tenant_id and g.id = root_id
    union all
    select g.id
      from subtree s
      join fleet_groups g on g.tenant_id = in_tenant_id and g.parent_group_id = s.id
  ) cycle id set looped using path
  select array_agg(id) from subtree
$$;

create table group_permissions (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  fleet_group_id uuid not null,
  permission_level text not null check (permission_level in ('read', 'write', 'admin')),
  granted_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, user_id, fleet_group_id),
  foreign key (tenant_id, user_id) references memberships (tenant_id, user_id),
  foreign key (tenant_id, granted_by) references memberships (tenant_id, user_id),
  foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id) on delete cascade
);
create index group_permissions_group on group_permissions (tenant_id, fleet_group_id);
create trigger touch before update on group_permissions for each row execute function app.touch();

create table vehicles (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  fleet_group_id uuid,
  label text not null check (length(label) between 1 and 200),
  make text,
  model text,
  vin text check (vin ~ '^[A-HJ-NPR-Z0-9]{17}$'),
  baseline_fuel_mpg numeric(4, 1) check (baseline_fuel_mpg > 0),
  baseline_service_interval_miles integer default 5000 check (baseline_service_interval_miles > 0),
  notes text,
  extended_attributes jsonb not null default '{}' check (jsonb_typeof(extended_attributes) = 'object'),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, vin),
  foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id)
);
create index vehicles_group on vehicles (tenant_id, fleet_group_id, label, id);
create index vehicles_label on vehicles (tenant_id, label, id);
create index vehicles_created_at on vehicles (tenant_id, created_at, id);
create trigger next_version before update on vehicles for each row execute function app.next_version();

-- What happened: an audit trail of rows and a versioned stream of events per aggregate.
-- Both are written by statement triggers from transition tables, so that bulk writes are recorded at their own pace.
-- depends: 0004.metrics

create table audit_trail (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  table_name text not null,
  record_id uuid not null,
  operation text not null check (operation in ('insert', 'update', 'delete')),
  old_values jsonb,
  new_values jsonb,
  changed_by uuid references users (id),
  changed_at timestamptz not null default now(),
  client_ip inet,
  user_agent text,
  primary key (tenant_id, id),
  constraint audit_trail_values check (
    (operation = 'insert' and old_values is null and new_values is not null)
    or (operation = 'update' and old_values is not null and new_values is not null)
    or (operation = 'delete' and old_values is not null and new_values is null))
);
create index audit_trail_changed_at on audit_trail (tenant_id, changed_at, id);
create index audit_trail_record on audit_trail (tenant_id, record_id, changed_at, id);

create table event_stream (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  aggregate_type text not null check (aggregate_type in ('vehicle', 'user', 'fleet_group')),
  aggregate_id uuid not null,
  event_type text not null,
  event_data jsonb not null,
  metadata jsonb not null default '{}',
  version integer not null check (version > 0),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, aggregate_type, aggregate_id, version)
);
create index event_stream_created_at on event_stream (tenant_id, created_at, id);

create function app.client_ip() returns inet language sql stable parallel safe as $$
  select nullif(current_setting('app.client_ip', true), '')::inet
$$;

create function app.user_agent() returns text language sql stable parallel safe as $$
  select nullif(current_setting('app.user_agent', true), '')
$$;

-- Rows without a tenant of their own (users) are recorded in every tenant that they are a member of.
create function app.record_audit() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into audit_trail (tenant_id, table_name, record_id, operation, new_values, changed_by, client_ip, user_agent)
    select (n.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(n.v ->> 'id', n.v ->> 'user_id')::uuid, 'insert', n.v,
           app.user_id(), app.client_ip(), app.user_agent()
      from (select to_jsonb(new_rows) from new_rows) as n (v);
  elsif tg_op = 'UPDATE' then
    insert into audit_trail (tenant_id, table_name, record_id, operation, old_values, new_values, changed_by, client_ip, user_agent)
    select (n.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(n.v ->> 'id', n.v ->> 'user_id')::uuid, 'update', o.v, n.v,
           app.user_id(), app.client_ip(), app.user_agent()
      from (select to_jsonb(new_rows) from new_rows) as n (v)
      join (select to_jsonb(old_rows) from old_rows) as o (v)
        on coalesce(o.v ->> 'id', o.v ->> 'user_id') = coalesce(n.v ->> 'id', n.v ->> 'user_id')
       and o.v ->> 'tenant_id' is not distinct from n.v ->> 'tenant_id';
  else
    insert into audit_trail (tenant_id, table_name, record_id, operation, old_values, changed_by, client_ip, user_agent)
    select (o.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(o.v ->> 'id', o.v ->> 'user_id')::uuid, 'delete', o.v,
           app.user_id(), app.client_ip(), app.user_agent()
      from (select to_jsonb(old_rows) from old_rows) as o (v);
  end if;
  return null;
end;
$$;

create function app.record_user_audit() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into audit_trail (tenant_id, table_name, record_id, operation, old_values, new_values, changed_by, client_ip, user_agent)
  select m.tenant_id, 'users', n.id, 'update', to_jsonb(o), to_jsonb(n), app.user_id(), app.client_ip(), app.user_agent()
    from new_rows n
    join old_rows o on o.id = n.id
    join memberships m on m.user_id = n.id and m.left_at is null;
  -- The person changed for every tenant that knows them: their aggregate moves on there.
  update memberships set updated_at = now() where user_id in (select id from new_rows) and left_at is null;
  return null;
end;
$$;

create trigger audit_update after update on users
  referencing old table as old_rows new table as new_rows for each statement execute function app.record_user_audit();

do $$
declare
  audited text;
begin
  foreach audited in array array['tenants', 'memberships', 'fleet_groups', 'group_permissions', 'vehicles', 'uploads',
                                 'manual_events'] loop
    execute format('create trigger audit_insert after insert on %I
      referencing new table as new_rows for each statement execute function app.record_audit()', audited);
    execute format('create trigger audit_update after update on %I
      referencing old table as old_rows new table as new_rows for each statement execute function app.record_audit()', audited);
    execute format('create trigger audit_delete after delete on %I
      referencing old table as old_rows for each statement execute function app.record_audit()', audited);
  end loop;
end;
$$;

-- The stream holds the whole row at creation and the changed columns afterwards: replayed in order it is the table.
-- The version is the row's own, counted by app.next_version, so that the unique key on it refuses a lost update.

create function app.stream_metadata() returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'user_id', app.user_id(), 'client_ip', host(app.client_ip()), 'user_agent', app.user_agent()))
$$;

create function app.changed_keys(old_row jsonb, new_row jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(new_row)
   where key <> 'updated_at' and value is distinct from old_row -> key
$$;

create function app.append_stream() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  aggregate text := tg_argv[0];
  id_key text := tg_argv[1];
begin
  if tg_op = 'INSERT' then
    insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, metadata, version)
    select (n.v ->> 'tenant_id')::uuid, aggregate, (n.v ->> id_key)::uuid, aggregate || '.created', n.v,
           app.stream_metadata(), (n.v ->> 'version')::integer
      from (select to_jsonb(new_rows) from new_rows) as n (v);
  elsif tg_op = 'UPDATE' then
    insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, metadata, version)
    select (n.v ->> 'tenant_id')::uuid, aggregate, (n.v ->> id_key)::uuid,
           aggregate || case when o.v -> 'parent_group_id' is distinct from n.v -> 'parent_group_id'
                               or o.v -> 'fleet_group_id' is distinct from n.v -> 'fleet_group_id'
                             then '.moved' else '.updated' end,
           app.changed_keys(o.v, n.v), app.stream_metadata(), (n.v ->> 'version')::integer
      from (select to_jsonb(new_rows) from new_rows) as n (v)
      join (select to_jsonb(old_rows) from old_rows) as o (v)
        on o.v ->> id_key = n.v ->> id_key and o.v ->> 'tenant_id' = n.v ->> 'tenant_id';
  else
    insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, metadata, version)
    select (o.v ->> 'tenant_id')::uuid, aggregate, (o.v ->> id_key)::uuid, aggregate || '.deleted', '{}',
           app.stream_metadata(), (o.v ->> 'version')::integer + 1
      from (select to_jsonb(old_rows) from old_rows) as o (v);
  end if;
  return null;
end;
$$;

do $$
declare
  streamed record;
begin
  for streamed in
    select * from (values ('fleet_groups', 'fleet_group', 'id'), ('vehicles', 'vehicle', 'id'),
                          ('memberships', 'user', 'user_id')) as s (name, aggregate, id_key)
  loop
    execute format('create trigger stream_insert after insert on %I
      referencing new table as new_rows for each statement execute function app.append_stream(%L, %L)',
      streamed.name, streamed.aggregate, streamed.id_key);
    execute format('create trigger stream_update after update on %I
      referencing old table as old_rows new table as new_rows for each statement execute function app.append_stream(%L, %L)',
      streamed.name, streamed.aggregate, streamed.id_key);
    execute format('create trigger stream_delete after delete on %I
      referencing old table as old_rows for each statement execute function app.append_stream(%L, %L)',
      streamed.name, streamed.aggregate, streamed.id_key);
  end loop;
end;
$$;

-- Partitions for the current month, the year before and the quarter ahead; "motomind migrate" makes the next ones.
do $$
begin
  perform app.make_event_partitions((now() - interval '12 months')::date, (now() + interval '3 months')::date);
end;
$$;

-- Data keys and what they encrypted, as the database's owner.

-- name: tenants_with_keys
-- With a name, that tenant, whether it has keys or not; without, all that have.
select t.id::text as id, t.name
  from tenants t
 where case when %(tenant)s::text is null
            then exists (select from tenant_keys k where k.tenant_id = t.id)
            else lower(t.name) = lower(%(tenant)s) end
 order by lower(t.name);

-- name: keys
select t.name as tenant, k.key_id, k.wrapped_by, k.created_at, k.retired_at
  from tenant_keys k
  join tenants t on t.id = k.tenant_id
 where lower(t.name) = lower(coalesce(%(tenant)s, t.name))
 order by lower(t.name), k.created_at;

-- name: keys_of_tenant
select k.key_id, k.wrapped, k.wrapped_by, k.retired_at
  from tenant_keys k
 where k.tenant_id = %(tenant_id)s
   for update;

-- name: first_and_current_key
-- The one that a tenant had first, and the one that encrypts now; one row where they are the same, none without keys.
select k.key_id, k.wrapped, k.wrapped_by
  from tenant_keys k
 where k.tenant_id = %(tenant_id)s
   and (k.retired_at is null
        or not exists (select from tenant_keys o
                        where o.tenant_id = k.tenant_id and (o.created_at, o.key_id) < (k.created_at, k.key_id)))
 order by k.retired_at nulls last;

-- name: add_first_key
insert into tenant_keys (tenant_id, key_id, wrapped, wrapped_by)
values (%(tenant_id)s, %(key_id)s, %(wrapped)s, %(wrapped_by)s)
    on conflict (tenant_id) where retired_at is null do nothing;

-- name: retire_key
update tenant_keys set retired_at = now() where tenant_id = %(tenant_id)s and retired_at is null returning key_id;

-- name: add_key
insert into tenant_keys (tenant_id, key_id, wrapped, wrapped_by)
values (%(tenant_id)s, %(key_id)s, %(wrapped)s, %(wrapped_by)s);

-- name: rewrap_key
update tenant_keys
   set wrapped = %(wrapped)s, wrapped_by = %(wrapped_by)s
 where tenant_id = %(tenant_id)s and key_id = %(key_id)s;

-- What holds values that are to be encrypted anew, a batch at a time in the order of ids: count, stale, renew. "texts"
-- are the JSON values of a row; of whole rows where they are copies of one.

-- name: count_manual_events
select count(*)
  from manual_events e
 where e.tenant_id = %(tenant_id)s
   and app.needs_encryption(e.payload, %(key_id)s, %(event_paths)s::jsonpath[]);

-- name: stale_manual_events
select e.id::text as id, e.occurred_at as moment, 'manual_events' as table_name, e.id::text as row_id,
       array[e.payload::text] as texts, false as whole_rows
  from manual_events e
 where e.tenant_id = %(tenant_id)s
   and (e.id, e.occurred_at) > (%(after_id)s::uuid, %(after_moment)s::timestamptz)
   and app.needs_encryption(e.payload, %(key_id)s, %(event_paths)s::jsonpath[])
 order by e.id, e.occurred_at
 limit %(batch)s
   for update;

-- name: renew_manual_events
update manual_events
   set payload = (%(texts)s::text[])[1]::jsonb
 where tenant_id = %(tenant_id)s and id = %(id)s and occurred_at = %(moment)s;

-- name: count_archived_events
select count(*)
  from manual_events_archive e
 where e.tenant_id = %(tenant_id)s
   and app.needs_encryption(e.payload, %(key_id)s, %(event_paths)s::jsonpath[]);

-- name: stale_archived_events
select e.id::text as id, e.occurred_at as moment, 'manual_events' as table_name, e.id::text as row_id,
       array[e.payload::text] as texts, false as whole_rows
  from manual_events_archive e
 where e.tenant_id = %(tenant_id)s
   and (e.id, e.occurred_at) > (%(after_id)s::uuid, %(after_moment)s::timestamptz)
   and app.needs_encryption(e.payload, %(key_id)s, %(event_paths)s::jsonpath[])
 order by e.id, e.occurred_at
 limit %(batch)s
   for update;

-- name: renew_archived_events
update manual_events_archive
   set payload = (%(texts)s::text[])[1]::jsonb
 where tenant_id = %(tenant_id)s and id = %(id)s and occurred_at = %(moment)s;

-- name: count_vehicles
select count(*)
  from vehicles v
 where v.tenant_id = %(tenant_id)s
   and app.needs_encryption(v.extended_attributes, %(key_id)s, %(vehicle_paths)s::jsonpath[]);

-- name: stale_vehicles
select v.id::text as id, v.created_at as moment, 'vehicles' as table_name, v.id::text as row_id,
       array[v.extended_attributes::text] as texts, false as whole_rows
  from vehicles v
 where v.tenant_id = %(tenant_id)s
   and v.id > %(after_id)s::uuid
   and app.needs_encryption(v.extended_attributes, %(key_id)s, %(vehicle_paths)s::jsonpath[])
 order by v.id
 limit %(batch)s
   for update;

-- name: renew_vehicles
update vehicles
   set extended_attributes = (%(texts)s::text[])[1]::jsonb
 where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: count_audit_records
select count(*)
  from audit_trail a
 where a.tenant_id = %(tenant_id)s
   and a.table_name in ('manual_events', 'vehicles')
   and (app.needs_encryption(a.old_values, %(key_id)s, %(copy_paths)s::jsonpath[])
        or app.needs_encryption(a.new_values, %(key_id)s, %(copy_paths)s::jsonpath[]));

-- name: stale_audit_records
select a.id::text as id, a.changed_at as moment, a.table_name, a.record_id::text as row_id,
       array[a.old_values::text, a.new_values::text] as texts, true as whole_rows
  from audit_trail a
 where a.tenant_id = %(tenant_id)s
   and a.id > %(after_id)s::uuid
   and a.table_name in ('manual_events', 'vehicles')
   and (app.needs_encryption(a.old_values, %(key_id)s, %(copy_paths)s::jsonpath[])
        or app.needs_encryption(a.new_values, %(key_id)s, %(copy_paths)s::jsonpath[]))
 order by a.id
 limit %(batch)s
   for update;

-- name: renew_audit_records
update audit_trail
   set old_values = (%(texts)s::text[])[1]::jsonb, new_values = (%(texts)s::text[])[2]::jsonb
 where tenant_id = %(tenant_id)s and id = %(id)s;

-- name: count_stream_events
select count(*)
  from event_stream s
 where s.tenant_id = %(tenant_id)s
   and s.aggregate_type = 'vehicle'
   and app.needs_encryption(s.event_data, %(key_id)s, %(copy_paths)s::jsonpath[]);

-- name: stale_stream_events
select s.id::text as id, s.created_at as moment, 'vehicles' as table_name, s.aggregate_id::text as row_id,
       array[s.event_data::text] as texts, true as whole_rows
  from event_stream s
 where s.tenant_id = %(tenant_id)s
   and s.id > %(after_id)s::uuid
   and s.aggregate_type = 'vehicle'
   and app.needs_encryption(s.event_data, %(key_id)s, %(copy_paths)s::jsonpath[])
 order by s.id
 limit %(batch)s
   for update;

-- name: renew_stream_events
update event_stream
   set event_data = (%(texts)s::text[])[1]::jsonb
 where tenant_id = %(tenant_id)s and id = %(id)s;

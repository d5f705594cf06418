-- Vehicles and events of files of any size, a piece of the file in each transaction.

-- name: vehicles_by_label
select v.label as key, v.id from vehicles v where v.tenant_id = %(tenant_id)s and v.label = any (%(keys)s::text[]);

-- name: vehicles_by_vin
select v.vin as key, v.id from vehicles v where v.tenant_id = %(tenant_id)s and v.vin = any (%(keys)s::text[]);

-- name: vehicles_by_id
select v.id::text as key, v.id from vehicles v where v.tenant_id = %(tenant_id)s and v.id::text = any (%(keys)s::text[]);

-- name: vehicles_by_external_id
select v.extended_attributes ->> 'external_id' as key, v.id
  from vehicles v
 where v.tenant_id = %(tenant_id)s and v.extended_attributes ->> 'external_id' = any (%(keys)s::text[]);

-- name: groups_by_key
-- By id, by the code of an import, by the path of names from a root, or by the name alone.
with recursive walk as (
  select g.id, g.name, g.metadata ->> 'code' as code, g.name as path
    from fleet_groups g
   where g.tenant_id = %(tenant_id)s and g.parent_group_id is null
  union all
  select g.id, g.name, g.metadata ->> 'code', w.path || '/' || g.name
    from walk w
    join fleet_groups g on g.tenant_id = %(tenant_id)s and g.parent_group_id = w.id
)
select k.key, w.id
  from walk w
  join unnest(%(keys)s::text[]) k (key) on k.key in (w.id::text, w.code, w.path, w.name);

-- name: stage_bulk_events
create temp table incoming_events (id uuid, vehicle_id uuid, event_type text, occurred_at timestamptz, payload jsonb,
                                   confidence integer, other_id uuid) on commit drop;

-- name: copy_bulk_events
copy incoming_events (id, vehicle_id, event_type, occurred_at, payload, confidence, other_id) from stdin;

-- name: add_bulk_events
-- The trail knows every event that ever came, wherever it went since: archived, or to another date. One look into its
-- index for each row; as a join it would be read as a whole. An event may be there under its other id, from when
-- something else of it was to be encrypted.
insert into manual_events (tenant_id, id, vehicle_id, event_type, payload, confidence, created_by, occurred_at)
select %(tenant_id)s, i.id, i.vehicle_id, i.event_type, i.payload, i.confidence, %(owner_id)s, i.occurred_at
  from incoming_events i
 where (select true from audit_trail a where a.tenant_id = %(tenant_id)s and a.record_id = i.id limit 1) is null
   and (i.other_id is null
        or (select true from audit_trail a where a.tenant_id = %(tenant_id)s and a.record_id = i.other_id limit 1) is null)
    on conflict do nothing;

-- name: count_bulk_events
select count(*)
  from incoming_events i
 where (select true from audit_trail a where a.tenant_id = %(tenant_id)s and a.record_id = i.id limit 1) is null
   and (i.other_id is null
        or (select true from audit_trail a where a.tenant_id = %(tenant_id)s and a.record_id = i.other_id limit 1) is null);

-- name: make_partitions
select app.make_event_partitions(m.month, m.month) from unnest(%(months)s::date[]) as m (month);

-- name: stage_bulk_vehicles
create temp table incoming_vehicles (id uuid, fleet_group_id uuid, label text, make text, model text, vin text,
                                     baseline_fuel_mpg numeric, baseline_service_interval_miles integer, notes text,
                                     extended_attributes jsonb) on commit drop;

-- name: copy_bulk_vehicles
copy incoming_vehicles (id, fleet_group_id, label, make, model, vin, baseline_fuel_mpg, baseline_service_interval_miles,
                        notes, extended_attributes) from stdin;

-- name: add_bulk_vehicles
-- A vehicle that was deleted since the last import comes back under its old id: its stream goes on where it ended.
insert into vehicles (tenant_id, id, fleet_group_id, label, make, model, vin, baseline_fuel_mpg,
                      baseline_service_interval_miles, notes, extended_attributes, version)
select %(tenant_id)s, i.id, i.fleet_group_id, i.label, i.make, i.model, i.vin, i.baseline_fuel_mpg,
       coalesce(i.baseline_service_interval_miles, 5000), i.notes, i.extended_attributes,
       coalesce((select max(s.version)
                   from event_stream s
                  where s.tenant_id = %(tenant_id)s and s.aggregate_type = 'vehicle' and s.aggregate_id = i.id), 0) + 1
  from incoming_vehicles i
    on conflict (tenant_id, id) do nothing;

-- name: count_bulk_vehicles
select count(*)
  from incoming_vehicles i
 where not exists (select from vehicles v where v.tenant_id = %(tenant_id)s and v.id = i.id);

-- Vehicles and events of a fuel log.

-- name: stage_vehicles
create temp table incoming_vehicles (id uuid, label text, make text, model text) on commit drop;

-- name: copy_vehicles
copy incoming_vehicles (id, label, make, model) from stdin;

-- name: add_vehicles
-- A vehicle that was deleted since the last import comes back under its old id: its stream goes on where it ended.
insert into vehicles (tenant_id, id, label, make, model, version)
select %(tenant_id)s, i.id, i.label, i.make, i.model,
       coalesce((select max(s.version)
                   from event_stream s
                  where s.tenant_id = %(tenant_id)s and s.aggregate_type = 'vehicle' and s.aggregate_id = i.id), 0) + 1
  from incoming_vehicles i
    on conflict (tenant_id, id) do nothing;

-- name: stage_events
create temp table incoming_events (id uuid, vehicle_id uuid, event_type text, payload jsonb, occurred_at timestamptz)
  on commit drop;

-- name: copy_events
copy incoming_events (id, vehicle_id, event_type, payload, occurred_at) from stdin;

-- name: add_events
-- An event is known by its id alone: it may have been archived, or dated anew, since the last import.
with added as (
  insert into manual_events (tenant_id, id, vehicle_id, event_type, payload, confidence, verified_by_user, created_by,
                             occurred_at)
  select %(tenant_id)s, i.id, i.vehicle_id, i.event_type, i.payload, 100, true, %(owner_id)s, i.occurred_at
    from incoming_events i
   where not exists (select from manual_events e where e.tenant_id = %(tenant_id)s and e.id = i.id)
     and not exists (select from manual_events_archive a where a.tenant_id = %(tenant_id)s and a.id = i.id)
  returning event_type
)
select count(*) filter (where event_type = 'fuel_purchase') as fuel_purchases,
       count(*) filter (where event_type = 'odometer_reading') as odometer_readings
  from added;

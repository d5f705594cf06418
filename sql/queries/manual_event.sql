-- fragment: manual_event_columns
--{ !without_details
       e.vehicle_id, e.source_upload_id, e.confidence, e.verified_by_user, e.created_by as created_by_id, e.updated_at,
       e.odometer_miles, e.gallons, e.cost, e.is_full_tank, e.missed_previous,
--}
       e.payload,                                    --? !without_payload
       app.payload_number(e.payload, 'price_per_gallon') as price_per_gallon,  --? !without_price_per_gallon
       e.created_at,                                 --? !without_created_at
       e.id, e.event_type, e.occurred_at

-- fragment: manual_event_filter
   and e.event_type = :event_type                    --? event_type
   and e.occurred_at >= :occurred_from::timestamptz  --? occurred_from
   and e.occurred_at < :occurred_before::timestamptz --? occurred_before
   and e.vehicle_id = :vehicle_id::uuid              --? vehicle_id
   and e.payload @> :payload_contains::jsonb         --? payload_contains
   and e.vehicle_id = any (array(select v.id from vehicles v where v.tenant_id = :tenant_id  --? narrow
                                    and v.fleet_group_id = any ((select app.readable_groups())::uuid[])))  --? narrow

-- name: manual_events_by_id
-- row: ManualEvent
select
--> manual_event_columns
  from manual_events e
 where e.tenant_id = :tenant_id
   and e.id = any (:ids::uuid[])

-- name: manual_events_page
-- row: ManualEvent
-- order: occurred_at e.occurred_at timestamptz, created_at e.created_at timestamptz, id e.id uuid
select
--> manual_event_columns
  from manual_events e
 where e.tenant_id = :tenant_id
--> manual_event_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: manual_events_count
select count(*)::integer as total_count
  from manual_events e
 where e.tenant_id = :tenant_id
--> manual_event_filter

-- name: manual_events_page_by_vehicle
-- row: ManualEvent
-- order: occurred_at e.occurred_at timestamptz, created_at e.created_at timestamptz, id e.id uuid
select k.key_id, page.*
  from unnest(:ids::uuid[]) k (key_id)
 cross join lateral (
   select
--> manual_event_columns
     from manual_events e
    where e.tenant_id = :tenant_id
      and e.vehicle_id = k.key_id
--> manual_event_filter
      and :keyset                                    --? keyset
    order by :order
    limit :limit
 ) page

-- name: manual_events_count_by_vehicle
select k.key_id, counted.total_count
  from unnest(:ids::uuid[]) k (key_id)
 cross join lateral (
   select count(*)::integer as total_count
     from manual_events e
    where e.tenant_id = :tenant_id
      and e.vehicle_id = k.key_id
--> manual_event_filter
 ) counted

-- name: archived_events_by_id
-- row: ManualEvent
select
--> manual_event_columns
  from manual_events_archive e
 where e.tenant_id = :tenant_id
   and e.id = any (:ids::uuid[])

-- name: archived_events_page
-- row: ManualEvent
-- order: occurred_at e.occurred_at timestamptz, created_at e.created_at timestamptz, id e.id uuid
select
--> manual_event_columns
  from manual_events_archive e
 where e.tenant_id = :tenant_id
--> manual_event_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: archived_events_count
select count(*)::integer as total_count
  from manual_events_archive e
 where e.tenant_id = :tenant_id
--> manual_event_filter

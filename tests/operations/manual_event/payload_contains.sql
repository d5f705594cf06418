-- manual_events_page
select
       e.id, e.vehicle_id, e.source_upload_id, e.event_type, e.confidence, e.verified_by_user,
       e.payload,
       e.created_by as created_by_id, e.occurred_at, e.created_at, e.updated_at, e.odometer_miles, e.gallons, e.cost,
       e.is_full_tank, e.missed_previous
  from manual_events e
 where e.tenant_id = $1
   and e.event_type = $2
   and e.payload @> $3::jsonb
 order by e.occurred_at desc, e.id desc
 limit $4;

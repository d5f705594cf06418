-- caller_is_narrow
select count(*) < 2000 as narrow
  from (select from vehicles v
         where v.tenant_id = $1
           and v.fleet_group_id = any ((select app.readable_groups())::uuid[])
         limit 2000) seen;

-- manual_events_page
select
       e.vehicle_id, e.source_upload_id, e.confidence, e.verified_by_user, e.created_by as created_by_id, e.updated_at,
       e.odometer_miles, e.gallons, e.cost, e.is_full_tank, e.missed_previous,
       e.version, e.voided_at, e.void_reason,
       e.payload,
       app.payload_number(e.payload, 'price_per_gallon') as price_per_gallon,
       e.id, e.event_type, e.occurred_at
  from manual_events e
 where e.tenant_id = $1
   and e.event_type = $2
   and e.occurred_at >= $3::timestamptz
   and e.occurred_at < $4::timestamptz
   and e.vehicle_id = any (array(select v.id from vehicles v where v.tenant_id = $1
                                    and v.fleet_group_id = any ((select app.readable_groups())::uuid[])))
 order by e.occurred_at desc, e.id desc
 limit $5;

-- manual_events_count
select count(*)::integer as total_count
  from manual_events e
 where e.tenant_id = $1
   and e.event_type = $2
   and e.occurred_at >= $3::timestamptz
   and e.occurred_at < $4::timestamptz
   and e.vehicle_id = any (array(select v.id from vehicles v where v.tenant_id = $1
                                    and v.fleet_group_id = any ((select app.readable_groups())::uuid[])));

-- vehicles_by_id
select
       v.fleet_group_id, v.baseline_fuel_mpg, v.baseline_service_interval_miles, v.version, v.updated_at,
       v.notes,
       v.extended_attributes,
       v.vin,
       v.created_at,
       v.id, v.label, v.make, v.model
  from vehicles v
 where v.tenant_id = $1
   and v.id = any ($2::uuid[]);

-- users_by_id
select u.id, u.email, u.name
  from users u
 where u.id = any ($1::uuid[]);

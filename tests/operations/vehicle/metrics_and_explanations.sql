-- vehicles_page
select
       v.fleet_group_id, v.baseline_fuel_mpg, v.baseline_service_interval_miles, v.version, v.updated_at,
       v.id, v.label, v.make, v.model
  from vehicles v
 where v.tenant_id = $1
 order by v.label asc, v.id asc
 limit $2;

-- vehicle_metrics_by_vehicle
select m.vehicle_id, m.metric_date, m.period_type, m.brake_wear_pct, m.fuel_efficiency_mpg, m.harsh_events, m.idle_minutes,
       m.miles_driven, m.last_service_date, m.data_completeness_pct, m.source_latency_sec, m.sensor_presence,
       m.advanced_metrics
  from vehicle_metrics m
 where m.tenant_id = $1
   and m.vehicle_id = any ($2::uuid[])
   and m.period_type = $3
   and m.metric_date >= $4::date
   and m.metric_date < $5::date
 order by m.vehicle_id, m.metric_date;

-- explanations_by_vehicle
select
       x.id, x.vehicle_id, x.fleet_group_id, x.period_start, x.period_end, x.text, x.figures, x.model_version,
       x.kind, x.created_at, x.updated_at, x.closed_at
  from explanations x
 where x.tenant_id = $1
   and x.vehicle_id = any ($2::uuid[])
   and x.closed_at is null
 order by x.created_at desc, x.id;

-- uploads_by_vehicle
select
       u.id, u.vehicle_id, u.uploaded_by as uploaded_by_id, u.file_name, u.content_type, u.size, u.sha256,
       u.status, u.created_at, u.updated_at
  from uploads u
 where u.tenant_id = $1
   and u.vehicle_id = any ($2::uuid[])
 order by u.created_at desc, u.id;

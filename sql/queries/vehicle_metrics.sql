-- name: vehicle_metrics_by_vehicle
-- row: VehicleMetrics
select m.vehicle_id, m.metric_date, m.period_type, m.brake_wear_pct, m.fuel_efficiency_mpg, m.harsh_events, m.idle_minutes,
       m.miles_driven, m.last_service_date, m.data_completeness_pct, m.source_latency_sec, m.sensor_presence,
       m.advanced_metrics
  from vehicle_metrics m
 where m.tenant_id = :tenant_id
   and m.vehicle_id = any (:ids::uuid[])
   and m.period_type = :period_type
   and m.metric_date >= :period_start::date          --? period_start
   and m.metric_date < :period_end::date             --? period_end
 order by m.vehicle_id, m.metric_date

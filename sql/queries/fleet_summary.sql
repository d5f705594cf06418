-- fragment: fleet_summary_columns
       s.id, s.fleet_group_id, s.metric_date, s.total_vehicles, s.active_vehicles, s.total_miles_driven,
       s.avg_fuel_efficiency, s.total_fuel_cost, s.on_time_pct, s.utilization_pct, s.maintenance_compliance_pct,
       s.predicted_maintenance_cost, s.risk_score, s.computed_at

-- name: fleet_summaries_by_group
-- row: FleetSummary
select
--> fleet_summary_columns
  from fleet_summary_metrics s
 where s.tenant_id = :tenant_id
   and s.fleet_group_id = any (:ids::uuid[])
   and s.metric_date >= :period_start::date          --? period_start
   and s.metric_date < :period_end::date             --? period_end
 order by s.fleet_group_id, s.metric_date

-- name: fleet_summaries_of_tenant
-- row: FleetSummary
select
--> fleet_summary_columns
  from fleet_summary_metrics s
 where s.tenant_id = :tenant_id
   and s.fleet_group_id is null
   and s.metric_date >= :period_start::date          --? period_start
   and s.metric_date < :period_end::date             --? period_end
 order by s.metric_date

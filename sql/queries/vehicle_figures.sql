-- What a vehicle's events say of it: true at once, as what is not stored yet is worked out.

-- The days of a period are those of each vehicle's time zone, as in rollups_by_group and costs_and_series.sql; of its
-- tenant's, where its calendar is not stored yet. Vehicles of one time zone are taken together: so an index knows where
-- their period begins.

-- fragment: zones
  select coalesce(c.time_zone, t.time_zone) as time_zone, array_agg(given.id) as ids
    from unnest(:ids::uuid[]) given (id)
    join tenants t on t.id = :tenant_id
    left join vehicle_calendars c on c.tenant_id = :tenant_id and c.vehicle_id = given.id
   group by 1

-- name: odometers_by_vehicle
-- row: Odometer
select r.vehicle_id as key_id,
       (array_agg(r.miles order by r.occurred_at desc, r.driven desc) filter (where r.rejected_reason is null))[1] as miles,
       max(r.occurred_at) filter (where r.rejected_reason is null) as read_at,
       (count(*) filter (where r.rejected_reason is not null))::integer as rejected_readings
  from app.current_readings(:tenant_id, :ids::uuid[]) r
 group by r.vehicle_id
having count(*) filter (where r.rejected_reason is null) > 0

-- name: odometer_readings_by_vehicle
-- row: JudgedReading
with zone as materialized (
--> zones
)
select r.vehicle_id as key_id, r.event_id, r.occurred_at, r.miles, r.driven, r.rejected_reason
  from zone z
 cross join lateral app.current_readings(:tenant_id, z.ids) r
 where true
   and r.rejected_reason is not null                                             --? rejected
   and r.rejected_reason is null                                                 --? accepted
   and r.occurred_at >= :period_start::date::timestamp at time zone z.time_zone  --? period_start
   and r.occurred_at < :period_end::date::timestamp at time zone z.time_zone     --? period_end
 order by r.vehicle_id, r.occurred_at, r.miles, r.event_id

-- name: fuel_spans_by_vehicle
-- row: FuelSpan
with zone as materialized (
--> zones
)
select s.vehicle_id as key_id, s.started_at, s.ended_at, s.miles, s.gallons, s.cost, s.rejected_reason
  from zone z
 cross join lateral app.current_spans(:tenant_id, z.ids) s
 where true
   and s.ended_at >= :period_start::date::timestamp at time zone z.time_zone  --? period_start
   and s.ended_at < :period_end::date::timestamp at time zone z.time_zone     --? period_end
 order by s.vehicle_id, s.ended_at, s.started_at

-- name: filled_vehicles
with zone as materialized (
--> zones
)
select distinct e.vehicle_id as key_id
  from zone z
 cross join lateral (
   select e.vehicle_id, e.occurred_at
     from manual_events e
    where e.tenant_id = :tenant_id and e.vehicle_id = any (z.ids)
      and e.event_type = 'fuel_purchase' and e.voided_at is null
   union all
   select e.vehicle_id, e.occurred_at
     from manual_events_archive e
    where e.tenant_id = :tenant_id and e.vehicle_id = any (z.ids)
      and e.event_type = 'fuel_purchase' and e.voided_at is null
 ) e
 where true
   and e.occurred_at >= :period_start::date::timestamp at time zone z.time_zone  --? period_start
   and e.occurred_at < :period_end::date::timestamp at time zone z.time_zone     --? period_end

-- name: service_by_vehicle
-- row: ServiceStatus
select s.vehicle_id as key_id, s.state, s.miles_since_service, s.miles_remaining, s.last_service_at, s.due_on
  from app.service_status(:tenant_id, :ids::uuid[], current_date) s

-- name: predictions_by_vehicle
-- row: MaintenancePrediction
select p.vehicle_id as key_id, p.next_service_date, p.earliest, p.latest, p.risk_score, p.factors, p.as_of_day as as_of,
       p.method_version
  from app.maintenance_predictions(:tenant_id, :ids::uuid[], now()) p

-- Vehicles in these states, the most worn first.

-- name: vehicles_due
-- row: Vehicle
-- plan: force_custom_plan
select
--> vehicle_columns
  from vehicles v
  join app.service_status(:tenant_id, array(
         select v.id from vehicles v
          where v.tenant_id = :tenant_id
            and v.fleet_group_id = :group_id::uuid                                                          --? group_id !subtree
            and v.fleet_group_id = any ((select app.subtree_ids(:tenant_id, :group_id::uuid))::uuid[])      --? group_id subtree
       ), current_date) s on s.vehicle_id = v.id
 where v.tenant_id = :tenant_id
   and s.state = any (:states::text[])
 order by s.worn desc nulls last, v.id
 limit :limit

-- Vehicles whose economy declines, the most first; without a period in the calendar quarter of today, UTC.

-- name: economy_declines
-- row: EconomyDecline
-- plan: force_custom_plan
select d.vehicle_id, p.starts_on as period_start, p.ends_on as period_end, d.miles, d.gallons,
       d.miles / d.gallons::float8 as mpg, d.baseline_mpg::float8 as baseline_mpg, d.baseline_source,
       d.last_year_mpg::float8 as last_year_mpg, d.change_pct::float8 as change_pct,
       d.last_year_change_pct::float8 as last_year_change_pct
  from (select (now() at time zone 'UTC')::date as today) t
 cross join lateral (
   select coalesce(:period_start::date, date_trunc('quarter', t.today::timestamp)::date),
          coalesce(:period_end::date, (date_trunc('quarter', t.today::timestamp) + interval '3 months')::date)
 ) p (starts_on, ends_on)
 cross join lateral app.economy_changes(:tenant_id, array(
         select v.id from vehicles v
          where v.tenant_id = :tenant_id
            and v.fleet_group_id = :group_id::uuid                                                          --? group_id !subtree
            and v.fleet_group_id = any ((select app.subtree_ids(:tenant_id, :group_id::uuid))::uuid[])      --? group_id subtree
       ), p.starts_on, p.ends_on, t.today, :threshold_pct::numeric) d
 where d.is_decline
 order by d.change_pct, d.vehicle_id
 limit :limit

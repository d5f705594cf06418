-- Costs and series for BI: flat rows, each vehicle summed up for itself before anything is joined, one statement each.
--
-- A vehicle belongs to a row by what it is today: its group, make, model, cost centre. Without :interval there is one
-- row for each combination of the dimensions asked for that a vehicle has; with it, one for each interval as well in
-- which anything was captured.
--
-- With :stored, which is for questions that tell no vehicle of a group from another, a group whose stored totals hold is
-- one member for all of its vehicles, and only the vehicles of the others are looked at.

-- fragment: wanted_groups
wanted as materialized (
  select g.id as group_id
    from fleet_groups g
   where g.tenant_id = :tenant_id
     and g.id = :root_id::uuid                                                                   --? root_id !descendants
     and g.id = any ((select app.subtree_ids(:tenant_id, :root_id::uuid))::uuid[])               --? root_id descendants
  union all                                                                                      --? !root_id
  select :tenant_id::uuid                                                                        --? !root_id
),

-- Which vehicles, and what they are grouped by; a dimension that is not asked for is null for all.
-- A cost centre is a text, number or boolean. What is encrypted is an object, and what is in it is not looked at.

-- fragment: members
  select v.id, 1::bigint as vehicles,
         v.fleet_group_id,                    --? by_group
         null::uuid as fleet_group_id,        --? !by_group
         v.id as vehicle_id, v.label,                          --? by_vehicle
         null::uuid as vehicle_id, null::text as label,        --? !by_vehicle
         v.make,                              --? by_make
         null::text as make,                  --? !by_make
         v.model,                             --? by_model
         null::text as model,                 --? !by_model
--{ cost_centre_path
         case when jsonb_typeof(v.extended_attributes #> :cost_centre_path::text[]) in ('string', 'number', 'boolean')
               and not (v.extended_attributes #> trim_array(:cost_centre_path::text[], 1)) ? '$enc'
              then v.extended_attributes #>> :cost_centre_path::text[]
         end as cost_centre,
--}
         null::text as cost_centre,           --? !cost_centre_path
         coalesce(c.time_zone, (select t.time_zone from tenants t where t.id = :tenant_id)) as time_zone
    from vehicles v
    left join vehicle_calendars c
      on c.tenant_id = :tenant_id and c.vehicle_id = v.id
     and c.fleet_group_id = any ((select app.readable_groups())::uuid[])                         --? granted
   where v.tenant_id = :tenant_id
     and v.fleet_group_id = :root_id::uuid                                                       --? root_id !descendants
     and v.fleet_group_id = any ((select app.subtree_ids(:tenant_id, :root_id::uuid))::uuid[])   --? root_id descendants
     and v.fleet_group_id = any ((select app.readable_groups())::uuid[])                         --? granted
     and (v.fleet_group_id = any ((select ids from changed)::uuid[])                             --? stored
          or v.fleet_group_id is null and :tenant_id = any ((select ids from changed)::uuid[]))  --? stored

-- fragment: whole_groups
  union all
  select c.fleet_group_id, count(*),
         nullif(c.fleet_group_id, :tenant_id),  --? by_group
         null,                                  --? !by_group
         null, null, null, null, null, null
    from vehicle_calendars c
   where c.tenant_id = :tenant_id and c.fleet_group_id = any ((select ids from clean)::uuid[])
   group by c.fleet_group_id

-- What was captured, a row for each vehicle and interval, and what that sums up to for each row of the answer. The day
-- of an event is that of its vehicle's time zone, as in rollups_by_group. A span of fuel economy belongs to the day on
-- which it ends. Vehicles of one time zone are summed up together: so an index knows where their period begins.
--
-- A row of a group's stored totals is there for metrics or for purchases, and a span ends with a purchase: so where both
-- are asked for, whatever is stored was captured. :daily is for intervals that are no whole months.
--
-- Members are joined by a full join, though every figure has its member: that is never done by nested loops. The planner
-- cannot know how many vehicles a filter or a subtree leaves, and takes them for a few.

-- fragment: totals
zone as materialized (
  select time_zone, array_agg(id) as ids from member where time_zone is not null group by time_zone
),
--{ driven
driven as (
  select m.vehicle_id,
         date_trunc(:interval, m.metric_date::timestamp)::date as start,  --? interval
         null::date as start,                                             --? !interval
         sum(m.miles_driven) as miles, sum(m.idle_minutes) as idle, sum(m.harsh_events) as harsh
    from vehicle_metrics m
   where m.tenant_id = :tenant_id
     and m.vehicle_id = any (array(select id from member))
     and m.period_type = 'daily'
     and m.metric_date >= :period_start::date                             --? period_start
     and m.metric_date < :period_end::date                                --? period_end
   group by 1, 2
),
--}
--{ spent
spent as (
  select e.vehicle_id,
         date_trunc(:interval, e.occurred_at at time zone z.time_zone)::date as start,  --? interval
         null::date as start,                                                           --? !interval
         count(*) as purchases, sum(e.gallons) as gallons, sum(e.cost) as cost,
         sum(e.cost) filter (where e.event_type = 'fuel_purchase') as fuel_cost,
         sum(e.cost) filter (where e.event_type = 'maintenance') as maintenance_cost
    from zone z
   cross join lateral (
     select e.vehicle_id, e.event_type, e.occurred_at, e.gallons, e.cost
       from manual_events e
      where e.tenant_id = :tenant_id and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= :period_start::date::timestamp at time zone z.time_zone     --? period_start
        and e.occurred_at < :period_end::date::timestamp at time zone z.time_zone        --? period_end
     union all
     select e.vehicle_id, e.event_type, e.occurred_at, e.gallons, e.cost
       from manual_events_archive e
      where e.tenant_id = :tenant_id and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= :period_start::date::timestamp at time zone z.time_zone     --? period_start
        and e.occurred_at < :period_end::date::timestamp at time zone z.time_zone        --? period_end
   ) e
   group by 1, 2
),
--}
--{ spans
economy as (
  select s.vehicle_id,
         date_trunc(:interval, s.ended_at at time zone z.time_zone)::date as start,  --? interval
         null::date as start,                                                        --? !interval
         sum(s.miles) as miles, sum(s.gallons) as gallons
    from zone z
   cross join lateral app.current_spans(:tenant_id, z.ids) s
   where s.rejected_reason is null
     and s.ended_at >= :period_start::date::timestamp at time zone z.time_zone       --? period_start
     and s.ended_at < :period_end::date::timestamp at time zone z.time_zone          --? period_end
   group by 1, 2
),
--}
--{ stored
stored as (
  select m.fleet_group_id as vehicle_id,
         date_trunc(:interval, m.metric_date::timestamp)::date as start,  --? interval
         null::date as start,                                             --? !interval
         true as captured,                                                --? spent
         (false                                                           --? !spent
          or m.idle_minutes is not null                                   --? !spent driven
          or m.span_miles is not null                                     --? !spent fuel_efficiency_mpg
         ) as captured,                                                   --? !spent
         m.miles_driven as miles, m.idle_minutes as idle, m.harsh_events as harsh, m.fuel_gallons as gallons,
         coalesce(m.fuel_cost + m.maintenance_cost, m.fuel_cost, m.maintenance_cost) as cost, m.fuel_cost, m.maintenance_cost,
         m.span_miles, m.span_gallons
    from app.stored_periods(                                              --? !daily
    from (values ('daily',                                                --? daily
           :period_start::date,                                           --? period_start
           date '-infinity',                                              --? !period_start
           :period_end::date                                              --? period_end
           date 'infinity'                                                --? !period_end
         ) p                                                              --? !daily
         )) p (period_type, first_date, end_date)                         --? daily
    join group_metrics m
      on m.tenant_id = :tenant_id and m.fleet_group_id = any ((select ids from clean)::uuid[])
     and m.period_type = p.period_type and m.metric_date >= p.first_date and m.metric_date < p.end_date
),
--}
figure as (
  select figure.vehicle_id, figure.start, sum(figure.vehicles) as vehicles, bool_or(figure.captured) as captured,
         sum(figure.miles) as miles, sum(figure.idle) as idle, sum(figure.harsh) as harsh,
         sum(figure.purchases) as purchases, sum(figure.gallons) as gallons, sum(figure.cost) as cost,
         sum(figure.fuel_cost) as fuel_cost, sum(figure.maintenance_cost) as maintenance_cost,
         sum(figure.span_miles) as span_miles, sum(figure.span_gallons) as span_gallons
    from (
      select id as vehicle_id, null::date as start, vehicles, false as captured,
             null::bigint as miles, null::bigint as idle, null::bigint as harsh, null::bigint as purchases,
             null::numeric as gallons, null::numeric as cost, null::numeric as fuel_cost, null::numeric as maintenance_cost,
             null::bigint as span_miles, null::numeric as span_gallons
        from member
--{ driven
      union all
      select vehicle_id, start, null, true, miles, idle, harsh, null, null, null, null, null, null, null from driven
--}
--{ spent
      union all
      select vehicle_id, start, null, true, null, null, null, purchases, gallons, cost, fuel_cost, maintenance_cost, null, null
        from spent
--}
--{ spans
      union all
      select vehicle_id, start, null,
             true,                                                            --? fuel_efficiency_mpg
             false,                                                           --? !fuel_efficiency_mpg
             null, null, null, null, null, null, null, null, miles, gallons
        from economy
--}
--{ stored
      union all
      select vehicle_id, start, null, captured, miles, idle, harsh, null, gallons, cost, fuel_cost, maintenance_cost,
             span_miles, span_gallons
        from stored
--}
    ) figure
   group by figure.vehicle_id, figure.start
),
grouped as (
  select m.fleet_group_id, m.vehicle_id, m.label, m.make, m.model, m.cost_centre, f.start,
         sum(f.vehicles) as vehicles, bool_or(f.captured) as captured,
         count(*) filter (where f.miles > 0 or f.purchases > 0) as active,
         sum(f.miles) as miles, sum(f.idle) as idle, sum(f.harsh) as harsh,
         sum(f.gallons) as gallons, sum(f.cost) as cost,
         sum(f.fuel_cost) as fuel_cost, sum(f.maintenance_cost) as maintenance_cost,
         sum(f.span_miles) as span_miles, sum(f.span_gallons) as span_gallons
    from member m
    full join figure f on f.vehicle_id = m.id
   group by m.fleet_group_id, m.vehicle_id, m.label, m.make, m.model, m.cost_centre, f.start
),
-- The vehicles of a combination are counted once, on its row without an interval, and are the same in each interval.
total as (
  select grouped.*,
         sum(vehicles) over (partition by fleet_group_id, vehicle_id, make, model, cost_centre) as vehicle_count
    from grouped
)

-- fragment: ordered
  from total t
  left join fleet_groups g on g.tenant_id = :tenant_id and g.id = t.fleet_group_id  --? by_group
 where t.captured                                                                   --? interval
 order by
       g.name, t.fleet_group_id,                                                    --? by_group
       t.label, t.vehicle_id, t.make, t.model, t.cost_centre, t.start
 limit :limit

-- name: cost_breakdown
-- row: CostBreakdownRow
-- plan: force_custom_plan
with
--{ stored
--> wanted_groups
--> clean_and_changed
--}
member as materialized (
--> members
--> vehicle_filter
--{ stored
--> whole_groups
--}
),
--> totals
select t.fleet_group_id, t.vehicle_id, t.start as month, t.make, t.model, t.cost_centre,
       t.vehicle_count::integer as vehicle_count,
       t.miles::bigint as miles_driven,
       t.gallons as fuel_gallons, t.fuel_cost, t.maintenance_cost, t.cost as total_cost,
       round(t.fuel_cost / nullif(t.miles, 0), 4) as fuel_cost_per_mile,
       round(t.maintenance_cost / nullif(t.miles, 0), 4) as maintenance_cost_per_mile,
       round(t.cost / nullif(t.miles, 0), 4) as total_cost_per_mile,
       (t.span_miles / nullif(t.span_gallons, 0))::float8 as fuel_efficiency_mpg
--> ordered

-- name: metrics_series
-- row: MetricsSeriesRow
-- plan: force_custom_plan
with
--{ stored
--> wanted_groups
--> clean_and_changed
--}
member as materialized (
--> members
--> vehicle_filter
--{ stored
--> whole_groups
--}
),
--> totals
select t.start, t.fleet_group_id, t.vehicle_id, t.make, t.model, t.cost_centre,
       t.miles::bigint as miles_driven,              --? miles_driven
       null::bigint as miles_driven,                 --? !miles_driven
       t.idle::bigint as idle_minutes,               --? idle_minutes
       null::bigint as idle_minutes,                 --? !idle_minutes
       t.harsh::bigint as harsh_events,              --? harsh_events
       null::bigint as harsh_events,                 --? !harsh_events
       t.gallons as fuel_gallons,                    --? fuel_gallons
       null::numeric as fuel_gallons,                --? !fuel_gallons
       t.fuel_cost,                                  --? fuel_cost
       null::numeric as fuel_cost,                   --? !fuel_cost
       t.maintenance_cost,                           --? maintenance_cost
       null::numeric as maintenance_cost,            --? !maintenance_cost
       t.cost as total_cost,                         --? total_cost
       null::numeric as total_cost,                  --? !total_cost
       round(t.cost / nullif(t.miles, 0), 4) as cost_per_mile,  --? cost_per_mile
       null::numeric as cost_per_mile,               --? !cost_per_mile
       (t.span_miles / nullif(t.span_gallons, 0))::float8 as fuel_efficiency_mpg,  --? fuel_efficiency_mpg
       null::float8 as fuel_efficiency_mpg,          --? !fuel_efficiency_mpg
       t.active::integer as active_vehicles,         --? active_vehicles
       null::integer as active_vehicles,             --? !active_vehicles
       t.vehicle_count::integer as vehicle_count     --? vehicle_count
       null::integer as vehicle_count                --? !vehicle_count
--> ordered

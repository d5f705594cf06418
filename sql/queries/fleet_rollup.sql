-- Totals of many subtrees in one statement. Every group is summed up once, of what is stored of it or else of each of its
-- vehicles once, and its sums are added to its ancestors: nothing is multiplied by a join, nothing is counted twice.
--
-- With :whole_tenant the tenant itself is the root of one more tree: every visible group, and the vehicles without one.
-- A span of fuel economy belongs to the period in which it ends.

-- The groups wanted in two: those whose stored totals hold, and those that are summed up from their vehicles.

-- fragment: clean_and_changed
-- Groups of which something was written since their totals were stored, by whoever, in this transaction too.
dirty as materialized (
  select c.fleet_group_id as group_id from group_changes c where c.tenant_id = :tenant_id
  union
  select coalesce(v.fleet_group_id, :tenant_id::uuid)
    from vehicle_changes c
    join vehicles v on v.tenant_id = :tenant_id and v.id = c.vehicle_id
   where c.tenant_id = :tenant_id
),
clean as materialized (
  select array(select group_id from wanted except all select group_id from dirty) as ids
),
changed as materialized (
  select array(select group_id from wanted intersect select group_id from dirty) as ids
),

-- name: rollups_by_group
-- row: FleetRollup
with recursive subtree as (
  select g.id as root_id, g.id
    from fleet_groups g
   where g.tenant_id = :tenant_id
     and g.id = any (:ids::uuid[])
  union  -- not all: so it ends, whatever the tree is
  select s.root_id, g.id
    from subtree s
    join fleet_groups g on g.tenant_id = :tenant_id and g.parent_group_id = s.id
),
reached as (
  select root_id, id, true as is_group from subtree
  union all                                                                             --? whole_tenant
  select :tenant_id::uuid, g.id, true from fleet_groups g where g.tenant_id = :tenant_id --? whole_tenant
  union all                                                                             --? whole_tenant
  select :tenant_id::uuid, :tenant_id::uuid, false                                      --? whole_tenant
),
wanted as materialized (select distinct id as group_id from reached),
--> clean_and_changed
stored as (
  select m.fleet_group_id as group_id, sum(m.miles_driven) as miles, sum(m.idle_minutes) as idle, sum(m.harsh_events) as harsh,
         sum(m.fuel_gallons) as gallons, sum(m.fuel_cost) as fuel_cost, sum(m.maintenance_cost) as maintenance_cost,
         sum(m.span_miles) as span_miles, sum(m.span_gallons) as span_gallons
    from app.stored_periods(
           :period_start::date,                                                         --? period_start
           date '-infinity',                                                            --? !period_start
           :period_end::date                                                            --? period_end
           date 'infinity'                                                              --? !period_end
         ) p
    join group_metrics m
      on m.tenant_id = :tenant_id and m.fleet_group_id = any ((select ids from clean)::uuid[])
     and m.period_type = p.period_type and m.metric_date >= p.first_date and m.metric_date < p.end_date
   group by m.fleet_group_id
),
counted as (
  select c.fleet_group_id as group_id, count(*) as vehicles,
         0 as active                                                                    --? !active
--{ active
         count(*) filter (where c.active_days && daterange(
           :period_start::date,                                                         --? period_start
           null,                                                                        --? !period_start
           :period_end::date                                                            --? period_end
           null                                                                         --? !period_end
         )) as active
--}
    from vehicle_calendars c
   where c.tenant_id = :tenant_id and c.fleet_group_id = any ((select ids from clean)::uuid[])
   group by c.fleet_group_id
),
group_total as (
  select group_id, sum(vehicles) as vehicles, sum(active) as active, sum(miles) as miles, sum(idle) as idle, sum(harsh) as harsh,
         sum(gallons) as gallons, sum(fuel_cost) as fuel_cost, sum(maintenance_cost) as maintenance_cost,
         sum(span_miles) as span_miles, sum(span_gallons) as span_gallons
    from (
      select group_id, null::bigint as vehicles, null::bigint as active, miles, idle, harsh, gallons, fuel_cost,
             maintenance_cost, span_miles, span_gallons
        from stored
      union all
      select group_id, vehicles, active, null, null, null, null, null, null, null, null from counted
      union all
      select g.*
        from changed c
       cross join lateral app.changed_group_totals(
               :tenant_id, c.ids,
               :period_start::date,                                                     --? period_start
               date '-infinity',                                                        --? !period_start
               :period_end::date,                                                       --? period_end
               date 'infinity',                                                         --? !period_end
               true                                                                     --? spans
               false                                                                    --? !spans
             ) g
       where cardinality(c.ids) > 0
    ) part
   group by group_id
)
select r.root_id as key_id,
       (count(*) filter (where r.is_group))::integer as group_count,
       coalesce(sum(t.vehicles), 0)::integer as vehicle_count,
       coalesce(sum(t.active), 0)::integer as active_vehicle_count,
       coalesce(sum(t.miles), 0)::integer as miles_driven,
       coalesce(sum(t.idle), 0)::integer as idle_minutes,
       coalesce(sum(t.harsh), 0)::integer as harsh_events,
       coalesce(sum(t.gallons), 0) as fuel_gallons,
       coalesce(sum(t.fuel_cost), 0) as fuel_cost,
       coalesce(sum(t.maintenance_cost), 0) as maintenance_cost,
       (sum(t.span_miles) / nullif(sum(t.span_gallons), 0))::float8 as fuel_efficiency_mpg,
       round((coalesce(sum(t.fuel_cost), 0) + coalesce(sum(t.maintenance_cost), 0)) / nullif(sum(t.miles), 0), 4) as cost_per_mile
  from reached r
  left join group_total t on t.group_id = r.id
 group by r.root_id

-- Totals of many subtrees in one statement. Every vehicle is summed up once, every group once, and each group's sums
-- are added to its ancestors: nothing is multiplied by a join, nothing is counted twice.
--
-- With :whole_tenant the tenant itself is the root of one more tree: every visible group, and the vehicles without one.
-- A span of fuel economy belongs to the period in which it ends.

-- The planner cannot know how many vehicles a subtree holds; with the groups before it, it guesses half as wrong.

-- name: rollups_by_group
-- row: FleetRollup
-- plan: force_custom_plan
with recursive subtree as (
  select g.id as root_id, g.id
    from fleet_groups g
   where g.tenant_id = :tenant_id
     and g.id = any (:ids::uuid[])
  union all
  select s.root_id, g.id
    from subtree s
    join fleet_groups g on g.tenant_id = :tenant_id and g.parent_group_id = s.id
) cycle id set looped using path,
reached as (
  select root_id, id, true as is_group from subtree
  union all                                                                             --? whole_tenant
  select :tenant_id::uuid, g.id, true from fleet_groups g where g.tenant_id = :tenant_id --? whole_tenant
  union all                                                                             --? whole_tenant
  select :tenant_id::uuid, :tenant_id::uuid, false                                      --? whole_tenant
),
member as materialized (
  select v.id, coalesce(v.fleet_group_id, :tenant_id::uuid) as group_id
    from vehicles v
   where v.tenant_id = :tenant_id
     and v.fleet_group_id = any (array(select distinct id from subtree))                --? !whole_tenant
     and v.fleet_group_id = any ((select app.readable_groups())::uuid[])                --? whole_tenant granted
),
driven as (
  select m.vehicle_id, sum(m.miles_driven) as miles, sum(m.idle_minutes) as idle, sum(m.harsh_events) as harsh
    from vehicle_metrics m
   where m.tenant_id = :tenant_id
     and m.vehicle_id = any (array(select id from member))
     and m.period_type = 'daily'
     and m.metric_date >= :period_start::date                                           --? period_start
     and m.metric_date < :period_end::date                                              --? period_end
   group by m.vehicle_id
),
spent as (
  select e.vehicle_id,
         sum(e.gallons) as gallons,
         sum(e.cost) filter (where e.event_type = 'fuel_purchase') as fuel_cost,
         sum(e.cost) filter (where e.event_type = 'maintenance') as maintenance_cost
    from manual_events e
   where e.tenant_id = :tenant_id
     and e.vehicle_id = any (array(select id from member))
     and e.event_type in ('fuel_purchase', 'maintenance')
     and e.voided_at is null
     and e.occurred_at >= :period_start::date::timestamp at time zone 'UTC'             --? period_start
     and e.occurred_at < :period_end::date::timestamp at time zone 'UTC'                --? period_end
   group by e.vehicle_id
),
--{ spans
economy as (
  select vehicle_id, sum(miles) as miles, sum(gallons) as gallons
    from app.current_spans(:tenant_id, array(select id from member))
   where rejected_reason is null
     and ended_at >= :period_start::date::timestamp at time zone 'UTC'                  --? period_start
     and ended_at < :period_end::date::timestamp at time zone 'UTC'                     --? period_end
   group by vehicle_id
),
--}
-- One row a vehicle, by grouping rather than by joins: the planner cannot know how many vehicles an array holds, and
-- takes nested loops over all of them for a few.
vehicle_total as (
  select figure.vehicle_id,
         (array_agg(figure.group_id) filter (where figure.group_id is not null))[1] as group_id,
         sum(figure.miles) as miles, sum(figure.idle) as idle, sum(figure.harsh) as harsh,
         count(*) filter (where figure.has_spent) as purchases,
         sum(figure.gallons) as gallons, sum(figure.fuel_cost) as fuel_cost,
         sum(figure.maintenance_cost) as maintenance_cost,
         sum(figure.span_miles) as span_miles, sum(figure.span_gallons) as span_gallons
    from (
      select id as vehicle_id, group_id, null::bigint as miles, null::bigint as idle, null::bigint as harsh,
             false as has_spent, null::numeric as gallons, null::numeric as fuel_cost, null::numeric as maintenance_cost,
             null::bigint as span_miles, null::numeric as span_gallons
        from member
      union all
      select vehicle_id, null, miles, idle, harsh, false, null, null, null, null, null from driven
      union all
      select vehicle_id, null, null, null, null, true, gallons, fuel_cost, maintenance_cost, null, null from spent
--{ spans
      union all
      select vehicle_id, null, null, null, null, false, null, null, null, miles, gallons from economy
--}
    ) figure
   group by figure.vehicle_id
),
group_total as (
  select group_id,
         count(*) as vehicles, count(*) filter (where miles > 0 or purchases > 0) as active,
         sum(miles) as miles, sum(idle) as idle, sum(harsh) as harsh,
         sum(gallons) as gallons, sum(fuel_cost) as fuel_cost, sum(maintenance_cost) as maintenance_cost,
         sum(span_miles) as span_miles, sum(span_gallons) as span_gallons
    from vehicle_total
   where group_id is not null
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

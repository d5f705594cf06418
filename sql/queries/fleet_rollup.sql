-- Totals of many subtrees in one statement. Every group is summed up once, of what is stored of it or else of each of its
-- vehicles once, and its sums are added to its ancestors: nothing is multiplied by a join, nothing is counted twice.
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
wanted as materialized (select distinct id as group_id from reached),
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
-- The vehicles of the other groups are summed up as they are. A vehicle that is not known yet has its tenant's days.
member as materialized (
  select v.id, coalesce(v.fleet_group_id, :tenant_id::uuid) as group_id,
         coalesce(c.time_zone, (select t.time_zone from tenants t where t.id = :tenant_id)) as time_zone
    from vehicles v
    left join vehicle_calendars c on c.tenant_id = :tenant_id and c.vehicle_id = v.id
   where v.tenant_id = :tenant_id
     and (v.fleet_group_id = any (array(select group_id from wanted intersect select group_id from dirty))
          or v.fleet_group_id is null and :tenant_id::uuid in (select group_id from dirty)  --? whole_tenant
         )
),
-- The vehicles of one time zone together: so the period begins and ends at a moment, which an index knows.
zone as materialized (select time_zone, array_agg(id) as ids from member group by time_zone),
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
    from zone z
   cross join lateral (
     select e.vehicle_id, e.event_type, e.gallons, e.cost
       from manual_events e
      where e.tenant_id = :tenant_id and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= :period_start::date::timestamp at time zone z.time_zone    --? period_start
        and e.occurred_at < :period_end::date::timestamp at time zone z.time_zone       --? period_end
     union all
     select e.vehicle_id, e.event_type, e.gallons, e.cost
       from manual_events_archive e
      where e.tenant_id = :tenant_id and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= :period_start::date::timestamp at time zone z.time_zone    --? period_start
        and e.occurred_at < :period_end::date::timestamp at time zone z.time_zone       --? period_end
   ) e
   group by e.vehicle_id
),
--{ spans
economy as (
  select s.vehicle_id, sum(s.miles) as miles, sum(s.gallons) as gallons
    from zone z
   cross join lateral app.current_spans(:tenant_id, z.ids) s
   where s.rejected_reason is null
     and s.ended_at >= :period_start::date::timestamp at time zone z.time_zone          --? period_start
     and s.ended_at < :period_end::date::timestamp at time zone z.time_zone             --? period_end
   group by s.vehicle_id
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
  select group_id, sum(vehicles) as vehicles, sum(active) as active, sum(miles) as miles, sum(idle) as idle, sum(harsh) as harsh,
         sum(gallons) as gallons, sum(fuel_cost) as fuel_cost, sum(maintenance_cost) as maintenance_cost,
         sum(span_miles) as span_miles, sum(span_gallons) as span_gallons
    from (
      select group_id, 1 as vehicles, (miles > 0 or purchases > 0)::integer as active, miles, idle, harsh, gallons, fuel_cost,
             maintenance_cost, span_miles, span_gallons
        from vehicle_total
      union all
      select group_id, 0, 0, miles, idle, harsh, gallons, fuel_cost, maintenance_cost, span_miles, span_gallons from stored
      union all
      select group_id, vehicles, active, null, null, null, null, null, null, null, null from counted
    ) part
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

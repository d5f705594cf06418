-- users_by_id
select u.id, u.email, u.name
  from users u
 where u.id = any ($1::uuid[]);

-- tenants_by_id
select t.id, t.name, t.kind, t.plan_name, t.primary_region, t.time_zone, t.data_residency_requirements, t.created_at,
       t.updated_at
  from tenants t
 where t.id = any ($1::uuid[]);

-- memberships_by_tenant
select
       m.tenant_id, m.user_id, m.role, m.created_at as joined_at
  from memberships m
  join users u on u.id = m.user_id
 where m.tenant_id = any ($1::uuid[])
   and m.left_at is null
 order by u.email;

-- rollups_by_group
with recursive subtree as (
  select g.id as root_id, g.id
    from fleet_groups g
   where g.tenant_id = $1
     and g.id = any ($2::uuid[])
  union  -- not all: so it ends, whatever the tree is
  select s.root_id, g.id
    from subtree s
    join fleet_groups g on g.tenant_id = $1 and g.parent_group_id = s.id
),
reached as (
  select root_id, id, true as is_group from subtree
  union all
  select $1::uuid, g.id, true from fleet_groups g where g.tenant_id = $1
  union all
  select $1::uuid, $1::uuid, false
),
wanted as materialized (select distinct id as group_id from reached),
dirty as materialized (
  select c.fleet_group_id as group_id from group_changes c where c.tenant_id = $1
  union
  select coalesce(v.fleet_group_id, $1::uuid)
    from vehicle_changes c
    join vehicles v on v.tenant_id = $1 and v.id = c.vehicle_id
   where c.tenant_id = $1
),
clean as materialized (
  select array(select group_id from wanted except all select group_id from dirty) as ids
),
changed as materialized (
  select array(select group_id from wanted intersect select group_id from dirty) as ids
),
stored as (
  select m.fleet_group_id as group_id, sum(m.miles_driven) as miles, sum(m.idle_minutes) as idle, sum(m.harsh_events) as harsh,
         sum(m.fuel_gallons) as gallons, sum(m.fuel_cost) as fuel_cost, sum(m.maintenance_cost) as maintenance_cost,
         sum(m.span_miles) as span_miles, sum(m.span_gallons) as span_gallons
    from app.stored_periods(
           $3::date,
           $4::date
         ) p
    join group_metrics m
      on m.tenant_id = $1 and m.fleet_group_id = any ((select ids from clean)::uuid[])
     and m.period_type = p.period_type and m.metric_date >= p.first_date and m.metric_date < p.end_date
   group by m.fleet_group_id
),
counted as (
  select c.fleet_group_id as group_id, count(*) as vehicles,
         0 as active
    from vehicle_calendars c
   where c.tenant_id = $1 and c.fleet_group_id = any ((select ids from clean)::uuid[])
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
               $1, c.ids,
               $3::date,
               $4::date,
               true
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
 group by r.root_id;

-- fleet_summaries_of_tenant
select
       s.id, s.fleet_group_id, s.metric_date, s.total_vehicles, s.active_vehicles, s.total_miles_driven,
       s.avg_fuel_efficiency, s.total_fuel_cost, s.on_time_pct, s.utilization_pct, s.maintenance_compliance_pct,
       s.predicted_maintenance_cost, s.risk_score, s.computed_at
  from fleet_summary_metrics s
 where s.tenant_id = $1
   and s.fleet_group_id is null
   and s.metric_date >= $2::date
   and s.metric_date < $3::date
 order by s.metric_date;

-- users_by_id
select u.id, u.email, u.name
  from users u
 where u.id = any ($1::uuid[]);

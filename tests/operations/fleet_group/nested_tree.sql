-- tenants_by_id
select t.id, t.name, t.kind, t.plan_name, t.primary_region, t.data_residency_requirements, t.created_at, t.updated_at
  from tenants t
 where t.id = any ($1::uuid[]);

-- fleet_groups_at_root
select
       g.id, g.parent_group_id, g.name, g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at
  from fleet_groups g
 where g.tenant_id = $1
   and not exists (select from fleet_groups p where p.tenant_id = $1 and p.id = g.parent_group_id)
 order by g.name, g.id;

-- fleet_groups_below
with recursive below as (
  select g.id, 1 as level
    from fleet_groups g
   where g.tenant_id = $1
     and g.parent_group_id = any ($2::uuid[])
  union all
  select g.id, b.level + 1
    from below b
    join fleet_groups g on g.tenant_id = $1 and g.parent_group_id = b.id
   where b.level < $3::integer
) cycle id set looped using path
select
       g.id, g.parent_group_id, g.name, g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at
     , max(b.level) as level
  from below b
  join fleet_groups g on g.tenant_id = $1 and g.id = b.id
 group by g.tenant_id, g.id
 order by g.name, g.id;

-- rollups_by_group
with recursive subtree as (
  select g.id as root_id, g.id
    from fleet_groups g
   where g.tenant_id = $1
     and g.id = any ($2::uuid[])
  union all
  select s.root_id, g.id
    from subtree s
    join fleet_groups g on g.tenant_id = $1 and g.parent_group_id = s.id
) cycle id set looped using path,
reached as (
  select root_id, id, true as is_group from subtree
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
         count(*) filter (where c.active_days && daterange(
           $3::date,
           $4::date
         )) as active
    from vehicle_calendars c
   where c.tenant_id = $1 and c.fleet_group_id = any ((select ids from clean)::uuid[])
   group by c.fleet_group_id
),
member as materialized (
  select v.id, coalesce(v.fleet_group_id, $1::uuid) as group_id,
         coalesce(c.time_zone, (select t.time_zone from tenants t where t.id = $1)) as time_zone
    from vehicles v
    left join vehicle_calendars c on c.tenant_id = $1 and c.vehicle_id = v.id
   where v.tenant_id = $1
     and (v.fleet_group_id = any (array(select group_id from wanted intersect select group_id from dirty))
         )
),
zone as materialized (select time_zone, array_agg(id) as ids from member group by time_zone),
driven as (
  select m.vehicle_id, sum(m.miles_driven) as miles, sum(m.idle_minutes) as idle, sum(m.harsh_events) as harsh
    from vehicle_metrics m
   where m.tenant_id = $1
     and m.vehicle_id = any (array(select id from member))
     and m.period_type = 'daily'
     and m.metric_date >= $3::date
     and m.metric_date < $4::date
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
      where e.tenant_id = $1 and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= $3::date::timestamp at time zone z.time_zone
        and e.occurred_at < $4::date::timestamp at time zone z.time_zone
     union all
     select e.vehicle_id, e.event_type, e.gallons, e.cost
       from manual_events_archive e
      where e.tenant_id = $1 and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= $3::date::timestamp at time zone z.time_zone
        and e.occurred_at < $4::date::timestamp at time zone z.time_zone
   ) e
   group by e.vehicle_id
),
economy as (
  select s.vehicle_id, sum(s.miles) as miles, sum(s.gallons) as gallons
    from zone z
   cross join lateral app.current_spans($1, z.ids) s
   where s.rejected_reason is null
     and s.ended_at >= $3::date::timestamp at time zone z.time_zone
     and s.ended_at < $4::date::timestamp at time zone z.time_zone
   group by s.vehicle_id
),
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
      union all
      select vehicle_id, null, null, null, null, false, null, null, null, miles, gallons from economy
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
 group by r.root_id;

-- vehicles_page_by_group
select k.key_id, page.*
  from unnest($1::uuid[]) k (key_id)
 cross join lateral (
   select
       v.fleet_group_id, v.baseline_fuel_mpg, v.baseline_service_interval_miles, v.version, v.updated_at,
       v.id, v.label, v.make, v.model
     from vehicles v
    where v.tenant_id = $2
      and v.fleet_group_id = k.key_id
    order by v.label asc, v.id asc
    limit $3
 ) page;

-- manual_events_page_by_vehicle
select k.key_id, page.*
  from unnest($1::uuid[]) k (key_id)
 cross join lateral (
   select
       e.vehicle_id, e.source_upload_id, e.confidence, e.verified_by_user, e.created_by as created_by_id, e.updated_at,
       e.odometer_miles, e.gallons, e.cost, e.is_full_tank, e.missed_previous,
       e.version, e.voided_at, e.void_reason,
       e.payload,
       e.id, e.event_type, e.occurred_at
     from manual_events e
    where e.tenant_id = $2
      and e.vehicle_id = k.key_id
    order by e.occurred_at desc, e.id desc
    limit $3
 ) page;

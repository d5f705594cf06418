-- tenants_by_id
select t.id, t.name, t.kind, t.plan_name, t.primary_region, t.data_residency_requirements, t.created_at, t.updated_at
  from tenants t
 where t.id = any ($1::uuid[]);

-- fleet_groups_at_root
select
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,
       g.id, g.parent_group_id, g.name
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
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,
       g.id, g.parent_group_id, g.name
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
member as materialized (
  select v.id, coalesce(v.fleet_group_id, $1::uuid) as group_id
    from vehicles v
   where v.tenant_id = $1
     and v.fleet_group_id = any (array(select distinct id from subtree))
),
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
    from manual_events e
   where e.tenant_id = $1
     and e.vehicle_id = any (array(select id from member))
     and e.event_type in ('fuel_purchase', 'maintenance')
     and e.voided_at is null
     and e.occurred_at >= $3::date::timestamp at time zone 'UTC'
     and e.occurred_at < $4::date::timestamp at time zone 'UTC'
   group by e.vehicle_id
),
economy as (
  select vehicle_id, sum(miles) as miles, sum(gallons) as gallons
    from app.current_spans($1, array(select id from member))
   where rejected_reason is null
     and ended_at >= $3::date::timestamp at time zone 'UTC'
     and ended_at < $4::date::timestamp at time zone 'UTC'
   group by vehicle_id
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
 group by r.root_id;

-- vehicles_page_by_group
select k.number, page.*
  from unnest($1::uuid[]) with ordinality k (key_id, number)
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
select k.number, page.*
  from unnest($1::uuid[]) with ordinality k (key_id, number)
 cross join lateral (
   select
       e.vehicle_id, e.source_upload_id, e.confidence, e.verified_by_user, e.created_by as created_by_id, e.updated_at,
       e.odometer_miles, e.gallons, e.cost, e.is_full_tank, e.missed_previous,
       e.version, e.voided_at, e.void_reason,
       e.payload,
       e.id, e.event_type, e.occurred_at
     from (
       (select e.*
          from manual_events e
         where e.tenant_id = $2
           and e.vehicle_id = k.key_id
           and e.occurred_at >= timestamptz '-infinity' and e.occurred_at < timestamptz 'infinity'
         order by e.occurred_at desc, e.id desc
         limit $3)
       union all
       (select e.*
          from manual_events e
         where e.tenant_id = $2
           and e.vehicle_id = k.key_id
           and (e.occurred_at < timestamptz '-infinity' or e.occurred_at >= timestamptz 'infinity')
         order by e.occurred_at desc, e.id desc
         limit $3)
     ) e
    order by e.occurred_at desc, e.id desc
    limit $3
 ) page;

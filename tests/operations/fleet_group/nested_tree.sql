-- tenants_by_id
select t.id, t.name, t.kind, t.plan_name, t.primary_region, t.time_zone, t.data_residency_requirements, t.created_at,
       t.updated_at
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
  select
         1 as level,
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,
       g.id, g.parent_group_id, g.name
    from fleet_groups g
   where g.tenant_id = $1
     and g.parent_group_id = any ($2::uuid[])
  union all
  select b.level + 1,
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,
       g.id, g.parent_group_id, g.name
    from below b
    join fleet_groups g on g.tenant_id = $1 and g.parent_group_id = b.id
   where b.level < $3::integer
)
select distinct on (b.name, b.id) b.*
  from below b
 order by b.name, b.id, b.level desc;

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
         count(*) filter (where c.active_days && daterange(
           $3::date,
           $4::date
         )) as active
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

-- vehicles_page_by_group
select k.number, page.*
  from unnest($1::text::uuid[]) with ordinality k (key_id, number)
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
  from (
    select u.key_id, u.number
      from unnest($1::text::uuid[]) with ordinality u (key_id, number)
    union all
    select null, 0
     where exists (select from pg_inherits i
                    where i.inhparent = 'public.manual_events'::regclass
                      and case when i.inhrelid <> all ('{}'::oid[])  -- what has no pages of its own may still have rows
                               then pg_relation_filenode(i.inhrelid) is null or pg_relation_size(i.inhrelid) > 0 end)
  ) k
  left join lateral (
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
     ) e
 ) page on true
 where k.number = 0 or page.id is not null;

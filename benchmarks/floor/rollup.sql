-- parameters: tenant root starts ends
-- plan: force_custom_plan
with recursive below as (
  select g.id, g.name, array[g.id] as path
    from fleet_groups g where g.tenant_id = $1::text::uuid and g.id = $2::text::uuid
  union all
  select g.id, g.name, b.path || g.id
    from below b join fleet_groups g on g.tenant_id = $1::text::uuid and g.parent_group_id = b.id
),
member as materialized (
  select v.id, v.fleet_group_id
    from vehicles v
   where v.tenant_id = $1::text::uuid and v.fleet_group_id = any (array(select id from below))
),
-- One row a vehicle by grouping, not by joins: the planner cannot know how many vehicles an array holds.
figure as (
  select id as vehicle_id, fleet_group_id, null::bigint as miles, null::numeric as cost from member
  union all
  select m.vehicle_id, null, sum(m.miles_driven), null
    from vehicle_metrics m
   where m.tenant_id = $1::text::uuid and m.vehicle_id = any (array(select id from member))
     and m.period_type = 'daily' and m.metric_date >= $3::text::date and m.metric_date < $4::text::date
   group by m.vehicle_id
  union all
  select e.vehicle_id, null, null, sum(e.cost)
    from manual_events e
   where e.tenant_id = $1::text::uuid and e.vehicle_id = any (array(select id from member))
     and e.event_type = 'fuel_purchase'
     and e.occurred_at >= $3::text::date::timestamp at time zone 'UTC'
     and e.occurred_at < $4::text::date::timestamp at time zone 'UTC'
   group by e.vehicle_id
),
total as (
  select fleet_group_id as id, count(*) as vehicles, sum(miles) as miles, sum(cost) as cost
    from (select (array_agg(fleet_group_id) filter (where fleet_group_id is not null))[1] as fleet_group_id,
                 sum(miles) as miles, sum(cost) as cost
            from figure
           group by vehicle_id) vehicle
   group by fleet_group_id
),
summed as (
  select above.id, sum(t.vehicles) as vehicles, sum(t.miles) as miles, sum(t.cost) as cost
    from below b
   cross join lateral unnest(b.path) as above (id)
    left join total t on t.id = b.id
   group by above.id
)
select '{"data":{"fleetTree":' || json_agg(g)::text || '}}'
  from below b
  join summed s on s.id = b.id
 cross join lateral (
   select b.id, b.name, coalesce(s.vehicles, 0) as "vehicleCount", coalesce(s.miles, 0) as "milesDriven",
          coalesce(s.cost, 0)::text as "fuelCost"
 ) g

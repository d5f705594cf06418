-- cost_breakdown
with
member as materialized (
  select v.id, 1::bigint as vehicles,
         v.fleet_group_id,
         null::uuid as vehicle_id, null::text as label,
         null::text as make,
         null::text as model,
         case when jsonb_typeof(v.extended_attributes #> $1::text[]) in ('string', 'number', 'boolean')
               and not (v.extended_attributes #> trim_array($1::text[], 1)) ? '$enc'
              then v.extended_attributes #>> $1::text[]
         end as cost_centre,
         coalesce(c.time_zone, (select t.time_zone from tenants t where t.id = $2)) as time_zone
    from vehicles v
    left join vehicle_calendars c
      on c.tenant_id = $2 and c.vehicle_id = v.id
     and c.fleet_group_id = any ((select app.readable_groups())::uuid[])
   where v.tenant_id = $2
     and v.fleet_group_id = any ((select app.readable_groups())::uuid[])
   and v.make = $3
),
zone as materialized (
  select time_zone, array_agg(id) as ids from member where time_zone is not null group by time_zone
),
driven as (
  select m.vehicle_id,
         date_trunc($4, m.metric_date::timestamp)::date as start,
         sum(m.miles_driven) as miles, sum(m.idle_minutes) as idle, sum(m.harsh_events) as harsh
    from vehicle_metrics m
   where m.tenant_id = $2
     and m.vehicle_id = any (array(select id from member))
     and m.period_type = 'daily'
     and m.metric_date >= $5::date
     and m.metric_date < $6::date
   group by 1, 2
),
spent as (
  select e.vehicle_id,
         date_trunc($4, e.occurred_at at time zone z.time_zone)::date as start,
         count(*) as purchases, sum(e.gallons) as gallons, sum(e.cost) as cost,
         sum(e.cost) filter (where e.event_type = 'fuel_purchase') as fuel_cost,
         sum(e.cost) filter (where e.event_type = 'maintenance') as maintenance_cost
    from zone z
   cross join lateral (
     select e.vehicle_id, e.event_type, e.occurred_at, e.gallons, e.cost
       from manual_events e
      where e.tenant_id = $2 and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= $5::date::timestamp at time zone z.time_zone
        and e.occurred_at < $6::date::timestamp at time zone z.time_zone
     union all
     select e.vehicle_id, e.event_type, e.occurred_at, e.gallons, e.cost
       from manual_events_archive e
      where e.tenant_id = $2 and e.vehicle_id = any (z.ids)
        and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
        and e.occurred_at >= $5::date::timestamp at time zone z.time_zone
        and e.occurred_at < $6::date::timestamp at time zone z.time_zone
   ) e
   group by 1, 2
),
economy as (
  select s.vehicle_id,
         date_trunc($4, s.ended_at at time zone z.time_zone)::date as start,
         sum(s.miles) as miles, sum(s.gallons) as gallons
    from zone z
   cross join lateral app.current_spans($2, z.ids) s
   where s.rejected_reason is null
     and s.ended_at >= $5::date::timestamp at time zone z.time_zone
     and s.ended_at < $6::date::timestamp at time zone z.time_zone
   group by 1, 2
),
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
      union all
      select vehicle_id, start, null, true, miles, idle, harsh, null, null, null, null, null, null, null from driven
      union all
      select vehicle_id, start, null, true, null, null, null, purchases, gallons, cost, fuel_cost, maintenance_cost, null, null
        from spent
      union all
      select vehicle_id, start, null,
             false,
             null, null, null, null, null, null, null, null, miles, gallons
        from economy
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
total as (
  select grouped.*,
         sum(vehicles) over (partition by fleet_group_id, vehicle_id, make, model, cost_centre) as vehicle_count
    from grouped
)
select t.fleet_group_id, t.vehicle_id, t.start as month, t.make, t.model, t.cost_centre,
       t.vehicle_count::integer as vehicle_count,
       t.miles::bigint as miles_driven,
       t.gallons as fuel_gallons, t.fuel_cost, t.maintenance_cost, t.cost as total_cost,
       round(t.fuel_cost / nullif(t.miles, 0), 4) as fuel_cost_per_mile,
       round(t.maintenance_cost / nullif(t.miles, 0), 4) as maintenance_cost_per_mile,
       round(t.cost / nullif(t.miles, 0), 4) as total_cost_per_mile,
       (t.span_miles / nullif(t.span_gallons, 0))::float8 as fuel_efficiency_mpg
  from total t
  left join fleet_groups g on g.tenant_id = $2 and g.id = t.fleet_group_id
 where t.captured
 order by
       g.name, t.fleet_group_id,
       t.label, t.vehicle_id, t.make, t.model, t.cost_centre, t.start
 limit $7;

-- fleet_groups_by_id
select
       g.id, g.parent_group_id, g.name
  from fleet_groups g
 where g.tenant_id = $1
   and g.id = any ($2::uuid[]);

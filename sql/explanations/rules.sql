-- What the figures of a tenant say: rules about vehicles, then about groups, as the database's owner.
--
-- A vehicle is compared with itself and with the vehicles of its own group, a group with itself and what is below it: who
-- sees the subject sees everything that its sentence rests on. Figures determine the sentence, so what is the same
-- is not written again. Names and days that go on by themselves are in neither.

-- name: make_tables
create temp table economy (
  period_start date, period_end date, vehicle_id uuid, miles bigint, gallons numeric, baseline_mpg numeric,
  baseline_source text, last_year_mpg numeric, change_pct numeric, last_year_change_pct numeric, is_decline boolean
) on commit drop;
create temp table member (ancestor_id uuid, vehicle_id uuid) on commit drop;
create temp table finding (
  vehicle_id uuid, fleet_group_id uuid, kind text, period_start date, period_end date, rule_version text, weight numeric,
  figures jsonb, sentence text
) on commit drop;

-- name: drop_tables
drop table pg_temp.economy, pg_temp.member, pg_temp.finding;

-- name: find_members
-- Every vehicle for its group and for each group above that.
insert into pg_temp.member (ancestor_id, vehicle_id)
with recursive above as (
  select g.id, g.id as ancestor_id from fleet_groups g where g.tenant_id = %(tenant_id)s
  union all
  select a.id, g.parent_group_id
    from above a
    join fleet_groups g on g.tenant_id = %(tenant_id)s and g.id = a.ancestor_id
   where g.parent_group_id is not null
)
select a.ancestor_id, v.id
  from vehicles v
  join above a on a.id = v.fleet_group_id
 where v.tenant_id = %(tenant_id)s;

-- name: compare_economy
-- The economy of every vehicle in the quarter of the day and in the one before, where there is enough fuel to say it.
insert into pg_temp.economy
select p.starts_on, p.ends_on, e.*
  from (select date_trunc('quarter', %(today)s::date::timestamp)::date as starts_on) q
 cross join lateral (
   values (q.starts_on, (q.starts_on + interval '3 months')::date), ((q.starts_on - interval '3 months')::date, q.starts_on)
 ) p (starts_on, ends_on)
 cross join lateral app.economy_changes(
   %(tenant_id)s, array(select id from vehicles where tenant_id = %(tenant_id)s), p.starts_on, p.ends_on, %(today)s, 10
 ) e;

-- name: find_falling_economy
-- By the later of both quarters that says anything.
insert into pg_temp.finding
select e.vehicle_id, null, 'ECONOMY_FALLING', e.period_start, e.period_end, 'economy-1', -e.change_pct,
       jsonb_build_object(
         'vehicle', v.label, 'miles', e.miles, 'gallons', round(e.gallons, 1), 'mpg', said.mpg,
         'baseline_mpg', said.baseline_mpg, 'baseline_source', e.baseline_source, 'change_pct', round(e.change_pct, 1),
         'last_year_mpg', said.last_year_mpg, 'last_year_change_pct', round(e.last_year_change_pct, 1),
         'is_over', e.period_end <= %(today)s),
       format('%%s %%s %%s mpg %%s (%%s miles on %%s gallons): %%s %%%% less than %%s%%s.',
              v.label, case when e.period_end > %(today)s then 'has got' else 'got' end, said.mpg,
              app.period_in_words(e.period_start, e.period_end, %(today)s),
              to_char(e.miles, 'FM999,999,999,990'), to_char(e.gallons, 'FM999,999,990.0'), round(-e.change_pct),
              case e.baseline_source when 'EXPECTED' then format('the %%s mpg expected of it', said.baseline_mpg)
                                     else format('its %%s mpg over the year before', said.baseline_mpg) end,
              ', and ' || round(-e.last_year_change_pct) || ' %% less than the ' || said.last_year_mpg
                || ' of the same days last year')
  from (select distinct on (vehicle_id) * from pg_temp.economy order by vehicle_id, period_start desc) e
  join vehicles v on v.tenant_id = %(tenant_id)s and v.id = e.vehicle_id
 cross join lateral (
   select round(e.miles / e.gallons, 1), round(e.baseline_mpg, 1), round(e.last_year_mpg, 1)
 ) said (mpg, baseline_mpg, last_year_mpg)
 where e.is_decline;

-- name: find_overdue_services
-- By miles, by date, else by engine hours. How many days have passed is not told: it would be another sentence each day.
insert into pg_temp.finding
with overdue as materialized (
  select s.vehicle_id, s.miles_since_service as miles, s.miles_since_service + s.miles_remaining as miles_allowed,
         (s.last_service_at at time zone 'UTC')::date as last_service_on, s.due_on,
         coalesce(s.miles_since_service + s.miles_remaining > 0
                  and s.miles_since_service > 1.1 * (s.miles_since_service + s.miles_remaining), false) as is_by_miles,
         coalesce(s.due_on > s.last_service_at::date
                  and %(today)s::date - s.last_service_at::date > 1.1 * (s.due_on - s.last_service_at::date), false) as is_by_date
    from app.service_status(%(tenant_id)s, array(select id from vehicles where tenant_id = %(tenant_id)s), %(today)s) s
   where s.state = 'OVERDUE'
),
driven as (
  select r.vehicle_id, (min(r.occurred_at) at time zone 'UTC')::date as first_day,
         (max(r.occurred_at) at time zone 'UTC')::date as last_day
    from app.current_readings(%(tenant_id)s, array(select vehicle_id from overdue)) r
   where r.rejected_reason is null
   group by r.vehicle_id
)
select o.vehicle_id, null, 'SERVICE_OVERDUE', p.starts_on,
       greatest(p.starts_on, d.last_day, case when o.is_by_date then o.due_on end) + 1, 'service-1',
       date '3000-01-01' - p.starts_on,
       jsonb_build_object(
         'vehicle', v.label, 'last_service_on', o.last_service_on, 'miles_since_service', o.miles,
         'miles_between_services', o.miles_allowed, 'due_on', o.due_on, 'by', b.said),
       case b.said
         when 'MILES' then format('%%s is %%s miles past its service: it has driven %%s since %%s, and %%s are meant to be between two.',
                                  v.label, to_char(o.miles - o.miles_allowed, 'FM999,999,999,990'),
                                  to_char(o.miles, 'FM999,999,999,990'),
                                  coalesce('the last one on ' || to_char(o.last_service_on, 'FMDD FMMonth YYYY'), 'its first reading'),
                                  to_char(o.miles_allowed, 'FM999,999,999,990'))
         when 'DATE' then format('%%s was due for service on %%s; the last one was on %%s.', v.label,
                                 to_char(o.due_on, 'FMDD FMMonth YYYY'), to_char(o.last_service_on, 'FMDD FMMonth YYYY'))
         else format('%%s has run more engine hours since its service on %%s than are meant to be between two.', v.label,
                     to_char(o.last_service_on, 'FMDD FMMonth YYYY')) end
  from overdue o
  join vehicles v on v.tenant_id = %(tenant_id)s and v.id = o.vehicle_id
  left join driven d on d.vehicle_id = o.vehicle_id
 cross join lateral (select case when o.is_by_miles then 'MILES' when o.is_by_date then 'DATE' else 'ENGINE_HOURS' end) b (said)
 cross join lateral (select coalesce(o.last_service_on, d.first_day)) p (starts_on);

-- name: find_cost_outliers
-- Cost per mile, as costBreakdown has it, over four quarters of which that of the day is the last; against the vehicles of
-- the same group: those of the same make and model if these are five, else all if those are five. An outlier lies far
-- above the median by the modified z-score of Iglewicz and Hoaglin, 0.6745 x (cost - median) / MAD > 3.5, and at least a
-- quarter above it, so that no cents matter among vehicles that cost the same. Under 1,000 miles one service decides, and
-- nothing is said.
insert into pg_temp.finding
with period as (
  select (q.next - interval '1 year')::date as starts_on, q.next::date as ends_on
    from (select date_trunc('quarter', %(today)s::date::timestamp) + interval '3 months') q (next)
),
driven as (
  select m.vehicle_id, sum(m.miles_driven) as miles
    from vehicle_metrics m, period p
   where m.tenant_id = %(tenant_id)s and m.period_type = 'daily' and m.metric_date >= p.starts_on and m.metric_date < p.ends_on
   group by m.vehicle_id
  having sum(m.miles_driven) >= 1000
),
event as (
  select e.vehicle_id, e.event_type, e.occurred_at, e.cost
    from manual_events e, period p
   where e.tenant_id = %(tenant_id)s and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
     and e.occurred_at >= p.starts_on - interval '2 days' and e.occurred_at < p.ends_on + interval '2 days'
  union all
  select e.vehicle_id, e.event_type, e.occurred_at, e.cost
    from manual_events_archive e, period p
   where e.tenant_id = %(tenant_id)s and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
     and e.occurred_at >= p.starts_on - interval '2 days' and e.occurred_at < p.ends_on + interval '2 days'
),
spent as (
  select e.vehicle_id, sum(e.cost) as cost, sum(e.cost) filter (where e.event_type = 'fuel_purchase') as fuel_cost,
         sum(e.cost) filter (where e.event_type = 'maintenance') as maintenance_cost
    from event e
   cross join period p
    join tenants t on t.id = %(tenant_id)s
    left join vehicle_calendars c on c.tenant_id = %(tenant_id)s and c.vehicle_id = e.vehicle_id
   where (e.occurred_at at time zone coalesce(c.time_zone, t.time_zone))::date >= p.starts_on
     and (e.occurred_at at time zone coalesce(c.time_zone, t.time_zone))::date < p.ends_on
   group by e.vehicle_id
  having sum(e.cost) > 0
),
cost as materialized (
  select v.id as vehicle_id, v.label, v.fleet_group_id, v.make, v.model, d.miles, s.cost, s.fuel_cost, s.maintenance_cost,
         s.cost / d.miles as per_mile
    from vehicles v
    join driven d on d.vehicle_id = v.id
    join spent s on s.vehicle_id = v.id
   where v.tenant_id = %(tenant_id)s
),
member_of as (
  select 'MODEL' as compared_with, jsonb_build_array(c.fleet_group_id, c.make, c.model) as class, c.vehicle_id, c.per_mile
    from cost c
   where c.model is not null
  union all
  select 'GROUP', jsonb_build_array(c.fleet_group_id), c.vehicle_id, c.per_mile from cost c
),
middle as (
  select m.class, count(*) as vehicles, percentile_cont(0.5) within group (order by m.per_mile)::numeric as per_mile
    from member_of m
   group by m.class
  having count(*) >= 5
),
usual as (
  select u.class, u.vehicles, u.per_mile,
         percentile_cont(0.5) within group (order by abs(m.per_mile - u.per_mile))::numeric as deviation
    from middle u
    join member_of m on m.class = u.class
   group by u.class, u.vehicles, u.per_mile
),
compared as (
  select distinct on (m.vehicle_id) m.vehicle_id, m.compared_with, u.vehicles, u.per_mile as usual, u.deviation
    from member_of m
    join usual u on u.class = m.class
   order by m.vehicle_id, m.compared_with desc
)
select c.vehicle_id, null, 'COST_OUTLIER', p.starts_on, p.ends_on, 'cost-1', c.per_mile / u.usual,
       jsonb_build_object(
         'vehicle', c.label, 'miles', c.miles, 'cost', round(c.cost, 2), 'fuel_cost', round(c.fuel_cost, 2),
         'maintenance_cost', round(c.maintenance_cost, 2), 'cost_per_mile', round(c.per_mile, 4),
         'usual_cost_per_mile', round(u.usual, 4), 'median_deviation', round(u.deviation, 4), 'vehicles', u.vehicles,
         'compared_with', u.compared_with, 'make', c.make, 'model', c.model, 'is_in_group', c.fleet_group_id is not null),
       format('%%s has cost $%%s a mile %%s ($%%s over %%s miles): %%s %%%% more than the $%%s that is usual among the %%s %%s %%s.',
              c.label, to_char(c.per_mile, 'FM999,990.00'), app.period_in_words(p.starts_on, p.ends_on, %(today)s),
              to_char(c.cost, 'FM999,999,999,990.00'), to_char(c.miles, 'FM999,999,999,990'),
              round(100 * (c.per_mile / u.usual - 1)), to_char(u.usual, 'FM999,990.00'), u.vehicles,
              case u.compared_with when 'MODEL' then concat_ws(' ', c.make, c.model) else 'vehicles' end,
              case when c.fleet_group_id is null then 'without a group' else 'of its group' end)
  from cost c
  join compared u on u.vehicle_id = c.vehicle_id
 cross join period p
 where 0.6745 * (c.per_mile - u.usual) > 3.5 * u.deviation and c.per_mile >= 1.25 * u.usual;

-- name: find_rejected_readings
-- Of the quarter of the day, else of the one before: the later one that has any.
insert into pg_temp.finding
with reading as (
  select r.*, date_trunc('quarter', here.occurred_at)::date as quarter, here.occurred_at::date as day
    from app.current_readings(%(tenant_id)s, array(select id from vehicles where tenant_id = %(tenant_id)s)) r
    join tenants t on t.id = %(tenant_id)s
    left join vehicle_calendars c on c.tenant_id = %(tenant_id)s and c.vehicle_id = r.vehicle_id
   cross join lateral (select r.occurred_at at time zone coalesce(c.time_zone, t.time_zone)) here (occurred_at)
   where here.occurred_at >= date_trunc('quarter', %(today)s::date::timestamp) - interval '3 months'
     and here.occurred_at < date_trunc('quarter', %(today)s::date::timestamp) + interval '3 months'
),
counted as (
  select distinct on (r.vehicle_id) r.vehicle_id, r.quarter, count(*) as readings,
         count(*) filter (where r.rejected_reason is not null) as rejected,
         (array_agg(r.event_id order by r.occurred_at desc, r.miles desc, r.event_id)
            filter (where r.rejected_reason is not null))[1] as latest_id
    from reading r
   group by r.vehicle_id, r.quarter
  having count(*) filter (where r.rejected_reason is not null) > 0
   order by r.vehicle_id, r.quarter desc
)
select c.vehicle_id, null, 'REJECTED_READINGS', c.quarter, p.ends_on, 'readings-1', c.rejected,
       jsonb_build_object(
         'vehicle', v.label, 'rejected', c.rejected, 'readings', c.readings, 'latest_event_id', c.latest_id,
         'latest_miles', r.miles, 'latest_on', r.day, 'latest_reason', r.rejected_reason,
         'is_over', p.ends_on <= %(today)s),
       format('%%s of the %%s odometer readings of %%s %%s %%s not accepted%%s %%s miles on %%s, %%s. %%s',
              c.rejected, c.readings, v.label, app.period_in_words(c.quarter, p.ends_on, %(today)s),
              case c.rejected when 1 then 'was' else 'were' end,
              case c.rejected when 1 then ':' else '; the latest is' end,
              to_char(r.miles, 'FM999,999,999,990'), to_char(r.day, 'FMDD FMMonth YYYY'),
              case r.rejected_reason when 'BELOW_EARLIER_READING' then 'less than an earlier reading'
                                     when 'ABOVE_LATER_READING' then 'more than a later reading'
                                     else 'more than can be driven since the reading before' end,
              'Please verify what is right and void what is not.')
  from counted c
  join vehicles v on v.tenant_id = %(tenant_id)s and v.id = c.vehicle_id
  join reading r on r.vehicle_id = c.vehicle_id and r.event_id = c.latest_id
 cross join lateral (select (c.quarter + interval '3 months')::date) p (ends_on);

-- name: find_falling_economy_of_groups
-- Of two vehicles or more, over the same miles: the baseline's gallons are what these miles take by each vehicle's own
-- baseline. So a group whose vans are joined by trucks has no decline for that.
insert into pg_temp.finding
with summed as (
  select m.ancestor_id, e.period_start, e.period_end, count(*) as vehicles, sum(e.miles) as miles, sum(e.gallons) as gallons,
         sum(e.miles / e.baseline_mpg) as baseline_gallons,
         sum(e.miles) filter (where e.last_year_mpg is not null) as compared_miles,
         sum(e.gallons) filter (where e.last_year_mpg is not null) as compared_gallons,
         sum(e.miles / e.last_year_mpg) as last_year_gallons
    from pg_temp.economy e
    join pg_temp.member m on m.vehicle_id = e.vehicle_id
   group by m.ancestor_id, e.period_start, e.period_end
  having count(*) >= 2
),
latest as (
  select distinct on (s.ancestor_id) s.*, s.miles / s.gallons as mpg, s.miles / s.baseline_gallons as baseline_mpg,
         s.compared_miles / s.last_year_gallons as last_year_mpg,
         100 * (s.baseline_gallons / s.gallons - 1) as change_pct,
         100 * (s.last_year_gallons / s.compared_gallons - 1) as last_year_change_pct
    from summed s
   order by s.ancestor_id, s.period_start desc
)
select null, l.ancestor_id, 'ECONOMY_FALLING', l.period_start, l.period_end, 'economy-1', -l.change_pct,
       jsonb_build_object(
         'group', g.name, 'vehicles', l.vehicles, 'miles', l.miles, 'gallons', round(l.gallons, 1), 'mpg', said.mpg,
         'baseline_mpg', said.baseline_mpg, 'change_pct', round(l.change_pct, 1),
         'last_year_mpg', said.last_year_mpg, 'last_year_change_pct', round(l.last_year_change_pct, 1),
         'is_over', l.period_end <= %(today)s),
       format('%%s vehicles in %%s %%s %%s mpg %%s (%%s miles on %%s gallons): %%s %%%% less than the %%s mpg of their baselines%%s.',
              l.vehicles, g.name, case when l.period_end > %(today)s then 'have got' else 'got' end, said.mpg,
              app.period_in_words(l.period_start, l.period_end, %(today)s),
              to_char(l.miles, 'FM999,999,999,990'), to_char(l.gallons, 'FM999,999,990.0'), round(-l.change_pct),
              said.baseline_mpg,
              ', and ' || round(-l.last_year_change_pct) || ' %% less than the ' || said.last_year_mpg
                || ' of the same days last year')
  from latest l
  join fleet_groups g on g.tenant_id = %(tenant_id)s and g.id = l.ancestor_id
 cross join lateral (
   select round(l.mpg, 1), round(l.baseline_mpg, 1), round(l.last_year_mpg, 1)
 ) said (mpg, baseline_mpg, last_year_mpg)
 where l.change_pct <= -10 and coalesce(l.last_year_change_pct <= -10, true);

-- name: find_vehicles_of_groups
-- How many of a group's vehicles, of itself and below it, something is found about: from two on, with the names of three.
insert into pg_temp.finding
with period (kind, starts_on, ends_on, rule_version) as (
  select k.kind, (q.starts_on + k.from_months * interval '1 month')::date, (q.starts_on + interval '3 months')::date, k.rule_version
    from (select date_trunc('quarter', %(today)s::date::timestamp) as starts_on) q
   cross join (values ('SERVICE_OVERDUE', 0, 'service-1'), ('COST_OUTLIER', -9, 'cost-1'), ('REJECTED_READINGS', -3, 'readings-1'))
              k (kind, from_months, rule_version)
),
size as (select ancestor_id, count(*) as vehicles from pg_temp.member group by ancestor_id),
found as (
  select m.ancestor_id, f.kind, count(*) as vehicles, sum((f.figures ->> 'rejected')::integer) as rejected,
         (array_agg(f.figures ->> 'vehicle' order by f.weight desc, f.figures ->> 'vehicle', f.vehicle_id))[:3] as labels,
         (array_agg(f.vehicle_id order by f.weight desc, f.figures ->> 'vehicle', f.vehicle_id))[:3] as ids
    from pg_temp.finding f
    join pg_temp.member m on m.vehicle_id = f.vehicle_id
   where f.kind <> 'ECONOMY_FALLING'
   group by m.ancestor_id, f.kind
  having count(*) >= 2
)
select null, f.ancestor_id, f.kind, p.starts_on, p.ends_on, p.rule_version, f.vehicles,
       jsonb_strip_nulls(jsonb_build_object(
         'group', g.name, 'vehicles', f.vehicles, 'of', s.vehicles, 'rejected', f.rejected, 'named', f.labels,
         'named_ids', f.ids)),
       format(case f.kind
                when 'SERVICE_OVERDUE' then '%%s of the %%s vehicles in %%s are overdue for service: %%s.'
                when 'COST_OUTLIER' then '%%s of the %%s vehicles in %%s have cost far more a mile than others of their groups since %%5$s: %%4$s.'
                else '%%s of the %%s vehicles in %%s have odometer readings that were not accepted, %%6$s in all since %%5$s: %%4$s.' end,
              f.vehicles, s.vehicles, g.name,
              case when f.vehicles = 2 then array_to_string(f.labels, ' and ')
                   when f.vehicles = 3 then f.labels[1] || ', ' || f.labels[2] || ' and ' || f.labels[3]
                   else array_to_string(f.labels, ', ') || ' and ' || f.vehicles - 3 || ' more' end,
              to_char(p.starts_on, 'FMDD FMMonth YYYY'), f.rejected)
  from found f
  join period p on p.kind = f.kind
  join size s on s.ancestor_id = f.ancestor_id
  join fleet_groups g on g.tenant_id = %(tenant_id)s and g.id = f.ancestor_id;

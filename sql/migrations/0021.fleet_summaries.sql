-- Figures of a group and everything below it by day, kept current by the worker.
-- depends: 0020.explanations

-- Of how many vehicles in them the rows of a group tell.
alter table group_metrics add column active_vehicles integer;

-- Stores the totals of these groups anew, from the month of a day on for each; only rows that differ.
create or replace function app.refresh_group_metrics(in_tenant_id uuid, group_ids uuid[], since date[]) returns void
  language sql volatile as $$
  with scope as materialized (
    select s.group_id, date_trunc('month', min(s.day)::timestamp)::date as first_day
      from unnest(group_ids, since) s (group_id, day)
     group by s.group_id
  ),
  member as materialized (
    select v.id, s.group_id, s.first_day
      from scope s
      join vehicles v on v.tenant_id = in_tenant_id and v.fleet_group_id = s.group_id
    union all
    select v.id, s.group_id, s.first_day
      from scope s
      join vehicles v on v.tenant_id = in_tenant_id and v.fleet_group_id is null
     where s.group_id = in_tenant_id
  ),
  zoned as materialized (
    select m.*, z.time_zone, m.first_day::timestamp at time zone z.time_zone as first_moment
      from member m
      join app.vehicle_time_zones(in_tenant_id, array(select id from member)) z on z.vehicle_id = m.id
  ),
  part as materialized (
    select z.group_id, z.id as vehicle_id, m.metric_date as day, m.miles_driven::bigint as miles,
           m.idle_minutes::bigint as idle, m.harsh_events::bigint as harsh, false as is_purchase,
           null::numeric as gallons, null::numeric as fuel_cost, null::numeric as maintenance_cost,
           null::bigint as span_miles, null::numeric as span_gallons
      from zoned z
      join vehicle_metrics m
        on m.tenant_id = in_tenant_id and m.vehicle_id = z.id and m.period_type = 'daily' and m.metric_date >= z.first_day
    union all
    select z.group_id, z.id, (e.occurred_at at time zone z.time_zone)::date, null, null, null, true, e.gallons,
           case when e.event_type = 'fuel_purchase' then e.cost end, case when e.event_type = 'maintenance' then e.cost end,
           null, null
      from zoned z
     cross join lateral (
       select e.event_type, e.occurred_at, e.gallons, e.cost
         from manual_events e
        where e.tenant_id = in_tenant_id and e.vehicle_id = z.id and e.occurred_at >= z.first_moment
          and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
       union all
       select e.event_type, e.occurred_at, e.gallons, e.cost
         from manual_events_archive e
        where e.tenant_id = in_tenant_id and e.vehicle_id = z.id and e.occurred_at >= z.first_moment
          and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
     ) e
    union all
    select z.group_id, z.id, (f.ended_at at time zone z.time_zone)::date, null, null, null, false, null, null, null,
           f.miles::bigint, f.gallons
      from zoned z
      join fuel_spans f
        on f.tenant_id = in_tenant_id and f.vehicle_id = z.id and f.rejected_reason is null and f.ended_at >= z.first_moment
  ),
  period as (  -- of one vehicle: so that it counts once as active
    select p.group_id, p.vehicle_id, s.period_type, s.metric_date, bool_or(p.miles > 0 or p.is_purchase) as is_active,
           sum(p.miles) as miles, sum(p.idle) as idle, sum(p.harsh) as harsh,
           sum(p.gallons) as gallons, sum(p.fuel_cost) as fuel_cost, sum(p.maintenance_cost) as maintenance_cost,
           sum(p.span_miles) as span_miles, sum(p.span_gallons) as span_gallons
      from part p
     cross join lateral (
       values ('daily', p.day), ('monthly', date_trunc('month', p.day::timestamp)::date)
     ) s (period_type, metric_date)
     group by p.group_id, p.vehicle_id, s.period_type, s.metric_date
  ),
  computed as (
    select p.group_id, p.period_type, p.metric_date, (count(*) filter (where p.is_active))::integer as active,
           sum(p.miles)::bigint as miles, sum(p.idle)::bigint as idle, sum(p.harsh)::bigint as harsh,
           sum(p.gallons) as gallons, sum(p.fuel_cost) as fuel_cost, sum(p.maintenance_cost) as maintenance_cost,
           sum(p.span_miles)::bigint as span_miles, sum(p.span_gallons) as span_gallons
      from period p
     group by p.group_id, p.period_type, p.metric_date
  ),
  compared as (  -- by grouping, not by a join: the planner takes both sides for a few rows
    select c.group_id, c.period_type, c.metric_date, bool_or(c.is_computed) as is_computed,
           count(*) = 2 and count(distinct (c.active, c.miles, c.idle, c.harsh, c.gallons, c.fuel_cost, c.maintenance_cost,
                                            c.span_miles, c.span_gallons)) = 1 as is_same,
           max(c.active) filter (where c.is_computed) as active,
           sum(c.miles) filter (where c.is_computed) as miles, sum(c.idle) filter (where c.is_computed) as idle,
           sum(c.harsh) filter (where c.is_computed) as harsh, sum(c.gallons) filter (where c.is_computed) as gallons,
           sum(c.fuel_cost) filter (where c.is_computed) as fuel_cost,
           sum(c.maintenance_cost) filter (where c.is_computed) as maintenance_cost,
           sum(c.span_miles) filter (where c.is_computed) as span_miles,
           sum(c.span_gallons) filter (where c.is_computed) as span_gallons
      from (
        select n.*, true as is_computed from computed n
        union all
        select m.fleet_group_id, m.period_type, m.metric_date, m.active_vehicles, m.miles_driven, m.idle_minutes,
               m.harsh_events, m.fuel_gallons, m.fuel_cost, m.maintenance_cost, m.span_miles, m.span_gallons, false
          from scope s
          join group_metrics m
            on m.tenant_id = in_tenant_id and m.fleet_group_id = s.group_id and m.metric_date >= s.first_day
      ) c
     group by c.group_id, c.period_type, c.metric_date
  ),
  stored as (
    insert into group_metrics
      (tenant_id, fleet_group_id, period_type, metric_date, active_vehicles, miles_driven, idle_minutes, harsh_events,
       fuel_gallons, fuel_cost, maintenance_cost, span_miles, span_gallons)
    select in_tenant_id, c.group_id, c.period_type, c.metric_date, c.active, c.miles, c.idle, c.harsh, c.gallons,
           c.fuel_cost, c.maintenance_cost, c.span_miles, c.span_gallons
      from compared c
     where c.is_computed and not c.is_same
    on conflict (tenant_id, fleet_group_id, period_type, metric_date) do update
       set active_vehicles = excluded.active_vehicles, miles_driven = excluded.miles_driven,
           idle_minutes = excluded.idle_minutes, harsh_events = excluded.harsh_events, fuel_gallons = excluded.fuel_gallons, fuel_cost = excluded.fuel_cost,
           maintenance_cost = excluded.maintenance_cost, span_miles = excluded.span_miles,
           span_gallons = excluded.span_gallons
  ),
  gone as (
    delete from group_metrics m
     using compared c
     where not c.is_computed and m.tenant_id = in_tenant_id and m.fleet_group_id = c.group_id
       and m.period_type = c.period_type and m.metric_date = c.metric_date
  ),
  active as (
    select p.vehicle_id, range_agg(daterange(p.day, p.day + 1)) as days
      from part p
     where p.miles > 0 or p.is_purchase
     group by p.vehicle_id
  ),
  calendar as (
    insert into vehicle_calendars as c (tenant_id, vehicle_id, fleet_group_id, time_zone, active_days)
    select in_tenant_id, z.id, z.group_id, z.time_zone,
           coalesce(o.active_days * datemultirange(daterange(null, z.first_day)), '{}') + coalesce(a.days, '{}')
      from zoned z
      left join vehicle_calendars o on o.tenant_id = in_tenant_id and o.vehicle_id = z.id
      left join active a on a.vehicle_id = z.id
    on conflict (tenant_id, vehicle_id) do update
       set fleet_group_id = excluded.fleet_group_id, time_zone = excluded.time_zone, active_days = excluded.active_days
     where (c.fleet_group_id, c.time_zone, c.active_days)
           is distinct from (excluded.fleet_group_id, excluded.time_zone, excluded.active_days)
  )
  delete from vehicle_calendars c
   where c.tenant_id = in_tenant_id and c.fleet_group_id = any (group_ids)
     and not exists (select from member m where m.id = c.vehicle_id)
$$;

-- A tenant's groups with all that are above them, themselves first, and last the tenant, whose own id stands for it as a
-- whole and for the vehicles without a group.
create function app.fleets_of_groups(in_tenant_id uuid) returns table (group_id uuid, root_id uuid, height integer)
  language sql stable parallel safe as $$
  with recursive reach as (
    select g.id as group_id, g.id as root_id, g.parent_group_id, 0 as height
      from fleet_groups g
     where g.tenant_id = in_tenant_id
    union all
    select r.group_id, g.id, g.parent_group_id, r.height + 1
      from reach r
      join fleet_groups g on g.tenant_id = in_tenant_id and g.id = r.parent_group_id
  ) cycle root_id set looped using path
  select group_id, root_id, height from reach where not looped
  union all
  select g.id, in_tenant_id, 1000000 from fleet_groups g where g.tenant_id = in_tenant_id
  union all
  select in_tenant_id, in_tenant_id, 0
$$;

-- What the makes and models of these vehicles add up to, of all groups that the caller may see, or for each vehicle of its
-- fleet: a group with all below it, or the tenant. Of the whole fleet where a class says too little; no row where that does.
create function app.rates_of_classes(in_tenant_id uuid, vehicle_ids uuid[], fleet_ids uuid[] default null)
  returns table (vehicle_id uuid, class text, sums double precision[])
  language sql stable parallel safe as $$
  with asked as materialized (
    select v.id, v.make, v.model, f.id as fleet_id
      from unnest(vehicle_ids, fleet_ids) f (vehicle_id, id)
      join vehicles v on v.tenant_id = in_tenant_id and v.id = f.vehicle_id
  ),
  rate as materialized (
    select null::uuid as fleet_id, c.* from class_rates c where c.tenant_id = in_tenant_id and fleet_ids is null
    union all
    select t.root_id, c.*
      from app.fleets_of_groups(in_tenant_id) t
      join class_rates c on c.tenant_id = in_tenant_id and coalesce(c.fleet_group_id, in_tenant_id) = t.group_id
     where fleet_ids is not null and t.root_id in (select a.fleet_id from asked a)
  ),
  class as materialized (
    select c.fleet_id, c.make, c.model,
           array[sum(c.vehicles), sum(c.miles_a_day), sum(c.miles_a_day_squared), sum(c.repairs), sum(c.driven),
                 sum(c.services), sum(c.late_services)]::double precision[] as sums
      from rate c
     where (c.make, c.model) in (select a.make, a.model from asked a)
     group by c.fleet_id, c.make, c.model
    having sum(c.vehicles) >= 3 and sum(c.driven) >= 100000
  ),
  whole as materialized (  -- read where there is no class, and only then
    select c.fleet_id,
           array[sum(c.vehicles), sum(c.miles_a_day), sum(c.miles_a_day_squared), sum(c.repairs), sum(c.driven),
                 sum(c.services), sum(c.late_services)]::double precision[] as sums
      from rate c
     group by c.fleet_id
  )
  select a.id, case when c.sums is null then 'TENANT' else 'MAKE_AND_MODEL' end, k.sums
    from asked a
    left join class c on c.fleet_id is not distinct from a.fleet_id and c.make = a.make and c.model = a.model
   cross join lateral (
     select coalesce(c.sums, (select w.sums from whole w where w.fleet_id is not distinct from a.fleet_id))
   ) k (sums)
   where k.sums[5] >= 10000
$$;

drop function app.maintenance_predictions(uuid, uuid[], timestamptz);

-- When these vehicles are due for service, and how likely each needs a workshop within thirty days of a moment.
--
-- Next service: remaining miles by miles a day, from the last accepted reading on; the day that the last service set where
-- that comes first; today where it is due. Earliest and latest are P10 and P90 of a lognormal distribution. Its variance is
-- that of the miles of a block, over the blocks that it was told from, over those that are to come, and over seven for
-- what lasts longer than a block. Of a class: that between its vehicles, and half a block's miles over those to come.
--
-- Open issues: a chance by their severity, half as great for every thirty days that nobody has come to them.
--
-- Repairs: a gamma prior worth four repairs of the class, by which its vehicles differ by half. Overdue: the chance that the
-- miles of 110 % of the interval are driven, times the share of services that came that late, of a prior of two services
-- of the class. Classes are of the vehicles that the caller may see, or of those of a fleet that is given for each vehicle.
create function app.maintenance_predictions(
  in_tenant_id uuid, vehicle_ids uuid[], as_of timestamptz, fleet_ids uuid[] default null)
  returns table (vehicle_id uuid, next_service_date date, earliest date, latest date, risk_score double precision,
                 factors jsonb, as_of_day date, method_version text)
  language sql stable parallel safe as $$
  with history as materialized (select h.* from app.vehicle_history(in_tenant_id, vehicle_ids) h where h.readings >= 2),
  service as materialized (
    select s.*, s.miles_since_service + s.miles_remaining as miles_allowed
      from app.service_status(in_tenant_id, vehicle_ids, (as_of at time zone 'UTC')::date) s
  ),
  class as materialized (select * from app.rates_of_classes(in_tenant_id, vehicle_ids, fleet_ids)),
  report as materialized (
    select e.vehicle_id, e.occurred_at, e.payload ->> 'severity' as severity, e.payload ->> 'resolved_at' as said,
           app.moment_of(e.payload ->> 'resolved_at') as resolved_at
      from manual_events e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.event_type = 'issue_report' and e.voided_at is null
    union all
    select e.vehicle_id, e.occurred_at, e.payload ->> 'severity', e.payload ->> 'resolved_at',
           app.moment_of(e.payload ->> 'resolved_at')
      from manual_events_archive e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.event_type = 'issue_report' and e.voided_at is null
  ),
  issue as materialized (
    select r.vehicle_id, count(*) as open, count(*) filter (where r.severity in ('high', 'critical')) as serious,
           1 - exp(sum(ln(1 - case r.severity when 'critical' then 0.6 when 'high' then 0.3 when 'medium' then 0.1 else 0.02 end
                              * 0.5 ^ least(greatest(extract(epoch from as_of - r.occurred_at)::double precision / 2592000, 0), 60)
                          ))) as chance
      from report r
     where r.said is null or r.resolved_at > as_of
     group by r.vehicle_id
  ),
  known as materialized (
    select h.vehicle_id, h.last_read_at, h.driven, h.days, h.miles, h.blocks, h.block_deviation, h.repairs, h.services,
           h.late_services, s.state, s.worn, s.miles_remaining, s.miles_allowed, s.last_service_at, s.due_on, k.class, k.sums, u.usage,
           u.miles_a_day, coalesce(i.open, 0) as open_issues, coalesce(i.serious, 0) as serious_issues,
           coalesce(i.chance, 0)::double precision as p_open_issue
      from history h
      join service s on s.vehicle_id = h.vehicle_id
      left join issue i on i.vehicle_id = h.vehicle_id
      left join class k on k.vehicle_id = h.vehicle_id
     cross join lateral (
       select case when h.days >= 30 then 'VEHICLE' when k.sums[1] > 0 then k.class when h.days >= 7 then 'VEHICLE' end
     ) n (usage)
     cross join lateral (
       select n.usage, case n.usage when 'VEHICLE' then h.miles_a_day else k.sums[2] / nullif(k.sums[1], 0) end
     ) u (usage, miles_a_day)
  ),
  spread as (
    select k.*, d.level, d.noise,
           k.miles_remaining / nullif(k.miles_a_day, 0) as days_to_due,
           (k.miles_remaining + 0.1 * k.miles_allowed) / nullif(k.miles_a_day, 0) as days_to_overdue,
           extract(epoch from as_of - k.last_read_at)::double precision / 86400 + 30 as days_ahead
      from known k
     cross join lateral (
       select case when k.usage <> 'VEHICLE' then 0.5
                   when k.blocks >= 3 then greatest(k.block_deviation / nullif(k.miles_a_day, 0), 0.05) else 0.5 end ^ 2,
              case when k.sums[1] >= 3
                   then greatest(k.sums[3] / k.sums[1] - (k.sums[2] / k.sums[1]) ^ 2, 0) / nullif(k.sums[2] / k.sums[1], 0) ^ 2
                   else 0.25 end
     ) v (of_blocks, of_class)
     cross join lateral (
       select case when k.usage = 'VEHICLE' then v.of_blocks / least(greatest(k.blocks, 1), 12) + greatest(v.of_blocks / 7, 0.01) else v.of_class end,
              v.of_blocks
     ) d (level, noise)
  ),
  dated as (
    select s.*, o.reached,
           s.days_to_due * exp(-1.2816 * d.deviation) as days_at_least, s.days_to_due * exp(1.2816 * d.deviation) as days_at_most
      from spread s
     cross join lateral (
       select sqrt(s.level + s.noise / greatest(s.days_to_due / 30.4, 0.5)),
              sqrt(s.level + s.noise / greatest(s.days_to_overdue / 30.4, 0.5))
     ) d (deviation, deviation_to_overdue)
     cross join lateral (
       select greatest(
                case when s.days_to_overdue <= 0 then 1
                     else 1 / (1 + exp(-least(greatest(
                            1.702 * ln(greatest(s.days_ahead, 0.01) / s.days_to_overdue) / d.deviation_to_overdue, -50), 50))) end,
                case when s.last_service_at + (s.due_on - s.last_service_at::date) * 1.1 * interval '1 day'
                          < as_of + interval '30 days' then 1 end)
     ) o (reached)
  ),
  likely as materialized (
    select d.*, r.repairs_a_mile, h.late_share,
           1 - exp(-r.repairs_a_mile * d.miles_a_day * 30) as p_repair,
           case when d.state = 'OVERDUE' then 1 when d.state = 'UNKNOWN' then 0 else d.reached * h.late_share end as p_overdue
      from dated d
     cross join lateral (
       select (4 + d.repairs) / (4 * d.sums[5] / (d.sums[4] + 0.5) + d.driven)
     ) r (repairs_a_mile)
     cross join lateral (
       select (2 * coalesce((d.sums[7] + 0.5) / (d.sums[6] + 1), 0.5) + d.late_services) / (2 + d.services)
     ) h (late_share)
  )
  select l.vehicle_id, b.on_next, b.on_earliest, b.on_latest,
         round((1 - (1 - l.p_repair) * (1 - l.p_overdue) * (1 - l.p_open_issue))::numeric, 4)::double precision,
         jsonb_build_object(
           'p_repair', round(l.p_repair::numeric, 4), 'p_overdue', round(l.p_overdue::numeric, 4),
           'p_open_issue', round(l.p_open_issue::numeric, 4),
           'usage', jsonb_build_object(
             'of', l.usage, 'miles_per_day', round(l.miles_a_day::numeric, 2), 'days', round(l.days::numeric, 1),
             'miles', round(l.miles::numeric), 'complete_blocks', l.blocks,
             'block_deviation', round(l.block_deviation::numeric, 2), 'last_read_at', l.last_read_at),
           'service', jsonb_build_object(
             'state', l.state, 'miles_remaining', l.miles_remaining, 'miles_allowed', l.miles_allowed, 'due_on', l.due_on,
             'p_reached', round(l.reached::numeric, 4), 'late_share', round(l.late_share::numeric, 4),
             'services', l.services, 'late_services', l.late_services),
           'repair', jsonb_build_object(
             'repairs', l.repairs, 'miles', l.driven, 'repairs_per_mile', round(l.repairs_a_mile::numeric, 8),
             'expected_miles', round((l.miles_a_day * 30)::numeric)),
           'class', case when l.class is not null then jsonb_build_object(
             'of', l.class, 'vehicles', l.sums[1], 'miles_per_day', round((l.sums[2] / nullif(l.sums[1], 0))::numeric, 2),
             'repairs', l.sums[4], 'miles', l.sums[5], 'services', l.sums[6], 'late_services', l.sums[7]) end,
           'open_issues', jsonb_build_object('count', l.open_issues, 'high_or_critical', l.serious_issues)),
         t.today, app.prediction_method()
    from likely l
   cross join lateral (select (as_of at time zone 'UTC')::date) t (today)
   cross join lateral (
     select app.first_service_day(l.worn >= 1, l.last_read_at, l.days_to_due, l.due_on, t.today),
            app.first_service_day(l.worn >= 1, l.last_read_at, l.days_at_least, l.due_on, t.today),
            app.first_service_day(l.worn >= 1, l.last_read_at, l.days_at_most, l.due_on, t.today)
   ) b (on_next, on_earliest, on_latest)
$$;

-- How a group's own vehicles stood when it was looked last: what the outlook of a fleet is added up from. "checked" are
-- the vehicles of which it is known whether they are within their service interval, "compliant" those that are not
-- overdue; "due" have their next service within thirty days, and "expected_repairs" is the sum of the chances of a repair
-- in them. What services and repairs cost is of the two years before.
--
-- Predictions lean on other vehicles, and a fleet is to be told nothing of any outside of it. So they are made by the rates
-- of the smallest fleet around the group that has enough of them, for that fleet and all around it; and where that is not
-- the group itself by its own, for those below: then there are two rows.
create table group_outlooks (
  tenant_id uuid not null references tenants (id),
  fleet_group_id uuid not null,
  fleet_id uuid not null,
  as_of timestamptz not null,
  checked integer not null,
  compliant integer not null,
  scored integer not null,
  risk_scores double precision not null,
  due integer not null,
  expected_repairs double precision not null,
  services integer not null,
  service_costs numeric not null,
  repairs integer not null,
  repair_costs numeric not null,
  primary key (tenant_id, fleet_group_id, fleet_id)
);

-- Groups of which days are to be summed up anew, in themselves and all that are above them. Only ever added to; taken by
-- the worker. The tenant's own id stands for the vehicles without a group.
create table fleet_summary_changes (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  fleet_group_id uuid not null,
  days datemultirange not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);

-- When the summaries of a tenant were written last, as of which of its days, and how long that took.
create table fleet_summary_runs (
  tenant_id uuid not null references tenants (id),
  as_of date not null,
  ended_at timestamptz not null,
  took interval not null,
  primary key (tenant_id)
);

-- A group may go with its summaries.
alter table fleet_summary_metrics
  drop constraint fleet_summary_metrics_tenant_id_fleet_group_id_fkey,
  add constraint fleet_summary_metrics_tenant_id_fleet_group_id_fkey
    foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id) on delete cascade;

create function app.note_summaries_of_metrics() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
  select tenant_id, fleet_group_id, range_agg(daterange(metric_date, metric_date + 1))
    from changed
   where period_type = 'daily'
   group by tenant_id, fleet_group_id;
  return null;
end;
$$;
create trigger note_summaries_of_inserted after insert on group_metrics
  referencing new table as changed for each statement execute function app.note_summaries_of_metrics();
create trigger note_summaries_of_updated after update on group_metrics
  referencing new table as changed for each statement execute function app.note_summaries_of_metrics();
create trigger note_summaries_of_deleted after delete on group_metrics
  referencing old table as changed for each statement execute function app.note_summaries_of_metrics();

-- A group whose totals are stored anew, though no sum may differ: its vehicles stand otherwise, by an issue report, say.
create function app.note_summaries_of_changes() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
  select distinct tenant_id, fleet_group_id, '{}'::datemultirange from changed;
  return null;
end;
$$;
create trigger note_summaries_of_deleted after delete on group_changes
  referencing old table as changed for each statement execute function app.note_summaries_of_changes();

-- What is expected of a vehicle is another: how it stands as well.
create function app.note_summaries_of_vehicles() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
  select distinct n.tenant_id, coalesce(n.fleet_group_id, n.tenant_id), '{}'::datemultirange
    from changed n
    join replaced o on o.tenant_id = n.tenant_id and o.id = n.id
   where (n.baseline_service_interval_miles, n.make, n.model)
         is distinct from (o.baseline_service_interval_miles, o.make, o.model);
  return null;
end;
$$;
create trigger note_summaries_of_updated after update on vehicles
  referencing new table as changed old table as replaced for each statement execute function app.note_summaries_of_vehicles();

-- A vehicle counts from the day on which it was recorded, or was active first; in another group, from ever on.
create function app.note_summaries_of_calendars() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select distinct tenant_id, fleet_group_id, '{(,)}'::datemultirange from changed;
  elsif tg_op = 'INSERT' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select c.tenant_id, c.fleet_group_id,
           datemultirange(daterange(min(least(lower(c.active_days), (v.created_at at time zone c.time_zone)::date)), null))
      from changed c
      join vehicles v on v.tenant_id = c.tenant_id and v.id = c.vehicle_id
     group by c.tenant_id, c.fleet_group_id;
  else
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select n.tenant_id, g.id, range_agg(g.days)
      from changed n
      join replaced o on o.tenant_id = n.tenant_id and o.vehicle_id = n.vehicle_id
      join vehicles v on v.tenant_id = n.tenant_id and v.id = n.vehicle_id
     cross join lateral (
       select distinct g.id,
              daterange(case when n.fleet_group_id = o.fleet_group_id
                             then least(lower(n.active_days), lower(o.active_days), v.created_at::date - 1) end, null)
         from (values (n.fleet_group_id), (o.fleet_group_id)) g (id)
     ) g (id, days)
     where (n.fleet_group_id, n.time_zone, lower(n.active_days))
           is distinct from (o.fleet_group_id, o.time_zone, lower(o.active_days))
     group by n.tenant_id, g.id;
  end if;
  return null;
end;
$$;
create trigger note_summaries_of_inserted after insert on vehicle_calendars
  referencing new table as changed for each statement execute function app.note_summaries_of_calendars();
create trigger note_summaries_of_updated after update on vehicle_calendars
  referencing new table as changed old table as replaced for each statement execute function app.note_summaries_of_calendars();
create trigger note_summaries_of_deleted after delete on vehicle_calendars
  referencing old table as changed for each statement execute function app.note_summaries_of_calendars();

-- A new group has nothing yet, but a row of today. One that moves takes its history along, as one that goes leaves it.
create function app.note_summaries_of_groups() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days) select tenant_id, id, '{}'::datemultirange from changed;
  elsif tg_op = 'DELETE' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select distinct tenant_id, coalesce(parent_group_id, tenant_id), '{(,)}'::datemultirange from changed;
  else
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select distinct n.tenant_id, g.id, '{(,)}'::datemultirange
      from changed n
      join replaced o on o.tenant_id = n.tenant_id and o.id = n.id
     cross join lateral (values (n.id), (o.parent_group_id)) g (id)
     where n.parent_group_id is distinct from o.parent_group_id and g.id is not null;
  end if;
  return null;
end;
$$;
create trigger note_summaries_of_inserted after insert on fleet_groups
  referencing new table as changed for each statement execute function app.note_summaries_of_groups();
create trigger note_summaries_of_updated after update on fleet_groups
  referencing new table as changed old table as replaced for each statement execute function app.note_summaries_of_groups();
create trigger note_summaries_of_deleted after delete on fleet_groups
  referencing old table as changed for each statement execute function app.note_summaries_of_groups();

-- Looks how the vehicles of these groups stand at a moment.
create function app.refresh_group_outlooks(in_tenant_id uuid, group_ids uuid[], today date, moment timestamptz) returns void
  language sql volatile as $$
  with tree as materialized (select * from app.fleets_of_groups(in_tenant_id)),
  enough as materialized (  -- fleets whose vehicles say something of a class, or of all of them
    select t.root_id
      from class_rates c
      join tree t on t.group_id = coalesce(c.fleet_group_id, in_tenant_id)
     where c.tenant_id = in_tenant_id
     group by t.root_id
    having sum(c.driven) >= 10000
  ),
  fleet as materialized (
    select g.id as group_id, g.id as fleet_id from unnest(group_ids) g (id)
    union
    select f.group_id, f.root_id
      from (
        select distinct on (t.group_id) t.group_id, t.root_id
          from tree t
         where t.group_id = any (group_ids)
           and (t.root_id = in_tenant_id or exists (select from enough e where e.root_id = t.root_id))
         order by t.group_id, t.height
      ) f
  ),
  member as materialized (
    select v.id, f.group_id, f.fleet_id
      from fleet f
      join vehicles v on v.tenant_id = in_tenant_id and v.fleet_group_id = f.group_id
    union all
    select v.id, f.group_id, f.fleet_id
      from fleet f
      join vehicles v on v.tenant_id = in_tenant_id and v.fleet_group_id is null
     where f.group_id = in_tenant_id
  ),
  members as materialized (select array_agg(distinct id) as ids from member),
  stand as materialized (  -- of each vehicle, whatever fleet looks at it
    select p.vehicle_id, coalesce(sum(p.checked), 0) as checked, coalesce(sum(p.compliant), 0) as compliant,
           count(*) filter (where p.is_repair is false) as services, sum(p.cost) filter (where p.is_repair is false) as service_costs,
           count(*) filter (where p.is_repair) as repairs, sum(p.cost) filter (where p.is_repair) as repair_costs
      from (
        select s.vehicle_id, (s.state <> 'UNKNOWN')::integer, (s.state not in ('UNKNOWN', 'OVERDUE'))::integer, null::boolean, null::numeric
          from members m
         cross join lateral app.service_status(in_tenant_id, m.ids, today) s
        union all
        select e.vehicle_id, 0, 0, e.service_type is not distinct from 'repair', e.cost
          from members m
         cross join lateral (
           select e.vehicle_id, e.payload ->> 'service_type', e.cost
             from manual_events e
            where e.tenant_id = in_tenant_id and e.vehicle_id = any (m.ids) and e.event_type = 'maintenance'
              and e.voided_at is null and e.cost is not null
              and e.occurred_at > moment - interval '730 days' and e.occurred_at <= moment
           union all
           select e.vehicle_id, e.payload ->> 'service_type', e.cost
             from manual_events_archive e
            where e.tenant_id = in_tenant_id and e.vehicle_id = any (m.ids) and e.event_type = 'maintenance'
              and e.voided_at is null and e.cost is not null
              and e.occurred_at > moment - interval '730 days' and e.occurred_at <= moment
         ) e (vehicle_id, service_type, cost)
         where e.service_type is distinct from 'odometer_replacement'
      ) p (vehicle_id, checked, compliant, is_repair, cost)
     group by p.vehicle_id
  ),
  predicted as materialized (  -- those of their own group, and those of another fleet
    select k.is_own, p.vehicle_id, p.risk_score, (p.next_service_date <= today + 30)::integer as due,
           (p.factors ->> 'p_repair')::double precision as p_repair
      from (
        select m.group_id = m.fleet_id as is_own, array_agg(m.id) as ids, array_agg(m.fleet_id) as fleet_ids
          from member m
         group by m.group_id = m.fleet_id
      ) k
     cross join lateral app.maintenance_predictions(in_tenant_id, k.ids, moment, k.fleet_ids) p
  ),
  looked as materialized (
    select m.group_id, m.fleet_id, coalesce(sum(s.checked), 0) as checked, coalesce(sum(s.compliant), 0) as compliant,
           count(p.risk_score) as scored, coalesce(sum(p.risk_score), 0) as risk_scores, coalesce(sum(p.due), 0) as due,
           coalesce(sum(p.p_repair), 0) as expected_repairs,
           coalesce(sum(s.services), 0) as services, coalesce(sum(s.service_costs), 0) as service_costs,
           coalesce(sum(s.repairs), 0) as repairs, coalesce(sum(s.repair_costs), 0) as repair_costs
      from member m
      left join stand s on s.vehicle_id = m.id
      left join predicted p on p.vehicle_id = m.id and p.is_own = (m.group_id = m.fleet_id)
     group by m.group_id, m.fleet_id
  ),
  stored as (
    insert into group_outlooks
      (tenant_id, fleet_group_id, fleet_id, as_of, checked, compliant, scored, risk_scores, due, expected_repairs,
       services, service_costs, repairs, repair_costs)
    select in_tenant_id, l.group_id, l.fleet_id, moment, l.checked, l.compliant, l.scored, l.risk_scores, l.due, l.expected_repairs,
           l.services, l.service_costs, l.repairs, l.repair_costs
      from looked l
    on conflict (tenant_id, fleet_group_id, fleet_id) do update
       set as_of = excluded.as_of, checked = excluded.checked, compliant = excluded.compliant, scored = excluded.scored,
           risk_scores = excluded.risk_scores, due = excluded.due, expected_repairs = excluded.expected_repairs,
           services = excluded.services, service_costs = excluded.service_costs, repairs = excluded.repairs,
           repair_costs = excluded.repair_costs
  )
  delete from group_outlooks o
   where o.tenant_id = in_tenant_id and o.fleet_group_id = any (group_ids)
     and not exists (select from looked l where l.group_id = o.fleet_group_id and l.fleet_id = o.fleet_id)
$$;

-- Sums the days of groups up anew, each group with everything below it and the tenant as a whole: the days that are
-- given for a group, and today's, in itself and all that are above it. Returns how many rows it wrote.
--
-- What a day's row tells of vehicles, miles, fuel and costs is as of now; how its vehicles stood (compliance, expected
-- costs, risk) is written on the day itself and stays. A day has a row where something is known of it, or was written on it.
create function app.write_fleet_summaries(
  in_tenant_id uuid, group_ids uuid[], days datemultirange[], today date, moment timestamptz)
  returns integer language sql volatile as $$
  with tree as materialized (select group_id, root_id from app.fleets_of_groups(in_tenant_id)),
  root as materialized (
    select r.*, coalesce(lower(r.days), '-infinity') as first_day, coalesce(upper(r.days), 'infinity') as end_day
      from (
        select t.root_id, range_agg(c.days + datemultirange(daterange(today, today + 1))) as days
          from unnest(group_ids, days) c (group_id, days)
          join tree t on t.group_id = c.group_id
         group by t.root_id
      ) r
  ),
  part as materialized (
    select r.*, t.group_id
      from root r
      join tree t on t.root_id = r.root_id
  ),
  figure as materialized (
    select p.root_id, m.metric_date, sum(m.active_vehicles) as active, sum(m.miles_driven) as miles,
           sum(m.span_miles) as span_miles, sum(m.span_gallons) as span_gallons, sum(m.fuel_cost) as fuel_cost
      from part p
     cross join lateral (  -- group by group, by the key: the planner would take all groups for the days of each
       select m.*
         from group_metrics m
        where m.tenant_id = in_tenant_id and m.fleet_group_id = p.group_id and m.period_type = 'daily'
          and m.metric_date >= p.first_day and m.metric_date < p.end_day
       offset 0
     ) m
     where p.days @> m.metric_date
     group by p.root_id, m.metric_date
  ),
  outlook as materialized (  -- without services or repairs of which the cost is known, those of both
    select o.root_id, round(100.0 * o.compliant / nullif(o.checked, 0), 2) as compliance,
           round((o.risk_scores / nullif(o.scored, 0))::numeric, 3) as risk,
           round(o.due * coalesce(o.service_costs / nullif(o.services, 0), c.mean)
                 + o.expected_repairs::numeric * coalesce(o.repair_costs / nullif(o.repairs, 0), c.mean), 2) as cost
      from (
        select o.root_id, sum(o.checked) as checked, sum(o.compliant) as compliant, sum(o.scored) as scored,
               sum(o.risk_scores) as risk_scores, sum(o.due) as due, sum(o.expected_repairs) as expected_repairs,
               sum(o.services) as services, sum(o.service_costs) as service_costs, sum(o.repairs) as repairs,
               sum(o.repair_costs) as repair_costs
          from (
            select distinct on (p.root_id, p.group_id) p.root_id, o.*
              from part p
              join group_outlooks o on o.tenant_id = in_tenant_id and o.fleet_group_id = p.group_id
              join tree f on f.group_id = o.fleet_id and f.root_id = p.root_id
             order by p.root_id, p.group_id, o.fleet_id = p.group_id
          ) o
         group by o.root_id
      ) o
     cross join lateral (select (o.service_costs + o.repair_costs) / nullif(o.services + o.repairs, 0)) c (mean)
  ),
  present as materialized (
    select r.root_id, s.id, s.metric_date,  -- how the vehicles stood on the day nothing could tell again
           num_nonnulls(s.on_time_pct, s.maintenance_compliance_pct, s.predicted_maintenance_cost, s.risk_score) > 0 as is_kept
      from root r
     cross join lateral (
       select s.*
         from fleet_summary_metrics s
        where s.tenant_id = in_tenant_id and s.fleet_group_id = r.root_id
          and s.metric_date >= r.first_day and s.metric_date < r.end_day
       union all
       select s.*
         from fleet_summary_metrics s
        where r.root_id = in_tenant_id and s.tenant_id = in_tenant_id and s.fleet_group_id is null
          and s.metric_date >= r.first_day and s.metric_date < r.end_day
     ) s
     where r.days @> s.metric_date
  ),
  counted as materialized (  -- how many vehicles there were on each of these days
    select c.root_id, c.day, c.is_asked, sum(c.vehicles) over (partition by c.root_id order by c.day) as vehicles
      from (
        select t.root_id, c.day, false, count(*)
          from (
            select c.fleet_group_id, least(lower(c.active_days), (v.created_at at time zone c.time_zone)::date)
              from vehicle_calendars c
              join vehicles v on v.tenant_id = in_tenant_id and v.id = c.vehicle_id
             where c.tenant_id = in_tenant_id
          ) c (group_id, day)
          join part t on t.group_id = c.group_id
         group by t.root_id, c.day
        union all
        select d.root_id, d.day, true, 0
          from (
            select f.root_id, f.metric_date from figure f
            union
            select p.root_id, p.metric_date from present p where p.is_kept
            union
            select r.root_id, today from root r
          ) d (root_id, day)
      ) c (root_id, day, is_asked, vehicles)
  ),
  written as (
    insert into fleet_summary_metrics as s
      (tenant_id, id, fleet_group_id, metric_date, total_vehicles, active_vehicles, total_miles_driven,
       avg_fuel_efficiency, total_fuel_cost, utilization_pct, maintenance_compliance_pct, predicted_maintenance_cost,
       risk_score, computed_at)
    select in_tenant_id, md5(concat_ws(' ', in_tenant_id, c.root_id, c.day))::uuid, nullif(c.root_id, in_tenant_id), c.day,
           n.vehicles, coalesce(f.active, 0), least(coalesce(f.miles, 0), 2147483647),
           round(f.span_miles / nullif(f.span_gallons, 0), 2), case when n.vehicles > 0 then coalesce(f.fuel_cost, 0) end,
           round(100.0 * coalesce(f.active, 0) / nullif(n.vehicles, 0), 2), o.compliance, o.cost, o.risk, moment
      from counted c
      left join figure f on f.root_id = c.root_id and f.metric_date = c.day
      left join outlook o on o.root_id = c.root_id and c.day = today
     cross join lateral (select greatest(c.vehicles, f.active)) n (vehicles)
     where c.is_asked
    on conflict (tenant_id, fleet_group_id, metric_date) do update
       set total_vehicles = excluded.total_vehicles, active_vehicles = excluded.active_vehicles,
           total_miles_driven = excluded.total_miles_driven, avg_fuel_efficiency = excluded.avg_fuel_efficiency,
           total_fuel_cost = excluded.total_fuel_cost, utilization_pct = excluded.utilization_pct,
           maintenance_compliance_pct = case excluded.metric_date
             when today then excluded.maintenance_compliance_pct else s.maintenance_compliance_pct end,
           predicted_maintenance_cost = case excluded.metric_date
             when today then excluded.predicted_maintenance_cost else s.predicted_maintenance_cost end,
           risk_score = case excluded.metric_date when today then excluded.risk_score else s.risk_score end,
           computed_at = excluded.computed_at
     where (s.total_vehicles, s.active_vehicles, s.total_miles_driven, s.avg_fuel_efficiency, s.total_fuel_cost, s.utilization_pct)
           is distinct from (excluded.total_vehicles, excluded.active_vehicles, excluded.total_miles_driven,
                             excluded.avg_fuel_efficiency, excluded.total_fuel_cost, excluded.utilization_pct)
        or excluded.metric_date = today
           and (s.maintenance_compliance_pct, s.predicted_maintenance_cost, s.risk_score)
               is distinct from (excluded.maintenance_compliance_pct, excluded.predicted_maintenance_cost, excluded.risk_score)
    returning 1
  ),
  gone as (
    delete from fleet_summary_metrics s
     where s.tenant_id = in_tenant_id
       and s.id in (select p.id from present p
                     where not exists (select from counted c
                                        where c.is_asked and c.root_id = p.root_id and c.day = p.metric_date))
    returning 1
  )
  select ((select count(*) from written) + (select count(*) from gone))::integer
$$;

-- Takes what is marked of a tenant and brings its summaries up to date; looks at all its groups where a new day has begun
-- for it. Returns how many rows were written: null where somebody else is at it.
create function app.refresh_fleet_summaries(in_tenant_id uuid, moment timestamptz) returns integer language plpgsql as $$
declare
  begun timestamptz := clock_timestamp();
  today date := (select (moment at time zone t.time_zone)::date from tenants t where t.id = in_tenant_id);
  is_new_day boolean := not exists (select from fleet_summary_runs r where r.tenant_id = in_tenant_id and r.as_of = today);
  group_ids uuid[];
  days datemultirange[];
  written integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('fleet_summaries ' || in_tenant_id, 0)) then
    return null;
  end if;
  perform from fleet_groups g where g.tenant_id = in_tenant_id order by g.id for key share;  -- who deletes one waits
  with taken as (
    delete from fleet_summary_changes c where c.tenant_id = in_tenant_id returning c.fleet_group_id, c.days
  ),
  due as (
    select t.fleet_group_id, t.days from taken t
    union all
    select t.group_id, '{}' from app.fleets_of_groups(in_tenant_id) t where is_new_day and t.root_id = in_tenant_id
  )
  select coalesce(array_agg(d.fleet_group_id), '{}'), coalesce(array_agg(d.days), '{}') into group_ids, days
    from (select due.fleet_group_id, range_agg(due.days) as days from due group by due.fleet_group_id) d;
  perform app.refresh_group_outlooks(in_tenant_id, group_ids, today, moment);
  written := app.write_fleet_summaries(in_tenant_id, group_ids, days, today, moment);
  insert into fleet_summary_runs as r (tenant_id, as_of, ended_at, took)
  values (in_tenant_id, today, clock_timestamp(), clock_timestamp() - begun)
  on conflict (tenant_id) do update set as_of = excluded.as_of, ended_at = excluded.ended_at, took = excluded.took;
  return written;
end;
$$;

revoke all on function
  app.fleets_of_groups(uuid), app.rates_of_classes(uuid, uuid[], uuid[]),
  app.maintenance_predictions(uuid, uuid[], timestamptz, uuid[]),
  app.note_summaries_of_metrics(), app.note_summaries_of_changes(), app.note_summaries_of_calendars(),
  app.note_summaries_of_vehicles(), app.note_summaries_of_groups(),
  app.refresh_group_outlooks(uuid, uuid[], date, timestamptz),
  app.write_fleet_summaries(uuid, uuid[], datemultirange[], date, timestamptz),
  app.refresh_fleet_summaries(uuid, timestamptz)
  from public;
grant execute on function
  app.fleets_of_groups(uuid), app.rates_of_classes(uuid, uuid[], uuid[]),
  app.maintenance_predictions(uuid, uuid[], timestamptz, uuid[])
  to gateway_tenant, gateway_groups;

do $$
declare
  secured text;
begin
  foreach secured in array array['group_outlooks', 'fleet_summary_changes', 'fleet_summary_runs'] loop
    execute format('alter table %I enable row level security', secured);
    execute format('alter table %I force row level security', secured);
    execute format('create policy owner on %I to current_user using (true) with check (true)', secured);
    execute format('create policy read_tenant on %I for select to gateway_tenant
                      using (tenant_id = (select app.tenant_id()))', secured);
  end loop;
end;
$$;

-- What is stored of groups does not tell yet how many of their vehicles were active; and of every day there is to be a row.
insert into group_changes (tenant_id, fleet_group_id, since)
select distinct tenant_id, coalesce(fleet_group_id, tenant_id), date '-infinity' from vehicles;
insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
select tenant_id, id, '{(,)}'::datemultirange from fleet_groups
union all
select id, id, '{(,)}'::datemultirange from tenants;

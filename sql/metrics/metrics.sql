-- The metrics of vehicles from their events, as the database's owner.

-- name: tenants_due
-- Tenants with vehicles whose events changed or whose metrics are due, or with groups whose totals are; and no job that
-- waits for its turn.
select t.id
  from public.tenants t
 where (exists (select from public.vehicle_changes c where c.tenant_id = t.id)
        or exists (select from public.metrics_due d where d.tenant_id = t.id)
        or exists (select from public.group_changes c where c.tenant_id = t.id))
   and not exists (select from jobs.procrastinate_jobs j where j.status = 'todo' and j.queueing_lock = 'metrics ' || t.id)
 order by t.id;

-- name: nothing_due
select from metrics_due limit 0;

-- name: claim
-- Up to so many of a tenant's vehicles that are due, none of them in the hands of another worker: whoever claims one has
-- it until the end of the transaction.
with due as materialized (
  select c.vehicle_id, min(c.created_at) as since, 0 as turn
    from (select vehicle_id, created_at from vehicle_changes
           where tenant_id = %(tenant_id)s order by created_at limit %(rows)s) c
   group by c.vehicle_id
  union all
  select d.vehicle_id, min(d.created_at), 1
    from (select vehicle_id, created_at from metrics_due
           where tenant_id = %(tenant_id)s order by created_at limit %(rows)s) d
   group by d.vehicle_id
),
asked as materialized (
  select vehicle_id from due
   where vehicle_id <> all (%(except)s::uuid[])
   group by vehicle_id order by min(turn), min(since)
),
claimed as materialized (
  select vehicle_id from asked
   where pg_try_advisory_xact_lock(hashtextextended('vehicle_metrics ' || vehicle_id::text, 0))
   limit %(vehicles)s
)
select vehicle_id from claimed;

-- name: take
-- Takes the marks of claimed vehicles, and tells from when on each is due. What commits later leaves its own mark.
with changed as (
  delete from vehicle_changes c
   where c.tenant_id = %(tenant_id)s and c.vehicle_id = any (%(vehicle_ids)s)
  returning c.vehicle_id, c.occurred_at
),
due as (
  delete from metrics_due d
   where d.tenant_id = %(tenant_id)s and d.vehicle_id = any (%(vehicle_ids)s)
  returning d.vehicle_id
)
select m.vehicle_id, min(m.since)::text as since, count(*) filter (where m.is_change) as changes
  from (
    select vehicle_id, occurred_at, true from changed
    union all
    select vehicle_id, '-infinity'::timestamptz, false from due
  ) m (vehicle_id, since, is_change)
 group by m.vehicle_id;

-- name: refresh_figures
select f.changed_vehicle_id, f.changed_since::text from app.refresh_figures(%(tenant_id)s, %(vehicle_ids)s::uuid[]) f;

-- name: refresh_metrics
-- Writes the days of these vehicles that a change since a moment may have touched, and the weeks and months around them;
-- only rows that differ. The days of a vehicle are those of its time zone, of 23 and 25 hours too.
--
-- What comes together is added up from one list ("part") and joined with nothing: that is as fast for a year of three
-- hundred vehicles as for a day of one, whatever the planner expects.
with scope as materialized (
  select z.vehicle_id, z.time_zone as zone, d.first_day, p.period_day,
         d.first_day::timestamp at time zone z.time_zone as first_moment,
         p.period_day::timestamp at time zone z.time_zone as period_moment
    from (select vehicle_id, min(since)
            from unnest(%(vehicle_ids)s::uuid[], %(since)s::text[]::timestamptz[]) as due (vehicle_id, since)
           group by vehicle_id) as c (vehicle_id, said)
    join app.vehicle_time_zones(%(tenant_id)s, %(vehicle_ids)s::uuid[]) z on z.vehicle_id = c.vehicle_id
   cross join lateral (select greatest(c.said, timestamptz '0001-01-09 00:00+00')) s (since)
   cross join lateral (  -- miles change from the reading before on; trips can begin a week before their batch
     select (least(
              coalesce((select max(r.occurred_at) from odometer_readings r
                         where r.tenant_id = %(tenant_id)s and r.vehicle_id = c.vehicle_id
                           and r.rejected_reason is null and r.occurred_at < s.since), s.since),
              case when exists (select from manual_events e
                                 where e.tenant_id = %(tenant_id)s and e.vehicle_id = c.vehicle_id
                                   and e.event_type = 'trip_batch' and e.occurred_at >= s.since)
                   then s.since - interval '7 days' else s.since end
            ) at time zone z.time_zone)::date
   ) d (first_day)
   cross join lateral (
     select least(date_trunc('week', d.first_day::timestamp), date_trunc('month', d.first_day::timestamp))::date
   ) p (period_day)
),
event as (
  select s.vehicle_id, s.zone, s.first_day, s.first_moment, s.period_day, e.event_type, e.occurred_at, e.created_at, e.payload
    from scope s
   cross join lateral (
     select e.event_type, e.occurred_at, e.created_at, e.payload
       from manual_events e
      where e.tenant_id = %(tenant_id)s and e.vehicle_id = s.vehicle_id and e.voided_at is null
        and e.occurred_at >= s.period_moment - interval '7 days'
     union all
     select e.event_type, e.occurred_at, e.created_at, e.payload
       from manual_events_archive e
      where e.tenant_id = %(tenant_id)s and e.vehicle_id = s.vehicle_id and e.voided_at is null
        and e.occurred_at >= s.period_moment - interval '7 days'
   ) e
),
reading as (
  select s.vehicle_id, s.zone, s.first_day, r.occurred_at, r.driven::numeric,
         (r.occurred_at at time zone s.zone)::date as day,
         lead(r.occurred_at) over in_time as next_at,
         lead(r.driven) over in_time as next_driven,
         row_number() over in_time as number,
         max(r.driven) over (partition by s.vehicle_id) as last_driven
    from scope s
   cross join lateral (
     select max(b.occurred_at) from odometer_readings b
      where b.tenant_id = %(tenant_id)s and b.vehicle_id = s.vehicle_id and b.rejected_reason is null
        and b.occurred_at < s.first_moment
   ) before (at)
    join odometer_readings r
      on r.tenant_id = %(tenant_id)s and r.vehicle_id = s.vehicle_id and r.rejected_reason is null
     and r.occurred_at >= coalesce(before.at, '-infinity')
  window in_time as (partition by s.vehicle_id order by r.occurred_at, r.driven)
),
midnight as (  -- the miles at the beginning of each day between two readings, in a line through them
  select r.vehicle_id, r.first_day, r.last_driven, d.day::date as day,
         round(r.driven + least(greatest(  -- between both, also where a clock that is set back shows midnight twice
           (r.next_driven - r.driven) * extract(epoch from (d.day at time zone r.zone) - r.occurred_at)
             / extract(epoch from r.next_at - r.occurred_at), 0), r.next_driven - r.driven)) as miles
    from reading r
   cross join lateral generate_series((r.day + 1)::timestamp, (r.next_at at time zone r.zone)::date::timestamp,
                                      interval '1 day') d (day)
  union all
  select r.vehicle_id, r.first_day, r.last_driven, r.day, r.driven
    from reading r
   where r.number = 1 and r.next_at is not null
),
part (vehicle_id, first_day, day, miles, trip_miles, idle_minutes, harsh_events, span_miles, span_gallons,
      latency, events, service_day) as (
  select m.vehicle_id, m.first_day, m.day, m.driven,
         null::numeric, null::numeric, null::numeric, null::numeric, null::numeric, null::numeric, 0, null::date
    from (
      select m.vehicle_id, m.first_day, m.day,
             coalesce(lead(m.miles) over (partition by m.vehicle_id order by m.day), m.last_driven) - m.miles as driven
        from midnight m
    ) m
   where m.day >= m.first_day
  union all
  select e.vehicle_id, e.first_day, t.day, null, t.miles, t.idle_minutes, t.harsh_events, null, null, null, 0, null
    from event e
   cross join lateral (
     select (app.trip_start(trip ->> 'start', e.occurred_at) at time zone e.zone)::date,
            app.payload_number(trip, 'miles'), app.payload_number(trip, 'idle_minutes'), app.payload_number(trip, 'harsh_events')
       from jsonb_array_elements(case when e.event_type = 'trip_batch' then e.payload -> 'trips' end) trip
   ) t (day, miles, idle_minutes, harsh_events)
   where e.event_type = 'trip_batch' and e.occurred_at >= e.first_moment - interval '7 days' and t.day >= e.first_day
  union all
  select e.vehicle_id, e.first_day, d.day, null, null, null, null, null, null,
         extract(epoch from e.created_at - e.occurred_at), 1, case when e.event_type = 'maintenance' then d.day end
    from event e
   cross join lateral (select (e.occurred_at at time zone e.zone)::date) d (day)
   where d.day >= e.period_day
  union all
  select s.vehicle_id, s.first_day, d.day, null, null, null, null, f.miles, f.gallons, null, 0, null
    from scope s
    join fuel_spans f
      on f.tenant_id = %(tenant_id)s and f.vehicle_id = s.vehicle_id and f.rejected_reason is null
     and f.ended_at >= s.period_moment - interval '1 day'
   cross join lateral (select (f.ended_at at time zone s.zone)::date) d (day)
   where d.day >= s.period_day
  union all
  -- Services before, so that the days know the latest one.
  select s.vehicle_id, s.first_day, null, null, null, null, null, null, null, null, 0, (b.at at time zone s.zone)::date
    from scope s
   cross join lateral (
     select greatest(
              (select max(e.occurred_at) from manual_events e
                where e.tenant_id = %(tenant_id)s and e.vehicle_id = s.vehicle_id and e.event_type = 'maintenance'
                  and e.voided_at is null and e.occurred_at < s.period_moment),
              (select max(e.occurred_at) from manual_events_archive e
                where e.tenant_id = %(tenant_id)s and e.vehicle_id = s.vehicle_id and e.event_type = 'maintenance'
                  and e.voided_at is null and e.occurred_at < s.period_moment))
   ) b (at)
   where b.at is not null
  union all
  -- Days before the first one that can differ are in its week and month; later ones stay for what no event tells.
  select m.vehicle_id, s.first_day, m.metric_date,
         case when m.metric_date < s.first_day then m.miles_driven end, null,
         case when m.metric_date < s.first_day then m.idle_minutes end,
         case when m.metric_date < s.first_day then m.harsh_events end, null, null, null, 0, null
    from scope s
    join vehicle_metrics m
      on m.tenant_id = %(tenant_id)s and m.vehicle_id = s.vehicle_id and m.period_type = 'daily'
     and m.metric_date >= s.period_day
   where m.metric_date < s.first_day
      or m.brake_wear_pct is not null or m.sensor_presence <> '{}' or m.advanced_metrics <> '{}'
),
day as (
  select d.*, max(d.service_day) over (partition by d.vehicle_id order by d.day nulls first) as last_service
    from (
      select p.vehicle_id, p.first_day, p.day,
             coalesce(sum(p.miles), round(sum(p.trip_miles))) as miles,
             sum(p.idle_minutes) as idle_minutes, sum(p.harsh_events) as harsh_events,
             sum(p.span_miles) as span_miles, sum(p.span_gallons) as span_gallons,
             sum(p.latency) as latency, sum(p.events) as events, max(p.service_day) as service_day
        from part p
       group by p.vehicle_id, p.first_day, p.day
    ) d
),
period as (
  select d.vehicle_id, p.period_type, p.starts_on, p.days, sum(d.miles) as miles, sum(d.idle_minutes) as idle_minutes,
         sum(d.harsh_events) as harsh_events, sum(d.span_miles) as span_miles, sum(d.span_gallons) as span_gallons,
         sum(d.latency) as latency, sum(d.events) as events, max(d.last_service) as last_service, count(d.miles) as known_days
    from day d
   cross join lateral (
     values ('daily', d.day, 1, d.first_day),
            ('weekly', date_trunc('week', d.day::timestamp)::date, 7, date_trunc('week', d.first_day::timestamp)::date),
            ('monthly', date_trunc('month', d.day::timestamp)::date,
             (date_trunc('month', d.day::timestamp) + interval '1 month')::date - date_trunc('month', d.day::timestamp)::date,
             date_trunc('month', d.first_day::timestamp)::date)
   ) p (period_type, starts_on, days, first_start)
   where d.day is not null and p.starts_on >= p.first_start
   group by d.vehicle_id, p.period_type, p.starts_on, p.days
),
computed as (
  select p.vehicle_id, p.period_type, p.starts_on as metric_date, true as is_computed,
         p.miles::integer as miles_driven,
         least(round(coalesce(p.idle_minutes, 0)), 2147483647)::integer as idle_minutes,
         least(round(coalesce(p.harsh_events, 0)), 2147483647)::integer as harsh_events,
         round(p.span_miles / p.span_gallons, 2)::numeric(6, 2) as fuel_efficiency_mpg,
         p.last_service as last_service_date,
         round(100.0 * p.known_days / p.days)::integer as data_completeness_pct,
         least(round(greatest(p.latency / nullif(p.events, 0), 0)), 2147483647)::integer as source_latency_sec
    from period p
),
compared as (
  select c.vehicle_id, c.period_type, c.metric_date, bool_or(c.is_computed) as is_computed, bool_or(c.is_kept) as is_kept,
         max(c.miles_driven) filter (where c.is_computed) as miles_driven,
         max(c.idle_minutes) filter (where c.is_computed) as idle_minutes,
         max(c.harsh_events) filter (where c.is_computed) as harsh_events,
         max(c.fuel_efficiency_mpg) filter (where c.is_computed) as fuel_efficiency_mpg,
         max(c.last_service_date) filter (where c.is_computed) as last_service_date,
         max(c.data_completeness_pct) filter (where c.is_computed) as data_completeness_pct,
         max(c.source_latency_sec) filter (where c.is_computed) as source_latency_sec,
         count(*) = 2 and count(distinct (c.miles_driven, c.idle_minutes, c.harsh_events, c.fuel_efficiency_mpg,
                                          c.last_service_date, c.data_completeness_pct, c.source_latency_sec)) = 1 as is_same
    from (
      select n.vehicle_id, n.period_type, n.metric_date, n.is_computed, false as is_kept, n.miles_driven, n.idle_minutes,
             n.harsh_events, n.fuel_efficiency_mpg, n.last_service_date, n.data_completeness_pct, n.source_latency_sec
        from computed n
      union all
      select m.vehicle_id, m.period_type, m.metric_date, false,
             m.brake_wear_pct is not null or m.sensor_presence <> '{}' or m.advanced_metrics <> '{}',
             m.miles_driven, m.idle_minutes, m.harsh_events, m.fuel_efficiency_mpg, m.last_service_date,
             m.data_completeness_pct, m.source_latency_sec
        from scope s
        join vehicle_metrics m
          on m.tenant_id = %(tenant_id)s and m.vehicle_id = s.vehicle_id and m.metric_date >= s.period_day
         and m.metric_date >= case m.period_type
                                when 'daily' then s.first_day
                                when 'weekly' then date_trunc('week', s.first_day::timestamp)::date
                                else date_trunc('month', s.first_day::timestamp)::date end
    ) c
   group by c.vehicle_id, c.period_type, c.metric_date
),
written as (
  insert into vehicle_metrics
    (tenant_id, vehicle_id, period_type, metric_date, miles_driven, idle_minutes, harsh_events, fuel_efficiency_mpg,
     last_service_date, data_completeness_pct, source_latency_sec)
  select %(tenant_id)s, c.vehicle_id, c.period_type, c.metric_date, c.miles_driven, coalesce(c.idle_minutes, 0),
         coalesce(c.harsh_events, 0), c.fuel_efficiency_mpg, c.last_service_date, coalesce(c.data_completeness_pct, 0),
         c.source_latency_sec
    from compared c
   where not c.is_same and (c.is_computed or c.is_kept)
  on conflict (tenant_id, vehicle_id, period_type, metric_date) do update
     set miles_driven = excluded.miles_driven, idle_minutes = excluded.idle_minutes, harsh_events = excluded.harsh_events,
         fuel_efficiency_mpg = excluded.fuel_efficiency_mpg, last_service_date = excluded.last_service_date,
         data_completeness_pct = excluded.data_completeness_pct, source_latency_sec = excluded.source_latency_sec
  returning 1
),
removed as (
  delete from vehicle_metrics m
   using compared c
   where m.tenant_id = %(tenant_id)s and m.vehicle_id = c.vehicle_id and m.period_type = c.period_type
     and m.metric_date = c.metric_date and not c.is_computed and not c.is_kept
  returning 1
)
select (select count(*) from written) as written, (select count(*) from removed) as removed;

-- name: refresh_groups
select app.refresh_changed_groups(%(tenant_id)s, %(groups)s);

-- name: refresh_class_rates
-- Where that was done, how vehicles stand is looked at anew: their predictions lean on the rates.
with done as materialized (select app.refresh_class_rates(%(tenant_id)s, %(within)s) as is_done),
marked as (
  insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
  select %(tenant_id)s, g.id, '{}'::datemultirange
    from done d
   cross join (select id from fleet_groups where tenant_id = %(tenant_id)s union all select %(tenant_id)s) g
   where d.is_done
)
select is_done from done;

-- name: tenants_with_old_rates
-- Tenants whose rates of classes may be others now: events came since, or they are of the day before.
select t.id
  from public.tenants t
 where exists (select from public.vehicles v where v.tenant_id = t.id)
   and (not exists (select from public.class_rates c where c.tenant_id = t.id and c.refreshed_at > now() - interval '1 day')
        or exists (select from public.manual_events e
                    where e.tenant_id = t.id
                      and e.created_at > (select max(c.refreshed_at) from public.class_rates c where c.tenant_id = t.id)))
 order by t.id;

-- name: tenants_to_rebuild
select t.id, t.name
  from tenants t
 where %(tenant)s::text is null or lower(t.name) = lower(%(tenant)s)
 order by t.name;

-- name: lock_rebuild
select pg_advisory_xact_lock(hashtextextended('metrics rebuild', 0));

-- name: make_all_due
-- Marks every vehicle, unless an earlier rebuild of one of the tenants has some left.
insert into metrics_due (tenant_id, vehicle_id, is_rebuild)
select v.tenant_id, v.id, true
  from vehicles v
 where v.tenant_id = any (%(tenant_ids)s::uuid[])
   and not exists (select from metrics_due d where d.tenant_id = any (%(tenant_ids)s::uuid[]) and d.is_rebuild)
 order by v.tenant_id, v.id;

-- name: due_vehicles
select count(distinct d.vehicle_id) from metrics_due d where d.tenant_id = %(tenant_id)s and d.is_rebuild;

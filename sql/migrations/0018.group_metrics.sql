-- Totals of groups, so that a rollup adds up some rows of each group instead of all that its vehicles did.
-- depends: 0017.metrics_worker

-- Which groups had something written that their totals are made of, and from which day on. A group without a row here is
-- clean: what is stored of it holds. Only ever added to; taken by the worker. The tenant's own id stands for the vehicles
-- without a group, here and in the tables below.
create table group_changes (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  fleet_group_id uuid not null,
  since date not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index group_changes_group on group_changes (tenant_id, fleet_group_id, since);

-- What a group's own vehicles did on a day or in a month, each vehicle's day in its own time zone. Groups below count for
-- themselves. A span of fuel economy belongs to the day on which it ends.
create table group_metrics (
  tenant_id uuid not null references tenants (id),
  fleet_group_id uuid not null,
  period_type text not null check (period_type in ('daily', 'weekly', 'monthly')),
  metric_date date not null,
  miles_driven bigint,
  idle_minutes bigint,
  harsh_events bigint,
  fuel_gallons numeric,
  fuel_cost numeric,
  maintenance_cost numeric,
  span_miles bigint,
  span_gallons numeric,
  primary key (tenant_id, fleet_group_id, period_type, metric_date)
);

-- Of each vehicle, as of its group's totals: the time zone that says which day it was, and the days on which it was
-- active, with a mile driven, a fuel purchase or a maintenance. How many were active in a period is no sum of days.
create table vehicle_calendars (
  tenant_id uuid not null references tenants (id),
  vehicle_id uuid not null,
  fleet_group_id uuid not null,
  time_zone text not null,
  active_days datemultirange not null,
  primary key (tenant_id, vehicle_id),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id) on delete cascade
);
create index vehicle_calendars_group on vehicle_calendars (tenant_id, fleet_group_id);

-- The group of every vehicle of which a row was written, marked from the first day that one of the rows tells. Which day
-- that is, is the trigger's argument, an expression over the row.
create function app.note_group_changes() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  execute format(
    'insert into group_changes (tenant_id, fleet_group_id, since)
     select v.tenant_id, coalesce(v.fleet_group_id, v.tenant_id), min(c.since)
       from (select tenant_id, vehicle_id, min(%1$s) as since from changed group by tenant_id, vehicle_id %2$s) c
       join vehicles v on v.tenant_id = c.tenant_id and v.id = c.vehicle_id
      group by v.tenant_id, v.fleet_group_id',
    tg_argv[0],
    case when tg_op = 'UPDATE' then
      format('union all select tenant_id, vehicle_id, min(%s) from replaced group by tenant_id, vehicle_id', tg_argv[0])
    end);
  return null;
end;
$$;

do $$
declare
  source record;
begin
  for source in
    select *
      from (values
        ('vehicle_metrics', 'metric_date', array['insert', 'update', 'delete']),
        ('fuel_spans', '(ended_at at time zone ''UTC'')::date - 1', array['insert', 'update', 'delete']),
        -- The marks of vehicles become marks of their groups: what they stand for may have changed the group's sums.
        ('vehicle_changes', '(occurred_at at time zone ''UTC'')::date - 1', array['delete']),
        ('metrics_due', 'date ''-infinity''', array['delete'])
      ) source (name, day, operations)
  loop
    if 'insert' = any (source.operations) then
      execute format('create trigger note_groups_of_inserted after insert on %I referencing new table as changed
                        for each statement execute function app.note_group_changes(%L)', source.name, source.day);
      execute format('create trigger note_groups_of_updated after update on %I
                        referencing new table as changed old table as replaced
                        for each statement execute function app.note_group_changes(%L)', source.name, source.day);
    end if;
    execute format('create trigger note_groups_of_deleted after delete on %I referencing old table as changed
                      for each statement execute function app.note_group_changes(%L)', source.name, source.day);
  end loop;
end;
$$;

-- A vehicle brings its whole history into a group, and takes it away. A new one has none yet, but counts.
create function app.note_groups_of_vehicles() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'UPDATE' then
    insert into group_changes (tenant_id, fleet_group_id, since)
    select distinct n.tenant_id, g.id, date '-infinity'
      from changed n
      join replaced o on o.tenant_id = n.tenant_id and o.id = n.id
     cross join lateral (values (coalesce(n.fleet_group_id, n.tenant_id)), (coalesce(o.fleet_group_id, n.tenant_id))) g (id)
     where n.fleet_group_id is distinct from o.fleet_group_id;
  else
    insert into group_changes (tenant_id, fleet_group_id, since)
    select distinct tenant_id, coalesce(fleet_group_id, tenant_id),
           case tg_op when 'INSERT' then date 'infinity' else date '-infinity' end
      from changed;
  end if;
  return null;
end;
$$;
create trigger note_groups_of_inserted after insert on vehicles
  referencing new table as changed for each statement execute function app.note_groups_of_vehicles();
create trigger note_groups_of_updated after update on vehicles
  referencing new table as changed old table as replaced for each statement execute function app.note_groups_of_vehicles();
create trigger note_groups_of_deleted after delete on vehicles
  referencing old table as changed for each statement execute function app.note_groups_of_vehicles();

-- The periods whose stored totals add up to the days from one until another: whole months, and the days around them.
create function app.stored_periods(first_day date, end_day date)
  returns table (period_type text, first_date date, end_date date) language sql immutable parallel safe as $$
  select p.*
    from (select date_trunc('month', first_day::timestamp + interval '1 month' - interval '1 day')::date,
                 date_trunc('month', end_day::timestamp)::date) m (first_month, end_month)
   cross join lateral (
     values ('monthly', m.first_month, m.end_month),
            ('daily', first_day, case when m.first_month < m.end_month then m.first_month else end_day end),
            ('daily', case when m.first_month < m.end_month then m.end_month else end_day end, end_day)
   ) p (period_type, first_date, end_date)
   where p.first_date < p.end_date
$$;

-- The totals of groups as they are, each vehicle summed up once; for groups of which something was written since theirs
-- were stored. A vehicle whose calendar is not stored yet has its tenant's days. In PL/pgSQL, as that is planned only
-- where there are such groups.
create function app.changed_group_totals(
  in_tenant_id uuid, group_ids uuid[], first_day date, end_day date, with_spans boolean)
  returns table (group_id uuid, vehicles bigint, active bigint, miles numeric, idle numeric, harsh numeric, gallons numeric,
                 fuel_cost numeric, maintenance_cost numeric, span_miles numeric, span_gallons numeric)
  language plpgsql stable rows 100 as $$
#variable_conflict use_column
begin
  return query
  with member as materialized (
    select v.id, coalesce(v.fleet_group_id, in_tenant_id) as group_id,
           coalesce(c.time_zone, (select t.time_zone from tenants t where t.id = in_tenant_id)) as time_zone
      from vehicles v
      left join vehicle_calendars c on c.tenant_id = in_tenant_id and c.vehicle_id = v.id
     where v.tenant_id = in_tenant_id
       and (v.fleet_group_id = any (group_ids) or in_tenant_id = any (group_ids) and v.fleet_group_id is null)
  ),
  -- The vehicles of one time zone together: so the period begins and ends at a moment, which an index knows.
  zone as materialized (
    select m.ids, first_day::timestamp at time zone m.time_zone as starts_at, end_day::timestamp at time zone m.time_zone as ends_at
      from (select time_zone, array_agg(id) as ids from member group by time_zone) m
  ),
  figure as (
    select m.id as vehicle_id, m.group_id, null::bigint as miles, null::bigint as idle, null::bigint as harsh,
           false as has_spent, null::numeric as gallons, null::numeric as fuel_cost, null::numeric as maintenance_cost,
           null::bigint as span_miles, null::numeric as span_gallons
      from member m
    union all
    select m.vehicle_id, null, sum(m.miles_driven), sum(m.idle_minutes), sum(m.harsh_events), false, null, null, null, null, null
      from vehicle_metrics m
     where m.tenant_id = in_tenant_id and m.vehicle_id = any (array(select id from member)) and m.period_type = 'daily'
       and m.metric_date >= first_day and m.metric_date < end_day
     group by m.vehicle_id
    union all
    select e.vehicle_id, null, null, null, null, true, sum(e.gallons), sum(e.cost) filter (where e.event_type = 'fuel_purchase'),
           sum(e.cost) filter (where e.event_type = 'maintenance'), null, null
      from zone z
     cross join lateral (
       select e.vehicle_id, e.event_type, e.gallons, e.cost
         from manual_events e
        where e.tenant_id = in_tenant_id and e.vehicle_id = any (z.ids)
          and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
          and e.occurred_at >= z.starts_at and e.occurred_at < z.ends_at
       union all
       select e.vehicle_id, e.event_type, e.gallons, e.cost
         from manual_events_archive e
        where e.tenant_id = in_tenant_id and e.vehicle_id = any (z.ids)
          and e.event_type in ('fuel_purchase', 'maintenance') and e.voided_at is null
          and e.occurred_at >= z.starts_at and e.occurred_at < z.ends_at
     ) e
     group by e.vehicle_id
    union all
    select s.vehicle_id, null, null, null, null, false, null, null, null, sum(s.miles), sum(s.gallons)
      from zone z
     cross join lateral app.current_spans(in_tenant_id, z.ids) s
     where with_spans and s.rejected_reason is null and s.ended_at >= z.starts_at and s.ended_at < z.ends_at
     group by s.vehicle_id
  ),
  -- One row a vehicle, by grouping rather than by joins: the planner cannot know how many vehicles an array holds, and
  -- takes nested loops over all of them for a few.
  vehicle_total as (
    select (array_agg(f.group_id) filter (where f.group_id is not null))[1] as group_id,
           sum(f.miles) as miles, sum(f.idle) as idle, sum(f.harsh) as harsh, bool_or(f.has_spent) as has_spent,
           sum(f.gallons) as gallons, sum(f.fuel_cost) as fuel_cost, sum(f.maintenance_cost) as maintenance_cost,
           sum(f.span_miles) as span_miles, sum(f.span_gallons) as span_gallons
      from figure f
     group by f.vehicle_id
  )
  select t.group_id, count(*), count(*) filter (where t.miles > 0 or t.has_spent), sum(t.miles), sum(t.idle), sum(t.harsh),
         sum(t.gallons), sum(t.fuel_cost), sum(t.maintenance_cost), sum(t.span_miles), sum(t.span_gallons)
    from vehicle_total t
   where t.group_id is not null
   group by t.group_id;
end;
$$;

-- Stores the totals of these groups anew, from the month of a day on for each; only rows that differ.
create function app.refresh_group_metrics(in_tenant_id uuid, group_ids uuid[], since date[]) returns void
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
  computed as (
    select p.group_id, s.period_type, s.metric_date,
           sum(p.miles)::bigint as miles, sum(p.idle)::bigint as idle, sum(p.harsh)::bigint as harsh,
           sum(p.gallons) as gallons, sum(p.fuel_cost) as fuel_cost, sum(p.maintenance_cost) as maintenance_cost,
           sum(p.span_miles)::bigint as span_miles, sum(p.span_gallons) as span_gallons
      from part p
     cross join lateral (
       values ('daily', p.day), ('monthly', date_trunc('month', p.day::timestamp)::date)
     ) s (period_type, metric_date)
     group by p.group_id, s.period_type, s.metric_date
  ),
  compared as (  -- by grouping, not by a join: the planner takes both sides for a few rows
    select c.group_id, c.period_type, c.metric_date, bool_or(c.is_computed) as is_computed,
           count(*) = 2 and count(distinct (c.miles, c.idle, c.harsh, c.gallons, c.fuel_cost, c.maintenance_cost,
                                            c.span_miles, c.span_gallons)) = 1 as is_same,
           sum(c.miles) filter (where c.is_computed) as miles, sum(c.idle) filter (where c.is_computed) as idle,
           sum(c.harsh) filter (where c.is_computed) as harsh, sum(c.gallons) filter (where c.is_computed) as gallons,
           sum(c.fuel_cost) filter (where c.is_computed) as fuel_cost,
           sum(c.maintenance_cost) filter (where c.is_computed) as maintenance_cost,
           sum(c.span_miles) filter (where c.is_computed) as span_miles,
           sum(c.span_gallons) filter (where c.is_computed) as span_gallons
      from (
        select n.*, true as is_computed from computed n
        union all
        select m.fleet_group_id, m.period_type, m.metric_date, m.miles_driven, m.idle_minutes, m.harsh_events,
               m.fuel_gallons, m.fuel_cost, m.maintenance_cost, m.span_miles, m.span_gallons, false
          from scope s
          join group_metrics m
            on m.tenant_id = in_tenant_id and m.fleet_group_id = s.group_id and m.metric_date >= s.first_day
      ) c
     group by c.group_id, c.period_type, c.metric_date
  ),
  stored as (
    insert into group_metrics
      (tenant_id, fleet_group_id, period_type, metric_date, miles_driven, idle_minutes, harsh_events, fuel_gallons,
       fuel_cost, maintenance_cost, span_miles, span_gallons)
    select in_tenant_id, c.group_id, c.period_type, c.metric_date, c.miles, c.idle, c.harsh, c.gallons,
           c.fuel_cost, c.maintenance_cost, c.span_miles, c.span_gallons
      from compared c
     where c.is_computed and not c.is_same
    on conflict (tenant_id, fleet_group_id, period_type, metric_date) do update
       set miles_driven = excluded.miles_driven, idle_minutes = excluded.idle_minutes, harsh_events = excluded.harsh_events,
           fuel_gallons = excluded.fuel_gallons, fuel_cost = excluded.fuel_cost,
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

-- Takes the marks of up to so many of a tenant's groups, and stores their totals anew. Returns how many groups it did:
-- none where none is marked, or where somebody else is at it, so that an older sum never overwrites a newer one.
create function app.refresh_changed_groups(in_tenant_id uuid, at_most integer) returns integer language plpgsql as $$
declare
  group_ids uuid[];
  days date[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('group_metrics ' || in_tenant_id, 0)) then
    return 0;
  end if;
  with asked as materialized (
    select c.fleet_group_id from group_changes c where c.tenant_id = in_tenant_id
     group by c.fleet_group_id order by min(c.created_at) limit at_most
  ),
  taken as (
    delete from group_changes c
     where c.tenant_id = in_tenant_id and c.fleet_group_id = any (array(select a.fleet_group_id from asked a))
    returning c.fleet_group_id, c.since
  )
  select array_agg(t.fleet_group_id), array_agg(t.since) into group_ids, days
    from (select fleet_group_id, min(taken.since) as since from taken group by fleet_group_id) t;
  if group_ids is null then
    return 0;
  end if;
  perform app.refresh_group_metrics(in_tenant_id, group_ids, days);
  return cardinality(group_ids);
end;
$$;

-- Whoever has just loaded events stores the groups' totals as well.
create or replace function app.refresh_changed_figures() returns integer language plpgsql as $$
declare
  changed_tenant uuid;
  changed uuid[];
  refreshed integer := 0;
begin
  for changed_tenant in select distinct tenant_id from vehicle_changes order by tenant_id loop
    with taken as (delete from vehicle_changes c where c.tenant_id = changed_tenant returning c.vehicle_id)
    select array_agg(distinct vehicle_id) into changed from taken;
    perform app.refresh_figures(changed_tenant, changed);
    refreshed := refreshed + coalesce(array_length(changed, 1), 0);
  end loop;
  for changed_tenant in select distinct tenant_id from group_changes order by tenant_id loop
    loop
      exit when app.refresh_changed_groups(changed_tenant, 1000) = 0;
    end loop;
  end loop;
  return refreshed;
end;
$$;

revoke all on function
  app.note_group_changes(), app.note_groups_of_vehicles(), app.stored_periods(date, date),
  app.changed_group_totals(uuid, uuid[], date, date, boolean),
  app.refresh_group_metrics(uuid, uuid[], date[]), app.refresh_changed_groups(uuid, integer)
  from public;
grant execute on function app.stored_periods(date, date), app.changed_group_totals(uuid, uuid[], date, date, boolean)
  to gateway_tenant, gateway_groups;

do $$
declare
  secured text;
begin
  foreach secured in array array['group_changes', 'group_metrics', 'vehicle_calendars'] loop
    execute format('alter table %I enable row level security', secured);
    execute format('alter table %I force row level security', secured);
    execute format('create policy owner on %I to current_user using (true) with check (true)', secured);
    execute format('grant select on %I to gateway_tenant, gateway_groups', secured);
    execute format('create policy read_tenant on %I for select to gateway_tenant
                      using (tenant_id = (select app.tenant_id()))', secured);
    execute format('create policy read_granted on %I for select to gateway_groups
                      using (tenant_id = (select app.tenant_id())
                        and fleet_group_id in (select unnest(app.readable_groups())))', secured);
  end loop;
end;
$$;

insert into group_changes (tenant_id, fleet_group_id, since)
select distinct tenant_id, coalesce(fleet_group_id, tenant_id), date '-infinity' from vehicles;

-- Generated from the migrations by 'make snapshots', for review. Monthly partitions are left out.

CREATE SCHEMA app;
ALTER SCHEMA app OWNER TO motomind;
CREATE FUNCTION app.accepted_readings(at timestamp with time zone[], miles integer[], weights bigint[]) RETURNS boolean[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
declare
  total integer := coalesce(array_length(miles, 1), 0);
  best bigint[] := array_fill(0::bigint, array[total]);      -- weight of the best chain that ends here
  best_so_far bigint[] := array_fill(0::bigint, array[total]);
  before integer[] := array_fill(0, array[total]);
  accepted boolean[] := array_fill(false, array[total]);
  last_one integer := 0;
  here bigint;
begin
  for i in 1 .. total loop
    here := weights[i];
    for j in reverse i - 1 .. 1 loop
      exit when best_so_far[j] + weights[i] <= here;
      if best[j] + weights[i] > here and app.is_drivable(at[j], miles[j], at[i], miles[i]) then
        here := best[j] + weights[i];
        before[i] := j;
      end if;
    end loop;
    best[i] := here;
    if i = 1 or here > best_so_far[i - 1] then
      best_so_far[i] := here;
      last_one := i;
    else
      best_so_far[i] := best_so_far[i - 1];
    end if;
  end loop;
  while last_one > 0 loop
    accepted[last_one] := true;
    last_one := before[last_one];
  end loop;
  return accepted;
end;
$$;
ALTER FUNCTION app.accepted_readings(at timestamp with time zone[], miles integer[], weights bigint[]) OWNER TO motomind;
CREATE FUNCTION app.add_tenant_key(in_tenant_id uuid, in_user_id uuid, in_key_id text, in_wrapped bytea, in_wrapped_by text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  insert into tenant_keys (tenant_id, key_id, wrapped, wrapped_by)
  select m.tenant_id, in_key_id, in_wrapped, in_wrapped_by
    from memberships m
   where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null
  on conflict (tenant_id) where retired_at is null do nothing
$$;
ALTER FUNCTION app.add_tenant_key(in_tenant_id uuid, in_user_id uuid, in_key_id text, in_wrapped bytea, in_wrapped_by text) OWNER TO motomind;
CREATE FUNCTION app.admin_groups() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select app.groups_under_grants('admin')
$$;
ALTER FUNCTION app.admin_groups() OWNER TO motomind;
CREATE FUNCTION app.append_stream() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
declare
  aggregate text := tg_argv[0];
  id_key text := tg_argv[1];
begin
  if tg_op = 'INSERT' then
    insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, metadata, version)
    select (n.v ->> 'tenant_id')::uuid, aggregate, (n.v ->> id_key)::uuid, aggregate || '.created', n.v,
           app.stream_metadata(), (n.v ->> 'version')::integer
      from (select to_jsonb(new_rows) from new_rows) as n (v);
  elsif tg_op = 'UPDATE' then
    insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, metadata, version)
    select (n.v ->> 'tenant_id')::uuid, aggregate, (n.v ->> id_key)::uuid,
           aggregate || case when o.v -> 'parent_group_id' is distinct from n.v -> 'parent_group_id'
                               or o.v -> 'fleet_group_id' is distinct from n.v -> 'fleet_group_id'
                             then '.moved' else '.updated' end,
           app.changed_keys(o.v, n.v), app.stream_metadata(), (n.v ->> 'version')::integer
      from (select to_jsonb(new_rows) from new_rows) as n (v)
      join (select to_jsonb(old_rows) from old_rows) as o (v)
        on o.v ->> id_key = n.v ->> id_key and o.v ->> 'tenant_id' = n.v ->> 'tenant_id';
  else
    insert into event_stream (tenant_id, aggregate_type, aggregate_id, event_type, event_data, metadata, version)
    select (o.v ->> 'tenant_id')::uuid, aggregate, (o.v ->> id_key)::uuid, aggregate || '.deleted', '{}',
           app.stream_metadata(), (o.v ->> 'version')::integer + 1
      from (select to_jsonb(old_rows) from old_rows) as o (v);
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.append_stream() OWNER TO motomind;
CREATE FUNCTION app.archive_event_partitions(first_kept_day date) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    AS $_$
declare
  partition_name text;
  month date;
  archived integer := 0;
begin
  for month in
    select distinct date_trunc('month', occurred_at)::date
      from manual_events_default
     where occurred_at < first_kept_day
       and date_trunc('month', occurred_at) + interval '1 month' <= first_kept_day
  loop
    perform app.make_event_partitions(month, month);
  end loop;
  for partition_name in
    select c.relname
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'public.manual_events'::regclass and c.relname ~ '^manual_events_\d{4}_\d{2}$'
     order by c.relname
  loop
    month := to_date(right(partition_name, 7), 'YYYY_MM');
    continue when month + interval '1 month' > first_kept_day;
    execute format('alter table manual_events detach partition %I', partition_name);
    execute format('alter table manual_events_archive attach partition %I for values from (%L) to (%L)',
      partition_name, month::timestamptz, (month + interval '1 month')::timestamptz);
    archived := archived + 1;
  end loop;
  return archived;
end;
$_$;
ALTER FUNCTION app.archive_event_partitions(first_kept_day date) OWNER TO motomind;
CREATE FUNCTION app.changed_group_totals(in_tenant_id uuid, group_ids uuid[], first_day date, end_day date, with_spans boolean) RETURNS TABLE(group_id uuid, vehicles bigint, active bigint, miles numeric, idle numeric, harsh numeric, gallons numeric, fuel_cost numeric, maintenance_cost numeric, span_miles numeric, span_gallons numeric)
    LANGUAGE plpgsql STABLE ROWS 100
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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
ALTER FUNCTION app.changed_group_totals(in_tenant_id uuid, group_ids uuid[], first_day date, end_day date, with_spans boolean) OWNER TO motomind;
CREATE FUNCTION app.changed_keys(old_row jsonb, new_row jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
  select coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(new_row)
   where key <> 'updated_at' and value is distinct from old_row -> key
$$;
ALTER FUNCTION app.changed_keys(old_row jsonb, new_row jsonb) OWNER TO motomind;
CREATE FUNCTION app.client_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select nullif(current_setting('app.client_id', true), '')::uuid
$$;
ALTER FUNCTION app.client_id() OWNER TO motomind;
CREATE FUNCTION app.client_ip() RETURNS inet
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select nullif(current_setting('app.client_ip', true), '')::inet
$$;
ALTER FUNCTION app.client_ip() OWNER TO motomind;
CREATE FUNCTION app.client_of_key(in_digest bytea) RETURNS TABLE(tenant_id uuid, client_id uuid, name text, mode text, introspection boolean, user_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select c.tenant_id, c.id, c.name, c.mode, c.introspection, c.user_id
    from client_keys k
    join clients c on c.tenant_id = k.tenant_id and c.id = k.client_id
    join memberships m on m.tenant_id = c.tenant_id and m.user_id = c.user_id
   where k.digest = in_digest
     and (k.expires_at is null or k.expires_at > now())
     and c.revoked_at is null
     and m.left_at is null
$$;
ALTER FUNCTION app.client_of_key(in_digest bytea) OWNER TO motomind;
CREATE FUNCTION app.client_of_token(in_tenant_id uuid, in_user_id uuid, in_token_client text) RETURNS TABLE(tenant_id uuid, client_id uuid, name text, mode text, introspection boolean, user_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select c.tenant_id, c.id, c.name, c.mode, c.introspection, m.user_id
    from clients c
    join memberships m on m.tenant_id = c.tenant_id and m.user_id = in_user_id
   where c.tenant_id = in_tenant_id
     and c.token_client = in_token_client
     and c.revoked_at is null
     and m.left_at is null
$$;
ALTER FUNCTION app.client_of_token(in_tenant_id uuid, in_user_id uuid, in_token_client text) OWNER TO motomind;
CREATE FUNCTION app.current_readings(in_tenant_id uuid, vehicle_ids uuid[]) RETURNS TABLE(vehicle_id uuid, event_id uuid, occurred_at timestamp with time zone, miles integer, driven integer, rejected_reason text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select r.vehicle_id, r.event_id, r.occurred_at, r.miles, r.driven, r.rejected_reason
    from odometer_readings r
   where r.tenant_id = in_tenant_id
     and r.vehicle_id = any (array(
           select given.id from unnest(vehicle_ids) given (id)
            where not exists (select from vehicle_changes c where c.tenant_id = in_tenant_id and c.vehicle_id = given.id)))
  union all
  select r.*
    from app.odometer_readings(in_tenant_id, array(
           select given.id from unnest(vehicle_ids) given (id)
            where exists (select from vehicle_changes c where c.tenant_id = in_tenant_id and c.vehicle_id = given.id))) r
$$;
ALTER FUNCTION app.current_readings(in_tenant_id uuid, vehicle_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.current_spans(in_tenant_id uuid, vehicle_ids uuid[]) RETURNS TABLE(vehicle_id uuid, event_id uuid, started_at timestamp with time zone, ended_at timestamp with time zone, miles integer, gallons numeric, cost numeric, rejected_reason text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select s.vehicle_id, s.event_id, s.started_at, s.ended_at, s.miles, s.gallons, s.cost, s.rejected_reason
    from fuel_spans s
   where s.tenant_id = in_tenant_id
     and s.vehicle_id = any (array(
           select given.id from unnest(vehicle_ids) given (id)
            where not exists (select from vehicle_changes c where c.tenant_id = in_tenant_id and c.vehicle_id = given.id)))
  union all
  select s.*
    from app.fuel_spans(in_tenant_id, array(
           select given.id from unnest(vehicle_ids) given (id)
            where exists (select from vehicle_changes c where c.tenant_id = in_tenant_id and c.vehicle_id = given.id))) s
$$;
ALTER FUNCTION app.current_spans(in_tenant_id uuid, vehicle_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.current_tenant_key(in_tenant_id uuid, in_user_id uuid) RETURNS TABLE(key_id text, wrapped bytea, wrapped_by text, retired_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select k.key_id, k.wrapped, k.wrapped_by, k.retired_at
    from tenant_keys k
    join memberships m on m.tenant_id = k.tenant_id and m.user_id = in_user_id and m.left_at is null
   where k.tenant_id = in_tenant_id and k.retired_at is null
$$;
ALTER FUNCTION app.current_tenant_key(in_tenant_id uuid, in_user_id uuid) OWNER TO motomind;
CREATE FUNCTION app.economy_changes(in_tenant_id uuid, vehicle_ids uuid[], period_start date, period_end date, today date, threshold_pct numeric) RETURNS TABLE(vehicle_id uuid, miles bigint, gallons numeric, baseline_mpg numeric, baseline_source text, last_year_mpg numeric, change_pct numeric, last_year_change_pct numeric, is_decline boolean)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  -- The vehicles of one time zone together: so the period begins and ends at a moment, which an index knows.
  with zone as materialized (
    select z.ids, (period_start - interval '1 year') at time zone z.time_zone as year_before,
           period_start::timestamp at time zone z.time_zone as starts_at,
           period_end::timestamp at time zone z.time_zone as ends_at,
           (least(period_end, today + 1) - interval '1 year') at time zone z.time_zone as last_year_ends_at
      from (
        select coalesce(c.time_zone, t.time_zone) as time_zone, array_agg(given.id) as ids
          from unnest(vehicle_ids) given (id)
          join tenants t on t.id = in_tenant_id
          left join vehicle_calendars c on c.tenant_id = in_tenant_id and c.vehicle_id = given.id
         group by 1
      ) z
  ),
  summed as (
    select s.vehicle_id, count(*) filter (where s.is_now) as spans,
           sum(s.miles) filter (where s.is_now) as miles, sum(s.gallons) filter (where s.is_now) as gallons,
           count(*) filter (where not s.is_now) as spans_before,
           sum(s.miles) filter (where not s.is_now) as miles_before, sum(s.gallons) filter (where not s.is_now) as gallons_before,
           count(*) filter (where s.is_last_year) as spans_last_year,
           sum(s.miles) filter (where s.is_last_year) as miles_last_year,
           sum(s.gallons) filter (where s.is_last_year) as gallons_last_year
      from (
        select s.vehicle_id, s.miles::bigint as miles, s.gallons,
               s.ended_at >= z.starts_at as is_now, s.ended_at < z.last_year_ends_at as is_last_year
          from zone z
         cross join lateral app.current_spans(in_tenant_id, z.ids) s
         where s.rejected_reason is null and s.ended_at >= z.year_before and s.ended_at < z.ends_at
      ) s
     group by s.vehicle_id
  ),
  compared as (
    select s.vehicle_id, s.miles, s.gallons,
           case when b.is_expected then v.baseline_fuel_mpg when b.is_known then s.miles_before end as baseline_miles,
           case when b.is_expected then 1 when b.is_known then s.gallons_before end as baseline_gallons,
           case when b.is_expected then 'EXPECTED' else 'YEAR_BEFORE' end as baseline_source,
           case when b.is_last_year_known then s.miles_last_year end as last_year_miles,
           case when b.is_last_year_known then s.gallons_last_year end as last_year_gallons
      from summed s
      join vehicles v on v.tenant_id = in_tenant_id and v.id = s.vehicle_id
     cross join lateral (
       select v.baseline_fuel_mpg > 0, s.spans_before >= 4 and s.gallons_before >= 10,
              s.spans_last_year >= 4 and s.gallons_last_year >= 10
     ) b (is_expected, is_known, is_last_year_known)
     where s.spans >= 4 and s.gallons >= 10
  )
  select c.vehicle_id, c.miles::bigint, c.gallons, c.baseline_miles / c.baseline_gallons, c.baseline_source,
         c.last_year_miles / c.last_year_gallons,
         100 * (c.miles * c.baseline_gallons / (c.gallons * c.baseline_miles) - 1),
         100 * (c.miles * c.last_year_gallons / (c.gallons * c.last_year_miles) - 1),
         100 * c.miles * c.baseline_gallons <= (100 - threshold_pct) * c.gallons * c.baseline_miles
         and coalesce(100 * c.miles * c.last_year_gallons <= (100 - threshold_pct) * c.gallons * c.last_year_miles, true)
    from compared c
   where c.baseline_miles is not null
$$;
ALTER FUNCTION app.economy_changes(in_tenant_id uuid, vehicle_ids uuid[], period_start date, period_end date, today date, threshold_pct numeric) OWNER TO motomind;
CREATE FUNCTION app.enter(in_user_id uuid, in_tenant_id uuid, writes boolean, in_client_ip text DEFAULT NULL::text, in_user_agent text DEFAULT NULL::text, in_client_id uuid DEFAULT NULL::uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  caller record;
begin
  caller := app.resolve_caller(in_user_id, in_tenant_id, writes);
  perform set_config('app.tenant_id', in_tenant_id::text, true),
          set_config('app.user_id', in_user_id::text, true),
          set_config('app.role', caller.role, true),
          set_config('application_name', 'motomind ' || caller.role, true);
  if caller.role = 'viewer' or writes then
    perform set_config('app.read_grants', coalesce(caller.readable, '{}')::text, true),
            set_config('app.write_grants', coalesce(caller.writable, '{}')::text, true),
            set_config('app.admin_grants', coalesce(caller.administered, '{}')::text, true);
  end if;
  if writes then
    perform set_config('app.client_ip', coalesce(in_client_ip, ''), true),
            set_config('app.user_agent', coalesce(in_user_agent, ''), true),
            set_config('app.client_id', coalesce(in_client_id::text, ''), true);
  end if;
  perform set_config('role', case caller.role when 'viewer' then 'gateway_groups' else 'gateway_tenant' end, true);
end;
$$;
ALTER FUNCTION app.enter(in_user_id uuid, in_tenant_id uuid, writes boolean, in_client_ip text, in_user_agent text, in_client_id uuid) OWNER TO motomind;
CREATE FUNCTION app.explanations_due_of_vehicles() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
begin
  insert into explanations_due (tenant_id)
  select distinct n.tenant_id
    from new_rows n
    join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
   where (n.label, n.make, n.model, n.baseline_fuel_mpg, n.baseline_service_interval_miles)
         is distinct from (o.label, o.make, o.model, o.baseline_fuel_mpg, o.baseline_service_interval_miles);
  return null;
end;
$$;
ALTER FUNCTION app.explanations_due_of_vehicles() OWNER TO motomind;
CREATE FUNCTION app.first_service_day(is_due boolean, since timestamp with time zone, days double precision, due_on date, today date) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when is_due then today when d.day is not null then greatest(d.day, today) end
    from (select least(case when days <= 3652 then ((since + days * interval '1 day') at time zone 'UTC')::date end, due_on))
         as d (day)
$$;
ALTER FUNCTION app.first_service_day(is_due boolean, since timestamp with time zone, days double precision, due_on date, today date) OWNER TO motomind;
CREATE FUNCTION app.fleets_of_groups(in_tenant_id uuid) RETURNS TABLE(group_id uuid, root_id uuid, height integer)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
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
ALTER FUNCTION app.fleets_of_groups(in_tenant_id uuid) OWNER TO motomind;
CREATE FUNCTION app.fuel_spans(in_tenant_id uuid, vehicle_ids uuid[]) RETURNS TABLE(vehicle_id uuid, event_id uuid, started_at timestamp with time zone, ended_at timestamp with time zone, miles integer, gallons numeric, cost numeric, rejected_reason text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  with event as (
    select e.vehicle_id, e.id, e.occurred_at, e.gallons, e.cost, e.is_full_tank, e.missed_previous, e.odometer_miles
      from manual_events e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.event_type = 'fuel_purchase' and e.voided_at is null
    union all
    select e.vehicle_id, e.id, e.occurred_at, e.gallons, e.cost, e.is_full_tank, e.missed_previous, e.odometer_miles
      from manual_events_archive e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.event_type = 'fuel_purchase' and e.voided_at is null
  ),
  fill as (
    select e.*, r.driven,
           count(*) filter (where e.is_full_tank) over (partition by e.vehicle_id order by e.occurred_at, e.odometer_miles, e.id
                                                        rows between unbounded preceding and 1 preceding) as span
      from event e
      left join app.odometer_readings(in_tenant_id, vehicle_ids) r on r.vehicle_id = e.vehicle_id and r.event_id = e.id
  ),
  ended as (
    select f.vehicle_id, f.span, sum(f.gallons) as gallons,
           case when count(f.cost) = count(*) then sum(f.cost) end as cost,
           bool_or(f.missed_previous) as is_missed, bool_or(f.is_full_tank) as is_closed,
           (array_agg(f.id) filter (where f.is_full_tank))[1] as event_id,
           max(f.occurred_at) filter (where f.is_full_tank) as ended_at,
           max(f.driven) filter (where f.is_full_tank) as driven,
           bool_or(f.odometer_miles is null) filter (where f.is_full_tank) as is_without_odometer
      from fill f
     group by f.vehicle_id, f.span
  ),
  span as (
    select e.*, lag(e.ended_at) over in_time as started_at, e.driven - lag(e.driven) over in_time as miles,
           lag(e.is_without_odometer) over in_time as began_without_odometer
      from ended e
    window in_time as (partition by e.vehicle_id order by e.span)
  )
  select s.vehicle_id, s.event_id, s.started_at, s.ended_at, s.miles, s.gallons, s.cost,
         case when s.is_missed then 'MISSED_FILL'
              when s.is_without_odometer or s.began_without_odometer then 'MISSING_ODOMETER'
              when s.miles is null then 'REJECTED_ODOMETER'
              when s.miles / s.gallons not between 2 and 150 then 'IMPLAUSIBLE' end
    from span s
   where s.span > 0 and s.is_closed
$$;
ALTER FUNCTION app.fuel_spans(in_tenant_id uuid, vehicle_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.granted_groups() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select app.granted_groups('read') || app.granted_groups('write') || app.granted_groups('admin')
$$;
ALTER FUNCTION app.granted_groups() OWNER TO motomind;
CREATE FUNCTION app.granted_groups(level text) RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select coalesce(nullif(current_setting('app.' || level || '_grants', true), ''), '{}')::uuid[]
$$;
ALTER FUNCTION app.granted_groups(level text) OWNER TO motomind;
CREATE FUNCTION app.groups_below(in_tenant_id uuid, group_ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    AS $$
declare
  found uuid[] := group_ids;
  level uuid[] := group_ids;
begin
  while level is not null loop
    select array_agg(g.id) into level
      from fleet_groups g
     where g.tenant_id = in_tenant_id and g.parent_group_id = any (level) and g.id <> all (group_ids);
    found := found || level;
  end loop;
  return found;
end;
$$;
ALTER FUNCTION app.groups_below(in_tenant_id uuid, group_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.groups_under_grants(level text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
  granted constant uuid[] := app.granted_groups(level);
  found uuid[];
begin
  if cardinality(granted) = 1 then
    select s.group_ids into found
      from granted_subtrees s
     where s.tenant_id = app.tenant_id() and s.fleet_group_id = granted[1];
  elsif cardinality(granted) > 1 then
    select array_agg(g.id) into found
      from granted_subtrees s
     cross join unnest(s.group_ids) g (id)
     where s.tenant_id = app.tenant_id() and s.fleet_group_id = any (granted);
  end if;
  return coalesce(found, '{}');
end;
$$;
ALTER FUNCTION app.groups_under_grants(level text) OWNER TO motomind;
CREATE FUNCTION app.is_absent_or(value jsonb, type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select value is null or jsonb_typeof(value) in ('null', type) or (jsonb_typeof(value) = 'object' and value ? '$enc')
$_$;
ALTER FUNCTION app.is_absent_or(value jsonb, type text) OWNER TO motomind;
CREATE FUNCTION app.is_absent_or_number(value jsonb, low numeric, high numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when value is null or jsonb_typeof(value) = 'null' then true else app.is_number(value, low, high) end
$$;
ALTER FUNCTION app.is_absent_or_number(value jsonb, low numeric, high numeric) OWNER TO motomind;
CREATE FUNCTION app.is_drivable(from_at timestamp with time zone, from_miles integer, to_at timestamp with time zone, to_miles integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select to_miles between from_miles and from_miles + 1500 * (1 + extract(epoch from to_at - from_at) / 86400)
$$;
ALTER FUNCTION app.is_drivable(from_at timestamp with time zone, from_miles integer, to_at timestamp with time zone, to_miles integer) OWNER TO motomind;
CREATE FUNCTION app.is_fuel_purchase(payload jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select app.is_number(payload -> 'gallons', 0.001, 10000)
     and app.is_absent_or_number(payload -> 'price_per_gallon', 0, 1000)
     and app.is_absent_or_number(payload -> 'total_cost', 0, 1000000)
     and app.is_absent_or_number(payload -> 'odometer_miles', 0, 9999999)
     and app.is_absent_or(payload -> 'fuel_type', 'string')
     and app.is_absent_or(payload -> 'station_name', 'string')
     and app.is_absent_or(payload -> 'is_full_tank', 'boolean')
     and app.is_absent_or(payload -> 'missed_previous', 'boolean')
     and app.is_absent_or(payload -> 'receipt_data', 'object')
     and app.is_absent_or(payload -> 'extracted_fields', 'object')
$$;
ALTER FUNCTION app.is_fuel_purchase(payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.is_issue_report(payload jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select coalesce(payload ->> 'severity' in ('low', 'medium', 'high', 'critical'), false)
     and jsonb_typeof(payload -> 'description') is not distinct from 'string'
     and app.is_absent_or_number(payload -> 'odometer_miles', 0, 9999999)
     and app.is_absent_or(payload -> 'resolved_at', 'string')
$$;
ALTER FUNCTION app.is_issue_report(payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.is_maintenance(payload jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select jsonb_typeof(payload -> 'service_type') is not distinct from 'string'
     and app.is_absent_or_number(payload -> 'odometer_miles', 0, 9999999)
     and app.is_absent_or_number(payload -> 'cost', 0, 10000000)
     and app.is_absent_or(payload -> 'parts_replaced', 'array')
     and app.is_absent_or(payload -> 'next_service', 'object')
$$;
ALTER FUNCTION app.is_maintenance(payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.is_number(value jsonb, low numeric, high numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case jsonb_typeof(value) when 'number' then value::numeric between low and high else false end
$$;
ALTER FUNCTION app.is_number(value jsonb, low numeric, high numeric) OWNER TO motomind;
CREATE FUNCTION app.is_odometer_reading(payload jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select app.is_number(payload -> 'miles', 0, 9999999)
     and app.is_absent_or_number(payload -> 'ocr_confidence', 0, 100)
     and app.is_absent_or(payload -> 'image_metadata', 'object')
     and app.is_absent_or(payload -> 'location', 'object')
     and app.is_absent_or(payload -> 'device_info', 'object')
$$;
ALTER FUNCTION app.is_odometer_reading(payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.is_payload(event_type text, payload jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case event_type
           when 'odometer_reading' then app.is_odometer_reading(payload)
           when 'fuel_purchase' then app.is_fuel_purchase(payload)
           when 'maintenance' then app.is_maintenance(payload)
           when 'issue_report' then app.is_issue_report(payload)
           when 'trip_batch' then app.is_trip_batch(payload)
           else false
         end
$$;
ALTER FUNCTION app.is_payload(event_type text, payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.is_trip_batch(payload jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case jsonb_typeof(payload -> 'trips') when 'array' then not exists (
           select from jsonb_array_elements(payload -> 'trips') as trip
            where jsonb_typeof(trip) <> 'object'
               or jsonb_typeof(trip -> 'start') is distinct from 'string'
               or jsonb_typeof(trip -> 'end') is distinct from 'string'
               or not app.is_number(coalesce(trip -> 'miles', 'null'), 0, 100000)
               or not app.is_absent_or_number(trip -> 'idle_minutes', 0, 100000)
               or not app.is_absent_or_number(trip -> 'harsh_events', 0, 100000)
         ) else false end
$$;
ALTER FUNCTION app.is_trip_batch(payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.keep_subtrees_of_groups() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
declare
  is_moved boolean;
  is_renumbered boolean;
begin
  case tg_op
    when 'INSERT' then
      if not exists (select from new_rows where parent_group_id is not null) then
        return null;
      end if;
      perform app.lock_trees(array(select tenant_id from new_rows));
      update granted_subtrees s
         set group_ids = s.group_ids || array(select b.id
                                                from unnest(app.groups_below(s.tenant_id, a.ids)) b (id)
                                               where b.id <> all (s.group_ids))
        from (select s.tenant_id, s.fleet_group_id, array_agg(n.id) as ids
                from granted_subtrees s
                join new_rows n on n.tenant_id = s.tenant_id and n.parent_group_id = any (s.group_ids)
               group by s.tenant_id, s.fleet_group_id) a
       where a.tenant_id = s.tenant_id and a.fleet_group_id = s.fleet_group_id;
    when 'UPDATE' then
      select bool_or(n.parent_group_id is distinct from o.parent_group_id), bool_or(o.id is null)
        into is_moved, is_renumbered
        from new_rows n
        left join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id;
      if is_renumbered then
        raise exception 'a fleet group keeps its id' using errcode = 'feature_not_supported';
      elsif not coalesce(is_moved, false) then
        return null;
      end if;
      perform app.lock_trees(array(select tenant_id from new_rows));
      update granted_subtrees s
         set group_ids = app.groups_below(s.tenant_id, array[s.fleet_group_id])
       where exists (select from new_rows n
                       join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
                      where n.tenant_id = s.tenant_id and n.parent_group_id is distinct from o.parent_group_id
                        and (n.id = any (s.group_ids) or n.parent_group_id = any (s.group_ids)));
    when 'DELETE' then
      if not exists (select from old_rows) then
        return null;
      end if;
      perform app.lock_trees(array(select tenant_id from old_rows));
      update granted_subtrees s
         set group_ids = array(select i from unnest(s.group_ids) i where i not in (select o.id from old_rows o))
       where exists (select from old_rows o where o.tenant_id = s.tenant_id and o.id = any (s.group_ids));
  end case;
  return null;
end;
$$;
ALTER FUNCTION app.keep_subtrees_of_groups() OWNER TO motomind;
CREATE FUNCTION app.keep_subtrees_of_permissions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  if tg_op <> 'DELETE' then
    perform app.lock_trees(array(select tenant_id from new_rows));
    insert into granted_subtrees (tenant_id, fleet_group_id, group_ids)
    select n.tenant_id, n.fleet_group_id, app.groups_below(n.tenant_id, array[n.fleet_group_id])
      from (select distinct tenant_id, fleet_group_id from new_rows) n
     where not exists (select from granted_subtrees s
                        where s.tenant_id = n.tenant_id and s.fleet_group_id = n.fleet_group_id);
  end if;
  if tg_op <> 'INSERT' then
    perform app.lock_trees(array(select tenant_id from old_rows));
    delete from granted_subtrees s
     using (select distinct tenant_id, fleet_group_id from old_rows) o
     where o.tenant_id = s.tenant_id and o.fleet_group_id = s.fleet_group_id
       and not exists (select from group_permissions p
                        where p.tenant_id = s.tenant_id and p.fleet_group_id = s.fleet_group_id);
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.keep_subtrees_of_permissions() OWNER TO motomind;
CREATE FUNCTION app.lock_trees(tenant_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  -- Under the lock what the others left must be visible; a snapshot from before it would hide that. Under SERIALIZABLE it
  -- is one as well, and what others do under READ COMMITTED is not looked after.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'fleet groups and permissions are changed under READ COMMITTED'
      using errcode = 'feature_not_supported';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('fleet_groups ' || t.id::text, 0))
    from (select distinct id from unnest(tenant_ids) id order by id) t;
end;
$$;
ALTER FUNCTION app.lock_trees(tenant_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.maintenance_predictions(in_tenant_id uuid, vehicle_ids uuid[], as_of timestamp with time zone, fleet_ids uuid[] DEFAULT NULL::uuid[]) RETURNS TABLE(vehicle_id uuid, next_service_date date, earliest date, latest date, risk_score double precision, factors jsonb, as_of_day date, method_version text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
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
ALTER FUNCTION app.maintenance_predictions(in_tenant_id uuid, vehicle_ids uuid[], as_of timestamp with time zone, fleet_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.make_event_partitions(first_day date, last_day date) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    AS $$
declare
  month date := date_trunc('month', first_day);
  partition_name text;
  made integer := 0;
begin
  while month <= last_day loop
    partition_name := 'manual_events_' || to_char(month, 'YYYY_MM');
    if to_regclass('public.' || partition_name) is null then
      execute format('create table %I (like manual_events including all)', partition_name);
      execute format(
        'with moved as (delete from manual_events_default where occurred_at >= %L and occurred_at < %L returning *)
         insert into %I (tenant_id, id, vehicle_id, source_upload_id, event_type, payload, confidence, verified_by_user,
                         created_by, occurred_at, created_at, updated_at, version, voided_at, void_reason)
         select tenant_id, id, vehicle_id, source_upload_id, event_type, payload, confidence, verified_by_user,
                created_by, occurred_at, created_at, updated_at, version, voided_at, void_reason from moved',
        month::timestamptz, (month + interval '1 month')::timestamptz, partition_name);
      execute format('alter table manual_events attach partition %I for values from (%L) to (%L)',
        partition_name, month::timestamptz, (month + interval '1 month')::timestamptz);
      perform app.secure_partition(partition_name);
      made := made + 1;
    end if;
    month := month + interval '1 month';
  end loop;
  return made;
end;
$$;
ALTER FUNCTION app.make_event_partitions(first_day date, last_day date) OWNER TO motomind;
CREATE FUNCTION app.metrics_due_of_groups() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into metrics_due (tenant_id, vehicle_id)
  with recursive below as (
    select changed.tenant_id, changed.id
      from (select n.tenant_id, n.id, n.parent_group_id, n.metadata -> 'time_zone' from new_rows n
            except
            select o.tenant_id, o.id, o.parent_group_id, o.metadata -> 'time_zone' from old_rows o) changed
    union
    select g.tenant_id, g.id
      from below b
      join fleet_groups g on g.tenant_id = b.tenant_id and g.parent_group_id = b.id
  )
  select v.tenant_id, v.id
    from below b
    join vehicles v on v.tenant_id = b.tenant_id and v.fleet_group_id = b.id;
  return null;
end;
$$;
ALTER FUNCTION app.metrics_due_of_groups() OWNER TO motomind;
CREATE FUNCTION app.metrics_due_of_tenants() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into metrics_due (tenant_id, vehicle_id)
  select v.tenant_id, v.id
    from new_rows n
    join old_rows o on o.id = n.id
    join vehicles v on v.tenant_id = n.id
   where n.time_zone <> o.time_zone;
  return null;
end;
$$;
ALTER FUNCTION app.metrics_due_of_tenants() OWNER TO motomind;
CREATE FUNCTION app.metrics_due_of_vehicles() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
begin
  insert into metrics_due (tenant_id, vehicle_id)
  select n.tenant_id, n.id
    from new_rows n
    join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
   where n.fleet_group_id is distinct from o.fleet_group_id
      or n.extended_attributes #> '{operational,time_zone}' is distinct from o.extended_attributes #> '{operational,time_zone}';
  return null;
end;
$$;
ALTER FUNCTION app.metrics_due_of_vehicles() OWNER TO motomind;
CREATE FUNCTION app.moment_of(said text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET "TimeZone" TO 'UTC'
    AS $$
begin
  return case when said ~ '^\d{4}-\d\d-\d\d' then said::timestamptz end;
exception when data_exception then
  return null;
end;
$$;
ALTER FUNCTION app.moment_of(said text) OWNER TO motomind;
CREATE FUNCTION app.needs_encryption(value jsonb, current_key text, in_clear jsonpath[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
  select strpos(replace(value::text, '"key": "' || current_key || '", "$enc": "v1"', ''), '"$enc": "v1"') > 0
      or exists (select from unnest(in_clear) p where jsonb_path_exists(value, p))
$_$;
ALTER FUNCTION app.needs_encryption(value jsonb, current_key text, in_clear jsonpath[]) OWNER TO motomind;
CREATE FUNCTION app.next_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  new.updated_at := now();
  new.version := old.version + 1;
  return new;
end;
$$;
ALTER FUNCTION app.next_version() OWNER TO motomind;
CREATE FUNCTION app.note_group_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
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
$_$;
ALTER FUNCTION app.note_group_changes() OWNER TO motomind;
CREATE FUNCTION app.note_groups_of_vehicles() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
begin
  if tg_op = 'UPDATE' then
    insert into group_changes (tenant_id, fleet_group_id, since)
    select distinct n.tenant_id,
           unnest(array[coalesce(n.fleet_group_id, n.tenant_id), coalesce(o.fleet_group_id, n.tenant_id)]), date '-infinity'
      from changed n
      join replaced o on o.tenant_id = n.tenant_id and o.id = n.id
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
ALTER FUNCTION app.note_groups_of_vehicles() OWNER TO motomind;
CREATE FUNCTION app.note_summaries_of_calendars() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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
ALTER FUNCTION app.note_summaries_of_calendars() OWNER TO motomind;
CREATE FUNCTION app.note_summaries_of_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
  select distinct tenant_id, fleet_group_id, '{}'::datemultirange from changed;
  return null;
end;
$$;
ALTER FUNCTION app.note_summaries_of_changes() OWNER TO motomind;
CREATE FUNCTION app.note_summaries_of_groups() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
begin
  if tg_op = 'INSERT' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days) select tenant_id, id, '{}'::datemultirange from changed;
  elsif tg_op = 'DELETE' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select distinct tenant_id, coalesce(parent_group_id, tenant_id), '{(,)}'::datemultirange from changed;
  else
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select distinct n.tenant_id, unnest(array_remove(array[n.id, o.parent_group_id], null)), '{(,)}'::datemultirange
      from changed n
      join replaced o on o.tenant_id = n.tenant_id and o.id = n.id
     where n.parent_group_id is distinct from o.parent_group_id;
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.note_summaries_of_groups() OWNER TO motomind;
CREATE FUNCTION app.note_summaries_of_metrics() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
  select tenant_id, fleet_group_id, range_agg(daterange(metric_date, metric_date + 1))
    from changed
   where period_type = 'daily'
   group by tenant_id, fleet_group_id;
  return null;
end;
$$;
ALTER FUNCTION app.note_summaries_of_metrics() OWNER TO motomind;
CREATE FUNCTION app.note_summaries_of_vehicles() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
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
ALTER FUNCTION app.note_summaries_of_vehicles() OWNER TO motomind;
CREATE FUNCTION app.note_vehicle_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  if tg_op = 'UPDATE' then
    insert into vehicle_changes (tenant_id, vehicle_id, occurred_at)
    select tenant_id, vehicle_id, min(occurred_at)
      from (
        select tenant_id, vehicle_id, occurred_at from changed
        union all
        select tenant_id, vehicle_id, occurred_at from replaced
      ) event
     group by tenant_id, vehicle_id;
  else
    insert into vehicle_changes (tenant_id, vehicle_id, occurred_at)
    select tenant_id, vehicle_id, min(occurred_at) from changed group by tenant_id, vehicle_id;
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.note_vehicle_changes() OWNER TO motomind;
CREATE FUNCTION app.odometer_readings(in_tenant_id uuid, vehicle_ids uuid[]) RETURNS TABLE(vehicle_id uuid, event_id uuid, occurred_at timestamp with time zone, miles integer, driven integer, rejected_reason text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  with event as (
    select e.vehicle_id, e.id, e.occurred_at, e.odometer_miles, e.verified_by_user, e.confidence, e.event_type, e.payload
      from manual_events e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.odometer_miles is not null and e.voided_at is null
    union all
    select e.vehicle_id, e.id, e.occurred_at, e.odometer_miles, e.verified_by_user, e.confidence, e.event_type, e.payload
      from manual_events_archive e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.odometer_miles is not null and e.voided_at is null
  ),
  reading as (
    select e.vehicle_id, e.id, e.occurred_at, e.odometer_miles as miles, r.begins,
           case when r.begins then 1000000000000 when e.verified_by_user then 1000000 else 100 + e.confidence end as weight,
           case when r.begins then app.payload_number(e.payload, 'replaced_odometer_miles') end as replaced_miles,
           count(*) filter (where r.begins) over (partition by e.vehicle_id order by e.occurred_at, e.odometer_miles, e.id) as odometer
      from event e
     cross join lateral (
       select coalesce(e.event_type = 'maintenance' and e.payload ->> 'service_type' = 'odometer_replacement', false)
     ) r (begins)
  ),
  step as (
    select r.*,
           coalesce(app.is_drivable(lag(r.occurred_at) over odometer_in_time, lag(r.miles) over odometer_in_time,
                                    r.occurred_at, r.miles), true) as is_drivable
      from reading r
    window odometer_in_time as (partition by r.vehicle_id, r.odometer order by r.occurred_at, r.miles, r.id)
  ),
  judged as (
    select s.vehicle_id, s.odometer, one.*
      from (
        select vehicle_id, odometer, bool_and(is_drivable) as is_chain,
               array_agg(id order by occurred_at, miles, id) as ids,
               array_agg(occurred_at order by occurred_at, miles, id) as at,
               array_agg(miles order by occurred_at, miles, id) as miles,
               array_agg(weight::bigint order by occurred_at, miles, id) as weights,
               array_agg(replaced_miles order by occurred_at, miles, id) as replaced
          from step
         group by vehicle_id, odometer
      ) s
     cross join lateral unnest(
       s.ids, s.at, s.miles, s.replaced,
       case when s.is_chain then array_fill(true, array[array_length(s.ids, 1)])
            else app.accepted_readings(s.at, s.miles, s.weights) end
     ) with ordinality as one (id, occurred_at, miles, replaced_miles, is_accepted, position)
  ),
  ends as (
    select vehicle_id, odometer, min(miles) filter (where is_accepted) as first_miles,
           max(miles) filter (where is_accepted) as last_miles, max(replaced_miles) as replaced_miles
      from judged
     group by vehicle_id, odometer
  ),
  offsets as (
    select vehicle_id, odometer, first_miles,
           coalesce(sum(last_miles - first_miles) over (earlier rows between unbounded preceding and 1 preceding), 0)
             + coalesce(sum(greatest(replaced_miles - before_miles, 0)) over earlier, 0) as driven
      from (select *, lag(last_miles) over (partition by vehicle_id order by odometer) as before_miles from ends) e
    window earlier as (partition by vehicle_id order by odometer)
  )
  select j.vehicle_id, j.id, j.occurred_at, j.miles,
         case when j.is_accepted then (o.driven + j.miles - o.first_miles)::integer end,
         case when j.is_accepted then null
              when j.miles < max(j.miles) filter (where j.is_accepted) over earlier then 'BELOW_EARLIER_READING'
              when j.miles > min(j.miles) filter (where j.is_accepted) over later then 'ABOVE_LATER_READING'
              else 'TOO_MANY_MILES_PER_DAY' end
    from judged j
    join offsets o on o.vehicle_id = j.vehicle_id and o.odometer = j.odometer
  window earlier as (partition by j.vehicle_id, j.odometer order by j.position rows between unbounded preceding and 1 preceding),
         later as (partition by j.vehicle_id, j.odometer order by j.position rows between 1 following and unbounded following)
$$;
ALTER FUNCTION app.odometer_readings(in_tenant_id uuid, vehicle_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.outermost_groups(in_tenant_id uuid, granted uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    AS $$
begin
  if coalesce(cardinality(granted), 0) < 2
     or (select sum(pg_column_size(s.group_ids)) from granted_subtrees s
          where s.tenant_id = in_tenant_id and s.fleet_group_id = any (granted)) < 65536 then
    return granted;
  end if;
  return array(
    with recursive above as (
      select g.id, g.parent_group_id as above_id
        from fleet_groups g
       where g.tenant_id = in_tenant_id and g.id = any (granted)
      union all
      select a.id, g.parent_group_id
        from above a
        join fleet_groups g on g.tenant_id = in_tenant_id and g.id = a.above_id
       where a.above_id <> all (granted)
    )
    select a.id from above a group by a.id having not coalesce(bool_or(a.above_id = any (granted)), false)
  );
end;
$$;
ALTER FUNCTION app.outermost_groups(in_tenant_id uuid, granted uuid[]) OWNER TO motomind;
CREATE FUNCTION app.payload_cost(event_type text, payload jsonb) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case event_type
           when 'fuel_purchase' then coalesce(
             app.payload_number(payload, 'total_cost'),
             round(app.payload_number(payload, 'gallons') * app.payload_number(payload, 'price_per_gallon'), 2))
           when 'maintenance' then app.payload_number(payload, 'cost')
         end
$$;
ALTER FUNCTION app.payload_cost(event_type text, payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.payload_number(payload jsonb, key text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when jsonb_typeof(payload -> key) = 'number' then (payload ->> key)::numeric end
$$;
ALTER FUNCTION app.payload_number(payload jsonb, key text) OWNER TO motomind;
CREATE FUNCTION app.payload_odometer(event_type text, payload jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when miles between 0 and 9999999 then miles::integer end
    from (select app.payload_number(payload, case event_type when 'odometer_reading' then 'miles' else 'odometer_miles' end)) as t (miles)
$$;
ALTER FUNCTION app.payload_odometer(event_type text, payload jsonb) OWNER TO motomind;
CREATE FUNCTION app.pending_migrations(in_known text[]) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select k.id
    from unnest(in_known) k (id)
   where not exists (select from _yoyo_migration m where m.migration_id = k.id)
   order by k.id
$$;
ALTER FUNCTION app.pending_migrations(in_known text[]) OWNER TO motomind;
CREATE FUNCTION app.period_in_words(starts_on date, ends_on date, today date) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case when ends_on > today then 'since ' || to_char(starts_on, 'FMDD FMMonth YYYY')
              else 'from ' || to_char(starts_on, case when extract(year from starts_on) = extract(year from ends_on - 1)
                                                      then 'FMDD FMMonth' else 'FMDD FMMonth YYYY' end)
                   || ' to ' || to_char(ends_on - 1, 'FMDD FMMonth YYYY') end
$$;
ALTER FUNCTION app.period_in_words(starts_on date, ends_on date, today date) OWNER TO motomind;
CREATE FUNCTION app.person_of_email(in_email text, in_name text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  person uuid;
begin
  if app.role() is distinct from 'owner' then
    raise exception 'members are added by owners' using errcode = 'insufficient_privilege';
  end if;
  insert into users (email, name) values (in_email, in_name)
  on conflict (lower(email)) do nothing
  returning id into person;
  if person is null then
    select u.id into person from users u where lower(u.email) = lower(in_email);
  end if;
  return person;
end;
$$;
ALTER FUNCTION app.person_of_email(in_email text, in_name text) OWNER TO motomind;
CREATE FUNCTION app.prediction_method() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select '1' $$;
ALTER FUNCTION app.prediction_method() OWNER TO motomind;
CREATE FUNCTION app.queue_on_tree() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  if app.tenant_id() is not null then
    perform app.lock_trees(array[app.tenant_id()]);
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.queue_on_tree() OWNER TO motomind;
CREATE FUNCTION app.rates_of_classes(in_tenant_id uuid, vehicle_ids uuid[], fleet_ids uuid[] DEFAULT NULL::uuid[]) RETURNS TABLE(vehicle_id uuid, class text, sums double precision[])
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
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
ALTER FUNCTION app.rates_of_classes(in_tenant_id uuid, vehicle_ids uuid[], fleet_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.readable_groups() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select app.groups_under_grants('read')
$$;
ALTER FUNCTION app.readable_groups() OWNER TO motomind;
CREATE FUNCTION app.recent_documents(in_limit integer) RETURNS TABLE(text text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select d.text
    from (select c.text, coalesce(c.last_used_at, c.created_at) as used_at
            from client_documents c
           where c.retired_at is null
           union all
          select r.text, r.last_used_at from registered_documents r) d
   group by d.text
   order by max(d.used_at) desc
   limit in_limit
$$;
ALTER FUNCTION app.recent_documents(in_limit integer) OWNER TO motomind;
CREATE FUNCTION app.record_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
begin
  if tg_op = 'INSERT' then
    insert into audit_trail (tenant_id, table_name, record_id, operation, new_values,
                             changed_by, client_ip, user_agent, client_id)
    select (n.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(n.v ->> 'id', n.v ->> 'user_id')::uuid, 'insert', n.v,
           app.user_id(), app.client_ip(), app.user_agent(), app.client_id()
      from (select to_jsonb(new_rows) - 'digest' from new_rows) as n (v);
  elsif tg_op = 'UPDATE' then
    insert into audit_trail (tenant_id, table_name, record_id, operation, old_values, new_values,
                             changed_by, client_ip, user_agent, client_id)
    select (n.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(n.v ->> 'id', n.v ->> 'user_id')::uuid, 'update', o.v, n.v,
           app.user_id(), app.client_ip(), app.user_agent(), app.client_id()
      from (select to_jsonb(new_rows) - 'digest' from new_rows) as n (v)
      join (select to_jsonb(old_rows) - 'digest' from old_rows) as o (v)
        on coalesce(o.v ->> 'id', o.v ->> 'user_id') = coalesce(n.v ->> 'id', n.v ->> 'user_id')
       and o.v ->> 'tenant_id' is not distinct from n.v ->> 'tenant_id';
  else
    insert into audit_trail (tenant_id, table_name, record_id, operation, old_values,
                             changed_by, client_ip, user_agent, client_id)
    select (o.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(o.v ->> 'id', o.v ->> 'user_id')::uuid, 'delete', o.v,
           app.user_id(), app.client_ip(), app.user_agent(), app.client_id()
      from (select to_jsonb(old_rows) - 'digest' from old_rows) as o (v);
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.record_audit() OWNER TO motomind;
CREATE FUNCTION app.record_documents(in_seen jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  update client_documents d
     set last_used_at = now()
    from (select distinct s.tenant_id, s.client_id, s.document_id
            from jsonb_to_recordset(in_seen -> 'trusted') as s (tenant_id uuid, client_id uuid, document_id text)) s
   where d.tenant_id = s.tenant_id and d.client_id = s.client_id and d.document_id = s.document_id;
  update registered_documents d
     set last_used_at = now()
    from (select distinct s.tenant_id, s.sha256
            from jsonb_to_recordset(in_seen -> 'registered') as s (tenant_id uuid, sha256 text)) s
   where d.tenant_id = s.tenant_id and d.sha256 = s.sha256;
  insert into unknown_documents as u (tenant_id, client_id, sha256, text, seen)
  select s.tenant_id, s.client_id, s.sha256, min(s.text), sum(s.seen)
    from jsonb_to_recordset(in_seen -> 'unknown')
         as s (tenant_id uuid, client_id uuid, sha256 text, text text, seen bigint)
    join clients c on c.tenant_id = s.tenant_id and c.id = s.client_id
   where (select count(*) from unknown_documents x
           where x.tenant_id = s.tenant_id and x.client_id = s.client_id) < 1000
      or exists (select from unknown_documents x
                  where x.tenant_id = s.tenant_id and x.client_id = s.client_id and x.sha256 = s.sha256)
   group by s.tenant_id, s.client_id, s.sha256
  on conflict (tenant_id, client_id, sha256) do update
     set seen = u.seen + excluded.seen, last_seen_at = now();
end;
$$;
ALTER FUNCTION app.record_documents(in_seen jsonb) OWNER TO motomind;
CREATE FUNCTION app.record_usage(in_usage jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  used record;
begin
  for used in
    select u.*
      from jsonb_to_recordset(in_usage)
           as u (tenant_id uuid, client_id uuid, day date, document text, requests integer, errors integer,
                 not_modified integer, requested_cost double precision, actual_cost double precision,
                 milliseconds double precision)
      join tenants t on t.id = u.tenant_id
     where u.client_id is null
        or exists (select from clients c where c.tenant_id = u.tenant_id and c.id = u.client_id)
     order by u.tenant_id, u.day, u.client_id, u.document
  loop
    if not exists (select from document_usage d
                    where d.tenant_id = used.tenant_id and d.day = used.day
                      and d.client_id is not distinct from used.client_id and d.document = used.document)
       and (select count(*) >= 1000 from document_usage d
             where d.tenant_id = used.tenant_id and d.day = used.day
               and d.client_id is not distinct from used.client_id) then
      used.document := '(other)';
    end if;
    insert into document_usage as d (tenant_id, day, client_id, document, requests, errors, not_modified,
                                     requested_cost, actual_cost, milliseconds)
    values (used.tenant_id, used.day, used.client_id, used.document, used.requests, used.errors, used.not_modified,
            used.requested_cost, used.actual_cost, used.milliseconds)
    on conflict (tenant_id, day, client_id, document) do update
       set requests = d.requests + excluded.requests,
           errors = d.errors + excluded.errors,
           not_modified = d.not_modified + excluded.not_modified,
           requested_cost = d.requested_cost + excluded.requested_cost,
           actual_cost = d.actual_cost + excluded.actual_cost,
           milliseconds = d.milliseconds + excluded.milliseconds,
           last_used_at = now();
  end loop;
end;
$$;
ALTER FUNCTION app.record_usage(in_usage jsonb) OWNER TO motomind;
CREATE FUNCTION app.record_user_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into audit_trail (tenant_id, table_name, record_id, operation, old_values, new_values, changed_by, client_ip, user_agent)
  select m.tenant_id, 'users', n.id, 'update', to_jsonb(o), to_jsonb(n), app.user_id(), app.client_ip(), app.user_agent()
    from new_rows n
    join old_rows o on o.id = n.id
    join memberships m on m.user_id = n.id and m.left_at is null;
  -- The person changed for every tenant that knows them: their aggregate moves on there.
  update memberships set updated_at = now() where user_id in (select id from new_rows) and left_at is null;
  return null;
end;
$$;
ALTER FUNCTION app.record_user_audit() OWNER TO motomind;
CREATE FUNCTION app.refresh_changed_figures() RETURNS integer
    LANGUAGE plpgsql
    AS $$
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
ALTER FUNCTION app.refresh_changed_figures() OWNER TO motomind;
CREATE FUNCTION app.refresh_changed_groups(in_tenant_id uuid, at_most integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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
ALTER FUNCTION app.refresh_changed_groups(in_tenant_id uuid, at_most integer) OWNER TO motomind;
CREATE FUNCTION app.refresh_class_rates(in_tenant_id uuid, within interval) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('class_rates ' || in_tenant_id::text, 0))
     or exists (select from class_rates c where c.tenant_id = in_tenant_id and c.refreshed_at > now() - within) then
    return false;
  end if;
  delete from class_rates c where c.tenant_id = in_tenant_id;
  insert into class_rates
    (tenant_id, fleet_group_id, make, model, vehicles, miles_a_day, miles_a_day_squared, repairs, driven, services,
     late_services)
  select in_tenant_id, v.fleet_group_id, v.make, v.model, count(*) filter (where h.days >= 30),
         coalesce(sum(h.miles_a_day) filter (where h.days >= 30), 0),
         coalesce(sum(h.miles_a_day ^ 2) filter (where h.days >= 30), 0),
         sum(h.repairs), sum(h.driven), sum(h.services), sum(h.late_services)
    from app.vehicle_history(in_tenant_id, array(select v.id from vehicles v where v.tenant_id = in_tenant_id)) h
    join vehicles v on v.tenant_id = in_tenant_id and v.id = h.vehicle_id
   group by v.fleet_group_id, v.make, v.model;
  return true;
end;
$$;
ALTER FUNCTION app.refresh_class_rates(in_tenant_id uuid, within interval) OWNER TO motomind;
CREATE FUNCTION app.refresh_figures(in_tenant_id uuid, vehicle_ids uuid[]) RETURNS TABLE(changed_vehicle_id uuid, changed_since timestamp with time zone)
    LANGUAGE sql
    SET enable_nestloop TO 'off'
    AS $$  -- the planner takes what functions return for a few rows
  with reading as materialized (select * from app.odometer_readings(in_tenant_id, vehicle_ids)),
  gone_reading as (
    delete from odometer_readings o
     where o.tenant_id = in_tenant_id and o.vehicle_id = any (vehicle_ids)
       and not exists (select from reading r where r.vehicle_id = o.vehicle_id and r.event_id = o.event_id)
    returning o.vehicle_id, o.occurred_at
  ),
  stored_reading as (
    insert into odometer_readings as o (tenant_id, vehicle_id, event_id, occurred_at, miles, driven, rejected_reason)
    select in_tenant_id, r.vehicle_id, r.event_id, r.occurred_at, r.miles, r.driven, r.rejected_reason from reading r
    on conflict (tenant_id, vehicle_id, event_id) do update
       set occurred_at = excluded.occurred_at, miles = excluded.miles, driven = excluded.driven,
           rejected_reason = excluded.rejected_reason
     where (o.occurred_at, o.miles, o.driven, o.rejected_reason)
           is distinct from (excluded.occurred_at, excluded.miles, excluded.driven, excluded.rejected_reason)
    returning o.vehicle_id, o.occurred_at
  ),
  span as materialized (select * from app.fuel_spans(in_tenant_id, vehicle_ids)),
  gone_span as (
    delete from fuel_spans f
     where f.tenant_id = in_tenant_id and f.vehicle_id = any (vehicle_ids)
       and not exists (select from span s where s.vehicle_id = f.vehicle_id and s.event_id = f.event_id)
    returning f.vehicle_id, f.started_at
  ),
  stored_span as (
    insert into fuel_spans as f (tenant_id, vehicle_id, event_id, started_at, ended_at, miles, gallons, cost, rejected_reason)
    select in_tenant_id, s.vehicle_id, s.event_id, s.started_at, s.ended_at, s.miles, s.gallons, s.cost, s.rejected_reason
      from span s
    on conflict (tenant_id, vehicle_id, event_id) do update
       set started_at = excluded.started_at, ended_at = excluded.ended_at, miles = excluded.miles,
           gallons = excluded.gallons, cost = excluded.cost, rejected_reason = excluded.rejected_reason
     where (f.started_at, f.ended_at, f.miles, f.gallons, f.cost, f.rejected_reason) is distinct from
           (excluded.started_at, excluded.ended_at, excluded.miles, excluded.gallons, excluded.cost, excluded.rejected_reason)
    returning f.vehicle_id, f.started_at
  )
  select vehicle_id, min(since)
    from (
      select vehicle_id, occurred_at from gone_reading
      union all
      select vehicle_id, occurred_at from stored_reading
      union all
      select vehicle_id, started_at from gone_span
      union all
      select vehicle_id, started_at from stored_span
    ) difference (vehicle_id, since)
   group by vehicle_id
$$;
ALTER FUNCTION app.refresh_figures(in_tenant_id uuid, vehicle_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.refresh_fleet_summaries(in_tenant_id uuid, moment timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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
ALTER FUNCTION app.refresh_fleet_summaries(in_tenant_id uuid, moment timestamp with time zone) OWNER TO motomind;
CREATE FUNCTION app.refresh_group_metrics(in_tenant_id uuid, group_ids uuid[], since date[]) RETURNS void
    LANGUAGE sql
    AS $$
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
ALTER FUNCTION app.refresh_group_metrics(in_tenant_id uuid, group_ids uuid[], since date[]) OWNER TO motomind;
CREATE FUNCTION app.refresh_group_outlooks(in_tenant_id uuid, group_ids uuid[], today date, moment timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
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
ALTER FUNCTION app.refresh_group_outlooks(in_tenant_id uuid, group_ids uuid[], today date, moment timestamp with time zone) OWNER TO motomind;
CREATE FUNCTION app.refund(in_refunds jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  refund record;
begin
  for refund in
    select r.tenant_id, r.credential_id, sum(r.points) as points
      from jsonb_to_recordset(in_refunds) as r (tenant_id uuid, credential_id uuid, points double precision)
     group by r.tenant_id, r.credential_id
     order by r.tenant_id, r.credential_id
  loop
    update budgets b
       set available = greatest(least(b.available + refund.points, b.capacity), -b.capacity)
     where b.tenant_id = refund.tenant_id and b.credential_id = refund.credential_id;
  end loop;
end;
$$;
ALTER FUNCTION app.refund(in_refunds jsonb) OWNER TO motomind;
CREATE FUNCTION app.refuse_group_cycle() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  offender uuid;
begin
  if not exists (select from changed where parent_group_id is not null) then
    return null;
  end if;
  perform app.lock_trees(array(select tenant_id from changed));
  with recursive above as (
    select c.tenant_id, c.id, c.parent_group_id from changed c
    union
    select p.tenant_id, p.id, p.parent_group_id
      from above a
     cross join lateral (  -- one index look-up each: the planner would rather read the whole table at every level
       select g.tenant_id, g.id, g.parent_group_id
         from fleet_groups g
        where g.tenant_id = a.tenant_id and g.id = a.parent_group_id
        limit 1
     ) p
  ),
  rooted as (
    select a.tenant_id, a.id from above a where a.parent_group_id is null
    union all
    select a.tenant_id, a.id
      from rooted r
      join above a on a.tenant_id = r.tenant_id and a.parent_group_id = r.id
  )
  select a.id into offender
    from above a
   where not exists (select from rooted r where r.tenant_id = a.tenant_id and r.id = a.id)
   limit 1;
  if found then
    raise exception 'fleet group % would be inside its own subtree', offender
      using errcode = 'MM010', constraint = 'fleet_groups_no_cycle', table = 'fleet_groups';
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.refuse_group_cycle() OWNER TO motomind;
CREATE FUNCTION app.register_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text, in_text text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  insert into registered_documents (tenant_id, sha256, text)
  select m.tenant_id, in_sha256, in_text
    from memberships m
   where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null
  on conflict (tenant_id, sha256) do update set last_used_at = now();
  delete from registered_documents
   where (tenant_id, sha256) in (select d.tenant_id, d.sha256
                                   from registered_documents d
                                  where d.tenant_id = in_tenant_id
                                  order by d.last_used_at desc
                                 offset 10000);
end;
$$;
ALTER FUNCTION app.register_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text, in_text text) OWNER TO motomind;
CREATE FUNCTION app.registered_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select d.text
    from registered_documents d
   where d.tenant_id = in_tenant_id
     and d.sha256 = in_sha256
     and exists (select from memberships m
                  where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null)
$$;
ALTER FUNCTION app.registered_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text) OWNER TO motomind;
CREATE FUNCTION app.require_admin_of_parent() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  if current_user in ('gateway_tenant', 'gateway_groups') and app.role() <> 'owner'
     and not coalesce(new.parent_group_id = any (app.admin_groups()), false) then
    raise exception 'moving a fleet group takes ADMIN on its new parent' using errcode = 'insufficient_privilege';
  end if;
  return new;
end;
$$;
ALTER FUNCTION app.require_admin_of_parent() OWNER TO motomind;
CREATE FUNCTION app.require_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  perform pg_advisory_xact_lock(hashtextextended('memberships ' || tenant_id::text, 0))
    from (select distinct tenant_id from changed order by tenant_id) as tenants_changed;
  if exists (select from (select distinct tenant_id from changed) c
              where exists (select from memberships m where m.tenant_id = c.tenant_id)
                and not exists (select from memberships m
                                 where m.tenant_id = c.tenant_id and m.role = 'owner' and m.left_at is null)) then
    raise exception 'a tenant keeps at least one owner' using errcode = 'MM011', constraint = 'memberships_last_owner';
  end if;
  return null;
end;
$$;
ALTER FUNCTION app.require_owner() OWNER TO motomind;
CREATE FUNCTION app.require_time_zone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  if new.time_zone <> 'UTC' and not exists (select from pg_timezone_names n where n.name = new.time_zone) then
    raise exception 'there is no time zone "%": its name is one like Europe/Berlin, America/Chicago or UTC', new.time_zone
      using errcode = 'check_violation', constraint = 'tenants_time_zone', table = 'tenants';
  end if;
  return new;
end;
$$;
ALTER FUNCTION app.require_time_zone() OWNER TO motomind;
CREATE FUNCTION app.resolve_caller(in_user_id uuid, in_tenant_id uuid, writes boolean, OUT role text, OUT readable uuid[], OUT writable uuid[], OUT administered uuid[]) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
begin
  select m.role into role
    from memberships m
   where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null;
  if role is null then
    raise exception 'the caller is no member of the tenant' using errcode = 'MM001';
  end if;
  if role = 'viewer' or writes then
    select array_agg(p.fleet_group_id), array_agg(p.fleet_group_id) filter (where p.permission_level in ('write', 'admin')),
           array_agg(p.fleet_group_id) filter (where p.permission_level = 'admin')
      into readable, writable, administered
      from group_permissions p
     where p.tenant_id = in_tenant_id and p.user_id = in_user_id;
    readable := app.outermost_groups(in_tenant_id, readable);
    writable := app.outermost_groups(in_tenant_id, writable);
    administered := app.outermost_groups(in_tenant_id, administered);
  end if;
end;
$$;
ALTER FUNCTION app.resolve_caller(in_user_id uuid, in_tenant_id uuid, writes boolean, OUT role text, OUT readable uuid[], OUT writable uuid[], OUT administered uuid[]) OWNER TO motomind;
CREATE FUNCTION app.role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select nullif(current_setting('app.role', true), '')
$$;
ALTER FUNCTION app.role() OWNER TO motomind;
CREATE FUNCTION app.secure_partition(partition_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  execute format('alter table %I enable row level security', partition_name);
  execute format('alter table %I force row level security', partition_name);
  execute format('create policy owner on %I to current_user using (true) with check (true)', partition_name);
end;
$$;
ALTER FUNCTION app.secure_partition(partition_name text) OWNER TO motomind;
CREATE FUNCTION app.see_vehicles(ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    AS $$
declare
  seen constant uuid[] := array(select v.id from vehicles v where v.tenant_id = app.tenant_id() and v.id = any (ids));
begin
  perform set_config('app.seen_vehicles', app.statement_of_caller() || seen::text, true);
  return seen;
end;
$$;
ALTER FUNCTION app.see_vehicles(ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.seen_vehicles() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select case when starts_with(current_setting('app.seen_vehicles', true), app.statement_of_caller() || '{')
              then substr(current_setting('app.seen_vehicles', true), length(app.statement_of_caller()) + 1)
              else '{}' end::uuid[]
$$;
ALTER FUNCTION app.seen_vehicles() OWNER TO motomind;
CREATE FUNCTION app.service_status(in_tenant_id uuid, vehicle_ids uuid[], today date) RETURNS TABLE(vehicle_id uuid, state text, worn numeric, miles_since_service integer, miles_remaining integer, last_service_at timestamp with time zone, due_on date)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $_$
  with reading as materialized (
    select r.vehicle_id, r.event_id, r.occurred_at, r.driven
      from app.current_readings(in_tenant_id, vehicle_ids) r
     where r.rejected_reason is null
  ),
  latest as (
    select distinct on (r.vehicle_id) r.vehicle_id, r.driven
      from reading r
     order by r.vehicle_id, r.occurred_at desc, r.driven desc
  ),
  service as (
    select distinct on (e.vehicle_id) e.vehicle_id, e.id, e.occurred_at, e.odometer_miles, e.payload,
           case when jsonb_typeof(e.payload -> 'next_service') = 'object' then e.payload -> 'next_service' end as next
      from (
        select e.vehicle_id, e.id, e.occurred_at, e.odometer_miles, e.payload
          from manual_events e
         where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
           and e.event_type = 'maintenance' and e.voided_at is null
        union all
        select e.vehicle_id, e.id, e.occurred_at, e.odometer_miles, e.payload
          from manual_events_archive e
         where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
           and e.event_type = 'maintenance' and e.voided_at is null
      ) e
     where e.payload ->> 'service_type' not in ('repair', 'odometer_replacement')
     order by e.vehicle_id, e.occurred_at desc, e.odometer_miles desc nulls last, e.id
  ),
  bound as (
    select v.id as vehicle_id, s.occurred_at as last_service_at,
           latest.driven - case when s.id is null then 0 else coalesce(own.driven, between_two.driven) end as miles,
           coalesce(app.payload_number(s.next, 'odometer_miles') - s.odometer_miles, app.payload_number(s.next, 'miles'),
                    v.baseline_service_interval_miles) as miles_allowed,
           case when s.next ->> 'date' ~ '^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$'
                then (left(s.next ->> 'date', 8) || '01')::date + (right(s.next ->> 'date', 2)::integer - 1)
                when app.payload_number(s.next, 'months') between 1 and 600
                then (s.occurred_at at time zone 'UTC' + app.payload_number(s.next, 'months') * interval '1 month')::date
           end as due_on,
           hours.run as hours, app.payload_number(s.next, 'engine_hours') as hours_allowed
      from vehicles v
      left join latest on latest.vehicle_id = v.id
      left join service s on s.vehicle_id = v.id
      left join reading own on own.vehicle_id = v.id and own.event_id = s.id
      left join lateral (  -- the service tells no odometer that is accepted: where it lies between two readings
        select case when a.occurred_at is null then b.driven
                    when b.occurred_at is null or b.occurred_at = a.occurred_at then a.driven
                    else round(a.driven + (b.driven - a.driven) * extract(epoch from s.occurred_at - a.occurred_at)
                                          / extract(epoch from b.occurred_at - a.occurred_at))::integer end as driven
          from (select 1 where s.id is not null and own.driven is null) needed
          left join lateral (select r.occurred_at, r.driven from reading r
                              where r.vehicle_id = v.id and r.occurred_at <= s.occurred_at
                              order by r.occurred_at desc, r.driven desc limit 1) a on true
          left join lateral (select r.occurred_at, r.driven from reading r
                              where r.vehicle_id = v.id and r.occurred_at > s.occurred_at
                              order by r.occurred_at, r.driven limit 1) b on true
      ) between_two on true
      left join lateral (
        select max(app.payload_number(e.payload, 'engine_hours')) - app.payload_number(s.payload, 'engine_hours') as run
          from manual_events e
         where e.tenant_id = in_tenant_id and e.vehicle_id = v.id and e.occurred_at >= s.occurred_at
           and e.voided_at is null and e.payload ? 'engine_hours'
      ) hours on app.payload_number(s.next, 'engine_hours') > 0
     where v.tenant_id = in_tenant_id and v.id = any (vehicle_ids)
  ),
  used as (
    select b.*, greatest(
             b.miles::numeric / nullif(greatest(b.miles_allowed, 0), 0),
             case when b.due_on > b.last_service_at::date
                  then (today - b.last_service_at::date)::numeric / (b.due_on - b.last_service_at::date) end,
             b.hours / b.hours_allowed) as worn
      from bound b
  )
  select u.vehicle_id,
         case when u.worn is null then 'UNKNOWN' when u.worn > 1.1 then 'OVERDUE' when u.worn >= 1 then 'DUE'
              when u.worn >= 0.9 then 'DUE_SOON' else 'OK' end,
         u.worn, u.miles, (least(greatest(u.miles_allowed, -1000000000), 2147483647) - u.miles)::integer, u.last_service_at, u.due_on
    from used u
$_$;
ALTER FUNCTION app.service_status(in_tenant_id uuid, vehicle_ids uuid[], today date) OWNER TO motomind;
CREATE FUNCTION app.spend(in_tenant_id uuid, in_credential_id uuid, in_cost double precision, in_capacity double precision, in_restore_rate double precision, OUT granted boolean, OUT available double precision) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
  bucket budgets;
begin
  loop
    select * into bucket from budgets b
     where b.tenant_id = in_tenant_id and b.credential_id = in_credential_id for no key update;
    exit when found;
    -- Who is no member gets no budget, and is refused as such a moment later.
    if not exists (select from memberships m
                    where m.tenant_id = in_tenant_id and m.user_id = in_credential_id and m.left_at is null)
       and not exists (select from clients c where c.tenant_id = in_tenant_id and c.id = in_credential_id) then
      granted := true;
      available := in_capacity - in_cost;
      return;
    end if;
    insert into budgets (tenant_id, credential_id, available, capacity, restore_rate)
    values (in_tenant_id, in_credential_id, in_capacity, in_capacity, in_restore_rate)
    on conflict do nothing;
  end loop;
  available := least(
    bucket.available + in_restore_rate * greatest(extract(epoch from clock_timestamp() - bucket.updated_at), 0),
    in_capacity);
  granted := available >= in_cost;
  if granted then
    available := available - in_cost;
  end if;
  update budgets b
     set available = spend.available, capacity = in_capacity, restore_rate = in_restore_rate,
         updated_at = greatest(clock_timestamp(), bucket.updated_at)
   where b.tenant_id = in_tenant_id and b.credential_id = in_credential_id;
end;
$$;
ALTER FUNCTION app.spend(in_tenant_id uuid, in_credential_id uuid, in_cost double precision, in_capacity double precision, in_restore_rate double precision, OUT granted boolean, OUT available double precision) OWNER TO motomind;
CREATE FUNCTION app.statement_of_caller() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select concat_ws(' ', statement_timestamp(), app.tenant_id(), app.user_id(), current_user)
$$;
ALTER FUNCTION app.statement_of_caller() OWNER TO motomind;
CREATE FUNCTION app.stored_periods(first_day date, end_day date) RETURNS TABLE(period_type text, first_date date, end_date date)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
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
ALTER FUNCTION app.stored_periods(first_day date, end_day date) OWNER TO motomind;
CREATE FUNCTION app.stream_metadata() RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
  select jsonb_strip_nulls(jsonb_build_object(
    'user_id', app.user_id(), 'client_ip', host(app.client_ip()), 'user_agent', app.user_agent(),
    'client_id', app.client_id()))
$$;
ALTER FUNCTION app.stream_metadata() OWNER TO motomind;
CREATE FUNCTION app.subtree_ids(in_tenant_id uuid, root_id uuid) RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  with recursive subtree as (
    select g.id from fleet_groups g where g.tenant_id = in_tenant_id and g.id = root_id
    union all
    select g.id
      from subtree s
      join fleet_groups g on g.tenant_id = in_tenant_id and g.parent_group_id = s.id
  ) cycle id set looped using path
  select array_agg(id) from subtree
$$;
ALTER FUNCTION app.subtree_ids(in_tenant_id uuid, root_id uuid) OWNER TO motomind;
CREATE FUNCTION app.tenant_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select nullif(current_setting('app.tenant_id', true), '')::uuid
$$;
ALTER FUNCTION app.tenant_id() OWNER TO motomind;
CREATE FUNCTION app.tenants_of(in_user_id uuid) RETURNS TABLE(id uuid, name text, role text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select t.id, t.name, m.role
    from memberships m
    join tenants t on t.id = m.tenant_id
   where m.user_id = in_user_id and m.left_at is null
   order by t.name
$$;
ALTER FUNCTION app.tenants_of(in_user_id uuid) OWNER TO motomind;
CREATE FUNCTION app.time_zones_among(names text[]) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$
  select n.name from pg_timezone_names n where cardinality(names) > 0 and n.name = any (names)
$$;
ALTER FUNCTION app.time_zones_among(names text[]) OWNER TO motomind;
CREATE FUNCTION app.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  new.updated_at := now();
  return new;
end;
$$;
ALTER FUNCTION app.touch() OWNER TO motomind;
CREATE FUNCTION app.trip_start(said text, batch_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET "TimeZone" TO 'UTC'
    AS $$
declare
  started_at timestamptz;
begin
  if said !~ '^\d{4}-\d\d-\d\d' then
    return batch_at;
  end if;
  started_at := said::timestamptz;
  return case when started_at between batch_at - interval '7 days' and batch_at + interval '7 days'
              then started_at else batch_at end;
exception when data_exception then
  return batch_at;
end;
$$;
ALTER FUNCTION app.trip_start(said text, batch_at timestamp with time zone) OWNER TO motomind;
CREATE FUNCTION app.trusted_document(in_tenant_id uuid, in_client_id uuid, in_document_id text, in_sha256 text, OUT document_id text, OUT text text) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select d.document_id, d.text
    from client_documents d
   where d.tenant_id = in_tenant_id
     and d.client_id = in_client_id
     and d.retired_at is null
     and (d.document_id = in_document_id or d.sha256 = in_sha256)
   order by d.document_id = in_document_id desc, d.document_id
   limit 1
$$;
ALTER FUNCTION app.trusted_document(in_tenant_id uuid, in_client_id uuid, in_document_id text, in_sha256 text, OUT document_id text, OUT text text) OWNER TO motomind;
CREATE FUNCTION app.user_agent() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select nullif(current_setting('app.user_agent', true), '')
$$;
ALTER FUNCTION app.user_agent() OWNER TO motomind;
CREATE FUNCTION app.user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select nullif(current_setting('app.user_id', true), '')::uuid
$$;
ALTER FUNCTION app.user_id() OWNER TO motomind;
CREATE FUNCTION app.user_of_email(in_email text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select u.id
    from users u
   where lower(u.email) = lower(in_email)
     and lower(u.email collate "C") = lower(in_email collate "C")
$$;
ALTER FUNCTION app.user_of_email(in_email text) OWNER TO motomind;
CREATE FUNCTION app.vehicle_history(in_tenant_id uuid, vehicle_ids uuid[]) RETURNS TABLE(vehicle_id uuid, last_read_at timestamp with time zone, readings integer, driven integer, days double precision, miles double precision, miles_a_day double precision, blocks integer, block_deviation double precision, repairs integer, services integer, late_services integer)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  with reading as materialized (
    select r.vehicle_id, r.occurred_at, extract(epoch from r.occurred_at)::double precision / 86400 as at, r.driven
      from app.current_readings(in_tenant_id, vehicle_ids) r
     where r.rejected_reason is null
  ),
  span as (
    select r.vehicle_id, min(r.occurred_at) as first_read_at, max(r.occurred_at) as last_read_at, max(r.at) as last_at,
           count(*)::integer as readings, max(r.driven) as driven
      from reading r
     group by r.vehicle_id
  ),
  step as (  -- from one reading to the next, in blocks before the last one
    select s.vehicle_id, s.age as from_age, s.next_age as to_age, s.driven, floor(s.next_age)::integer as to_block,
           greatest(ceil(s.age) - 1, floor(s.next_age))::integer as from_block
      from (
        select r.vehicle_id, (p.last_at - r.at) / 30.4 as age,
               lead((p.last_at - r.at) / 30.4) over in_time as next_age, lead(r.driven) over in_time - r.driven as driven
          from reading r
          join span p on p.vehicle_id = r.vehicle_id
        window in_time as (partition by r.vehicle_id order by r.at, r.driven)
      ) s
     where s.next_age < 24
  ),
  block as (
    select p.vehicle_id, p.block, sum(p.miles) as miles, sum(p.days) as days
      from (
        select s.vehicle_id, s.to_block as block, s.driven::double precision as miles, (s.from_age - s.to_age) * 30.4 as days
          from step s
         where s.from_block = s.to_block
        union all
        select s.vehicle_id, b.block, s.driven * b.share / (s.from_age - s.to_age), b.share * 30.4
          from step s
         cross join lateral (
           select b, least(s.from_age, b + 1) - greatest(s.to_age, b)
             from generate_series(s.to_block, least(s.from_block, 23)) b
         ) b (block, share)
         where s.from_block > s.to_block
      ) p
     group by p.vehicle_id, p.block
  ),
  usage as (
    select b.vehicle_id, sum(b.days) as days, sum(b.miles) as miles,
           sum(b.miles * w.weight) / nullif(sum(b.days * w.weight), 0) as miles_a_day,
           (count(*) filter (where b.days > 30.39))::integer as blocks,
           stddev_samp(b.miles / b.days) filter (where b.days > 30.39) as block_deviation
      from block b
     cross join lateral (select 0.5::double precision ^ (b.block / 6::double precision)) w (weight)
     group by b.vehicle_id
  ),
  maintenance as (
    select e.vehicle_id, e.occurred_at, e.odometer_miles, e.payload ->> 'service_type' as service_type,
           case when jsonb_typeof(e.payload -> 'next_service') = 'object' then e.payload -> 'next_service' end as next
      from manual_events e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.event_type = 'maintenance' and e.voided_at is null
    union all
    select e.vehicle_id, e.occurred_at, e.odometer_miles, e.payload ->> 'service_type',
           case when jsonb_typeof(e.payload -> 'next_service') = 'object' then e.payload -> 'next_service' end
      from manual_events_archive e
     where e.tenant_id = in_tenant_id and e.vehicle_id = any (vehicle_ids)
       and e.event_type = 'maintenance' and e.voided_at is null
  ),
  repair as (
    select m.vehicle_id, count(*)::integer as repairs
      from maintenance m
      join span p on p.vehicle_id = m.vehicle_id and m.occurred_at >= p.first_read_at
     where m.service_type = 'repair'
     group by m.vehicle_id
  ),
  habit as (
    select g.vehicle_id, count(*)::integer as services, (count(*) filter (where g.miles > 1.1 * g.allowed))::integer as late
      from (
        select m.vehicle_id, lead(m.odometer_miles) over in_time - m.odometer_miles as miles,
               coalesce(app.payload_number(m.next, 'odometer_miles') - m.odometer_miles, app.payload_number(m.next, 'miles'),
                        v.baseline_service_interval_miles) as allowed
          from maintenance m
          join vehicles v on v.tenant_id = in_tenant_id and v.id = m.vehicle_id
         where m.service_type not in ('repair', 'odometer_replacement') and m.odometer_miles is not null
        window in_time as (partition by m.vehicle_id order by m.occurred_at, m.odometer_miles)
      ) g
     where g.miles > 0 and g.allowed > 0
     group by g.vehicle_id
  )
  select p.vehicle_id, p.last_read_at, p.readings, p.driven, coalesce(u.days, 0), coalesce(u.miles, 0), u.miles_a_day,
         coalesce(u.blocks, 0), u.block_deviation, coalesce(r.repairs, 0), coalesce(h.services, 0), coalesce(h.late, 0)
    from span p
    left join usage u on u.vehicle_id = p.vehicle_id
    left join repair r on r.vehicle_id = p.vehicle_id
    left join habit h on h.vehicle_id = p.vehicle_id
$$;
ALTER FUNCTION app.vehicle_history(in_tenant_id uuid, vehicle_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.vehicle_time_zones(in_tenant_id uuid, vehicle_ids uuid[]) RETURNS TABLE(vehicle_id uuid, time_zone text)
    LANGUAGE sql STABLE
    AS $$
  with recursive asked as materialized (
    select v.id, v.fleet_group_id, v.extended_attributes #>> '{operational,time_zone}' as named
      from vehicles v
     where v.tenant_id = in_tenant_id and v.id = any (vehicle_ids)
  ),
  above as (
    select distinct a.fleet_group_id as origin, a.fleet_group_id as id, 0 as height
      from asked a
     where a.fleet_group_id is not null
    union all
    select a.origin, g.parent_group_id, a.height + 1
      from above a
      join fleet_groups g on g.tenant_id = in_tenant_id and g.id = a.id
     where g.parent_group_id is not null
  ),
  grouped as materialized (
    select a.origin, a.height, g.metadata ->> 'time_zone' as named
      from above a
      join fleet_groups g on g.tenant_id = in_tenant_id and g.id = a.id
     where g.metadata ->> 'time_zone' is not null
  ),
  tenant as materialized (select t.time_zone as named from tenants t where t.id = in_tenant_id),
  known as materialized (
    select z.name
      from app.time_zones_among(array(
             select a.named from asked a where a.named is not null
             union select g.named from grouped g
             union select t.named from tenant t where t.named <> 'UTC')) as z (name)
  ),
  nearest as materialized (
    select distinct on (g.origin) g.origin, g.named
      from grouped g
     where g.named in (select k.name from known k)
     order by g.origin, g.height
  )
  select a.id,
         coalesce(case when a.named in (select k.name from known k) then a.named end,
                  n.named,
                  (select t.named from tenant t where t.named in (select k.name from known k)),
                  'UTC')
    from asked a
    left join nearest n on n.origin = a.fleet_group_id
$$;
ALTER FUNCTION app.vehicle_time_zones(in_tenant_id uuid, vehicle_ids uuid[]) OWNER TO motomind;
CREATE FUNCTION app.wrapping_keys() RETURNS TABLE(wrapped_by text, tenant_id uuid, key_id text, wrapped bytea)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
  select distinct on (k.wrapped_by) k.wrapped_by, k.tenant_id, k.key_id, k.wrapped
    from tenant_keys k
   order by k.wrapped_by, k.created_at desc
$$;
ALTER FUNCTION app.wrapping_keys() OWNER TO motomind;
CREATE FUNCTION app.writable_groups() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select app.groups_under_grants('write')
$$;
ALTER FUNCTION app.writable_groups() OWNER TO motomind;
CREATE FUNCTION app.write_fleet_summaries(in_tenant_id uuid, group_ids uuid[], days datemultirange[], today date, moment timestamp with time zone) RETURNS integer
    LANGUAGE sql
    AS $$
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
ALTER FUNCTION app.write_fleet_summaries(in_tenant_id uuid, group_ids uuid[], days datemultirange[], today date, moment timestamp with time zone) OWNER TO motomind;
CREATE AGGREGATE app.replayed(jsonb) (
    SFUNC = jsonb_concat,
    STYPE = jsonb,
    INITCOND = '{}'
);
ALTER AGGREGATE app.replayed(jsonb) OWNER TO motomind;
CREATE TABLE public.audit_trail (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    table_name text NOT NULL,
    record_id uuid NOT NULL,
    operation text NOT NULL,
    old_values jsonb,
    new_values jsonb,
    changed_by uuid,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    client_ip inet,
    user_agent text,
    client_id uuid,
    CONSTRAINT audit_trail_operation_check CHECK ((operation = ANY (ARRAY['insert'::text, 'update'::text, 'delete'::text]))),
    CONSTRAINT audit_trail_values CHECK ((((operation = 'insert'::text) AND (old_values IS NULL) AND (new_values IS NOT NULL)) OR ((operation = 'update'::text) AND (old_values IS NOT NULL) AND (new_values IS NOT NULL)) OR ((operation = 'delete'::text) AND (old_values IS NOT NULL) AND (new_values IS NULL))))
);
ALTER TABLE ONLY public.audit_trail FORCE ROW LEVEL SECURITY;
ALTER TABLE public.audit_trail OWNER TO motomind;
CREATE UNLOGGED TABLE public.budgets (
    tenant_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    available double precision NOT NULL,
    capacity double precision NOT NULL,
    restore_rate double precision NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT budgets_capacity_check CHECK ((capacity > (0)::double precision)),
    CONSTRAINT budgets_restore_rate_check CHECK ((restore_rate > (0)::double precision))
)
WITH (fillfactor='50');
ALTER TABLE ONLY public.budgets FORCE ROW LEVEL SECURITY;
ALTER TABLE public.budgets OWNER TO motomind;
CREATE TABLE public.class_rates (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    fleet_group_id uuid,
    make text,
    model text,
    vehicles integer NOT NULL,
    miles_a_day double precision NOT NULL,
    miles_a_day_squared double precision NOT NULL,
    repairs integer NOT NULL,
    driven double precision NOT NULL,
    services integer NOT NULL,
    late_services integer NOT NULL,
    refreshed_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.class_rates FORCE ROW LEVEL SECURITY;
ALTER TABLE public.class_rates OWNER TO motomind;
CREATE TABLE public.client_documents (
    tenant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    document_id text NOT NULL,
    sha256 text NOT NULL,
    text text NOT NULL,
    operation_name text,
    first_version integer NOT NULL,
    last_version integer NOT NULL,
    last_used_at timestamp with time zone,
    retired_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT client_documents_document_id_check CHECK (((length(document_id) >= 1) AND (length(document_id) <= 200))),
    CONSTRAINT client_documents_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);
ALTER TABLE ONLY public.client_documents FORCE ROW LEVEL SECURITY;
ALTER TABLE public.client_documents OWNER TO motomind;
CREATE TABLE public.client_keys (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    client_id uuid NOT NULL,
    digest bytea NOT NULL,
    hint text NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT client_keys_digest_check CHECK ((length(digest) = 32))
);
ALTER TABLE ONLY public.client_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE public.client_keys OWNER TO motomind;
CREATE TABLE public.clients (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    mode text NOT NULL,
    introspection boolean DEFAULT false NOT NULL,
    user_id uuid NOT NULL,
    token_client text,
    revoked_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT clients_mode_check CHECK ((mode = ANY (ARRAY['open'::text, 'log'::text, 'safelist'::text, 'id_only'::text]))),
    CONSTRAINT clients_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'::text)),
    CONSTRAINT clients_token_client_check CHECK (((length(token_client) >= 1) AND (length(token_client) <= 200)))
);
ALTER TABLE ONLY public.clients FORCE ROW LEVEL SECURITY;
ALTER TABLE public.clients OWNER TO motomind;
CREATE TABLE public.document_usage (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    day date NOT NULL,
    client_id uuid,
    document text NOT NULL,
    requests integer DEFAULT 0 NOT NULL,
    errors integer DEFAULT 0 NOT NULL,
    not_modified integer DEFAULT 0 NOT NULL,
    requested_cost double precision DEFAULT 0 NOT NULL,
    actual_cost double precision DEFAULT 0 NOT NULL,
    milliseconds double precision DEFAULT 0 NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT document_usage_document_check CHECK (((length(document) >= 1) AND (length(document) <= 200)))
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.document_usage FORCE ROW LEVEL SECURITY;
ALTER TABLE public.document_usage OWNER TO motomind;
CREATE TABLE public.event_stream (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id uuid NOT NULL,
    event_type text NOT NULL,
    event_data jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT event_stream_aggregate_type_check CHECK ((aggregate_type = ANY (ARRAY['vehicle'::text, 'user'::text, 'fleet_group'::text]))),
    CONSTRAINT event_stream_version_check CHECK ((version > 0))
);
ALTER TABLE ONLY public.event_stream FORCE ROW LEVEL SECURITY;
ALTER TABLE public.event_stream OWNER TO motomind;
CREATE TABLE public.explanation_runs (
    tenant_id uuid NOT NULL,
    as_of date NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    took interval NOT NULL
);
ALTER TABLE ONLY public.explanation_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE public.explanation_runs OWNER TO motomind;
CREATE TABLE public.explanations (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    vehicle_id uuid,
    fleet_group_id uuid,
    period_start date NOT NULL,
    period_end date NOT NULL,
    text text NOT NULL,
    figures jsonb DEFAULT '{}'::jsonb NOT NULL,
    model_version text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text,
    closed_at timestamp with time zone,
    CONSTRAINT explanations_figures_check CHECK ((jsonb_typeof(figures) = 'object'::text)),
    CONSTRAINT explanations_kind_check CHECK ((kind = ANY (ARRAY['ECONOMY_FALLING'::text, 'SERVICE_OVERDUE'::text, 'COST_OUTLIER'::text, 'REJECTED_READINGS'::text]))),
    CONSTRAINT explanations_one_subject CHECK ((num_nonnulls(vehicle_id, fleet_group_id) = 1)),
    CONSTRAINT explanations_period CHECK ((period_start < period_end)),
    CONSTRAINT explanations_text_check CHECK ((length(text) > 0))
);
ALTER TABLE ONLY public.explanations FORCE ROW LEVEL SECURITY;
ALTER TABLE public.explanations OWNER TO motomind;
CREATE TABLE public.explanations_due (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.explanations_due FORCE ROW LEVEL SECURITY;
ALTER TABLE public.explanations_due OWNER TO motomind;
CREATE TABLE public.fleet_groups (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    parent_group_id uuid,
    name text NOT NULL,
    description text,
    group_type text DEFAULT 'custom'::text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT fleet_groups_group_type_check CHECK ((group_type = ANY (ARRAY['department'::text, 'location'::text, 'vehicle_type'::text, 'custom'::text]))),
    CONSTRAINT fleet_groups_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT fleet_groups_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT fleet_groups_no_self_parent CHECK ((parent_group_id <> id))
);
ALTER TABLE ONLY public.fleet_groups FORCE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_groups OWNER TO motomind;
CREATE TABLE public.fleet_summary_changes (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    fleet_group_id uuid NOT NULL,
    days datemultirange NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.fleet_summary_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_summary_changes OWNER TO motomind;
CREATE TABLE public.fleet_summary_metrics (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    fleet_group_id uuid,
    metric_date date NOT NULL,
    total_vehicles integer NOT NULL,
    active_vehicles integer NOT NULL,
    total_miles_driven integer NOT NULL,
    avg_fuel_efficiency numeric(6,2),
    total_fuel_cost numeric(14,2),
    on_time_pct numeric(5,2),
    utilization_pct numeric(5,2),
    maintenance_compliance_pct numeric(5,2),
    predicted_maintenance_cost numeric(14,2),
    risk_score numeric(4,3),
    computed_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT fleet_summary_metrics_check CHECK (((active_vehicles >= 0) AND (active_vehicles <= total_vehicles))),
    CONSTRAINT fleet_summary_metrics_maintenance_compliance_pct_check CHECK (((maintenance_compliance_pct >= (0)::numeric) AND (maintenance_compliance_pct <= (100)::numeric))),
    CONSTRAINT fleet_summary_metrics_on_time_pct_check CHECK (((on_time_pct >= (0)::numeric) AND (on_time_pct <= (100)::numeric))),
    CONSTRAINT fleet_summary_metrics_risk_score_check CHECK (((risk_score >= (0)::numeric) AND (risk_score <= (1)::numeric))),
    CONSTRAINT fleet_summary_metrics_total_miles_driven_check CHECK ((total_miles_driven >= 0)),
    CONSTRAINT fleet_summary_metrics_total_vehicles_check CHECK ((total_vehicles >= 0)),
    CONSTRAINT fleet_summary_metrics_utilization_pct_check CHECK (((utilization_pct >= (0)::numeric) AND (utilization_pct <= (100)::numeric)))
);
ALTER TABLE ONLY public.fleet_summary_metrics FORCE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_summary_metrics OWNER TO motomind;
CREATE TABLE public.fleet_summary_runs (
    tenant_id uuid NOT NULL,
    as_of date NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    took interval NOT NULL
);
ALTER TABLE ONLY public.fleet_summary_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_summary_runs OWNER TO motomind;
CREATE TABLE public.fuel_spans (
    tenant_id uuid NOT NULL,
    vehicle_id uuid NOT NULL,
    event_id uuid NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    miles integer,
    gallons numeric NOT NULL,
    cost numeric,
    rejected_reason text,
    CONSTRAINT fuel_spans_rejected_reason_check CHECK ((rejected_reason = ANY (ARRAY['MISSED_FILL'::text, 'MISSING_ODOMETER'::text, 'REJECTED_ODOMETER'::text, 'IMPLAUSIBLE'::text])))
);
ALTER TABLE ONLY public.fuel_spans FORCE ROW LEVEL SECURITY;
ALTER TABLE public.fuel_spans OWNER TO motomind;
CREATE TABLE public.granted_subtrees (
    tenant_id uuid NOT NULL,
    fleet_group_id uuid NOT NULL,
    group_ids uuid[] NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05', toast.autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY public.granted_subtrees ALTER COLUMN group_ids SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.granted_subtrees FORCE ROW LEVEL SECURITY;
ALTER TABLE public.granted_subtrees OWNER TO motomind;
CREATE TABLE public.group_changes (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    fleet_group_id uuid NOT NULL,
    since date NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.group_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE public.group_changes OWNER TO motomind;
CREATE TABLE public.group_metrics (
    tenant_id uuid NOT NULL,
    fleet_group_id uuid NOT NULL,
    period_type text NOT NULL,
    metric_date date NOT NULL,
    miles_driven bigint,
    idle_minutes bigint,
    harsh_events bigint,
    fuel_gallons numeric,
    fuel_cost numeric,
    maintenance_cost numeric,
    span_miles bigint,
    span_gallons numeric,
    active_vehicles integer,
    CONSTRAINT group_metrics_period_type_check CHECK ((period_type = ANY (ARRAY['daily'::text, 'weekly'::text, 'monthly'::text])))
);
ALTER TABLE ONLY public.group_metrics FORCE ROW LEVEL SECURITY;
ALTER TABLE public.group_metrics OWNER TO motomind;
CREATE TABLE public.group_outlooks (
    tenant_id uuid NOT NULL,
    fleet_group_id uuid NOT NULL,
    fleet_id uuid NOT NULL,
    as_of timestamp with time zone NOT NULL,
    checked integer NOT NULL,
    compliant integer NOT NULL,
    scored integer NOT NULL,
    risk_scores double precision NOT NULL,
    due integer NOT NULL,
    expected_repairs double precision NOT NULL,
    services integer NOT NULL,
    service_costs numeric NOT NULL,
    repairs integer NOT NULL,
    repair_costs numeric NOT NULL
);
ALTER TABLE ONLY public.group_outlooks FORCE ROW LEVEL SECURITY;
ALTER TABLE public.group_outlooks OWNER TO motomind;
CREATE TABLE public.group_permissions (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    fleet_group_id uuid NOT NULL,
    permission_level text NOT NULL,
    granted_by uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT group_permissions_permission_level_check CHECK ((permission_level = ANY (ARRAY['read'::text, 'write'::text, 'admin'::text])))
);
ALTER TABLE ONLY public.group_permissions FORCE ROW LEVEL SECURITY;
ALTER TABLE public.group_permissions OWNER TO motomind;
CREATE TABLE public.idempotency_keys (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    key text NOT NULL,
    mutation text NOT NULL,
    input_sha256 text NOT NULL,
    result jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_input_sha256_check CHECK ((input_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT idempotency_keys_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);
ALTER TABLE ONLY public.idempotency_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE public.idempotency_keys OWNER TO motomind;
CREATE TABLE public.manifests (
    tenant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    version integer NOT NULL,
    document_count integer NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT manifests_version_check CHECK ((version > 0))
);
ALTER TABLE ONLY public.manifests FORCE ROW LEVEL SECURITY;
ALTER TABLE public.manifests OWNER TO motomind;
CREATE TABLE public.manual_events (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    vehicle_id uuid NOT NULL,
    source_upload_id uuid,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    confidence integer DEFAULT 80 NOT NULL,
    verified_by_user boolean DEFAULT false NOT NULL,
    created_by uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    odometer_miles integer GENERATED ALWAYS AS (app.payload_odometer(event_type, payload)) STORED,
    gallons numeric GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN app.payload_number(payload, 'gallons'::text)
    ELSE NULL::numeric
END) STORED,
    cost numeric GENERATED ALWAYS AS (app.payload_cost(event_type, payload)) STORED,
    is_full_tank boolean GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN ((payload -> 'is_full_tank'::text) IS DISTINCT FROM 'false'::jsonb)
    ELSE NULL::boolean
END) STORED,
    missed_previous boolean GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN (NOT ((payload -> 'missed_previous'::text) IS DISTINCT FROM 'true'::jsonb))
    ELSE NULL::boolean
END) STORED,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    voided_at timestamp with time zone,
    void_reason text,
    CONSTRAINT manual_events_confidence_check CHECK (((confidence >= 0) AND (confidence <= 100))),
    CONSTRAINT manual_events_event_type_check CHECK ((event_type = ANY (ARRAY['odometer_reading'::text, 'fuel_purchase'::text, 'maintenance'::text, 'issue_report'::text, 'trip_batch'::text]))),
    CONSTRAINT manual_events_payload CHECK (app.is_payload(event_type, payload)),
    CONSTRAINT manual_events_void CHECK ((((voided_at IS NULL) = (void_reason IS NULL)) AND ((length(void_reason) >= 1) AND (length(void_reason) <= 1000))))
)
PARTITION BY RANGE (occurred_at);
ALTER TABLE ONLY public.manual_events FORCE ROW LEVEL SECURITY;
ALTER TABLE public.manual_events OWNER TO motomind;
CREATE TABLE public.manual_events_archive (
    tenant_id uuid CONSTRAINT manual_events_tenant_id_not_null NOT NULL,
    id uuid DEFAULT gen_random_uuid() CONSTRAINT manual_events_id_not_null NOT NULL,
    vehicle_id uuid CONSTRAINT manual_events_vehicle_id_not_null NOT NULL,
    source_upload_id uuid,
    event_type text CONSTRAINT manual_events_event_type_not_null NOT NULL,
    payload jsonb CONSTRAINT manual_events_payload_not_null NOT NULL,
    confidence integer DEFAULT 80 CONSTRAINT manual_events_confidence_not_null NOT NULL,
    verified_by_user boolean DEFAULT false CONSTRAINT manual_events_verified_by_user_not_null NOT NULL,
    created_by uuid CONSTRAINT manual_events_created_by_not_null NOT NULL,
    occurred_at timestamp with time zone CONSTRAINT manual_events_occurred_at_not_null NOT NULL,
    odometer_miles integer GENERATED ALWAYS AS (app.payload_odometer(event_type, payload)) STORED,
    gallons numeric GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN app.payload_number(payload, 'gallons'::text)
    ELSE NULL::numeric
END) STORED,
    cost numeric GENERATED ALWAYS AS (app.payload_cost(event_type, payload)) STORED,
    is_full_tank boolean GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN ((payload -> 'is_full_tank'::text) IS DISTINCT FROM 'false'::jsonb)
    ELSE NULL::boolean
END) STORED,
    missed_previous boolean GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN (NOT ((payload -> 'missed_previous'::text) IS DISTINCT FROM 'true'::jsonb))
    ELSE NULL::boolean
END) STORED,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT manual_events_created_at_not_null NOT NULL,
    updated_at timestamp with time zone DEFAULT now() CONSTRAINT manual_events_updated_at_not_null NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    voided_at timestamp with time zone,
    void_reason text,
    CONSTRAINT manual_events_confidence_check CHECK (((confidence >= 0) AND (confidence <= 100))),
    CONSTRAINT manual_events_event_type_check CHECK ((event_type = ANY (ARRAY['odometer_reading'::text, 'fuel_purchase'::text, 'maintenance'::text, 'issue_report'::text, 'trip_batch'::text]))),
    CONSTRAINT manual_events_payload CHECK (app.is_payload(event_type, payload)),
    CONSTRAINT manual_events_void CHECK ((((voided_at IS NULL) = (void_reason IS NULL)) AND ((length(void_reason) >= 1) AND (length(void_reason) <= 1000))))
)
PARTITION BY RANGE (occurred_at);
ALTER TABLE ONLY public.manual_events_archive FORCE ROW LEVEL SECURITY;
ALTER TABLE public.manual_events_archive OWNER TO motomind;
CREATE TABLE public.manual_events_default (
    tenant_id uuid CONSTRAINT manual_events_tenant_id_not_null NOT NULL,
    id uuid DEFAULT gen_random_uuid() CONSTRAINT manual_events_id_not_null NOT NULL,
    vehicle_id uuid CONSTRAINT manual_events_vehicle_id_not_null NOT NULL,
    source_upload_id uuid,
    event_type text CONSTRAINT manual_events_event_type_not_null NOT NULL,
    payload jsonb CONSTRAINT manual_events_payload_not_null NOT NULL,
    confidence integer DEFAULT 80 CONSTRAINT manual_events_confidence_not_null NOT NULL,
    verified_by_user boolean DEFAULT false CONSTRAINT manual_events_verified_by_user_not_null NOT NULL,
    created_by uuid CONSTRAINT manual_events_created_by_not_null NOT NULL,
    occurred_at timestamp with time zone CONSTRAINT manual_events_occurred_at_not_null NOT NULL,
    odometer_miles integer GENERATED ALWAYS AS (app.payload_odometer(event_type, payload)) STORED,
    gallons numeric GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN app.payload_number(payload, 'gallons'::text)
    ELSE NULL::numeric
END) STORED,
    cost numeric GENERATED ALWAYS AS (app.payload_cost(event_type, payload)) STORED,
    is_full_tank boolean GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN ((payload -> 'is_full_tank'::text) IS DISTINCT FROM 'false'::jsonb)
    ELSE NULL::boolean
END) STORED,
    missed_previous boolean GENERATED ALWAYS AS (
CASE
    WHEN (event_type = 'fuel_purchase'::text) THEN (NOT ((payload -> 'missed_previous'::text) IS DISTINCT FROM 'true'::jsonb))
    ELSE NULL::boolean
END) STORED,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT manual_events_created_at_not_null NOT NULL,
    updated_at timestamp with time zone DEFAULT now() CONSTRAINT manual_events_updated_at_not_null NOT NULL,
    version integer DEFAULT 1 CONSTRAINT manual_events_version_not_null NOT NULL,
    voided_at timestamp with time zone,
    void_reason text,
    CONSTRAINT manual_events_confidence_check CHECK (((confidence >= 0) AND (confidence <= 100))),
    CONSTRAINT manual_events_event_type_check CHECK ((event_type = ANY (ARRAY['odometer_reading'::text, 'fuel_purchase'::text, 'maintenance'::text, 'issue_report'::text, 'trip_batch'::text]))),
    CONSTRAINT manual_events_payload CHECK (app.is_payload(event_type, payload)),
    CONSTRAINT manual_events_void CHECK ((((voided_at IS NULL) = (void_reason IS NULL)) AND ((length(void_reason) >= 1) AND (length(void_reason) <= 1000))))
);
ALTER TABLE ONLY public.manual_events_default FORCE ROW LEVEL SECURITY;
ALTER TABLE public.manual_events_default OWNER TO motomind;
CREATE TABLE public.memberships (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    left_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'manager'::text, 'viewer'::text])))
);
ALTER TABLE ONLY public.memberships FORCE ROW LEVEL SECURITY;
ALTER TABLE public.memberships OWNER TO motomind;
CREATE TABLE public.metrics_due (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    vehicle_id uuid NOT NULL,
    is_rebuild boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.metrics_due FORCE ROW LEVEL SECURITY;
ALTER TABLE public.metrics_due OWNER TO motomind;
CREATE TABLE public.odometer_readings (
    tenant_id uuid NOT NULL,
    vehicle_id uuid NOT NULL,
    event_id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    miles integer NOT NULL,
    driven integer,
    rejected_reason text,
    CONSTRAINT odometer_readings_check CHECK (((driven IS NULL) = (rejected_reason IS NOT NULL))),
    CONSTRAINT odometer_readings_rejected_reason_check CHECK ((rejected_reason = ANY (ARRAY['BELOW_EARLIER_READING'::text, 'ABOVE_LATER_READING'::text, 'TOO_MANY_MILES_PER_DAY'::text])))
);
ALTER TABLE ONLY public.odometer_readings FORCE ROW LEVEL SECURITY;
ALTER TABLE public.odometer_readings OWNER TO motomind;
CREATE TABLE public.registered_documents (
    tenant_id uuid NOT NULL,
    sha256 text NOT NULL,
    text text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT registered_documents_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT registered_documents_text_check CHECK ((length(text) <= 100000))
);
ALTER TABLE ONLY public.registered_documents FORCE ROW LEVEL SECURITY;
ALTER TABLE public.registered_documents OWNER TO motomind;
CREATE TABLE public.tenant_keys (
    tenant_id uuid NOT NULL,
    key_id text NOT NULL,
    wrapped bytea NOT NULL,
    wrapped_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT tenant_keys_key_id_check CHECK ((key_id ~ '^[0-9a-z]{4,32}$'::text)),
    CONSTRAINT tenant_keys_wrapped_by_check CHECK (((length(wrapped_by) >= 1) AND (length(wrapped_by) <= 200)))
);
ALTER TABLE ONLY public.tenant_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE public.tenant_keys OWNER TO motomind;
CREATE TABLE public.tenants (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    plan_name text DEFAULT 'free'::text NOT NULL,
    primary_region text DEFAULT 'us-west-1'::text NOT NULL,
    data_residency_requirements jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    CONSTRAINT tenants_data_residency_requirements_check CHECK ((jsonb_typeof(data_residency_requirements) = 'object'::text)),
    CONSTRAINT tenants_kind_check CHECK ((kind = ANY (ARRAY['solo'::text, 'org'::text]))),
    CONSTRAINT tenants_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);
ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE public.tenants OWNER TO motomind;
CREATE TABLE public.unknown_documents (
    tenant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    sha256 text NOT NULL,
    text text NOT NULL,
    seen bigint DEFAULT 1 NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT unknown_documents_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);
ALTER TABLE ONLY public.unknown_documents FORCE ROW LEVEL SECURITY;
ALTER TABLE public.unknown_documents OWNER TO motomind;
CREATE TABLE public.uploads (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    vehicle_id uuid,
    uploaded_by uuid NOT NULL,
    file_name text NOT NULL,
    content_type text NOT NULL,
    size integer NOT NULL,
    sha256 text NOT NULL,
    storage_key text NOT NULL,
    status text DEFAULT 'stored'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT uploads_file_name_check CHECK (((length(file_name) >= 1) AND (length(file_name) <= 255))),
    CONSTRAINT uploads_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT uploads_size_check CHECK ((size >= 0)),
    CONSTRAINT uploads_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'stored'::text, 'processed'::text, 'rejected'::text])))
);
ALTER TABLE ONLY public.uploads FORCE ROW LEVEL SECURITY;
ALTER TABLE public.uploads OWNER TO motomind;
CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_check CHECK (((email ~ '^[^@\s]+@[^@\s]+$'::text) AND (length(email) <= 320))),
    CONSTRAINT users_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);
ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;
ALTER TABLE public.users OWNER TO motomind;
CREATE TABLE public.vehicle_calendars (
    tenant_id uuid NOT NULL,
    vehicle_id uuid NOT NULL,
    fleet_group_id uuid NOT NULL,
    time_zone text NOT NULL,
    active_days datemultirange NOT NULL
);
ALTER TABLE ONLY public.vehicle_calendars FORCE ROW LEVEL SECURITY;
ALTER TABLE public.vehicle_calendars OWNER TO motomind;
CREATE TABLE public.vehicle_changes (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    vehicle_id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.vehicle_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE public.vehicle_changes OWNER TO motomind;
CREATE TABLE public.vehicle_metrics (
    tenant_id uuid NOT NULL,
    vehicle_id uuid NOT NULL,
    metric_date date NOT NULL,
    period_type text NOT NULL,
    brake_wear_pct numeric(5,2),
    fuel_efficiency_mpg numeric(6,2),
    harsh_events integer DEFAULT 0 NOT NULL,
    idle_minutes integer DEFAULT 0 NOT NULL,
    miles_driven integer,
    last_service_date date,
    data_completeness_pct integer DEFAULT 0 NOT NULL,
    source_latency_sec integer,
    sensor_presence jsonb DEFAULT '{}'::jsonb NOT NULL,
    advanced_metrics jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT vehicle_metrics_advanced_metrics_check CHECK ((jsonb_typeof(advanced_metrics) = 'object'::text)),
    CONSTRAINT vehicle_metrics_brake_wear_pct_check CHECK (((brake_wear_pct >= (0)::numeric) AND (brake_wear_pct <= (100)::numeric))),
    CONSTRAINT vehicle_metrics_data_completeness_pct_check CHECK (((data_completeness_pct >= 0) AND (data_completeness_pct <= 100))),
    CONSTRAINT vehicle_metrics_fuel_efficiency_mpg_check CHECK ((fuel_efficiency_mpg >= (0)::numeric)),
    CONSTRAINT vehicle_metrics_harsh_events_check CHECK ((harsh_events >= 0)),
    CONSTRAINT vehicle_metrics_idle_minutes_check CHECK ((idle_minutes >= 0)),
    CONSTRAINT vehicle_metrics_miles_driven_check CHECK ((miles_driven >= 0)),
    CONSTRAINT vehicle_metrics_period_type_check CHECK ((period_type = ANY (ARRAY['daily'::text, 'weekly'::text, 'monthly'::text]))),
    CONSTRAINT vehicle_metrics_sensor_presence_check CHECK ((jsonb_typeof(sensor_presence) = 'object'::text)),
    CONSTRAINT vehicle_metrics_source_latency_sec_check CHECK ((source_latency_sec >= 0))
);
ALTER TABLE ONLY public.vehicle_metrics FORCE ROW LEVEL SECURITY;
ALTER TABLE public.vehicle_metrics OWNER TO motomind;
CREATE TABLE public.vehicles (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    fleet_group_id uuid,
    label text NOT NULL,
    make text,
    model text,
    vin text,
    baseline_fuel_mpg numeric(4,1),
    baseline_service_interval_miles integer DEFAULT 5000,
    notes text,
    extended_attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT vehicles_baseline_fuel_mpg_check CHECK ((baseline_fuel_mpg > (0)::numeric)),
    CONSTRAINT vehicles_baseline_service_interval_miles_check CHECK ((baseline_service_interval_miles > 0)),
    CONSTRAINT vehicles_extended_attributes_check CHECK ((jsonb_typeof(extended_attributes) = 'object'::text)),
    CONSTRAINT vehicles_label_check CHECK (((length(label) >= 1) AND (length(label) <= 200))),
    CONSTRAINT vehicles_vin_check CHECK ((vin ~ '^[A-HJ-NPR-Z0-9]{17}$'::text))
);
ALTER TABLE ONLY public.vehicles FORCE ROW LEVEL SECURITY;
ALTER TABLE public.vehicles OWNER TO motomind;
ALTER TABLE ONLY public.manual_events ATTACH PARTITION public.manual_events_default DEFAULT;
ALTER TABLE ONLY public.audit_trail
    ADD CONSTRAINT audit_trail_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_pkey PRIMARY KEY (tenant_id, credential_id);
ALTER TABLE ONLY public.class_rates
    ADD CONSTRAINT class_rates_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.class_rates
    ADD CONSTRAINT class_rates_tenant_id_make_model_fleet_group_id_key UNIQUE NULLS NOT DISTINCT (tenant_id, make, model, fleet_group_id);
ALTER TABLE ONLY public.client_documents
    ADD CONSTRAINT client_documents_pkey PRIMARY KEY (tenant_id, client_id, document_id);
ALTER TABLE ONLY public.client_keys
    ADD CONSTRAINT client_keys_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.clients
    ADD CONSTRAINT clients_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.document_usage
    ADD CONSTRAINT document_usage_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.event_stream
    ADD CONSTRAINT event_stream_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.event_stream
    ADD CONSTRAINT event_stream_tenant_id_aggregate_type_aggregate_id_version_key UNIQUE (tenant_id, aggregate_type, aggregate_id, version);
ALTER TABLE ONLY public.explanation_runs
    ADD CONSTRAINT explanation_runs_pkey PRIMARY KEY (tenant_id);
ALTER TABLE ONLY public.explanations_due
    ADD CONSTRAINT explanations_due_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.explanations
    ADD CONSTRAINT explanations_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.fleet_groups
    ADD CONSTRAINT fleet_groups_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.fleet_summary_changes
    ADD CONSTRAINT fleet_summary_changes_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.fleet_summary_metrics
    ADD CONSTRAINT fleet_summary_metrics_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.fleet_summary_runs
    ADD CONSTRAINT fleet_summary_runs_pkey PRIMARY KEY (tenant_id);
ALTER TABLE ONLY public.fuel_spans
    ADD CONSTRAINT fuel_spans_pkey PRIMARY KEY (tenant_id, vehicle_id, event_id);
ALTER TABLE ONLY public.granted_subtrees
    ADD CONSTRAINT granted_subtrees_pkey PRIMARY KEY (tenant_id, fleet_group_id);
ALTER TABLE ONLY public.group_changes
    ADD CONSTRAINT group_changes_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.group_metrics
    ADD CONSTRAINT group_metrics_pkey PRIMARY KEY (tenant_id, fleet_group_id, period_type, metric_date);
ALTER TABLE ONLY public.group_outlooks
    ADD CONSTRAINT group_outlooks_pkey PRIMARY KEY (tenant_id, fleet_group_id, fleet_id);
ALTER TABLE ONLY public.group_permissions
    ADD CONSTRAINT group_permissions_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.group_permissions
    ADD CONSTRAINT group_permissions_tenant_id_user_id_fleet_group_id_key UNIQUE (tenant_id, user_id, fleet_group_id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, user_id, key);
ALTER TABLE ONLY public.manifests
    ADD CONSTRAINT manifests_pkey PRIMARY KEY (tenant_id, client_id, version);
ALTER TABLE ONLY public.manual_events
    ADD CONSTRAINT manual_events_pkey PRIMARY KEY (tenant_id, id, occurred_at);
ALTER TABLE ONLY public.manual_events_archive
    ADD CONSTRAINT manual_events_archive_pkey PRIMARY KEY (tenant_id, id, occurred_at);
ALTER TABLE ONLY public.manual_events_default
    ADD CONSTRAINT manual_events_default_pkey PRIMARY KEY (tenant_id, id, occurred_at);
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, user_id);
ALTER TABLE ONLY public.metrics_due
    ADD CONSTRAINT metrics_due_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.odometer_readings
    ADD CONSTRAINT odometer_readings_pkey PRIMARY KEY (tenant_id, vehicle_id, event_id);
ALTER TABLE ONLY public.registered_documents
    ADD CONSTRAINT registered_documents_pkey PRIMARY KEY (tenant_id, sha256);
ALTER TABLE ONLY public.tenant_keys
    ADD CONSTRAINT tenant_keys_pkey PRIMARY KEY (tenant_id, key_id);
ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.unknown_documents
    ADD CONSTRAINT unknown_documents_pkey PRIMARY KEY (tenant_id, client_id, sha256);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.vehicle_calendars
    ADD CONSTRAINT vehicle_calendars_pkey PRIMARY KEY (tenant_id, vehicle_id);
ALTER TABLE ONLY public.vehicle_changes
    ADD CONSTRAINT vehicle_changes_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.vehicle_metrics
    ADD CONSTRAINT vehicle_metrics_pkey PRIMARY KEY (tenant_id, vehicle_id, period_type, metric_date) INCLUDE (miles_driven, idle_minutes, harsh_events);
ALTER TABLE ONLY public.vehicles
    ADD CONSTRAINT vehicles_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY public.vehicles
    ADD CONSTRAINT vehicles_tenant_id_vin_key UNIQUE (tenant_id, vin);
CREATE INDEX audit_trail_changed_at ON public.audit_trail USING btree (tenant_id, changed_at, id);
CREATE INDEX audit_trail_record ON public.audit_trail USING btree (tenant_id, record_id, changed_at, id);
CREATE INDEX class_rates_group ON public.class_rates USING btree (tenant_id, fleet_group_id);
CREATE INDEX client_documents_sha256 ON public.client_documents USING btree (tenant_id, client_id, sha256);
CREATE INDEX client_keys_client ON public.client_keys USING btree (tenant_id, client_id);
CREATE INDEX client_keys_digest ON public.client_keys USING btree (digest);
CREATE UNIQUE INDEX clients_name ON public.clients USING btree (tenant_id, name);
CREATE UNIQUE INDEX clients_token_client ON public.clients USING btree (tenant_id, token_client);
CREATE INDEX clients_user ON public.clients USING btree (tenant_id, user_id);
CREATE UNIQUE INDEX document_usage_day ON public.document_usage USING btree (tenant_id, day, client_id, document) NULLS NOT DISTINCT;
CREATE INDEX event_stream_created_at ON public.event_stream USING btree (tenant_id, created_at, id);
CREATE INDEX explanations_created_at ON public.explanations USING btree (tenant_id, created_at, id);
CREATE INDEX explanations_group ON public.explanations USING btree (tenant_id, fleet_group_id, created_at, id);
CREATE UNIQUE INDEX explanations_subject ON public.explanations USING btree (tenant_id, vehicle_id, fleet_group_id, kind, period_start) NULLS NOT DISTINCT WHERE (kind IS NOT NULL);
CREATE INDEX explanations_vehicle ON public.explanations USING btree (tenant_id, vehicle_id, created_at, id);
CREATE INDEX fleet_groups_created_at ON public.fleet_groups USING btree (tenant_id, created_at, id);
CREATE INDEX fleet_groups_name ON public.fleet_groups USING btree (tenant_id, name, id);
CREATE INDEX fleet_groups_parent ON public.fleet_groups USING btree (tenant_id, parent_group_id, name, id);
CREATE UNIQUE INDEX fleet_summary_metrics_day ON public.fleet_summary_metrics USING btree (tenant_id, fleet_group_id, metric_date) NULLS NOT DISTINCT;
CREATE INDEX fuel_spans_ended_at ON public.fuel_spans USING btree (tenant_id, vehicle_id, ended_at) INCLUDE (miles, gallons, cost) WHERE (rejected_reason IS NULL);
CREATE INDEX group_changes_group ON public.group_changes USING btree (tenant_id, fleet_group_id, since);
CREATE INDEX group_permissions_group ON public.group_permissions USING btree (tenant_id, fleet_group_id);
CREATE INDEX idempotency_keys_created_at ON public.idempotency_keys USING btree (tenant_id, user_id, created_at);
CREATE INDEX manual_events_created_at ON ONLY public.manual_events USING btree (tenant_id, created_at, id);
CREATE INDEX manual_events_type ON ONLY public.manual_events USING btree (tenant_id, event_type, occurred_at, id);
CREATE INDEX manual_events_occurred_at ON ONLY public.manual_events USING btree (tenant_id, occurred_at, id);
CREATE INDEX manual_events_cost ON ONLY public.manual_events USING btree (tenant_id, vehicle_id, event_type, occurred_at) INCLUDE (gallons, cost, id, odometer_miles, is_full_tank, missed_previous) WHERE ((event_type = ANY (ARRAY['fuel_purchase'::text, 'maintenance'::text])) AND (voided_at IS NULL));
CREATE INDEX manual_events_vehicle ON ONLY public.manual_events USING btree (tenant_id, vehicle_id, occurred_at, id);
CREATE INDEX manual_events_issues ON ONLY public.manual_events USING btree (tenant_id, vehicle_id, occurred_at) WHERE (event_type = 'issue_report'::text);
CREATE INDEX manual_events_archive_created_at ON ONLY public.manual_events_archive USING btree (tenant_id, created_at, id);
CREATE INDEX manual_events_archive_issues ON ONLY public.manual_events_archive USING btree (tenant_id, vehicle_id, occurred_at) WHERE (event_type = 'issue_report'::text);
CREATE INDEX manual_events_archive_occurred_at ON ONLY public.manual_events_archive USING btree (tenant_id, occurred_at, id);
CREATE INDEX manual_events_archive_vehicle ON ONLY public.manual_events_archive USING btree (tenant_id, vehicle_id, occurred_at, id);
CREATE INDEX manual_events_default_tenant_id_created_at_id_idx ON public.manual_events_default USING btree (tenant_id, created_at, id);
CREATE INDEX manual_events_default_tenant_id_event_type_occurred_at_id_idx ON public.manual_events_default USING btree (tenant_id, event_type, occurred_at, id);
CREATE INDEX manual_events_default_tenant_id_occurred_at_id_idx ON public.manual_events_default USING btree (tenant_id, occurred_at, id);
CREATE INDEX manual_events_default_tenant_id_vehicle_id_event_type_occur_idx ON public.manual_events_default USING btree (tenant_id, vehicle_id, event_type, occurred_at) INCLUDE (gallons, cost, id, odometer_miles, is_full_tank, missed_previous) WHERE ((event_type = ANY (ARRAY['fuel_purchase'::text, 'maintenance'::text])) AND (voided_at IS NULL));
CREATE INDEX manual_events_default_tenant_id_vehicle_id_occurred_at_id_idx ON public.manual_events_default USING btree (tenant_id, vehicle_id, occurred_at, id);
CREATE INDEX manual_events_default_tenant_id_vehicle_id_occurred_at_idx ON public.manual_events_default USING btree (tenant_id, vehicle_id, occurred_at) WHERE (event_type = 'issue_report'::text);
CREATE INDEX memberships_user ON public.memberships USING btree (user_id);
CREATE INDEX metrics_due_created_at ON public.metrics_due USING btree (tenant_id, created_at);
CREATE INDEX metrics_due_vehicle ON public.metrics_due USING btree (tenant_id, vehicle_id);
CREATE INDEX odometer_readings_accepted ON public.odometer_readings USING btree (tenant_id, vehicle_id, occurred_at) INCLUDE (miles, driven) WHERE (rejected_reason IS NULL);
CREATE INDEX odometer_readings_rejected ON public.odometer_readings USING btree (tenant_id, vehicle_id, occurred_at) WHERE (rejected_reason IS NOT NULL);
CREATE INDEX registered_documents_last_used ON public.registered_documents USING btree (tenant_id, last_used_at);
CREATE UNIQUE INDEX tenant_keys_current ON public.tenant_keys USING btree (tenant_id) WHERE (retired_at IS NULL);
CREATE UNIQUE INDEX tenants_name ON public.tenants USING btree (lower(name));
CREATE INDEX uploads_created_at ON public.uploads USING btree (tenant_id, created_at, id);
CREATE INDEX uploads_sha256 ON public.uploads USING btree (tenant_id, sha256);
CREATE INDEX uploads_vehicle ON public.uploads USING btree (tenant_id, vehicle_id, created_at, id);
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));
CREATE INDEX vehicle_calendars_group ON public.vehicle_calendars USING btree (tenant_id, fleet_group_id);
CREATE INDEX vehicle_changes_created_at ON public.vehicle_changes USING btree (tenant_id, created_at);
CREATE INDEX vehicle_changes_vehicle ON public.vehicle_changes USING btree (tenant_id, vehicle_id, occurred_at);
CREATE INDEX vehicles_created_at ON public.vehicles USING btree (tenant_id, created_at, id);
CREATE INDEX vehicles_external_id ON public.vehicles USING btree (tenant_id, ((extended_attributes ->> 'external_id'::text))) WHERE ((extended_attributes ->> 'external_id'::text) IS NOT NULL);
CREATE INDEX vehicles_group ON public.vehicles USING btree (tenant_id, fleet_group_id, label, id);
CREATE INDEX vehicles_label ON public.vehicles USING btree (tenant_id, label, id);
ALTER INDEX public.manual_events_pkey ATTACH PARTITION public.manual_events_default_pkey;
ALTER INDEX public.manual_events_created_at ATTACH PARTITION public.manual_events_default_tenant_id_created_at_id_idx;
ALTER INDEX public.manual_events_type ATTACH PARTITION public.manual_events_default_tenant_id_event_type_occurred_at_id_idx;
ALTER INDEX public.manual_events_occurred_at ATTACH PARTITION public.manual_events_default_tenant_id_occurred_at_id_idx;
ALTER INDEX public.manual_events_cost ATTACH PARTITION public.manual_events_default_tenant_id_vehicle_id_event_type_occur_idx;
ALTER INDEX public.manual_events_vehicle ATTACH PARTITION public.manual_events_default_tenant_id_vehicle_id_occurred_at_id_idx;
ALTER INDEX public.manual_events_issues ATTACH PARTITION public.manual_events_default_tenant_id_vehicle_id_occurred_at_idx;
CREATE TRIGGER audit_delete AFTER DELETE ON public.client_keys REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.clients REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.fleet_groups REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.group_permissions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.manual_events REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.memberships REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.tenants REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.uploads REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON public.vehicles REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.client_keys REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.clients REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.fleet_groups REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.group_permissions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.manual_events REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.memberships REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.tenants REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.uploads REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_insert AFTER INSERT ON public.vehicles REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.client_keys REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.clients REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.fleet_groups REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.group_permissions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.manual_events REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.memberships REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.tenants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.uploads REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_user_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON public.vehicles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.record_audit();
CREATE TRIGGER explanations_due AFTER UPDATE ON public.vehicles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.explanations_due_of_vehicles();
CREATE TRIGGER keep_subtrees_deleted AFTER DELETE ON public.fleet_groups REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.keep_subtrees_of_groups();
CREATE TRIGGER keep_subtrees_deleted AFTER DELETE ON public.group_permissions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.keep_subtrees_of_permissions();
CREATE TRIGGER keep_subtrees_inserted AFTER INSERT ON public.fleet_groups REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.keep_subtrees_of_groups();
CREATE TRIGGER keep_subtrees_inserted AFTER INSERT ON public.group_permissions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.keep_subtrees_of_permissions();
CREATE TRIGGER keep_subtrees_updated AFTER UPDATE ON public.fleet_groups REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.keep_subtrees_of_groups();
CREATE TRIGGER keep_subtrees_updated AFTER UPDATE ON public.group_permissions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.keep_subtrees_of_permissions();
CREATE TRIGGER metrics_due AFTER UPDATE ON public.fleet_groups REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.metrics_due_of_groups();
CREATE TRIGGER metrics_due AFTER UPDATE ON public.tenants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.metrics_due_of_tenants();
CREATE TRIGGER metrics_due AFTER UPDATE ON public.vehicles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.metrics_due_of_vehicles();
CREATE TRIGGER next_version BEFORE UPDATE ON public.clients FOR EACH ROW EXECUTE FUNCTION app.next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON public.fleet_groups FOR EACH ROW EXECUTE FUNCTION app.next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON public.group_permissions FOR EACH ROW EXECUTE FUNCTION app.next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON public.manual_events FOR EACH ROW EXECUTE FUNCTION app.next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION app.next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON public.vehicles FOR EACH ROW EXECUTE FUNCTION app.next_version();
CREATE TRIGGER note_deleted AFTER DELETE ON public.manual_events REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_vehicle_changes();
CREATE TRIGGER note_groups_of_deleted AFTER DELETE ON public.fuel_spans REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('(ended_at at time zone ''UTC'')::date - 1');
CREATE TRIGGER note_groups_of_deleted AFTER DELETE ON public.metrics_due REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('date ''-infinity''');
CREATE TRIGGER note_groups_of_deleted AFTER DELETE ON public.vehicle_changes REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('(occurred_at at time zone ''UTC'')::date - 1');
CREATE TRIGGER note_groups_of_deleted AFTER DELETE ON public.vehicle_metrics REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('metric_date');
CREATE TRIGGER note_groups_of_deleted AFTER DELETE ON public.vehicles REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_groups_of_vehicles();
CREATE TRIGGER note_groups_of_inserted AFTER INSERT ON public.fuel_spans REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('(ended_at at time zone ''UTC'')::date - 1');
CREATE TRIGGER note_groups_of_inserted AFTER INSERT ON public.vehicle_metrics REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('metric_date');
CREATE TRIGGER note_groups_of_inserted AFTER INSERT ON public.vehicles REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_groups_of_vehicles();
CREATE TRIGGER note_groups_of_updated AFTER UPDATE ON public.fuel_spans REFERENCING OLD TABLE AS replaced NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('(ended_at at time zone ''UTC'')::date - 1');
CREATE TRIGGER note_groups_of_updated AFTER UPDATE ON public.vehicle_metrics REFERENCING OLD TABLE AS replaced NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_group_changes('metric_date');
CREATE TRIGGER note_groups_of_updated AFTER UPDATE ON public.vehicles REFERENCING OLD TABLE AS replaced NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_groups_of_vehicles();
CREATE TRIGGER note_inserted AFTER INSERT ON public.manual_events REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_vehicle_changes();
CREATE TRIGGER note_summaries_of_deleted AFTER DELETE ON public.fleet_groups REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_groups();
CREATE TRIGGER note_summaries_of_deleted AFTER DELETE ON public.group_changes REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_changes();
CREATE TRIGGER note_summaries_of_deleted AFTER DELETE ON public.group_metrics REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_metrics();
CREATE TRIGGER note_summaries_of_deleted AFTER DELETE ON public.vehicle_calendars REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_calendars();
CREATE TRIGGER note_summaries_of_inserted AFTER INSERT ON public.fleet_groups REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_groups();
CREATE TRIGGER note_summaries_of_inserted AFTER INSERT ON public.group_metrics REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_metrics();
CREATE TRIGGER note_summaries_of_inserted AFTER INSERT ON public.vehicle_calendars REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_calendars();
CREATE TRIGGER note_summaries_of_updated AFTER UPDATE ON public.fleet_groups REFERENCING OLD TABLE AS replaced NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_groups();
CREATE TRIGGER note_summaries_of_updated AFTER UPDATE ON public.group_metrics REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_metrics();
CREATE TRIGGER note_summaries_of_updated AFTER UPDATE ON public.vehicle_calendars REFERENCING OLD TABLE AS replaced NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_calendars();
CREATE TRIGGER note_summaries_of_updated AFTER UPDATE ON public.vehicles REFERENCING OLD TABLE AS replaced NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_summaries_of_vehicles();
CREATE TRIGGER note_updated AFTER UPDATE ON public.manual_events REFERENCING OLD TABLE AS replaced NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_vehicle_changes();
CREATE TRIGGER queue_on_tree BEFORE INSERT OR DELETE ON public.fleet_groups FOR EACH STATEMENT EXECUTE FUNCTION app.queue_on_tree();
CREATE TRIGGER queue_on_tree BEFORE INSERT OR DELETE OR UPDATE ON public.group_permissions FOR EACH STATEMENT EXECUTE FUNCTION app.queue_on_tree();
CREATE TRIGGER refuse_cycle_inserted AFTER INSERT ON public.fleet_groups REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_group_cycle();
CREATE TRIGGER refuse_cycle_updated AFTER UPDATE ON public.fleet_groups REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_group_cycle();
CREATE TRIGGER require_admin_of_parent BEFORE UPDATE ON public.fleet_groups FOR EACH ROW WHEN ((new.parent_group_id IS DISTINCT FROM old.parent_group_id)) EXECUTE FUNCTION app.require_admin_of_parent();
CREATE TRIGGER require_owner AFTER UPDATE ON public.memberships REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.require_owner();
CREATE TRIGGER require_time_zone BEFORE INSERT OR UPDATE OF time_zone ON public.tenants FOR EACH ROW EXECUTE FUNCTION app.require_time_zone();
CREATE TRIGGER stream_delete AFTER DELETE ON public.fleet_groups REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('fleet_group', 'id');
CREATE TRIGGER stream_delete AFTER DELETE ON public.memberships REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('user', 'user_id');
CREATE TRIGGER stream_delete AFTER DELETE ON public.vehicles REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('vehicle', 'id');
CREATE TRIGGER stream_insert AFTER INSERT ON public.fleet_groups REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('fleet_group', 'id');
CREATE TRIGGER stream_insert AFTER INSERT ON public.memberships REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('user', 'user_id');
CREATE TRIGGER stream_insert AFTER INSERT ON public.vehicles REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('vehicle', 'id');
CREATE TRIGGER stream_update AFTER UPDATE ON public.fleet_groups REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('fleet_group', 'id');
CREATE TRIGGER stream_update AFTER UPDATE ON public.memberships REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('user', 'user_id');
CREATE TRIGGER stream_update AFTER UPDATE ON public.vehicles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app.append_stream('vehicle', 'id');
CREATE TRIGGER touch BEFORE UPDATE ON public.explanations FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public.fleet_summary_metrics FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public.tenants FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public.uploads FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public.vehicle_metrics FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE ONLY public.audit_trail
    ADD CONSTRAINT audit_trail_changed_by_fkey FOREIGN KEY (changed_by) REFERENCES public.users(id);
ALTER TABLE ONLY public.audit_trail
    ADD CONSTRAINT audit_trail_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.clients(tenant_id, id);
ALTER TABLE ONLY public.audit_trail
    ADD CONSTRAINT audit_trail_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.class_rates
    ADD CONSTRAINT class_rates_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.class_rates
    ADD CONSTRAINT class_rates_tenant_id_fleet_group_id_fkey FOREIGN KEY (tenant_id, fleet_group_id) REFERENCES public.fleet_groups(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.client_documents
    ADD CONSTRAINT client_documents_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.clients(tenant_id, id);
ALTER TABLE ONLY public.client_documents
    ADD CONSTRAINT client_documents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.client_keys
    ADD CONSTRAINT client_keys_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.clients(tenant_id, id);
ALTER TABLE ONLY public.client_keys
    ADD CONSTRAINT client_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.clients
    ADD CONSTRAINT clients_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.clients
    ADD CONSTRAINT clients_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.memberships(tenant_id, user_id);
ALTER TABLE ONLY public.document_usage
    ADD CONSTRAINT document_usage_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.clients(tenant_id, id);
ALTER TABLE ONLY public.document_usage
    ADD CONSTRAINT document_usage_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.event_stream
    ADD CONSTRAINT event_stream_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.explanation_runs
    ADD CONSTRAINT explanation_runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.explanations_due
    ADD CONSTRAINT explanations_due_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.explanations
    ADD CONSTRAINT explanations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.explanations
    ADD CONSTRAINT explanations_tenant_id_fleet_group_id_fkey FOREIGN KEY (tenant_id, fleet_group_id) REFERENCES public.fleet_groups(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.explanations
    ADD CONSTRAINT explanations_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fleet_groups
    ADD CONSTRAINT fleet_groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.fleet_groups
    ADD CONSTRAINT fleet_groups_tenant_id_parent_group_id_fkey FOREIGN KEY (tenant_id, parent_group_id) REFERENCES public.fleet_groups(tenant_id, id);
ALTER TABLE ONLY public.fleet_summary_changes
    ADD CONSTRAINT fleet_summary_changes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.fleet_summary_metrics
    ADD CONSTRAINT fleet_summary_metrics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.fleet_summary_metrics
    ADD CONSTRAINT fleet_summary_metrics_tenant_id_fleet_group_id_fkey FOREIGN KEY (tenant_id, fleet_group_id) REFERENCES public.fleet_groups(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fleet_summary_runs
    ADD CONSTRAINT fleet_summary_runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.fuel_spans
    ADD CONSTRAINT fuel_spans_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.fuel_spans
    ADD CONSTRAINT fuel_spans_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.granted_subtrees
    ADD CONSTRAINT granted_subtrees_tenant_id_fleet_group_id_fkey FOREIGN KEY (tenant_id, fleet_group_id) REFERENCES public.fleet_groups(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.group_changes
    ADD CONSTRAINT group_changes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.group_metrics
    ADD CONSTRAINT group_metrics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.group_outlooks
    ADD CONSTRAINT group_outlooks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.group_permissions
    ADD CONSTRAINT group_permissions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.group_permissions
    ADD CONSTRAINT group_permissions_tenant_id_fleet_group_id_fkey FOREIGN KEY (tenant_id, fleet_group_id) REFERENCES public.fleet_groups(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.group_permissions
    ADD CONSTRAINT group_permissions_tenant_id_granted_by_fkey FOREIGN KEY (tenant_id, granted_by) REFERENCES public.memberships(tenant_id, user_id);
ALTER TABLE ONLY public.group_permissions
    ADD CONSTRAINT group_permissions_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.memberships(tenant_id, user_id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.memberships(tenant_id, user_id);
ALTER TABLE ONLY public.manifests
    ADD CONSTRAINT manifests_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.clients(tenant_id, id);
ALTER TABLE ONLY public.manifests
    ADD CONSTRAINT manifests_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE public.manual_events_archive
    ADD CONSTRAINT manual_events_archive_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id);
ALTER TABLE public.manual_events
    ADD CONSTRAINT manual_events_tenant_id_created_by_fkey FOREIGN KEY (tenant_id, created_by) REFERENCES public.memberships(tenant_id, user_id);
ALTER TABLE public.manual_events
    ADD CONSTRAINT manual_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE public.manual_events
    ADD CONSTRAINT manual_events_tenant_id_source_upload_id_fkey FOREIGN KEY (tenant_id, source_upload_id) REFERENCES public.uploads(tenant_id, id);
ALTER TABLE public.manual_events
    ADD CONSTRAINT manual_events_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id);
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);
ALTER TABLE ONLY public.metrics_due
    ADD CONSTRAINT metrics_due_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.metrics_due
    ADD CONSTRAINT metrics_due_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.odometer_readings
    ADD CONSTRAINT odometer_readings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.odometer_readings
    ADD CONSTRAINT odometer_readings_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.registered_documents
    ADD CONSTRAINT registered_documents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.tenant_keys
    ADD CONSTRAINT tenant_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.unknown_documents
    ADD CONSTRAINT unknown_documents_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.clients(tenant_id, id);
ALTER TABLE ONLY public.unknown_documents
    ADD CONSTRAINT unknown_documents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_tenant_id_uploaded_by_fkey FOREIGN KEY (tenant_id, uploaded_by) REFERENCES public.memberships(tenant_id, user_id);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id);
ALTER TABLE ONLY public.vehicle_calendars
    ADD CONSTRAINT vehicle_calendars_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.vehicle_calendars
    ADD CONSTRAINT vehicle_calendars_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.vehicle_changes
    ADD CONSTRAINT vehicle_changes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.vehicle_metrics
    ADD CONSTRAINT vehicle_metrics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.vehicle_metrics
    ADD CONSTRAINT vehicle_metrics_tenant_id_vehicle_id_fkey FOREIGN KEY (tenant_id, vehicle_id) REFERENCES public.vehicles(tenant_id, id);
ALTER TABLE ONLY public.vehicles
    ADD CONSTRAINT vehicles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.vehicles
    ADD CONSTRAINT vehicles_tenant_id_fleet_group_id_fkey FOREIGN KEY (tenant_id, fleet_group_id) REFERENCES public.fleet_groups(tenant_id, id);
CREATE POLICY add_administered ON public.fleet_groups FOR INSERT TO gateway_tenant, gateway_groups WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND ((( SELECT app.role() AS role) = 'owner'::text) OR (parent_group_id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[])))));
CREATE POLICY add_administered ON public.group_permissions FOR INSERT TO gateway_tenant, gateway_groups WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (granted_by = ( SELECT app.user_id() AS user_id)) AND ((( SELECT app.role() AS role) = 'owner'::text) OR (fleet_group_id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[])))));
CREATE POLICY add_granted ON public.manual_events FOR INSERT TO gateway_groups WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (created_by = ( SELECT app.user_id() AS user_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = manual_events.tenant_id) AND (v.id = manual_events.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.writable_groups() AS writable_groups)::uuid[])))))));
CREATE POLICY add_granted ON public.uploads FOR INSERT TO gateway_groups WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (uploaded_by = ( SELECT app.user_id() AS user_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = uploads.tenant_id) AND (v.id = uploads.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.writable_groups() AS writable_groups)::uuid[])))))));
CREATE POLICY add_granted ON public.vehicles FOR INSERT TO gateway_groups WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id = ANY (( SELECT app.writable_groups() AS writable_groups)::uuid[]))));
CREATE POLICY add_membership ON public.memberships FOR INSERT TO gateway_tenant WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY add_tenant ON public.manual_events FOR INSERT TO gateway_tenant WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (created_by = ( SELECT app.user_id() AS user_id))));
CREATE POLICY add_tenant ON public.uploads FOR INSERT TO gateway_tenant WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (uploaded_by = ( SELECT app.user_id() AS user_id))));
CREATE POLICY add_tenant ON public.vehicles FOR INSERT TO gateway_tenant WITH CHECK ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
ALTER TABLE public.audit_trail ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.budgets ENABLE ROW LEVEL SECURITY;
CREATE POLICY change_administered ON public.fleet_groups FOR UPDATE TO gateway_tenant, gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND ((( SELECT app.role() AS role) = 'owner'::text) OR (id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[])))));
CREATE POLICY change_administered ON public.group_permissions FOR UPDATE TO gateway_tenant, gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND ((( SELECT app.role() AS role) = 'owner'::text) OR (fleet_group_id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[]))))) WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (granted_by = ( SELECT app.user_id() AS user_id)) AND ((( SELECT app.role() AS role) = 'owner'::text) OR (fleet_group_id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[])))));
CREATE POLICY change_granted ON public.manual_events FOR UPDATE TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = manual_events.tenant_id) AND (v.id = manual_events.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.writable_groups() AS writable_groups)::uuid[])))))));
CREATE POLICY change_granted ON public.uploads FOR UPDATE TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = uploads.tenant_id) AND (v.id = uploads.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.writable_groups() AS writable_groups)::uuid[])))))));
CREATE POLICY change_granted ON public.vehicles FOR UPDATE TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id = ANY (( SELECT app.writable_groups() AS writable_groups)::uuid[]))));
CREATE POLICY change_membership ON public.memberships FOR UPDATE TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY change_tenant ON public.manual_events FOR UPDATE TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY change_tenant ON public.tenants FOR UPDATE TO gateway_tenant USING (((id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY change_tenant ON public.uploads FOR UPDATE TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY change_tenant ON public.vehicles FOR UPDATE TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
ALTER TABLE public.class_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.client_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.client_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.document_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.event_stream ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.explanation_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.explanations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.explanations_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_groups ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_summary_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_summary_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.fleet_summary_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.fuel_spans ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.granted_subtrees ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.group_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.group_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.group_outlooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.group_permissions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.manifests ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.manual_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.manual_events_archive ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.manual_events_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.metrics_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.odometer_readings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.idempotency_keys TO gateway_tenant, gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (user_id = ( SELECT app.user_id() AS user_id)))) WITH CHECK (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (user_id = ( SELECT app.user_id() AS user_id))));
CREATE POLICY owner ON public.audit_trail TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.budgets TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.class_rates TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.client_documents TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.client_keys TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.clients TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.document_usage TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.event_stream TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.explanation_runs TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.explanations TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.explanations_due TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.fleet_groups TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.fleet_summary_changes TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.fleet_summary_metrics TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.fleet_summary_runs TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.fuel_spans TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.granted_subtrees TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.group_changes TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.group_metrics TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.group_outlooks TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.group_permissions TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.idempotency_keys TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.manifests TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.manual_events TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.manual_events_archive TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.manual_events_default TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.memberships TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.metrics_due TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.odometer_readings TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.registered_documents TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.tenant_keys TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.tenants TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.unknown_documents TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.uploads TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.users TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.vehicle_calendars TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.vehicle_changes TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.vehicle_metrics TO motomind USING (true) WITH CHECK (true);
CREATE POLICY owner ON public.vehicles TO motomind USING (true) WITH CHECK (true);
CREATE POLICY read_granted ON public.class_rates FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[]))));
CREATE POLICY read_granted ON public.explanations FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND ((fleet_group_id IN ( SELECT unnest(app.readable_groups()) AS unnest)) OR (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = explanations.tenant_id) AND (v.id = explanations.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[]))))))));
CREATE POLICY read_granted ON public.fleet_groups FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (id IN ( SELECT unnest(app.readable_groups()) AS unnest))));
CREATE POLICY read_granted ON public.fleet_summary_metrics FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id IN ( SELECT unnest(app.readable_groups()) AS unnest))));
CREATE POLICY read_granted ON public.fuel_spans FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = fuel_spans.tenant_id) AND (v.id = fuel_spans.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[])))))));
CREATE POLICY read_granted ON public.granted_subtrees FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id = ANY (( SELECT app.granted_groups() AS granted_groups)::uuid[]))));
CREATE POLICY read_granted ON public.group_changes FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id IN ( SELECT unnest(app.readable_groups()) AS unnest))));
CREATE POLICY read_granted ON public.group_metrics FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id IN ( SELECT unnest(app.readable_groups()) AS unnest))));
CREATE POLICY read_granted ON public.manual_events FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND ((vehicle_id IN ( SELECT unnest(app.seen_vehicles()) AS unnest)) OR (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = manual_events.tenant_id) AND (v.id = manual_events.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[]))))))));
CREATE POLICY read_granted ON public.manual_events_archive FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = manual_events_archive.tenant_id) AND (v.id = manual_events_archive.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[])))))));
CREATE POLICY read_granted ON public.odometer_readings FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = odometer_readings.tenant_id) AND (v.id = odometer_readings.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[])))))));
CREATE POLICY read_granted ON public.uploads FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = uploads.tenant_id) AND (v.id = uploads.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[])))))));
CREATE POLICY read_granted ON public.vehicle_calendars FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id IN ( SELECT unnest(app.readable_groups()) AS unnest))));
CREATE POLICY read_granted ON public.vehicle_changes FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = vehicle_changes.tenant_id) AND (v.id = vehicle_changes.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[])))))));
CREATE POLICY read_granted ON public.vehicle_metrics FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (EXISTS ( SELECT
   FROM public.vehicles v
  WHERE ((v.tenant_id = vehicle_metrics.tenant_id) AND (v.id = vehicle_metrics.vehicle_id) AND (v.fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[])))))));
CREATE POLICY read_granted ON public.vehicles FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id IN ( SELECT unnest(app.readable_groups()) AS unnest))));
CREATE POLICY read_member ON public.users FOR SELECT TO gateway_tenant, gateway_groups USING (((id = ( SELECT app.user_id() AS user_id)) OR (EXISTS ( SELECT
   FROM public.memberships m
  WHERE ((m.tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (m.user_id = users.id))))));
CREATE POLICY read_membership ON public.memberships FOR SELECT TO gateway_tenant, gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) OR (user_id = ( SELECT app.user_id() AS user_id))));
CREATE POLICY read_own ON public.group_permissions FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (((user_id = ( SELECT app.user_id() AS user_id)) AND (fleet_group_id = ANY (( SELECT app.readable_groups() AS readable_groups)::uuid[]))) OR (fleet_group_id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[])))));
CREATE POLICY read_tenant ON public.audit_trail FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.budgets FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.class_rates FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.client_documents FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.client_keys FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.clients FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.document_usage FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.event_stream FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.explanation_runs FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.explanations FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.explanations_due FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.fleet_groups FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.fleet_summary_changes FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.fleet_summary_metrics FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.fleet_summary_runs FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.fuel_spans FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.granted_subtrees FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.group_changes FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.group_metrics FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.group_outlooks FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.group_permissions FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.manifests FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.manual_events FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.manual_events_archive FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.metrics_due FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.odometer_readings FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.registered_documents FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.tenant_keys FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.tenants FOR SELECT TO gateway_tenant, gateway_groups USING (((id = ( SELECT app.tenant_id() AS tenant_id)) OR (id IN ( SELECT m.tenant_id
   FROM public.memberships m
  WHERE ((m.user_id = ( SELECT app.user_id() AS user_id)) AND (m.left_at IS NULL))))));
CREATE POLICY read_tenant ON public.unknown_documents FOR SELECT TO gateway_tenant USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.role() AS role) = 'owner'::text)));
CREATE POLICY read_tenant ON public.uploads FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.vehicle_calendars FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.vehicle_changes FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.vehicle_metrics FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_tenant ON public.vehicles FOR SELECT TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
CREATE POLICY read_writing ON public.tenant_keys FOR SELECT TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (( SELECT app.writable_groups() AS writable_groups) <> '{}'::uuid[])));
ALTER TABLE public.registered_documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY remove_administered ON public.fleet_groups FOR DELETE TO gateway_tenant, gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND ((( SELECT app.role() AS role) = 'owner'::text) OR (id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[])))));
CREATE POLICY remove_administered ON public.group_permissions FOR DELETE TO gateway_tenant, gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND ((( SELECT app.role() AS role) = 'owner'::text) OR (fleet_group_id = ANY (( SELECT app.admin_groups() AS admin_groups)::uuid[])))));
CREATE POLICY remove_granted ON public.vehicles FOR DELETE TO gateway_groups USING (((tenant_id = ( SELECT app.tenant_id() AS tenant_id)) AND (fleet_group_id = ANY (( SELECT app.writable_groups() AS writable_groups)::uuid[]))));
CREATE POLICY remove_tenant ON public.vehicles FOR DELETE TO gateway_tenant USING ((tenant_id = ( SELECT app.tenant_id() AS tenant_id)));
ALTER TABLE public.tenant_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.unknown_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.vehicle_calendars ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.vehicle_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.vehicle_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.vehicles ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA app TO gateway;
GRANT USAGE ON SCHEMA app TO gateway_tenant;
GRANT USAGE ON SCHEMA app TO gateway_groups;
REVOKE ALL ON FUNCTION app.accepted_readings(at timestamp with time zone[], miles integer[], weights bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.accepted_readings(at timestamp with time zone[], miles integer[], weights bigint[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.accepted_readings(at timestamp with time zone[], miles integer[], weights bigint[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.add_tenant_key(in_tenant_id uuid, in_user_id uuid, in_key_id text, in_wrapped bytea, in_wrapped_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.add_tenant_key(in_tenant_id uuid, in_user_id uuid, in_key_id text, in_wrapped bytea, in_wrapped_by text) TO gateway;
REVOKE ALL ON FUNCTION app.admin_groups() FROM PUBLIC;
GRANT ALL ON FUNCTION app.admin_groups() TO gateway_tenant;
GRANT ALL ON FUNCTION app.admin_groups() TO gateway_groups;
REVOKE ALL ON FUNCTION app.append_stream() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.archive_event_partitions(first_kept_day date) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.changed_group_totals(in_tenant_id uuid, group_ids uuid[], first_day date, end_day date, with_spans boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.changed_group_totals(in_tenant_id uuid, group_ids uuid[], first_day date, end_day date, with_spans boolean) TO gateway_tenant;
GRANT ALL ON FUNCTION app.changed_group_totals(in_tenant_id uuid, group_ids uuid[], first_day date, end_day date, with_spans boolean) TO gateway_groups;
REVOKE ALL ON FUNCTION app.changed_keys(old_row jsonb, new_row jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.client_id() FROM PUBLIC;
GRANT ALL ON FUNCTION app.client_id() TO gateway_tenant;
GRANT ALL ON FUNCTION app.client_id() TO gateway_groups;
REVOKE ALL ON FUNCTION app.client_ip() FROM PUBLIC;
GRANT ALL ON FUNCTION app.client_ip() TO gateway_tenant;
GRANT ALL ON FUNCTION app.client_ip() TO gateway_groups;
REVOKE ALL ON FUNCTION app.client_of_key(in_digest bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION app.client_of_key(in_digest bytea) TO gateway;
REVOKE ALL ON FUNCTION app.client_of_token(in_tenant_id uuid, in_user_id uuid, in_token_client text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.client_of_token(in_tenant_id uuid, in_user_id uuid, in_token_client text) TO gateway;
REVOKE ALL ON FUNCTION app.current_readings(in_tenant_id uuid, vehicle_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.current_readings(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.current_readings(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.current_spans(in_tenant_id uuid, vehicle_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.current_spans(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.current_spans(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.current_tenant_key(in_tenant_id uuid, in_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.current_tenant_key(in_tenant_id uuid, in_user_id uuid) TO gateway;
REVOKE ALL ON FUNCTION app.economy_changes(in_tenant_id uuid, vehicle_ids uuid[], period_start date, period_end date, today date, threshold_pct numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION app.economy_changes(in_tenant_id uuid, vehicle_ids uuid[], period_start date, period_end date, today date, threshold_pct numeric) TO gateway_tenant;
GRANT ALL ON FUNCTION app.economy_changes(in_tenant_id uuid, vehicle_ids uuid[], period_start date, period_end date, today date, threshold_pct numeric) TO gateway_groups;
REVOKE ALL ON FUNCTION app.enter(in_user_id uuid, in_tenant_id uuid, writes boolean, in_client_ip text, in_user_agent text, in_client_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.enter(in_user_id uuid, in_tenant_id uuid, writes boolean, in_client_ip text, in_user_agent text, in_client_id uuid) TO gateway;
REVOKE ALL ON FUNCTION app.explanations_due_of_vehicles() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.first_service_day(is_due boolean, since timestamp with time zone, days double precision, due_on date, today date) FROM PUBLIC;
GRANT ALL ON FUNCTION app.first_service_day(is_due boolean, since timestamp with time zone, days double precision, due_on date, today date) TO gateway_tenant;
GRANT ALL ON FUNCTION app.first_service_day(is_due boolean, since timestamp with time zone, days double precision, due_on date, today date) TO gateway_groups;
REVOKE ALL ON FUNCTION app.fleets_of_groups(in_tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.fleets_of_groups(in_tenant_id uuid) TO gateway_tenant;
GRANT ALL ON FUNCTION app.fleets_of_groups(in_tenant_id uuid) TO gateway_groups;
REVOKE ALL ON FUNCTION app.fuel_spans(in_tenant_id uuid, vehicle_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.fuel_spans(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.fuel_spans(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.granted_groups() FROM PUBLIC;
GRANT ALL ON FUNCTION app.granted_groups() TO gateway_tenant;
GRANT ALL ON FUNCTION app.granted_groups() TO gateway_groups;
REVOKE ALL ON FUNCTION app.granted_groups(level text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.granted_groups(level text) TO gateway_tenant;
GRANT ALL ON FUNCTION app.granted_groups(level text) TO gateway_groups;
REVOKE ALL ON FUNCTION app.groups_below(in_tenant_id uuid, group_ids uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.groups_under_grants(level text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.groups_under_grants(level text) TO gateway_tenant;
GRANT ALL ON FUNCTION app.groups_under_grants(level text) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_absent_or(value jsonb, type text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_absent_or(value jsonb, type text) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_absent_or(value jsonb, type text) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_absent_or_number(value jsonb, low numeric, high numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_absent_or_number(value jsonb, low numeric, high numeric) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_absent_or_number(value jsonb, low numeric, high numeric) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_drivable(from_at timestamp with time zone, from_miles integer, to_at timestamp with time zone, to_miles integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_drivable(from_at timestamp with time zone, from_miles integer, to_at timestamp with time zone, to_miles integer) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_drivable(from_at timestamp with time zone, from_miles integer, to_at timestamp with time zone, to_miles integer) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_fuel_purchase(payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_fuel_purchase(payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_fuel_purchase(payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_issue_report(payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_issue_report(payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_issue_report(payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_maintenance(payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_maintenance(payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_maintenance(payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_number(value jsonb, low numeric, high numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_number(value jsonb, low numeric, high numeric) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_number(value jsonb, low numeric, high numeric) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_odometer_reading(payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_odometer_reading(payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_odometer_reading(payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_payload(event_type text, payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_payload(event_type text, payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_payload(event_type text, payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.is_trip_batch(payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.is_trip_batch(payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.is_trip_batch(payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.keep_subtrees_of_groups() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.keep_subtrees_of_permissions() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.lock_trees(tenant_ids uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.maintenance_predictions(in_tenant_id uuid, vehicle_ids uuid[], as_of timestamp with time zone, fleet_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.maintenance_predictions(in_tenant_id uuid, vehicle_ids uuid[], as_of timestamp with time zone, fleet_ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.maintenance_predictions(in_tenant_id uuid, vehicle_ids uuid[], as_of timestamp with time zone, fleet_ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.make_event_partitions(first_day date, last_day date) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.metrics_due_of_groups() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.metrics_due_of_tenants() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.metrics_due_of_vehicles() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.moment_of(said text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.moment_of(said text) TO gateway_tenant;
GRANT ALL ON FUNCTION app.moment_of(said text) TO gateway_groups;
REVOKE ALL ON FUNCTION app.needs_encryption(value jsonb, current_key text, in_clear jsonpath[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.next_version() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_group_changes() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_groups_of_vehicles() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_summaries_of_calendars() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_summaries_of_changes() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_summaries_of_groups() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_summaries_of_metrics() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_summaries_of_vehicles() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_vehicle_changes() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.odometer_readings(in_tenant_id uuid, vehicle_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.odometer_readings(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.odometer_readings(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.outermost_groups(in_tenant_id uuid, granted uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.payload_cost(event_type text, payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.payload_cost(event_type text, payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.payload_cost(event_type text, payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.payload_number(payload jsonb, key text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.payload_number(payload jsonb, key text) TO gateway_tenant;
GRANT ALL ON FUNCTION app.payload_number(payload jsonb, key text) TO gateway_groups;
REVOKE ALL ON FUNCTION app.payload_odometer(event_type text, payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.payload_odometer(event_type text, payload jsonb) TO gateway_tenant;
GRANT ALL ON FUNCTION app.payload_odometer(event_type text, payload jsonb) TO gateway_groups;
REVOKE ALL ON FUNCTION app.pending_migrations(in_known text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.pending_migrations(in_known text[]) TO gateway;
REVOKE ALL ON FUNCTION app.period_in_words(starts_on date, ends_on date, today date) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.person_of_email(in_email text, in_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.person_of_email(in_email text, in_name text) TO gateway_tenant;
REVOKE ALL ON FUNCTION app.prediction_method() FROM PUBLIC;
GRANT ALL ON FUNCTION app.prediction_method() TO gateway_tenant;
GRANT ALL ON FUNCTION app.prediction_method() TO gateway_groups;
REVOKE ALL ON FUNCTION app.queue_on_tree() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.rates_of_classes(in_tenant_id uuid, vehicle_ids uuid[], fleet_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.rates_of_classes(in_tenant_id uuid, vehicle_ids uuid[], fleet_ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.rates_of_classes(in_tenant_id uuid, vehicle_ids uuid[], fleet_ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.readable_groups() FROM PUBLIC;
GRANT ALL ON FUNCTION app.readable_groups() TO gateway_tenant;
GRANT ALL ON FUNCTION app.readable_groups() TO gateway_groups;
REVOKE ALL ON FUNCTION app.recent_documents(in_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.recent_documents(in_limit integer) TO gateway;
REVOKE ALL ON FUNCTION app.record_audit() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.record_documents(in_seen jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.record_documents(in_seen jsonb) TO gateway;
REVOKE ALL ON FUNCTION app.record_usage(in_usage jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.record_usage(in_usage jsonb) TO gateway;
REVOKE ALL ON FUNCTION app.record_user_audit() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refresh_changed_figures() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refresh_changed_groups(in_tenant_id uuid, at_most integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refresh_class_rates(in_tenant_id uuid, within interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refresh_figures(in_tenant_id uuid, vehicle_ids uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refresh_fleet_summaries(in_tenant_id uuid, moment timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refresh_group_metrics(in_tenant_id uuid, group_ids uuid[], since date[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refresh_group_outlooks(in_tenant_id uuid, group_ids uuid[], today date, moment timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.refund(in_refunds jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION app.refund(in_refunds jsonb) TO gateway;
REVOKE ALL ON FUNCTION app.refuse_group_cycle() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.register_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text, in_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.register_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text, in_text text) TO gateway;
REVOKE ALL ON FUNCTION app.registered_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.registered_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text) TO gateway;
REVOKE ALL ON FUNCTION app.require_admin_of_parent() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.require_owner() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.require_time_zone() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.resolve_caller(in_user_id uuid, in_tenant_id uuid, writes boolean, OUT role text, OUT readable uuid[], OUT writable uuid[], OUT administered uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.resolve_caller(in_user_id uuid, in_tenant_id uuid, writes boolean, OUT role text, OUT readable uuid[], OUT writable uuid[], OUT administered uuid[]) TO gateway;
REVOKE ALL ON FUNCTION app.role() FROM PUBLIC;
GRANT ALL ON FUNCTION app.role() TO gateway_tenant;
GRANT ALL ON FUNCTION app.role() TO gateway_groups;
REVOKE ALL ON FUNCTION app.secure_partition(partition_name text) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.see_vehicles(ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.see_vehicles(ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.see_vehicles(ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.seen_vehicles() FROM PUBLIC;
GRANT ALL ON FUNCTION app.seen_vehicles() TO gateway_tenant;
GRANT ALL ON FUNCTION app.seen_vehicles() TO gateway_groups;
REVOKE ALL ON FUNCTION app.service_status(in_tenant_id uuid, vehicle_ids uuid[], today date) FROM PUBLIC;
GRANT ALL ON FUNCTION app.service_status(in_tenant_id uuid, vehicle_ids uuid[], today date) TO gateway_tenant;
GRANT ALL ON FUNCTION app.service_status(in_tenant_id uuid, vehicle_ids uuid[], today date) TO gateway_groups;
REVOKE ALL ON FUNCTION app.spend(in_tenant_id uuid, in_credential_id uuid, in_cost double precision, in_capacity double precision, in_restore_rate double precision, OUT granted boolean, OUT available double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION app.spend(in_tenant_id uuid, in_credential_id uuid, in_cost double precision, in_capacity double precision, in_restore_rate double precision, OUT granted boolean, OUT available double precision) TO gateway;
REVOKE ALL ON FUNCTION app.statement_of_caller() FROM PUBLIC;
GRANT ALL ON FUNCTION app.statement_of_caller() TO gateway_tenant;
GRANT ALL ON FUNCTION app.statement_of_caller() TO gateway_groups;
REVOKE ALL ON FUNCTION app.stored_periods(first_day date, end_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION app.stored_periods(first_day date, end_day date) TO gateway_tenant;
GRANT ALL ON FUNCTION app.stored_periods(first_day date, end_day date) TO gateway_groups;
REVOKE ALL ON FUNCTION app.stream_metadata() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.subtree_ids(in_tenant_id uuid, root_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.subtree_ids(in_tenant_id uuid, root_id uuid) TO gateway_tenant;
GRANT ALL ON FUNCTION app.subtree_ids(in_tenant_id uuid, root_id uuid) TO gateway_groups;
REVOKE ALL ON FUNCTION app.tenant_id() FROM PUBLIC;
GRANT ALL ON FUNCTION app.tenant_id() TO gateway_tenant;
GRANT ALL ON FUNCTION app.tenant_id() TO gateway_groups;
REVOKE ALL ON FUNCTION app.tenants_of(in_user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.tenants_of(in_user_id uuid) TO gateway;
REVOKE ALL ON FUNCTION app.time_zones_among(names text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.touch() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.trip_start(said text, batch_at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.trusted_document(in_tenant_id uuid, in_client_id uuid, in_document_id text, in_sha256 text, OUT document_id text, OUT text text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.trusted_document(in_tenant_id uuid, in_client_id uuid, in_document_id text, in_sha256 text, OUT document_id text, OUT text text) TO gateway;
REVOKE ALL ON FUNCTION app.user_agent() FROM PUBLIC;
GRANT ALL ON FUNCTION app.user_agent() TO gateway_tenant;
GRANT ALL ON FUNCTION app.user_agent() TO gateway_groups;
REVOKE ALL ON FUNCTION app.user_id() FROM PUBLIC;
GRANT ALL ON FUNCTION app.user_id() TO gateway_tenant;
GRANT ALL ON FUNCTION app.user_id() TO gateway_groups;
REVOKE ALL ON FUNCTION app.user_of_email(in_email text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.user_of_email(in_email text) TO gateway;
REVOKE ALL ON FUNCTION app.vehicle_history(in_tenant_id uuid, vehicle_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.vehicle_history(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_tenant;
GRANT ALL ON FUNCTION app.vehicle_history(in_tenant_id uuid, vehicle_ids uuid[]) TO gateway_groups;
REVOKE ALL ON FUNCTION app.vehicle_time_zones(in_tenant_id uuid, vehicle_ids uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.wrapping_keys() FROM PUBLIC;
GRANT ALL ON FUNCTION app.wrapping_keys() TO gateway;
REVOKE ALL ON FUNCTION app.writable_groups() FROM PUBLIC;
GRANT ALL ON FUNCTION app.writable_groups() TO gateway_tenant;
GRANT ALL ON FUNCTION app.writable_groups() TO gateway_groups;
REVOKE ALL ON FUNCTION app.write_fleet_summaries(in_tenant_id uuid, group_ids uuid[], days datemultirange[], today date, moment timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.replayed(jsonb) FROM PUBLIC;
GRANT SELECT ON TABLE public.audit_trail TO gateway_tenant;
GRANT SELECT ON TABLE public.audit_trail TO gateway_groups;
GRANT SELECT ON TABLE public.class_rates TO gateway_tenant;
GRANT SELECT ON TABLE public.class_rates TO gateway_groups;
GRANT SELECT ON TABLE public.client_documents TO gateway_tenant;
GRANT SELECT ON TABLE public.client_documents TO gateway_groups;
GRANT SELECT(tenant_id) ON TABLE public.client_keys TO gateway_tenant;
GRANT SELECT(tenant_id) ON TABLE public.client_keys TO gateway_groups;
GRANT SELECT(id) ON TABLE public.client_keys TO gateway_tenant;
GRANT SELECT(id) ON TABLE public.client_keys TO gateway_groups;
GRANT SELECT(client_id) ON TABLE public.client_keys TO gateway_tenant;
GRANT SELECT(client_id) ON TABLE public.client_keys TO gateway_groups;
GRANT SELECT(hint) ON TABLE public.client_keys TO gateway_tenant;
GRANT SELECT(hint) ON TABLE public.client_keys TO gateway_groups;
GRANT SELECT(expires_at) ON TABLE public.client_keys TO gateway_tenant;
GRANT SELECT(expires_at) ON TABLE public.client_keys TO gateway_groups;
GRANT SELECT(created_at) ON TABLE public.client_keys TO gateway_tenant;
GRANT SELECT(created_at) ON TABLE public.client_keys TO gateway_groups;
GRANT SELECT ON TABLE public.clients TO gateway_tenant;
GRANT SELECT ON TABLE public.clients TO gateway_groups;
GRANT SELECT ON TABLE public.document_usage TO gateway_tenant;
GRANT SELECT ON TABLE public.document_usage TO gateway_groups;
GRANT SELECT ON TABLE public.event_stream TO gateway_tenant;
GRANT SELECT ON TABLE public.event_stream TO gateway_groups;
GRANT SELECT ON TABLE public.explanations TO gateway_tenant;
GRANT SELECT ON TABLE public.explanations TO gateway_groups;
GRANT SELECT,INSERT,DELETE ON TABLE public.fleet_groups TO gateway_tenant;
GRANT SELECT,INSERT,DELETE ON TABLE public.fleet_groups TO gateway_groups;
GRANT UPDATE(parent_group_id) ON TABLE public.fleet_groups TO gateway_tenant;
GRANT UPDATE(parent_group_id) ON TABLE public.fleet_groups TO gateway_groups;
GRANT UPDATE(name) ON TABLE public.fleet_groups TO gateway_tenant;
GRANT UPDATE(name) ON TABLE public.fleet_groups TO gateway_groups;
GRANT UPDATE(description) ON TABLE public.fleet_groups TO gateway_tenant;
GRANT UPDATE(description) ON TABLE public.fleet_groups TO gateway_groups;
GRANT UPDATE(group_type) ON TABLE public.fleet_groups TO gateway_tenant;
GRANT UPDATE(group_type) ON TABLE public.fleet_groups TO gateway_groups;
GRANT UPDATE(metadata) ON TABLE public.fleet_groups TO gateway_tenant;
GRANT UPDATE(metadata) ON TABLE public.fleet_groups TO gateway_groups;
GRANT SELECT ON TABLE public.fleet_summary_metrics TO gateway_tenant;
GRANT SELECT ON TABLE public.fleet_summary_metrics TO gateway_groups;
GRANT SELECT ON TABLE public.fuel_spans TO gateway_tenant;
GRANT SELECT ON TABLE public.fuel_spans TO gateway_groups;
GRANT SELECT ON TABLE public.granted_subtrees TO gateway_tenant;
GRANT SELECT ON TABLE public.granted_subtrees TO gateway_groups;
GRANT SELECT ON TABLE public.group_changes TO gateway_tenant;
GRANT SELECT ON TABLE public.group_changes TO gateway_groups;
GRANT SELECT ON TABLE public.group_metrics TO gateway_tenant;
GRANT SELECT ON TABLE public.group_metrics TO gateway_groups;
GRANT SELECT,INSERT,DELETE ON TABLE public.group_permissions TO gateway_tenant;
GRANT SELECT,INSERT,DELETE ON TABLE public.group_permissions TO gateway_groups;
GRANT UPDATE(fleet_group_id) ON TABLE public.group_permissions TO gateway_tenant;
GRANT UPDATE(fleet_group_id) ON TABLE public.group_permissions TO gateway_groups;
GRANT UPDATE(permission_level) ON TABLE public.group_permissions TO gateway_tenant;
GRANT UPDATE(permission_level) ON TABLE public.group_permissions TO gateway_groups;
GRANT UPDATE(granted_by) ON TABLE public.group_permissions TO gateway_tenant;
GRANT UPDATE(granted_by) ON TABLE public.group_permissions TO gateway_groups;
GRANT SELECT,INSERT,DELETE ON TABLE public.idempotency_keys TO gateway_tenant;
GRANT SELECT,INSERT,DELETE ON TABLE public.idempotency_keys TO gateway_groups;
GRANT SELECT ON TABLE public.manifests TO gateway_tenant;
GRANT SELECT ON TABLE public.manifests TO gateway_groups;
GRANT SELECT,INSERT ON TABLE public.manual_events TO gateway_tenant;
GRANT SELECT,INSERT ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(vehicle_id) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(vehicle_id) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(source_upload_id) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(source_upload_id) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(event_type) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(event_type) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(payload) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(payload) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(confidence) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(confidence) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(verified_by_user) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(verified_by_user) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(occurred_at) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(occurred_at) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(voided_at) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(voided_at) ON TABLE public.manual_events TO gateway_groups;
GRANT UPDATE(void_reason) ON TABLE public.manual_events TO gateway_tenant;
GRANT UPDATE(void_reason) ON TABLE public.manual_events TO gateway_groups;
GRANT SELECT ON TABLE public.manual_events_archive TO gateway_tenant;
GRANT SELECT ON TABLE public.manual_events_archive TO gateway_groups;
GRANT SELECT,INSERT ON TABLE public.memberships TO gateway_tenant;
GRANT SELECT ON TABLE public.memberships TO gateway_groups;
GRANT UPDATE(role) ON TABLE public.memberships TO gateway_tenant;
GRANT UPDATE(left_at) ON TABLE public.memberships TO gateway_tenant;
GRANT SELECT ON TABLE public.odometer_readings TO gateway_tenant;
GRANT SELECT ON TABLE public.odometer_readings TO gateway_groups;
GRANT SELECT ON TABLE public.registered_documents TO gateway_tenant;
GRANT SELECT ON TABLE public.registered_documents TO gateway_groups;
GRANT SELECT ON TABLE public.tenant_keys TO gateway_tenant;
GRANT SELECT ON TABLE public.tenant_keys TO gateway_groups;
GRANT SELECT ON TABLE public.tenants TO gateway_tenant;
GRANT SELECT ON TABLE public.tenants TO gateway_groups;
GRANT UPDATE(name) ON TABLE public.tenants TO gateway_tenant;
GRANT UPDATE(kind) ON TABLE public.tenants TO gateway_tenant;
GRANT UPDATE(plan_name) ON TABLE public.tenants TO gateway_tenant;
GRANT UPDATE(primary_region) ON TABLE public.tenants TO gateway_tenant;
GRANT UPDATE(data_residency_requirements) ON TABLE public.tenants TO gateway_tenant;
GRANT SELECT ON TABLE public.unknown_documents TO gateway_tenant;
GRANT SELECT ON TABLE public.unknown_documents TO gateway_groups;
GRANT SELECT,INSERT ON TABLE public.uploads TO gateway_tenant;
GRANT SELECT,INSERT ON TABLE public.uploads TO gateway_groups;
GRANT UPDATE(vehicle_id) ON TABLE public.uploads TO gateway_tenant;
GRANT UPDATE(vehicle_id) ON TABLE public.uploads TO gateway_groups;
GRANT UPDATE(file_name) ON TABLE public.uploads TO gateway_tenant;
GRANT UPDATE(file_name) ON TABLE public.uploads TO gateway_groups;
GRANT UPDATE(content_type) ON TABLE public.uploads TO gateway_tenant;
GRANT UPDATE(content_type) ON TABLE public.uploads TO gateway_groups;
GRANT UPDATE(size) ON TABLE public.uploads TO gateway_tenant;
GRANT UPDATE(size) ON TABLE public.uploads TO gateway_groups;
GRANT UPDATE(sha256) ON TABLE public.uploads TO gateway_tenant;
GRANT UPDATE(sha256) ON TABLE public.uploads TO gateway_groups;
GRANT UPDATE(storage_key) ON TABLE public.uploads TO gateway_tenant;
GRANT UPDATE(storage_key) ON TABLE public.uploads TO gateway_groups;
GRANT UPDATE(status) ON TABLE public.uploads TO gateway_tenant;
GRANT UPDATE(status) ON TABLE public.uploads TO gateway_groups;
GRANT SELECT ON TABLE public.users TO gateway_tenant;
GRANT SELECT ON TABLE public.users TO gateway_groups;
GRANT SELECT ON TABLE public.vehicle_calendars TO gateway_tenant;
GRANT SELECT ON TABLE public.vehicle_calendars TO gateway_groups;
GRANT SELECT ON TABLE public.vehicle_changes TO gateway_tenant;
GRANT SELECT ON TABLE public.vehicle_changes TO gateway_groups;
GRANT SELECT ON TABLE public.vehicle_metrics TO gateway_tenant;
GRANT SELECT ON TABLE public.vehicle_metrics TO gateway_groups;
GRANT SELECT,INSERT,DELETE ON TABLE public.vehicles TO gateway_tenant;
GRANT SELECT,INSERT,DELETE ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(fleet_group_id) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(fleet_group_id) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(label) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(label) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(make) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(make) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(model) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(model) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(vin) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(vin) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(baseline_fuel_mpg) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(baseline_fuel_mpg) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(baseline_service_interval_miles) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(baseline_service_interval_miles) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(notes) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(notes) ON TABLE public.vehicles TO gateway_groups;
GRANT UPDATE(extended_attributes) ON TABLE public.vehicles TO gateway_tenant;
GRANT UPDATE(extended_attributes) ON TABLE public.vehicles TO gateway_groups;

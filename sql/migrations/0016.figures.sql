-- Figures that are true: which odometer readings are accepted, and what the accepted ones say of fuel.
-- depends: 0015.uploads

-- Which vehicles had events written since their figures were stored, and from when on. A vehicle without a row here is
-- clean: what is stored of it holds. One row a statement and vehicle, only ever added: writers do not wait for each other.
create table vehicle_changes (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  vehicle_id uuid not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index vehicle_changes_vehicle on vehicle_changes (tenant_id, vehicle_id, occurred_at);

create function app.note_vehicle_changes() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
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
revoke all on function app.note_vehicle_changes() from public;
create trigger note_inserted after insert on manual_events
  referencing new table as changed for each statement execute function app.note_vehicle_changes();
create trigger note_updated after update on manual_events
  referencing new table as changed old table as replaced for each statement execute function app.note_vehicle_changes();
create trigger note_deleted after delete on manual_events
  referencing old table as changed for each statement execute function app.note_vehicle_changes();

-- How far a vehicle may get between two readings: 1,500 miles a day, which two drivers by turns do not reach; and a day's
-- worth more, as of many readings only the day is known.
create function app.is_drivable(from_at timestamptz, from_miles integer, to_at timestamptz, to_miles integer) returns boolean
  language sql immutable parallel safe as $$
  select to_miles between from_miles and from_miles + 1500 * (1 + extract(epoch from to_at - from_at) / 86400)
$$;

-- Which of one odometer's readings, in order of time, are accepted: the chain of the greatest weight in which each can be
-- driven to from the one before. So one wrong reading falls out between its neighbours, whichever came first, and a
-- last one that jumps waits until later ones confirm it. Of equal chains the one that ends first.
create function app.accepted_readings(at timestamptz[], miles integer[], weights bigint[]) returns boolean[]
  language plpgsql immutable parallel safe as $$
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

-- Every reading of these vehicles' odometers, from whichever kind of event, void ones left out. "driven" counts the miles
-- since the first accepted reading, over replacements of the odometer; it is null where the reading is rejected.
--
-- A maintenance of the service type odometer_replacement begins a new odometer at its odometer_miles; what the old one
-- showed last can be given as replaced_odometer_miles. A reading weighs 100 and its confidence; one that a person has
-- verified, more than all that nobody has.
create function app.odometer_readings(in_tenant_id uuid, vehicle_ids uuid[])
  returns table (vehicle_id uuid, event_id uuid, occurred_at timestamptz, miles integer, driven integer, rejected_reason text)
  language sql stable parallel safe as $$
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

-- Every span of these vehicles from one full fill to the next, with why it says nothing where it does not. Its gallons
-- are those of all fills after the first through the second, partial ones too; its miles the odometers' difference.
create function app.fuel_spans(in_tenant_id uuid, vehicle_ids uuid[])
  returns table (vehicle_id uuid, event_id uuid, started_at timestamptz, ended_at timestamptz, miles integer,
                 gallons numeric, cost numeric, rejected_reason text)
  language sql stable parallel safe as $$
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

-- What the two functions say of clean vehicles.
create table odometer_readings (
  tenant_id uuid not null references tenants (id),
  vehicle_id uuid not null,
  event_id uuid not null,
  occurred_at timestamptz not null,
  miles integer not null,
  driven integer,
  rejected_reason text
    check (rejected_reason in ('BELOW_EARLIER_READING', 'ABOVE_LATER_READING', 'TOO_MANY_MILES_PER_DAY')),
  primary key (tenant_id, vehicle_id, event_id),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id) on delete cascade,
  check ((driven is null) = (rejected_reason is not null))
);
create index odometer_readings_accepted on odometer_readings (tenant_id, vehicle_id, occurred_at)
  include (miles, driven) where rejected_reason is null;
create index odometer_readings_rejected on odometer_readings (tenant_id, vehicle_id, occurred_at)
  where rejected_reason is not null;

create table fuel_spans (
  tenant_id uuid not null references tenants (id),
  vehicle_id uuid not null,
  event_id uuid not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  miles integer,
  gallons numeric not null,
  cost numeric,
  rejected_reason text check (rejected_reason in ('MISSED_FILL', 'MISSING_ODOMETER', 'REJECTED_ODOMETER', 'IMPLAUSIBLE')),
  primary key (tenant_id, vehicle_id, event_id),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id) on delete cascade
);
create index fuel_spans_ended_at on fuel_spans (tenant_id, vehicle_id, ended_at)
  include (miles, gallons, cost) where rejected_reason is null;

-- The readings of these vehicles as they are: stored of the clean ones, worked out for those that changed since.
create function app.current_readings(in_tenant_id uuid, vehicle_ids uuid[])
  returns table (vehicle_id uuid, event_id uuid, occurred_at timestamptz, miles integer, driven integer, rejected_reason text)
  language sql stable parallel safe as $$
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

-- The spans of these vehicles as they are, in the same way.
create function app.current_spans(in_tenant_id uuid, vehicle_ids uuid[])
  returns table (vehicle_id uuid, event_id uuid, started_at timestamptz, ended_at timestamptz, miles integer,
                 gallons numeric, cost numeric, rejected_reason text)
  language sql stable parallel safe as $$
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

-- Where these vehicles stand between two services. A service is a maintenance of any type but repair and
-- odometer_replacement; the next one is due by what its next_service says, else by the vehicle's interval in miles; of
-- several bounds by whichever comes first. "worn" is the share of the interval that is used up: due from 1, soon from
-- 0.9, overdue past 1.1. Without a service the miles count from the first reading.
--
-- next_service: odometer_miles (what the odometer shows then) or miles (from the service on), date or months, engine_hours
-- (from the service on, where events tell engine_hours).
create function app.service_status(in_tenant_id uuid, vehicle_ids uuid[], today date)
  returns table (vehicle_id uuid, state text, worn numeric, miles_since_service integer, miles_remaining integer,
                 last_service_at timestamptz, due_on date)
  language sql stable parallel safe as $$
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
           case when s.next ->> 'date' ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$'
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
         u.worn, u.miles, (u.miles_allowed - u.miles)::integer, u.last_service_at, u.due_on
    from used u
$$;

-- Stores the figures of these vehicles anew, and tells for each the earliest moment from which on anything differs from
-- what was stored before; nothing for those where nothing does.
create function app.refresh_figures(in_tenant_id uuid, vehicle_ids uuid[])
  returns table (changed_vehicle_id uuid, changed_since timestamptz)
  language sql volatile set enable_nestloop = off as $$  -- the planner takes what functions return for a few rows
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
revoke all on function app.refresh_figures(uuid, uuid[]) from public;

-- Stores the figures of all vehicles that changed; returns how many these are. For who has just loaded events and their
-- metrics: it takes the marks by which the worker knows whose metrics are to be computed.
create function app.refresh_changed_figures() returns integer language plpgsql as $$
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
  return refreshed;
end;
$$;
revoke all on function app.refresh_changed_figures() from public;

revoke all on function
  app.is_drivable(timestamptz, integer, timestamptz, integer), app.accepted_readings(timestamptz[], integer[], bigint[]),
  app.odometer_readings(uuid, uuid[]), app.fuel_spans(uuid, uuid[]), app.current_readings(uuid, uuid[]),
  app.current_spans(uuid, uuid[]), app.service_status(uuid, uuid[], date)
  from public;
grant execute on function
  app.is_drivable(timestamptz, integer, timestamptz, integer), app.accepted_readings(timestamptz[], integer[], bigint[]),
  app.odometer_readings(uuid, uuid[]), app.fuel_spans(uuid, uuid[]), app.current_readings(uuid, uuid[]),
  app.current_spans(uuid, uuid[]), app.service_status(uuid, uuid[], date)
  to gateway_tenant, gateway_groups;

do $$
declare
  secured text;
begin
  foreach secured in array array['vehicle_changes', 'odometer_readings', 'fuel_spans'] loop
    execute format('alter table %I enable row level security', secured);
    execute format('alter table %I force row level security', secured);
    execute format('create policy owner on %I to current_user using (true) with check (true)', secured);
    execute format('grant select on %I to gateway_tenant, gateway_groups', secured);
    execute format('create policy read_tenant on %I for select to gateway_tenant
                      using (tenant_id = (select app.tenant_id()))', secured);
    execute format('create policy read_granted on %1$I for select to gateway_groups
                      using (tenant_id = (select app.tenant_id())
                        and exists (select from vehicles v
                                     where v.tenant_id = %1$I.tenant_id and v.id = %1$I.vehicle_id
                                       and v.fleet_group_id = any ((select app.readable_groups())::uuid[])))', secured);
  end loop;
end;
$$;

insert into vehicle_changes (tenant_id, vehicle_id, occurred_at)
select tenant_id, vehicle_id, min(occurred_at)
  from (
    select tenant_id, vehicle_id, occurred_at from manual_events
    union all
    select tenant_id, vehicle_id, occurred_at from manual_events_archive
  ) event
 group by tenant_id, vehicle_id;

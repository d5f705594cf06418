-- Predictions: when a vehicle is due for service, and how likely it needs a workshop in the next thirty days.
-- depends: 0018.group_metrics

create index manual_events_issues on manual_events (tenant_id, vehicle_id, occurred_at) where event_type = 'issue_report';
create index manual_events_archive_issues on manual_events_archive (tenant_id, vehicle_id, occurred_at)
  where event_type = 'issue_report';

-- A text as a moment, UTC where it has no offset; null where it is none.
create function app.moment_of(said text) returns timestamptz
  language plpgsql stable parallel safe set timezone = 'UTC' as $$
begin
  return case when said ~ '^\d{4}-\d\d-\d\d' then said::timestamptz end;
exception when data_exception then
  return null;
end;
$$;

-- What the past says of how these vehicles are driven and how they last.
--
-- Usage is of the 24 blocks of 30.4 days before the last accepted reading, on straight lines between readings: "days" of
-- them are covered, with "miles". "miles_a_day" has the recent ones count more, half as much every six blocks back. "blocks"
-- are complete, and "block_deviation" is the standard deviation of their miles a day. "driven" and "repairs" are since the
-- first accepted reading; of "services" pairs, one after the other with their odometers told, in "late_services" of them
-- the second came past 110 % of the interval.
create function app.vehicle_history(in_tenant_id uuid, vehicle_ids uuid[])
  returns table (vehicle_id uuid, last_read_at timestamptz, readings integer, driven integer, days double precision,
                 miles double precision, miles_a_day double precision, blocks integer, block_deviation double precision, repairs integer,
                 services integer, late_services integer)
  language sql stable parallel safe as $$
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

-- What vehicles of a group, make and model add up to, for predictions of those whose own history says little. By group,
-- so that everybody is told the rates of the vehicles that they may see, and nothing can be deduced of others.
create table class_rates (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  fleet_group_id uuid,
  make text,
  model text,
  vehicles integer not null,                  -- with 30 days of readings or more
  miles_a_day double precision not null,      -- the sum over these vehicles
  miles_a_day_squared double precision not null,
  repairs integer not null,
  driven double precision not null,
  services integer not null,
  late_services integer not null,
  refreshed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, make, model, fleet_group_id),
  foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id) on delete cascade
);
create index class_rates_group on class_rates (tenant_id, fleet_group_id);

-- Adds a tenant's rates up anew, unless that was done within a time or is being done; tells whether it was.
create function app.refresh_class_rates(in_tenant_id uuid, within interval) returns boolean language plpgsql as $$
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

-- The method by which predictions are made; another number where another formula would answer otherwise.
create function app.prediction_method() returns text language sql immutable parallel safe as $$ select '1' $$;

-- The day on which so many days since a moment are over, at most ten years of them, or the day that is set; not before today.
create function app.first_service_day(is_due boolean, since timestamptz, days double precision, due_on date, today date)
  returns date language sql immutable parallel safe as $$
  select case when is_due then today when d.day is not null then greatest(d.day, today) end
    from (select least(case when days <= 3652 then ((since + days * interval '1 day') at time zone 'UTC')::date end, due_on))
         as d (day)
$$;

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
-- of the class.
create function app.maintenance_predictions(in_tenant_id uuid, vehicle_ids uuid[], as_of timestamptz)
  returns table (vehicle_id uuid, next_service_date date, earliest date, latest date, risk_score double precision,
                 factors jsonb, as_of_day date, method_version text)
  language sql stable parallel safe as $$
  with history as materialized (select h.* from app.vehicle_history(in_tenant_id, vehicle_ids) h where h.readings >= 2),
  service as materialized (
    select s.*, s.miles_since_service + s.miles_remaining as miles_allowed
      from app.service_status(in_tenant_id, vehicle_ids, (as_of at time zone 'UTC')::date) s
  ),
  asked as materialized (
    select v.id, v.make, v.model from vehicles v where v.tenant_id = in_tenant_id and v.id = any (vehicle_ids)
  ),
  class as materialized (
    select c.make, c.model,
           array[sum(c.vehicles), sum(c.miles_a_day), sum(c.miles_a_day_squared), sum(c.repairs), sum(c.driven),
                 sum(c.services), sum(c.late_services)]::double precision[] as sums
      from class_rates c
      join (select distinct a.make, a.model from asked a) a on a.make = c.make and a.model = c.model
     where c.tenant_id = in_tenant_id
     group by c.make, c.model
    having sum(c.vehicles) >= 3 and sum(c.driven) >= 100000
  ),
  tenant as materialized (  -- read where there is no class, and only then
    select array[sum(c.vehicles), sum(c.miles_a_day), sum(c.miles_a_day_squared), sum(c.repairs), sum(c.driven),
                 sum(c.services), sum(c.late_services)]::double precision[] as sums
      from class_rates c
     where c.tenant_id = in_tenant_id
  ),
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
      join asked a on a.id = h.vehicle_id
      join service s on s.vehicle_id = h.vehicle_id
      left join issue i on i.vehicle_id = h.vehicle_id
      left join class c on c.make = a.make and c.model = a.model
     cross join lateral (
       select coalesce(c.sums, (select t.sums from tenant t)), case when c.sums is null then 'TENANT' else 'MAKE_AND_MODEL' end
     ) found (sums, class)
     cross join lateral (
       select case when found.sums[5] >= 10000 then found.sums end, case when found.sums[5] >= 10000 then found.class end
     ) k (sums, class)
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

revoke all on function
  app.moment_of(text), app.vehicle_history(uuid, uuid[]), app.refresh_class_rates(uuid, interval), app.prediction_method(),
  app.first_service_day(boolean, timestamptz, double precision, date, date),
  app.maintenance_predictions(uuid, uuid[], timestamptz)
  from public;
grant execute on function
  app.moment_of(text), app.vehicle_history(uuid, uuid[]), app.prediction_method(),
  app.first_service_day(boolean, timestamptz, double precision, date, date),
  app.maintenance_predictions(uuid, uuid[], timestamptz)
  to gateway_tenant, gateway_groups;

do $$
begin
  alter table class_rates enable row level security;
  alter table class_rates force row level security;
  execute 'create policy owner on class_rates to current_user using (true) with check (true)';
  grant select on class_rates to gateway_tenant, gateway_groups;
  create policy read_tenant on class_rates for select to gateway_tenant using (tenant_id = (select app.tenant_id()));
  create policy read_granted on class_rates for select to gateway_groups
    using (tenant_id = (select app.tenant_id()) and fleet_group_id = any ((select app.readable_groups())::uuid[]));
end;
$$;

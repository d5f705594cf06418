-- Declining economy as a question, and explanations that rules keep current.
-- depends: 0019.predictions

-- How the economy of vehicles in a period compares with their baseline and with that of the same days a year before;
-- "today" cuts a period that is not over. A decline lies below both by a share or more. The baseline is what is expected
-- of the vehicle, else its own economy over the year before the period. Vehicles without one are left out; where last
-- year's is not known, it does not speak against a decline.
--
-- Economy is total miles by total gallons of the accepted spans that end in the days asked for, UTC; known from four spans
-- and ten gallons on. A single span of a log that was kept for years lies 10 % below the year before it in 6 of 100
-- cases, four together in less than one; and of ten gallons a tenth is more than two full tanks differ by.
create function app.economy_changes(
  in_tenant_id uuid, vehicle_ids uuid[], period_start date, period_end date, today date, threshold_pct numeric
)
  returns table (vehicle_id uuid, miles bigint, gallons numeric, baseline_mpg numeric, baseline_source text,
                 last_year_mpg numeric, change_pct numeric, last_year_change_pct numeric, is_decline boolean)
  language sql stable parallel safe as $$
  with summed as (
    select s.vehicle_id, count(*) filter (where s.is_now) as spans,
           sum(s.miles) filter (where s.is_now) as miles, sum(s.gallons) filter (where s.is_now) as gallons,
           count(*) filter (where not s.is_now) as spans_before,
           sum(s.miles) filter (where not s.is_now) as miles_before, sum(s.gallons) filter (where not s.is_now) as gallons_before,
           count(*) filter (where s.is_last_year) as spans_last_year,
           sum(s.miles) filter (where s.is_last_year) as miles_last_year,
           sum(s.gallons) filter (where s.is_last_year) as gallons_last_year
      from (
        select s.vehicle_id, s.miles::bigint as miles, s.gallons,
               s.ended_at >= period_start::timestamp at time zone 'UTC' as is_now,
               s.ended_at < (least(period_end, today + 1) - interval '1 year') at time zone 'UTC' as is_last_year
          from app.current_spans(in_tenant_id, vehicle_ids) s
         where s.rejected_reason is null
           and s.ended_at >= (period_start - interval '1 year') at time zone 'UTC'
           and s.ended_at < period_end::timestamp at time zone 'UTC'
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
revoke all on function app.economy_changes(uuid, uuid[], date, date, date, numeric) from public;
grant execute on function app.economy_changes(uuid, uuid[], date, date, date, numeric) to gateway_tenant, gateway_groups;

-- Explanations that rules write: one for a subject, a kind and the day on which its period begins. It is rewritten where
-- its figures change, and closed where it is no longer true or its period is another one; what is closed stays.
alter table explanations
  add column kind text check (kind in ('ECONOMY_FALLING', 'SERVICE_OVERDUE', 'COST_OUTLIER', 'REJECTED_READINGS')),
  add column closed_at timestamptz,
  drop constraint explanations_tenant_id_vehicle_id_fkey,
  drop constraint explanations_tenant_id_fleet_group_id_fkey,
  add foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id) on delete cascade,
  add foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id) on delete cascade;
create unique index explanations_subject on explanations (tenant_id, vehicle_id, fleet_group_id, kind, period_start)
  nulls not distinct where kind is not null;

-- That the explanations of a tenant may differ since they were written. Appended by whoever, taken by who writes them.
create table explanations_due (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);

-- When the explanations of a tenant were written last, as of which day, and how long that took.
create table explanation_runs (
  tenant_id uuid not null references tenants (id),
  as_of date not null,
  ended_at timestamptz not null,
  took interval not null,
  primary key (tenant_id)
);

create function app.explanations_due_of_vehicles() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
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
create trigger explanations_due after update on vehicles
  referencing old table as old_rows new table as new_rows for each statement execute function app.explanations_due_of_vehicles();
revoke all on function app.explanations_due_of_vehicles() from public;

do $$
declare
  secured text;
begin
  foreach secured in array array['explanations_due', 'explanation_runs'] loop
    execute format('alter table %I enable row level security', secured);
    execute format('alter table %I force row level security', secured);
    execute format('create policy owner on %I to current_user using (true) with check (true)', secured);
    execute format('create policy read_tenant on %I for select to gateway_tenant
                      using (tenant_id = (select app.tenant_id()))', secured);
  end loop;
end;
$$;

-- Days as sentences have them: "since 1 October 2026" while the period goes on, "from 1 July to 30 September 2026" after it.
create function app.period_in_words(starts_on date, ends_on date, today date) returns text
  language sql immutable parallel safe as $$
  select case when ends_on > today then 'since ' || to_char(starts_on, 'FMDD FMMonth YYYY')
              else 'from ' || to_char(starts_on, case when extract(year from starts_on) = extract(year from ends_on - 1)
                                                      then 'FMDD FMMonth' else 'FMDD FMMonth YYYY' end)
                   || ' to ' || to_char(ends_on - 1, 'FMDD FMMonth YYYY') end
$$;
revoke all on function app.period_in_words(date, date, date) from public;

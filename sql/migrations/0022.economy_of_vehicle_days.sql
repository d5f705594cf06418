-- Economy is compared over days of the vehicle's time zone, like costs and rollups.
-- depends: 0021.fleet_summaries

-- How the economy of vehicles in a period compares with their baseline and with that of the same days a year before;
-- "today" cuts a period that is not over. A decline lies below both by a share or more. The baseline is what is expected
-- of the vehicle, else its own economy over the year before the period. Vehicles without one are left out; where last
-- year's is not known, it does not speak against a decline.
--
-- Economy is total miles by total gallons of the accepted spans that end in the days asked for, each vehicle's in its own
-- time zone, or its tenant's where its calendar is not stored yet; known from four spans and ten gallons on. A single span
-- of a log that was kept for years lies 10 % below the year before it in 6 of 100 cases, four together in less than one;
-- and of ten gallons a tenth is more than two full tanks differ by.
create or replace function app.economy_changes(
  in_tenant_id uuid, vehicle_ids uuid[], period_start date, period_end date, today date, threshold_pct numeric
)
  returns table (vehicle_id uuid, miles bigint, gallons numeric, baseline_mpg numeric, baseline_source text,
                 last_year_mpg numeric, change_pct numeric, last_year_change_pct numeric, is_decline boolean)
  language sql stable parallel safe as $$
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

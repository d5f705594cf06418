-- economy_declines
select d.vehicle_id, p.starts_on as period_start, p.ends_on as period_end, d.miles, d.gallons,
       d.miles / d.gallons::float8 as mpg, d.baseline_mpg::float8 as baseline_mpg, d.baseline_source,
       d.last_year_mpg::float8 as last_year_mpg, d.change_pct::float8 as change_pct,
       d.last_year_change_pct::float8 as last_year_change_pct
  from (select (now() at time zone 'UTC')::date as today) t
 cross join lateral (
   select coalesce($1::date, date_trunc('quarter', t.today::timestamp)::date),
          coalesce($2::date, (date_trunc('quarter', t.today::timestamp) + interval '3 months')::date)
 ) p (starts_on, ends_on)
 cross join lateral app.economy_changes($3, array(
         select v.id from vehicles v
          where v.tenant_id = $3
       ), p.starts_on, p.ends_on, t.today, $4::numeric) d
 where d.is_decline
 order by d.change_pct, d.vehicle_id
 limit $5;

-- vehicles_by_id
select
       v.fleet_group_id, v.baseline_fuel_mpg, v.baseline_service_interval_miles, v.version, v.updated_at,
       v.notes,
       v.extended_attributes,
       v.vin,
       v.created_at,
       v.id, v.label, v.make, v.model
  from vehicles v
 where v.tenant_id = $1
   and v.id = any ($2::uuid[]);

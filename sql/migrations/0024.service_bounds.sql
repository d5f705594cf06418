-- What a service says of the next one is a free text: no number and no year in it may fail a whole answer.
-- depends: 0023.narrow_viewers

-- Where these vehicles stand between two services. A service is a maintenance of any type but repair and
-- odometer_replacement; the next one is due by what its next_service says, else by the vehicle's interval in miles; of
-- several bounds by whichever comes first. "worn" is the share of the interval that is used up: due from 1, soon from
-- 0.9, overdue past 1.1. Without a service the miles count from the first reading.
--
-- next_service: odometer_miles (what the odometer shows then) or miles (from the service on), date or months, engine_hours
-- (from the service on, where events tell engine_hours).
create or replace function app.service_status(in_tenant_id uuid, vehicle_ids uuid[], today date)
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
$$;

-- fragment: manual_event_columns
--{ !without_details
       e.vehicle_id, e.source_upload_id, e.confidence, e.verified_by_user, e.created_by as created_by_id, e.updated_at,
       e.odometer_miles, e.gallons, e.cost, e.is_full_tank, e.missed_previous,
       e.version, e.voided_at, e.void_reason,
--}
       e.payload,                                    --? !without_payload
       app.payload_number(e.payload, 'price_per_gallon') as price_per_gallon,  --? !without_price_per_gallon
       e.created_at,                                 --? !without_created_at
       e.id, e.event_type, e.occurred_at

-- fragment: manual_event_filter
   and e.event_type = :event_type                    --? event_type
   and e.occurred_at >= :occurred_from::timestamptz  --? occurred_from
   and e.occurred_at < :occurred_before::timestamptz --? occurred_before
   and e.vehicle_id = :vehicle_id::uuid              --? vehicle_id
   and e.payload @> :payload_contains::jsonb         --? payload_contains
   and e.vehicle_id = any (array(select v.id from vehicles v where v.tenant_id = :tenant_id  --? narrow
                                    and v.fleet_group_id = any ((select app.readable_groups())::uuid[])))  --? narrow

-- name: manual_events_by_id
-- row: ManualEvent
select
--> manual_event_columns
  from manual_events e
 where e.tenant_id = :tenant_id
   and e.id = any (:ids::uuid[])

-- name: manual_events_page
-- row: ManualEvent
-- order: occurred_at e.occurred_at timestamptz, created_at e.created_at timestamptz, id e.id uuid
select
--> manual_event_columns
  from manual_events e
 where e.tenant_id = :tenant_id
--> manual_event_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: manual_events_count
select count(*)::integer as total_count
  from manual_events e
 where e.tenant_id = :tenant_id
--> manual_event_filter

-- Where the bounds are those of adjacent months (see sql/sent_text.py), a vehicle's events are read month after month until
-- there are enough. A partition that is none of these, such as the default one or a month to come, is expected to have no
-- page on disk. Should one have got some meanwhile, there is one more row, with the number 0, and the rows are to be asked for
-- again, with :elsewhere: so which rows there are does not depend on what is known of the months.

-- name: manual_events_page_by_vehicle
-- row: ManualEvent
-- order: occurred_at e.occurred_at timestamptz, created_at e.created_at timestamptz, id e.id uuid
select k.number, page.*
  from (
    select u.key_id, u.number
      from unnest(:ids::text::uuid[]) with ordinality u (key_id, number)
     where u.key_id = any ((select app.see_vehicles(:ids::text::uuid[]))::uuid[])  --? granted
--{ !elsewhere
    union all
    select null, 0
     where exists (select from pg_inherits i
                    where i.inhparent = 'public.manual_events'::regclass
                      and case when i.inhrelid <> all ('{}'::oid[])  -- what has no pages of its own may still have rows
                               then pg_relation_filenode(i.inhrelid) is null or pg_relation_size(i.inhrelid) > 0 end)
--}
  ) k
  left join lateral (
   select
--> manual_event_columns
     from (
       (select e.*
          from manual_events e
         where e.tenant_id = :tenant_id
           and e.vehicle_id = k.key_id
           and e.occurred_at >= timestamptz '-infinity' and e.occurred_at < timestamptz 'infinity'
--> manual_event_filter
           and :keyset                               --? keyset
         order by :order
         limit :limit)
--{ elsewhere
       union all
       (select e.*
          from manual_events e
         where e.tenant_id = :tenant_id
           and e.vehicle_id = k.key_id
           and (e.occurred_at < timestamptz '-infinity' or e.occurred_at >= timestamptz 'infinity')
           and (exists (select from manual_events f
                         where f.tenant_id = :tenant_id and f.occurred_at < timestamptz '-infinity')
                or exists (select from manual_events f
                            where f.tenant_id = :tenant_id and f.occurred_at >= timestamptz 'infinity'))
--> manual_event_filter
           and :keyset                               --? keyset
         order by :order
         limit :limit)
--}
     ) e
    order by :order                                  --? elsewhere
    limit :limit                                     --? elsewhere
 ) page on true
 where k.number = 0 or page.id is not null

-- name: event_months
-- The bounds of the months around now that have a partition each, without a gap, and these partitions, as literals; without
-- the empty ones at their end, which are made ahead. And whether any other has a page on disk.
with partitions as (
  select c.oid, bounds[1]::timestamptz as starts, bounds[2]::timestamptz as ends,
         pg_relation_filenode(c.oid) is null or pg_relation_size(c.oid) > 0 as is_used
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    left join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') bounds on true
   where i.inhparent = to_regclass('public.manual_events')
),
around as (
  select max(p.starts) filter (where p.starts <= now() and p.starts not in (select o.ends from partitions o
                                                                             where o.ends is not null)) as starts,
         min(p.ends) filter (where p.ends > now() and p.ends not in (select o.starts from partitions o
                                                                      where o.starts is not null)) as ends
    from partitions p
),
bounds as (
  select a.starts, coalesce((select max(p.ends) from partitions p
                              where p.is_used and p.starts >= a.starts and p.ends <= a.ends), a.ends) as ends
    from around a
)
select to_char(b.starts at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS+00') as starts,
       to_char(b.ends at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS+00') as ends,
       coalesce(array_agg(p.oid) filter (where p.starts >= b.starts and p.ends <= b.ends), '{}')::text as partitions,
       coalesce(bool_or(p.is_used) filter (where (p.starts >= b.starts and p.ends <= b.ends) is not true), false) as elsewhere
  from bounds b
  left join partitions p on true
 group by b.starts, b.ends

-- name: manual_events_count_by_vehicle
select k.key_id, counted.total_count
  from unnest(:ids::uuid[]) k (key_id)
 cross join lateral (
   select count(*)::integer as total_count
     from manual_events e
    where e.tenant_id = :tenant_id
      and e.vehicle_id = k.key_id
--> manual_event_filter
 ) counted

-- name: archived_events_by_id
-- row: ManualEvent
select
--> manual_event_columns
  from manual_events_archive e
 where e.tenant_id = :tenant_id
   and e.id = any (:ids::uuid[])

-- name: archived_events_page
-- row: ManualEvent
-- order: occurred_at e.occurred_at timestamptz, created_at e.created_at timestamptz, id e.id uuid
select
--> manual_event_columns
  from manual_events_archive e
 where e.tenant_id = :tenant_id
--> manual_event_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: archived_events_count
select count(*)::integer as total_count
  from manual_events_archive e
 where e.tenant_id = :tenant_id
--> manual_event_filter

-- Changes, as in fleet_group.sql.

-- name: manual_events_to_change
select e.id, e.occurred_at, e.vehicle_id, e.event_type, e.payload, e.version, e.voided_at,
       (select app.role()) <> 'viewer' or coalesce(v.fleet_group_id = any ((select app.writable_groups())::uuid[]), false)
         as may_write
  from manual_events e
  join vehicles v on v.tenant_id = :tenant_id and v.id = e.vehicle_id
 where e.tenant_id = :tenant_id
   and e.id = any (:ids::uuid[])

-- name: record_manual_events
-- row: ManualEvent
-- Records of :events, whose ids come with them, those of vehicles that the caller may change, and tells them as
-- manual_events_by_id does; and the miles and the days since of the vehicle's latest reading before, where the odometer was
-- read: what a person would compare it with.
insert into manual_events as e (tenant_id, id, vehicle_id, source_upload_id, event_type, payload, confidence, created_by,
                                occurred_at)
select :tenant_id, r.id, r.vehicle_id, r.source_upload_id, r.event_type, r.payload, coalesce(r.confidence, 80),
       app.user_id(), r.occurred_at
  from jsonb_to_recordset(:events::jsonb)
       as r (id uuid, vehicle_id uuid, source_upload_id uuid, event_type text, payload jsonb, confidence integer,
             occurred_at timestamptz)
 where (select (select app.role()) <> 'viewer'
               or coalesce(v.fleet_group_id = any ((select app.writable_groups())::uuid[]), false)
          from vehicles v
         where v.tenant_id = :tenant_id and v.id = r.vehicle_id)
returning
       case when e.odometer_miles is not null then (
         select array[b.odometer_miles, extract(epoch from e.occurred_at - b.occurred_at) / 86400]::float8[]
           from manual_events b
          where b.tenant_id = :tenant_id
            and b.vehicle_id = e.vehicle_id
            and b.occurred_at < e.occurred_at
            and b.odometer_miles is not null
            and b.voided_at is null
          order by b.occurred_at desc, b.id desc
          limit 1
       ) end as last_reading,
--> manual_event_columns

-- name: verify_manual_event
update manual_events e
   set verified_by_user = true, payload = coalesce(:payload::jsonb, e.payload)
 where e.tenant_id = :tenant_id
   and e.id = :id::uuid
   and e.occurred_at = :occurred_at::timestamptz
   and e.voided_at is null
   and e.version = coalesce(:expected_version::integer, e.version)
returning e.id

-- name: void_manual_event
update manual_events e
   set voided_at = now(), void_reason = :reason
 where e.tenant_id = :tenant_id
   and e.id = :id::uuid
   and e.occurred_at = :occurred_at::timestamptz
   and e.voided_at is null
   and e.version = coalesce(:expected_version::integer, e.version)
returning e.id

-- manual_events_page
select
       e.payload,
       e.id, e.event_type, e.occurred_at
  from manual_events e
 where e.tenant_id = $1
   and e.event_type = $2
   and e.payload @> $3::jsonb
 order by e.occurred_at desc, e.id desc
 limit $4;

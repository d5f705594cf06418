-- stream_events_page
select
       s.id, s.aggregate_type, s.aggregate_id, s.event_type, s.event_data, s.metadata, s.version, s.created_at
  from event_stream s
 where s.tenant_id = $1
   and s.aggregate_type = $2
 order by s.created_at desc, s.id desc
 limit $3;

-- stream_events_count
select count(*)::integer as total_count
  from event_stream s
 where s.tenant_id = $1
   and s.aggregate_type = $2;

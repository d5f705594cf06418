-- fragment: stream_event_columns
       s.id, s.aggregate_type, s.aggregate_id, s.event_type, s.event_data, s.metadata, s.version, s.created_at

-- fragment: stream_event_filter
   and s.aggregate_type = :aggregate_type            --? aggregate_type
   and s.aggregate_id = :aggregate_id::uuid          --? aggregate_id
   and s.event_type = :event_type                    --? event_type

-- name: stream_events_by_id
-- row: StreamEvent
select
--> stream_event_columns
  from event_stream s
 where s.tenant_id = :tenant_id
   and s.id = any (:ids::uuid[])

-- name: stream_events_page
-- row: StreamEvent
-- order: created_at s.created_at timestamptz, id s.id uuid
select
--> stream_event_columns
  from event_stream s
 where s.tenant_id = :tenant_id
--> stream_event_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: stream_events_count
select count(*)::integer as total_count
  from event_stream s
 where s.tenant_id = :tenant_id
--> stream_event_filter

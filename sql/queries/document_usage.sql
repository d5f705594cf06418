-- fragment: document_usage_columns
       d.id, d.day, d.client_id, d.document, d.requests, d.errors, d.not_modified, d.requested_cost, d.actual_cost,
       d.milliseconds, d.last_used_at

-- fragment: document_usage_filter
   and d.client_id = :client_id::uuid                --? client_id
   and d.document = :document                        --? document
   and d.day >= :day_from::date                      --? day_from
   and d.day < :day_before::date                     --? day_before

-- name: document_usage_by_id
-- row: DocumentUsage
select
--> document_usage_columns
  from document_usage d
 where d.tenant_id = :tenant_id
   and d.id = any (:ids::uuid[])

-- name: document_usage_page
-- row: DocumentUsage
-- order: day d.day date, requests d.requests integer, actual_cost d.actual_cost float8, id d.id uuid
select
--> document_usage_columns
  from document_usage d
 where d.tenant_id = :tenant_id
--> document_usage_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: document_usage_count
select count(*)::integer as total_count
  from document_usage d
 where d.tenant_id = :tenant_id
--> document_usage_filter

-- fragment: audit_record_columns
       a.id, a.table_name, a.record_id, a.operation, a.old_values, a.new_values, a.changed_by as changed_by_id,
       a.changed_at, host(a.client_ip) as client_ip, a.user_agent, a.client_id

-- fragment: audit_record_filter
   and a.table_name = :table_name                    --? table_name
   and a.record_id = :record_id::uuid                --? record_id
   and a.operation = :operation                      --? operation
   and a.changed_by = :changed_by::uuid              --? changed_by
   and a.changed_at >= :changed_from::timestamptz    --? changed_from
   and a.changed_at < :changed_before::timestamptz   --? changed_before

-- name: audit_records_by_id
-- row: AuditRecord
select
--> audit_record_columns
  from audit_trail a
 where a.tenant_id = :tenant_id
   and a.id = any (:ids::uuid[])

-- name: audit_records_page
-- row: AuditRecord
-- order: changed_at a.changed_at timestamptz, id a.id uuid
select
--> audit_record_columns
  from audit_trail a
 where a.tenant_id = :tenant_id
--> audit_record_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: audit_records_count
select count(*)::integer as total_count
  from audit_trail a
 where a.tenant_id = :tenant_id
--> audit_record_filter

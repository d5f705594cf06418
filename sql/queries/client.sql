-- fragment: client_columns
       c.id, c.name, c.mode, c.introspection, c.user_id, c.created_at, c.revoked_at

-- name: clients_by_id
-- row: Client
select
--> client_columns
  from clients c
 where c.tenant_id = :tenant_id
   and c.id = any (:ids::uuid[])

-- name: clients_page
-- row: Client
-- order: name c.name text, id c.id uuid
select
--> client_columns
  from clients c
 where c.tenant_id = :tenant_id
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: clients_count
select count(*)::integer as total_count from clients c where c.tenant_id = :tenant_id

-- name: client_keys_by_client
-- row: ClientKey
select k.client_id, k.hint, k.created_at, k.expires_at
  from client_keys k
 where k.tenant_id = :tenant_id
   and k.client_id = any (:ids::uuid[])
 order by k.created_at, k.id

-- name: client_documents_by_client
-- row: ClientDocument
select d.client_id, d.document_id, d.operation_name, d.text, d.last_used_at, d.retired_at
  from client_documents d
 where d.tenant_id = :tenant_id
   and d.client_id = any (:ids::uuid[])
 order by d.document_id

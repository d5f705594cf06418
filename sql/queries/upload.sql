-- fragment: upload_columns
       u.id, u.vehicle_id, u.uploaded_by as uploaded_by_id, u.file_name, u.content_type, u.size, u.sha256,
       u.status, u.created_at, u.updated_at

-- name: uploads_by_id
-- row: Upload
select
--> upload_columns
  from uploads u
 where u.tenant_id = :tenant_id
   and u.id = any (:ids::uuid[])

-- name: uploads_page
-- row: Upload
-- order: created_at u.created_at timestamptz, id u.id uuid
select
--> upload_columns
  from uploads u
 where u.tenant_id = :tenant_id
   and u.vehicle_id = :vehicle_id::uuid              --? vehicle_id
   and u.status = :status                            --? status
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: uploads_count
select count(*)::integer as total_count
  from uploads u
 where u.tenant_id = :tenant_id
   and u.vehicle_id = :vehicle_id::uuid              --? vehicle_id
   and u.status = :status                            --? status

-- name: uploads_by_vehicle
-- row: Upload
select
--> upload_columns
  from uploads u
 where u.tenant_id = :tenant_id
   and u.vehicle_id = any (:ids::uuid[])
 order by u.created_at desc, u.id

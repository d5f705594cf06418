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

-- name: stored_upload
-- Where the content of an upload is, for who sees the upload.
select u.storage_key, u.file_name, u.content_type, u.size, u.sha256
  from uploads u
 where u.tenant_id = :tenant_id
   and u.id = :id::uuid

-- name: lock_upload
-- The same content for the same vehicle, sent twice at once, is one upload.
select pg_advisory_xact_lock(hashtextextended(:tenant_id::text || ' ' || :content, 2))

-- name: uploads_of_content
select u.id, u.file_name, u.content_type, u.size, u.sha256
  from uploads u
 where u.tenant_id = :tenant_id
   and u.sha256 = :sha256
   and u.vehicle_id is not distinct from :vehicle_id::uuid
 order by u.created_at, u.id
 limit 1

-- name: add_upload
insert into uploads (tenant_id, id, vehicle_id, uploaded_by, file_name, content_type, size, sha256, storage_key)
values (:tenant_id, :id::uuid, :vehicle_id::uuid, app.user_id(), :file_name, :content_type, :size, :sha256, :storage_key)

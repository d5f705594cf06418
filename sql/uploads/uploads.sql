-- name: stored_uploads
select t.name, u.id::text, u.file_name, u.storage_key
  from uploads u
  join tenants t on t.id = u.tenant_id
 order by u.storage_key;

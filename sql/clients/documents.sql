-- Documents of clients, as the database's owner.

-- name: last_version
select coalesce(max(m.version), 0) from manifests m where m.tenant_id = %(tenant_id)s and m.client_id = %(client_id)s;

-- name: documents
select d.document_id, d.sha256, d.text, d.operation_name, d.first_version, d.last_version, d.last_used_at, d.retired_at
  from client_documents d
 where d.tenant_id = %(tenant_id)s and d.client_id = %(client_id)s
 order by d.document_id;

-- name: add_manifest
insert into manifests (tenant_id, client_id, version, document_count)
values (%(tenant_id)s, %(client_id)s, %(version)s, %(document_count)s);

-- name: put_document
insert into client_documents (tenant_id, client_id, document_id, sha256, text, operation_name, first_version, last_version)
values (%(tenant_id)s, %(client_id)s, %(document_id)s, %(sha256)s, %(text)s, %(operation_name)s, %(version)s, %(version)s)
on conflict (tenant_id, client_id, document_id) do update
   set last_version = excluded.last_version, retired_at = null;

-- name: retire_documents
update client_documents
   set retired_at = now()
 where tenant_id = %(tenant_id)s and client_id = %(client_id)s and document_id = any (%(ids)s) and retired_at is null
returning document_id;

-- name: all_documents
select t.name as tenant, c.name as client, d.document_id, d.text
  from client_documents d
  join clients c on c.tenant_id = d.tenant_id and c.id = d.client_id
  join tenants t on t.id = d.tenant_id
 where d.retired_at is null and c.revoked_at is null
 order by lower(t.name), c.name, d.document_id;

-- name: unknown_documents
select u.sha256, u.text, u.seen, u.first_seen_at, u.last_seen_at
  from unknown_documents u
 where u.tenant_id = %(tenant_id)s and u.client_id = %(client_id)s
 order by u.last_seen_at desc, u.sha256;

-- Uploads are found by their content: what is uploaded again for the same vehicle is the upload that there is.
-- depends: 0014.encryption

create index uploads_sha256 on uploads (tenant_id, sha256);

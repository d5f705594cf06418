-- What the gateway asks as its login role, before it lets a caller in; the functions are in migrations 0008 and 0010.

-- name: client_of_key
select c.tenant_id, c.client_id, c.name, c.mode, c.introspection, c.user_id from app.client_of_key(:digest) c

-- name: client_of_token
select c.tenant_id, c.client_id, c.name, c.mode, c.introspection, c.user_id
  from app.client_of_token(:tenant_id, :user_id, :token_client) c

-- name: user_of_email
select app.user_of_email(:email) as user_id

-- name: trusted_document
select d.document_id, d.text
  from app.trusted_document(:tenant_id, :client_id, :document_id, :sha256) d
 where d.text is not null

-- name: registered_document
select d.text from app.registered_document(:tenant_id, :user_id, :sha256) d (text) where d.text is not null

-- name: register_document
select app.register_document(:tenant_id, :user_id, :sha256, :text)

-- name: record_documents
select app.record_documents(:seen)

-- name: recent_documents
select d.text from app.recent_documents(:most) d

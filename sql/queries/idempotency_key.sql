-- Requests that are sent again: the first of them writes, and what it answered is kept for two days.

-- name: lock_idempotency_key
select pg_advisory_xact_lock(hashtextextended(:tenant_id::text || ' ' || :key, 1))

-- name: idempotency_key
select k.mutation, k.input_sha256, k.result
  from idempotency_keys k
 where k.tenant_id = :tenant_id
   and k.user_id = (select app.user_id())
   and k.key = :key
   and k.created_at > now() - interval '48 hours'

-- name: keep_idempotency_key
with expired as (
  delete from idempotency_keys k
   where k.tenant_id = :tenant_id
     and k.user_id = (select app.user_id())
     and k.created_at <= now() - interval '48 hours'
)
insert into idempotency_keys (tenant_id, user_id, key, mutation, input_sha256, result)
select :tenant_id, app.user_id(), :key, :mutation, :input_sha256, :result::jsonb

-- Encryption of chosen values: data keys of each tenant, wrapped by a master key that is not in the database.
-- depends: 0013.bulk

-- What is kept of a data key is wrapped: without the master key, or the key service, it opens nothing. The one that is
-- not retired encrypts; the others decrypt what they encrypted.
create table tenant_keys (
  tenant_id uuid not null references tenants (id),
  key_id text not null check (key_id ~ '^[0-9a-z]{4,32}$'),
  wrapped bytea not null,
  wrapped_by text not null check (length(wrapped_by) between 1 and 200),
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (tenant_id, key_id)
);
comment on column tenant_keys.wrapped_by is 'The name of the master key or key service that wrapped it.';
create unique index tenant_keys_current on tenant_keys (tenant_id) where retired_at is null;

alter table tenant_keys enable row level security;
alter table tenant_keys force row level security;
do $$
begin
  execute 'create policy owner on tenant_keys to current_user using (true) with check (true)';
end;
$$;
-- Read where a value is to be encrypted or decrypted, so by viewers only if they may write at all. Nobody writes them.
create policy read_tenant on tenant_keys for select to gateway_tenant using (tenant_id = (select app.tenant_id()));
create policy read_writing on tenant_keys for select to gateway_groups
  using (tenant_id = (select app.tenant_id()) and (select app.writable_groups())::uuid[] <> '{}');
grant select on tenant_keys to gateway_tenant, gateway_groups;

-- For the login role, before it lets in a caller who writes: the tenant's current key; nothing to who is no member.
create function app.current_tenant_key(in_tenant_id uuid, in_user_id uuid)
  returns table (key_id text, wrapped bytea, wrapped_by text, retired_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select k.key_id, k.wrapped, k.wrapped_by, k.retired_at
    from tenant_keys k
    join memberships m on m.tenant_id = k.tenant_id and m.user_id = in_user_id and m.left_at is null
   where k.tenant_id = in_tenant_id and k.retired_at is null
$$;

-- A tenant's first key; where another process was faster, nothing happens.
create function app.add_tenant_key(
  in_tenant_id uuid, in_user_id uuid, in_key_id text, in_wrapped bytea, in_wrapped_by text
) returns void language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  insert into tenant_keys (tenant_id, key_id, wrapped, wrapped_by)
  select m.tenant_id, in_key_id, in_wrapped, in_wrapped_by
    from memberships m
   where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null
  on conflict (tenant_id) where retired_at is null do nothing
$$;

-- For a process that starts: one key for each name of a master key, to try whether it can be unwrapped.
create function app.wrapping_keys() returns table (wrapped_by text, tenant_id uuid, key_id text, wrapped bytea)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select distinct on (k.wrapped_by) k.wrapped_by, k.tenant_id, k.key_id, k.wrapped
    from tenant_keys k
   order by k.wrapped_by, k.created_at desc
$$;

revoke all on function
  app.current_tenant_key(uuid, uuid), app.add_tenant_key(uuid, uuid, text, bytea, text), app.wrapping_keys() from public;
grant execute on function
  app.current_tenant_key(uuid, uuid), app.add_tenant_key(uuid, uuid, text, bytea, text), app.wrapping_keys() to gateway;

-- As in 0003; an encrypted value, which is an object with the key $enc, stands for any type.
create or replace function app.is_absent_or(value jsonb, type text) returns boolean
  language sql immutable parallel safe as $$
  select value is null or jsonb_typeof(value) in ('null', type) or (jsonb_typeof(value) = 'object' and value ? '$enc')
$$;

-- Whether a JSON value holds something that another key than the current one encrypted, or that is in clear and should
-- not be: what jsonpaths find. For the owner, who encrypts anew.
create function app.needs_encryption(value jsonb, current_key text, in_clear jsonpath[]) returns boolean
  language sql immutable parallel safe as $$
  select strpos(replace(value::text, '"key": "' || current_key || '", "$enc": "v1"', ''), '"$enc": "v1"') > 0
      or exists (select from unnest(in_clear) p where jsonb_path_exists(value, p))
$$;
revoke all on function app.needs_encryption(jsonb, text, jsonpath[]) from public;

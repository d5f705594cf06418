-- Clients: programs of partners, each bound to one tenant, with their keys and the documents that they may send.
-- depends: 0007.hashed_grants

-- A client acts as a member of its own, so row security and grants hold for it as for anybody. Which documents it may
-- send is its mode: open takes any; log takes any and keeps those it does not know; safelist takes texts that were
-- published for it; id_only takes the ids of those and no text at all.
create table clients (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  name text not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  mode text not null check (mode in ('open', 'log', 'safelist', 'id_only')),
  introspection boolean not null default false,
  user_id uuid not null,
  token_client text check (length(token_client) between 1 and 200),
  revoked_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references memberships (tenant_id, user_id)
);
comment on column clients.token_client is 'What tokens of an issuer call it: their azp or client_id.';
create unique index clients_name on clients (tenant_id, name);
create unique index clients_token_client on clients (tenant_id, token_client);
create index clients_user on clients (tenant_id, user_id);
create trigger next_version before update on clients for each row execute function app.next_version();

-- Of a key only the SHA-256 is kept. A key is 32 random bytes, so nothing slower is needed against guessing.
create table client_keys (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  client_id uuid not null,
  digest bytea not null check (length(digest) = 32),
  hint text not null,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references clients (tenant_id, id)
);
comment on column client_keys.hint is 'The first characters, by which a person tells keys apart.';
create index client_keys_digest on client_keys (digest);
create index client_keys_client on client_keys (tenant_id, client_id);

create table manifests (
  tenant_id uuid not null references tenants (id),
  client_id uuid not null,
  version integer not null check (version > 0),
  document_count integer not null,
  published_at timestamptz not null default now(),
  primary key (tenant_id, client_id, version),
  foreign key (tenant_id, client_id) references clients (tenant_id, id)
);

-- Trusted documents. An id stands for one text for ever; a document that no manifest names any more stays until it is
-- retired, for apps that are still out there.
create table client_documents (
  tenant_id uuid not null references tenants (id),
  client_id uuid not null,
  document_id text not null check (length(document_id) between 1 and 200),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  text text not null,
  operation_name text,
  first_version integer not null,
  last_version integer not null,
  last_used_at timestamptz,
  retired_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant_id, client_id, document_id),
  foreign key (tenant_id, client_id) references clients (tenant_id, id)
);
create index client_documents_sha256 on client_documents (tenant_id, client_id, sha256);

-- Automatic persisted queries: texts that clients of open modes registered under their SHA-256.
create table registered_documents (
  tenant_id uuid not null references tenants (id),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  text text not null check (length(text) <= 100000),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  primary key (tenant_id, sha256)
);
create index registered_documents_last_used on registered_documents (tenant_id, last_used_at);

-- Documents that a client sent and no manifest of it names.
create table unknown_documents (
  tenant_id uuid not null references tenants (id),
  client_id uuid not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  text text not null,
  seen bigint not null default 1,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  primary key (tenant_id, client_id, sha256),
  foreign key (tenant_id, client_id) references clients (tenant_id, id)
);

do $$
declare
  secured text;
begin
  foreach secured in array array['clients', 'client_keys', 'manifests', 'client_documents', 'registered_documents',
                                 'unknown_documents'] loop
    execute format('alter table %I enable row level security', secured);
    execute format('alter table %I force row level security', secured);
    execute format('create policy owner on %I to current_user using (true) with check (true)', secured);
    execute format('create policy read_tenant on %I for select to gateway_tenant
                      using (tenant_id = (select app.tenant_id()) and (select app.role()) = ''owner'')', secured);
  end loop;
end;
$$;
-- A viewer may ask, like for any table, and finds nothing: there is no policy for them.
grant select on clients, manifests, client_documents, registered_documents, unknown_documents
  to gateway_tenant, gateway_groups;
grant select (tenant_id, id, client_id, hint, expires_at, created_at) on client_keys to gateway_tenant, gateway_groups;

-- The record knows the client.

alter table audit_trail add column client_id uuid;
alter table audit_trail add foreign key (tenant_id, client_id) references clients (tenant_id, id);

create function app.client_id() returns uuid language sql stable parallel safe as $$
  select nullif(current_setting('app.client_id', true), '')::uuid
$$;
revoke all on function app.client_id() from public;
grant execute on function app.client_id() to gateway_tenant, gateway_groups;

-- As in 0005, with the client, and without the digests of keys.
create or replace function app.record_audit() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into audit_trail (tenant_id, table_name, record_id, operation, new_values,
                             changed_by, client_ip, user_agent, client_id)
    select (n.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(n.v ->> 'id', n.v ->> 'user_id')::uuid, 'insert', n.v,
           app.user_id(), app.client_ip(), app.user_agent(), app.client_id()
      from (select to_jsonb(new_rows) - 'digest' from new_rows) as n (v);
  elsif tg_op = 'UPDATE' then
    insert into audit_trail (tenant_id, table_name, record_id, operation, old_values, new_values,
                             changed_by, client_ip, user_agent, client_id)
    select (n.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(n.v ->> 'id', n.v ->> 'user_id')::uuid, 'update', o.v, n.v,
           app.user_id(), app.client_ip(), app.user_agent(), app.client_id()
      from (select to_jsonb(new_rows) - 'digest' from new_rows) as n (v)
      join (select to_jsonb(old_rows) - 'digest' from old_rows) as o (v)
        on coalesce(o.v ->> 'id', o.v ->> 'user_id') = coalesce(n.v ->> 'id', n.v ->> 'user_id')
       and o.v ->> 'tenant_id' is not distinct from n.v ->> 'tenant_id';
  else
    insert into audit_trail (tenant_id, table_name, record_id, operation, old_values,
                             changed_by, client_ip, user_agent, client_id)
    select (o.v ->> case tg_table_name when 'tenants' then 'id' else 'tenant_id' end)::uuid, tg_table_name,
           coalesce(o.v ->> 'id', o.v ->> 'user_id')::uuid, 'delete', o.v,
           app.user_id(), app.client_ip(), app.user_agent(), app.client_id()
      from (select to_jsonb(old_rows) - 'digest' from old_rows) as o (v);
  end if;
  return null;
end;
$$;

create or replace function app.stream_metadata() returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'user_id', app.user_id(), 'client_ip', host(app.client_ip()), 'user_agent', app.user_agent(),
    'client_id', app.client_id()))
$$;

do $$
declare
  audited text;
begin
  foreach audited in array array['clients', 'client_keys'] loop
    execute format('create trigger audit_insert after insert on %I
      referencing new table as new_rows for each statement execute function app.record_audit()', audited);
    execute format('create trigger audit_update after update on %I
      referencing old table as old_rows new table as new_rows for each statement execute function app.record_audit()', audited);
    execute format('create trigger audit_delete after delete on %I
      referencing old table as old_rows for each statement execute function app.record_audit()', audited);
  end loop;
end;
$$;

-- Lets a caller in, as in 0006; with the client, for the record.
drop function app.enter(uuid, uuid, boolean, text, text);
create function app.enter(
  in_user_id uuid, in_tenant_id uuid, writes boolean, in_client_ip text default null, in_user_agent text default null,
  in_client_id uuid default null
) returns void language plpgsql as $$
declare
  caller record;
begin
  caller := app.resolve_caller(in_user_id, in_tenant_id, writes);
  perform set_config('app.tenant_id', in_tenant_id::text, true),
          set_config('app.user_id', in_user_id::text, true),
          set_config('app.role', caller.role, true),
          set_config('application_name', 'motomind ' || caller.role, true);
  if caller.role = 'viewer' or writes then
    perform set_config('app.readable_groups', coalesce(caller.readable, '{}')::text, true),
            set_config('app.writable_groups', coalesce(caller.writable, '{}')::text, true),
            set_config('app.admin_groups', coalesce(caller.administered, '{}')::text, true);
  end if;
  if writes then
    perform set_config('app.client_ip', coalesce(in_client_ip, ''), true),
            set_config('app.user_agent', coalesce(in_user_agent, ''), true),
            set_config('app.client_id', coalesce(in_client_id::text, ''), true);
  end if;
  perform set_config('role', case caller.role when 'viewer' then 'gateway_groups' else 'gateway_tenant' end, true);
end;
$$;
revoke all on function app.enter(uuid, uuid, boolean, text, text, uuid) from public;
grant execute on function app.enter(uuid, uuid, boolean, text, text, uuid) to gateway;

-- What the gateway asks before it lets a caller in. None of these tells anything to who is no member.

-- The client that a key belongs to; no row for a key that is unknown, expired, or of a client that is revoked or whose
-- member has left.
create function app.client_of_key(in_digest bytea)
  returns table (tenant_id uuid, client_id uuid, name text, mode text, introspection boolean, user_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select c.tenant_id, c.id, c.name, c.mode, c.introspection, c.user_id
    from client_keys k
    join clients c on c.tenant_id = k.tenant_id and c.id = k.client_id
    join memberships m on m.tenant_id = c.tenant_id and m.user_id = c.user_id
   where k.digest = in_digest
     and (k.expires_at is null or k.expires_at > now())
     and c.revoked_at is null
     and m.left_at is null
$$;

-- The client of a tenant that an issuer's tokens name, for a member of that tenant.
create function app.client_of_token(in_tenant_id uuid, in_user_id uuid, in_token_client text)
  returns table (tenant_id uuid, client_id uuid, name text, mode text, introspection boolean, user_id uuid)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select c.tenant_id, c.id, c.name, c.mode, c.introspection, m.user_id
    from clients c
    join memberships m on m.tenant_id = c.tenant_id and m.user_id = in_user_id
   where c.tenant_id = in_tenant_id
     and c.token_client = in_token_client
     and c.revoked_at is null
     and m.left_at is null
$$;

-- A document that is published for a client, by its id or by the SHA-256 of its text.
create function app.trusted_document(
  in_tenant_id uuid, in_client_id uuid, in_document_id text, in_sha256 text, out document_id text, out text text
) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select d.document_id, d.text
    from client_documents d
   where d.tenant_id = in_tenant_id
     and d.client_id = in_client_id
     and d.retired_at is null
     and (d.document_id = in_document_id or d.sha256 = in_sha256)
   order by d.document_id = in_document_id desc, d.document_id
   limit 1
$$;

-- The text that a member, or another of the tenant, registered under a SHA-256.
create function app.registered_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text) returns text
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select d.text
    from registered_documents d
   where d.tenant_id = in_tenant_id
     and d.sha256 = in_sha256
     and exists (select from memberships m
                  where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null)
$$;

-- Registers a text for a member's tenant; a tenant keeps its ten thousand that were used last.
create function app.register_document(in_tenant_id uuid, in_user_id uuid, in_sha256 text, in_text text) returns void
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into registered_documents (tenant_id, sha256, text)
  select m.tenant_id, in_sha256, in_text
    from memberships m
   where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null
  on conflict (tenant_id, sha256) do update set last_used_at = now();
  delete from registered_documents
   where (tenant_id, sha256) in (select d.tenant_id, d.sha256
                                   from registered_documents d
                                  where d.tenant_id = in_tenant_id
                                  order by d.last_used_at desc
                                 offset 10000);
end;
$$;

-- Keeps what was seen in the last seconds: which documents were used, and which unknown ones were sent. A client's list
-- of unknown documents ends at a thousand.
create function app.record_documents(in_seen jsonb) returns void
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update client_documents d
     set last_used_at = now()
    from (select distinct s.tenant_id, s.client_id, s.document_id
            from jsonb_to_recordset(in_seen -> 'trusted') as s (tenant_id uuid, client_id uuid, document_id text)) s
   where d.tenant_id = s.tenant_id and d.client_id = s.client_id and d.document_id = s.document_id;
  update registered_documents d
     set last_used_at = now()
    from (select distinct s.tenant_id, s.sha256
            from jsonb_to_recordset(in_seen -> 'registered') as s (tenant_id uuid, sha256 text)) s
   where d.tenant_id = s.tenant_id and d.sha256 = s.sha256;
  insert into unknown_documents as u (tenant_id, client_id, sha256, text, seen)
  select s.tenant_id, s.client_id, s.sha256, min(s.text), sum(s.seen)
    from jsonb_to_recordset(in_seen -> 'unknown')
         as s (tenant_id uuid, client_id uuid, sha256 text, text text, seen bigint)
    join clients c on c.tenant_id = s.tenant_id and c.id = s.client_id
   where (select count(*) from unknown_documents x
           where x.tenant_id = s.tenant_id and x.client_id = s.client_id) < 1000
      or exists (select from unknown_documents x
                  where x.tenant_id = s.tenant_id and x.client_id = s.client_id and x.sha256 = s.sha256)
   group by s.tenant_id, s.client_id, s.sha256
  on conflict (tenant_id, client_id, sha256) do update
     set seen = u.seen + excluded.seen, last_seen_at = now();
end;
$$;

-- The texts that were used last, whoever's they are, for a process that starts: it reads them before they are asked for.
create function app.recent_documents(in_limit integer) returns table (text text)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select d.text
    from (select c.text, coalesce(c.last_used_at, c.created_at) as used_at
            from client_documents c
           where c.retired_at is null
           union all
          select r.text, r.last_used_at from registered_documents r) d
   group by d.text
   order by max(d.used_at) desc
   limit in_limit
$$;

revoke all on function
  app.client_of_key(bytea), app.client_of_token(uuid, uuid, text), app.trusted_document(uuid, uuid, text, text),
  app.registered_document(uuid, uuid, text), app.register_document(uuid, uuid, text, text),
  app.record_documents(jsonb), app.recent_documents(integer) from public;
grant execute on function
  app.client_of_key(bytea), app.client_of_token(uuid, uuid, text), app.trusted_document(uuid, uuid, text, text),
  app.registered_document(uuid, uuid, text), app.register_document(uuid, uuid, text, text),
  app.record_documents(jsonb), app.recent_documents(integer) to gateway;

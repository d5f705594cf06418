-- Tenants, people, memberships, and the settings that say who a transaction acts for.

create schema app;
revoke all on schema app from public;

-- Settings of the transaction. Outside of it a SET LOCAL setting reads '', not NULL: hence nullif.

create function app.tenant_id() returns uuid language sql stable parallel safe as $$
  select nullif(current_setting('app.tenant_id', true), '')::uuid
$$;

create function app.user_id() returns uuid language sql stable parallel safe as $$
  select nullif(current_setting('app.user_id', true), '')::uuid
$$;

create function app.role() returns text language sql stable parallel safe as $$
  select nullif(current_setting('app.role', true), '')
$$;

create function app.readable_groups() returns uuid[] language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('app.readable_groups', true), ''), '{}')::uuid[]
$$;

create function app.writable_groups() returns uuid[] language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('app.writable_groups', true), ''), '{}')::uuid[]
$$;

create function app.admin_groups() returns uuid[] language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('app.admin_groups', true), ''), '{}')::uuid[]
$$;

create function app.touch() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end;
$$;

-- Rows of an aggregate carry the version of its last event; see 0005.
create function app.next_version() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  new.version := old.version + 1;
  return new;
end;
$$;

create table tenants (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  kind text not null check (kind in ('solo', 'org')),
  plan_name text not null default 'free',
  primary_region text not null default 'us-west-1',
  data_residency_requirements jsonb not null default '{}' check (jsonb_typeof(data_residency_requirements) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index tenants_name on tenants (lower(name));
create trigger touch before update on tenants for each row execute function app.touch();

create table users (
  id uuid primary key default gen_random_uuid(),
  email text not null check (email ~ '^[^@\s]+@[^@\s]+$' and length(email) <= 320),
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index users_email on users (lower(email));
create trigger touch before update on users for each row execute function app.touch();

-- A member who leaves keeps the row with left_at, so that grants and events still name who made them.
create table memberships (
  tenant_id uuid not null references tenants (id),
  user_id uuid not null references users (id),
  role text not null check (role in ('owner', 'manager', 'viewer')),
  left_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, user_id)
);
create index memberships_user on memberships (user_id);
create trigger next_version before update on memberships for each row execute function app.next_version();

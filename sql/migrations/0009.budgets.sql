-- Budgets: what a credential may still spend; and the usage of documents, per day.
-- depends: 0008.clients

-- A bucket of points that fills up with time. Its loss costs nobody anything, so it is not logged: after a crash of the
-- server all buckets are full.
create unlogged table budgets (
  tenant_id uuid not null,
  credential_id uuid not null,
  available double precision not null,
  capacity double precision not null check (capacity > 0),
  restore_rate double precision not null check (restore_rate > 0),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, credential_id)
) with (fillfactor = 50);
comment on column budgets.credential_id is 'A client''s id, or for a token that names none a person''s.';
comment on column budgets.available is 'Points at updated_at; it may be negative after an answer that cost more than estimated.';

create table document_usage (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  day date not null,
  client_id uuid,
  document text not null check (length(document) between 1 and 200),
  requests integer not null default 0,
  errors integer not null default 0,
  not_modified integer not null default 0,
  requested_cost double precision not null default 0,
  actual_cost double precision not null default 0,
  milliseconds double precision not null default 0,
  last_used_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references clients (tenant_id, id)
) with (fillfactor = 70);
comment on column document_usage.client_id is 'Null for the people of the tenant, all together.';
comment on column document_usage.document is 'The document''s id, sha256:... of its text, or (other) beyond a thousand a day.';
create unique index document_usage_day on document_usage (tenant_id, day, client_id, document) nulls not distinct;

do $$
declare
  secured text;
begin
  foreach secured in array array['budgets', 'document_usage'] loop
    execute format('alter table %I enable row level security', secured);
    execute format('alter table %I force row level security', secured);
    execute format('create policy owner on %I to current_user using (true) with check (true)', secured);
    execute format('create policy read_tenant on %I for select to gateway_tenant
                      using (tenant_id = (select app.tenant_id()) and (select app.role()) = ''owner'')', secured);
  end loop;
end;
$$;
grant select on document_usage to gateway_tenant, gateway_groups;

-- Takes points from a budget, or refuses to where there are not enough; the bucket is filled up first, by the database's
-- clock. Requests for one budget wait for each other here, for as long as this takes and no longer.
create function app.spend(
  in_tenant_id uuid, in_credential_id uuid, in_cost double precision, in_capacity double precision,
  in_restore_rate double precision, out granted boolean, out available double precision
) language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  bucket budgets;
begin
  loop
    select * into bucket from budgets b
     where b.tenant_id = in_tenant_id and b.credential_id = in_credential_id for no key update;
    exit when found;
    -- Who is no member gets no budget, and is refused as such a moment later.
    if not exists (select from memberships m
                    where m.tenant_id = in_tenant_id and m.user_id = in_credential_id and m.left_at is null)
       and not exists (select from clients c where c.tenant_id = in_tenant_id and c.id = in_credential_id) then
      granted := true;
      available := in_capacity - in_cost;
      return;
    end if;
    insert into budgets (tenant_id, credential_id, available, capacity, restore_rate)
    values (in_tenant_id, in_credential_id, in_capacity, in_capacity, in_restore_rate)
    on conflict do nothing;
  end loop;
  available := least(
    bucket.available + in_restore_rate * greatest(extract(epoch from clock_timestamp() - bucket.updated_at), 0),
    in_capacity);
  granted := available >= in_cost;
  if granted then
    available := available - in_cost;
  end if;
  update budgets b
     set available = spend.available, capacity = in_capacity, restore_rate = in_restore_rate,
         updated_at = greatest(clock_timestamp(), bucket.updated_at)
   where b.tenant_id = in_tenant_id and b.credential_id = in_credential_id;
end;
$$;

-- Gives back what was spent and not used, or takes what was used beyond it; many at once, in one order for everybody.
create function app.refund(in_refunds jsonb) returns void
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  refund record;
begin
  for refund in
    select r.tenant_id, r.credential_id, sum(r.points) as points
      from jsonb_to_recordset(in_refunds) as r (tenant_id uuid, credential_id uuid, points double precision)
     group by r.tenant_id, r.credential_id
     order by r.tenant_id, r.credential_id
  loop
    update budgets b
       set available = greatest(least(b.available + refund.points, b.capacity), -b.capacity)
     where b.tenant_id = refund.tenant_id and b.credential_id = refund.credential_id;
  end loop;
end;
$$;

-- Adds what was used in the last second. A client's list of a day ends at a thousand documents, as does that of the
-- tenant's people; the rest is counted together. Usage of a tenant or client that is no more is left out.
create function app.record_usage(in_usage jsonb) returns void
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  used record;
begin
  for used in
    select u.*
      from jsonb_to_recordset(in_usage)
           as u (tenant_id uuid, client_id uuid, day date, document text, requests integer, errors integer,
                 not_modified integer, requested_cost double precision, actual_cost double precision,
                 milliseconds double precision)
      join tenants t on t.id = u.tenant_id
     where u.client_id is null
        or exists (select from clients c where c.tenant_id = u.tenant_id and c.id = u.client_id)
     order by u.tenant_id, u.day, u.client_id, u.document
  loop
    if not exists (select from document_usage d
                    where d.tenant_id = used.tenant_id and d.day = used.day
                      and d.client_id is not distinct from used.client_id and d.document = used.document)
       and (select count(*) >= 1000 from document_usage d
             where d.tenant_id = used.tenant_id and d.day = used.day
               and d.client_id is not distinct from used.client_id) then
      used.document := '(other)';
    end if;
    insert into document_usage as d (tenant_id, day, client_id, document, requests, errors, not_modified,
                                     requested_cost, actual_cost, milliseconds)
    values (used.tenant_id, used.day, used.client_id, used.document, used.requests, used.errors, used.not_modified,
            used.requested_cost, used.actual_cost, used.milliseconds)
    on conflict (tenant_id, day, client_id, document) do update
       set requests = d.requests + excluded.requests,
           errors = d.errors + excluded.errors,
           not_modified = d.not_modified + excluded.not_modified,
           requested_cost = d.requested_cost + excluded.requested_cost,
           actual_cost = d.actual_cost + excluded.actual_cost,
           milliseconds = d.milliseconds + excluded.milliseconds,
           last_used_at = now();
  end loop;
end;
$$;

revoke all on function
  app.spend(uuid, uuid, double precision, double precision, double precision), app.refund(jsonb),
  app.record_usage(jsonb) from public;
grant execute on function
  app.spend(uuid, uuid, double precision, double precision, double precision), app.refund(jsonb),
  app.record_usage(jsonb) to gateway;

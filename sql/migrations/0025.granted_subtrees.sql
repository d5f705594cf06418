-- A viewer is let in by the grants they hold; what is below a grant is stored with it. Until now every transaction of a
-- viewer walked down from their grants, and every policy read the ids of all groups found from a setting's text.
-- depends: 0024.service_bounds

-- The groups that a permission names, each with itself and all below it. Kept by triggers, in the transaction that changes
-- the tree or the permissions. Stored out of line and as they are: ids do not compress.
create table granted_subtrees (
  tenant_id uuid not null,
  fleet_group_id uuid not null,
  group_ids uuid[] not null,
  primary key (tenant_id, fleet_group_id),
  foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id) on delete cascade
);
alter table granted_subtrees alter group_ids set storage external;
alter table granted_subtrees set (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);

-- The groups on which the caller holds a level, 'read', 'write' or 'admin', by a permission on that very group; or any.
create function app.granted_groups(level text) returns uuid[] language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('app.' || level || '_grants', true), ''), '{}')::uuid[]
$$;

create function app.granted_groups() returns uuid[] language sql stable parallel safe as $$
  select app.granted_groups('read') || app.granted_groups('write') || app.granted_groups('admin')
$$;

-- Those of a level, and all below them. A group that several permissions reach may be told several times.
create function app.groups_under_grants(level text) returns uuid[] language plpgsql stable parallel safe as $$
declare
  granted constant uuid[] := app.granted_groups(level);
  found uuid[];
begin
  if cardinality(granted) = 1 then
    select s.group_ids into found
      from granted_subtrees s
     where s.tenant_id = app.tenant_id() and s.fleet_group_id = granted[1];
  elsif cardinality(granted) > 1 then
    select array_agg(g.id) into found
      from granted_subtrees s
     cross join unnest(s.group_ids) g (id)
     where s.tenant_id = app.tenant_id() and s.fleet_group_id = any (granted);
  end if;
  return coalesce(found, '{}');
end;
$$;

create or replace function app.readable_groups() returns uuid[] language sql stable parallel safe as $$
  select app.groups_under_grants('read')
$$;
create or replace function app.writable_groups() returns uuid[] language sql stable parallel safe as $$
  select app.groups_under_grants('write')
$$;
create or replace function app.admin_groups() returns uuid[] language sql stable parallel safe as $$
  select app.groups_under_grants('admin')
$$;

revoke all on function
  app.granted_groups(text), app.granted_groups(), app.groups_under_grants(text)
  from public;
grant execute on function app.granted_groups(text), app.granted_groups(), app.groups_under_grants(text)
  to gateway_tenant, gateway_groups;

-- Some granted groups without those that are below another one of them: looked at where so much is stored below them
-- that reading it twice, in every policy, costs more than to climb up from each.
create function app.outermost_groups(in_tenant_id uuid, granted uuid[]) returns uuid[] language plpgsql stable as $$
begin
  if coalesce(cardinality(granted), 0) < 2
     or (select sum(pg_column_size(s.group_ids)) from granted_subtrees s
          where s.tenant_id = in_tenant_id and s.fleet_group_id = any (granted)) < 65536 then
    return granted;
  end if;
  return array(
    with recursive above as (
      select g.id, g.parent_group_id as above_id
        from fleet_groups g
       where g.tenant_id = in_tenant_id and g.id = any (granted)
      union all
      select a.id, g.parent_group_id
        from above a
        join fleet_groups g on g.tenant_id = in_tenant_id and g.id = a.above_id
       where a.above_id <> all (granted)
    )
    select a.id from above a group by a.id having not coalesce(bool_or(a.above_id = any (granted)), false)
  );
end;
$$;

-- The caller's role in a tenant, and for a viewer, or a transaction that writes, the groups on which permissions give them
-- READ, WRITE and ADMIN. Raises MM001 for who is no member.
create or replace function app.resolve_caller(
  in_user_id uuid, in_tenant_id uuid, writes boolean,
  out role text, out readable uuid[], out writable uuid[], out administered uuid[]
) language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  select m.role into role
    from memberships m
   where m.tenant_id = in_tenant_id and m.user_id = in_user_id and m.left_at is null;
  if role is null then
    raise exception 'the caller is no member of the tenant' using errcode = 'MM001';
  end if;
  if role = 'viewer' or writes then
    select array_agg(p.fleet_group_id), array_agg(p.fleet_group_id) filter (where p.permission_level in ('write', 'admin')),
           array_agg(p.fleet_group_id) filter (where p.permission_level = 'admin')
      into readable, writable, administered
      from group_permissions p
     where p.tenant_id = in_tenant_id and p.user_id = in_user_id;
    readable := app.outermost_groups(in_tenant_id, readable);
    writable := app.outermost_groups(in_tenant_id, writable);
    administered := app.outermost_groups(in_tenant_id, administered);
  end if;
end;
$$;

-- Lets a caller in, as in 0008, by their grants.
create or replace function app.enter(
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
    perform set_config('app.read_grants', coalesce(caller.readable, '{}')::text, true),
            set_config('app.write_grants', coalesce(caller.writable, '{}')::text, true),
            set_config('app.admin_grants', coalesce(caller.administered, '{}')::text, true);
  end if;
  if writes then
    perform set_config('app.client_ip', coalesce(in_client_ip, ''), true),
            set_config('app.user_agent', coalesce(in_user_agent, ''), true),
            set_config('app.client_id', coalesce(in_client_id::text, ''), true);
  end if;
  perform set_config('role', case caller.role when 'viewer' then 'gateway_groups' else 'gateway_tenant' end, true);
end;
$$;

-- Changes of tenants' trees and of the permissions on them queue, so that each sees what the others left.
create function app.lock_trees(tenant_ids uuid[]) returns void language plpgsql as $$
begin
  -- Under the lock what the others left must be visible; a snapshot from before it would hide that. Under SERIALIZABLE it
  -- is one as well, and what others do under READ COMMITTED is not looked after.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'fleet groups and permissions are changed under READ COMMITTED'
      using errcode = 'feature_not_supported';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('fleet_groups ' || t.id::text, 0))
    from (select distinct id from unnest(tenant_ids) id order by id) t;
end;
$$;

-- Before rows are locked, so that a change and another never wait for each other; the gateway's, which are of one tenant.
create function app.queue_on_tree() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if app.tenant_id() is not null then
    perform app.lock_trees(array[app.tenant_id()]);
  end if;
  return null;
end;
$$;
create trigger queue_on_tree before insert or delete on fleet_groups
  for each statement execute function app.queue_on_tree();
create trigger queue_on_tree before insert or update or delete on group_permissions
  for each statement execute function app.queue_on_tree();

-- New groups join what their parent is in; moved ones have it told anew where they were and where they are. A plan that
-- was made for one row is kept for thousands: hence no nested loops over them.
create function app.keep_subtrees_of_groups() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp set enable_nestloop = off as $$
declare
  is_moved boolean;
  is_renumbered boolean;
begin
  case tg_op
    when 'INSERT' then
      if not exists (select from new_rows where parent_group_id is not null) then
        return null;
      end if;
      perform app.lock_trees(array(select tenant_id from new_rows));
      update granted_subtrees s
         set group_ids = s.group_ids || array(select b.id
                                                from unnest(app.groups_below(s.tenant_id, a.ids)) b (id)
                                               where b.id <> all (s.group_ids))
        from (select s.tenant_id, s.fleet_group_id, array_agg(n.id) as ids
                from granted_subtrees s
                join new_rows n on n.tenant_id = s.tenant_id and n.parent_group_id = any (s.group_ids)
               group by s.tenant_id, s.fleet_group_id) a
       where a.tenant_id = s.tenant_id and a.fleet_group_id = s.fleet_group_id;
    when 'UPDATE' then
      select bool_or(n.parent_group_id is distinct from o.parent_group_id), bool_or(o.id is null)
        into is_moved, is_renumbered
        from new_rows n
        left join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id;
      if is_renumbered then
        raise exception 'a fleet group keeps its id' using errcode = 'feature_not_supported';
      elsif not coalesce(is_moved, false) then
        return null;
      end if;
      perform app.lock_trees(array(select tenant_id from new_rows));
      update granted_subtrees s
         set group_ids = app.groups_below(s.tenant_id, array[s.fleet_group_id])
       where exists (select from new_rows n
                       join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
                      where n.tenant_id = s.tenant_id and n.parent_group_id is distinct from o.parent_group_id
                        and (n.id = any (s.group_ids) or n.parent_group_id = any (s.group_ids)));
    when 'DELETE' then
      if not exists (select from old_rows) then
        return null;
      end if;
      perform app.lock_trees(array(select tenant_id from old_rows));
      update granted_subtrees s
         set group_ids = array(select i from unnest(s.group_ids) i where i not in (select o.id from old_rows o))
       where exists (select from old_rows o where o.tenant_id = s.tenant_id and o.id = any (s.group_ids));
  end case;
  return null;
end;
$$;
create trigger keep_subtrees_inserted after insert on fleet_groups
  referencing new table as new_rows for each statement execute function app.keep_subtrees_of_groups();
create trigger keep_subtrees_updated after update on fleet_groups
  referencing old table as old_rows new table as new_rows for each statement execute function app.keep_subtrees_of_groups();
create trigger keep_subtrees_deleted after delete on fleet_groups
  referencing old table as old_rows for each statement execute function app.keep_subtrees_of_groups();

-- A group's subtree is stored from its first permission to its last.
create function app.keep_subtrees_of_permissions() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op <> 'DELETE' then
    perform app.lock_trees(array(select tenant_id from new_rows));
    insert into granted_subtrees (tenant_id, fleet_group_id, group_ids)
    select n.tenant_id, n.fleet_group_id, app.groups_below(n.tenant_id, array[n.fleet_group_id])
      from (select distinct tenant_id, fleet_group_id from new_rows) n
     where not exists (select from granted_subtrees s
                        where s.tenant_id = n.tenant_id and s.fleet_group_id = n.fleet_group_id);
  end if;
  if tg_op <> 'INSERT' then
    perform app.lock_trees(array(select tenant_id from old_rows));
    delete from granted_subtrees s
     using (select distinct tenant_id, fleet_group_id from old_rows) o
     where o.tenant_id = s.tenant_id and o.fleet_group_id = s.fleet_group_id
       and not exists (select from group_permissions p
                        where p.tenant_id = s.tenant_id and p.fleet_group_id = s.fleet_group_id);
  end if;
  return null;
end;
$$;
create trigger keep_subtrees_inserted after insert on group_permissions
  referencing new table as new_rows for each statement execute function app.keep_subtrees_of_permissions();
create trigger keep_subtrees_updated after update on group_permissions
  referencing old table as old_rows new table as new_rows for each statement execute function app.keep_subtrees_of_permissions();
create trigger keep_subtrees_deleted after delete on group_permissions
  referencing old table as old_rows for each statement execute function app.keep_subtrees_of_permissions();

-- Moves queue on the same, as in 0002.
create or replace function app.refuse_group_cycle() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  offender uuid;
begin
  if not exists (select from changed where parent_group_id is not null) then
    return null;
  end if;
  perform app.lock_trees(array(select tenant_id from changed));
  with recursive above as (
    select c.tenant_id, c.id, c.parent_group_id from changed c
    union
    select p.tenant_id, p.id, p.parent_group_id
      from above a
     cross join lateral (  -- one index look-up each: the planner would rather read the whole table at every level
       select g.tenant_id, g.id, g.parent_group_id
         from fleet_groups g
        where g.tenant_id = a.tenant_id and g.id = a.parent_group_id
        limit 1
     ) p
  ),
  rooted as (
    select a.tenant_id, a.id from above a where a.parent_group_id is null
    union all
    select a.tenant_id, a.id
      from rooted r
      join above a on a.tenant_id = r.tenant_id and a.parent_group_id = r.id
  )
  select a.id into offender
    from above a
   where not exists (select from rooted r where r.tenant_id = a.tenant_id and r.id = a.id)
   limit 1;
  if found then
    raise exception 'fleet group % would be inside its own subtree', offender
      using errcode = 'MM010', constraint = 'fleet_groups_no_cycle', table = 'fleet_groups';
  end if;
  return null;
end;
$$;

revoke all on function
  app.outermost_groups(uuid, uuid[]), app.lock_trees(uuid[]), app.queue_on_tree(), app.keep_subtrees_of_groups(),
  app.keep_subtrees_of_permissions()
  from public;

insert into granted_subtrees (tenant_id, fleet_group_id, group_ids)
select p.tenant_id, p.fleet_group_id, app.groups_below(p.tenant_id, array[p.fleet_group_id])
  from (select distinct tenant_id, fleet_group_id from group_permissions) p;

alter table granted_subtrees enable row level security;
alter table granted_subtrees force row level security;
do $$
begin
  execute 'create policy owner on granted_subtrees to current_user using (true) with check (true)';
end;
$$;
grant select on granted_subtrees to gateway_tenant, gateway_groups;
create policy read_tenant on granted_subtrees for select to gateway_tenant using (tenant_id = (select app.tenant_id()));
create policy read_granted on granted_subtrees for select to gateway_groups
  using (tenant_id = (select app.tenant_id()) and fleet_group_id = any ((select app.granted_groups())::uuid[]));

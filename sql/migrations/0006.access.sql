-- Who sees what. Every table has row security enabled and forced. Policies are written TO one of two roles, never two
-- for the same role and command, because permissive policies are OR-ed:
--
--   gateway_tenant  owners and managers: the whole tenant. No condition on groups reaches their plans.
--   gateway_groups  viewers: the groups granted to them and everything below, resolved once per transaction.
--
-- The login role "gateway" has no policy and inherits nothing: without app.enter() it reads no row at all.
-- depends: 0005.record

-- The caller's role in a tenant, and for a viewer, or a transaction that writes, the ids of the groups that they may read
-- and of those where they hold WRITE and ADMIN. Raises MM001 for who is no member.
create function app.resolve_caller(
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
    with recursive held as (
      select p.fleet_group_id as id, array_position(array['read', 'write', 'admin'], p.permission_level) as level
        from group_permissions p
       where p.tenant_id = in_tenant_id and p.user_id = in_user_id
      union
      select g.id, h.level
        from held h
        join fleet_groups g on g.tenant_id = in_tenant_id and g.parent_group_id = h.id
    ),
    strongest as (select h.id, max(h.level) as level from held h group by h.id)
    select array_agg(s.id), array_agg(s.id) filter (where s.level >= 2), array_agg(s.id) filter (where s.level >= 3)
      into readable, writable, administered
      from strongest s;
  end if;
end;
$$;

-- Lets a caller in for the rest of the transaction: one call, right after BEGIN. Security invoker, because a definer
-- function may not change the role. application_name is the one setting that the server reports back by itself: so the
-- gateway learns the caller's role, and pg_stat_activity shows it, without another round trip.
create function app.enter(
  in_user_id uuid, in_tenant_id uuid, writes boolean, in_client_ip text default null, in_user_agent text default null
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
            set_config('app.user_agent', coalesce(in_user_agent, ''), true);
  end if;
  perform set_config('role', case caller.role when 'viewer' then 'gateway_groups' else 'gateway_tenant' end, true);
end;
$$;

-- The tenants of a person, for the message that asks which one is meant and for the development token.
create function app.tenants_of(in_user_id uuid) returns table (id uuid, name text, role text)
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select t.id, t.name, m.role
    from memberships m
    join tenants t on t.id = m.tenant_id
   where m.user_id = in_user_id and m.left_at is null
   order by t.name
$$;

do $$
declare
  secured text;
begin
  for secured in
    select c.relname from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname !~ '^_?yoyo'
  loop
    execute format('alter table %I enable row level security', secured);
    execute format('alter table %I force row level security', secured);
    execute format('create policy owner on %I to current_user using (true) with check (true)', secured);
    execute format('grant select on %I to gateway_tenant, gateway_groups', secured);
  end loop;
  perform app.secure_partition('manual_events_default');
end;
$$;

grant usage on schema app to gateway, gateway_tenant, gateway_groups;
revoke all on all functions in schema app from public;
grant execute on function
  app.tenant_id(), app.user_id(), app.role(), app.readable_groups(), app.writable_groups(), app.admin_groups(),
  app.client_ip(), app.user_agent(), app.subtree_ids(uuid, uuid),
  app.is_number(jsonb, numeric, numeric), app.is_absent_or(jsonb, text), app.is_absent_or_number(jsonb, numeric, numeric),
  app.is_odometer_reading(jsonb), app.is_fuel_purchase(jsonb), app.is_maintenance(jsonb), app.is_issue_report(jsonb),
  app.is_trip_batch(jsonb), app.is_payload(text, jsonb), app.payload_number(jsonb, text),
  app.payload_odometer(text, jsonb), app.payload_cost(text, jsonb)
  to gateway_tenant, gateway_groups;
grant execute on function
  app.resolve_caller(uuid, uuid, boolean), app.enter(uuid, uuid, boolean, text, text), app.tenants_of(uuid) to gateway;

-- What identifies a row, and what others are recorded to have done, is written once. Who leaves a tenant keeps their
-- membership, with left_at; events and uploads stay.
do $$
declare
  target record;
  columns text;
begin
  for target in
    select * from (values ('tenants', 'gateway_tenant', ''),
                          ('memberships', 'gateway_tenant', 'insert'),
                          ('fleet_groups', 'gateway_tenant, gateway_groups', 'insert, delete'),
                          ('group_permissions', 'gateway_tenant, gateway_groups', 'insert, delete'),
                          ('vehicles', 'gateway_tenant, gateway_groups', 'insert, delete'),
                          ('uploads', 'gateway_tenant, gateway_groups', 'insert'),
                          ('manual_events', 'gateway_tenant, gateway_groups', 'insert')) as t (name, roles, commands)
  loop
    select string_agg(quote_ident(attname), ', ' order by attnum) into columns
      from pg_attribute
     where attrelid = target.name::regclass and attnum > 0 and not attisdropped and attgenerated = ''
       and attname not in ('tenant_id', 'id', 'version', 'created_at', 'updated_at', 'created_by', 'uploaded_by')
       and not (target.name in ('memberships', 'group_permissions') and attname = 'user_id');
    execute format('grant update (%s) on %I to %s', columns, target.name, target.roles);
    if target.commands <> '' then
      execute format('grant %s on %I to %s', target.commands, target.name, target.roles);
    end if;
  end loop;
end;
$$;

-- Tenants and people. A caller knows the tenants they belong to and the people of the tenant they act in.

create policy read_tenant on tenants for select to gateway_tenant, gateway_groups
  using (id = (select app.tenant_id())
         or id in (select m.tenant_id from memberships m where m.user_id = (select app.user_id()) and m.left_at is null));
create policy change_tenant on tenants for update to gateway_tenant
  using (id = (select app.tenant_id()) and (select app.role()) = 'owner');

create policy read_member on users for select to gateway_tenant, gateway_groups
  using (id = (select app.user_id())
         or exists (select from memberships m where m.tenant_id = (select app.tenant_id()) and m.user_id = users.id));

create policy read_membership on memberships for select to gateway_tenant, gateway_groups
  using (tenant_id = (select app.tenant_id()) or user_id = (select app.user_id()));
create policy add_membership on memberships for insert to gateway_tenant
  with check (tenant_id = (select app.tenant_id()) and (select app.role()) = 'owner');
create policy change_membership on memberships for update to gateway_tenant
  using (tenant_id = (select app.tenant_id()) and (select app.role()) = 'owner');

-- The tree. Changing a group takes ADMIN on it, making one takes ADMIN on its parent.

create policy read_tenant on fleet_groups for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on fleet_groups for select to gateway_groups
  using (tenant_id = (select app.tenant_id()) and id = any ((select app.readable_groups())::uuid[]));
create policy add_administered on fleet_groups for insert to gateway_tenant, gateway_groups
  with check (tenant_id = (select app.tenant_id())
              and ((select app.role()) = 'owner' or parent_group_id = any ((select app.admin_groups())::uuid[])));
create policy change_administered on fleet_groups for update to gateway_tenant, gateway_groups
  using (tenant_id = (select app.tenant_id())
         and ((select app.role()) = 'owner' or id = any ((select app.admin_groups())::uuid[])));
-- A policy cannot compare with the row before: a new parent takes ADMIN on it, or the owner's role for the top.
create function app.require_admin_of_parent() returns trigger language plpgsql as $$
begin
  if current_user in ('gateway_tenant', 'gateway_groups') and app.role() <> 'owner'
     and not coalesce(new.parent_group_id = any (app.admin_groups()), false) then
    raise exception 'moving a fleet group takes ADMIN on its new parent' using errcode = 'insufficient_privilege';
  end if;
  return new;
end;
$$;
revoke all on function app.require_admin_of_parent() from public;
create trigger require_admin_of_parent before update on fleet_groups for each row
  when (new.parent_group_id is distinct from old.parent_group_id) execute function app.require_admin_of_parent();

create policy remove_administered on fleet_groups for delete to gateway_tenant, gateway_groups
  using (tenant_id = (select app.tenant_id())
         and ((select app.role()) = 'owner' or id = any ((select app.admin_groups())::uuid[])));

-- Grants. Owners and managers see all; a viewer sees their own, and all on groups that they administer.

create policy read_tenant on group_permissions for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_own on group_permissions for select to gateway_groups
  using (tenant_id = (select app.tenant_id())
         and ((user_id = (select app.user_id()) and fleet_group_id = any ((select app.readable_groups())::uuid[]))
              or fleet_group_id = any ((select app.admin_groups())::uuid[])));
create policy add_administered on group_permissions for insert to gateway_tenant, gateway_groups
  with check (tenant_id = (select app.tenant_id()) and granted_by = (select app.user_id())
              and ((select app.role()) = 'owner' or fleet_group_id = any ((select app.admin_groups())::uuid[])));
create policy change_administered on group_permissions for update to gateway_tenant, gateway_groups
  using (tenant_id = (select app.tenant_id())
         and ((select app.role()) = 'owner' or fleet_group_id = any ((select app.admin_groups())::uuid[])))
  with check (tenant_id = (select app.tenant_id()) and granted_by = (select app.user_id())
              and ((select app.role()) = 'owner' or fleet_group_id = any ((select app.admin_groups())::uuid[])));
create policy remove_administered on group_permissions for delete to gateway_tenant, gateway_groups
  using (tenant_id = (select app.tenant_id())
         and ((select app.role()) = 'owner' or fleet_group_id = any ((select app.admin_groups())::uuid[])));

-- Vehicles. Without a group they are for owners and managers: NULL is in no array.

create policy read_tenant on vehicles for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on vehicles for select to gateway_groups
  using (tenant_id = (select app.tenant_id()) and fleet_group_id = any ((select app.readable_groups())::uuid[]));

-- What belongs to a vehicle is seen by who sees the vehicle: the inner query meets the policies of vehicles.

create policy read_tenant on manual_events for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on manual_events for select to gateway_groups
  using (tenant_id = (select app.tenant_id())
         and exists (select from vehicles v where v.tenant_id = manual_events.tenant_id and v.id = manual_events.vehicle_id));

create policy read_tenant on manual_events_archive for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on manual_events_archive for select to gateway_groups
  using (tenant_id = (select app.tenant_id())
         and exists (select from vehicles v
                      where v.tenant_id = manual_events_archive.tenant_id and v.id = manual_events_archive.vehicle_id));

create policy read_tenant on uploads for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on uploads for select to gateway_groups
  using (tenant_id = (select app.tenant_id())
         and exists (select from vehicles v where v.tenant_id = uploads.tenant_id and v.id = uploads.vehicle_id));

create policy read_tenant on vehicle_metrics for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on vehicle_metrics for select to gateway_groups
  using (tenant_id = (select app.tenant_id())
         and exists (select from vehicles v
                      where v.tenant_id = vehicle_metrics.tenant_id and v.id = vehicle_metrics.vehicle_id));

create policy read_tenant on fleet_summary_metrics for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on fleet_summary_metrics for select to gateway_groups
  using (tenant_id = (select app.tenant_id()) and fleet_group_id = any ((select app.readable_groups())::uuid[]));

create policy read_tenant on explanations for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_granted on explanations for select to gateway_groups
  using (tenant_id = (select app.tenant_id())
         and (fleet_group_id = any ((select app.readable_groups())::uuid[])
              or exists (select from vehicles v
                          where v.tenant_id = explanations.tenant_id and v.id = explanations.vehicle_id)));

-- Writing to vehicles, events and uploads takes WRITE on the vehicle's group, before and after the change; and nobody
-- records in another's name.

create policy add_tenant on vehicles for insert to gateway_tenant
  with check (tenant_id = (select app.tenant_id()));
create policy change_tenant on vehicles for update to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy remove_tenant on vehicles for delete to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy add_granted on vehicles for insert to gateway_groups
  with check (tenant_id = (select app.tenant_id()) and fleet_group_id = any ((select app.writable_groups())::uuid[]));
create policy change_granted on vehicles for update to gateway_groups
  using (tenant_id = (select app.tenant_id()) and fleet_group_id = any ((select app.writable_groups())::uuid[]));
create policy remove_granted on vehicles for delete to gateway_groups
  using (tenant_id = (select app.tenant_id()) and fleet_group_id = any ((select app.writable_groups())::uuid[]));

do $$
declare
  target text;
  recorded_by text;
begin
  for target, recorded_by in values ('manual_events', 'created_by'), ('uploads', 'uploaded_by') loop
    execute format('create policy add_tenant on %I for insert to gateway_tenant
                      with check (tenant_id = (select app.tenant_id()) and %I = (select app.user_id()))', target, recorded_by);
    execute format('create policy change_tenant on %I for update to gateway_tenant
                      using (tenant_id = (select app.tenant_id()))', target);
    execute format('create policy add_granted on %1$I for insert to gateway_groups
                      with check (tenant_id = (select app.tenant_id()) and %2$I = (select app.user_id())
                        and exists (select from vehicles v
                                     where v.tenant_id = %1$I.tenant_id and v.id = %1$I.vehicle_id
                                       and v.fleet_group_id = any ((select app.writable_groups())::uuid[])))', target, recorded_by);
    execute format('create policy change_granted on %1$I for update to gateway_groups
                      using (tenant_id = (select app.tenant_id())
                        and exists (select from vehicles v
                                     where v.tenant_id = %1$I.tenant_id and v.id = %1$I.vehicle_id
                                       and v.fleet_group_id = any ((select app.writable_groups())::uuid[])))', target);
  end loop;
end;
$$;

-- What happened is for those who answer for the tenant. Nobody but the triggers writes it.

create policy read_tenant on event_stream for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()));
create policy read_tenant on audit_trail for select to gateway_tenant
  using (tenant_id = (select app.tenant_id()) and (select app.role()) = 'owner');

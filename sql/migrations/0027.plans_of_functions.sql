-- Functions in statements say themselves how they are planned; what a statement is planned under is no longer theirs.
-- depends: 0026.seen_vehicles

-- A look-up by key: under a statement that is planned for its values it was planned anew by every policy of that.
alter function app.groups_under_grants(text) set plan_cache_mode = force_generic_plan;

-- What its plan should be depends on how many groups it is given.
alter function app.changed_group_totals(uuid, uuid[], date, date, boolean) set plan_cache_mode = force_custom_plan;

-- Rows before and after a change meet in these, and nothing else. Planned for the one row of a session's first change, 3,000
-- rows later on met by nested loops: 69 s instead of 1.7.
alter function app.append_stream() set enable_nestloop = off;
alter function app.record_audit() set enable_nestloop = off;
alter function app.metrics_due_of_vehicles() set enable_nestloop = off;
alter function app.explanations_due_of_vehicles() set enable_nestloop = off;
alter function app.note_summaries_of_vehicles() set enable_nestloop = off;

-- The same for these, which say as before what they say; but only a nested loop could join a row's two groups to it.
create or replace function app.note_groups_of_vehicles() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp set enable_nestloop = off as $$
begin
  if tg_op = 'UPDATE' then
    insert into group_changes (tenant_id, fleet_group_id, since)
    select distinct n.tenant_id,
           unnest(array[coalesce(n.fleet_group_id, n.tenant_id), coalesce(o.fleet_group_id, n.tenant_id)]), date '-infinity'
      from changed n
      join replaced o on o.tenant_id = n.tenant_id and o.id = n.id
     where n.fleet_group_id is distinct from o.fleet_group_id;
  else
    insert into group_changes (tenant_id, fleet_group_id, since)
    select distinct tenant_id, coalesce(fleet_group_id, tenant_id),
           case tg_op when 'INSERT' then date 'infinity' else date '-infinity' end
      from changed;
  end if;
  return null;
end;
$$;

create or replace function app.note_summaries_of_groups() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp set enable_nestloop = off as $$
begin
  if tg_op = 'INSERT' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days) select tenant_id, id, '{}'::datemultirange from changed;
  elsif tg_op = 'DELETE' then
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select distinct tenant_id, coalesce(parent_group_id, tenant_id), '{(,)}'::datemultirange from changed;
  else
    insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
    select distinct n.tenant_id, unnest(array_remove(array[n.id, o.parent_group_id], null)), '{(,)}'::datemultirange
      from changed n
      join replaced o on o.tenant_id = n.tenant_id and o.id = n.id
     where n.parent_group_id is distinct from o.parent_group_id;
  end if;
  return null;
end;
$$;

-- Vehicles below groups that moved or changed their time zone, as before; but no join that could be planned as one of one row.
create or replace function app.metrics_due_of_groups() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into metrics_due (tenant_id, vehicle_id)
  with recursive below as (
    select changed.tenant_id, changed.id
      from (select n.tenant_id, n.id, n.parent_group_id, n.metadata -> 'time_zone' from new_rows n
            except
            select o.tenant_id, o.id, o.parent_group_id, o.metadata -> 'time_zone' from old_rows o) changed
    union
    select g.tenant_id, g.id
      from below b
      join fleet_groups g on g.tenant_id = b.tenant_id and g.parent_group_id = b.id
  )
  select v.tenant_id, v.id
    from below b
    join vehicles v on v.tenant_id = b.tenant_id and v.fleet_group_id = b.id;
  return null;
end;
$$;

-- Events of many vehicles for a viewer: each vehicle is looked for once, not once for each of its events.
-- depends: 0025.granted_subtrees

-- A statement of a caller, told from all others.
create function app.statement_of_caller() returns text language sql stable parallel safe as $$
  select concat_ws(' ', statement_timestamp(), app.tenant_id(), app.user_id(), current_user)
$$;

-- Those of some vehicles that the caller sees. For the rest of the statement that calls it, and no longer, policies take
-- its word for these. Whoever may set a setting by hand could as well set the grants that all of it rests on. Stable, so
-- that it looks at what the statement looks at, and not at what has been written since that began.
create function app.see_vehicles(ids uuid[]) returns uuid[] language plpgsql stable as $$
declare
  seen constant uuid[] := array(select v.id from vehicles v where v.tenant_id = app.tenant_id() and v.id = any (ids));
begin
  perform set_config('app.seen_vehicles', app.statement_of_caller() || seen::text, true);
  return seen;
end;
$$;

-- The vehicles that this statement has seen by see_vehicles(); none before it has.
create function app.seen_vehicles() returns uuid[] language sql stable parallel safe as $$
  select case when starts_with(current_setting('app.seen_vehicles', true), app.statement_of_caller() || '{')
              then substr(current_setting('app.seen_vehicles', true), length(app.statement_of_caller()) + 1)
              else '{}' end::uuid[]
$$;

revoke all on function app.statement_of_caller(), app.see_vehicles(uuid[]), app.seen_vehicles() from public;
grant execute on function app.statement_of_caller(), app.see_vehicles(uuid[]), app.seen_vehicles()
  to gateway_tenant, gateway_groups;

alter policy read_granted on manual_events
  using (tenant_id = (select app.tenant_id())
         and (vehicle_id in (select unnest(app.seen_vehicles()))
              or exists (select from vehicles v
                          where v.tenant_id = manual_events.tenant_id and v.id = manual_events.vehicle_id
                            and v.fleet_group_id = any ((select app.readable_groups())::uuid[]))));

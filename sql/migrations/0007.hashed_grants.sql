-- A viewer's groups as a hashed set. Compared with as an array, they were searched from the front for every row, and
-- sorted anew for every index look-up of a nested loop; which hurts from a few dozen groups on. A statement that is
-- better answered by the groups' index says so with a condition of its own.
-- depends: 0006.access

alter policy read_granted on fleet_groups
  using (tenant_id = (select app.tenant_id()) and id in (select unnest(app.readable_groups())));
alter policy read_granted on vehicles
  using (tenant_id = (select app.tenant_id()) and fleet_group_id in (select unnest(app.readable_groups())));
alter policy read_granted on fleet_summary_metrics
  using (tenant_id = (select app.tenant_id()) and fleet_group_id in (select unnest(app.readable_groups())));

-- What belongs to a vehicle: the groups' index finds the vehicles that are looked for, however many the tenant has.
do $$
declare
  target text;
begin
  foreach target in array array['manual_events', 'manual_events_archive', 'uploads', 'vehicle_metrics'] loop
    execute format('alter policy read_granted on %1$I
                      using (tenant_id = (select app.tenant_id())
                        and exists (select from vehicles v
                                     where v.tenant_id = %1$I.tenant_id and v.id = %1$I.vehicle_id
                                       and v.fleet_group_id = any ((select app.readable_groups())::uuid[])))', target);
  end loop;
end;
$$;
alter policy read_granted on explanations
  using (tenant_id = (select app.tenant_id())
         and (fleet_group_id in (select unnest(app.readable_groups()))
              or exists (select from vehicles v
                          where v.tenant_id = explanations.tenant_id and v.id = explanations.vehicle_id
                            and v.fleet_group_id = any ((select app.readable_groups())::uuid[]))));

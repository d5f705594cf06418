-- explanations_page
select
       x.id, x.vehicle_id, x.fleet_group_id, x.period_start, x.period_end, x.text, x.figures, x.model_version,
       x.kind, x.created_at, x.updated_at, x.closed_at
  from explanations x
 where x.tenant_id = $1
   and x.closed_at is null
 order by x.created_at desc, x.id desc
 limit $2;

-- vehicles_by_id
select
       v.fleet_group_id, v.baseline_fuel_mpg, v.baseline_service_interval_miles, v.version, v.updated_at,
       v.notes,
       v.extended_attributes,
       v.vin,
       v.created_at,
       v.id, v.label, v.make, v.model
  from vehicles v
 where v.tenant_id = $1
   and v.id = any ($2::uuid[]);

-- fleet_groups_by_id
select
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,
       g.id, g.parent_group_id, g.name
  from fleet_groups g
 where g.tenant_id = $1
   and g.id = any ($2::uuid[]);

-- explanations_by_group
select
       x.id, x.vehicle_id, x.fleet_group_id, x.period_start, x.period_end, x.text, x.figures, x.model_version,
       x.kind, x.created_at, x.updated_at, x.closed_at
  from explanations x
 where x.tenant_id = $1
   and x.fleet_group_id = any ($2::uuid[])
   and x.closed_at is null
 order by x.created_at desc, x.id;

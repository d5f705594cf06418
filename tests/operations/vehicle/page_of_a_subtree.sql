-- fleet_groups_page
select
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,
       g.id, g.parent_group_id, g.name
  from fleet_groups g
 where g.tenant_id = $1
   and g.name = $2
 order by g.name asc, g.id asc
 limit $3;

-- vehicles_page_by_group
select k.number, page.*
  from unnest($1::text::uuid[]) with ordinality k (key_id, number)
 cross join lateral (
   select
       v.fleet_group_id, v.baseline_fuel_mpg, v.baseline_service_interval_miles, v.version, v.updated_at,
       v.extended_attributes,
       v.vin,
       v.id, v.label, v.make, v.model
     from vehicles v
    where v.tenant_id = $2
      and v.fleet_group_id = any ((select app.subtree_ids($2, k.key_id))::uuid[])
   and v.make = any ($3::text[])
    order by v.label asc, v.id asc
    limit $4
 ) page;

-- vehicles_count_by_group
select k.key_id, counted.total_count
  from unnest($1::uuid[]) k (key_id)
 cross join lateral (
   select count(*)::integer as total_count
     from vehicles v
    where v.tenant_id = $2
      and v.fleet_group_id = any ((select app.subtree_ids($2, k.key_id))::uuid[])
   and v.make = any ($3::text[])
 ) counted;

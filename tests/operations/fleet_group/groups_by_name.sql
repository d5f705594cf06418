-- fleet_groups_page
select
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,
       g.id, g.parent_group_id, g.name
  from fleet_groups g
 where g.tenant_id = $1
   and strpos(g.name, $2) > 0
 order by g.name desc, g.id desc
 limit $3;

-- fleet_groups_count
select count(*)::integer as total_count
  from fleet_groups g
 where g.tenant_id = $1
   and strpos(g.name, $2) > 0;

-- group_permissions_by_group
select
       p.id, p.user_id, p.fleet_group_id, p.permission_level, p.granted_by as granted_by_id, p.version, p.created_at
  from group_permissions p
 where p.tenant_id = $1
   and p.fleet_group_id = any ($2::uuid[])
 order by p.created_at, p.id;

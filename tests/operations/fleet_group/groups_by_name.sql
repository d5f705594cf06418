-- fleet_groups_page
select
       g.id, g.parent_group_id, g.name, g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at
  from fleet_groups g
 where g.tenant_id = $1
   and g.group_type = $2
   and strpos(g.name, $3) > 0
 order by g.name desc, g.id desc
 limit $4;

-- fleet_groups_count
select count(*)::integer as total_count
  from fleet_groups g
 where g.tenant_id = $1
   and g.group_type = $2
   and strpos(g.name, $3) > 0;

-- users_by_id
select u.id, u.email, u.name
  from users u
 where u.id = any ($1::uuid[]);

-- memberships_by_user
select
       m.tenant_id, m.user_id, m.role, m.created_at as joined_at
  from memberships m
  join tenants t on t.id = m.tenant_id
 where m.user_id = any ($1::uuid[])
   and m.left_at is null
 order by t.name;

-- tenants_by_id
select t.id, t.name, t.kind, t.plan_name, t.primary_region, t.time_zone, t.data_residency_requirements, t.created_at,
       t.updated_at
  from tenants t
 where t.id = any ($1::uuid[]);

-- group_permissions_by_user
select
       p.id, p.user_id, p.fleet_group_id, p.permission_level, p.granted_by as granted_by_id, p.version, p.created_at
  from group_permissions p
 where p.tenant_id = $1
   and p.user_id = any ($2::uuid[])
 order by p.created_at, p.id;

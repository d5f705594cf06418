-- fragment: group_permission_columns
       p.id, p.user_id, p.fleet_group_id, p.permission_level, p.granted_by as granted_by_id, p.created_at

-- name: group_permissions_by_id
-- row: GroupPermission
select
--> group_permission_columns
  from group_permissions p
 where p.tenant_id = :tenant_id
   and p.id = any (:ids::uuid[])

-- name: group_permissions_by_group
-- row: GroupPermission
select
--> group_permission_columns
  from group_permissions p
 where p.tenant_id = :tenant_id
   and p.fleet_group_id = any (:ids::uuid[])
 order by p.created_at, p.id

-- name: group_permissions_by_user
-- row: GroupPermission
select
--> group_permission_columns
  from group_permissions p
 where p.tenant_id = :tenant_id
   and p.user_id = any (:ids::uuid[])
 order by p.created_at, p.id

-- What the caller may do with a group: the role's own level, or the strongest grant on the way up, if stronger.

-- name: caller_permission_by_group
with recursive up as (
  select g.id as group_id, g.id, g.parent_group_id
    from fleet_groups g
   where g.tenant_id = :tenant_id
     and g.id = any (:ids::uuid[])
  union all
  select u.group_id, g.id, g.parent_group_id
    from up u
    join fleet_groups g on g.tenant_id = :tenant_id and g.id = u.parent_group_id
) cycle id set looped using path
select u.group_id,
       (array['read', 'write', 'admin'])[greatest(
         max(array_position(array['read', 'write', 'admin'], p.permission_level)),
         case (select app.role()) when 'owner' then 3 when 'manager' then 2 else 1 end)] as permission_level
  from up u
  left join group_permissions p
    on p.tenant_id = :tenant_id and p.fleet_group_id = u.id and p.user_id = (select app.user_id())
 group by u.group_id

-- fragment: group_permission_columns
       p.id, p.user_id, p.fleet_group_id, p.permission_level, p.granted_by as granted_by_id, p.version, p.created_at

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

-- Changes, as in fleet_group.sql.

-- name: group_permissions_to_change
select p.id, p.fleet_group_id, p.version,
       (select app.role()) = 'owner' or p.fleet_group_id = any ((select app.admin_groups())::uuid[]) as may_administer
  from group_permissions p
 where p.tenant_id = :tenant_id
   and p.id = any (:ids::uuid[])

-- name: grant_group_permission
insert into group_permissions as p (tenant_id, id, user_id, fleet_group_id, permission_level, granted_by)
values (:tenant_id, :id::uuid, :user_id::uuid, :fleet_group_id::uuid, :permission_level, app.user_id())
on conflict (tenant_id, user_id, fleet_group_id) do update
   set permission_level = excluded.permission_level, granted_by = excluded.granted_by
returning p.id

-- name: revoke_group_permission
delete from group_permissions p
 where p.tenant_id = :tenant_id
   and p.id = :id::uuid
   and p.version = coalesce(:expected_version::integer, p.version)
returning p.id

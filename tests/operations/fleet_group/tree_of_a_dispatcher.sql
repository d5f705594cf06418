-- fleet_tree
with recursive tree as (
  select
         0 as depth, null::uuid as parent_id,
       g.id, g.parent_group_id, g.name
    from fleet_groups g
   where g.tenant_id = $1
     and not exists (select from fleet_groups p where p.tenant_id = $1 and p.id = g.parent_group_id)
  union all
  select t.depth + 1, t.id,
       g.id, g.parent_group_id, g.name
    from tree t
    join fleet_groups g on g.tenant_id = $1 and g.parent_group_id = t.id
) search depth first by name, id set position
  cycle id set looped using path
select
       g.id, g.parent_group_id, g.name
     , g.depth, g.parent_id
  from tree g
 order by g.position;

-- caller_permission_by_group
with recursive up as (
  select g.id as group_id, g.id, g.parent_group_id
    from fleet_groups g
   where g.tenant_id = $1
     and g.id = any ($2::uuid[])
  union all
  select u.group_id, g.id, g.parent_group_id
    from up u
    join fleet_groups g on g.tenant_id = $1 and g.id = u.parent_group_id
) cycle id set looped using path
select u.group_id,
       (array['read', 'write', 'admin'])[greatest(
         max(array_position(array['read', 'write', 'admin'], p.permission_level)),
         case (select app.role()) when 'owner' then 3 when 'manager' then 2 else 1 end)] as permission_level
  from up u
  left join group_permissions p
    on p.tenant_id = $1 and p.fleet_group_id = u.id and p.user_id = (select app.user_id())
 group by u.group_id;

-- ancestors_by_group
with recursive up as (
  select g.id as group_id, g.parent_group_id as id, 1 as distance
    from fleet_groups g
   where g.tenant_id = $1
     and g.id = any ($2::uuid[])
  union all
  select u.group_id, g.parent_group_id, u.distance + 1
    from up u
    join fleet_groups g on g.tenant_id = $1 and g.id = u.id
) cycle id set looped using path
select u.group_id,
       g.id, g.parent_group_id, g.name
  from up u
  join fleet_groups g on g.tenant_id = $1 and g.id = u.id
 order by u.group_id, u.distance desc;

-- fleet_groups_by_id
select
       g.id, g.parent_group_id, g.name
  from fleet_groups g
 where g.tenant_id = $1
   and g.id = any ($2::uuid[]);

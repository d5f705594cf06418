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
     and t.depth < $2::integer
) search depth first by name, id set position
  cycle id set looped using path
select
       g.id, g.parent_group_id, g.name
     , g.depth, g.parent_id
  from tree g
 order by g.position;

-- fleet_groups_below
with recursive below as (
  select
         1 as level,
       g.id, g.parent_group_id, g.name
    from fleet_groups g
   where g.tenant_id = $1
     and g.parent_group_id = any ($2::uuid[])
  union all
  select b.level + 1,
       g.id, g.parent_group_id, g.name
    from below b
    join fleet_groups g on g.tenant_id = $1 and g.parent_group_id = b.id
   where b.level < $3::integer
)
select distinct on (b.name, b.id) b.*
  from below b
 order by b.name, b.id, b.level desc;

-- fragment: fleet_group_columns
       g.description, g.group_type, g.metadata, g.version, g.created_at, g.updated_at,  --? !without_details
       g.id, g.parent_group_id, g.name

-- fragment: fleet_group_filter
   and g.group_type = :group_type                    --? group_type
   and g.name = :name_eq                             --? name_eq
   and g.name = any (:name_in::text[])               --? name_in
   and strpos(g.name, :name_contains) > 0            --? name_contains
   and starts_with(g.name, :name_starts_with)        --? name_starts_with

-- name: fleet_groups_by_id
-- row: FleetGroup
select
--> fleet_group_columns
  from fleet_groups g
 where g.tenant_id = :tenant_id
   and g.id = any (:ids::uuid[])

-- name: fleet_groups_page
-- row: FleetGroup
-- order: name g.name text, created_at g.created_at timestamptz, id g.id uuid
select
--> fleet_group_columns
  from fleet_groups g
 where g.tenant_id = :tenant_id
--> fleet_group_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: fleet_groups_count
select count(*)::integer as total_count
  from fleet_groups g
 where g.tenant_id = :tenant_id
--> fleet_group_filter

-- The topmost groups that the caller sees: those whose parent is not visible to them.

-- name: fleet_groups_at_root
-- row: FleetGroup
select
--> fleet_group_columns
  from fleet_groups g
 where g.tenant_id = :tenant_id
   and not exists (select from fleet_groups p where p.tenant_id = :tenant_id and p.id = g.parent_group_id)
 order by g.name, g.id

-- All groups down to :depth levels below some groups, in one statement, and these too where they are asked for; each once,
-- with the greatest distance.

-- name: fleet_groups_below
-- row: FleetGroup
with recursive below as (
  select
         1 as level,                                 --? !with_roots
         0 as level,                                 --? with_roots
--> fleet_group_columns
    from fleet_groups g
   where g.tenant_id = :tenant_id
     and g.parent_group_id = any (:ids::uuid[])      --? !with_roots
     and g.id = any (:ids::uuid[])                   --? with_roots
  union all
  select b.level + 1,
--> fleet_group_columns
    from below b
    join fleet_groups g on g.tenant_id = :tenant_id and g.parent_group_id = b.id
   where b.level < :depth::integer
)
select distinct on (b.name, b.id) b.*
  from below b
 order by b.name, b.id, b.level desc

-- name: ancestors_by_group
-- row: FleetGroup
with recursive up as (
  select g.id as group_id, g.parent_group_id as id, 1 as distance
    from fleet_groups g
   where g.tenant_id = :tenant_id
     and g.id = any (:ids::uuid[])
  union all
  select u.group_id, g.parent_group_id, u.distance + 1
    from up u
    join fleet_groups g on g.tenant_id = :tenant_id and g.id = u.id
) cycle id set looped using path
select u.group_id,
--> fleet_group_columns
  from up u
  join fleet_groups g on g.tenant_id = :tenant_id and g.id = u.id
 order by u.group_id, u.distance desc

-- The tree depth first, siblings by name.

-- name: fleet_tree
-- row: FleetTreeNode
with recursive tree as (
  select
         0 as depth, null::uuid as parent_id,
--> fleet_group_columns
    from fleet_groups g
   where g.tenant_id = :tenant_id
     and g.id = :root_id                             --? root_id
     and not exists (select from fleet_groups p where p.tenant_id = :tenant_id and p.id = g.parent_group_id)  --? !root_id
  union all
  select t.depth + 1, t.id,
--> fleet_group_columns
    from tree t
    join fleet_groups g on g.tenant_id = :tenant_id and g.parent_group_id = t.id
     and t.depth < :max_depth::integer               --? max_depth
) search depth first by name, id set position
  cycle id set looped using path
select
--> fleet_group_columns
     , g.depth, g.parent_id
  from tree g
 order by g.position

-- Changes. Each statement filters by what row security holds as well; a change that meets no row has lost a race.

-- name: fleet_groups_to_change
-- What the caller sees of some groups, and whether they hold ADMIN there.
select g.id, g.parent_group_id, g.version,
       (select app.role()) = 'owner' or g.id = any ((select app.admin_groups())::uuid[]) as may_administer,
       (select app.role()) <> 'viewer' or g.id = any ((select app.writable_groups())::uuid[]) as may_write
  from fleet_groups g
 where g.tenant_id = :tenant_id
   and g.id = any (:ids::uuid[])

-- name: create_fleet_group
insert into fleet_groups (tenant_id, id, parent_group_id, name, description, group_type, metadata)
values (:tenant_id, :id::uuid, :parent_id::uuid, :name, :description, :group_type, :metadata::jsonb)

-- name: update_fleet_group
update fleet_groups g
   set name = coalesce(:name, g.name),
       description = case when :set_description::boolean then :description else g.description end,
       group_type = coalesce(:group_type, g.group_type),
       metadata = coalesce(:metadata::jsonb, g.metadata)
 where g.tenant_id = :tenant_id
   and g.id = :id::uuid
   and g.version = coalesce(:expected_version::integer, g.version)
returning g.id

-- name: lock_tree
select pg_advisory_xact_lock(hashtextextended('fleet_groups ' || :tenant_id::uuid::text, 0))

-- name: move_fleet_group
update fleet_groups g
   set parent_group_id = :new_parent_id::uuid
 where g.tenant_id = :tenant_id
   and g.id = :id::uuid
   and g.version = coalesce(:expected_version::integer, g.version)
returning g.id

-- name: delete_fleet_group
delete from fleet_groups g
 where g.tenant_id = :tenant_id
   and g.id = :id::uuid
   and g.version = coalesce(:expected_version::integer, g.version)
returning g.id

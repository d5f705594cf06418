-- parameters: tenant root
-- Level after level from the leaves up: each group's object is built once.
with recursive below as (
  select g.id, g.parent_group_id, g.name, 1 as level
    from fleet_groups g where g.tenant_id = $1::text::uuid and g.id = $2::text::uuid
  union all
  select g.id, g.parent_group_id, g.name, b.level + 1
    from below b
    join fleet_groups g on g.tenant_id = $1::text::uuid and g.parent_group_id = b.id
   where b.level < 5
),
listed as materialized (
  select b.*, (
           select coalesce(json_agg(v), '[]')
             from (select id, label, make, model
                     from vehicles
                    where tenant_id = $1::text::uuid and fleet_group_id = b.id
                    order by vehicles.label, vehicles.id
                    limit 5) v
         ) as vehicles
    from below b
),
fifth as (
  select parent_group_id as id, json_agg(g order by listed.name, g.id) as children
    from listed cross join lateral (select listed.id, listed.name, listed.vehicles) g
   where level = 5 group by parent_group_id
),
fourth as (
  select parent_group_id as id, json_agg(g order by listed.name, g.id) as children
    from listed
    left join fifth c on c.id = listed.id
   cross join lateral (select listed.id, listed.name, listed.vehicles, coalesce(c.children, '[]') as children) g
   where level = 4 group by parent_group_id
),
third as (
  select parent_group_id as id, json_agg(g order by listed.name, g.id) as children
    from listed
    left join fourth c on c.id = listed.id
   cross join lateral (select listed.id, listed.name, listed.vehicles, coalesce(c.children, '[]') as children) g
   where level = 3 group by parent_group_id
),
second as (
  select parent_group_id as id, json_agg(g order by listed.name, g.id) as children
    from listed
    left join third c on c.id = listed.id
   cross join lateral (select listed.id, listed.name, listed.vehicles, coalesce(c.children, '[]') as children) g
   where level = 2 group by parent_group_id
)
select '{"data":{"fleetGroup":' || row_to_json(g)::text || '}}'
  from listed
  left join second c on c.id = listed.id
 cross join lateral (select listed.id, listed.name, listed.vehicles, coalesce(c.children, '[]') as children) g
 where level = 1

-- fragment: vehicle_columns
--{ !without_details
       v.fleet_group_id, v.baseline_fuel_mpg, v.baseline_service_interval_miles, v.version, v.updated_at,
--}
       v.notes,                                      --? !without_notes
       v.extended_attributes,                        --? !without_extended_attributes
       v.vin,                                        --? !without_vin
       v.created_at,                                 --? !without_created_at
       v.id, v.label, v.make, v.model

-- fragment: vehicle_filter
   and v.label = :label_eq                           --? label_eq
   and v.label = any (:label_in::text[])             --? label_in
   and strpos(v.label, :label_contains) > 0          --? label_contains
   and starts_with(v.label, :label_starts_with)      --? label_starts_with
   and v.make = :make_eq                             --? make_eq
   and v.make = any (:make_in::text[])               --? make_in
   and strpos(v.make, :make_contains) > 0            --? make_contains
   and starts_with(v.make, :make_starts_with)        --? make_starts_with
   and v.model = :model_eq                           --? model_eq
   and v.model = any (:model_in::text[])             --? model_in
   and strpos(v.model, :model_contains) > 0          --? model_contains
   and starts_with(v.model, :model_starts_with)      --? model_starts_with
   and v.vin = :vin_eq                               --? vin_eq
   and v.vin = any (:vin_in::text[])                 --? vin_in
   and strpos(v.vin, :vin_contains) > 0              --? vin_contains
   and starts_with(v.vin, :vin_starts_with)          --? vin_starts_with
   and v.fleet_group_id = :fleet_group_id::uuid      --? fleet_group_id !subtree
   and v.fleet_group_id = any ((select app.subtree_ids(:tenant_id, :fleet_group_id::uuid))::uuid[])  --? fleet_group_id subtree
   and v.extended_attributes @> :extended_attributes_contain::jsonb  --? extended_attributes_contain

-- Whether the caller, a viewer, sees so few vehicles that these, and what belongs to them, are better found by the groups
-- they are in than in the order asked for: row security alone would drop row after row of the tenant until a page is full.

-- name: caller_is_narrow
select count(*) < 2000 as narrow
  from (select from vehicles v
         where v.tenant_id = :tenant_id
           and v.fleet_group_id = any ((select app.readable_groups())::uuid[])
         limit 2000) seen

-- fragment: few_vehicles
  from (select v.*                                                                --? narrow
          from vehicles v                                                         --? narrow
         where v.tenant_id = :tenant_id                                           --? narrow
           and v.fleet_group_id = any ((select app.readable_groups())::uuid[])    --? narrow
        offset 0) v                                                               --? narrow

-- name: vehicles_by_id
-- row: Vehicle
select
--> vehicle_columns
  from vehicles v
 where v.tenant_id = :tenant_id
   and v.id = any (:ids::uuid[])

-- name: vehicles_page
-- row: Vehicle
-- order: label v.label text, created_at v.created_at timestamptz, id v.id uuid
select
--> vehicle_columns
  from vehicles v                                    --? !narrow
--> few_vehicles
 where v.tenant_id = :tenant_id
--> vehicle_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: vehicles_count
select count(*)::integer as total_count
  from vehicles v                                    --? !narrow
--> few_vehicles
 where v.tenant_id = :tenant_id
--> vehicle_filter

-- A page of every group's vehicles, with or without those of its subtree.

-- name: vehicles_page_by_group
-- row: Vehicle
-- order: label v.label text, created_at v.created_at timestamptz, id v.id uuid
select k.number, page.*
  from unnest(:ids::text::uuid[]) with ordinality k (key_id, number)
 cross join lateral (
   select
--> vehicle_columns
     from vehicles v
    where v.tenant_id = :tenant_id
      and v.fleet_group_id = k.key_id                --? !include_descendants
      and v.fleet_group_id = any ((select app.subtree_ids(:tenant_id, k.key_id))::uuid[])  --? include_descendants
--> vehicle_filter
      and :keyset                                    --? keyset
    order by :order
    limit :limit
 ) page

-- name: vehicles_count_by_group
select k.key_id, counted.total_count
  from unnest(:ids::uuid[]) k (key_id)
 cross join lateral (
   select count(*)::integer as total_count
     from vehicles v
    where v.tenant_id = :tenant_id
      and v.fleet_group_id = k.key_id                --? !include_descendants
      and v.fleet_group_id = any ((select app.subtree_ids(:tenant_id, k.key_id))::uuid[])  --? include_descendants
--> vehicle_filter
 ) counted

-- Changes, as in fleet_group.sql.

-- name: vehicles_to_change
-- What the caller sees of some vehicles, and whether they hold WRITE on their groups.
select v.id, v.fleet_group_id, v.version, v.vin, v.extended_attributes,
       (select app.role()) <> 'viewer' or coalesce(v.fleet_group_id = any ((select app.writable_groups())::uuid[]), false)
         as may_write
  from vehicles v
 where v.tenant_id = :tenant_id
   and v.id = any (:ids::uuid[])

-- name: create_vehicle
insert into vehicles (tenant_id, id, fleet_group_id, label, make, model, vin, baseline_fuel_mpg,
                      baseline_service_interval_miles, notes, extended_attributes)
values (:tenant_id, :id::uuid, :fleet_group_id::uuid, :label, :make, :model, :vin, :baseline_fuel_mpg::numeric,
        coalesce(:baseline_service_interval_miles::integer, 5000), :notes, coalesce(:extended_attributes::jsonb, '{}'))

-- name: update_vehicle
update vehicles v
   set label = coalesce(:label, v.label),
       make = case when 'make' = any (:set::text[]) then :make else v.make end,
       model = case when 'model' = any (:set::text[]) then :model else v.model end,
       vin = case when 'vin' = any (:set::text[]) then :vin else v.vin end,
       baseline_fuel_mpg = case when 'baseline_fuel_mpg' = any (:set::text[]) then :baseline_fuel_mpg::numeric
                                else v.baseline_fuel_mpg end,
       baseline_service_interval_miles = case when 'baseline_service_interval_miles' = any (:set::text[])
                                              then :baseline_service_interval_miles::integer
                                              else v.baseline_service_interval_miles end,
       notes = case when 'notes' = any (:set::text[]) then :notes else v.notes end,
       extended_attributes = coalesce(:extended_attributes::jsonb, v.extended_attributes)
 where v.tenant_id = :tenant_id
   and v.id = :id::uuid
   and v.version = coalesce(:expected_version::integer, v.version)
returning v.id

-- name: move_vehicles
update vehicles v
   set fleet_group_id = :fleet_group_id::uuid
 where v.tenant_id = :tenant_id
   and v.id = any (:ids::uuid[])
   and v.fleet_group_id is distinct from :fleet_group_id::uuid
returning v.id

-- name: delete_vehicle
delete from vehicles v
 where v.tenant_id = :tenant_id
   and v.id = :id::uuid
   and v.version = coalesce(:expected_version::integer, v.version)
returning v.id

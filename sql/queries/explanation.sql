-- fragment: explanation_columns
       x.id, x.vehicle_id, x.fleet_group_id, x.period_start, x.period_end, x.text, x.figures, x.model_version,
       x.kind, x.created_at, x.updated_at, x.closed_at

-- fragment: explanation_filter
   and x.vehicle_id = :vehicle_id::uuid              --? vehicle_id
   and x.fleet_group_id = :fleet_group_id::uuid      --? fleet_group_id
   and x.kind = :kind                                --? kind
   and x.closed_at is null                           --? open
   and x.closed_at is not null                       --? closed

-- name: explanations_by_id
-- row: Explanation
select
--> explanation_columns
  from explanations x
 where x.tenant_id = :tenant_id
   and x.id = any (:ids::uuid[])

-- name: explanations_page
-- row: Explanation
-- order: created_at x.created_at timestamptz, id x.id uuid
select
--> explanation_columns
  from explanations x
 where x.tenant_id = :tenant_id
--> explanation_filter
   and :keyset                                       --? keyset
 order by :order
 limit :limit

-- name: explanations_count
select count(*)::integer as total_count
  from explanations x
 where x.tenant_id = :tenant_id
--> explanation_filter

-- name: explanations_by_vehicle
-- row: Explanation
select
--> explanation_columns
  from explanations x
 where x.tenant_id = :tenant_id
   and x.vehicle_id = any (:ids::uuid[])
   and x.closed_at is null
 order by x.created_at desc, x.id

-- name: explanations_by_group
-- row: Explanation
select
--> explanation_columns
  from explanations x
 where x.tenant_id = :tenant_id
   and x.fleet_group_id = any (:ids::uuid[])
   and x.closed_at is null
 order by x.created_at desc, x.id

-- name: tenants_by_id
-- row: Tenant
select t.id, t.name, t.kind, t.plan_name, t.primary_region, t.time_zone, t.data_residency_requirements, t.created_at,
       t.updated_at
  from tenants t
 where t.id = any (:ids::uuid[])

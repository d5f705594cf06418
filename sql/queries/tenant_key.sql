-- Data keys, as they are kept: wrapped.

-- name: tenant_keys
select k.key_id, k.wrapped, k.wrapped_by, k.retired_at
  from tenant_keys k
 where k.tenant_id = :tenant_id
 order by k.created_at

-- name: manual_events_writable
-- Which events a viewer holds WRITE on, by their vehicles' groups; archived ones as well.
select e.id
  from (select e.id, e.vehicle_id from manual_events e where e.tenant_id = :tenant_id and e.id = any (:ids::uuid[])
         union all
        select a.id, a.vehicle_id from manual_events_archive a where a.tenant_id = :tenant_id and a.id = any (:ids::uuid[])) e
  join vehicles v on v.tenant_id = :tenant_id and v.id = e.vehicle_id
 where v.fleet_group_id = any ((select app.writable_groups())::uuid[])

-- name: vehicles_writable
select v.id
  from vehicles v
 where v.tenant_id = :tenant_id
   and v.id = any (:ids::uuid[])
   and v.fleet_group_id = any ((select app.writable_groups())::uuid[])

-- As the login role, before a caller is let in.

-- name: current_tenant_key
select k.key_id, k.wrapped, k.wrapped_by, k.retired_at from app.current_tenant_key(:tenant_id, :user_id) k

-- name: add_tenant_key
select app.add_tenant_key(:tenant_id, :user_id, :key_id, :wrapped, :wrapped_by)

-- name: wrapping_keys
select k.wrapped_by, k.tenant_id, k.key_id, k.wrapped from app.wrapping_keys() k

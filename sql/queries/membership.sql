-- fragment: membership_columns
       m.tenant_id, m.user_id, m.role, m.created_at as joined_at

-- name: memberships_by_tenant
-- row: Membership
select
--> membership_columns
  from memberships m
  join users u on u.id = m.user_id
 where m.tenant_id = any (:ids::uuid[])
   and m.left_at is null
 order by u.email

-- name: memberships_by_user
-- row: Membership
select
--> membership_columns
  from memberships m
  join tenants t on t.id = m.tenant_id
 where m.user_id = any (:ids::uuid[])
   and m.left_at is null
 order by t.name

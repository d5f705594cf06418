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

-- Changes, for owners.

-- name: member_of_tenant
select m.user_id, m.role from memberships m
 where m.tenant_id = :tenant_id
   and m.user_id = :user_id::uuid
   and m.left_at is null

-- name: person_of_email
select app.person_of_email(:email, :name) as id

-- name: set_membership
insert into memberships as m (tenant_id, user_id, role)
values (:tenant_id, :user_id::uuid, :role)
on conflict (tenant_id, user_id) do update set role = excluded.role, left_at = null
returning m.user_id

-- name: remove_membership
update memberships m
   set left_at = now()
 where m.tenant_id = :tenant_id
   and m.user_id = :user_id::uuid
   and m.left_at is null
returning m.user_id

-- name: revoke_all_of_member
delete from group_permissions p where p.tenant_id = :tenant_id and p.user_id = :user_id::uuid

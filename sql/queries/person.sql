-- For the command line, as the owner: people and tenants by the names that a person types.

-- name: user_by_email
select u.id from users u where lower(u.email) = lower(:email)

-- name: tenants_of_email
select t.id, t.name
  from memberships m
  join tenants t on t.id = m.tenant_id
  join users u on u.id = m.user_id
 where lower(u.email) = lower(:email)
   and m.left_at is null
 order by t.name

-- name: some_addresses
select u.email
  from users u
 where exists (select from memberships m where m.user_id = u.id and m.left_at is null)
 order by lower(u.email)
 limit 5

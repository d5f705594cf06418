-- name: users_by_id
-- row: User
select u.id, u.email, u.name
  from users u
 where u.id = any (:ids::uuid[])

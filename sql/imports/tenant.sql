-- The tenant that a file is imported into, and who is said to have done it.

-- name: lock
-- Imports queue: each one sees all that the one before it has added.
select pg_advisory_xact_lock(hashtextextended('motomind import', 0));

-- name: find_tenant
select t.id,
       (select m.user_id
          from memberships m
         where m.tenant_id = t.id and m.role = 'owner' and m.left_at is null
         order by m.created_at, m.user_id
         limit 1) as owner_id
  from tenants t
 where lower(t.name) = lower(%(name)s);

-- name: add_user
-- Nobody where the email is somebody's already.
insert into users (email, name) values (%(email)s, %(name)s) on conflict (lower(email)) do nothing
returning id;

-- name: act_as_owner
select set_config('app.tenant_id', %(tenant_id)s::text, true),
       set_config('app.user_id', %(owner_id)s::text, true),
       set_config('app.user_agent', 'motomind import', true);

-- name: add_tenant
insert into tenants (id, name, kind) values (%(tenant_id)s, %(name)s, 'org');

-- name: add_owner
insert into memberships (tenant_id, user_id, role) values (%(tenant_id)s, %(owner_id)s, 'owner');

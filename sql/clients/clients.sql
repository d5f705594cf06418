-- Clients and their keys, as the database's owner.

-- name: tenant
select t.id, t.name from tenants t where lower(t.name) = lower(%(tenant)s);

-- name: client
select c.id, c.name, c.mode, c.introspection, c.user_id, c.revoked_at
  from clients c
 where c.tenant_id = %(tenant_id)s and c.name = %(name)s
   for update;

-- name: clients
select t.name as tenant, c.name, c.mode, m.role,
       case when c.revoked_at is not null then 'revoked' when m.left_at is not null then 'left' else 'active' end as state,
       (select count(*) from client_keys k
         where k.tenant_id = c.tenant_id and k.client_id = c.id and (k.expires_at is null or k.expires_at > now())) as keys,
       (select count(*) from client_documents d
         where d.tenant_id = c.tenant_id and d.client_id = c.id and d.retired_at is null) as documents
  from clients c
  join tenants t on t.id = c.tenant_id
  join memberships m on m.tenant_id = c.tenant_id and m.user_id = c.user_id
 where lower(t.name) = lower(coalesce(%(tenant)s, t.name))
 order by lower(t.name), c.name;

-- name: act_for
select set_config('app.tenant_id', %(tenant_id)s, true);

-- name: add_user
insert into users (id, email, name) values (%(user_id)s, %(email)s, %(name)s);

-- name: add_membership
insert into memberships (tenant_id, user_id, role) values (%(tenant_id)s, %(user_id)s, %(role)s);

-- name: group_path
-- The groups that a path of names may mean, whichever group it begins at.
with recursive walk as (
  select g.id, 1 as depth
    from fleet_groups g
   where g.tenant_id = %(tenant_id)s and g.name = (%(names)s::text[])[1]
  union all
  select g.id, w.depth + 1
    from walk w
    join fleet_groups g on g.tenant_id = %(tenant_id)s and g.parent_group_id = w.id
                       and g.name = (%(names)s::text[])[w.depth + 1]
)
select w.id from walk w where w.depth = cardinality(%(names)s::text[]);

-- name: add_grant
insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)
select %(tenant_id)s, %(user_id)s, %(fleet_group_id)s, %(permission_level)s,
       (select m.user_id from memberships m
         where m.tenant_id = %(tenant_id)s and m.role = 'owner' and m.left_at is null
         order by m.created_at, m.user_id limit 1);

-- name: add_client
insert into clients (tenant_id, name, mode, introspection, user_id, token_client)
values (%(tenant_id)s, %(name)s, %(mode)s, %(introspection)s, %(user_id)s, %(token_client)s)
returning id;

-- name: add_key
insert into client_keys (tenant_id, client_id, digest, hint)
values (%(tenant_id)s, %(client_id)s, %(digest)s, %(hint)s);

-- name: expire_keys
update client_keys
   set expires_at = now() + %(grace)s
 where tenant_id = %(tenant_id)s and client_id = %(client_id)s and (expires_at is null or expires_at > now() + %(grace)s);

-- name: revoke_client
update clients set revoked_at = now() where tenant_id = %(tenant_id)s and id = %(client_id)s;

-- name: leave
update memberships set left_at = now()
 where tenant_id = %(tenant_id)s and user_id = %(user_id)s and left_at is null;

-- What the owner's commands tell where something is not as they need it.

-- name: owner_facts
select current_user::text as role,
       pg_get_userbyid(coalesce(c.relowner, d.datdba))::text as owner,
       d.datname::text as database
  from pg_database d
  left join pg_class c on c.oid = to_regclass('public.tenants')
 where d.datname = current_database()

-- name: some_tenants
select t.name from tenants t order by lower(t.name) limit 10

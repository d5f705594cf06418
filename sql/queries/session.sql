-- One simple-protocol round trip each: the values are typed by sql/session.py before they are written in.

-- name: begin_read
begin isolation level read committed read only;
set local statement_timeout = :statement_timeout_ms;
set local plan_cache_mode = force_generic_plan;
set local jit = off;
select app.enter(:user_id, :tenant_id, false)

-- name: begin_write
begin isolation level read committed;
set local statement_timeout = :statement_timeout_ms;
set local plan_cache_mode = force_generic_plan;
set local jit = off;
select app.enter(:user_id, :tenant_id, true, :client_ip, :user_agent, :client_id);
savepoint change

-- name: role_facts
select r.rolname::text as role,
       exists (select from pg_roles d where d.rolsuper and pg_has_role(r.rolname, d.oid, 'member')) as superuser,
       exists (select from pg_roles d
                where d.rolbypassrls and not d.rolsuper and pg_has_role(r.rolname, d.oid, 'member')) as bypasses_rls,
       exists (select from pg_class c
                where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                  and pg_has_role(r.rolname, c.relowner, 'member')) as owns_tables,
       enter.oid is not null as migrated,
       coalesce(has_schema_privilege(r.rolname, enter.pronamespace, 'usage')
                and has_function_privilege(r.rolname, enter.oid, 'execute'), false) as may_enter
  from pg_roles r
  left join (select p.oid, p.pronamespace
               from pg_proc p
               join pg_namespace n on n.oid = p.pronamespace
              where n.nspname = 'app' and p.proname = 'enter') enter on true
 where r.rolname = current_user

-- name: tenants_of_user
select t.id, t.name, t.role from app.tenants_of(:user_id) t

-- One simple-protocol round trip each: the values are typed by sql/session.py before they are written in.

-- name: begin_read
begin read only;
set local statement_timeout = :statement_timeout_ms;
select app.enter(:user_id, :tenant_id, false)

-- name: begin_write
begin;
set local statement_timeout = :statement_timeout_ms;
select app.enter(:user_id, :tenant_id, true, :client_ip, :user_agent)

-- name: role_facts
select r.rolname::text as role,
       r.rolsuper as superuser,
       r.rolbypassrls as bypasses_rls,
       exists (select from pg_class c
                where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                  and pg_has_role(r.rolname, c.relowner, 'member')) as owns_tables,
       to_regproc('app.enter') is not null as migrated,
       coalesce(has_function_privilege(r.rolname, to_regproc('app.enter'), 'execute'), false) as may_enter
  from pg_roles r
 where r.rolname = current_user

-- name: tenants_of_user
select t.id, t.name, t.role from app.tenants_of(:user_id) t

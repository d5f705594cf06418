-- The roles of a cluster that serves MotoMind. Idempotent; run by whoever may create roles, before the migrations.
--
-- gateway         the login of the running gateway: owns nothing, sees nothing until app.enter() has let a caller in
-- gateway_tenant  what an owner or a manager of a tenant may do; entered for one transaction
-- gateway_groups  what a viewer may do: the groups granted and everything below; entered for one transaction
do $$
begin
  if not exists (select from pg_roles where rolname = 'gateway_tenant') then
    create role gateway_tenant nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'gateway_groups') then
    create role gateway_groups nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'gateway') then
    create role gateway login noinherit in role gateway_tenant, gateway_groups;
  end if;
end;
$$;

-- What a running gateway may know of the migrations: which of those that it counts on are not applied here.
-- depends: 0008.clients

create function app.pending_migrations(in_known text[]) returns setof text
  language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select k.id
    from unnest(in_known) k (id)
   where not exists (select from _yoyo_migration m where m.migration_id = k.id)
   order by k.id
$$;

revoke all on function app.pending_migrations(text[]) from public;
grant execute on function app.pending_migrations(text[]) to gateway;

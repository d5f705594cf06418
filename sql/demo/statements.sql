-- The statements of the demo loader. {table}, {incoming} and {columns} are identifiers, composed by the loader.

-- name: lock
select pg_advisory_xact_lock(hashtextextended('motomind demo', 0))

-- name: tenants_present
select count(*) from tenants where lower(name) = any (select lower(n) from unnest(%(names)s::text[]) as n)

-- name: make_partitions
select app.make_event_partitions(%(first_day)s, %(last_day)s)

-- name: stage
create temp table {incoming} on commit drop as select {columns} from {table} with no data

-- name: copy
copy {incoming} ({columns}) from stdin

-- name: insert
insert into {table} ({columns}) select {columns} from {incoming}

-- name: clear
truncate {incoming}

-- name: refresh_figures
select app.refresh_changed_figures()

-- name: refresh_class_rates
select app.refresh_class_rates(t.id, '0')
  from tenants t
 where lower(t.name) = any (select lower(n) from unnest(%(names)s::text[]) as n)

-- name: analyze
vacuum (analyze) {table}

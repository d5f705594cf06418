-- Whether the tables are what the event stream says, as the database's owner.

-- name: verified_tenants
select t.id, t.name from tenants t where %(tenant)s::text is null or lower(t.name) = lower(%(tenant)s) order by t.name;

-- name: differences
-- Every column of a row that is not what the stream makes of it. Moments are compared as moments: the zone that they
-- are written in is that of whoever wrote them.
with streamed as (
  select s.aggregate_type, s.aggregate_id, app.replayed(s.event_data order by s.version) as state,
         (array_agg(s.event_type order by s.version desc))[1] like '%%.deleted' as is_deleted
    from event_stream s
   where s.tenant_id = %(tenant_id)s
   group by s.aggregate_type, s.aggregate_id
),
stored as (
  select 'vehicle' as aggregate_type, v.id as aggregate_id, to_jsonb(v) as state
    from vehicles v where v.tenant_id = %(tenant_id)s
   union all
  select 'fleet_group', g.id, to_jsonb(g) from fleet_groups g where g.tenant_id = %(tenant_id)s
   union all
  select 'user', m.user_id, to_jsonb(m) from memberships m where m.tenant_id = %(tenant_id)s
),
compared as (
  select coalesce(s.aggregate_type, t.aggregate_type) as aggregate_type,
         coalesce(s.aggregate_id, t.aggregate_id) as aggregate_id,
         s.state - 'updated_at' as streamed, t.state - 'updated_at' as stored
    from (select * from streamed where not is_deleted) s
    full join stored t on t.aggregate_type = s.aggregate_type and t.aggregate_id = s.aggregate_id
   where s.state - 'updated_at' is distinct from t.state - 'updated_at'
)
select c.aggregate_type, c.aggregate_id, null as column,
       case when c.streamed is null then 'nothing' else 'a row' end as streamed,
       case when c.stored is null then 'nothing' else 'a row' end as stored
  from compared c
 where c.streamed is null or c.stored is null
 union all
select c.aggregate_type, c.aggregate_id, k.key, coalesce(c.streamed ->> k.key, 'null'), coalesce(c.stored ->> k.key, 'null')
  from compared c
 cross join lateral jsonb_object_keys(c.streamed || c.stored) as k (key)
 where c.streamed -> k.key is distinct from c.stored -> k.key
   and case when k.key in ('created_at', 'left_at')
            then (c.streamed ->> k.key)::timestamptz is distinct from (c.stored ->> k.key)::timestamptz
            else true
       end;

-- name: broken_versions
-- Aggregates whose versions do not go 1, 2, 3 and so on.
select s.aggregate_type, s.aggregate_id, min(s.version) as first, max(s.version) as last, count(*) as events,
       count(distinct s.version) as versions
  from event_stream s
 where s.tenant_id = %(tenant_id)s
 group by s.aggregate_type, s.aggregate_id
having min(s.version) <> 1 or max(s.version) <> count(*) or count(*) <> count(distinct s.version);

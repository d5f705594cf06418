-- What PostGraphile needs besides the tables: a tree and totals are functions there. In a schema of the benchmark's own.

create schema bench;
grant usage on schema bench to gateway, gateway_tenant, gateway_groups;

-- A group and everything below it.
create function bench.fleet_tree(root_id uuid) returns setof fleet_groups language sql stable rows 400 as $$
  with recursive below as (
    select g.id from fleet_groups g where g.tenant_id = app.tenant_id() and g.id = root_id
    union all
    select g.id from below b join fleet_groups g on g.tenant_id = app.tenant_id() and g.parent_group_id = b.id
  )
  select g.* from fleet_groups g where g.tenant_id = app.tenant_id() and g.id in (select id from below)
$$;

create type bench.rollup as (vehicle_count integer, miles_driven integer, fuel_cost numeric);

-- The field "rollup" of a group: the way that composes, one recursion for each group asked for.
create function bench.fleet_groups_rollup(fleet_group fleet_groups, starts date, ends date) returns bench.rollup
  language sql stable as $$
  with recursive below as (
    select fleet_group.id
    union all
    select g.id from below b join fleet_groups g on g.tenant_id = fleet_group.tenant_id and g.parent_group_id = b.id
  ),
  member as (
    select v.id from vehicles v
     where v.tenant_id = fleet_group.tenant_id and v.fleet_group_id = any (array(select id from below))
  )
  select row(
    (select count(*) from member),
    (select coalesce(sum(m.miles_driven), 0)
       from vehicle_metrics m
      where m.tenant_id = fleet_group.tenant_id and m.vehicle_id = any (array(select id from member))
        and m.period_type = 'daily' and m.metric_date >= starts and m.metric_date < ends),
    (select coalesce(sum(e.cost), 0)
       from manual_events e
      where e.tenant_id = fleet_group.tenant_id and e.vehicle_id = any (array(select id from member))
        and e.event_type = 'fuel_purchase'
        and e.occurred_at >= starts::timestamp at time zone 'UTC' and e.occurred_at < ends::timestamp at time zone 'UTC')
  )::bench.rollup
$$;

-- The same totals for a whole tree by one statement, written for this one question.
create type bench.group_rollup as (id uuid, name text, vehicle_count integer, miles_driven integer, fuel_cost numeric);

create function bench.fleet_rollups(root_id uuid, starts date, ends date) returns setof bench.group_rollup
  language sql stable rows 400 as $$
  with recursive below as (
    select g.id, array[g.id] as path from fleet_groups g where g.tenant_id = app.tenant_id() and g.id = root_id
    union all
    select g.id, b.path || g.id
      from below b join fleet_groups g on g.tenant_id = app.tenant_id() and g.parent_group_id = b.id
  ),
  member as materialized (
    select v.id, v.fleet_group_id from vehicles v
     where v.tenant_id = app.tenant_id() and v.fleet_group_id = any (array(select id from below))
  ),
  figure as (
    select id as vehicle_id, fleet_group_id, null::bigint as miles, null::numeric as cost from member
    union all
    select m.vehicle_id, null, sum(m.miles_driven), null
      from vehicle_metrics m
     where m.tenant_id = app.tenant_id() and m.vehicle_id = any (array(select id from member))
       and m.period_type = 'daily' and m.metric_date >= starts and m.metric_date < ends
     group by m.vehicle_id
    union all
    select e.vehicle_id, null, null, sum(e.cost)
      from manual_events e
     where e.tenant_id = app.tenant_id() and e.vehicle_id = any (array(select id from member))
       and e.event_type = 'fuel_purchase'
       and e.occurred_at >= starts::timestamp at time zone 'UTC' and e.occurred_at < ends::timestamp at time zone 'UTC'
     group by e.vehicle_id
  ),
  total as (
    select fleet_group_id as id, count(*) as vehicles, sum(miles) as miles, sum(cost) as cost
      from (select (array_agg(fleet_group_id) filter (where fleet_group_id is not null))[1] as fleet_group_id,
                   sum(miles) as miles, sum(cost) as cost
              from figure
             group by vehicle_id) vehicle
     group by fleet_group_id
  )
  select g.id, g.name, coalesce(sum(t.vehicles), 0)::integer, coalesce(sum(t.miles), 0)::integer, coalesce(sum(t.cost), 0)
    from below b
   cross join lateral unnest(b.path) as above (id)
    join fleet_groups g on g.tenant_id = app.tenant_id() and g.id = above.id
    left join total t on t.id = b.id
   group by g.id, g.name
$$;

revoke all on all functions in schema bench from public;
grant execute on all functions in schema bench to gateway_tenant, gateway_groups;

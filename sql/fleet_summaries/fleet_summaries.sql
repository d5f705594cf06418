-- Summaries of fleets by day: which tenants are due, and bringing one up to date, as the database's owner.

-- name: tenants_due
-- Tenants with days to be summed up anew, or that a new day has begun for, and without a job. One that changes all the time
-- is due every ten seconds, or twenty times as long after the last time as that took.
select t.id
  from public.tenants t
  left join public.fleet_summary_runs r on r.tenant_id = t.id
 where (r.tenant_id is null
        or (r.ended_at < now() - greatest(interval '10 seconds', 20 * r.took)
            and (r.as_of < (now() at time zone t.time_zone)::date
                 or exists (select from public.fleet_summary_changes c where c.tenant_id = t.id))))
   and not exists (select from jobs.procrastinate_jobs j
                    where j.status in ('todo', 'doing') and j.task_name = 'fleet_summaries' and j.args ->> 'tenant_id' = t.id::text)
 order by r.ended_at nulls first, t.id
 limit 100;

-- name: refresh
select app.refresh_fleet_summaries(%(tenant_id)s, coalesce(%(moment)s::timestamptz, now()));

-- name: note_failure
-- It is tried again after a minute, as everything is due as it was.
insert into fleet_summary_runs as r (tenant_id, as_of, ended_at, took)
values (%(tenant_id)s, date '0001-01-01', clock_timestamp(), interval '3 seconds')
on conflict (tenant_id) do update set ended_at = excluded.ended_at, took = excluded.took;

-- name: make_all_due
insert into fleet_summary_changes (tenant_id, fleet_group_id, days)
select g.tenant_id, g.id, '{(,)}'::datemultirange from fleet_groups g where g.tenant_id = %(tenant_id)s
union all
select %(tenant_id)s, %(tenant_id)s, '{(,)}'::datemultirange;

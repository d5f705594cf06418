-- Explanations in their table: which tenants are due, what is kept, rewritten and closed, as the database's owner.

-- name: tenants_due
-- Tenants whose figures changed since their explanations were written, or that a new day has begun for, and without a job.
-- One that changes all the time is due once a minute, or twenty times as long after the last time as that took.
select t.id
  from public.tenants t
  left join public.explanation_runs r on r.tenant_id = t.id
 where (r.tenant_id is null
        or r.as_of < (now() at time zone 'UTC')::date
        or (r.ended_at < now() - greatest(interval '1 minute', 20 * r.took)
            and exists (select from public.explanations_due d where d.tenant_id = t.id)))
   and not exists (select from jobs.procrastinate_jobs j
                    where j.status in ('todo', 'doing') and j.task_name = 'explanations' and j.args ->> 'tenant_id' = t.id::text)
 order by r.ended_at nulls first, t.id
 limit 100;

-- name: note_due
insert into explanations_due (tenant_id) values (%(tenant_id)s);

-- name: take_turn
-- Whether nobody else writes this tenant's explanations.
select pg_try_advisory_xact_lock(hashtextextended('explanations ' || %(tenant_id)s::text, 0));

-- name: take_due
delete from explanations_due where tenant_id = %(tenant_id)s;

-- name: close
-- What was said and is not found now.
update explanations x
   set closed_at = now()
 where x.tenant_id = %(tenant_id)s and x.kind is not null and x.closed_at is null
   and not exists (select from pg_temp.finding f
                    where f.vehicle_id is not distinct from x.vehicle_id and f.fleet_group_id is not distinct from x.fleet_group_id
                      and f.kind = x.kind and f.period_start = x.period_start)
returning x.id;

-- name: keep
-- Writes what is new or differs; what is the same stays as it is, in whoever's words. Ids follow from what it is about.
insert into explanations as x
  (tenant_id, id, vehicle_id, fleet_group_id, kind, period_start, period_end, text, figures, model_version, created_at)
select %(tenant_id)s,
       md5(concat_ws(' ', %(tenant_id)s::text, f.vehicle_id, f.fleet_group_id, f.kind, f.period_start))::uuid,
       f.vehicle_id, f.fleet_group_id, f.kind, f.period_start, f.period_end, f.sentence, f.figures, f.rule_version,
       coalesce(%(written_at)s::timestamptz, now())
  from pg_temp.finding f
on conflict (tenant_id, vehicle_id, fleet_group_id, kind, period_start) where kind is not null do update
   set period_end = excluded.period_end, text = excluded.text, figures = excluded.figures,
       model_version = excluded.model_version, closed_at = null
 where x.closed_at is not null
    or (x.period_end, x.figures, split_part(x.model_version, ' + ', 1))
       is distinct from (excluded.period_end, excluded.figures, excluded.model_version)
returning x.id;

-- name: to_phrase
-- What is said in the rules' words, or in those of another version of the provider; the rule's sentence with it.
select x.id, x.vehicle_id, x.fleet_group_id, x.kind, x.period_start, x.period_end, x.figures, f.sentence, f.rule_version
  from pg_temp.finding f
  join explanations x
    on x.tenant_id = %(tenant_id)s and x.vehicle_id is not distinct from f.vehicle_id
   and x.fleet_group_id is not distinct from f.fleet_group_id and x.kind = f.kind and x.period_start = f.period_start
 where x.model_version <> f.rule_version || ' + ' || %(provider)s::text
 order by random()  -- so that a few that always fail do not keep others from being asked for
 limit %(at_most)s;

-- name: phrase
-- Unless it says something else by now.
update explanations
   set text = %(text)s, model_version = %(model_version)s
 where tenant_id = %(tenant_id)s and id = %(id)s and closed_at is null and figures = %(figures)s::jsonb;

-- name: note_run
insert into explanation_runs as r (tenant_id, as_of, ended_at, took)
values (%(tenant_id)s, %(today)s, clock_timestamp(), make_interval(secs => %(seconds)s))
on conflict (tenant_id) do update
   set as_of = excluded.as_of, ended_at = excluded.ended_at, took = excluded.took;

-- name: today
select (now() at time zone 'UTC')::date;

-- Fleet groups of a file.

-- name: stage_groups
create temp table incoming_groups (id uuid, parent_group_id uuid, name text, group_type text, metadata jsonb)
  on commit drop;

-- name: copy_groups
copy incoming_groups (id, parent_group_id, name, group_type, metadata) from stdin;

-- name: add_groups
-- A group that was deleted since the last import comes back under its old id: its stream goes on where it ended.
insert into fleet_groups (tenant_id, id, parent_group_id, name, group_type, metadata, version)
select %(tenant_id)s, i.id, i.parent_group_id, i.name, i.group_type, i.metadata,
       coalesce((select max(s.version)
                   from event_stream s
                  where s.tenant_id = %(tenant_id)s and s.aggregate_type = 'fleet_group' and s.aggregate_id = i.id), 0) + 1
  from incoming_groups i
    on conflict (tenant_id, id) do nothing;

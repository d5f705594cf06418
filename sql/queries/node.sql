-- Which type an id belongs to, for node and nodes. An id that the caller may not see is in no row.

-- name: node_types_by_id
select t.id, 'Tenant' as type_name from tenants t where t.id = any (:ids::uuid[])
union all
select u.id, 'User' from users u where u.id = any (:ids::uuid[])
union all
select g.id, 'FleetGroup' from fleet_groups g where g.tenant_id = :tenant_id and g.id = any (:ids::uuid[])
union all
select p.id, 'GroupPermission' from group_permissions p where p.tenant_id = :tenant_id and p.id = any (:ids::uuid[])
union all
select v.id, 'Vehicle' from vehicles v where v.tenant_id = :tenant_id and v.id = any (:ids::uuid[])
union all
select e.id, 'ManualEvent' from manual_events e where e.tenant_id = :tenant_id and e.id = any (:ids::uuid[])
union all
select e.id, 'ArchivedEvent' from manual_events_archive e where e.tenant_id = :tenant_id and e.id = any (:ids::uuid[])
union all
select u.id, 'Upload' from uploads u where u.tenant_id = :tenant_id and u.id = any (:ids::uuid[])
union all
select x.id, 'Explanation' from explanations x where x.tenant_id = :tenant_id and x.id = any (:ids::uuid[])
union all
select a.id, 'AuditRecord' from audit_trail a where a.tenant_id = :tenant_id and a.id = any (:ids::uuid[])
union all
select s.id, 'StreamEvent' from event_stream s where s.tenant_id = :tenant_id and s.id = any (:ids::uuid[])
union all
select c.id, 'Client' from clients c where c.tenant_id = :tenant_id and c.id = any (:ids::uuid[])
union all
select d.id, 'DocumentUsage' from document_usage d where d.tenant_id = :tenant_id and d.id = any (:ids::uuid[])

-- document_usage_page
select
       d.id, d.day, d.client_id, d.document, d.requests, d.errors, d.not_modified, d.requested_cost, d.actual_cost,
       d.milliseconds, d.last_used_at
  from document_usage d
 where d.tenant_id = $1
   and d.document = $2
   and d.day >= $3::date
   and d.day < $4::date
 order by d.actual_cost desc, d.id desc
 limit $5;

-- document_usage_count
select count(*)::integer as total_count
  from document_usage d
 where d.tenant_id = $1
   and d.document = $2
   and d.day >= $3::date
   and d.day < $4::date;

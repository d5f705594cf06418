-- parameters: tenant
-- plan: force_generic_plan
select '{"data":{"vehicles":[' || string_agg(row_to_json(v)::text, ',') || ']}}'
  from (select id, label, (
                 select coalesce(json_agg(e), '[]')
                   from (select id, event_type as "eventType", occurred_at as "occurredAt", payload
                           from manual_events
                          where tenant_id = $1::text::uuid and vehicle_id = vehicles.id
                          order by manual_events.occurred_at desc, manual_events.id desc
                          limit 5) e
               ) as events
          from vehicles
         where tenant_id = $1::text::uuid
         order by vehicles.label, vehicles.id
         limit 100) v

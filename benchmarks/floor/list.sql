-- parameters: tenant first
select '{"data":{"vehicles":[' || string_agg(row_to_json(v)::text, ',') || ']}}'
  from (select id, label, make, model, vin, notes, extended_attributes as "extendedAttributes", created_at as "createdAt"
          from vehicles
         where tenant_id = $1::text::uuid
         order by vehicles.label, vehicles.id
         limit $2::integer) v

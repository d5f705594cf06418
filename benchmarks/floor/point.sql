-- parameters: tenant id
select '{"data":{"vehicle":' || row_to_json(v)::text || '}}'
  from (select id, label, make, model, vin, notes, extended_attributes as "extendedAttributes", created_at as "createdAt"
          from vehicles
         where tenant_id = $1::text::uuid and id = $2::text::uuid) v

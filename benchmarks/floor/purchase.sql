-- parameters: tenant vehicle occurredAt payload
-- plan: force_generic_plan
-- access: write
insert into manual_events as e (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
values ($1::text::uuid, $2::text::uuid, 'fuel_purchase', $4::text::jsonb, app.user_id(), $3::text::timestamptz)
returning '{"data":{"recordFuelPurchase":' || json_build_object(
            'event', json_build_object('id', e.id, 'gallons', e.gallons::text, 'totalCost', e.cost::text),
            'userErrors', json_build_array(), 'warnings', json_build_array())::text || '}}'

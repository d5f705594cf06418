-- The benchmark's rows: a pure function of this file. Run as the database's owner, in one transaction.
--
--   Bench        four trees of 341 groups (1 + 4 + 16 + 64 + 256), 21,824 vehicles in them: 16 a group. 30 days of
--                metrics for every vehicle; 24 events for each of the first 2,000 vehicles, 6 for the others.
--                owner@bench.example sees everything, viewer@bench.example the second tree.
--   Bench wide   11,111 groups: ten below each, four levels deep. owner@wide.example.
--   Bench deep   a chain of 31 groups, one below the other. owner@deep.example.
--   Bench rest   five tenants that nobody asks for: 2,000 vehicles each, so that row-level security has work to do.

set local synchronous_commit = off;
set local timezone = 'UTC';

create function pg_temp.uid(kind text, number bigint) returns uuid language sql immutable as $$
  select md5('motomind benchmark ' || kind || ' ' || number)::uuid
$$;

select app.make_event_partitions('2026-01-01', '2026-06-30');

create temp table made (number integer, name text, mail text) on commit drop;
insert into made values (1, 'Bench', 'bench'), (2, 'Bench wide', 'wide'), (3, 'Bench deep', 'deep');
insert into made select 3 + n, 'Bench rest ' || n, 'rest-' || n from generate_series(1, 5) n;

insert into tenants (id, name, kind, created_at)
select pg_temp.uid('tenant', number), name, 'org', '2025-12-01' from made;
insert into users (id, email, name, created_at)
select pg_temp.uid('owner', number), 'owner@' || mail || '.example', 'Owner', timestamptz '2025-12-01' from made
union all
select pg_temp.uid('viewer', 1), 'viewer@bench.example', 'Viewer', timestamptz '2025-12-01';
insert into memberships (tenant_id, user_id, role)
select pg_temp.uid('tenant', number), pg_temp.uid('owner', number), 'owner' from made
union all
select pg_temp.uid('tenant', 1), pg_temp.uid('viewer', 1), 'viewer';

-- Groups. In a tree with b children a node, node n hangs below node (n - 1) / b.

insert into fleet_groups (tenant_id, id, parent_group_id, name, group_type, created_at)
select pg_temp.uid('tenant', 1), pg_temp.uid('group', tree * 1000 + n),
       case when n > 0 then pg_temp.uid('group', tree * 1000 + (n - 1) / 4) end,
       chr(64 + tree) || '-' || lpad(n::text, 3, '0'), 'location', '2025-12-01'
  from generate_series(1, 4) tree, generate_series(0, 340) n;
insert into fleet_groups (tenant_id, id, parent_group_id, name, created_at)
select pg_temp.uid('tenant', 2), pg_temp.uid('wide', n), case when n > 0 then pg_temp.uid('wide', (n - 1) / 10) end,
       'W-' || lpad(n::text, 5, '0'), '2025-12-01'
  from generate_series(0, 11110) n;
insert into fleet_groups (tenant_id, id, parent_group_id, name, created_at)
select pg_temp.uid('tenant', 3), pg_temp.uid('deep', n), case when n > 0 then pg_temp.uid('deep', n - 1) end,
       'Level ' || lpad(n::text, 2, '0'), '2025-12-01'
  from generate_series(0, 30) n;
insert into fleet_groups (tenant_id, id, name, created_at)
select pg_temp.uid('tenant', 3 + tenant), pg_temp.uid('rest', tenant * 100 + n), 'R-' || n, '2025-12-01'
  from generate_series(1, 5) tenant, generate_series(1, 20) n;

insert into group_permissions (tenant_id, user_id, fleet_group_id, permission_level, granted_by)
values (pg_temp.uid('tenant', 1), pg_temp.uid('viewer', 1), pg_temp.uid('group', 2000), 'read', pg_temp.uid('owner', 1));

-- Vehicles, dealt out to the groups like cards: in the order of their labels the trees take turns.

create temp table dealt on commit drop as
select pg_temp.uid('tenant', 1) as tenant_id, pg_temp.uid('vehicle', n) as id, pg_temp.uid('owner', 1) as owner_id,
       pg_temp.uid('group', (1 + n % 4) * 1000 + n / 4 % 341) as fleet_group_id,
       case when n < 2000 then 24 else 6 end as events, 30 as days, n
  from generate_series(0, 21823) n
union all
select pg_temp.uid('tenant', 3 + tenant), pg_temp.uid('vehicle', tenant * 100000 + n), pg_temp.uid('owner', 3 + tenant),
       pg_temp.uid('rest', tenant * 100 + 1 + n % 20), 5, 10, n
  from generate_series(1, 5) tenant, generate_series(0, 1999) n;

insert into vehicles (tenant_id, id, fleet_group_id, label, make, model, vin, baseline_fuel_mpg, notes,
                      extended_attributes, created_at, updated_at)
select tenant_id, id, fleet_group_id, 'Unit ' || lpad(n::text, 5, '0'),
       (array['Ford', 'Toyota', 'Volvo', 'Mercedes-Benz', 'Freightliner'])[1 + n % 5],
       (array['Transit', 'Hilux', 'FH16', 'Sprinter', 'Cascadia', 'Model "X"', 'Müller 7'])[1 + n % 7],
       upper(left(md5(id::text), 17)), 12 + n % 30,
       case when n % 3 > 0 then 'Serviced in bay ' || n % 17 || '; keys at the front desk.' end,
       jsonb_build_object(
         'physical', jsonb_build_object('color', (array['white', 'blue', 'red'])[1 + n % 3], 'weight_lbs', 4000 + n % 900),
         'operational', jsonb_build_object('depot', 'D' || n % 40, 'shift', 1 + n % 3, 'telematics', n % 2 = 0),
         'custom_fields', jsonb_build_object('cost_centre', 'CC-' || n % 200, 'lease_ends', '2028-0' || 1 + n % 9 || '-01')),
       '2025-12-01'::timestamptz + n * interval '1 minute', '2025-12-01'::timestamptz + n * interval '1 minute'
  from dealt;

insert into vehicle_metrics (tenant_id, vehicle_id, metric_date, period_type, miles_driven, idle_minutes, harsh_events,
                             fuel_efficiency_mpg, data_completeness_pct)
select tenant_id, id, '2026-06-01'::date + day, 'daily', (n * 7 + day * 13) % 240, (n + day) % 90, (n + day) % 4,
       15 + n % 20, 100
  from dealt, generate_series(0, days - 1) day;

insert into manual_events (tenant_id, id, vehicle_id, event_type, payload, created_by, occurred_at, created_at, updated_at)
select tenant_id, md5(id::text || k)::uuid, id,
       (array['fuel_purchase', 'odometer_reading', 'fuel_purchase', 'maintenance'])[1 + k % 4],
       case k % 4
         when 1 then jsonb_build_object('miles', 40000 - k * 300 + n % 1000, 'source', 'photo', 'ocr_confidence', 97.5)
         when 3 then jsonb_build_object('service_type', 'oil_change', 'cost', 80 + n % 50, 'odometer_miles', 40000 - k * 300,
                                        'parts_replaced', jsonb_build_array('filter', 'seal'))
         else jsonb_build_object('gallons', 8 + n % 12, 'price_per_gallon', 3.5 + n % 10 * 0.05,
                                 'total_cost', round((8 + n % 12) * (3.5 + n % 10 * 0.05), 2),
                                 'odometer_miles', 40000 - k * 300, 'station_name', 'Station ' || n % 90, 'is_full_tank', true)
       end,
       owner_id, at, at, at
  from dealt, generate_series(0, events - 1) k,
       lateral (select '2026-06-30 12:00'::timestamptz - k * case when events = 24 then interval '7 days' else interval '28 days' end
                       - n % 1440 * interval '1 minute') as occurred (at);

"""What happens to a small demo tenant over the first months of 2026, as statements: n is a number drawn at random."""

CHANGES = {
    "an event is recorded": """
      insert into manual_events (tenant_id, vehicle_id, event_type, payload, created_by, occurred_at)
      select v.tenant_id, v.id, kind, payload,
             (select user_id from memberships m where m.tenant_id = v.tenant_id limit 1),
             timestamptz '2026-03-01 00:00Z' + random_minutes * interval '1 minute'
        from (select * from vehicles order by id offset %(n)s %% 40 limit 1) v,
             (values (0, 'maintenance', '{"service_type": "oil_change", "cost": 77.7}'::jsonb),
                     (1, 'fuel_purchase', '{"gallons": 9.5, "total_cost": 40.01}')) e (which, kind, payload),
             (select %(n)s - 1500 as random_minutes) minutes
       where which = %(n)s %% 2""",
    "an event is voided": """
      update manual_events set voided_at = now(), void_reason = 'Wrong.'
       where id = (select id from manual_events where event_type <> 'odometer_reading'
                    order by id offset %(n)s %% 200 limit 1)""",
    "an event is dated anew": """
      update manual_events set occurred_at = occurred_at - interval '40 days'
       where id = (select id from manual_events where event_type = 'fuel_purchase' and occurred_at > '2026-03-01'
                    order by id offset %(n)s %% 20 limit 1)""",
    "a reading is wrong": """
      update manual_events set payload = jsonb_set(payload, '{odometer_miles}', '999999')
       where id = (select id from manual_events where event_type = 'fuel_purchase' and payload ? 'odometer_miles'
                    order by id offset %(n)s %% 200 limit 1)""",
    "a vehicle moves": """
      update vehicles set fleet_group_id = (select g.id from fleet_groups g where g.tenant_id = vehicles.tenant_id
                                             order by g.id offset %(n)s %% 13 limit 1)
       where id = (select id from vehicles order by id offset %(n)s %% 40 limit 1)""",
    "a vehicle is new": """
      insert into vehicles (tenant_id, fleet_group_id, label)
      select g.tenant_id, g.id, 'New' from fleet_groups g order by g.id offset %(n)s %% 12 limit 1""",
    "a vehicle goes": "delete from vehicles where label = 'New'",
    "a group moves": """
      update fleet_groups g set parent_group_id = null
       where id = (select id from fleet_groups order by id offset %(n)s %% 12 limit 1)""",
    "events are archived": "select app.archive_event_partitions('2026-02-01')",
}

-- Functions in statements say themselves how they are planned; what a statement is planned under is no longer theirs.
-- depends: 0026.seen_vehicles

-- A look-up by key: under a statement that is planned for its values it was planned anew by every policy of that.
alter function app.groups_under_grants(text) set plan_cache_mode = force_generic_plan;

-- What its plan should be depends on how many groups it is given.
alter function app.changed_group_totals(uuid, uuid[], date, date, boolean) set plan_cache_mode = force_custom_plan;

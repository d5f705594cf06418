-- Figures derived from events: per vehicle and day, week or month; per group and day; and what they say in words.
-- depends: 0003.events

create table vehicle_metrics (
  tenant_id uuid not null references tenants (id),
  vehicle_id uuid not null,
  metric_date date not null,
  period_type text not null check (period_type in ('daily', 'weekly', 'monthly')),
  brake_wear_pct numeric(5, 2) check (brake_wear_pct between 0 and 100),
  fuel_efficiency_mpg numeric(6, 2) check (fuel_efficiency_mpg >= 0),
  harsh_events integer not null default 0 check (harsh_events >= 0),
  idle_minutes integer not null default 0 check (idle_minutes >= 0),
  miles_driven integer check (miles_driven >= 0),
  last_service_date date,
  data_completeness_pct integer not null default 0 check (data_completeness_pct between 0 and 100),
  source_latency_sec integer check (source_latency_sec >= 0),
  sensor_presence jsonb not null default '{}' check (jsonb_typeof(sensor_presence) = 'object'),
  advanced_metrics jsonb not null default '{}' check (jsonb_typeof(advanced_metrics) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, vehicle_id, period_type, metric_date) include (miles_driven, idle_minutes, harsh_events),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id)
);
create trigger touch before update on vehicle_metrics for each row execute function app.touch();

create table fleet_summary_metrics (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  fleet_group_id uuid,
  metric_date date not null,
  total_vehicles integer not null check (total_vehicles >= 0),
  active_vehicles integer not null check (active_vehicles between 0 and total_vehicles),
  total_miles_driven integer not null check (total_miles_driven >= 0),
  avg_fuel_efficiency numeric(6, 2),
  total_fuel_cost numeric(14, 2),
  on_time_pct numeric(5, 2) check (on_time_pct between 0 and 100),
  utilization_pct numeric(5, 2) check (utilization_pct between 0 and 100),
  maintenance_compliance_pct numeric(5, 2) check (maintenance_compliance_pct between 0 and 100),
  predicted_maintenance_cost numeric(14, 2),
  risk_score numeric(4, 3) check (risk_score between 0 and 1),
  computed_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id)
);
-- A null group is the whole tenant, once a day.
create unique index fleet_summary_metrics_day on fleet_summary_metrics (tenant_id, fleet_group_id, metric_date)
  nulls not distinct;
create trigger touch before update on fleet_summary_metrics for each row execute function app.touch();

create table explanations (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  vehicle_id uuid,
  fleet_group_id uuid,
  period_start date not null,
  period_end date not null,
  text text not null check (length(text) > 0),
  figures jsonb not null default '{}' check (jsonb_typeof(figures) = 'object'),
  model_version text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id),
  foreign key (tenant_id, fleet_group_id) references fleet_groups (tenant_id, id),
  constraint explanations_one_subject check (num_nonnulls(vehicle_id, fleet_group_id) = 1),
  constraint explanations_period check (period_start < period_end)
);
create index explanations_vehicle on explanations (tenant_id, vehicle_id, created_at, id);
create index explanations_group on explanations (tenant_id, fleet_group_id, created_at, id);
create index explanations_created_at on explanations (tenant_id, created_at, id);
create trigger touch before update on explanations for each row execute function app.touch();

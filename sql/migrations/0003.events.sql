-- Uploads and captured events: typed payloads, monthly partitions, the archive.
-- depends: 0002.fleet

create table uploads (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  vehicle_id uuid,
  uploaded_by uuid not null,
  file_name text not null check (length(file_name) between 1 and 255),
  content_type text not null,
  size integer not null check (size >= 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  storage_key text not null,
  status text not null default 'stored' check (status in ('pending', 'stored', 'processed', 'rejected')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id),
  foreign key (tenant_id, uploaded_by) references memberships (tenant_id, user_id)
);
create index uploads_vehicle on uploads (tenant_id, vehicle_id, created_at, id);
create index uploads_created_at on uploads (tenant_id, created_at, id);
create trigger touch before update on uploads for each row execute function app.touch();

-- Payloads. One function per event type: required keys and types, bounds where a value cannot be meant. Extra keys pass.

create function app.is_number(value jsonb, low numeric, high numeric) returns boolean
  language sql immutable parallel safe as $$
  select case jsonb_typeof(value) when 'number' then value::numeric between low and high else false end
$$;

create function app.is_absent_or(value jsonb, type text) returns boolean language sql immutable parallel safe as $$
  select value is null or jsonb_typeof(value) in ('null', type)
$$;

create function app.is_absent_or_number(value jsonb, low numeric, high numeric) returns boolean
  language sql immutable parallel safe as $$
  select case when value is null or jsonb_typeof(value) = 'null' then true else app.is_number(value, low, high) end
$$;

create function app.is_odometer_reading(payload jsonb) returns boolean language sql immutable parallel safe as $$
  select app.is_number(payload -> 'miles', 0, 9999999)
     and app.is_absent_or_number(payload -> 'ocr_confidence', 0, 100)
     and app.is_absent_or(payload -> 'image_metadata', 'object')
     and app.is_absent_or(payload -> 'location', 'object')
     and app.is_absent_or(payload -> 'device_info', 'object')
$$;

create function app.is_fuel_purchase(payload jsonb) returns boolean language sql immutable parallel safe as $$
  select app.is_number(payload -> 'gallons', 0.001, 10000)
     and app.is_absent_or_number(payload -> 'price_per_gallon', 0, 1000)
     and app.is_absent_or_number(payload -> 'total_cost', 0, 1000000)
     and app.is_absent_or_number(payload -> 'odometer_miles', 0, 9999999)
     and app.is_absent_or(payload -> 'fuel_type', 'string')
     and app.is_absent_or(payload -> 'station_name', 'string')
     and app.is_absent_or(payload -> 'is_full_tank', 'boolean')
     and app.is_absent_or(payload -> 'missed_previous', 'boolean')
     and app.is_absent_or(payload -> 'receipt_data', 'object')
     and app.is_absent_or(payload -> 'extracted_fields', 'object')
$$;

create function app.is_maintenance(payload jsonb) returns boolean language sql immutable parallel safe as $$
  select jsonb_typeof(payload -> 'service_type') is not distinct from 'string'
     and app.is_absent_or_number(payload -> 'odometer_miles', 0, 9999999)
     and app.is_absent_or_number(payload -> 'cost', 0, 10000000)
     and app.is_absent_or(payload -> 'parts_replaced', 'array')
     and app.is_absent_or(payload -> 'next_service', 'object')
$$;

create function app.is_issue_report(payload jsonb) returns boolean language sql immutable parallel safe as $$
  select coalesce(payload ->> 'severity' in ('low', 'medium', 'high', 'critical'), false)
     and jsonb_typeof(payload -> 'description') is not distinct from 'string'
     and app.is_absent_or_number(payload -> 'odometer_miles', 0, 9999999)
     and app.is_absent_or(payload -> 'resolved_at', 'string')
$$;

create function app.is_trip_batch(payload jsonb) returns boolean language sql immutable parallel safe as $$
  select case jsonb_typeof(payload -> 'trips') when 'array' then not exists (
           select from jsonb_array_elements(payload -> 'trips') as trip
            where jsonb_typeof(trip) <> 'object'
               or jsonb_typeof(trip -> 'start') is distinct from 'string'
               or jsonb_typeof(trip -> 'end') is distinct from 'string'
               or not app.is_number(coalesce(trip -> 'miles', 'null'), 0, 100000)
               or not app.is_absent_or_number(trip -> 'idle_minutes', 0, 100000)
               or not app.is_absent_or_number(trip -> 'harsh_events', 0, 100000)
         ) else false end
$$;

create function app.is_payload(event_type text, payload jsonb) returns boolean language sql immutable parallel safe as $$
  select case event_type
           when 'odometer_reading' then app.is_odometer_reading(payload)
           when 'fuel_purchase' then app.is_fuel_purchase(payload)
           when 'maintenance' then app.is_maintenance(payload)
           when 'issue_report' then app.is_issue_report(payload)
           when 'trip_batch' then app.is_trip_batch(payload)
           else false
         end
$$;

-- What every sum reads is taken out of the payload once, at write time, and summed up from an index alone. Bad payloads give null here and
-- are refused by the CHECK, so that the caller hears of the payload and not of a failed cast.

create function app.payload_number(payload jsonb, key text) returns numeric language sql immutable parallel safe as $$
  select case when jsonb_typeof(payload -> key) = 'number' then (payload ->> key)::numeric end
$$;

create function app.payload_odometer(event_type text, payload jsonb) returns integer
  language sql immutable parallel safe as $$
  select case when miles between 0 and 9999999 then miles::integer end
    from (select app.payload_number(payload, case event_type when 'odometer_reading' then 'miles' else 'odometer_miles' end)) as t (miles)
$$;

-- Dollars: what was paid; a fuel purchase without a total costs gallons x price per gallon, to the cent.
create function app.payload_cost(event_type text, payload jsonb) returns numeric language sql immutable parallel safe as $$
  select case event_type
           when 'fuel_purchase' then coalesce(
             app.payload_number(payload, 'total_cost'),
             round(app.payload_number(payload, 'gallons') * app.payload_number(payload, 'price_per_gallon'), 2))
           when 'maintenance' then app.payload_number(payload, 'cost')
         end
$$;

create table manual_events (
  tenant_id uuid not null references tenants (id),
  id uuid not null default gen_random_uuid(),
  vehicle_id uuid not null,
  source_upload_id uuid,
  event_type text not null
    check (event_type in ('odometer_reading', 'fuel_purchase', 'maintenance', 'issue_report', 'trip_batch')),
  payload jsonb not null,
  confidence integer not null default 80 check (confidence between 0 and 100),
  verified_by_user boolean not null default false,
  created_by uuid not null,
  occurred_at timestamptz not null,
  odometer_miles integer generated always as (app.payload_odometer(event_type, payload)) stored,
  gallons numeric generated always as
    (case when event_type = 'fuel_purchase' then app.payload_number(payload, 'gallons') end) stored,
  cost numeric generated always as (app.payload_cost(event_type, payload)) stored,
  is_full_tank boolean generated always as
    (case when event_type = 'fuel_purchase' then (payload -> 'is_full_tank') is distinct from 'false'::jsonb end) stored,
  missed_previous boolean generated always as
    (case when event_type = 'fuel_purchase' then (payload -> 'missed_previous') is not distinct from 'true'::jsonb end) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint manual_events_payload check (app.is_payload(event_type, payload)),
  primary key (tenant_id, id, occurred_at),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id),
  foreign key (tenant_id, source_upload_id) references uploads (tenant_id, id),
  foreign key (tenant_id, created_by) references memberships (tenant_id, user_id)
) partition by range (occurred_at);
create index manual_events_vehicle on manual_events (tenant_id, vehicle_id, occurred_at, id);
create index manual_events_occurred_at on manual_events (tenant_id, occurred_at, id);
create index manual_events_created_at on manual_events (tenant_id, created_at, id);
create index manual_events_type on manual_events (tenant_id, event_type, occurred_at, id);
create index manual_events_cost on manual_events (tenant_id, vehicle_id, event_type, occurred_at)
  include (gallons, cost, id, odometer_miles, is_full_tank, missed_previous)
  where event_type in ('fuel_purchase', 'maintenance');
create trigger touch before update on manual_events for each row execute function app.touch();

create table manual_events_default partition of manual_events default;

-- Events whose month was archived: the same partition, hung under another parent. Nothing is copied or deleted.
create table manual_events_archive (
  like manual_events including defaults including generated including constraints,
  primary key (tenant_id, id, occurred_at),
  foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id)
) partition by range (occurred_at);
create index manual_events_archive_vehicle on manual_events_archive (tenant_id, vehicle_id, occurred_at, id);
create index manual_events_archive_occurred_at on manual_events_archive (tenant_id, occurred_at, id);
create index manual_events_archive_created_at on manual_events_archive (tenant_id, created_at, id);

-- Makes the monthly partitions that cover [first_day, last_day] and returns how many were new. Months that are in the
-- archive stay there; events that had been caught by the default partition move into their month.
create function app.make_event_partitions(first_day date, last_day date) returns integer
  language plpgsql set timezone = 'UTC' as $$
declare
  month date := date_trunc('month', first_day);
  partition_name text;
  made integer := 0;
begin
  while month <= last_day loop
    partition_name := 'manual_events_' || to_char(month, 'YYYY_MM');
    if to_regclass('public.' || partition_name) is null then
      execute format('create table %I (like manual_events including all)', partition_name);
      execute format(
        'with moved as (delete from manual_events_default where occurred_at >= %L and occurred_at < %L returning *)
         insert into %I (tenant_id, id, vehicle_id, source_upload_id, event_type, payload, confidence, verified_by_user,
                         created_by, occurred_at, created_at, updated_at)
         select tenant_id, id, vehicle_id, source_upload_id, event_type, payload, confidence, verified_by_user,
                created_by, occurred_at, created_at, updated_at from moved',
        month::timestamptz, (month + interval '1 month')::timestamptz, partition_name);
      execute format('alter table manual_events attach partition %I for values from (%L) to (%L)',
        partition_name, month::timestamptz, (month + interval '1 month')::timestamptz);
      perform app.secure_partition(partition_name);
      made := made + 1;
    end if;
    month := month + interval '1 month';
  end loop;
  return made;
end;
$$;

-- A partition is reached through its parent only: nobody is granted anything on it, and its own row security is on.
create function app.secure_partition(partition_name text) returns void language plpgsql as $$
begin
  execute format('alter table %I enable row level security', partition_name);
  execute format('alter table %I force row level security', partition_name);
  execute format('create policy owner on %I to current_user using (true) with check (true)', partition_name);
end;
$$;

-- Moves every month that ends at or before first_kept_day from the events to their archive, and returns how many.
-- Events that the default partition caught get the partition of their month first.
create function app.archive_event_partitions(first_kept_day date) returns integer
  language plpgsql set timezone = 'UTC' as $$
declare
  partition_name text;
  month date;
  archived integer := 0;
begin
  for month in
    select distinct date_trunc('month', occurred_at)::date
      from manual_events_default
     where occurred_at < first_kept_day
       and date_trunc('month', occurred_at) + interval '1 month' <= first_kept_day
  loop
    perform app.make_event_partitions(month, month);
  end loop;
  for partition_name in
    select c.relname
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'public.manual_events'::regclass and c.relname ~ '^manual_events_\d{4}_\d{2}$'
     order by c.relname
  loop
    month := to_date(right(partition_name, 7), 'YYYY_MM');
    continue when month + interval '1 month' > first_kept_day;
    execute format('alter table manual_events detach partition %I', partition_name);
    execute format('alter table manual_events_archive attach partition %I for values from (%L) to (%L)',
      partition_name, month::timestamptz, (month + interval '1 month')::timestamptz);
    archived := archived + 1;
  end loop;
  return archived;
end;
$$;

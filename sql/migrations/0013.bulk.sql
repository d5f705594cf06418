-- Vehicles by what others call them, and an aggregate's state from its stream.
-- depends: 0012.writes

-- Imports find vehicles by the id that another system has for them.
create index vehicles_external_id on vehicles (tenant_id, (extended_attributes ->> 'external_id'))
  where (extended_attributes ->> 'external_id') is not null;

-- The data of an aggregate's events in the order of their versions, one over the other: its row, as it must be.
create aggregate app.replayed(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');
revoke all on function app.replayed(jsonb) from public;

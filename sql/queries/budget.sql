-- What the gateway asks as its login role; the functions are in migration 0009.

-- name: spend
select s.granted, s.available from app.spend(:tenant_id, :credential_id, :cost, :capacity, :restore_rate) s

-- name: refund
select app.refund(:refunds)

-- name: record_usage
select app.record_usage(:usage)

-- What a load balancer's question rests on; the function is in migration 0011.

-- name: pending_migrations
select p.id from app.pending_migrations(:known) p (id)

-- seam: no-transaction
-- CONCURRENTLY lets production write while the index is built; it works outside a transaction only.
CREATE INDEX CONCURRENTLY orders_by_status ON orders (status, created_at, id);

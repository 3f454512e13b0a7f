-- seam: no-transaction
CREATE INDEX CONCURRENTLY customers_by_name ON customers (name text_pattern_ops);

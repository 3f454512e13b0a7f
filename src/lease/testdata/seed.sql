INSERT INTO customers (name) VALUES ('seed');

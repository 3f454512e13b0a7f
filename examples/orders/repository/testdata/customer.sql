-- Who orders in the tests.
INSERT INTO customers (id, email) VALUES (7, 'ada@example.org');

-- A function whose body holds semicolons, a text that does, and rows by COPY.
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE FUNCTION motto() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'a;b'; END $$;
INSERT INTO customers (name) VALUES ('it''s; fine');
COPY customers (name) FROM stdin;
ada
grace
\.
CREATE UNLOGGED TABLE visits (id int PRIMARY KEY);
INSERT INTO visits VALUES (7);

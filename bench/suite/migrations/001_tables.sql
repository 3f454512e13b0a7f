-- Twenty tables with an index and some rows each: about 8 MB of database, as a small service has.
DO $$
BEGIN
    FOR i IN 1..20 LOOP
        EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, name text NOT NULL,'
                       ' at timestamptz NOT NULL DEFAULT now(), n int)', i);
        EXECUTE format('CREATE INDEX ON t%s (name)', i);
        EXECUTE format('INSERT INTO t%s (name, n) SELECT ''x'' || g, g FROM generate_series(1, 50) g', i);
    END LOOP;
END
$$;

/* pg/record/record_same_test.c - what is recorded and replayed is what the real server answers. */
//seam:cflags -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config libpq

#include "record_test.h"

#include <arpa/inet.h>
#include <string.h>

SEAM_FILE(.tags = "integration");

#define SHOP                                                                                   \
    "CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE,"                   \
    " cents numeric(10,2) CHECK (cents >= 0), name varchar(20))"

static const char *same(seam_t *t, void (*run)(struct script *script))
{
    return record_and_replay(t, &(struct trial){ .run = run });
}

/* ---- simple queries */

static void simple(struct script *s)
{
    query(s, SHOP);
    query(s, "INSERT INTO users (email, cents) VALUES ('ada@example.org', 1.5) RETURNING *");
    query(
        s,
        "SELECT id, email, cents, name, 'd\xc3\xa9j\xc3\xa0 vu', E'a\\tb\\n\"', '' FROM users");
    query(s, "select 1 as a;; select 'x' as b, 2 as b; insert into users (email) values ('b')");
    query(s, "");
    query(s, " ; ");
    query(s, "SELECT");
    query(s, "UPDATE users SET name = 'n'");
    query(s, "DELETE FROM users WHERE id > 1000");
    query(s, "SELECT 1 WHERE false");
    query(s, "SHOW server_version_num");
    query(s, "SET application_name = 'x'");
    query(s, "SELECT ARRAY[1,2], '{\"a\": 1}'::jsonb, '\\x00ff'::bytea, true, 1.5::float8,"
             " '2020-01-01'::date, '10 days'::interval, 'a'::\"char\", point(1,2), 'x'::name");
}

SEAM_TEST(simple_queries)
{
    const char *file = same(t, simple);

    seam_check_contains(t, file,
                        "{\"seam\":\"postgresql recording\",\"format\":1,\"server\":\"");
    seam_check_contains(t, file,
                        "{\"session\":1,\"sql\":\"select 1 as "
                        "a\",\"columns\":[[\"a\",\"int4\"]],\"rows\":[[\"1\"]],"
                        "\"tag\":\"SELECT 1\"}\n");
}

static void errors(struct script *s)
{
    query(s, SHOP);
    query(s, "SELECT * FROM nowhere");
    query(s, "  SELECT 1;  SELECT emial FROM users; SELECT 3");
    query(s, "SELECT '\xc3\xa9\xc3\xa9'; SELECT \xc3\xa9 FROM users");
    query(s, "SELEC 1");
    query(s, "SELECT 'abc");
    query(s, "INSERT INTO users (email) VALUES ('a'), ('a')");
    query(s, "INSERT INTO users (email, cents) VALUES ('a', -1)");
    query(s, "INSERT INTO users (name) VALUES ('a')");
    query(s, "SELECT 1/0");
    query(s, "SELECT 1/(3 - g) FROM generate_series(1, 5) g");
    query_params(s, "SELECT $1::int4 + 1", 0, 1, "abc");
    query_params(s, "SELECT x FROM users WHERE id = $1", 0, 1, "1");
    query_params(s, "SELECT 1; SELECT 2", 0, 0);
    query_params(s, "SELECT $1::int4", 0, 0);
    query(s, "DO $$ BEGIN RAISE EXCEPTION 'no %', 1 USING HINT = 'try', DETAIL = 'd'; END $$");
}

SEAM_TEST(errors_with_all_fields)
{
    const char *file = same(t, errors);

    seam_check_contains(t, file, "\"sqlstate\":\"23505\"");
    seam_check(
        t,
        !strstr(file, "42601\",\"message\":\"syntax error at or near \\\"SELEC\\\"\",\"file"));
}

static void notices(struct script *s)
{
    query(s, "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two' USING HINT = 'h'; END $$");
    query(s, "DROP TABLE IF EXISTS nowhere");
    query(s, "COMMIT");
    query(s, "SELECT 1");
}

SEAM_TEST(notices_of_a_statement)
{
    same(t, notices);
}

/* ---- transactions */

static void transactions(struct script *s)
{
    query(s, SHOP);
    query(s, "BEGIN ISOLATION LEVEL SERIALIZABLE");
    query(s, "SAVEPOINT a");
    query(s, "SELECT * FROM nowhere");
    query(s, "SELECT 1");
    query_params(s, "SELECT $1::text", 0, 1, "x");
    query(s, "ROLLBACK TO a");
    query(s, "RELEASE a");
    query(s, "INSERT INTO users (email) VALUES ('x')");
    query(s, "COMMIT");
    query(s, "BEGIN; INSERT INTO users (email) VALUES ('x'); SELECT 1");
    query(s, "SELECT 2");
    query(s, "COMMIT");
    query(s, "BEGIN; SELECT 1; COMMIT; SELECT 2");
    query(s, "CREATE TABLE d (id int4 UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    query(s, "BEGIN; INSERT INTO d VALUES (1), (1)");
    query(s, "COMMIT");
    query(s, "SELECT count(*) FROM d");
    query(s, "INSERT INTO d VALUES (1), (1)");
}

SEAM_TEST(transactions_and_their_errors)
{
    same(t, transactions);
}

/* ---- arguments and formats */

static void arguments(struct script *s)
{
    query(s, SHOP);
    query_params(s,
                 "INSERT INTO users (email, cents) VALUES ($1, $2) RETURNING id, email, cents",
                 0, 2, "ada", "1.50");
    query_params(s, "SELECT * FROM users WHERE id = $1 AND name IS NOT DISTINCT FROM $2", 0, 2,
                 "1", NULL);
    query_params(s, "SELECT id, email, cents, true, now() - now() FROM users", 1, 0);
    query_params(s, "SELECT ''::text, $1::text", 0, 1, "");
    query_params(s, "BEGIN", 0, 0);
    query_params(s, "SHOW TimeZone", 0, 0);
    query_params(s, "COMMIT", 0, 0);
    query_params(s, "", 0, 0);
}

SEAM_TEST(arguments_and_binary_results)
{
    same(t, arguments);
}

static void prepared(struct script *s)
{
    const char *one[] = { "1" }, *two[] = { "2" }, *none[] = { NULL };
    int32_t number = (int32_t)htonl(7);
    const char *binary[] = { (const char *)&number };
    const int size[] = { sizeof number }, format[] = { 1 };

    query(s, SHOP);
    show(s, PQprepare(s->conn, "find", "SELECT id, email FROM users WHERE id = $1", 0, NULL));
    show(s, PQdescribePrepared(s->conn, "find"));
    show(s, PQexecPrepared(s->conn, "find", 1, one, NULL, NULL, 0));
    show(s, PQexecPrepared(s->conn, "find", 1, two, NULL, NULL, 1));
    show(s, PQexecPrepared(s->conn, "find", 1, none, NULL, NULL, 0));
    show(s, PQexecPrepared(s->conn, "find", 1, binary, size, format, 0));
    show(s, PQprepare(s->conn, "find", "SELECT 1", 0, NULL));
    show(s, PQprepare(s->conn, "never", "UPDATE users SET cents = $2 WHERE id = $1", 0, NULL));
    show(s, PQdescribePrepared(s->conn, "never"));
    show(s, PQprepare(s->conn, "bad", "SELECT * FROM nowhere WHERE id = $1", 0, NULL));
    show(s, PQexecPrepared(s->conn, "nothing", 0, NULL, NULL, NULL, 0));
    query(s, "DEALLOCATE find");
    show(s, PQexecPrepared(s->conn, "find", 1, one, NULL, NULL, 0));
    show(s, PQprepare(s->conn, "find", "SELECT $1::text AS other", 0, NULL));
    show(s, PQexecPrepared(s->conn, "find", 1, one, NULL, NULL, 0));
}

SEAM_TEST(prepared_statements_by_their_text)
{
    const char *file = same(t, prepared);

    seam_check_contains(
        t, file,
        "{\"session\":1,\"sql\":\"SELECT id, email FROM users WHERE id = "
        "$1\",\"types\":[\"int4\"],"
        "\"args\":[\"7\"],\"columns\":[[\"id\",\"int4\"],[\"email\",\"text\"]],\"rows\":[],"
        "\"tag\":\"SELECT 0\"}\n");
    seam_check_contains(t, file,
                        "{\"session\":1,\"event\":\"describe\",\"sql\":\"UPDATE users SET "
                        "cents = $2 WHERE id = $1\",\"types\":[\"int4\",\"numeric\"]}\n");
    seam_check_contains(t, file,
                        "{\"session\":1,\"event\":\"parse\",\"sql\":\"SELECT * FROM nowhere "
                        "WHERE id = $1\",\"error\":{");
}

static void prepared_by_sql(struct script *s)
{
    query(s, "PREPARE p (int4, text) AS SELECT $1 + 1 AS n, $2 AS t");
    query(s, "EXECUTE p (1, 'it''s')");
    query(s, "EXECUTE p (2, NULL)");
    query(s, "EXECUTE p (2)");
    query(s, "EXECUTE q");
    query(s, "PREPARE r AS SELECT * FROM nowhere");
    query(s, "DEALLOCATE p");
    query(s, "EXECUTE p (2, NULL)");
    query(s, "DEALLOCATE ALL");
}

SEAM_TEST(prepared_statements_of_sql)
{
    const char *file = same(t, prepared_by_sql);

    seam_check_contains(t, file, "\"sql\":\"SELECT $1 + 1 AS n, $2 AS t\"");
    seam_check_contains(t, file, "\"args\":[\"1\",\"it's\"]");
}

static void cursors(struct script *s)
{
    query(s, "BEGIN");
    query(s, "DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 5) g");
    query(s, "FETCH 2 FROM c");
    query(s, "FETCH 10 FROM c");
    query(s, "CLOSE c");
    query(s, "FETCH 1 FROM c");
    query(s, "ROLLBACK");
}

SEAM_TEST(cursors_of_sql)
{
    same(t, cursors);
}

/* ---- COPY */

static void copy(struct script *s)
{
    char *line;
    int size;

    query(s, "CREATE TABLE c (id int4, t text)");
    show(s, PQexec(s->conn, "COPY c FROM STDIN"));
    PQputCopyData(s->conn, "1\tone\n2\t", 8);
    PQputCopyData(s->conn, "two\n", 4);
    PQputCopyEnd(s->conn, NULL);
    show_all(s);
    show(s, PQexec(s->conn, "COPY c TO STDOUT"));
    while ((size = PQgetCopyData(s->conn, &line, 0)) > 0) {
        say(s, line);
        PQfreemem(line);
    }
    show_all(s);
    show(s, PQexec(s->conn, "COPY c FROM STDIN"));
    PQputCopyData(s->conn, "x\n", 2);
    PQputCopyEnd(s->conn, NULL);
    show_all(s);
    show(s, PQexec(s->conn, "COPY c FROM STDIN"));
    PQputCopyEnd(s->conn, "no more");
    show_all(s);
    show(s, PQexecParams(s->conn, "COPY c FROM STDIN", 0, NULL, NULL, NULL, NULL, 0));
    PQputCopyData(s->conn, "3\tthree\n", 8);
    PQputCopyEnd(s->conn, NULL);
    show_all(s);
    query(s, "SELECT count(*) FROM c");
}

SEAM_TEST(copy_in_and_out)
{
    const char *file = same(t, copy);

    seam_check_contains(t, file, "\"copy_columns\":2,\"copy_in\":\"1\\tone\\n2\\ttwo\\n\"");
    seam_check_contains(t, file, "\"copy_out\":\"1\\tone\\n2\\ttwo\\n\"");
}

/* ---- pipelines */

static void drain(struct script *s, int syncs)
{
    int nulls = 0;

    while (syncs > 0 && nulls < 3) {
        PGresult *result = PQgetResult(s->conn);

        nulls = result ? 0 : nulls + 1;
        syncs -= result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (result)
            show(s, result);
    }
    seam_check_eq(s->t, syncs, 0);
}

static void pipe_one(struct script *s, const char *sql, const char *value)
{
    seam_require(s->t,
                 PQsendQueryParams(s->conn, sql, value != NULL, NULL, &value, NULL, NULL, 0));
}

static void pipeline(struct script *s)
{
    const char *value[] = { "5" };

    query(s, "CREATE TABLE d (id int4 UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    PQenterPipelineMode(s->conn);
    pipe_one(s, "SELECT $1::int4 AS a", "1");
    pipe_one(s, "SELECT $1::text AS b", "x");
    PQsendPrepare(s->conn, "p", "SELECT $1::int8 AS c", 0, NULL);
    PQsendQueryPrepared(s->conn, "p", 1, value, NULL, NULL, 0);
    PQpipelineSync(s->conn);
    pipe_one(s, "SELECT 1 AS before", NULL);
    pipe_one(s, "SELECT 1/$1::int4", "0");
    pipe_one(s, "SELECT 1 AS skipped", NULL);
    PQpipelineSync(s->conn);
    pipe_one(s, "SELECT * FROM nowhere", NULL);
    pipe_one(s, "SELECT 1 AS skipped", NULL);
    PQpipelineSync(s->conn);
    pipe_one(s, "INSERT INTO d VALUES (1), (1)", NULL);
    PQpipelineSync(s->conn);
    pipe_one(s, "SELECT 'after'", NULL);
    PQpipelineSync(s->conn);
    drain(s, 5);
    PQexitPipelineMode(s->conn);
    query(s, "SELECT count(*) FROM d");
}

SEAM_TEST(pipelines_with_errors)
{
    const char *file = same(t, pipeline);

    seam_check(t, !strstr(file, "skipped"));
    seam_check_contains(t, file, "{\"session\":1,\"event\":\"sync\",\"error\":{");
}

static void single_rows(struct script *s)
{
    seam_require(s->t, PQsendQuery(s->conn, "SELECT g FROM generate_series(1, 3) g"));
    PQsetSingleRowMode(s->conn);
    show_all(s);
}

SEAM_TEST(single_row_mode)
{
    same(t, single_rows);
}

/* ---- several sessions */

static void sessions(struct script *s)
{
    struct script other = *s;

    other.conn = dial(s->t, s->conninfo);
    query(s, "CREATE TABLE c (id int4)");
    other.size = s->size;
    query(&other, "INSERT INTO c VALUES (1)");
    s->size = other.size;
    query(s, "SELECT id FROM c");
    other.size = s->size;
    query(&other, "UPDATE c SET id = 2");
    s->size = other.size;
}

SEAM_TEST(sessions_one_after_the_other)
{
    const char *file = same(t, sessions);
    const char *second = strstr(file, "{\"session\":2");

    seam_require(t, second);
    seam_check(t, strstr(file, "SELECT id FROM c") < second);
}

/* ---- types that are the database's own */

static void own_types(struct script *s)
{
    query(s, "CREATE TYPE mood AS ENUM ('sad', 'ok')");
    query(s, "CREATE DOMAIN cents AS int4");
    query(s, "SELECT 'ok'::mood AS m, ARRAY['sad']::mood[] AS l, 5::cents AS c");
    query_params(s, "SELECT $1::mood AS m", 0, 1, "sad");
}

SEAM_TEST(types_of_the_database)
{
    record_and_replay(t, &(struct trial){ .run = own_types, .other_numbers = true });
}

/* ---- much */

static void much(struct script *s)
{
    PGresult *result =
        PQexec(s->conn, "SELECT g, repeat('x', 100) FROM generate_series(1, 50000) g");

    seam_check_eq(s->t, PQntuples(result), 50000);
    seam_check_eq(s->t, PQgetvalue(result, 49999, 0), "50000");
    PQclear(result);
    query(s, "SELECT 1");
}

SEAM_TEST(five_megabytes)
{
    same(t, much);
}

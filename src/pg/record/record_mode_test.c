/* pg/record/record_mode_test.c - what a recording holds, when it is written, and what it is compared with. */
//seam:cflags -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config libpq

#include "record_test.h"

#include <poll.h>
#include <pthread.h>
#include <seam/spawn.h>
#include <stdio.h>
#include <string.h>

SEAM_FILE(.tags = "integration");

/* ---- secrets */

static void secrets(struct script *s)
{
    query(
        s,
        "CREATE TABLE users (id serial, email text UNIQUE, password text, token text NOT NULL,"
        " at timestamptz DEFAULT now(), pin int4)");
    query(s,
          "INSERT INTO users (email, password, token) VALUES ('a', 'first-secret', 'tok-1')");
    query_params(s,
                 "INSERT INTO users (email, password, token) VALUES ($1, $2, $3) RETURNING *",
                 0, 3, "b", "second-secret", "tok-2");
    query_params(s, "INSERT INTO users (email, password, token) VALUES ($1, $2, $3)", 0, 3, "c",
                 "third-secret", NULL);
    query(s, "INSERT INTO users (email, password) VALUES ('d', 'fourth-secret')");
    query(s, "SET application_name = 'fifth-secret'");
    query_params(s, "UPDATE users SET pin = $1 WHERE email = $2", 0, 2, "98765", "a");
    query(s, "SELECT email, at FROM users WHERE email = 'a'");
    query_params(s, "DO $$ BEGIN RAISE NOTICE 'x'; END $$", 0, 0);
}

SEAM_TEST(secrets_are_never_in_the_file)
{
    static const char *const gone[] = { "first-secret",  "second-secret", "third-secret",
                                        "fourth-secret", "fifth-secret",  "tok-1",
                                        "tok-2" };
    const char *file =
        record_and_replay(t, &(struct trial){ .run = secrets,
                                              .redact = { "column at", "sql ^SET app" },
                                              .other_answers = true,
                                              .other_numbers = true });

    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (strstr(file, gone[i]))
            seam_error(t, "'%s' is in the file", gone[i]);
    seam_check_contains(t, file, "VALUES ('a', '***', '***')");
    seam_check_contains(t, file, "\"args\":[\"b\",{\"redacted\":true},{\"redacted\":true}]");
    seam_check_contains(t, file, "SET application_name = 'REDACTED'");
    seam_check_contains(t, file, "[\"a\",{\"redacted\":true}]");
    seam_check_contains(t, file, "Failing row contains (REDACTED).");
}

static void secret_copy(struct script *s)
{
    query(s, "CREATE TABLE users (id int4, password text, note text)");
    show(s, PQexec(s->conn, "COPY users (id, password, note) FROM STDIN"));
    PQputCopyData(s->conn, "1\tsixth-secret\tx\n2\t\\N\ty\n", 24);
    PQputCopyEnd(s->conn, NULL);
    show_all(s);
}

SEAM_TEST(secrets_in_data_of_copy)
{
    const char *file = record_and_replay(t, &(struct trial){ .run = secret_copy });

    seam_check_contains(t, file, "\"copy_in\":\"1\\tREDACTED\\tx\\n2\\tREDACTED\\ty\\n\"");
}

/* ---- two rounds of a test's own, in one file */

struct rounds {
    const char *file, *conninfo;
    void (*run)(seam_t *t, seam_pg_mock *db);
    const char *redact[2], *origin;
    int mode;
};

static void one_round(seam_t *t, void *arg)
{
    const struct rounds *rounds = arg;

    rounds->run(t, seam_pg_mock_record(t, rounds->conninfo, rounds->file, .mode = rounds->mode,
                                       .redact = { rounds->redact[0], rounds->redact[1] },
                                       .origin = rounds->origin));
}

static const char *run_rounds(seam_t *t, struct rounds rounds)
{
    static const char *const names[] = {
        [SEAM_PG_RECORD] = "record", [SEAM_PG_REPLAY] = "replay", [SEAM_PG_VERIFY] = "verify"
    };
    static const int modes[] = { SEAM_PG_RECORD, SEAM_PG_REPLAY };

    rounds.file = seam_format(t, "%s/x.jsonl", seam_tempdir(t));
    if (!rounds.conninfo)
        rounds.conninfo = seam_postgres_conninfo(seam_postgres_start(t));
    for (size_t i = 0; i < 2; i++) {
        rounds.mode = modes[i];
        seam_require(t, seam_run(t, names[modes[i]], one_round, &rounds));
    }
    return seam_read_file(t, rounds.file, NULL);
}

static void ask_masked(seam_t *t, seam_pg_mock *db)
{
    PGconn *conn = dial(t, seam_pg_mock_conninfo(db));
    const char *value[] = { seam_format(t, "%p", (void *)conn) };
    PGresult *result = PQexecParams(conn, "SELECT now() AS at, 7 AS n WHERE $1 <> ''", 1, NULL,
                                    value, NULL, NULL, 0);

    seam_check_eq(t, PQcmdStatus(result), "SELECT 1");
    seam_check_match(t, PQgetvalue(result, 0, 0),
                     "^20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d");
    PQclear(result);
    result = PQexecParams(conn, "SELECT now() AS at", 0, NULL, NULL, NULL, NULL, 1);
    seam_check_eq(t, PQgetlength(result, 0, 0), 8);
    PQclear(result);
}

SEAM_TEST(what_is_redacted_is_replayed_as_a_value_of_its_type)
{
    const char *file =
        run_rounds(t, (struct rounds){ .run = ask_masked, .redact = { "column at", "arg 1" } });

    seam_check_contains(t, file, "\"args\":[{\"redacted\":true}]");
    seam_check_contains(t, file, "\"rows\":[[{\"redacted\":true},\"7\"]]");
}

/* ---- programs that tests start */

static void run_psql(seam_t *t, seam_pg_mock *db)
{
    seam_process *psql =
        seam_spawn(t, .argv = { "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c",
                                "CREATE TABLE c (id int4, t text)", "-c", "BEGIN", "-c",
                                "INSERT INTO c VALUES (1, 'one'), (2, NULL)", "-c",
                                "SELECT * FROM c", "-c", "COPY c TO STDOUT", "-c", "COMMIT",
                                "postgres://ada@db.prod:5433/app" });

    (void)db;
    seam_check_eq(t, seam_process_wait(psql, 10000), 0);
    seam_check_eq(t, seam_process_output(psql),
                  "CREATE TABLE\nBEGIN\nINSERT 0 2\n1|one\n2|\n1\tone\n2\t\\N\nCOMMIT\n");
}

SEAM_TEST(psql_at_an_origin)
{
    run_rounds(t, (struct rounds){ .run = run_psql, .origin = "postgres://db.prod:5433/app" });
}

static void run_pgbench(seam_t *t, seam_pg_mock *db)
{
    const char *script = seam_format(t, "%s/script.sql", seam_tempdir(t));
    seam_process *pgbench;

    seam_write_file(t, script, "\\set n 5\nSELECT abs(:n);\nSELECT :n + 1;\n", 38);
    pgbench = seam_spawn(t, .argv = { "pgbench", "-n", "-M", "prepared", "-t", "3", "-f",
                                      script, seam_pg_mock_url(db) });
    seam_check_eq(t, seam_process_wait(pgbench, 20000), 0);
    seam_check_contains(t, seam_process_output(pgbench),
                        "number of transactions actually processed: 3/3");
}

SEAM_TEST(pgbench_with_prepared_statements)
{
    run_rounds(t, (struct rounds){ .run = run_pgbench });
}

/* ---- the real server asks for a password */

static void select_one(seam_t *t, seam_pg_mock *db)
{
    PGconn *conn = dial(t, seam_pg_mock_conninfo(db));
    PGresult *result = PQexec(conn, "SELECT 1 AS one");

    seam_check_eq(t, PQcmdStatus(result), "SELECT 1");
    PQclear(result);
}

SEAM_TEST(a_server_that_asks_for_md5)
{
    seam_postgres *pg = seam_postgres_start(t, .settings = { "password_encryption=md5" });

    run_rounds(t, (struct rounds){ .run = select_one, .conninfo = seam_postgres_url(pg) });
}

SEAM_TEST(a_server_that_asks_for_scram)
{
    seam_postgres *pg = seam_postgres_start(
        t, .private_server = true, .settings = { "password_encryption=scram-sha-256" });
    const char *conninfo =
        seam_format(t, "host=127.0.0.1 port=%d user=bob password='s3cret \\'word' dbname=%s",
                    seam_postgres_port(pg), seam_postgres_database(pg));
    const char *file;

    seam_postgres_exec(pg, "CREATE ROLE bob LOGIN PASSWORD 's3cret ''word'");
    file = run_rounds(t, (struct rounds){ .run = select_one, .conninfo = conninfo });
    seam_check(t, !strstr(file, "s3cret"));
}

/* ---- cancelling */

/* Until the server says something. */
static void wait_to_read(PGconn *conn)
{
    struct pollfd wanted = { .fd = PQsocket(conn), .events = POLLIN };

    poll(&wanted, 1, 10000);
}

static void cancel_it(seam_t *t, seam_pg_mock *db)
{
    PGconn *conn = dial(t, seam_pg_mock_conninfo(db));
    PGcancel *cancel = PQgetCancel(conn);
    char words[256];
    PGresult *result;

    seam_require(
        t, PQsendQuery(conn, "DO $$ BEGIN RAISE WARNING 'on'; PERFORM pg_sleep(60); END $$"));
    wait_to_read(conn);
    seam_check(t, PQcancel(cancel, words, sizeof words));
    PQfreeCancel(cancel);
    result = PQgetResult(conn);
    seam_check_eq(t, PQresultErrorField(result, PG_DIAG_SQLSTATE), "57014");
    PQclear(result);
    while ((result = PQgetResult(conn)))
        PQclear(result);
    result = PQexec(conn, "SELECT 1 AS one");
    seam_check_eq(t, PQcmdStatus(result), "SELECT 1");
    PQclear(result);
}

SEAM_TEST(a_statement_that_is_cancelled)
{
    run_rounds(t, (struct rounds){ .run = cancel_it });
}

/* ---- a session that is ended */

static void end_it(seam_t *t, seam_pg_mock *db)
{
    PGconn *conn = dial(t, seam_pg_mock_conninfo(db));
    PGresult *result = PQexec(conn, "SELECT pg_backend_pid() AS pid");
    const char *pid[] = { seam_format(t, "%s", PQgetvalue(result, 0, 0)) };

    PQclear(result);
    result = PQexecParams(dial(t, seam_pg_mock_conninfo(db)), "SELECT pg_terminate_backend($1)",
                          1, NULL, pid, NULL, NULL, 0);
    seam_check_eq(t, PQcmdStatus(result), "SELECT 1");
    PQclear(result);
    wait_to_read(conn);
    result = PQexec(conn, "SELECT 1");
    seam_check_contains(t, PQerrorMessage(conn), "terminating connection due to");
    seam_check_eq(t, PQstatus(conn), CONNECTION_BAD);
    PQclear(result);
}

SEAM_TEST(a_session_that_the_server_ends)
{
    run_rounds(t, (struct rounds){ .run = end_it });
}

/* ---- much, both ways */

static void copy_much(seam_t *t, seam_pg_mock *db)
{
    enum { ROWS = 100000 };
    static const char row[] = "1\tabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\n";
    PGconn *conn = dial(t, seam_pg_mock_conninfo(db));
    PGresult *result;
    char *line;
    int rows = 0;

    PQclear(PQexec(conn, "CREATE TABLE c (id int4, t text)"));
    PQclear(PQexec(conn, "COPY c FROM STDIN"));
    for (int i = 0; i < ROWS; i++)
        seam_require_eq(t, PQputCopyData(conn, row, sizeof row - 1), 1);
    seam_require_eq(t, PQputCopyEnd(conn, NULL), 1);
    result = PQgetResult(conn);
    seam_check_eq(t, PQcmdStatus(result), "COPY 100000");
    PQclear(result);
    PQclear(PQgetResult(conn));
    PQclear(PQexec(conn, "COPY c TO STDOUT"));
    while (PQgetCopyData(conn, &line, 0) > 0) {
        rows++;
        PQfreemem(line);
    }
    seam_check_eq(t, rows, ROWS);
}

SEAM_TEST(copy_of_megabytes)
{
    run_rounds(t, (struct rounds){ .run = copy_much });
}

/* ---- sessions at the same time */

enum { THREADS = 4, TURNS = 20 };

struct worker {
    const char *conninfo;
    int number;
    bool ok;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    PGconn *conn = PQconnectdb(worker->conninfo);
    char number[16];
    const char *value[] = { number };

    worker->ok = PQstatus(conn) == CONNECTION_OK;
    PQclear(PQexec(conn, "BEGIN"));
    for (int i = 0; i < TURNS && worker->ok; i++) {
        PGresult *result;

        snprintf(number, sizeof number, "%d", worker->number * 1000 + i);
        result = PQexecParams(conn, "SELECT $1::int4 AS n", 1, NULL, value, NULL, NULL, 0);
        worker->ok = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), number) == 0;
        PQclear(result);
    }
    PQclear(PQexec(conn, "COMMIT"));
    PQfinish(conn);
    return NULL;
}

static void work_at_once(seam_t *t, seam_pg_mock *db)
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ seam_pg_mock_conninfo(db), i, false };
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        seam_check(t, workers[i].ok);
    }
}

SEAM_TEST(sessions_of_threads_that_begin_alike)
{
    run_rounds(t, (struct rounds){ .run = work_at_once });
}

/* pg/mock/mock_programs_test.c - PostgreSQL's own programs, as they are, against a double. */

#include "mock_test.h"

#include <seam/spawn.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "postgres://db.prod:5433/app"

/* ---- psql */

static const char script[] = "\\set id 7\n"
                             "SET application_name = 'script';\n"
                             "SELECT name FROM users WHERE id = :id \\gset\n"
                             "\\echo it is :name\n"
                             "BEGIN;\n"
                             "INSERT INTO users VALUES (8, 'bob')\n"
                             "    RETURNING id;\n"
                             "INSERT INTO users VALUES (8, 'bob');\n"
                             "SELECT 1;\n"
                             "COMMIT;\n"
                             "\\copy users FROM STDIN\n"
                             "9\tcarl\n"
                             "10\tdora\n"
                             "\\.\n"
                             "COPY users TO STDOUT;\n"
                             "PREPARE p AS SELECT name FROM users WHERE id = $1;\n"
                             "EXECUTE p(9);\n"
                             "SELECT a \\; SELECT b;\n"
                             "DROP TABLE users;\n"
                             "SELECT * FROM users;\n";

static const char output[] =
    "SET\n"
    "it is ada\n"
    "BEGIN\n"
    "8\n"
    "INSERT 0 1\n"
    "psql:script.sql:8: ERROR:  duplicate key value violates unique constraint \"users_pkey\"\n"
    "DETAIL:  Key (id)=(8) already exists.\n"
    "psql:script.sql:9: ERROR:  current transaction is aborted, commands ignored until end of "
    "transaction block\n"
    "ROLLBACK\n"
    "COPY 2\n"
    "9\tcarl\n"
    "PREPARE\n"
    "carl\n"
    "1\n"
    "2\n"
    "psql:script.sql:19: NOTICE:  drop cascades to view adults\n"
    "DROP TABLE\n"
    "psql:script.sql:20: ERROR:  relation \"users\" does not exist\n"
    "LINE 1: SELECT * FROM users;\n"
    "                      ^\n";

static void expect_script(seam_pg_mock *db)
{
    seam_pg_expect(db, .sql = "SELECT name FROM users WHERE id = 7", .columns = "name text",
                   .rows = { { SEAM_V("ada") } });
    seam_pg_expect(db, .sql = "INSERT INTO users VALUES (8, 'bob') RETURNING id",
                   .columns = "id int8", .rows = { { SEAM_V(8) } });
    seam_pg_expect(db, .sql = "INSERT INTO users VALUES (8, 'bob')",
                   .error =
                       SEAM_PG_UNIQUE_VIOLATION(.table = "users", .constraint = "users_pkey",
                                                .detail = "Key (id)=(8) already exists."));
    seam_pg_expect(db, .sql_regex = "^COPY +users FROM STDIN",
                   .copy_in = "9\tcarl\n10\tdora\n");
    seam_pg_expect(db, .sql = "COPY users TO STDOUT", .copy_out = "9\tcarl\n");
    seam_pg_expect(db, .sql = "SELECT name FROM users WHERE id = $1", .args = { SEAM_V(9) },
                   .columns = "name text", .rows = { { SEAM_V("carl") } });
    seam_pg_expect(db, .sql = "SELECT a", .columns = "a int4", .rows = { { SEAM_V(1) } });
    seam_pg_expect(db, .sql = "SELECT b", .columns = "b int4", .rows = { { SEAM_V(2) } });
    seam_pg_expect(db, .sql = "DROP TABLE users", .tag = "DROP TABLE",
                   .notices = { { .message = "drop cascades to view adults" } });
    seam_pg_expect(db, .sql = "SELECT * FROM users",
                   .error = SEAM_PG_ERROR("42P01", .position = 15,
                                          .message = "relation \"users\" does not exist"));
}

SEAM_TEST(psql_runs_a_file)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .origin = ORIGIN);
    const char *folder = seam_tempdir(t);
    seam_process *psql;

    seam_write_file(t, seam_path(t, "%s/script.sql", folder), script, strlen(script));
    expect_script(db);
    psql = seam_spawn(t, .argv = { "psql", "-X", "-A", "-t", "-f", "script.sql", ORIGIN },
                      .env = { "PGUSER=ada" }, .cwd = folder);
    seam_check_eq(t, seam_process_wait(psql, 10000), 0);
    seam_check_eq(t, seam_process_output(psql), output);
}

/* ---- pgbench: its three ways to send a statement */

static const char transaction[] = "\\set id random(1, 100000)\n"
                                  "BEGIN;\n"
                                  "UPDATE accounts SET n = n + 1 WHERE id = :id;\n"
                                  "SELECT n FROM accounts WHERE id = :id \\gset\n"
                                  "INSERT INTO history VALUES (:id, :n);\n"
                                  "END;\n";

static void run_pgbench(seam_t *t, void *arg)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .origin = ORIGIN);
    const char *folder = seam_tempdir(t), *mode = arg;
    seam_process *pgbench;

    seam_pg_unordered(db);
    seam_write_file(t, seam_path(t, "%s/tx.sql", folder), transaction, strlen(transaction));
    seam_pg_expect(db, .sql_regex = "^UPDATE accounts", .tag = "UPDATE 1", .times = 40);
    seam_pg_expect(db, .sql_regex = "^SELECT n", .columns = "n int4", .rows = { { SEAM_V(5) } },
                   .times = 40);
    seam_pg_expect(db, .sql_regex = "^INSERT INTO history", .tag = "INSERT 0 1", .times = 40);
    pgbench = seam_spawn(t,
                         .argv = { "pgbench", "-n", "-M", mode, "-c", "4", "-j", "2", "-t",
                                   "10", "-f", "tx.sql", ORIGIN },
                         .env = { "PGUSER=ada" }, .cwd = folder);
    seam_check_eq(t, seam_process_wait(pgbench, 20000), 0);
    seam_check_contains(t, seam_process_output(pgbench),
                        "number of transactions actually processed: 40/40\n"
                        "number of failed transactions: 0 (0.000%)");
}

SEAM_TEST(pgbench_runs_a_custom_script)
{
    static const char *const modes[] = { "simple", "extended", "prepared" };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        seam_run(t, modes[i], run_pgbench, (void *)modes[i]);
}

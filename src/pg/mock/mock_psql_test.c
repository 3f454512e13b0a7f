/* pg/mock/mock_psql_test.c - psql as it comes: its own commands, COPY, and TLS with the name of the server. */

#include "mock_test.h"

#include <seam/spawn.h>
#include <stdio.h>

static const char *write_script(seam_t *t, const char *text)
{
    const char *path = seam_format(t, "%s/script.sql", seam_tempdir(t));
    FILE *file = fopen(path, "w");

    seam_require(t, file != NULL);
    fputs(text, file);
    seam_require_ok(t, fclose(file));
    return path;
}

SEAM_TEST(psql_runs_a_script)
{
    seam_pg_mock *db = seam_pg_mock_start(t, .origin = "postgres://db.prod:5433/app");
    seam_process *psql;

    seam_pg_expect(db, .sql = "SELECT id, name FROM users", .columns = "id int8, name text",
                   .rows = { { SEAM_V(1), SEAM_V("ada") } });
    seam_pg_expect(db, .sql = "COPY users TO STDOUT", .copy_out = "1\tada\n");
    psql = seam_spawn(t, .argv = { "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c",
                                   "BEGIN", "-c", "SELECT id, name FROM users", "-c",
                                   "COPY users TO STDOUT", "-c", "COMMIT",
                                   "postgres://ada@db.prod:5433/app" });
    seam_check_eq(t, seam_process_wait(psql, 10000), 0);
    seam_check_eq(t, seam_process_output(psql), "BEGIN\n1|ada\n1\tada\nCOMMIT\n");
}

SEAM_TEST(psql_and_its_own_commands)
{
    const char *script = write_script(t, "\\set id 7\n"
                                         "SELECT name FROM users WHERE id = :id \\gset\n"
                                         "\\echo :name\n"
                                         "\\copy users FROM STDIN\n1\tada\n\\.\n"
                                         "\\copy users TO STDOUT\n"
                                         "SELECT 'DELETE FROM a' \\gexec\n"
                                         "PREPARE p AS SELECT $1::int;\n"
                                         "EXECUTE p(3);\n"
                                         "INSERT INTO a VALUES (1);\n"
                                         "\\set AUTOCOMMIT off\n"
                                         "UPDATE a SET b = 1;\n"
                                         "COMMIT;\n"
                                         "\\conninfo\n");
    seam_pg_mock *db = seam_pg_mock_start(t, .origin = "postgres://db.prod:5432/app");
    seam_process *psql;

    seam_pg_expect(db, .sql = "SELECT name FROM users WHERE id = 7", .columns = "name text",
                   .rows = { { SEAM_V("ada") } });
    seam_pg_expect(db, .sql = "COPY users FROM STDIN", .copy_in = "1\tada\n");
    seam_pg_expect(db, .sql = "COPY users TO STDOUT", .copy_out = "1\tada\n");
    seam_pg_expect(db, .sql = "SELECT 'DELETE FROM a'", .columns = "s text",
                   .rows = { { SEAM_V("DELETE FROM a") } });
    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 4");
    seam_pg_expect(db, .sql = "SELECT $1::int", .args = { SEAM_V(3) }, .columns = "n int4",
                   .rows = { { SEAM_V(3) } });
    seam_pg_expect(db, .sql = "INSERT INTO a VALUES (1)",
                   .error =
                       SEAM_PG_FOREIGN_KEY_VIOLATION(.table = "a", .constraint = "a_b_fkey"));
    seam_pg_expect(db, .event = SEAM_PG_BEGIN);
    seam_pg_expect(db, .sql = "UPDATE a SET b = 1", .tag = "UPDATE 2");
    seam_pg_expect(db, .event = SEAM_PG_COMMIT);
    psql = seam_spawn(t, .argv = { "psql", "-X", "-A", "-t", "-f", script,
                                   "host=db.prod dbname=app user=ada" });
    seam_check_eq(t, seam_process_wait(psql, 10000), 0);
    seam_check_match(
        t, seam_process_output(psql),
        "^ada\nCOPY 1\n1\tada\nDELETE 4\nPREPARE\n3\npsql:.*:11: ERROR:  insert or "
        "update on table \"a\" violates foreign key constraint "
        "\"a_b_fkey\"\nUPDATE 2\nCOMMIT\nYou are connected to database \"app\" "
        "as user \"ada\" on host \"db.prod\" .*\n$");
}

SEAM_TEST(psql_verifies_the_name_of_the_server)
{
    seam_pg_mock *db =
        seam_pg_mock_start(t, .origin = "postgres://db.prod/app", .tls = true,
                           .auth = SEAM_PG_SCRAM, .user = "ada", .password = "s3cret");
    seam_process *psql;

    seam_pg_expect(db, .sql = "DELETE FROM a", .tag = "DELETE 1");
    psql = seam_spawn(t, .argv = { "psql", "-X", "-c", "DELETE FROM a",
                                   "host=db.prod dbname=app user=ada password=s3cret "
                                   "sslmode=verify-full" });
    seam_check_eq(t, seam_process_wait(psql, 10000), 0);
    seam_check_eq(t, seam_process_output(psql), "DELETE 1\n");
}

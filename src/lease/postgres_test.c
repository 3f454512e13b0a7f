/* lease/postgres_test.c - databases of a real PostgreSQL server, one for each test. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c ../test/*.c
//seam:pkg-config libpq

#include <libpq-fe.h>
#include <seam/postgres.h>

#include <signal.h>
#include <string.h>

SEAM_FILE(.tags = "integration");
SEAM_CLEANUP_FN(finish, PQfinish, PGconn *);

enum { ROUNDS = 6, CRASH_MAX_MS = 20000 };

static PGconn *connect_to(seam_t *t, const char *conninfo)
{
    PGconn *connection = PQconnectdb(conninfo);

    seam_cleanup(t, finish, connection);
    if (PQstatus(connection) != CONNECTION_OK)
        seam_fatal(t, "%s", PQerrorMessage(connection));
    return connection;
}

/* Each round finds what the migrations made, and destroys it. */
SEAM_TEST(postgres_database_is_fresh_and_migrated_each_time)
{
    for (int i = 0; i < ROUNDS; i++) {
        seam_postgres *pg = seam_postgres_start(t, .migrations = "testdata/migrations");

        seam_scope(t, "round %d", i);
        seam_check_str(
            t,
            seam_postgres_value(pg, "SELECT string_agg(name, ',' ORDER BY id) FROM customers"),
            "it's; fine,ada,grace");
        seam_check_str(t, seam_postgres_value(pg, "SELECT motto()"), "a;b");
        seam_check_str(t, seam_postgres_value(pg, "SELECT id FROM visits"), "7");
        seam_check_str(
            t,
            seam_postgres_value(pg, "SELECT count(*) FROM pg_indexes WHERE indexname = '%s'",
                                "customers_by_name"),
            "1");
        seam_postgres_exec(pg, "DROP TABLE customers, visits; CREATE TABLE mine (round int)");
    }
}

SEAM_TEST(postgres_seed_comes_after_the_migrations)
{
    seam_postgres *pg = seam_postgres_start(t, .migrations = "testdata/migrations",
                                            .seed = "testdata/seed.sql");

    seam_check_str(t, seam_postgres_value(pg, "SELECT max(id) FROM customers"), "4");
}

SEAM_TEST(postgres_is_reached_by_conninfo_and_by_url)
{
    seam_postgres *pg = seam_postgres_start(t);
    PGconn *by_socket = connect_to(t, seam_postgres_conninfo(pg));
    PGconn *by_tcp = connect_to(t, seam_postgres_url(pg));

    seam_check_str(t, PQdb(by_socket), seam_postgres_database(pg));
    seam_check_str(t, PQdb(by_tcp), seam_postgres_database(pg));
    seam_check_str(t, PQhost(by_tcp), seam_postgres_host(pg));
    seam_check_str(t, PQuser(by_tcp), seam_postgres_user(pg));
    seam_check_contains(t, seam_postgres_database(pg), "postgres_is_reached");
}

SEAM_TEST(postgres_tcp_asks_for_the_password)
{
    seam_postgres *pg = seam_postgres_start(t);
    const char *without =
        seam_format(t, "host=127.0.0.1 port=%d dbname=%s user=postgres password=no",
                    seam_postgres_port(pg), seam_postgres_database(pg));
    PGconn *connection = PQconnectdb(without);

    seam_cleanup(t, finish, connection);
    seam_check_eq(t, PQstatus(connection), CONNECTION_BAD);
    seam_check_contains(t, PQerrorMessage(connection), "password authentication failed");
}

SEAM_TEST(postgres_settings_make_another_server)
{
    seam_postgres *usual = seam_postgres_start(t);
    seam_postgres *logical =
        seam_postgres_start(t, .settings = { "wal_level=logical", "max_wal_senders=3" });

    seam_check_str(t, seam_postgres_value(usual, "SHOW wal_level"), "minimal");
    seam_check_str(t, seam_postgres_value(logical, "SHOW wal_level"), "logical");
    seam_check_ne(t, seam_postgres_port(usual), seam_postgres_port(logical));
}

SEAM_TEST(postgres_private_server_stops_and_starts_with_its_data)
{
    seam_postgres *pg = seam_postgres_start(t, .private_server = true);
    PGconn *connection = connect_to(t, seam_postgres_conninfo(pg));

    seam_postgres_exec(pg, "CREATE TABLE kept AS SELECT 5 AS v");
    seam_postgres_stop(pg);
    PQclear(PQexec(connection, "SELECT 1"));
    seam_check_eq(t, PQstatus(connection), CONNECTION_BAD);
    PQreset(connection);
    seam_check_eq(t, PQstatus(connection), CONNECTION_BAD);
    seam_postgres_restart(pg);
    PQreset(connection);
    seam_check_eq(t, PQstatus(connection), CONNECTION_OK);
    seam_check_str(t, seam_postgres_value(pg, "SELECT v FROM kept"), "5");
}

SEAM_TEST(postgres_paused_server_does_not_answer_until_it_goes_on)
{
    seam_postgres *pg = seam_postgres_start(t, .private_server = true);
    PGconn *connection = connect_to(t, seam_postgres_conninfo(pg));

    seam_postgres_pause(pg);
    seam_require_eq(t, PQsendQuery(connection, "SELECT 1"), 1);
    seam_check_eq(t, PQisBusy(connection), 1);
    seam_postgres_resume(pg);
    while (PQisBusy(connection))
        seam_require_eq(t, PQconsumeInput(connection), 1);
    seam_check_str(t, seam_postgres_value(pg, "SELECT 2"), "2");
}

/* A server of which a back end is killed ends all sessions and recovers from its log. Returns when it has
 * begun to. */
static void crash(seam_t *t, seam_postgres *pg)
{
    PGconn *victim = connect_to(t, seam_postgres_conninfo(pg));
    PGconn *witness = connect_to(t, seam_postgres_conninfo(pg));

    seam_require_ok(t, kill(PQbackendPID(victim), SIGKILL));
    while (PQstatus(witness) == CONNECTION_OK) /* its farewell may come before the end */
        PQclear(PQexec(witness, "SELECT pg_sleep(60)"));
}

static bool is_up(void *conninfo)
{
    return PQping(conninfo) == PQPING_OK;
}

/* The server's own clone is the first; the others are made behind its back. Settings that no other test
 * has give this one a server whose crash disturbs nobody. */
SEAM_TEST(postgres_clones_outlive_a_crash_of_the_server)
{
    enum { CLONES = 4 };
    seam_postgres *clones[CLONES];

    for (int i = 0; i < CLONES; i++) {
        clones[i] = seam_postgres_start(t, .migrations = "testdata/migrations",
                                        .settings = { "work_mem=5MB" });
        seam_postgres_exec(clones[i],
                           "SET LOCAL synchronous_commit = on;"
                           "INSERT INTO customers (name) VALUES ('clone %d')",
                           i);
    }
    crash(t, clones[0]);
    seam_require_eventually(t, CRASH_MAX_MS, is_up, (void *)seam_postgres_conninfo(clones[0]));
    for (int i = 0; i < CLONES; i++) {
        PGconn *connection = connect_to(t, seam_postgres_conninfo(clones[i]));
        PGresult *found = PQexec(
            connection, "SELECT string_agg(name, ',' ORDER BY id) || motto() FROM customers");

        seam_scope(t, "clone %d", i);
        seam_check_str(t, PQgetvalue(found, 0, 0),
                       seam_format(t, "it's; fine,ada,grace,clone %da;b", i));
        PQclear(found);
    }
    seam_check_str(
        t,
        seam_postgres_value(seam_postgres_start(t, .migrations = "testdata/migrations",
                                                .settings = { "work_mem=5MB" }),
                            "SELECT count(*) FROM customers"),
        "3");
}

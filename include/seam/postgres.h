/*
 * seam/postgres.h - a PostgreSQL database for a test.
 *
 *     #include <libpq-fe.h>
 *     #include <seam/postgres.h>
 *
 *     SEAM_CLEANUP_FN(finish, PQfinish, PGconn *)
 *     SEAM_TEST(order_is_found_again, .tags = "integration")
 *     {
 *         seam_postgres *pg = seam_postgres_start(t, .migrations = "migrations");
 *         PGconn *connection = PQconnectdb(seam_postgres_conninfo(pg));
 *
 *         seam_cleanup(t, finish, connection);
 *         seam_require_eq(t, PQstatus(connection), CONNECTION_OK);
 *         ...
 *         seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM orders"), "1");
 *     }
 *
 * The server is a real one, started by the runner when the first test asks and shared by all tests
 * of the run that want the same; each gets a database of its own in it, cloned from a template that
 * was migrated once. What a test does to its database no other test can see. What concerns the whole
 * server they share: roles, ALTER SYSTEM, the number of connections. A test that needs those to
 * itself asks for .private_server, which takes some 60 ms.
 *
 * Durability is off (fsync, synchronous_commit): a test cannot tell, and it is faster. Locale and
 * encoding are C and UTF8.
 *
 * Nothing is to be closed or dropped: when the test ends, however it ends, its database is released;
 * the server ends with the run. Under `-keep` the database of a failed test stays and the report
 * shows the `psql` line for it.
 *
 * Where there is no PostgreSQL the test is skipped with the reason and the command that mends it;
 * under `-no-skip` it fails. The same goes for a program that runs without `seam`.
 *
 * Ownership: the handle and all strings belong to the (sub)test. Strings passed in are copied.
 *
 * Threads: only the thread that runs the (sub)test may call these; any thread may use the database.
 * In a child that the test forks the handle is of no use, the addresses are.
 */
#ifndef SEAM_POSTGRES_H
#define SEAM_POSTGRES_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

enum { SEAM_POSTGRES_SETTINGS = 16 };

typedef struct seam_postgres seam_postgres;

/* What database is wanted; zero is the default of each field. Relative paths start at the folder of
 * the test's source file. */
typedef struct seam_postgres_options {
    const char *version SEAM_0; /* major version, such as "15"; NULL: the newest that is here */

    /* A folder: its *.sql files are run in the order of their names, but no *.down.sql. Each file is one
     * transaction, unless a line of it is "-- seam: no-transaction". */
    const char *migrations SEAM_0;
    const char *seed SEAM_0; /* a file of SQL, run after them */

    bool private_server SEAM_0; /* a server of this test's own, that it may stop and pause */

    /* "name=value", as in postgresql.conf; NULL ends the list. Tests with equal settings share a server. */
    const char *settings[SEAM_POSTGRES_SETTINGS] SEAM_0;

    const char *config SEAM_0; /* a file of settings, as postgresql.conf; .settings come behind it and win */
    bool tls SEAM_0; /* conninfo and url ask for TLS; the certificate is of the run's CA (seam_postgres_ca_file) */

    /* In a container, of this image, such as "postgis/postgis:16-3.4"; NULL: "postgres:<version>" where a container
     * is used. The image's environment ("POSTGRES_DB=shop"), and a folder whose *.sql, *.sql.gz and *.sh files it runs
     * at its first start. Each of these asks for a container; with .init or POSTGRES_DB each test gets a clone of the
     * database that the scripts have filled. */
    const char *image SEAM_0;
    const char *env[SEAM_POSTGRES_SETTINGS] SEAM_0;
    const char *init SEAM_0;

    seam_site site SEAM_0; /* set for you */
} seam_postgres_options;

/* Get a database, ready and migrated. Ends the test when it cannot: an error in a migration is shown
 * with file, line, SQLSTATE and statement. A test may ask several times. */
#define seam_postgres_start(...) seam_postgres_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_postgres_start_(t, ...) \
    seam_postgres_start_at((t), SEAM_NEW(seam_postgres_options, __VA_ARGS__))
seam_postgres *seam_postgres_start_at(seam_t *t, SEAM_REF(seam_postgres_options) options);

/* How to reach it. conninfo is for libpq and goes through a unix socket; url is for everything else
 * and goes through TCP on 127.0.0.1, where the server asks for the password. */
const char *seam_postgres_conninfo(const seam_postgres *pg);
const char *seam_postgres_url(const seam_postgres *pg);
const char *seam_postgres_host(const seam_postgres *pg); /* "127.0.0.1" */
int         seam_postgres_port(const seam_postgres *pg);
const char *seam_postgres_database(const seam_postgres *pg);
const char *seam_postgres_user(const seam_postgres *pg);
const char *seam_postgres_password(const seam_postgres *pg);
const char *seam_postgres_version(const seam_postgres *pg); /* of the server: "15.20" */
const char *seam_postgres_ca_file(const seam_postgres *pg); /* ends the test without .tls */

/* Run SQL, printf-like; several statements are one transaction. Rows are thrown away. An error ends
 * the test. Values are put in as text: quote them (or use your own connection). */
#define seam_postgres_exec(pg, ...) seam_postgres_exec_at((pg), SEAM_HERE, __VA_ARGS__)
void seam_postgres_exec_at(seam_postgres *pg, seam_site at, const char *format, ...) SEAM_PRINTF(3, 4);

/* The one column of the one row that a query, printf-like, returns, as text. Ends the test when it is
 * NULL, when there is no row, and when there are more: say coalesce or count for what may be. */
#define seam_postgres_value(pg, ...) seam_postgres_value_at((pg), SEAM_HERE, __VA_ARGS__)
const char *seam_postgres_value_at(seam_postgres *pg, seam_site at, const char *format, ...)
    SEAM_PRINTF(3, 4);

/* Remember what the database holds, and bring that back, as often as wanted; a second snapshot replaces the first.
 * Both cut all connections to the database, those of the code under test as well. */
#define seam_postgres_snapshot(pg) seam_postgres_snapshot_at((pg), SEAM_HERE)
#define seam_postgres_restore(pg) seam_postgres_restore_at((pg), SEAM_HERE)
void seam_postgres_snapshot_at(seam_postgres *pg, seam_site at);
void seam_postgres_restore_at(seam_postgres *pg, seam_site at);

/*
 * For tests of failures; they need .private_server and end the test without.
 *
 *   stop      shut down as an administrator would: sessions are cut, then nobody answers
 *   restart   the same server again, with the same data and addresses; nothing when it runs
 *   pause     freeze all its processes: connections stay, nothing answers
 *   resume    let them go on
 *
 * Each returns when it is so.
 */
#define seam_postgres_stop(pg) seam_postgres_stop_at((pg), SEAM_HERE)
#define seam_postgres_restart(pg) seam_postgres_restart_at((pg), SEAM_HERE)
#define seam_postgres_pause(pg) seam_postgres_pause_at((pg), SEAM_HERE)
#define seam_postgres_resume(pg) seam_postgres_resume_at((pg), SEAM_HERE)
void seam_postgres_stop_at(seam_postgres *pg, seam_site at);
void seam_postgres_restart_at(seam_postgres *pg, seam_site at);
void seam_postgres_pause_at(seam_postgres *pg, seam_site at);
void seam_postgres_resume_at(seam_postgres *pg, seam_site at);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif

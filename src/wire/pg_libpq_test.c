/* wire/pg_libpq_test.c - libpq talks to the engine, over a socket of its own. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c ../lease/*.c ../test/*.c
//seam:pkg-config libpq

#include <libpq-fe.h>
#include <pthread.h>
#include <seam/seam.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/pg_owner_test.h"

SEAM_CLEANUP_FN(finish, PQfinish, PGconn *);

/* Serves one session after the other until it is stopped. */
struct host {
    struct pg_server_options options;
    int listener;
    pthread_t thread;
};

static struct host host; /* of the test: it outlives the test's function, as its thread does */

static bool answer_all(struct pg_server *server)
{
    struct pg_ask *ask;
    enum pg_server_step step;

    while ((step = pg_server_next(server, &ask)) == PG_SERVER_ASK)
        if (!owner_answer(server, ask))
            break;
    return step != PG_SERVER_END;
}

static bool send_ready(struct pg_server *server, int fd)
{
    struct buf *out = pg_server_out(server);
    size_t ready = pg_server_ready(server);
    bool sent = send(fd, buf_text(out), ready, MSG_NOSIGNAL) == (ssize_t)ready;

    buf_drop(out, ready);
    return sent;
}

static void serve_session(int fd)
{
    struct pg_server *server;
    char data[4096];
    bool goes_on = true;

    if (pg_server_new(&server, &host.options) < 0)
        return;
    while (goes_on) {
        ssize_t n = recv(fd, data, sizeof data, 0);

        if (n <= 0)
            break;
        pg_server_feed(server, data, (size_t)n);
        goes_on = answer_all(server);
        goes_on = send_ready(server, fd) && goes_on;
    }
    pg_server_free(server);
}

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(host.listener, NULL, NULL);

        if (fd < 0)
            return NULL;
        serve_session(fd);
        close(fd);
    }
}

static void stop(void *arg)
{
    (void)arg;
    shutdown(host.listener, SHUT_RDWR);
    pthread_join(host.thread, NULL);
    close(host.listener);
}

/* The folder that libpq takes as the host's name. */
static const char *start(seam_t *t)
{
    const char *folder = seam_tempdir(t);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", folder);
    host.options.version = "15.20";
    host.options.pid = 42;
    host.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    seam_require_eq(t, bind(host.listener, (struct sockaddr *)&address, sizeof address), 0);
    seam_require_eq(t, listen(host.listener, 8), 0);
    seam_require_eq(t, pthread_create(&host.thread, NULL, serve, NULL), 0);
    seam_cleanup(t, stop, NULL);
    return folder;
}

static PGconn *connect_as(seam_t *t, const char *folder, const char *rest)
{
    PGconn *connection = PQconnectdb(seam_format(t, "host=%s dbname=d %s", folder, rest));

    seam_cleanup(t, finish, connection);
    return connection;
}

SEAM_TEST(pg_libpq_runs_statements)
{
    PGconn *connection = connect_as(t, start(t), "user=u");
    const char *values[] = { "4", "x" };
    PGresult *result;

    seam_require_eq(t, PQstatus(connection), CONNECTION_OK);
    seam_check_eq(t, PQserverVersion(connection), 150020);
    seam_check_eq(t, PQbackendPID(connection), 42);
    result = PQexec(connection, "select 1");
    seam_check_str(t, PQgetvalue(result, 0, 0), "1");
    PQclear(result);
    result =
        PQexecParams(connection, "select $1::int, $2::text", 2, NULL, values, NULL, NULL, 0);
    seam_check_str(t, PQcmdStatus(result), "SELECT 1");
    seam_check_str(t, PQgetvalue(result, 0, 1), "x");
    PQclear(result);
    PQclear(PQprepare(connection, "p", "select generate_series(1,3)", 0, NULL));
    result = PQexecPrepared(connection, "p", 0, NULL, NULL, NULL, 1);
    seam_check_eq(t, PQntuples(result), 3);
    seam_check_mem(t, PQgetvalue(result, 2, 0), 4, "\0\0\0\3", 4);
    PQclear(result);
    result = PQexec(connection, "selct");
    seam_check_contains(t, PQresultErrorMessage(result), "LINE 1: selct");
    seam_check_str(t, PQresultErrorField(result, PG_DIAG_SQLSTATE), "42601");
    PQclear(result);
    PQclear(PQexec(connection, "begin"));
    seam_check_eq(t, PQtransactionStatus(connection), PQTRANS_INTRANS);
}

SEAM_TEST(pg_libpq_describes_a_portal_that_is_not_there)
{
    PGconn *connection = connect_as(t, start(t), "user=u");
    PGresult *result;

    PQclear(PQexec(connection, "begin"));
    result = PQdescribePortal(connection, "c");
    seam_check_str(t, PQresultErrorField(result, PG_DIAG_SQLSTATE), "34000");
    PQclear(result);
    seam_check_eq(t, PQtransactionStatus(connection), PQTRANS_INERROR);
}

SEAM_TEST(pg_libpq_sets_the_encoding)
{
    PGconn *connection = connect_as(t, start(t), "user=u client_encoding=latin1");

    seam_check_str(t, PQparameterStatus(connection, "client_encoding"), "LATIN1");
    seam_check_eq(t, PQsetClientEncoding(connection, "UTF8"), 0);
    seam_check_str(t, PQparameterStatus(connection, "client_encoding"), "UTF8");
    seam_check_eq(t, PQsetClientEncoding(connection, "nope"), -1);
}

SEAM_TEST(pg_libpq_asks_what_the_session_may_do)
{
    const char *folder = start(t);
    PGconn *connection;

    connection = connect_as(t, folder, "user=u target_session_attrs=read-only");
    seam_check_contains(t, PQerrorMessage(connection), "session is not read-only");
    connection = connect_as(t, folder, "user=u target_session_attrs=standby");
    seam_check_contains(t, PQerrorMessage(connection), "server is not in hot standby mode");
    connection = connect_as(t, folder, "user=u target_session_attrs=read-write");
    seam_check_eq(t, PQstatus(connection), CONNECTION_OK);
}

SEAM_TEST(pg_libpq_runs_a_pipeline)
{
    PGconn *connection = connect_as(t, start(t), "user=u");
    static const char *const sql[] = { "select 1", "selct", "select 2" };
    static const ExecStatusType want[] = { PGRES_TUPLES_OK, PGRES_FATAL_ERROR,
                                           PGRES_PIPELINE_ABORTED };

    seam_require_eq(t, PQenterPipelineMode(connection), 1);
    for (size_t i = 0; i < 3; i++)
        seam_check_eq(t, PQsendQueryParams(connection, sql[i], 0, NULL, NULL, NULL, NULL, 0),
                      1);
    seam_require_eq(t, PQpipelineSync(connection), 1);
    for (size_t i = 0; i < 3; i++) {
        PGresult *result = PQgetResult(connection);

        seam_check_eq(t, PQresultStatus(result), want[i]);
        PQclear(result);
        seam_check_null(t, PQgetResult(connection));
    }
}

SEAM_TEST(pg_libpq_copies)
{
    PGconn *connection = connect_as(t, start(t), "user=u");
    PGresult *result =
        PQexecParams(connection, "copy t from stdin", 0, NULL, NULL, NULL, NULL, 0);

    seam_require_eq(t, PQresultStatus(result), PGRES_COPY_IN);
    PQclear(result);
    seam_check_eq(t, PQputCopyData(connection, "1\tx\n2\ty\n", 8), 1);
    seam_check_eq(t, PQputCopyEnd(connection, NULL), 1);
    result = PQgetResult(connection);
    seam_check_str(t, PQcmdTuples(result), "2");
    PQclear(result);
    seam_check_null(t, PQgetResult(connection));
    result = PQexec(connection, "select 1");
    seam_check_eq(t, PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
}

struct login {
    const char *name;
    enum pg_server_auth auth;
    const char *conninfo;
    const char *want; /* NULL: it is let in */
};

static const struct login logins[] = {
    { "clear text", PG_AUTH_CLEARTEXT, "user=ada password=secret", NULL },
    { "clear text with a wrong password", PG_AUTH_CLEARTEXT, "user=ada password=no",
      "password authentication failed for user \"ada\"" },
    { "clear text with a wrong user", PG_AUTH_CLEARTEXT, "user=bob password=secret",
      "password authentication failed for user \"bob\"" },
};

static void log_in(seam_t *t, void *arg)
{
    const struct login *login = arg;
    PGconn *connection;

    host.options =
        (struct pg_server_options){ .auth = login->auth, .user = "ada", .password = "secret" };
    connection = connect_as(t, start(t), login->conninfo);
    seam_check_eq(t, PQstatus(connection), login->want ? CONNECTION_BAD : CONNECTION_OK);
    if (login->want)
        seam_check_contains(t, PQerrorMessage(connection), login->want);
}

SEAM_TEST(pg_libpq_logs_in)
{
    for (size_t i = 0; i < sizeof logins / sizeof *logins; i++)
        seam_run(t, logins[i].name, log_in, (void *)&logins[i]);
}

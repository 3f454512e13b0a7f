/* ordersd/ordersd_test.c - the whole daemon, as a process, with a real database. The flow is in order_flow_test.c. */

//seam:build integration
//seam:program ordersd *.c ../order/*.c ../service/*.c ../repository/*.c ../payment/*.c ../broker/*.c ../front/*.c

#define _POSIX_C_SOURCE 200809L

#include <seam/http_mock.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ordersd/daemon_test.h"

/* Whether the provider has charged is not known, and then the daemon dies. */
SEAM_TEST(order_of_a_crash_is_settled_by_the_next_start)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    struct daemon daemon = start_daemon(t, pg, NO_BROKER);
    const seam_http_call *first, *second;

    seam_http_expect(pay, CHARGE, .reply = { { .fault = SEAM_HTTP_CLOSE } });
    seam_check_eq(t, post(t, &daemon, "key-1")->status, 503);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "pending");
    seam_process_signal(daemon.process, SIGKILL);
    seam_check_eq(t, seam_process_wait(daemon.process, 0), -SIGKILL);

    seam_http_expect(pay, CHARGE, .reply = { { .json = "{'id': 'ch_1'}" } });
    daemon = start_daemon(t, pg, NO_BROKER);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "paid");
    seam_require_eq(t, seam_http_mock_count(pay), 2);
    first = seam_http_mock_call(pay, 0);
    second = seam_http_mock_call(pay, 1);
    seam_check_json(t, second->body, first->body); /* the same key: charged once */
    seam_check_contains(t, seam_process_output(daemon.process), "settled 1 pending orders");
}

/* ---- time-outs -------------------------------------------------------------------------- */

/* The client is not kept waiting for the provider, and its second attempt pays the same order. */
SEAM_TEST(provider_that_says_nothing_is_not_waited_for)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    struct daemon daemon = start_daemon_with(t, pg, NO_BROKER, "TIMEOUT_MS=100");
    const seam_http_response *first;

    seam_http_expect(pay, CHARGE,
                     .reply = { { .fault = SEAM_HTTP_STALL }, { .json = "{'id': 'ch_1'}" } });
    first = post(t, &daemon, "key-1");
    seam_check_eq(t, first->status, 503);
    seam_check_eq(t, seam_http_header(first, "Retry-After"), "1");
    seam_check_eq(t, post(t, &daemon, "key-1")->status, 201);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT count(*) FROM orders"), "1");
}

/* ---- the end ---------------------------------------------------------------------------- */

static int port_of(const struct daemon *daemon)
{
    return atoi(strrchr(daemon->url, ':') + 1);
}

static bool accepts_connections(int port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = connect(fd, (const struct sockaddr *)&address, sizeof address);

    close(fd);
    return r == 0;
}

/* The payment provider answers only after the daemon was told to stop and takes nobody new. */
static void stop_daemon(seam_http_exchange *x, const struct daemon *daemon)
{
    kill(seam_process_pid(daemon->process), SIGTERM);
    while (accepts_connections(port_of(daemon)))
        seam_http_wait(x, 5);
}

static void stop_then_charge(seam_http_exchange *x, void *arg)
{
    stop_daemon(x, arg);
    seam_http_respond(x, 200, "application/json", "{\"id\": \"ch_1\"}");
}

static void stop_then_ask_for_patience(seam_http_exchange *x, void *arg)
{
    stop_daemon(x, arg);
    seam_http_add_field(x, "Retry-After", "30");
    seam_http_respond(x, 429, NULL, NULL);
}

SEAM_TEST(daemon_that_stops_finishes_what_it_began)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct daemon daemon = start_daemon(t, start_database(t), NO_BROKER);

    seam_http_expect(pay, CHARGE, .reply = { { .fn = stop_then_charge, .arg = &daemon } });
    seam_check_eq(t, post(t, &daemon, "key-1")->status, 201);
    seam_check_eq(t, seam_process_wait(daemon.process, 5000), 0);
}

SEAM_TEST(daemon_that_stops_has_no_patience)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    struct daemon daemon = start_daemon(t, pg, NO_BROKER);

    seam_http_expect(pay, CHARGE,
                     .reply = { { .fn = stop_then_ask_for_patience, .arg = &daemon } });
    seam_check_eq(t, post(t, &daemon, "key-1")->status, 503);
    seam_check_eq(t, seam_process_wait(daemon.process, 5000), 0);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "pending");
}

/* ---- the beginning ---------------------------------------------------------------------- */

SEAM_TEST(daemon_without_a_database_does_not_start)
{
    seam_process *daemon =
        seam_spawn(t, .argv = { "ordersd" }, .may_fail = true,
                   .env = { "LISTEN=127.0.0.1:0", "PORT", "PAYMENT_TOKEN=secret",
                            "BROKER_URL=amqp://127.0.0.1:1",
                            seam_format(t, "DATABASE_URL=host=%s", seam_tempdir(t)) });

    seam_check_eq(t, seam_process_wait(daemon, 0), 1);
    seam_check_contains(t, seam_process_output(daemon), "No such file or directory");
}

SEAM_TEST(daemon_without_settings_names_the_first)
{
    seam_process *daemon = seam_spawn(t, .argv = { "ordersd" }, .may_fail = true,
                                      .env = { "PORT", "LISTEN", "DATABASE_URL" });

    seam_check_eq(t, seam_process_wait(daemon, 0), 2);
    seam_check_contains(t, seam_process_output(daemon), "DATABASE_URL is not set");
}

SEAM_TEST(daemon_that_is_told_nonsense_says_what_it_takes)
{
    seam_process *daemon = seam_spawn(t, .argv = { "ordersd", "--help" }, .may_fail = true);

    seam_check_eq(t, seam_process_wait(daemon, 0), 2);
    seam_check_contains(t, seam_process_output(daemon), "usage: ordersd [--migrate]");
}

/* ---- migrations ------------------------------------------------------------------------- */

static const char *migrate(seam_t *t, seam_postgres *pg, const char *folder, int want)
{
    seam_process *process =
        seam_spawn(t, .argv = { "ordersd", "--migrate" }, .may_fail = true,
                   .env = { seam_format(t, "DATABASE_URL=%s", seam_postgres_conninfo(pg)),
                            seam_format(t, "MIGRATIONS=%s", folder) });

    seam_check_eq(t, seam_process_wait(process, 0), want);
    return seam_process_output(process);
}

SEAM_TEST(database_is_migrated_on_request)
{
    seam_postgres *pg = seam_postgres_start(t);
    struct daemon daemon;

    seam_check_eq(t, migrate(t, pg, "../repository/migrations", 0), "applied 5 migrations\n");
    seam_check_eq(t, migrate(t, pg, "../repository/migrations", 0), "applied 0 migrations\n");
    daemon = start_daemon(t, pg, NO_BROKER);
    seam_check_eq(t, seam_http_get(t, at(t, &daemon, "/healthz"))->status, 200);
}

SEAM_TEST(migration_that_fails_is_named)
{
    seam_postgres *pg = seam_postgres_start(t);
    const char *folder = seam_tempdir(t);
    const char *path = seam_path(t, "%s/001_oops.sql", folder);
    static const char sql[] = "CREATE TABLE half (id int); CREATE TABLE half (id int);";

    seam_write_file(t, path, sql, sizeof sql - 1);
    seam_check_contains(t, migrate(t, pg, folder, 1),
                        "001_oops.sql: relation \"half\" already exists");
    seam_check_eq(t, seam_postgres_value(pg, "SELECT to_regclass('half') IS NULL"), "t");
}

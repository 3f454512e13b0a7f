/* ordersd/ordersd_test.c - the whole daemon, as a process, with a real database. */

//seam:build integration
//seam:program ordersd *.c ../order/*.c ../service/*.c ../repository/*.c ../payment/*.c ../broker/*.c ../front/*.c

#define _POSIX_C_SOURCE 200809L

#include <seam/http.h>
#include <seam/http_mock.h>
#include <seam/postgres.h>
#include <seam/spawn.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHARGE .method = "POST", .path = "/v1/charges"

static const char draft[] = "{'customer_id': 7, 'currency': 'EUR',"
                            " 'lines': [{'sku': 'tea', 'quantity': 2, 'unit_cents': 2100}]}";

/* A migrated database in which customer 7 lives. */
static seam_postgres *start_database(seam_t *t)
{
    seam_postgres *pg = seam_postgres_start(t, .migrations = "../repository/migrations");

    seam_postgres_exec(pg, "INSERT INTO customers (id, email) VALUES (7, 'ada@example.org')");
    return pg;
}

struct daemon {
    seam_process *process;
    const char *url;
};

static struct daemon start_daemon(seam_t *t, seam_postgres *pg)
{
    static const char says[] = "listening on ";
    struct daemon daemon;
    const char *line;

    daemon.process =
        seam_spawn(t, .argv = { "ordersd" },
                   .env = { "LISTEN=127.0.0.1:0", "PORT", "PAYMENT_TOKEN=secret",
                            "BROKER_URL=amqp://127.0.0.1:1",
                            seam_format(t, "DATABASE_URL=%s", seam_postgres_conninfo(pg)) },
                   .ready_line = "^listening on ");
    line = seam_process_line(daemon.process, "^listening on ", 1000);
    daemon.url = seam_format(t, "http://%s", line + strlen(says));
    return daemon;
}

static const char *at(seam_t *t, const struct daemon *daemon, const char *path)
{
    return seam_format(t, "%s%s", daemon->url, path);
}

static const seam_http_response *post(seam_t *t, const struct daemon *daemon, const char *key)
{
    return seam_http_do(t, .url = at(t, daemon, "/orders"),
                        .header = { seam_format(t, "Idempotency-Key: %s", key) },
                        .json = draft);
}

SEAM_TEST(order_is_paid_and_kept)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    struct daemon daemon = start_daemon(t, pg);
    const seam_http_response *placed, *found;

    seam_http_expect(pay, CHARGE, .header = { "Authorization: Bearer secret" },
                     .json_subset = "{'amount': 4200, 'currency': 'EUR'}",
                     .reply = { { .json = "{'id': 'ch_1'}" } });
    placed = post(t, &daemon, "key-1");
    seam_check_eq(t, placed->status, 201);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status || payment_id FROM orders"),
                  "paidch_1");
    found = seam_http_get(t, at(t, &daemon, seam_http_header(placed, "Location")));
    seam_check_eq(t, found->status, 200);
    seam_check_json(t, found->body, placed->body);
    seam_check_eq(t, seam_process_stop(daemon.process), 0);
}

/* The provider has charged, and the daemon dies before it knows. */
SEAM_TEST(order_of_a_crash_is_settled_by_the_next_start)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    struct daemon daemon = start_daemon(t, pg);
    const seam_http_call *first, *second;

    seam_http_expect(pay, CHARGE,
                     .reply = { { .status = 500 }, { .status = 500 }, { .status = 500 } });
    seam_check_eq(t, post(t, &daemon, "key-1")->status, 503);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "pending");
    seam_process_signal(daemon.process, SIGKILL);
    seam_check_eq(t, seam_process_wait(daemon.process, 0), -SIGKILL);

    seam_http_expect(pay, CHARGE, .reply = { { .json = "{'id': 'ch_1'}" } });
    daemon = start_daemon(t, pg);
    seam_check_eq(t, seam_postgres_value(pg, "SELECT status FROM orders"), "paid");
    seam_require_eq(t, seam_http_mock_count(pay), 4);
    first = seam_http_mock_call(pay, 0);
    second = seam_http_mock_call(pay, 3);
    seam_check_json(t, second->body, first->body); /* the same key: charged once */
    seam_check_contains(t, seam_process_output(daemon.process), "settled 1 pending orders");
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
    struct daemon daemon = start_daemon(t, start_database(t));

    seam_http_expect(pay, CHARGE, .reply = { { .fn = stop_then_charge, .arg = &daemon } });
    seam_check_eq(t, post(t, &daemon, "key-1")->status, 201);
    seam_check_eq(t, seam_process_wait(daemon.process, 5000), 0);
}

SEAM_TEST(daemon_that_stops_has_no_patience)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    seam_postgres *pg = start_database(t);
    struct daemon daemon = start_daemon(t, pg);

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

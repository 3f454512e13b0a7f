/*
 * choices_test.c - what a test pays for each way to give the code under test what it needs; run by bench/choices/run.
 *
 * Each test gets the thing and uses it once with a real client, as the code under test would; the time of both is its
 * figure.
 */
//seam:build bench
//seam:pkg-config libpq libcurl hiredis librabbitmq
//seam:sources ../figure.c
//seam:cflags -I..

#include <seam/amqp_mock.h>
#include <seam/broker.h>
#include <seam/http.h>
#include <seam/http_mock.h>
#include <seam/pg_mock.h>
#include <seam/postgres.h>
#include <seam/rabbitmq.h>
#include <seam/redis.h>
#include <seam/spawn.h>

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <curl/curl.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"

#define INSERT "INSERT INTO orders (id, cents) VALUES ($1, $2)"

/* ---- the code under test ------------------------------------------------------------------ */

static void insert(seam_t *t, const char *conninfo)
{
    const char *const values[] = { "o-1", "4200" };
    PGconn *connection = PQconnectdb(conninfo);
    PGresult *result = PQexecParams(connection, INSERT, 2, NULL, values, NULL, NULL, 0);

    seam_require_eq(t, PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(connection);
}

static long charge(const char *url)
{
    CURL *curl = curl_easy_init();
    long status = 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{\"cents\": 4200}");
    curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    return status;
}

static void publish(seam_t *t, const char *url)
{
    char *copy = seam_alloc(t, strlen(url) + 1); /* which parsing cuts into pieces */
    struct amqp_connection_info to;
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);

    memcpy(copy, url, strlen(url));
    seam_require_ok(t, amqp_parse_url(copy, &to));
    seam_require_ok(t, amqp_socket_open(socket, to.host, to.port));
    seam_require_eq(t,
                    amqp_login(connection, to.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                               to.user, to.password)
                        .reply_type,
                    AMQP_RESPONSE_NORMAL);
    amqp_channel_open(connection, 1);
    seam_require_ok(t, amqp_basic_publish(connection, 1, amqp_cstring_bytes(""),
                                          amqp_cstring_bytes("paid"), 0, 0, NULL,
                                          amqp_cstring_bytes("{}")));
    amqp_channel_close(connection, 1, AMQP_REPLY_SUCCESS);
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}

/* Of $CHOICES_IMAGES, where it is set: "seam-test/postgres". */
static const char *image(seam_t *t, const char *name)
{
    const char *from = getenv("CHOICES_IMAGES");

    return from ? seam_format(t, "%s/%s", from, name) : NULL;
}

/* ---- the choices -------------------------------------------------------------------------- */

static int stored;

static int store_by_hand(void *self, int cents)
{
    *(int *)self += cents;
    return 0;
}

SEAM_TEST(fake_by_hand)
{
    struct {
        void *self;
        int (*store)(void *self, int cents);
    } port = { &stored, store_by_hand };
    double from = now_us();

    seam_check_ok(t, port.store(port.self, 4200));
    figure(t, "fake_by_hand", now_us() - from);
}

SEAM_TEST(broker_in_memory)
{
    double from = now_us();
    seam_broker *broker = seam_broker_start(t);

    seam_broker_expect(broker, .routing_key = "order.paid");
    seam_check_ok(t, seam_broker_publish(broker, "order.paid", "{}", 2));
    figure(t, "broker_in_memory", now_us() - from);
}

SEAM_TEST(amqp_double)
{
    double from = now_us();
    seam_amqp_mock *mq = seam_amqp_mock_start(t);

    publish(t, seam_amqp_mock_url(mq));
    figure(t, "amqp_double", now_us() - from);
}

SEAM_TEST(pg_double)
{
    double from = now_us();
    seam_pg_mock *db = seam_pg_mock_start(t, .migrations = "migrations");

    seam_pg_expect(db, .sql = INSERT, .args = { SEAM_V("o-1"), SEAM_V(4200) },
                   .tag = "INSERT 0 1");
    insert(t, seam_pg_mock_conninfo(db));
    figure(t, "pg_double", now_us() - from);
}

SEAM_TEST(http_mock)
{
    double from = now_us();
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");

    seam_http_expect(pay, .path = "/v1/charges", .reply = { { .status = 201 } });
    seam_check_eq(t, charge("https://api.pay.test/v1/charges"), 201);
    figure(t, "http_mock", now_us() - from);
}

static void created(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 201, NULL, NULL);
}

SEAM_TEST(http_server)
{
    double from = now_us();
    seam_http_server *server = seam_http_serve(t, created, NULL);

    seam_check_eq(t, charge(seam_http_url(server, "/v1/charges")), 201);
    figure(t, "http_server", now_us() - from);
}

SEAM_TEST(postgres)
{
    double from = now_us();
    seam_postgres *pg =
        seam_postgres_start(t, .migrations = "migrations", .image = image(t, "postgres"));

    insert(t, seam_postgres_conninfo(pg));
    figure(t, "postgres", now_us() - from);
}

SEAM_TEST(redis)
{
    double from = now_us();
    seam_redis *redis = seam_redis_start(t, .image = image(t, "redis"));
    redisContext *connection = redisConnect(seam_redis_host(redis), seam_redis_port(redis));

    freeReplyObject(redisCommand(connection, "AUTH %s", seam_redis_password(redis)));
    freeReplyObject(redisCommand(connection, "SELECT %d", seam_redis_database(redis)));
    freeReplyObject(redisCommand(connection, "INCR orders"));
    redisFree(connection);
    figure(t, "redis", now_us() - from);
}

SEAM_TEST(rabbitmq)
{
    double from = now_us();

    publish(t, seam_rabbitmq_url(seam_rabbitmq_start(t, .image = image(t, "rabbitmq"))));
    figure(t, "rabbitmq", now_us() - from);
}

SEAM_TEST(process)
{
    double from = now_us();
    seam_process *program = seam_spawn(t, .argv = { "true" });

    seam_check_eq(t, seam_process_wait(program, 0), 0);
    figure(t, "process", now_us() - from);
}

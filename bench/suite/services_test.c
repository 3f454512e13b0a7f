/*
 * services_test.c - how long Seam takes to give a test a service; run by bench/parts/services.sh.
 *
 * Each test appends milliseconds to a file in the folder that BENCH_FIGURES names.
 */
//seam:build bench
//seam:pkg-config libpq
//seam:sources ../figure.c
//seam:cflags -I..

#include <seam/kafka.h>
#include <seam/postgres.h>
#include <seam/redis.h>
#include <seam/seam.h>

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "figure.h"

SEAM_CLEANUP_FN(finish, PQfinish, PGconn *);

static double now_ms(void)
{
    return now_us() / 1e3;
}

static PGconn *connect_to(seam_t *t, const char *conninfo)
{
    PGconn *connection = PQconnectdb(conninfo);

    seam_cleanup(t, finish, connection);
    if (PQstatus(connection) != CONNECTION_OK)
        seam_fatal(t, "cannot connect: %s", PQerrorMessage(connection));
    return connection;
}

static void query(seam_t *t, PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        seam_error(t, "%s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
}

/* Nothing runs yet: from the cached data directory to the first answer. */
SEAM_TEST(cold_start)
{
    double begin = now_ms();
    seam_postgres *pg = seam_postgres_start(t);

    query(t, connect_to(t, seam_postgres_conninfo(pg)), "SELECT 1");
    figure(t, "cold", now_ms() - begin);
}

/* A warm server and a template that was cloned before. Clones made ahead must not help here, so their
 * number is checked: a database for each ask and `postgres`. */
SEAM_TEST(own_database)
{
    enum { WARM_UP = 2, ASKS = 12 };
    seam_postgres *pg = NULL;
    const char *count;
    double ms[ASKS];

    for (int i = 0; i < ASKS; i++) {
        double begin = now_ms();

        pg = seam_postgres_start(t, .migrations = "migrations");
        connect_to(t, seam_postgres_conninfo(pg));
        ms[i] = now_ms() - begin;
    }
    count = seam_postgres_value(pg, "SELECT count(*) FROM pg_database WHERE NOT datistemplate");
    seam_require_eq(t, count, "13");
    for (int i = WARM_UP; i < ASKS; i++)
        figure(t, "own", ms[i]);
}

/* A short test of a usual suite. With BENCH_CONNINFO the same work on a server without clones. */
static void pooled(seam_t *t)
{
    const char *conninfo = getenv("BENCH_CONNINFO");
    double begin = now_ms();

    if (!conninfo) {
        conninfo = seam_postgres_conninfo(seam_postgres_start(t, .migrations = "migrations"));
        figure(t, "pool", now_ms() - begin);
    }
    query(t, connect_to(t, conninfo), "SELECT pg_sleep(0.05)");
}

static void private_redis(seam_t *t)
{
    static const char want[] = "+OK\r\n+PONG\r\n";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    double begin = now_ms();
    seam_redis *redis = seam_redis_start(t, .private_server = true);
    const char *words = seam_format(t, "AUTH %s\r\nPING\r\n", seam_redis_password(redis));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[sizeof want] = "";

    strncpy(address.sun_path, seam_redis_socket(redis), sizeof address.sun_path - 1);
    seam_require_ok(t, connect(fd, (struct sockaddr *)&address, sizeof address));
    seam_require_eq(t, write(fd, words, strlen(words)), strlen(words));
    seam_require_eq(t, recv(fd, answer, sizeof answer - 1, MSG_WAITALL), sizeof answer - 1);
    figure(t, "redis", now_ms() - begin);
    seam_check_eq(t, answer, want);
    close(fd);
}

static void leased_topic(seam_t *t)
{
    double begin = now_ms();

    seam_kafka_topic(seam_kafka_start(t, .tier = SEAM_KAFKA_NATIVE), "orders");
    figure(t, "kafka-topic", now_ms() - begin);
}

/* clang-format off */
#define ONE(name, run) SEAM_TEST(name) { run(t); }
#define TEN(name, run) \
    ONE(name##0, run) ONE(name##1, run) \
    ONE(name##2, run) ONE(name##3, run) \
    ONE(name##4, run) ONE(name##5, run) \
    ONE(name##6, run) ONE(name##7, run) \
    ONE(name##8, run) ONE(name##9, run)
#define HUNDRED(name, run) \
    TEN(name##0, run) TEN(name##1, run) \
    TEN(name##2, run) TEN(name##3, run) \
    TEN(name##4, run) TEN(name##5, run) \
    TEN(name##6, run) TEN(name##7, run) \
    TEN(name##8, run) TEN(name##9, run)
/* clang-format on */

TEN(redis_, private_redis)
TEN(kafka_, leased_topic)
HUNDRED(pooled_1, pooled)
HUNDRED(pooled_2, pooled)

/*
 * seam/redis.h - a redis database for a test.
 *
 *     SEAM_TEST(session_is_stored, .tags = "integration")
 *     {
 *         seam_redis *redis = seam_redis_start(t);
 *
 *         session_store(seam_redis_url(redis), "s-1", "ada");
 *         seam_check_eq(t, seam_redis_command(redis, "GET", "s-1"), "ada");
 *     }
 *
 * The server is a real one, shared by the tests of the run: a program of this machine, redis-server or
 * valkey-server, or a container where `-services docker` says so or there is no such program. Each test
 * has one of its numbered databases, empty at first, to itself, so the code under test must SELECT that
 * number; the url says it. Code that cannot do so asks for .by_prefix: a user who may touch only keys and
 * channels that begin with seam_redis_prefix(redis). FLUSHALL, and channels without a prefix, concern the
 * whole server: a test that uses them asks for .private_server, which takes some 15 ms natively.
 *
 * Nothing is to be closed: all is released when the test ends, however it ends. Where there is neither
 * the test is skipped with the reason; under `-no-skip` it fails.
 *
 * Ownership: the handle and all strings belong to the (sub)test. Strings passed in are copied.
 *
 * Threads: only the thread that runs the (sub)test may call these; any thread may use the database.
 */
#ifndef SEAM_REDIS_H
#define SEAM_REDIS_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

enum { SEAM_REDIS_ARGS = 16 };

typedef struct seam_redis seam_redis;

/* What is wanted; zero is the default of each field. */
typedef struct seam_redis_options {
    bool private_server SEAM_0; /* a server of this test's own, that it may stop and pause */
    bool no_password SEAM_0; /* for code that cannot log in; other users of the machine get in as well */
    bool by_prefix SEAM_0; /* the keys of one prefix in database 0 instead of a database */
    bool tls SEAM_0; /* the url is rediss://; its certificate is of the run's CA (seam_redis_ca_file) */
    const char *image SEAM_0; /* in a container, of this image, such as "valkey/valkey:8"; NULL: "redis:7" where one is
                                 used */
    const char *config SEAM_0; /* a configuration file, from the folder of the test's source */
    const char *args[SEAM_REDIS_ARGS] SEAM_0; /* more arguments: "--maxmemory", "10mb"; NULL ends the list. Tests with
                                                 equal ones share a server. */
    seam_site site SEAM_0; /* set for you */
} seam_redis_options;

/* Get a database, ready and empty. Ends the test when it cannot. */
#define seam_redis_start(...) seam_redis_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_redis_start_(t, ...) \
    seam_redis_start_at((t), SEAM_NEW(seam_redis_options, __VA_ARGS__))
seam_redis *seam_redis_start_at(seam_t *t, SEAM_REF(seam_redis_options) options);

/* How to reach it, through TCP on 127.0.0.1 or the unix socket; both ask for the password. With .tls the port is the
 * one that speaks TLS. In a container there is no unix socket: "". */
const char *seam_redis_url(const seam_redis *redis); /* "redis://:password@127.0.0.1:port/database" */
const char *seam_redis_host(const seam_redis *redis);
int         seam_redis_port(const seam_redis *redis);
const char *seam_redis_socket(const seam_redis *redis);
const char *seam_redis_user(const seam_redis *redis); /* "" without .by_prefix */
const char *seam_redis_password(const seam_redis *redis); /* "" when it has none */
const char *seam_redis_prefix(const seam_redis *redis); /* "t7:" that keys begin with; "" without .by_prefix */
const char *seam_redis_ca_file(const seam_redis *redis); /* ends the test without .tls */
int         seam_redis_database(const seam_redis *redis);
const char *seam_redis_version(const seam_redis *redis);

/* Send a command in this test's database: its words, each a text. Returns the reply as text, a list
 * with a newline between its elements, and NULL for nil. An error that the server answers ends the test. */
#define seam_redis_command(redis, ...) \
    seam_redis_command_at((redis), SEAM_HERE, __VA_ARGS__, (const char *)0)
const char *seam_redis_command_at(seam_redis *redis, seam_site at, const char *word, ...);

/* For tests of failures; they need .private_server and end the test without. A server that was stopped
 * and restarted is empty, with the same addresses; a paused one keeps connections and does not answer. */
#define seam_redis_stop(redis) seam_redis_stop_at((redis), SEAM_HERE)
#define seam_redis_restart(redis) seam_redis_restart_at((redis), SEAM_HERE)
#define seam_redis_pause(redis) seam_redis_pause_at((redis), SEAM_HERE)
#define seam_redis_resume(redis) seam_redis_resume_at((redis), SEAM_HERE)
void seam_redis_stop_at(seam_redis *redis, seam_site at);
void seam_redis_restart_at(seam_redis *redis, seam_site at);
void seam_redis_pause_at(seam_redis *redis, seam_site at);
void seam_redis_resume_at(seam_redis *redis, seam_site at);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif

/* ordersd/daemon_test.h - the daemon as a process, for its tests; each call may end the test. */
#ifndef ORDERSD_DAEMON_TEST_H
#define ORDERSD_DAEMON_TEST_H

#include <seam/http.h>
#include <seam/postgres.h>
#include <seam/spawn.h>

#define CHARGE .method = "POST", .path = "/v1/charges"

/* A broker that is away: nobody listens on port 1. */
#define NO_BROKER "amqp://127.0.0.1:1"

struct daemon {
    seam_process *process;
    const char *url;
};

/* A migrated database in which customer 7 lives. */
seam_postgres *start_database(seam_t *t);

/* Start it and wait until it takes requests. A time-out of an answer is 5 s, or `timeout`:
 * "TIMEOUT_MS=100". */
struct daemon start_daemon(seam_t *t, seam_postgres *pg, const char *broker_url);
struct daemon start_daemon_with(seam_t *t, seam_postgres *pg, const char *broker_url,
                                const char *timeout);

/* A URL of its own. */
const char *at(seam_t *t, const struct daemon *daemon, const char *path);

/* Order two teas for 42.00 EUR. */
const seam_http_response *post(seam_t *t, const struct daemon *daemon, const char *key);

/* The same, for a daemon that may die of it. */
const seam_http_response *try_to_post(seam_t *t, const struct daemon *daemon, const char *key);

#endif

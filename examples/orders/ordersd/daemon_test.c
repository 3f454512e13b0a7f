/* ordersd/daemon_test.c - see daemon_test.h. */

//seam:build integration

#include "ordersd/daemon_test.h"

#include <string.h>

static const char draft[] = "{'customer_id': 7, 'currency': 'EUR',"
                            " 'lines': [{'sku': 'tea', 'quantity': 2, 'unit_cents': 2100}]}";

seam_postgres *start_database(seam_t *t)
{
    seam_postgres *pg = seam_postgres_start(t, .migrations = "../repository/migrations");

    seam_postgres_exec(pg, "INSERT INTO customers (id, email) VALUES (7, 'ada@example.org')");
    return pg;
}

struct daemon start_daemon_with(seam_t *t, seam_postgres *pg, const char *broker_url,
                                const char *timeout)
{
    static const char says[] = "listening on ";
    struct daemon daemon;
    const char *line;

    daemon.process =
        seam_spawn(t, .argv = { "ordersd" },
                   .env = { "LISTEN=127.0.0.1:0", "PORT", "PAYMENT_TOKEN=secret", timeout,
                            seam_format(t, "DATABASE_URL=%s", seam_postgres_conninfo(pg)),
                            seam_format(t, "BROKER_URL=%s", broker_url) },
                   .ready_line = "^listening on ");
    line = seam_process_line(daemon.process, "^listening on ", 1000);
    daemon.url = seam_format(t, "http://%s", line + strlen(says));
    return daemon;
}

struct daemon start_daemon(seam_t *t, seam_postgres *pg, const char *broker_url)
{
    return start_daemon_with(t, pg, broker_url, "TIMEOUT_MS=5000");
}

const char *at(seam_t *t, const struct daemon *daemon, const char *path)
{
    return seam_format(t, "%s%s", daemon->url, path);
}

const seam_http_response *post(seam_t *t, const struct daemon *daemon, const char *key)
{
    return seam_http_do(t, .url = at(t, daemon, "/orders"),
                        .header = { seam_format(t, "Idempotency-Key: %s", key) },
                        .json = draft);
}

const seam_http_response *try_to_post(seam_t *t, const struct daemon *daemon, const char *key)
{
    return seam_http_do(t, .url = at(t, daemon, "/orders"), .may_fail = true,
                        .header = { seam_format(t, "Idempotency-Key: %s", key) },
                        .json = draft);
}

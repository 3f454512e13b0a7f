/* service/wait_leaf.c - ask once whether a condition holds; see wait.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "service/probe.h"
#include "service/wait.h"

enum { INSIDE_MS = 300 };

static bool fail(struct wait_condition *condition, const char *text)
{
    snprintf(condition->last, sizeof condition->last, "%.*s", (int)strcspn(text, "\n"), text);
    return false;
}

/* Where a port is reached. False: not yet, or never. */
static bool find(struct wait_condition *condition, const struct wait_server *server,
                 bool inside, struct buf *host, int *ret_port)
{
    int r = server->address(server->of, condition->port, inside, host, ret_port);

    if (r == 0)
        return true;
    return fail(condition, r == -ENOENT ? "it is none of its ports" : "it has no address yet");
}

/* From outside a forwarder of the engine's may accept before the server does, so inside counts as well: by its
 * own address, where that is reached from here, else by what the server itself says. */
static bool ask_port(struct wait_condition *condition, const struct wait_server *server,
                     int timeout_ms)
{
    struct buf host = BUF_INIT(256);
    struct err err = { "" };
    int port = 0;
    bool ok = find(condition, server, false, &host, &port);
    int fd = ok ? probe_connect(buf_text(&host), port, timeout_ms, &err) : -1;
    int r = 0;

    if (ok && fd < 0)
        ok = fail(condition, err.text);
    io_close(&fd);
    buf_clear(&host);
    if (ok && server->listens) {
        int inside_ms = timeout_ms < INSIDE_MS ? timeout_ms : INSIDE_MS;

        r = server->address(server->of, condition->port, true, &host, &port);
        fd = r == 0 ? probe_connect(buf_text(&host), port, inside_ms, &err) : r;
        if (fd < 0 && fd != -ECONNREFUSED)
            fd = server->listens(server->of, condition->port);
        if (fd == -ECONNREFUSED)
            ok = fail(condition, "it is published, but nothing listens inside yet");
        if (fd > 0)
            close(fd);
    }
    buf_fini(&host);
    return ok;
}

static bool ask_http(struct wait_condition *condition, const struct wait_server *server,
                     int timeout_ms)
{
    struct buf host = BUF_INIT(256);
    int port;
    bool ok = find(condition, server, false, &host, &port) &&
              wait_ask_http(condition, buf_text(&host), port, timeout_ms);

    buf_fini(&host);
    return ok;
}

static bool ask_exec(struct wait_condition *condition, const struct wait_server *server,
                     int timeout_ms)
{
    struct err err = { "" };
    int status = 0;
    int r = server->exec(server->of, condition->argv, timeout_ms, &status, &err);

    if (r < 0)
        return fail(condition, err.text);
    if (status != 0)
        snprintf(condition->last, sizeof condition->last, "it ends with status %d", status);
    return status == 0;
}

static bool ask_file(struct wait_condition *condition, const struct wait_server *server)
{
    int r = server->file(server->of, condition->text);

    return r == 0 || fail(condition, r == -ENOENT ? "it is not there" : strerror(-r));
}

static bool ask_sql(struct wait_condition *condition, const struct wait_server *server,
                    int timeout_ms)
{
    struct buf host = BUF_INIT(256);
    int port;
    bool ok = find(condition, server, false, &host, &port) &&
              wait_ask_sql(condition, buf_text(&host), port, timeout_ms);

    buf_fini(&host);
    return ok;
}

static bool ask_probe(struct wait_condition *condition, const struct wait_server *server,
                      int timeout_ms)
{
    struct buf host = BUF_INIT(256);
    struct err err = { "" };
    int port;
    bool ok = find(condition, server, false, &host, &port);

    if (ok && probe_ask(condition->probe, buf_text(&host), port, timeout_ms, &err) < 0)
        ok = fail(condition, err.text);
    buf_fini(&host);
    return ok;
}

bool wait_ask(struct wait_condition *condition, const struct wait_server *server,
              int timeout_ms)
{
    switch (condition->kind) {
    case WAIT_PORT:
        return ask_port(condition, server, timeout_ms);
    case WAIT_HTTP:
        return ask_http(condition, server, timeout_ms);
    case WAIT_EXEC:
        return ask_exec(condition, server, timeout_ms);
    case WAIT_FILE:
        return ask_file(condition, server);
    case WAIT_SQL:
        return ask_sql(condition, server, timeout_ms);
    case WAIT_PROBE:
        return ask_probe(condition, server, timeout_ms);
    default:
        return fail(condition, "there is no way to ask");
    }
}

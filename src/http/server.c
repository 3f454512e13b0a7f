/* http/server.c - HTTP servers of a test; see seam/http.h. */

#include "http/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "http/handler.h"
#include "net/listener.h"
#include "test/t.h"

int http_server_patience_ms = 5000;

/* A handler that runs; on the stack of its thread. */
struct run {
    struct run *next;
    const struct http_exchange *x;
};

struct seam_http_server {
    struct http_service service; /* first: this is how it is known there */
    struct listener listener;
    seam_t *t;
    seam_site site;
    seam_http_handler *handler;
    void *arg;
    const char *socket; /* NULL: on TCP */
    struct run *runs; /* those that run; guarded by the loop's lock */
    bool stopped;
    bool lacked; /* descriptors, and said so */
};

/* ---- serving; the loop's lock is held */

static struct seam_http_server *server_of_service(struct http_service *service)
{
    return (void *)service;
}

static struct seam_http_server *server_of_listener(struct listener *listener)
{
    return (void *)((char *)listener - offsetof(struct seam_http_server, listener));
}

static void forget_run(struct seam_http_server *server, struct run *run)
{
    struct run **at = &server->runs;

    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    if (server->service.stopping)
        loop_wake_waiters();
}

static void request(struct http_service *service, struct http_exchange *x)
{
    struct seam_http_server *server = server_of_service(service);
    struct run run = { server->runs, x };

    if (http_exchange_is_inline(x)) {
        http_exchange_defer(x);
        return;
    }
    server->runs = &run;
    http_handler_run(x, server->t, server->handler, server->arg);
    forget_run(server, &run);
}

/* Of the answer's body nothing is told: it has been sent. */
static void ended(struct http_service *service, struct http_exchange *x)
{
    char status[HTTP_STATUS_TEXT];

    t_exchange(
        server_of_service(service)->t,
        &(struct t_exchange){ .seam = "http",
                              .served = true,
                              .method = x->request->method,
                              .what = x->request->target,
                              .answer = x->begun ? http_status_text(status, x->status) : NULL,
                              .begin_ns = x->begin_ns,
                              .elapsed_ns = now_ns() - x->begin_ns,
                              .note = x->answered ? NULL : "the connection was closed" });
}

static void malformed(struct http_service *service, struct http_connection *connection,
                      const struct http1_error *error)
{
    struct seam_http_server *server = server_of_service(service);
    const char *peer = http_connection_peer(connection);

    if (error->status)
        seam_log_at(server->t, server->site, "a request from '%s' was answered with %d: %s",
                    peer, error->status, error->text);
    else if (error->reset)
        seam_log_at(server->t, server->site, "from '%s': %s", peer, error->text);
    else
        seam_log_at(server->t, server->site, "no connection with '%s': %s", peer, error->text);
}

static void accepted(struct listener *listener, int fd, const char *peer)
{
    struct http_connection *connection;

    http_connection_new(&connection, &server_of_listener(listener)->service, fd, peer, false);
}

static void lacks(struct listener *listener, int error)
{
    struct seam_http_server *server = server_of_listener(listener);
    struct err err;

    if (server->lacked)
        return;
    server->lacked = true;
    io_say_no_descriptor(error, &err);
    seam_error_at(server->t, server->site, "this server cannot take a connection: %s",
                  err.text);
}

/* ---- stopping */

static void drop_idle(struct seam_http_server *server)
{
    struct http_connection *at = server->service.connections;

    while (at) {
        struct http_connection *next = http_connection_next(at);

        if (http_connection_is_idle(at))
            http_connection_drop(at);
        at = next;
    }
}

static bool is_quiet(void *arg)
{
    const struct seam_http_server *server = arg;

    return !server->runs;
}

static void say_what_blocks(const struct seam_http_server *server)
{
    for (const struct run *run = server->runs; run; run = run->next)
        seam_error_at(server->t, server->site,
                      "this server cannot stop: for %d ms it has waited for the handler that "
                      "answers %s %s of '%s'",
                      http_server_patience_ms, run->x->request->method, run->x->request->target,
                      http_connection_peer(run->x->connection));
}

/* Where no handler runs and the lock is held, no call of this server's is on any stack. */
static void stop_locked(struct seam_http_server *server)
{
    server->stopped = server->service.stopping = true;
    listener_stop(&server->listener);
    loop_wake_waiters();
    drop_idle(server);
    if (!loop_wait(is_quiet, server, deadline_after_ms(http_server_patience_ms))) {
        say_what_blocks(server);
        loop_wait(is_quiet, server, 0);
    }
    http_service_drop(&server->service);
    tls_server_free(server->service.tls);
}

void seam_http_stop(seam_http_server *server)
{
    if (loop_is_gone())
        return; /* it is the parent's */
    loop_lock();
    if (!server->stopped)
        stop_locked(server);
    loop_unlock();
}

static void stop(void *server)
{
    seam_http_stop(server);
}

void seam_http_close_connections(seam_http_server *server)
{
    if (loop_is_gone())
        return;
    loop_lock();
    http_service_drop(&server->service);
    loop_unlock();
}

/* ---- starting */

static int start_tls(struct seam_http_server *server,
                     SEAM_REF(seam_http_server_options) options, struct err *err)
{
    static const char *const names[] = { "127.0.0.1", "::1", "localhost", "example.com", NULL };
    struct tls_options tls = { .names = names, .http2 = options->http2 };

    if (!options->tls && options->client_ca)
        return err_set(err, -EINVAL, ".client_ca '%s' needs .tls", options->client_ca);
    if (!options->tls)
        return 0;
    if (options->client_ca)
        tls.client_ca = t_source_path(server->t, server->site, options->client_ca);
    return tls_server_new(&server->service.tls, &tls, err);
}

static const char *socket_path(seam_t *t, seam_site at, const char *asked)
{
    if (!asked)
        return NULL;
    if (*asked)
        return t_source_path(t, at, asked);
    for (int i = 0;; i++) {
        const char *path = seam_path(t, "%s/http%d", seam_tempdir_at(t, at), i);

        if (access(path, F_OK) < 0)
            return path;
    }
}

seam_http_server *seam_http_serve_at(seam_t *t, seam_http_handler *handler, void *arg,
                                     SEAM_REF(seam_http_server_options) options)
{
    struct seam_http_server *server = arena_zero(t_arena(t), sizeof *server);
    struct err err = { "" };
    int r;

    *server = (struct seam_http_server){ .service = { .http2 = options->http2,
                                                      .request = request,
                                                      .ended = ended,
                                                      .malformed = malformed },
                                         .listener = { .accepted = accepted, .lacks = lacks },
                                         .t = t,
                                         .site = options->site,
                                         .handler = handler,
                                         .arg = arg,
                                         .socket = socket_path(t, options->site,
                                                               options->unix_socket) };
    seam_cleanup(t, stop, server);
    loop_lock();
    r = start_tls(server, options, &err);
    if (r == 0)
        r = listener_start(&server->listener, server->socket, &err);
    loop_unlock();
    if (r < 0)
        seam_fatal_at(t, options->site, "cannot start a server: %s", err.text);
    return server;
}

const char *seam_http_url(const seam_http_server *server, const char *path)
{
    const char *scheme = server->service.tls ? "https" : "http";

    if (server->socket)
        return seam_format(server->t, "%s://localhost%s", scheme, path);
    return seam_format(server->t, "%s://127.0.0.1:%d%s", scheme, server->listener.port, path);
}

int seam_http_port(const seam_http_server *server)
{
    return server->listener.port;
}

const char *seam_http_socket(const seam_http_server *server)
{
    return server->socket;
}

const char *seam_http_ca_file(seam_t *t)
{
    const char *path = seam_path(t, "%s/seam-ca.pem", seam_tempdir(t));
    struct err err = { "" };
    const char *pem;
    int r;

    if (access(path, F_OK) == 0)
        return path;
    loop_lock();
    pem = tls_authority_pem(&err);
    loop_unlock();
    if (!pem)
        seam_fatal_at(t, (seam_site){ 0 }, "cannot make a certificate authority: %s", err.text);
    r = io_write_file(path, pem, strlen(pem));
    if (r < 0)
        seam_fatal_at(t, (seam_site){ 0 }, "cannot write '%s': %s", path, strerror(-r));
    return path;
}

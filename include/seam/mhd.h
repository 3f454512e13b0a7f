/*
 * seam/mhd.h - put a libmicrohttpd handler of yours behind a server, for a test.
 *
 *     #include <seam/mhd.h>
 *     #include "front.h"
 *
 *     SEAM_TEST(unknown_order_is_not_found)
 *     {
 *         struct front *front = front_new(t);
 *         seam_mhd_server *server = seam_mhd_serve(t, front_handle, front);
 *         const seam_http_response *r = seam_http_get(t, seam_mhd_url(server, "/orders/7"));
 *
 *         seam_check_eq(t, r->status, 404);
 *     }
 *
 * The package needs "//seam:pkg-config libmicrohttpd"; Seam itself does not link it.
 *
 * Ownership: a server belongs to the (sub)test that started it and stops with it: no call of the handler is
 * running any more when clean-ups that were registered before it are called. `cls` is borrowed until then, so
 * it is no variable of the test's function, which has returned by then: seam_alloc gives memory that lives.
 *
 * Threads: servers are for the (sub)test's own thread. The handler runs on a thread of libmicrohttpd; checks
 * (seam_check_*, seam_log, seam_error) may be made there, what ends a test may not.
 */
#ifndef SEAM_MHD_H
#define SEAM_MHD_H

#include <microhttpd.h>
#include <unistd.h>

#include <seam/http.h>

typedef struct seam_mhd_options {
    unsigned flags SEAM_0; /* besides those that the server needs: MHD_USE_THREAD_PER_CONNECTION */

    /* Called when a request is over, as MHD_OPTION_NOTIFY_COMPLETED has it. */
    MHD_RequestCompletedCallback completed     SEAM_0;
    void                        *completed_cls SEAM_0;

    /* Any other options, for MHD_OPTION_ARRAY: the last is { MHD_OPTION_END, 0, NULL }. */
    struct MHD_OptionItem *options SEAM_0;
    seam_site              site    SEAM_0; /* set for you */
} seam_mhd_options;

typedef struct seam_mhd_server {
    seam_t            *t;
    struct MHD_Daemon *daemon; /* for MHD_get_daemon_info and the like; do not stop it yourself */
    int                port;
    int                unused; /* the listening socket while no daemon has it, else -1 */
    const char        *scheme;
} seam_mhd_server;

/* Start a server on a free port of 127.0.0.1; it listens when this returns. Ends the test when it cannot:
 * what libmicrohttpd says of it is in the test's output. */
#define seam_mhd_serve(...) seam_mhd_serve_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_mhd_serve_(t, handler, cls, ...) \
    seam_mhd_serve_at((t), (handler), (cls), SEAM_NEW(seam_mhd_options, __VA_ARGS__))

/* "http://127.0.0.1:40123" and the path, which begins with '/' or is "". */
static inline const char *seam_mhd_url(const seam_mhd_server *server, const char *path)
{
    return seam_format(server->t, "%s://127.0.0.1:%d%s", server->scheme, server->port, path);
}

static inline void seam_mhd_stop_(void *arg)
{
    seam_mhd_server *server = (seam_mhd_server *)arg;

    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    if (server->unused >= 0)
        close(server->unused);
}

static inline seam_mhd_server *seam_mhd_start_(seam_t *t, MHD_AccessHandlerCallback handler, void *cls,
                                               const seam_mhd_options *options)
{
    struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, SEAM_NULLPTR } };
    unsigned flags = options->flags | (unsigned)MHD_USE_INTERNAL_POLLING_THREAD |
                     (unsigned)MHD_USE_ERROR_LOG;
    seam_mhd_server *server = (seam_mhd_server *)seam_alloc(t, sizeof *server);

    server->t = t;
    server->unused = -1;
    server->scheme = flags & (unsigned)MHD_USE_TLS ? "https" : "http";
    seam_cleanup(t, seam_mhd_stop_, server);
    server->unused = seam_http_listen_at(t, options->site, &server->port);
    server->daemon = MHD_start_daemon(
        flags, 0, SEAM_NULLPTR, SEAM_NULLPTR, handler, cls, MHD_OPTION_LISTEN_SOCKET, server->unused,
        MHD_OPTION_NOTIFY_COMPLETED, options->completed, options->completed_cls, MHD_OPTION_ARRAY,
        options->options ? options->options : none, MHD_OPTION_END);
    if (!server->daemon)
        seam_fatal_at(t, options->site, "libmicrohttpd cannot be started: see what it says above");
    server->unused = -1; /* the daemon's */
    return server;
}

static inline seam_mhd_server *seam_mhd_serve_at(seam_t *t, MHD_AccessHandlerCallback handler, void *cls,
                                                 SEAM_REF(seam_mhd_options) options)
{
#ifdef __cplusplus
    return seam_mhd_start_(t, handler, cls, &options);
#else
    return seam_mhd_start_(t, handler, cls, options);
#endif
}

#endif

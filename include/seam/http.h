/*
 * seam/http.h - HTTP servers for a test, a client for its own requests, and a way to run a handler
 * without any network.
 *
 *     static void greet(seam_http_exchange *x, void *arg)
 *     {
 *         seam_http_respond(x, 200, "text/plain", "Hello, World");
 *     }
 *
 *     SEAM_TEST(greeting)
 *     {
 *         seam_http_server *server = seam_http_serve(t, greet, NULL);
 *         const seam_http_response *r = seam_http_get(t, seam_http_url(server, "/"));
 *
 *         seam_check_eq(t, r->status, 200);
 *         seam_check_eq(t, r->body, "Hello, World");
 *     }
 *
 * To answer what the program under test sends to a host of the outside world see seam/http_mock.h; to put
 * a libmicrohttpd handler of yours behind a server see seam/mhd.h.
 *
 * Link with pkg-config `seam-http`; `seam test` does so by itself for a package that includes this header.
 *
 * Ownership: a server belongs to the (sub)test that started it and stops with it. A response and all
 * strings handed out live until the (sub)test ends; what an exchange hands out, until its handler returns.
 * Strings passed in are copied. The `arg` of a handler is borrowed until the server has stopped, which is after
 * the test's function has returned: memory of seam_alloc lives as long, a variable of that function does not.
 *
 * Threads: servers, seam_http_get, _do and _record are for the (sub)test's own thread. A handler runs on a
 * thread of the server, one request of a connection at a time, but requests of different connections, and
 * those of one HTTP/2 connection, side by side when one of them waits: guard what handlers share. Checks
 * (seam_check_*, seam_log, seam_error) may be made in a handler; what ends a test (seam_require_*,
 * seam_fatal) ends only the handler's process of answering: the test fails and the client gets status 500.
 * In C++ it is left by a jump then, so that destructors of the handler's objects do not run.
 * What a handler has written to memory before it answered, the test sees once it has the answer.
 */
#ifndef SEAM_HTTP_H
#define SEAM_HTTP_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

enum { SEAM_HTTP_MAX = 8 }; /* fields in a request or reply, replies in a rule */

/* ---- server ------------------------------------------------------------------------------- */

typedef struct seam_http_server seam_http_server;
typedef struct seam_http_exchange seam_http_exchange;

/* Answers one request. A handler that returns without having answered gives status 200 and no body. */
typedef void seam_http_handler(seam_http_exchange *x, void *arg);

typedef struct seam_http_server_options {
    bool tls SEAM_0; /* https, with a certificate for 127.0.0.1, ::1, localhost and example.com that the
                        clients of this test trust */
    bool http2 SEAM_0; /* also HTTP/2: by ALPN under TLS, by prior knowledge without */

    /* Listen on a unix socket instead of 127.0.0.1: its path, or "" for one in a folder of the test. */
    const char *unix_socket SEAM_0;
    const char *client_ca   SEAM_0; /* PEM file: clients must show a certificate that it signed; needs .tls */
    seam_site   site        SEAM_0; /* set for you */
} seam_http_server_options;

/* Start a server; it listens when this returns. Ends the test when it cannot. When the (sub)test ends the
 * server stops: idle connections are closed at once, a handler that runs is waited for; after 5 s the
 * connection that blocks is named. */
#define seam_http_serve(...) seam_http_serve_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_http_serve_(t, handler, arg, ...) \
    seam_http_serve_at((t), (handler), (arg), SEAM_NEW(seam_http_server_options, __VA_ARGS__))
seam_http_server *seam_http_serve_at(seam_t *t, seam_http_handler *handler, void *arg,
                                     SEAM_REF(seam_http_server_options) options);

/* "http://127.0.0.1:40123" and the path, which begins with '/' or is "". */
const char *seam_http_url(const seam_http_server *server, const char *path);
int         seam_http_port(const seam_http_server *server); /* 0 with .unix_socket */
const char *seam_http_socket(const seam_http_server *server); /* the path of the unix socket, else NULL */

/* A PEM file with the certificate authority that signs the servers and mocks of this process; it lives as
 * long as the test. Made when it is first asked for. */
const char *seam_http_ca_file(seam_t *t);

/* Stop now, before the test ends; and cut all connections, as a crash of the server would. */
void seam_http_stop(seam_http_server *server);
void seam_http_close_connections(seam_http_server *server);

/* A socket that listens on 127.0.0.1, on a free port, for a server of another make that takes one: evhttp,
 * libuv, Mongoose, the program's own. It is yours: the server that takes it closes it, or you do. Ends the
 * test when there is none. */
#define seam_http_listen(t, ret_port) seam_http_listen_at((t), SEAM_HERE, (ret_port))
int seam_http_listen_at(seam_t *t, seam_site at, int *ret_port);

/* ---- in a handler: the request -------------------------------------------------------------- */

seam_t     *seam_http_test(const seam_http_exchange *x); /* for checks */
const char *seam_http_method(const seam_http_exchange *x);
const char *seam_http_path(const seam_http_exchange *x); /* decoded, without the query: "/a b" */
const char *seam_http_target(const seam_http_exchange *x); /* as sent: "/a%20b?c=d" */
const char *seam_http_query(const seam_http_exchange *x, const char *name); /* decoded; the first; or NULL */
const char *seam_http_field(const seam_http_exchange *x, const char *name); /* a header; the first; or NULL */
const char *seam_http_body(const seam_http_exchange *x, size_t *ret_size); /* a NUL behind it; size: NULL ok */
const char *seam_http_peer(const seam_http_exchange *x); /* "127.0.0.1:51234" or "unix" */
const char *seam_http_version(const seam_http_exchange *x); /* "HTTP/1.1" or "HTTP/2" */

/* ---- in a handler: the answer --------------------------------------------------------------- */

/* The whole answer: status, Content-Type (NULL: none), and a text as the body (NULL: none). */
void seam_http_respond(seam_http_exchange *x, int status, const char *type, const char *text);

/* Or piece by piece: status and fields before the first piece of the body. Until the handler returns or
 * flushes nothing is sent, and what it wrote gets a Content-Length. After a flush pieces go out as chunks. */
void seam_http_set_status(seam_http_exchange *x, int status);
void seam_http_add_field(seam_http_exchange *x, const char *name, const char *value);
void seam_http_write(seam_http_exchange *x, const void *data, size_t size);
void seam_http_printf(seam_http_exchange *x, const char *format, ...) SEAM_PRINTF(2, 3);
void seam_http_flush(seam_http_exchange *x); /* send what there is, as a chunk */
void seam_http_add_trailer(seam_http_exchange *x, const char *name, const char *value);
void seam_http_inform(seam_http_exchange *x, int status, const char *field); /* 103, "Link: <...>" */

/* Wait, without holding up other connections; less when the test ends before. */
void seam_http_wait(seam_http_exchange *x, int ms);

/* End the connection when the handler returns: in order, after what was written (nothing at all: there is no
 * answer); or by a reset, at once. The client of a unix socket sees the end of the connection instead of a
 * reset. */
void seam_http_close(seam_http_exchange *x);
void seam_http_reset(seam_http_exchange *x);

/* ---- client --------------------------------------------------------------------------------- */

typedef struct seam_http_response {
    int         status; /* 0: no answer, see `error` */
    const char *body; /* a NUL stands behind it; never NULL; what came of it when there is an `error` */
    size_t      size; /* of the body, in bytes */
    const char *error; /* why there is no whole answer, in the client's words; else NULL */
    const struct seam_http_field *fields; /* as they came, trailers last; their names end with a NULL */
    const char *version; /* "HTTP/1.1" or "HTTP/2" */
} seam_http_response;

struct seam_http_field {
    const char *name;
    const char *value;
};

typedef struct seam_http_request {
    const char *method                SEAM_0; /* NULL: GET, or POST when there is a body */
    const char *url                   SEAM_0;
    const char *header[SEAM_HTTP_MAX] SEAM_0; /* "Name: value"; NULL ends the list */
    const char *json                  SEAM_0; /* a body, with its Content-Type; may quote with ' */
    const char *body                  SEAM_0; /* or this one */
    size_t      size                  SEAM_0; /* of it; 0: up to its NUL */
    int         timeout_ms            SEAM_0; /* 0: as long as the test may go on */
    const char *unix_socket           SEAM_0; /* connect there, whatever the url says */
    bool        http2                 SEAM_0; /* by ALPN, or by prior knowledge for http: */
    const char *client_certificate    SEAM_0; /* PEM file with certificate and key to show */
    bool        may_fail              SEAM_0; /* no whole answer is no failure: look at `error` */
    seam_site   site                  SEAM_0; /* set for you */
} seam_http_request;

/* Send a request and wait for the whole answer. Any status is an answer; redirects are not followed. Ends
 * the test with the client's words when there is none, unless .may_fail. Trusts the authority of this test
 * besides those of the system. Connections are kept and used again. */
#define seam_http_get(t, url) seam_http_get_at((t), SEAM_HERE, (url))
#define seam_http_do(...) seam_http_do_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_http_do_(t, ...) seam_http_do_at((t), SEAM_NEW(seam_http_request, __VA_ARGS__))
const seam_http_response *seam_http_get_at(seam_t *t, seam_site at, const char *url);
const seam_http_response *seam_http_do_at(seam_t *t, SEAM_REF(seam_http_request) request);

/* The value of the first field of that name, in any case; NULL when there is none. */
const char *seam_http_header(const seam_http_response *response, const char *name);

/* Run a handler on this thread, without a server or a socket, and hand out what it answered:
 * seam_http_record(t, greet, NULL, .method = "GET", .url = "/hello?name=Ada"). The peer is 192.0.2.1:1234. */
#define seam_http_record(...) seam_http_record_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_http_record_(t, handler, arg, ...) \
    seam_http_record_at((t), (handler), (arg), SEAM_NEW(seam_http_request, __VA_ARGS__))
const seam_http_response *seam_http_record_at(seam_t *t, seam_http_handler *handler, void *arg,
                                              SEAM_REF(seam_http_request) request);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif

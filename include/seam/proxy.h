/*
 * seam/proxy.h - a bad network between a program and a server.
 *
 *     SEAM_TEST(slow_database_is_given_up, .tags = "integration")
 *     {
 *         seam_postgres *pg = seam_postgres_start(t);
 *         seam_proxy *proxy = seam_proxy_start(t, .host = seam_postgres_host(pg), .port = seam_postgres_port(pg));
 *
 *         seam_proxy_toxic(proxy, .latency_ms = 800, .jitter_ms = 100);
 *         seam_check_eq(t, service_ping("127.0.0.1", seam_proxy_port(proxy)), SERVICE_TIMED_OUT);
 *     }
 *
 * A proxy forwards connections to one server, byte by byte, and does with them what it is told, to those that are
 * open and to those that come. It lives in the test's process and is gone when the test ends. A container reaches it
 * as host.seam.internal:port when its request names the port in .host_ports (seam/service.h); so two containers have
 * a bad network between them when one knows the other by its proxy.
 *
 * What is random follows from the run's seed (-seed) and the test's name; a test that fails says how to get the same
 * again. It says, too, what the proxy has seen.
 *
 * Ownership: the handle and strings belong to the (sub)test. What is passed in is copied.
 *
 * Threads: only the (sub)test's own thread may call these; any thread and any process may use the proxy.
 */
#ifndef SEAM_PROXY_H
#define SEAM_PROXY_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_proxy seam_proxy;

typedef struct seam_proxy_options {
    const char *host SEAM_0; /* of the server; NULL: 127.0.0.1 */
    int         port SEAM_0;
    const char *unix_socket SEAM_0; /* or this, in place of host and port */
    const char *listen_socket SEAM_0; /* listen on this unix socket; NULL: on a port of 127.0.0.1 */
    uint64_t    seed SEAM_0; /* of what is random; 0: of the run and the test */
    seam_site   site SEAM_0; /* set for you */
} seam_proxy_options;

/* Listen. The server need not be there yet: a connection is made to it for each that comes, and one that cannot be
 * made ends the client's with a reset. */
#define seam_proxy_start(...) seam_proxy_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_proxy_start_(t, ...) seam_proxy_start_at((t), SEAM_NEW(seam_proxy_options, __VA_ARGS__))
seam_proxy *seam_proxy_start_at(seam_t *t, SEAM_REF(seam_proxy_options) options);

const char *seam_proxy_host(const seam_proxy *proxy); /* "127.0.0.1" */
int         seam_proxy_port(const seam_proxy *proxy); /* 0 with .listen_socket */
uint64_t    seam_proxy_seed(const seam_proxy *proxy);

enum seam_proxy_direction { SEAM_PROXY_BOTH, SEAM_PROXY_TO_SERVER, SEAM_PROXY_TO_CLIENT };

/* What is done to connections, all that is set at once; none: they are passed on as they come. Bytes and time are
 * counted from the call, or from the begin of a connection that comes later. */
typedef struct seam_proxy_faults {
    enum seam_proxy_direction direction SEAM_0; /* what is done in the other one stays as it is */
    int       latency_ms SEAM_0; /* what comes is passed on so much later, in its order, ... */
    int       jitter_ms SEAM_0; /* ... give or take up to so much, evenly and at random */
    long long bytes_per_second SEAM_0; /* no faster than that; 0: no limit */
    int       piece SEAM_0; /* in pieces of at most so many bytes, ... */
    int       piece_gap_ms SEAM_0; /* ... with so much time between them */
    long long cut_after SEAM_0; /* closed after so many bytes, ... */
    int       cut_after_ms SEAM_0; /* ... or so much time; a stall does not keep it from that */
    bool      reset SEAM_0; /* ... by a reset (RST); without either: at once. On a unix socket an ordinary end */
    bool      stall SEAM_0; /* nothing is passed on, no end either, until the next call; then all of it */
    long long stall_after SEAM_0; /* the same, behind so many bytes */
    int       slow_close_ms SEAM_0; /* the end of one side is passed on to the other so much later */
    int       percent SEAM_0; /* done to so many of a hundred connections, at random; 0: to all */
    int       times SEAM_0; /* to no more than so many connections, the open ones first; 0: to all */
    seam_site site SEAM_0; /* set for you */
} seam_proxy_faults;

/* Do this from now on, in place of what the last call said for that direction. */
#define seam_proxy_toxic(...) seam_proxy_toxic_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_proxy_toxic_(proxy, ...) seam_proxy_toxic_at((proxy), SEAM_NEW(seam_proxy_faults, __VA_ARGS__))
void seam_proxy_toxic_at(seam_proxy *proxy, SEAM_REF(seam_proxy_faults) faults);

/* Down: open connections are reset, new ones refused. Up again: on the same port. */
#define seam_proxy_down(proxy) seam_proxy_set_at((proxy), SEAM_HERE, false)
#define seam_proxy_up(proxy) seam_proxy_set_at((proxy), SEAM_HERE, true)
void seam_proxy_set_at(seam_proxy *proxy, seam_site at, bool up);

/* Connections so far, those that are open, and bytes passed on in one direction (SEAM_PROXY_BOTH: their sum). */
size_t  seam_proxy_connections(const seam_proxy *proxy);
size_t  seam_proxy_open(const seam_proxy *proxy);
int64_t seam_proxy_bytes(const seam_proxy *proxy, enum seam_proxy_direction direction);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif

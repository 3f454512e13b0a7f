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
 * A proxy forwards TCP connections, byte by byte, and does with them what it is told, to those that are open and to
 * those that come. It is a program of the run's keeper, so it works for containers too (host.seam.internal), and is
 * gone when the test ends.
 *
 * Ownership: the handle belongs to the (sub)test. Threads: only the (sub)test's own thread may call these.
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
    const char *host SEAM_0; /* NULL: 127.0.0.1 */
    int         port SEAM_0;
    const char *unix_socket SEAM_0; /* or this, in place of host and port */
    bool        for_containers SEAM_0; /* listens where containers of this machine reach it, too */
    seam_site   site SEAM_0; /* set for you */
} seam_proxy_options;

#define seam_proxy_start(...) seam_proxy_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_proxy_start_(t, ...) seam_proxy_start_at((t), SEAM_NEW(seam_proxy_options, __VA_ARGS__))
seam_proxy *seam_proxy_start_at(seam_t *t, SEAM_REF(seam_proxy_options) options);

const char *seam_proxy_host(const seam_proxy *proxy); /* "127.0.0.1" */
int         seam_proxy_port(const seam_proxy *proxy);

enum seam_proxy_direction { SEAM_PROXY_BOTH, SEAM_PROXY_TO_SERVER, SEAM_PROXY_TO_CLIENT };

/* What is done to each connection, all that is set; the next call replaces it. */
typedef struct seam_proxy_faults {
    enum seam_proxy_direction direction SEAM_0;
    int  latency_ms SEAM_0; /* before each piece is passed on, */
    int  jitter_ms SEAM_0; /* give or take as much, evenly */
    long bytes_per_second SEAM_0; /* no faster than that; 0: no limit */
    long cut_after SEAM_0; /* after so many bytes of a connection it is closed, ... */
    bool reset SEAM_0; /* ... with a reset (RST); without cut_after: at once */
    bool stall SEAM_0; /* nothing is passed on, nothing is closed */
    int  piece SEAM_0; /* in pieces of at most so many bytes */
    seam_site site SEAM_0; /* set for you */
} seam_proxy_faults;

#define seam_proxy_toxic(...) seam_proxy_toxic_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_proxy_toxic_(proxy, ...) seam_proxy_toxic_at((proxy), SEAM_NEW(seam_proxy_faults, __VA_ARGS__))
void seam_proxy_toxic_at(seam_proxy *proxy, SEAM_REF(seam_proxy_faults) faults);

/* Down: open connections are reset, new ones refused. Up again: the same port. */
#define seam_proxy_down(proxy) seam_proxy_set_at((proxy), SEAM_HERE, false)
#define seam_proxy_up(proxy) seam_proxy_set_at((proxy), SEAM_HERE, true)
void seam_proxy_set_at(seam_proxy *proxy, seam_site at, bool up);

/* Connections so far, those that are open, and bytes passed on in one direction (SEAM_PROXY_BOTH: their sum). */
size_t  seam_proxy_connections(seam_proxy *proxy);
size_t  seam_proxy_open(seam_proxy *proxy);
int64_t seam_proxy_bytes(seam_proxy *proxy, enum seam_proxy_direction direction);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif

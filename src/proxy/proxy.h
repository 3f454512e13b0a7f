/*
 * proxy/proxy.h - a proxy and its connections, as its own files know them; see seam/proxy.h.
 *
 *   client ── side[0].stream ── flow[0] ──> side[1].stream ── server
 *                           <── flow[1] ──
 *
 * flow[i] takes what side[i] sends.
 *
 * Ownership: a proxy lies in its test's arena, with its faults; connections are freed when both sides are gone.
 *
 * Threads: the loop's lock is held for all that changes.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <sys/socket.h>

#include "net/listener.h"
#include "net/stream.h"
#include "proxy/flow.h"
#include "seam/proxy.h"

struct proxy_connection;

/* What one call has said. Both directions may have the same. */
struct proxy_faults {
    seam_proxy_faults faults;
    int left; /* connections that it may still be done to; -1: any number */
};

struct seam_proxy {
    struct listener listener; /* first: connections find it by this */
    seam_t *t;
    seam_site site;
    struct sockaddr_storage server;
    socklen_t server_size;
    const char *server_name; /* "127.0.0.1:5432", or a path; for messages */
    const char *listen_socket;
    int held_fd; /* keeps the port while it is down; -1: none */
    bool is_up;
    uint64_t seed, random;
    bool used_random;
    struct proxy_faults *faults[2]; /* by direction, as connection.flow; NULL: none */
    struct proxy_connection *first, **last; /* in the order in which they came */
    size_t count, open;
    int64_t bytes[2];
    size_t cut; /* connections that faults have ended */
    size_t unreached; /* connections for which the server was not reached, */
    int unreached_error; /* and why the last one */
};

/* A client came: takes its descriptor. */
void proxy_accepted(struct listener *listener, int fd, const char *peer);

/* New faults for the directions `first` to `last`, for those that are open and those that come. */
void proxy_apply(struct seam_proxy *proxy, int first, int last, struct proxy_faults *faults);

/* End all connections by a reset; `how`: words for the traffic. */
void proxy_reset_all(struct seam_proxy *proxy, const char *how);

/* The same at the end: nothing is left of them. */
void proxy_free_all(struct seam_proxy *proxy);

#endif

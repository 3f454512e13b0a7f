/*
 * net/listener.h - a listening socket on loopback, or on a unix socket, whose connections the loop accepts.
 *
 * TCP listens on 127.0.0.1, on a port that the kernel chooses. A closed connection keeps its port busy for a
 * minute at the side that closed first (TIME_WAIT), and when 14,000 ports are, choosing one becomes slow: so
 * whoever accepts here should close last, or by a reset when nothing is lost by it.
 *
 * Threads: the loop's lock is held.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/err.h"
#include "net/loop.h"

struct listener {
    struct loop_watch watch;
    struct loop_timer pause; /* while there is no descriptor for another connection */
    struct listener *next; /* of all that listen on TCP */
    int held_port; /* one of listener_hold_port to listen on; 0: the kernel chooses */
    int port; /* 0 on a unix socket */
    const char *path; /* of the unix socket, NULL on TCP; borrowed */
    /* A client came; takes the descriptor. `peer`: "127.0.0.1:51234" or "unix". */
    void (*accepted)(struct listener *listener, int fd, const char *peer);
    /* No descriptor was left for one: -EMFILE and its like. It waits, or has been closed. May be NULL. */
    void (*lacks)(struct listener *listener, int error);
};

/* Listen. `path` NULL: on TCP. What is not set by the caller is zero. -errno with the words in `err`. */
int listener_start(struct listener *listener, const char *path, struct err *err);
void listener_stop(struct listener *listener); /* also one that never started */

/* Keep a TCP port of 127.0.0.1, for a listener that comes, goes and comes again: nobody else gets it until the
 * descriptor is closed, and nobody answers there without a listener. Returns the descriptor or -errno. */
int listener_hold_port(int *ret_port);

/* Whether a TCP port of 127.0.0.1 belongs to a listener of this process. */
struct listener *listener_of_port(int port);

#endif

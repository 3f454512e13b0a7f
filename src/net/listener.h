/*
 * net/listener.h - a listening socket on loopback, or on a unix socket, whose connections the loop accepts.
 *
 * TCP listens on a port that the kernel chooses, on an address 127.x.y.z of the process's own where the many
 * closed connections of one address would make that slow (facts: TIME_WAIT), else on 127.0.0.1.
 *
 * Threads: the loop's lock is held.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/err.h"
#include "net/loop.h"

struct listener {
    struct loop_watch watch;
    int port; /* 0 on a unix socket */
    const char *path; /* of the unix socket, NULL on TCP; borrowed */
    /* A client came; takes the descriptor. `peer`: "127.0.0.1:51234" or "unix". */
    void (*accepted)(struct listener *listener, int fd, const char *peer);
};

/* Listen. `path` NULL: on TCP. -errno with the words in `err`. */
int listener_start(struct listener *listener, const char *path, struct err *err);
void listener_stop(struct listener *listener); /* also one that never started */

/* Whether a TCP port of 127.0.0.1 belongs to a listener of this process. */
struct listener *listener_of_port(int port);

#endif

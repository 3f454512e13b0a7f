/*
 * link/link.h - the seams: libc functions that libseam answers in the program's stead, for destinations
 * that a double has taken.
 *
 * A double adds a route for an origin's host and port. A look-up of that host then gives a reserved address
 * (198.18.0.0/15), and a connect to it, or to the address that the route itself names, puts one end of a
 * socketpair under the program's descriptor and gives the other end to the double's driver; what the program
 * sends from then on goes to driver->feed in its own thread. Bytes that pass by the hooks (stdio, raw system
 * calls) come through the kernel: whoever has the other end reads it as well.
 *
 * link/ lives in other people's processes: it sees base alone, has no thread, and takes its lock only for
 * descriptors and destinations that it knows. Other descriptors cost the look at one byte.
 *
 * Threads: any, but for adding and removing routes, which are the test's own thread's.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"

/* How a connection fails. */
enum link_breakage { LINK_BREAK_REFUSED = 100, LINK_BREAK_NO_ANSWER, LINK_BREAK_UNKNOWN_HOST };

/* How a connection to a route is served. */
struct link_driver {
    /* What comes of connecting instead: LINK_BREAK_REFUSED, LINK_BREAK_NO_ANSWER, or 0 to go on. Asked first.
     * NULL: 0. */
    int (*fault)(void *route, const char *host);

    /* The program connects to `host`:`port`: take `peer`, the other end of a socketpair, and return 0 with
     * *ret_connection; or a negative errno for connect(), with `peer` left alone. */
    int (*open)(void *route, int peer, const char *host, int port, void **ret_connection);

    /* The program sends; all of it is taken. 0, or -EPIPE when the connection has ended. */
    int (*feed)(void *connection, const void *data, size_t size);

    void (*end)(void *connection); /* shutdown(SHUT_WR) */
    void (*gone)(void *connection); /* the last descriptor is closed; the last call for it */

    /* Whether the host resolves; false: EAI_NONAME, for all routes that have this host. NULL: it does. */
    bool (*resolves)(void *route, const char *host);

    /* No descriptor is left for a connection: -EMFILE or its like, which connect returns. May be NULL. */
    void (*lacks)(void *route, int error);

    /* Where a program that was spawned finds the route: a TCP port of 127.0.0.1, or -errno. */
    int (*listen)(void *route, const char *host);
};

/* Take a destination: host (name or address; ".pay.test" for all names that end so) and port. -EEXIST when it
 * is taken. `route` is given back to the driver. */
int link_route_add(const char *host, int port, const struct link_driver *driver, void *route,
                   struct err *err);
void link_route_remove(void *route); /* all of its destinations; connections that exist go on */

/* Trust the authority in this PEM text, in the clients of this process, from now on. */
int link_trust(const char *authority_pem, struct err *err);

/* Refuse what nobody took or allowed, from now until as often undone; `refused` is told of each such
 * attempt, from any thread. */
typedef void link_refused_fn(void *arg, const char *host, int port, const char *library);
void link_deny(link_refused_fn *refused, void *arg);
void link_deny_end(void);
void link_deny_only_tells(bool only); /* they are told of, and pass */

/* Let a destination pass, as seam_net_allow has it; or break it, as seam_net_break. Until the counterpart is
 * called. -EINVAL with words for what is no destination. */
int link_allow(const char *destination, struct err *err);
void link_allow_end(const char *destination);
int link_break(const char *destination, enum link_breakage how, struct err *err);
void link_mend(const char *destination);

/* What this thread connects to from now on passes, whatever the rules say: for connections of our own. */
void link_pass_begin(void);
void link_pass_end(void);

/* Where descriptors of ours go, out of the way of the program's own (t_private_fd): set by who has such a
 * place before the first route. Takes the descriptor, returns the new one or -errno. */
extern int (*link_private_fd)(int fd);

/* Put a byte into the driver's end of a connection that no hook sees: closing it then is a reset for the
 * program. Only while `gone` has not been called for it and cannot be. */
void link_leave_unread(void *connection);

/* Whether hooks are reached at all: 0, or -ENOTSUP with the reason (a static program, -hooks off, a library
 * that was linked past them). The first call looks at each loaded object. */
int link_check(struct err *err);

/* The same when a double ends, for libraries that were loaded meanwhile: -ENOTSUP when one was bound past the
 * hooks until now. */
int link_check_again(struct err *err);

#endif

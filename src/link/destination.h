/*
 * link/destination.h - where a program wants to connect: names and their reserved addresses, what doubles
 * have taken, what is allowed.
 *
 * Threads: any; a lock of its own guards all of it, held for no longer than a look-up.
 */
#ifndef LINK_DESTINATION_H
#define LINK_DESTINATION_H

#include <stdint.h>

#include "link/link.h"

enum { LINK_HOST_MAX = 256 };

/* Whether anything is to be looked at: a double, or a refusal of the rest. One load, for the fast path. */
bool link_is_active(void);

/* Whether a look-up of this name is answered by us: it leads to a double, or nobody allowed it. Then its
 * reserved address is in *ret_address (network order). LINK_LOOKUP_NONE: there is no such host. */
enum link_lookup { LINK_LOOKUP_REAL, LINK_LOOKUP_OURS, LINK_LOOKUP_NONE };
enum link_lookup link_look_up(const char *name, uint32_t *ret_address);

/* What becomes of a connection. */
enum link_verdict {
    LINK_PASS,
    LINK_TO_DOUBLE,
    LINK_REFUSE,
    LINK_REFUSE_QUIETLY,
    LINK_NO_ANSWER
};
struct link_destination {
    char host[LINK_HOST_MAX]; /* as the program named it, else the address */
    int port;
    const struct link_driver *driver; /* for LINK_TO_DOUBLE */
    void *route;
    int listener; /* in a child that the test forked: a port of 127.0.0.1; else 0 */
};
enum link_verdict link_judge(const struct sockaddr *to, socklen_t size, bool stream,
                             struct link_destination *ret);

/* Whether others than doubles are reached over TLS, so that their authorities are still needed. */
bool link_allows_others(void);

/* Tell whoever refuses that something was refused, or is to pass all the same. */
bool link_refuses(void); /* whether that is more than words */
void link_tell_refused(const struct link_destination *destination, const void *caller);
void link_tell_refused_by(const struct link_destination *destination, const char *library);

#endif

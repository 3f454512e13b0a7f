/*
 * service/announcer.h - tells the others what is in the outbox.
 *
 *     take an event out -> publish it -> forget it
 *
 * An event is forgotten only after somebody has answered for it, so none is lost. A crash between
 * the two sends it a second time, with the same id, by which receivers drop repetitions: that is
 * the price, and no protocol is free of it.
 *
 * Any number of announcers may share an outbox; with one, events go out in the order in which they
 * were put in.
 *
 * Ownership: the announcer borrows its ports. Threads: as many as the ports allow.
 */
#ifndef SERVICE_ANNOUNCER_H
#define SERVICE_ANNOUNCER_H

#include "service/ports.h"

struct announcer {
    struct outbox outbox;
    struct event_publisher events;
};

/* Send all that is there, the oldest first, and stop at the first failure: what comes behind it
 * waits. *ret_sent counts those that went out, and is always written. Returns 0, or -1 when some
 * may be left: try again later. */
int announcer_run(const struct announcer *announcer, size_t *ret_sent, struct failure *failure);

#endif

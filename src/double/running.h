/*
 * double/running.h - the doubles of this process that run, of all protocols: one for each host and port.
 *
 * Threads: the loop's lock is held.
 */
#ifndef DOUBLE_RUNNING_H
#define DOUBLE_RUNNING_H

#include <seam/seam.h>
#include <stdbool.h>

#include "base/err.h"

struct running {
    struct running *next;
    const char *host; /* borrowed */
    int port;
    seam_site site;
};

/* -EEXIST with the place where another was started. */
int running_add(struct running *own, struct err *err);
void running_remove(struct running *own); /* also one that was not added */

/* Whether it is the address of one that has not stopped: its end may meet a connection that begins. */
bool running_has(const struct running *own);

#endif

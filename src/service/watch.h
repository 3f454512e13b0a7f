/*
 * service/watch.h - wait until something changes in a folder, as a server does that becomes ready.
 *
 * Threads: any; a watch by one at a time.
 */
#ifndef SERVICE_WATCH_H
#define SERVICE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
    int fd; /* an inotify descriptor */
    int folder; /* its number there */
};
#define WATCH_NONE ((struct watch){ -1, -1 })

/* Changes count from here on. Returns 0 or -errno. */
int watch_begin(const char *folder, struct watch *ret);
void watch_end(struct watch *watch); /* takes WATCH_NONE, and leaves that */

/* Wait until something has changed, the process behind a pidfd has ended, or the deadline passes. Returns
 * whether it has ended. */
bool watch_wait(const struct watch *watch, int process, uint64_t deadline_ns);

#endif

/*
 * clock/clock.h - the clock of a test; see seam/clock.h. Its time is in the page of link/page.h.
 *
 * Threads: as each says.
 */
#ifndef CLOCK_CLOCK_H
#define CLOCK_CLOCK_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "link/page.h"
#include "seam/clock.h"

struct seam_clock {
    seam_t *t;
    seam_site site;
    bool port_only;
    bool moves_by_itself;
    atomic_bool ended, finish;
    atomic_bool moves; /* somebody moves it now */
    pthread_t watcher;
    bool watched;
    int64_t begin_fake_ms, begin_ns; /* what fake_now_ms said at that monotonic time */
};

/* Whether the sleeper is there still; one whose thread has died is not. */
bool clock_has_sleeper(struct page *page, int i);
int clock_count_sleepers(struct page *page);

/* Move the time to there, on the monotonic time: whoever sleeps until then wakes up at its own time, in that order,
 * and time goes on when all threads that were woken wait again. False: these did not wake, added to `ret`. Only the
 * test's own thread. */
bool clock_advance(struct page *page, int64_t to_ns, struct buf *ret);

/* Wait a moment of the machine's time. */
void clock_pause(int64_t ns);

/* A thread that looks whether everybody waits for a time that stands still; and rings. */
void clock_watch_begin(seam_clock *clock);
void clock_watch_end(seam_clock *clock);

/* The clock ends: who sleeps wakes up, and libc's functions tell the machine's time. Any thread; done once. */
void clock_end(seam_clock *clock);

#endif

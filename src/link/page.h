/*
 * link/page.h - a page of memory that the test's process shares with all programs that it spawns: the time and the
 * source of ids that they go by.
 *
 * It is a file without a name, mapped by whoever finds /proc/PID/fd/N of the test's process in the environment, so
 * that a hooked clock_gettime is one load and no message. Until a test has a clock or a seed all processes have a page of their
 * own in which nothing runs.
 *
 * Whoever waits for the time has a sleeper in it, which the others read: to show it, and to move the time to where
 * the first one wakes. A sleeper's `tid` is the key to it: 0 is a free one, below 0 one that is being written.
 *
 * Threads and processes: any.
 */
#ifndef LINK_PAGE_H
#define LINK_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define PAGE_VARIABLE "SEAM_PAGE" /* where the file is, in the environment */

enum { PAGE_SLEEPERS = 512, PAGE_IDS = 16, PAGE_MAGIC = 0x5ea30001 };

enum page_kind { PAGE_SLEEP, PAGE_POLL, PAGE_CONDITION, PAGE_SLICES, PAGE_TIMER, PAGE_ALARM };

struct page_sleeper {
    _Atomic int32_t tid;
    _Atomic int32_t pid;
    _Atomic int64_t until_ns; /* on the page's monotonic time */
    _Atomic int32_t kind; /* enum page_kind */
    char function[28], program[16], thread[16]; /* by page_put_text and page_get_text alone */
};

struct page {
    uint32_t magic;
    int32_t owner; /* the test's process */

    /* time */
    _Atomic uint32_t runs; /* libc's functions go by it */
    _Atomic uint32_t
        turn; /* a futex: another number when time has moved, or a sleeper has come */
    _Atomic uint32_t epoch; /* another number when a clock has ended: all wake up */
    _Atomic uint32_t sleeps_advance;
    _Atomic int64_t monotonic_ns, wall_ns;
    _Atomic int64_t slept_ns; /* the sum of what was asked for */
    struct page_sleeper sleepers[PAGE_SLEEPERS];

    /* ids */
    _Atomic uint32_t seeded;
    uint64_t seed;
    _Atomic uint64_t drawn; /* blocks of the stream that were given */
    _Atomic uint64_t given; /* ids that were given */
    uint32_t listed;
    unsigned char list[PAGE_IDS][16];
};

extern struct page *_Atomic page_current; /* never NULL */

static inline struct page *page_now(void)
{
    return atomic_load_explicit(&page_current, memory_order_relaxed);
}

/* A sleeper's text may change while it is read, by another process at that: what is got then belongs to two of them,
 * and ends all the same. */
void page_put_text(char *to, size_t size, const char *from);
void page_get_text(char *to, const char *from, size_t size);

/* Make one and go by it from now on; *ret_fd is the file. */
int page_create(int *ret_fd, struct err *err);

/* Go by the one that another process has made; -EINVAL when it is none. */
int page_open(const char *path);

#endif

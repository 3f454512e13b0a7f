/*
 * net/loop.h - one loop for all servers and doubles of a test's process.
 *
 * A thread waits in epoll and calls what became ready or due. All of the loop's state, and all that is
 * reached from its call-backs (connections, servers, mocks), is guarded by one lock, the loop's: call-backs
 * run with it held, and whoever calls from another thread takes it first. What runs code of the user gives
 * it back meanwhile (loop_outside). When that code keeps the thread for long, another thread goes on with
 * the loop, so that a handler may wait for a second server of the same process.
 *
 * The threads exist from the first watch or timer on, block all signals, and are not reported as left
 * behind. In a child that the test forks there is no loop.
 *
 * Ownership: watches and timers belong to the caller, who removes them before they go.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop_watch {
    int fd;
    void (*ready)(struct loop_watch *watch, uint32_t events); /* EPOLLIN and so on */
    uint32_t events; /* what is watched; set by loop_watch_set */
    bool added;
};

struct loop_timer {
    uint64_t at_ns; /* CLOCK_MONOTONIC; 0 while it is not set */
    void (*fire)(struct loop_timer *timer);
    struct loop_timer *next; /* in the order in which they fire */
};

void loop_lock(void);
void loop_unlock(void);

/* In a child that the test forked: what was started before belongs to the parent, and nothing new can be. */
bool loop_is_gone(void);

/* Watch for events (0: none for now) or go on with other ones; level-triggered. Lock held. -errno. */
int loop_watch_set(struct loop_watch *watch, uint32_t events);
void loop_watch_remove(struct loop_watch *watch); /* before its descriptor is closed */

/* Fire once, `at_ns` from CLOCK_MONOTONIC or at once when that has passed. Set again, it moves. Lock held.
 * -errno when there can be no loop. */
int loop_timer_set(struct loop_timer *timer, uint64_t at_ns);
void loop_timer_cancel(struct loop_timer *timer);

/* Run code of the user without the lock, which is held before and after. Only from a call-back of the loop
 * or from a thread that holds the lock otherwise; what the caller points to must outlive it: mark it busy. */
void loop_outside(void (*fn)(void *arg), void *arg);

/* Code of the user's on this thread is about to wait: another thread goes on with the loop at once. Lock held;
 * nothing on a thread that is not the loop's. */
void loop_give_way(void);

/* Whether this thread is one of the loop's. */
bool loop_is_this_thread(void);

/* Wait, with the lock given back meanwhile, until fn(arg) holds or the deadline (0: never) has passed; it is
 * asked again each time loop_wake_waiters was called. Returns whether it holds. Lock held. */
bool loop_wait(bool (*fn)(void *arg), void *arg, uint64_t deadline_ns);
void loop_wake_waiters(void);

/* For a client of this process's own servers: from now on this thread does the leader's work, so that a
 * request needs no other thread to wake up. Lock not held. false when it may not: it is one of the loop's,
 * another one does so already, or there is no loop. */
bool loop_drive_begin(void);

/* Do what is ready or due now; whether there was anything, and this thread drives still. */
bool loop_drive(void);

/* The loop's own thread goes on: at once, or within a millisecond (`soon`), because this one is likely to be
 * back. */
void loop_drive_end(bool soon);

#endif

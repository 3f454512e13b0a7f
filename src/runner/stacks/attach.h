/*
 * runner/stacks/attach.h - stop the threads of another process, and let them go.
 *
 * Threads are seized (PTRACE_SEIZE), not attached to: no SIGSTOP reaches the process, so that
 * it goes on afterwards as if nothing had been, and a process that was stopped stays stopped.
 * When this program dies the kernel lets them go by itself.
 */
#ifndef RUNNER_STACKS_ATTACH_H
#define RUNNER_STACKS_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { ATTACH_MAX = 64 }; /* threads that are looked at */

struct attached_thread {
    pid_t tid;
    char name[64];
    int signal; /* was about to be delivered when the thread stopped; given back on release */
    bool stopped;
    bool gone;
};

struct attached {
    struct attached_thread thread[ATTACH_MAX];
    size_t count;
    size_t left_out; /* threads beyond ATTACH_MAX: they were left running */
};

/* Stop all threads of `pid`: `first` (0 for none) is never among those that are left out and
 * stands first, then the main thread. Waits up to `deadline_ns` for them: one that is still not
 * `stopped` sits in the kernel. Returns -ESRCH when the process has ended, -EPERM when the
 * system refuses; `err` then holds the reason alone. */
int attach_all(struct attached *ret, pid_t pid, pid_t first, uint64_t deadline_ns,
               struct err *err);

/* Let all go. What is known of them stays. */
void attach_release(struct attached *attached);

/* Whether `pid` is a process that has not ended (a zombie has). */
bool process_alive(pid_t pid);

#endif

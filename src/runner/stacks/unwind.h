/*
 * runner/stacks/unwind.h - the bare frames of a stopped thread: addresses, no names yet.
 *
 * Unwinding is kept apart from naming, so that the threads stand still only as long as their
 * memory is read.
 */
#ifndef RUNNER_STACKS_UNWIND_H
#define RUNNER_STACKS_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <elfutils/libdwfl.h>

enum {
    TRACE_MAX = 64, /* frames that are kept of a stack */
    TRACE_HEAD = 48, /* of them, the innermost; the rest are the outermost, where the test is */
};

struct frame {
    uint64_t pc;
    uint64_t sp;
    bool exact; /* this very instruction was reached; elsewhere pc is where a call returns to */
    bool trampoline; /* a signal interrupted what comes next and ran what came before */
};

struct trace {
    struct frame frame[TRACE_MAX + 1]; /* innermost first; one more for fault_unwind's use */
    size_t count;
    size_t gap; /* so many stand before the gap, */
    size_t left_out; /* which is as wide as this; 0 when nothing is missing */
    char note[160]; /* why the stack ends early; empty when it was read to its end */
};

/* Read the stack of a thread that is stopped under ptrace. `deadline_ns` ends endless
 * recursion. */
void unwind_thread(Dwfl *dwfl, pid_t tid, uint64_t deadline_ns, struct trace *ret);

/* The number of the innermost trampoline, 0 when there is none. */
size_t unwind_find_trampoline(const struct trace *trace);

/* Drop the innermost `count` frames. */
void unwind_drop(struct trace *trace, size_t count);

#endif

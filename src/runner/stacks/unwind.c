/* runner/stacks/unwind.c - the bare frames of a stopped thread; see unwind.h. */

#include "runner/stacks/unwind.h"

#include <stdio.h>
#include <string.h>

#include "base/deadline.h"
#include "runner/stacks/machine.h"

enum { LOOK_AT_CLOCK = 1024 }; /* frames between two looks at the time */

struct walk {
    struct trace *trace;
    size_t seen;
    bool interrupted; /* the last frame was a trampoline */
    uint64_t deadline_ns;
};

/* The head fills up once; behind it the tail is a ring until straighten_tail. */
static struct frame *slot(struct trace *trace, size_t number)
{
    if (number < TRACE_HEAD)
        return &trace->frame[number];
    return &trace->frame[TRACE_HEAD + (number - TRACE_HEAD) % (TRACE_MAX - TRACE_HEAD)];
}

static int keep_frame(Dwfl_Frame *state, void *arg)
{
    struct walk *walk = arg;
    struct frame frame = { 0 };

    if (!dwfl_frame_pc(state, &frame.pc, &frame.exact))
        return DWARF_CB_ABORT;
    dwfl_frame_reg(state, MACHINE_SP, &frame.sp);
    /* libdwfl calls both exact: the trampoline and, after it, what was interrupted. */
    frame.trampoline = walk->seen > 0 && frame.exact && !walk->interrupted;
    walk->interrupted = frame.trampoline;
    *slot(walk->trace, walk->seen++) = frame;
    if (walk->seen % LOOK_AT_CLOCK == 0 && deadline_poll_ms(walk->deadline_ns) == 0) {
        snprintf(walk->trace->note, sizeof walk->trace->note,
                 "the stack is deeper than the %zu frames read in time", walk->seen);
        return DWARF_CB_ABORT;
    }
    return DWARF_CB_OK;
}

/* Turn the ring so that its oldest frame comes first. */
static void straighten_tail(struct trace *trace, size_t seen)
{
    struct frame ring[TRACE_MAX - TRACE_HEAD];

    trace->count = seen < TRACE_MAX ? seen : TRACE_MAX;
    trace->gap = TRACE_HEAD;
    trace->left_out = seen - trace->count;
    if (trace->left_out == 0)
        return;
    memcpy(ring, trace->frame + TRACE_HEAD, sizeof ring);
    for (size_t i = TRACE_HEAD; i < TRACE_MAX; i++)
        trace->frame[i] = ring[(trace->left_out + i - TRACE_HEAD) % (TRACE_MAX - TRACE_HEAD)];
}

void unwind_thread(Dwfl *dwfl, pid_t tid, uint64_t deadline_ns, struct trace *ret)
{
    struct walk walk = { .trace = ret, .deadline_ns = deadline_ns };

    *ret = (struct trace){ 0 };
    if (dwfl_getthread_frames(dwfl, tid, keep_frame, &walk) < 0 && !ret->note[0])
        snprintf(ret->note, sizeof ret->note, "the stack cannot be read any further: %s",
                 dwfl_errmsg(-1));
    straighten_tail(ret, walk.seen);
}

size_t unwind_find_trampoline(const struct trace *trace)
{
    for (size_t i = 1; i < trace->count; i++)
        if (trace->frame[i].trampoline)
            return i;
    return 0;
}

void unwind_drop(struct trace *trace, size_t count)
{
    trace->count -= count;
    trace->gap -= count < trace->gap ? count : trace->gap;
    memmove(trace->frame, trace->frame + count, trace->count * sizeof *trace->frame);
}

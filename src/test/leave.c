/* test/leave.c - how a fatal leaves a (sub)test; the only longjmp of Seam. */

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/state.h"

struct frame {
    struct frame *outer;
    jmp_buf to;
};

static _Thread_local struct frame *innermost;
static _Thread_local seam_throwing *thrower;

seam_throwing *seam_leave_by(seam_throwing *throwing)
{
    seam_throwing *before = thrower;

    thrower = throwing;
    return before;
}

/* A child that the test forked is not the test: neither its end nor its clean-up is the child's. */
static void leave_if_forked(void)
{
    if (emit_is_forked()) {
        fflush(stdout);
        _exit(1);
    }
}

bool leave_call(seam_t *t, seam_fn *fn, void *arg)
{
    seam_throwing *throwing = seam_leave_by(NULL); /* fn sets its own when it is C++ */
    struct frame frame = { .outer = innermost };
    struct via *mark = via_mark();
    volatile bool returned = false;

    innermost = &frame;
    if (setjmp(frame.to) == 0) {
        fn(t, arg);
        returned = true;
    }
    innermost = frame.outer;
    thrower = throwing;
    via_unwind(mark);
    leave_if_forked();
    return returned;
}

bool t_call(seam_t *t, seam_fn *fn, void *arg)
{
    seam_t *outer = current_test;
    bool returned;

    current_test = t;
    returned = leave_call(t, fn, arg);
    current_test = outer;
    return returned;
}

/* A fatal on a thread that runs no test has nowhere to go but out of the process. */
static SEAM_NORETURN void leave_process(void)
{
    static const char words[] = "a fatal failure on a thread that runs no test ends the whole "
                                "test; its clean-up did not run";
    struct event end = { .kind = EVENT_END, .status = VERDICT_FAIL, .node = EVENT_ROOT };

    emit_message(process.root, MESSAGE_ERROR, (seam_site){ 0 }, text_of(words));
    emit(&end);
    _exit(1);
}

void seam_leave(void)
{
    leave_if_forked();
    if (!innermost)
        leave_process();
    if (thrower)
        thrower();
    longjmp(innermost->to, 1);
}

/*
 * runner/stacks/fault.h - the stack of a thread that crashed and waits in its signal handler.
 *
 * Its innermost frames are the handler's, then a trampoline, then what was hit. A call through
 * a NULL or stale function pointer is the hard case: no unwinder knows how to leave an address
 * where no code is, although the caller's return address is the last thing on the stack. There
 * the call is undone on a copy of the registers that the signal saved, and unwinding starts
 * from there.
 */
#ifndef RUNNER_STACKS_FAULT_H
#define RUNNER_STACKS_FAULT_H

#include "runner/stacks/unwind.h"

/* What the handler was told. */
struct fault {
    pid_t tid; /* 0: nothing crashed */
    uint64_t pc;
    uint64_t sp;
};

/* Like unwind_thread, with the frame that was hit as the innermost. Returns false when the
 * frames do not lead out of the handler; `ret` then holds the handler's. */
bool fault_unwind(Dwfl *dwfl, const struct fault *fault, uint64_t deadline_ns,
                  struct trace *ret);

#endif

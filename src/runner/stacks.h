/* runner/stacks.h - the stacks of a process's threads, read by the helper program `stacks`. */
#ifndef RUNNER_STACKS_H
#define RUNNER_STACKS_H

#include "runner/run.h"

struct stacks;

/* Start reading the stacks of the attempt's process; `done` of ending.c is called with the text, one
 * line a frame or a thread, or with words why there are none. NULL when the helper cannot be started. */
struct stacks *stacks_start(struct attempt *attempt);
void stacks_cancel(struct run *run, struct stacks *stacks);

#endif

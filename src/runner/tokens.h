/*
 * runner/tokens.h - a limit on tests at once over several runners: GNU make's jobserver.
 *
 * Each runner may always run one test; for each further one it takes a byte from the pool, a pipe,
 * and puts it back. The pool is make's own (MAKEFLAGS), else a fifo beside the keeper that the runners of
 * a session share. Without either there is no limit but -parallel.
 */
#ifndef RUNNER_TOKENS_H
#define RUNNER_TOKENS_H

#include <stdbool.h>

struct run;

/* Join a pool. `fifo`: of the session, NULL when the run has none; `make`: create it. Whoever is alone there
 * fills it with -parallel tokens. */
void tokens_join(struct run *run, const char *fifo, bool make);

/* Whether one more test may start; takes a token when one is needed. When none is there the loop will turn
 * as soon as one comes back. */
bool tokens_take(struct run *run);

/* Put back what is not needed by the tests in flight; at the end all. */
void tokens_settle(struct run *run);
void tokens_leave(struct run *run);

#endif

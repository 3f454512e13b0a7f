/* runner/ending.h - time-outs, crashes, interrupts, and what a test leaves behind. */
#ifndef RUNNER_ENDING_H
#define RUNNER_ENDING_H

#include "runner/attempt.h"

void ending_crashed(struct attempt *attempt); /* it said so, and holds still */
void ending_stacks_done(struct attempt *attempt, char *words); /* takes `words` */
void ending_kill(struct attempt *attempt); /* the process group, at once */
void ending_reap_left(
    struct attempt *attempt); /* after its end: name and kill what it left behind */

#endif

/*
 * runner/status.h - on a terminal, one line about what is running; never in a log.
 *
 *     running 3 of 41 · order_flow 1.2s
 */
#ifndef RUNNER_STATUS_H
#define RUNNER_STATUS_H

#include <stdint.h>

struct run;

void status_init(struct run *run); /* decides whether there is one */
void status_progress(struct run *run, const char *text); /* of a pull; shown for a while */
void status_clear(struct run *run); /* before anything is printed */
void status_tick(struct run *run); /* draw it when its time has come */
uint64_t status_deadline(const struct run *run); /* the next drawing; 0: none */

#endif

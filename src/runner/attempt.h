/*
 * runner/attempt.h - a test that runs: private to attempt.c, stream.c, verdict.c and ending.c.
 *
 *   attempt.c   its birth, its descriptors, its end
 *   stream.c    two pipes become one ordered stream of events
 *   verdict.c   how it ended, in words
 *   ending.c    time-outs and crashes: stacks, signals, what is left of it
 */
#ifndef RUNNER_ATTEMPT_H
#define RUNNER_ATTEMPT_H

#include "runner/run.h"

/* A (sub)test that has begun and not ended. */
struct node {
    struct node *outer;
    uint32_t id;
    char name[];
};

/* stream.c */
void stream_ready(struct watch *watch, uint32_t events);
void stream_watch(struct attempt *attempt); /* from now on the loop reads its pipes */
void stream_say_output(struct attempt *attempt); /* where output is that was too much to show */
void stream_drain(struct attempt *attempt); /* all that lies in both pipes; no more will come */
void stream_close_nodes(struct attempt *attempt,
                        enum verdict verdict); /* END for each that is open */
const char *stream_current(const struct attempt *attempt);

/* attempt.c */
void attempt_take_event(struct attempt *attempt, struct event *event);
void attempt_finish(struct attempt *attempt); /* verdict, END, next test */
void attempt_emit(struct attempt *attempt, struct event *event);
void attempt_say(struct attempt *attempt, const char *format, ...)
    SEAM_PRINTF(2, 3); /* a line of the failure */
void attempt_free(struct attempt *attempt);

/* verdict.c */
enum verdict verdict_of(struct attempt *attempt); /* says what must be said */

#endif

/*
 * runner/loop.h - one epoll loop: descriptors with call-backs, and a deadline for the next wake-up.
 *
 * A watch lies inside its owner's struct. Removed watches may still stand in the batch of events that
 * is being handled, so owners are freed through loop_bury, after the batch.
 */
#ifndef RUNNER_LOOP_H
#define RUNNER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
    int fd; /* -1: not in the loop */
    void (*ready)(struct watch *watch, uint32_t events);
    void *owner;
};

struct loop {
    int epoll;
    void *graves[256];
    int grave_count;
};

int loop_init(struct loop *loop);
void loop_fini(struct loop *loop);

/* Watch fd for reading, which then belongs to the watch. */
int loop_add(struct loop *loop, struct watch *watch, int fd,
             void (*ready)(struct watch *watch, uint32_t events), void *owner);

/* Stop watching and close the descriptor. Nothing happens when it is -1. */
void loop_close(struct loop *loop, struct watch *watch);

/* Stop watching, but keep the descriptor in the watch, to be added again. */
void loop_pause(struct loop *loop, const struct watch *watch);

/* Stop watching, but leave the descriptor open. */
void loop_forget(struct loop *loop, struct watch *watch);

/* free(memory) once no event of the current batch can refer to it. */
void loop_bury(struct loop *loop, void *memory);

/* Wait until something is ready or the deadline has passed, and call back. */
void loop_turn(struct loop *loop, uint64_t deadline_ns);

#endif

/*
 * test/backlog.h - events that nobody waits for, until they are written in one go.
 *
 * They lie in memory that the test's process shares with its supervisor, the agent: when the test dies, however it
 * does, the agent finds what was not written any more and hands it to the runner. So they cost no system call
 * each, and none is lost.
 *
 *   test    backlog_add ... backlog_write, before any other event
 *   agent   backlog_left, once the test's process has ended
 *
 * Records leave in the order in which they came, and whole.
 *
 * Threads: one at a time in the test's process (process.lock). backlog_write may be called in a signal handler.
 */
#ifndef TEST_BACKLOG_H
#define TEST_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events/event.h"

/* As much as fits into a packet of the agent's. */
enum { BACKLOG_SIZE = 32 << 10 };

struct backlog;

/* Memory for so many, all empty, of this descriptor, or of none (-1); NULL when it cannot be had. */
struct backlog *backlog_map(int fd, size_t count);
struct backlog *backlog_at(struct backlog *first, size_t index);

/* Keep an event. Returns false, and keeps nothing, when there is no room left for it. */
bool backlog_add(struct backlog *backlog, const struct event *event);

/* Write all that is kept into the event pipe. -errno. */
int backlog_write(struct backlog *backlog, int events);

/* What is still there of a process that has ended; it need not be records. */
struct text backlog_left(const struct backlog *backlog);
void backlog_clear(struct backlog *backlog);

#endif

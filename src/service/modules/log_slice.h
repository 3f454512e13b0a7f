/*
 * service/modules/log_slice.h - of a server's log what was written while a test had it, as far as it is the test's.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_LOG_SLICE_H
#define SERVICE_MODULES_LOG_SLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "service/modules/box.h"

/* What the log of a service has now. */
size_t log_slice_begin(const struct service *service);

/* Wait until a container's log, which comes some milliseconds late, has nothing more to say (`box` NULL: no
 * container). */
void log_slice_settle(const struct service *service, const struct server *box);

/* Add the lines behind the first `from` bytes that `is_mine` wants to have. A line that begins with a tab goes on with
 * the one before. */
void log_slice(const struct service *service, size_t from,
               bool (*is_mine)(const void *arg, const char *line), const void *arg,
               struct buf *ret);

#endif

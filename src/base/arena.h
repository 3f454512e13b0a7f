/*
 * base/arena.h - memory that is freed all at once, with its owner.
 *
 * An arena never fails: when memory ends, the process ends with a line that
 * says so, because whoever owns an arena (a test, the runner) cannot go on.
 *
 * Threads: one at a time; the owner locks where several may ask.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "seam/attr.h"

struct arena {
    struct arena_block *blocks; /* newest first; only the newest has room left */
};

void *arena_zero(struct arena *arena, size_t size); /* zeroed, aligned for any type */
char *arena_dup(struct arena *arena, const char *text); /* NULL stays NULL */
void *arena_copy(struct arena *arena, const void *data, size_t size); /* and a NUL behind it */
char *arena_printf(struct arena *arena, const char *format, ...) SEAM_PRINTF(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list args);
void arena_fini(struct arena *arena);
void arena_clear(struct arena *arena); /* the same, but a block may stay for what comes next */

/* Say that `size` bytes could not be had and end the process, as an arena does: for whoever else cannot go
 * on without memory. */
SEAM_NORETURN void arena_give_up(size_t size);

#endif

/*
 * test/diff.h - where two values differ, in few lines: what a failed comparison shows.
 *
 * Each function adds whole lines to `out`: not indented, each with its '\n', together at most
 * DIFF_MAX bytes however large the values are. `out` needs a cap that allows it.
 *
 * Ownership: values are borrowed until the call returns.
 * Threads: any; two calls share nothing but the library that reads JSON.
 */
#ifndef TEST_DIFF_H
#define TEST_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { DIFF_MAX = 16 << 10 };

/*
 * Two texts, either of which may be NULL. Of one line each: both as C writes them, and a caret
 * at the first difference. Of several lines: the lines that differ, with what surrounds them.
 */
void diff_text(struct buf *out, const char *got, const char *want);
void diff_text_sized(struct buf *out, const char *got, size_t got_size, const char *want,
                     size_t want_size); /* the same for texts that do not end in NUL */

/* Two blocks of memory: hexadecimal rows from the first difference on. */
void diff_memory(struct buf *out, const void *got, size_t got_size, const void *want,
                 size_t want_size);

/*
 * Compare two texts as JSON; returns whether they are equal, and adds nothing then. The order
 * of keys is free, that of arrays is not. Integers are compared exactly, of any size; 1 and 1.0
 * are equal. What is no JSON, and an object that has a key twice, is equal to nothing. In
 * `want` a string may stand between single quotes: "{'name': 'Ada'}".
 */
bool diff_json(struct buf *out, const char *got, size_t got_size, const char *want,
               size_t want_size);

#endif

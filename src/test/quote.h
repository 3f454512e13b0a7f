/*
 * test/quote.h - text as C would write it, so that nothing in it stays unseen.
 *
 * Control characters, bytes that are no UTF-8 and code points that leave no mark of their own
 * (a no-break space, a joiner, a change of direction, a combining accent) become escapes: \n,
 * \x1b, \xff (always two digits), \u00a0, \U000e0001. All else stays as it is.
 *
 * `delimiter` is the character that surrounds the text, which is escaped in it; 0 for none.
 *
 * Ownership: texts are borrowed until the call returns. Threads: any; nothing is shared.
 */
#ifndef TEST_QUOTE_H
#define TEST_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What is shown or left out as a whole: a code point, or one byte that belongs to none. */
struct quote_unit {
    size_t size; /* bytes that it has in the text */
    unsigned columns; /* that `form` takes on a terminal */
    char form[12];
};

/* The first unit of `size` bytes, of which there is at least one. */
struct quote_unit quote_unit(const char *text, size_t size, char delimiter);

/* Where the unit begins that the byte at `at` belongs to. */
size_t quote_unit_begin(const char *text, size_t size, size_t at);

/* Where the first unit begins in which the two differ; the end of the shorter one when it is
 * the beginning of the other. */
size_t quote_difference(const char *a, size_t a_size, const char *b, size_t b_size);

size_t quote_columns(const char *text, size_t size, char delimiter);
bool quote_is_utf8(const char *text, size_t size);

/* The part of a text that is shown: bytes begin to end. */
struct quote_window {
    size_t begin;
    size_t end;
};

/* The whole text when it takes at most `columns` columns, else as much of it, with `focus`,
 * where a unit begins, in the middle. */
struct quote_window quote_window(const char *text, size_t size, size_t focus, size_t columns,
                                 char delimiter);

/* As much of the text as `columns` columns take, from `begin` on, where a unit begins. */
struct quote_window quote_window_from(const char *text, size_t size, size_t begin,
                                      size_t columns, char delimiter);

/* Add that part, delimited, and "..." where something is left out before or behind it. Ends
 * where `out` is full. */
void quote_add(struct buf *out, const char *text, size_t size, struct quote_window window,
               char delimiter);

/* The same for a text of which the beginning matters most. */
void quote_add_head(struct buf *out, const char *text, size_t size, size_t columns,
                    char delimiter);

#endif

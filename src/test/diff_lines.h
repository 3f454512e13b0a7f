/* test/diff_lines.h - two texts of several lines: the lines that differ, with what surrounds
 * them. */
#ifndef TEST_DIFF_LINES_H
#define TEST_DIFF_LINES_H

#include <stddef.h>

#include "base/buf.h"

/* As diff_text in diff.h, of which it is a part. */
void diff_lines(struct buf *out, const char *got, size_t got_size, const char *want,
                size_t want_size);

#endif

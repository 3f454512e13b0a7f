/* clock/clock_words.h - points in time and those who wait for them, as words. */
#ifndef CLOCK_CLOCK_WORDS_H
#define CLOCK_CLOCK_WORDS_H

#include <stdint.h>

#include "base/buf.h"
#include "link/page.h"

enum { CLOCK_TEXT_SIZE = 40 };

/* RFC 3339, from 1970 until 2262, as nanoseconds since 1970. -EINVAL: it is not one; -ERANGE. */
int clock_read(const char *text, int64_t *ret_ns);

/* "2026-11-21T12:00:00Z", with as many digits behind the second as it takes. */
void clock_write(int64_t ns, char ret[CLOCK_TEXT_SIZE]);

/* A line for each sleeper: "sleep in thread 'worker' until 2026-11-21T12:00:10Z, in 10 s". */
void clock_add_sleepers(struct buf *to, const struct page *page);

#endif

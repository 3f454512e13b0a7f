/*
 * double/told.h - what a double has said of calls that it did not expect: a program that tries again is told of
 * once, and of one that tries everything not all is said.
 *
 * Threads: the loop's lock is held.
 */
#ifndef DOUBLE_TOLD_H
#define DOUBLE_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOLD_WORDS = 20 };

struct told {
    uint64_t hashes[TOLD_WORDS]; /* of what was said */
    unsigned count;
    unsigned untold; /* more calls of which the same was to be said, or too much */
};

/* Whether these words are to be said; false counts them as untold. */
bool told_is_news(struct told *told, const char *words, size_t size);

#endif

/*
 * link/random.h - bytes and ids that follow from the seed in the page (page.h), once for all processes of a test: none
 * is given twice, and a run whose calls come in the same order gets the same.
 *
 * Threads and processes: any.
 */
#ifndef LINK_RANDOM_H
#define LINK_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/page.h"

enum { RANDOM_ID_SIZE = 16 };

/* Whether this call is answered by the seed: not what libraries for TLS draw, which says to nobody what it is for. */
static inline bool random_is_ours(void)
{
    return __builtin_expect(
        atomic_load_explicit(&page_now()->seeded, memory_order_relaxed) != 0, 0);
}
bool random_is_for(const void *caller);

void random_fill(void *to, size_t size);

/* The nth id of a seed: RFC 9562, version 4. */
void random_id(uint64_t seed, uint64_t n, unsigned char ret[RANDOM_ID_SIZE]);

/* The next id of the page: what was listed comes first. */
void random_next_id(unsigned char ret[RANDOM_ID_SIZE]);

/* A descriptor to read in the place of that file, close-on-exec or not as `flags` say; -1: it is no source of
 * randomness, or there is no seed. */
int random_open(const char *path, int flags);

#endif

/*
 * test/myers.h - the shortest way to make one sequence from another.
 *
 * The greedy algorithm of E. W. Myers, "An O(ND) Difference Algorithm and Its Variations"
 * (1986). It knows nothing of what the sequences hold: it asks `same`.
 */
#ifndef TEST_MYERS_H
#define TEST_MYERS_H

#include <stdbool.h>

#include "base/arena.h"

struct myers {
    int a_count;
    int b_count;
    bool (*same)(const void *context, int in_a, int in_b);
    const void *context;
};

/* Mark what of a is to be removed and what of b to be added; both arrays begin as all false.
 * With more than `max_edits` marks to set it sets none and returns -E2BIG. Memory comes from
 * the arena and is at most proportional to the square of the edits. */
int myers_mark(const struct myers *input, int max_edits, struct arena *arena, bool *removed,
               bool *added);

#endif

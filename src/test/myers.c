/*
 * test/myers.c - the shortest way to make one sequence from another; see myers.h.
 *
 * A point (x, y) stands for: x elements of a and y of b are done. Removing moves to (x + 1, y),
 * adding to (x, y + 1), and a pair of equal elements lets one go down a diagonal for nothing.
 * All points of the diagonal k have x - y == k.
 *
 * Row e holds, for each diagonal that e edits can reach, the farthest x on it. Those are
 * k = -e, -e + 2, ..., e, kept at the indexes 0, 1, ..., e. So from index i one edit before,
 * adding leads to the index i and removing to i + 1:
 *
 *       row e - 1      0     1     2
 *                      |  \  |  \  |  \         | adding     \ removing
 *       row e          0     1     2     3
 */

#include "test/myers.h"

#include <errno.h>

/* Whether the way to index i of the row `edits` ends with adding: when that comes farther. */
static bool came_by_adding(const int *before, int edits, int i)
{
    return i == 0 || (i < edits && before[i - 1] < before[i]);
}

/* Fill a row from the one before; returns whether the end of both sequences is reached. */
static bool fill_row(const struct myers *input, const int *before, int *row, int edits)
{
    for (int i = 0; i <= edits; i++) {
        int k = 2 * i - edits;
        int x = edits == 0                         ? 0
                : came_by_adding(before, edits, i) ? before[i]
                                                   : before[i - 1] + 1;

        while (x < input->a_count && x - k < input->b_count &&
               input->same(input->context, x, x - k))
            x++;
        row[i] = x;
        if (x == input->a_count && x - k == input->b_count)
            return true;
    }
    return false;
}

/* Go the way back from the end, marking each edit. */
static void mark(const struct myers *input, int *const *rows, int edits, bool *removed,
                 bool *added)
{
    int i = (input->a_count - input->b_count + edits) / 2;

    for (; edits > 0; edits--) {
        const int *before = rows[edits - 1];

        if (came_by_adding(before, edits, i)) {
            added[before[i] - (2 * i - edits) - 1] = true;
        } else {
            i--;
            removed[before[i]] = true;
        }
    }
}

int myers_mark(const struct myers *input, int max_edits, struct arena *arena, bool *removed,
               bool *added)
{
    int **rows = arena_zero(arena, ((size_t)max_edits + 1) * sizeof *rows);

    for (int edits = 0; edits <= max_edits; edits++) {
        rows[edits] = arena_zero(arena, ((size_t)edits + 1) * sizeof **rows);
        if (fill_row(input, edits > 0 ? rows[edits - 1] : NULL, rows[edits], edits)) {
            mark(input, rows, edits, removed, added);
            return 0;
        }
    }
    return -E2BIG;
}

/*
 * report/tree.h - one top-level test and its subtests, turned into text.
 *
 * Quiet: nothing is shown before the top-level test has ended, and then only if it failed
 * or left something behind. Verbose: lines in the order of events, and at the end the tree
 * of results. What can be shown stands in `out`; the owner takes it from there whenever it
 * likes. Subtests are known by their number alone: events need not tell their names again.
 */
#ifndef REPORT_TREE_H
#define REPORT_TREE_H

#include <stdbool.h>

#include "report/open.h"

struct tree {
    struct tree *next; /* the owner's */
    struct text name; /* of the top-level test */
    struct buf out;
    bool verbose;
    bool ended;
    bool line_open; /* verbose: the last raw output did not end its line */
    uint32_t speaker; /* verbose: whose line was the last */
    struct opens opens;
};

/* NULL when memory ends. */
struct tree *tree_new(struct text name, bool verbose);

/* Take an event of this top-level test, which has not ended. */
void tree_event(struct tree *tree, const struct event *event);

/* No more events will come: what is still open has failed, and says that it has no result. */
void tree_cut(struct tree *tree);
void tree_free(struct tree *tree);

#endif

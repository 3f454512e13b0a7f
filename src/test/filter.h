/*
 * test/filter.h - the patterns of -run and -skip, with Go's slash semantics.
 *
 * A pattern is split at '|' into alternatives and each at '/' into elements, where neither stands in
 * [] or (). Element i is a regular expression for level i of a name, found anywhere in it; a level
 * without an element matches all. Elements are rewritten as subtest names are (white space is '_').
 */
#ifndef TEST_FILTER_H
#define TEST_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct filter {
    const char *text; /* NULL: matches all */
    char ***alternatives; /* lists of elements, each ended by NULL, as the list of them is */
};

enum filter_match {
    FILTER_NO,
    FILTER_PARTIAL, /* a deeper level decides */
    FILTER_FULL
};

/*
 * Split and try each element. -EINVAL for a bad one, -ENOMEM; `err` then says which, of what, and why.
 *
 * Ownership: the filter borrows `text` until filter_fini, which it takes after a failure too.
 * Threads: any number may match with one filter.
 */
int filter_init(struct filter *filter, const char *text, struct err *err);

/* Match a full name, such as "orders/create". */
enum filter_match filter_match(const struct filter *filter, const char *name);
void filter_fini(struct filter *filter);

/* Write the form that a subtest's name takes in reports and for patterns into `to`, which has
 * room for 4 * strlen(name) + 1. */
void filter_rewrite(char *to, const char *name);

#endif

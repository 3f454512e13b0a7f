/*
 * test/beside.h - a table of two sides, such as a rule and what was sent, with a mark on each row.
 *
 *   rule                                | request
 *   header  Idempotency-Key: order-7    | Idempotency-Key: order-8            <<<
 *
 * Ownership: cells are borrowed until the table is written. Threads: one at a time.
 */
#ifndef TEST_BESIDE_H
#define TEST_BESIDE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

enum beside_mark { BESIDE_OK, BESIDE_DIFFERS, BESIDE_UNKNOWN };

struct beside_row {
    const char *kind; /* "header" */
    const char *left;
    const char *right;
    enum beside_mark mark;
};

struct beside {
    const char *left, *right; /* titles */
    struct buf rows; /* of struct beside_row */
};

void beside_add(struct beside *table, const char *kind, const char *left, const char *right,
                enum beside_mark mark);

/* Write all rows, a line each. */
void beside_write(const struct beside *table, struct buf *to);

/* ---- cells */

enum { BESIDE_COLUMNS = 60 }; /* of a value */

/* Visible text as columns of a terminal. */
size_t beside_columns(const char *text);

/* A value, of which `prefix` takes some columns; where it differs from `other` (NULL: there is none) that part
 * is shown. `delimiter` as in quote.h. */
const char *beside_value(struct arena *arena, const char *prefix, const char *value,
                         size_t size, const char *other, size_t other_size, char delimiter);

/* A value that is a secret: "***", or, when it is what differs, a few of its characters and how many there
 * are. */
const char *beside_secret(struct arena *arena, const char *value, size_t size, bool differs);

#endif

/*
 * http/nearest.h - the table that shows a rule beside a request; for nearest*.c alone.
 *
 *   rule                                | request
 *   header  Idempotency-Key: order-7    | Idempotency-Key: order-8            <<<
 *
 * Ownership: cells live in the table's arena, which is the call's.
 */
#ifndef HTTP_NEAREST_H
#define HTTP_NEAREST_H

#include "http/rule_set.h"

enum nearest_mark { NEAREST_OK, NEAREST_DIFFERS, NEAREST_UNKNOWN };

struct nearest_row {
    const char *kind; /* "header" */
    const char *rule;
    const char *request;
    enum nearest_mark mark;
};

struct nearest_table {
    struct http_call *call;
    struct buf rows; /* of struct nearest_row */
};

void nearest_add(struct nearest_table *table, const char *kind, const char *rule,
                 const char *request, enum nearest_mark mark);

/* Write all rows, a line each. */
void nearest_write(const struct nearest_table *table, struct buf *to);

/* The rows of one condition. */
void nearest_condition(struct nearest_table *table, const struct condition *condition,
                       const struct conditions *all);

/* The rows of a JSON body. */
void nearest_json(struct nearest_table *table, const struct condition *condition);

/* ---- cells */

enum { NEAREST_COLUMNS = 60 }; /* of a value */

/* Visible text as columns of a terminal. */
size_t nearest_columns(const char *text);

/* A value, of which `prefix` takes some columns; where it differs from `other` (NULL: there is none) that part
 * is shown. `delimiter` as in quote.h. */
const char *nearest_value(struct arena *arena, const char *prefix, const char *value,
                          size_t size, const char *other, size_t other_size, char delimiter);

/* A value that is a secret: "***", or, when it is what differs, a few of its characters and how many there
 * are. */
const char *nearest_secret(struct arena *arena, const char *value, size_t size, bool differs);

#endif

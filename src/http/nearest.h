/*
 * http/nearest.h - a rule beside a request; for nearest*.c alone.
 *
 * Ownership: cells live in the call's arena.
 */
#ifndef HTTP_NEAREST_H
#define HTTP_NEAREST_H

#include "http/rule_set.h"
#include "test/beside.h"

struct nearest_table {
    struct http_call *call;
    struct beside beside;
};

/* The rows of one condition. */
void nearest_condition(struct nearest_table *table, const struct condition *condition,
                       const struct conditions *all);

/* The rows of a JSON body. */
void nearest_json(struct nearest_table *table, const struct condition *condition);

#endif

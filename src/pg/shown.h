/*
 * pg/shown.h - statements as reports show them: on one line, without secrets. Programs send the same ones again and
 * again, so what was worked out is kept.
 *
 * Ownership: what is handed out lives until the next call for the same texts.
 *
 * Threads: one at a time; the mock holds the loop's lock.
 */
#ifndef PG_SHOWN_H
#define PG_SHOWN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/map.h"

struct pg_shown {
    const char *text;
    size_t size;
    const int *secrets; /* numbers of parameters */
    size_t secret_count;
};

struct pg_shown_texts {
    struct map texts; /* to the place in `at`, and 1 */
    struct pg_shown *at;
    size_t count;
    size_t bytes;
    struct arena arena;
};

const struct pg_shown *pg_shown_of(struct pg_shown_texts *texts, const char *sql);

/* Whether $n is a secret. */
bool pg_shown_hides(const struct pg_shown *shown, int n);

void pg_shown_fini(struct pg_shown_texts *texts);

#endif

/*
 * pg/origin.h - the address of a PostgreSQL double: origins taken apart, and said as a client library wants it.
 *
 * Ownership: texts handed out live as long as the arena. Threads: any; nothing is shared but the arena.
 */
#ifndef PG_ORIGIN_H
#define PG_ORIGIN_H

#include "base/arena.h"
#include "base/err.h"

struct pg_origin {
    const char *user, *password, *host, *database; /* NULL: not said, but for the host */
    int port;
};

/* Take "postgres://user:password@host:5432/database" apart (also postgresql://); all but the host may be
 * absent. -EINVAL with a sentence for what is no origin. */
int pg_origin_parse(struct arena *arena, const char *text, struct pg_origin *ret,
                    struct err *err);

/* "host=... port=... user=... password=... dbname=...", and "postgres://...". */
const char *pg_origin_conninfo(struct arena *arena, const struct pg_origin *origin);
const char *pg_origin_url(struct arena *arena, const struct pg_origin *origin);

#endif

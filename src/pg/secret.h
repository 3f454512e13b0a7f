/*
 * pg/secret.h - secrets in statements that are shown: what is given to a column or a word whose name is that of a
 * secret (test/mask.h), as in "password = $1", "ALTER ROLE ada PASSWORD 'x'" and "INSERT INTO users (id, token)
 * VALUES (1, 'x')".
 *
 * Ownership: texts are borrowed until the call returns. Threads: any; nothing is shared.
 */
#ifndef PG_SECRET_H
#define PG_SECRET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

/* Add the statement with its secret literals as '***'. */
void pg_secret_mask(struct buf *to, const char *sql);

/* The same as a text of its own. */
const char *pg_secret_masked(const char *sql, struct arena *arena);

/* Whether $n is a secret. */
bool pg_secret_parameter(const char *sql, int n);

/* Add the numbers of the parameters that are secrets, as int, some of them twice. */
void pg_secret_parameters(struct buf *to, const char *sql);

#endif

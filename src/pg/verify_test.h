/*
 * pg/verify_test.h - transcripts written by hand, as a mock would keep them, and verified.
 *
 *     struct script *script = script_new(t, "testdata/verify/shop", NULL);
 *
 *     script_start(script, 1);
 *     script_auto(script, 1, "BEGIN");
 *     QUERY(script, 1, 7, "DELETE FROM users", .tag = "DELETE 0");
 *     script_verify(script);
 *
 * A rule's line, 7, is said in reports as "orders_test.c:7"; the mock's is 1.
 */
#ifndef PG_VERIFY_TEST_H
#define PG_VERIFY_TEST_H

#include <seam/seam.h>

#include "pg/verify.h"

struct script;

struct script *script_new(seam_t *t, const char *migrations, const char *seed);
void script_start(struct script *script, int session);
void script_end(struct script *script, int session);
void script_auto(struct script *script, int session, const char *sql); /* BEGIN, COMMIT, ... */
void script_nobody(struct script *script, int session, const char *sql); /* no rule answers */
seam_verify_counts script_verify(struct script *script);
const char *script_value(struct script *script,
                         const char *sql); /* what the database says now */

struct verify_session *script_session(struct script *script); /* the last that began */
/* As the server has it in that session; NULL: not at all. */
const char *script_server_text(struct script *script, uint32_t type, int modifier,
                               const char *text);

/* A simple query, and one with arguments, as PQexecParams sends it, "" for none; a batch without Sync. */
#define QUERY(script, session, number, text, ...)                                              \
    script_query(                                                                              \
        (script), (session),                                                                   \
        &(seam_pg_rule){ .sql = (text), .site = { "orders_test.c", number }, __VA_ARGS__ })
void script_query(struct script *script, int session, const seam_pg_rule *rule);

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PARAMS(script, session, number, text, args, ...)                                       \
    script_params(                                                                             \
        (script), (session),                                                                   \
        &(seam_pg_rule){ .sql = (text), .site = { "orders_test.c", number }, __VA_ARGS__ },    \
        (args), true)
#define PIPED(script, session, number, text, args, ...)                                        \
    script_params(                                                                             \
        (script), (session),                                                                   \
        &(seam_pg_rule){ .sql = (text), .site = { "orders_test.c", number }, __VA_ARGS__ },    \
        (args), false)
void script_params(struct script *script, int session, const seam_pg_rule *rule,
                   const char *const *args, bool sync);
void script_sync(struct script *script, int session);

/* PQprepare, and PQexecPrepared of it. */
void script_prepare(struct script *script, int session, const char *name, const char *sql);
#define PREPARED(script, session, number, name, text, args, ...)                               \
    script_prepared(                                                                           \
        (script), (session), (name),                                                           \
        &(seam_pg_rule){ .sql = (text), .site = { "orders_test.c", number }, __VA_ARGS__ },    \
        (args))
void script_prepared(struct script *script, int session, const char *name,
                     const seam_pg_rule *rule, const char *const *args);

#endif

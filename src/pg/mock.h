/*
 * pg/mock.h - the inside of a PostgreSQL double: what mock*.c, record*.c and verify*.c share.
 *
 *   program ─ link_driver ─┐                                    ┌ rules (rule.h)
 *                          ├ stream (net) ─ pg_session ─ engine ─┤ a recording (record.c)
 *   program ─ listener ────┘                 (wire/pg_server.h)  └ automatic answers
 *
 * Locks: the loop's lock guards all of it.
 */
#ifndef PG_MOCK_H
#define PG_MOCK_H

#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"
#include "pg/rule.h"
#include "pg/transcript.h"
#include "seam/pg_mock.h"

struct pg_session;
struct pg_verifier; /* verify.c */

struct seam_pg_mock {
    seam_t *t;
    seam_site site;
    struct seam_pg_mock *next; /* of all mocks of the process */
    seam_pg_mock_options options; /* with its texts copied, and paths made absolute */
    const char *host, *user, *database, *conninfo, *url;
    int port;
    bool has_own_address, has_routes, denies, stopped, listens;
    struct listener listener;
    struct tls_server *tls;
    struct pg_session *sessions;
    int session_count; /* so far */
    struct pg_rule_set *rules;
    struct pg_transcript *transcript; /* NULL: nobody verifies */
};

/* ---- verify.c: called by mock.c when the test's body has ended and all sessions are over, without the lock */

/* Whether a mock's transcript is to be kept: -verify, or .verify. */
bool pg_verify_is_wanted(const struct seam_pg_mock *mock);
void pg_verify(struct seam_pg_mock *mock); /* says all it finds at the lines of the rules */

/* ---- fact.c: a rule has answered a statement; a claim that a kept fact contradicts fails at the rule's line */
void pg_fact_check(struct seam_pg_mock *mock, const char *sql, const struct pg_rule *rule);
void pg_fact_end(struct seam_pg_mock *mock); /* says how many claims have none, once a test */

#endif

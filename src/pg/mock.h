/*
 * pg/mock.h - the inside of a PostgreSQL double: what mock*.c, record*.c and verify*.c share.
 *
 *   program ─ link_driver ─┐                                    ┌ rules (rule.h)
 *                          ├ stream (net) ─ pg_session ─ engine ─┤ a recording (record.c)
 *   program ─ listener ────┘                 (wire/pg_server.h)  └ automatic answers
 *
 * A session is made when a connection comes, and goes when that has ended and nothing on a stack, no other
 * thread and no driver needs it any more. What its engine asks (struct pg_ask) is answered in serve*.c: at once
 * in the thread of the client, or later by the loop's thread, when code of the user's has to run or the rule
 * takes its time.
 *
 * Locks: the loop's lock guards all of it.
 */
#ifndef PG_MOCK_H
#define PG_MOCK_H

#include "double/running.h"
#include "double/told.h"
#include "net/listener.h"
#include "net/tls.h"
#include "pg/journal.h"
#include "pg/rule.h"
#include "pg/shown.h"
#include "pg/transcript.h"
#include "seam/pg_mock.h"

struct pg_session;
struct pg_verifier; /* verify.c */
struct pg_recording; /* record.h */

struct seam_pg_mock {
    seam_t *t;
    seam_site site;
    struct running running;
    seam_pg_mock_options options; /* with its texts copied, and paths made absolute */
    const char *host, *user, *database, *conninfo, *url;
    const char *name; /* the URL without a password, for messages */
    int port;
    bool has_own_address, has_routes, denies, stopped, listens;
    struct listener listener;
    struct tls_server *tls;
    struct pg_session *sessions;
    int session_count; /* so far */
    struct pg_rule_set *rules;
    struct pg_retired *retired;
    bool choosing; /* code of a rule's runs without the lock: the rules are its thread's */
    struct pg_journal journal;
    struct told told; /* statements that were not expected */
    struct pg_shown_texts shown; /* of those that came */
    struct buf words, body; /* of the report that is being made */
    struct pg_transcript *transcript; /* NULL: nobody verifies */
    struct pg_verifier *verifier; /* NULL: not yet */
    struct pg_facts *facts; /* NULL: it has none */
    struct pg_recording *recording; /* NULL: rules answer */
};

/* After a reset: rules that somebody may still look at. */
struct pg_retired {
    struct pg_retired *next;
    struct pg_rule_set *set;
};

/* ---- mock_route.c */

int pg_mock_route_add(struct seam_pg_mock *mock, struct err *err);
void pg_mock_route_remove(struct seam_pg_mock *mock); /* lock not held */
int pg_mock_listen(struct seam_pg_mock *mock, struct err *err);

/* ---- verify_mock.c: called by mock.c when the test's body has ended and all sessions are over, without the lock */

/* Whether a mock's transcript is to be kept: -verify, or .verify. */
bool pg_verify_is_wanted(const struct seam_pg_mock *mock);
void pg_verify(
    struct seam_pg_mock *mock); /* says all it finds at the lines of the rules, and ends it */

/* ---- fact.c: what a rule has answered is compared with kept facts; a claim that one contradicts fails at the rule's
 * line. Nothing without .migrations, and nothing when all is verified anyway. */
void pg_fact_begin(struct seam_pg_mock *mock); /* from the test's own thread */
void pg_fact_check(struct seam_pg_mock *mock, const struct pg_statement *statement,
                   const char *sql, const struct pg_rule *rule);
void pg_fact_end(struct seam_pg_mock *mock); /* says how many claims have none, once a mock */

#endif

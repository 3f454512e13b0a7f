/*
 * http/rule.h - the rules of a mock: which one answers a request, and with what.
 *
 * Pure: no I/O, no clock, no t. A set indexes rules by method, host and path, so that a thousand literal
 * rules cost what one does.
 *
 * Ownership: a set copies its rules. What it hands out lives until the set is reset or freed, or, where it
 * was computed for a request, in the arena that was passed.
 *
 * Threads: one at a time; the mock holds the loop's lock.
 */
#ifndef HTTP_RULE_H
#define HTTP_RULE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "seam/http_mock.h"
#include "wire/http.h"

/* A request as rules look at it. Parts are worked out when a rule first asks. */
struct http_call {
    const struct http_message *message;
    const char *scheme; /* "https" */
    const char *host; /* without port, lower case */
    int port;
    struct arena *arena; /* for what is worked out */
    const seam_http_exchange *exchange; /* for .matches */
    struct http_call_parts *parts; /* private to rule*.c; NULL at first */
};

struct rule; /* one rule of a set */
struct rule_set;

struct rule_set *rule_set_new(void);
void rule_set_free(struct rule_set *set); /* NULL is fine */
void rule_set_clear(struct rule_set *set); /* all rules, and the state is "" again */

/* Add one. -EINVAL with a sentence for a rule that cannot be (no reply, both .json and .body, a path without
 * slash, a pattern that does not compile, JSON that does not parse, a file that cannot be read): files start
 * at `folder`. */
int rule_add(struct rule_set *set, const seam_http_rule *rule, const char *folder,
             struct err *err);

/* Whether a rule that could match this call wants to run code of the user's (.matches), so that choosing has
 * to wait for the loop's thread. */
bool rule_needs_user(const struct rule_set *set, struct http_call *call);

/* What answers: the rule, and the reply, which has been counted as used and whose state change is done. */
struct rule_choice {
    const struct rule *rule; /* NULL: none matches or has a reply left */
    const seam_http_reply
        *reply; /* what it points to lives as long as the set; files have been read */
    bool forbidden; /* the rule is .never: answer as if there were none, and fail the test */
};
struct rule_choice rule_choose(struct rule_set *set, struct http_call *call);

/* The fault of connections (REFUSE, UNREACHABLE, UNKNOWN_HOST, TLS_*) that the next rule without conditions
 * has; it is counted as used when `take`. SEAM_HTTP_NO_FAULT otherwise. */
enum seam_http_fault rule_connection_fault(struct rule_set *set, const char *host, bool take);

seam_site rule_site(const struct rule *rule);
const char *rule_name(const struct rule *rule); /* NULL without .name */
bool rule_has_method(const struct rule *rule);

/* The answer as a message: status, fields with Content-Type and Content-Encoding, the body (its template
 * filled in, its file read, gzip done). */
int rule_reply_message(const seam_http_reply *reply, struct http_call *call,
                       const struct rule *rule, struct http_message *ret, struct err *err);

/* Say how near the nearest rule came, as shared/transcripts.md has it: its site, and the table of both sides.
 * false when there is no rule at all. */
bool rule_nearest(const struct rule_set *set, struct http_call *call, seam_site *ret_site,
                  struct buf *to);

/* Call fn for each rule that did not answer as often as it must: "reply 2 of 2 was never used",
 * "called 1 time instead of 3". */
void rule_unused(const struct rule_set *set,
                 void (*fn)(void *arg, seam_site site, const char *text), void *arg);

#endif

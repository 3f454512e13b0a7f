/*
 * http/mock.h - the inside of a mock: what mock*.c, answer.c and cassette*.c share.
 *
 *   program ─ link_driver ─┐                                     ┌ rules, a rule's handler
 *                          ├ http_connection ─ struct mock_call ─┼ a recording
 *   program ─ listener ────┘   (mock_route.c)   (mock_serve.c)   └ the real origin (forward.c)
 *
 * A call is made when a request has come and goes when its exchange has ended and nothing on a stack or on
 * another thread needs it any more (`busy`). On the way it may wait for a timer, for the loop's thread, for
 * code of the user's or for the real origin; the exchange may end at each of these points, so that whoever
 * goes on with a call looks at call->x first.
 *
 * Locks: the loop's lock guards all of it.
 */
#ifndef HTTP_MOCK_H
#define HTTP_MOCK_H

#include "double/running.h"
#include "double/told.h"
#include "http/connection.h"
#include "http/journal.h"
#include "http/rule.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "seam/http_mock.h"

struct cassette;
struct tape;
struct mock_pass;

enum { MOCK_FLAWS = TLS_UNKNOWN_CA + 1 };

struct mock_call {
    struct seam_http_mock *mock;
    struct mock_call *next; /* in the order in which they came */
    struct mock_call **link;
    struct http_exchange *x; /* NULL once it has ended */
    struct journal_entry *entry; /* held; has the request */
    struct arena arena; /* for what is worked out */
    struct http_call call;
    struct rule_choice choice;
    bool chosen; /* `choice` is set, and its delay is over */
    bool waits; /* until a rule's .matches has returned */
    int busy;
    uint64_t begin_ns;

    struct http_message message; /* the answer */
    const char *note; /* for the report; or NULL */
    bool in_our_words; /* nothing that the test has written: the answer says why */

    /* what is done with the real origin's answer: mock_pass.h */
    void (*asked)(struct mock_call *call, const struct http_message *answer, const char *error);

    struct tape *tape; /* of a recording; cassette.h */

    struct loop_timer timer;
    void (*then)(struct mock_call *call); /* when it fires */
    struct buf wire; /* the bytes of an answer that is to be cut */
    const char *left; /* what drips */
    size_t left_size;
};

struct mock_connection {
    struct seam_http_mock *mock; /* NULL once it has stopped */
    struct http_connection *connection; /* NULL once it has ended */
    struct mock_connection *next;
    struct mock_connection **link;
    bool has_driver; /* who tells when the program has closed it */
    int silent_fd; /* of a program that shall find nobody; else 0 */
};

/* One for each flaw that a certificate may have. */
struct mock_service {
    struct http_service base;
    struct seam_http_mock *mock;
};

struct mock_rules { /* after a reset: the rules of calls that are still being answered */
    struct mock_rules *next;
    struct rule_set *set;
};

struct seam_http_mock {
    seam_t *t;
    seam_site site;
    struct running running;
    const char *scheme;
    const char *host;
    int port;
    const char *origin; /* as a URL without a slash behind it */
    bool has_own_url; /* it was started with NULL */
    bool is_tls;
    bool http2;
    bool lenient;
    bool has_routes;
    bool denies;
    bool stopped;
    bool lacked; /* descriptors, and said so */

    struct mock_service services[MOCK_FLAWS];
    struct listener listener;
    bool listens;
    struct mock_connection *connections;

    struct rule_set *rules;
    struct mock_rules *retired;
    bool choosing; /* a .matches runs without the lock: the rules are its thread's */
    struct mock_call *calls;
    struct mock_call **last_call;
    struct journal journal;
    struct told told; /* calls that were not expected */

    void (*observer)(const seam_http_call *call, void *arg);
    void *observer_arg;

    struct mock_pass *pass; /* mock_pass.c; or NULL */
    struct cassette *cassette; /* or NULL */
};

/* ---- mock.c */

/* A mock with its routes, ready but for `pass` and `cassette`. Ends the test when it cannot. */
seam_http_mock *mock_start(seam_t *t, seam_site at, const char *origin, bool http2);

/* ---- mock_route.c */

int mock_route_add(struct seam_http_mock *mock, struct err *err); /* origin or listener */
void mock_route_remove(struct seam_http_mock *mock); /* lock not held */
int mock_listen(struct seam_http_mock *mock, struct err *err);
int mock_tls(struct seam_http_mock *mock, enum tls_flaw flaw, struct err *err);
void mock_disconnect(struct seam_http_mock *mock); /* end all connections; nothing listens */
void mock_leave_unread(struct http_service *service, struct http_connection *connection);
void mock_closed(struct http_service *service, struct http_connection *connection);

/* ---- mock_serve.c */

void mock_request(struct http_service *service, struct http_exchange *x);
void mock_ended(struct http_service *service, struct http_exchange *x);
void mock_malformed(struct http_service *service, struct http_connection *connection,
                    const struct http1_error *error);

/* Note a connection that came to nothing: "refused". */
void mock_no_connection(struct seam_http_mock *mock, const char *host, int port,
                        const char *answer);

/* Keep a call across whatever may end its exchange; mock_leave may free it. */
void mock_enter(struct mock_call *call);
void mock_leave(struct mock_call *call);

/* Go on with `then` after so many milliseconds, on the loop's thread. */
void mock_after(struct mock_call *call, int ms, void (*then)(struct mock_call *call));

/* Answer with call->message and the manner of call->choice.reply (which may be NULL: just so). */
void mock_answer(struct mock_call *call);

/* Answer that nothing matches, and fail the test unless the mock is lenient. */
void mock_unexpected(struct mock_call *call);

/* "POST https://...", without secrets, in the call's arena. */
const char *mock_call_name(struct mock_call *call);

/* Answer 500 (or so) with a sentence, and fail the test with it at a line. */
void mock_fail(struct mock_call *call, seam_site at, int status, const char *words);

/* A field "Name: value". */
struct http_field mock_field(struct mock_call *call, const char *text);

/* ---- answer.c */

/* Send call->message: inform, drip, trailer, faults. */
void answer_send(struct mock_call *call);

#endif

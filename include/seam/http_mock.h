/*
 * seam/http_mock.h - answer the program's outgoing HTTP calls from a script.
 *
 *     SEAM_TEST(charge_is_retried_after_429)
 *     {
 *         seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
 *
 *         seam_http_expect(pay,
 *             .method = "POST", .path = "/v1/charges",
 *             .header = { "Idempotency-Key: order-7" },
 *             .json   = "{'amount': 4200, 'currency': 'EUR'}",
 *             .reply  = { { .status = 429, .header = { "Retry-After: 0" } },
 *                         { .status = 200, .json = "{'id': 'ch_1'}" } });
 *
 *         seam_require_ok(t, payments_charge("order-7", 4200, "EUR"));
 *     }
 *
 * A mock stands in for one origin. What the code under test sends there reaches the mock instead, whatever
 * HTTP client it uses: no option, proxy or base URL in that code has to change, no name is looked up and no
 * certificate is missing. It works by functions of libc (connect, send, getaddrinfo, ...) that libseam
 * answers in the test program, and in programs started by seam_spawn; see docs/guide/http-mocks.md.
 *
 * A request is answered by the most specific rule that matches it and has a reply left: one with a literal
 * path before one with a template before one with a pattern before one without; of equals the one with more
 * conditions, then the one that was added first. A rule without .times answers as many requests as it has
 * replies. A request that no rule answers gets status 501 and fails the test, with the nearest rule beside
 * it; so does a reply that is still unused when the test ends.
 *
 * In a test with a mock any other outgoing connection is refused and fails the test, unless seam/net.h
 * allows it.
 *
 * Link with pkg-config `seam-http-mock`; `seam test` does so by itself for a package that includes this
 * header. In a static program there are no hooks: use the URL of a mock that was started with NULL.
 *
 * JSON texts, here and in seam/http.h, may quote with ' when they begin with {' or ['.
 *
 * Ownership: a mock belongs to the (sub)test that started it and stops with it. What is passed in is copied,
 * but for the `arg` of functions.
 *
 * Threads: any thread may call the origin. The functions below are for the (sub)test's own thread; those of
 * a rule (.matches, .fn) run on a thread of Seam, one at a time for each connection.
 */
#ifndef SEAM_HTTP_MOCK_H
#define SEAM_HTTP_MOCK_H

#include <seam/http.h>
#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_http_mock seam_http_mock;

/* What goes wrong instead of a whole answer. The first three and those of TLS happen when the program connects,
 * and are asked for by a rule without conditions (but .host). */
enum seam_http_fault {
    SEAM_HTTP_NO_FAULT,
    SEAM_HTTP_REFUSE, /* connection refused */
    SEAM_HTTP_UNREACHABLE, /* no answer to the connection: the program's own time-out ends it */
    SEAM_HTTP_UNKNOWN_HOST, /* the name does not resolve */
    SEAM_HTTP_RESET, /* a reset, after .fault_after bytes of the answer */
    SEAM_HTTP_CLOSE, /* the connection ends, after .fault_after bytes; 0: an empty reply */
    SEAM_HTTP_STALL, /* nothing more, after .fault_after bytes; the connection stays */
    SEAM_HTTP_BAD_CHUNK, /* a chunk whose size is no number */
    SEAM_HTTP_GARBAGE, /* bytes that are no HTTP, then the end */
    SEAM_HTTP_TLS_EXPIRED, /* a certificate that expired; the next three likewise need an https origin */
    SEAM_HTTP_TLS_WRONG_NAME, /* one for another name */
    SEAM_HTTP_TLS_UNKNOWN_CA, /* one that nobody trusts */
    SEAM_HTTP_FAULTS
};


/* One scripted answer. One that is all zero ends a list; 0 for the status in any other means 200. */
typedef struct seam_http_reply {
    int         status                  SEAM_0;
    const char *header[SEAM_HTTP_MAX]   SEAM_0; /* "Name: value"; NULL ends the list */
    const char *json                    SEAM_0; /* the body, with its Content-Type */
    const char *body                    SEAM_0; /* or this one, with none unless .header has it */
    size_t      size                    SEAM_0; /* of it; 0: up to its NUL */
    const char *file                    SEAM_0; /* or this file, from the folder of the test's source */
    const char *text                    SEAM_0; /* or a template: "{method} {path} {path.id} {query.page}
                                                   {header.Accept} {body} {json./pointer}" (a string without
                                                   its quotes); what the request has not is ""; "{{" is a brace */
    void      (*fn)(seam_http_exchange *x, void *arg) SEAM_0; /* or computed, as a server's handler does */
    void       *arg                     SEAM_0; /* borrowed until the test ends */
    const char *trailer                 SEAM_0; /* "Name: value"; sends the body in chunks */
    const char *inform                  SEAM_0; /* first an answer 103 with that field: "Link: <...>" */
    bool        gzip                    SEAM_0; /* compress the body, with its Content-Encoding */
    int         delay_ms                SEAM_0; /* before the answer */
    int         delay_max_ms            SEAM_0; /* > delay_ms: a random time between both */
    int         drip_bytes              SEAM_0; /* the body in pieces of so many bytes, ... */
    int         drip_ms                 SEAM_0; /* ... with this pause before each */
    int         fault                   SEAM_0; /* enum seam_http_fault */
    int         fault_after             SEAM_0; /* bytes of the answer, head included */
} seam_http_reply;

/* A request to expect. What is left zero matches anything. */
typedef struct seam_http_rule {
    const char *method                  SEAM_0;
    const char *path                    SEAM_0; /* exact, decoded, without the query: "/v1/a b" */
    const char *header[SEAM_HTTP_MAX]   SEAM_0; /* "Name: value" is among them; "Name:" has any value;
                                                   "!Name" is absent; "Name ~ pattern" is found in its
                                                   value (PCRE2). Of several one has to fit */
    const char *json                    SEAM_0; /* the body is equal as JSON: key order is free */
    seam_http_reply reply[SEAM_HTTP_MAX] SEAM_0; /* in order, one for each request */

    const seam_http_reply *replies      SEAM_0; /* any number, instead: ends with one that is all zero */
    const char *path_template           SEAM_0; /* "/users/{id}": {id} is one segment */
    const char *path_pattern            SEAM_0; /* PCRE2, of the whole path */
    const char *host                    SEAM_0; /* of an origin with a pattern: exactly this one */
    const char *query[SEAM_HTTP_MAX]    SEAM_0; /* "name=value" is among them; "name" has any value;
                                                   "!name" is absent; "name ~ pattern" */
    bool        no_other_query          SEAM_0; /* and there are none but those that .query asks for */
    const char *cookie[SEAM_HTTP_MAX]   SEAM_0; /* "name=value", "name", "!name", "name ~ pattern" */
    const char *basic_auth              SEAM_0; /* "user:password" */
    const char *body                    SEAM_0; /* equal, byte by byte */
    size_t      size                    SEAM_0; /* of it; 0: up to its NUL */
    const char *body_contains           SEAM_0;
    const char *body_pattern            SEAM_0; /* PCRE2, found anywhere */
    const char *form[SEAM_HTTP_MAX]     SEAM_0; /* of a urlencoded or multipart form: as .query */
    const char *json_subset             SEAM_0; /* members of objects that it does not name are free */
    const char *json_unordered          SEAM_0; /* as .json, but arrays in any order */
    const char *json_ignore[SEAM_HTTP_MAX] SEAM_0; /* JSON pointers that those and .json do not compare */
    const char *json_at[SEAM_HTTP_MAX]  SEAM_0; /* "/pointer = json"; "/pointer" exists; "!/pointer" not */
    const char *part[SEAM_HTTP_MAX]     SEAM_0; /* of a multipart body: as .query, and "name; filename=x",
                                                   "name; type=image/png" */
    bool      (*matches)(const seam_http_exchange *x, void *arg) SEAM_0; /* and this says so */
    void       *arg                     SEAM_0; /* borrowed until the test ends */

    int         times                   SEAM_0; /* answers exactly so many; the last reply repeats */
    bool        any_times               SEAM_0; /* any number, also none; the last reply repeats */
    bool        optional                SEAM_0; /* no failure when it is not used */
    bool        never                   SEAM_0; /* a request that matches fails the test */
    const char *order                   SEAM_0; /* rules of the same word answer in the order they were added:
                                                   each when those before it have answered as often as they must */
    const char *state                   SEAM_0; /* only in this state of the mock; the first one is "" */
    const char *next_state              SEAM_0; /* and then it is in this one */
    int         priority                SEAM_0; /* higher comes first, before all else */
    const char *name                    SEAM_0; /* for messages */
    seam_site   site                    SEAM_0; /* set for you */
} seam_http_rule;

typedef struct seam_http_mock_options {
    bool http2 SEAM_0; /* also HTTP/2: by ALPN, by prior knowledge without TLS */
    bool lenient SEAM_0; /* a request that no rule answers gets 501 but does not fail the test */
    seam_site site SEAM_0; /* set for you */
} seam_http_mock_options;

/* Start a mock of an origin: "https://api.pay.test", "http://10.0.0.7:8080"; "https://.pay.test" for all
 * names that end so; NULL for a URL of its own on 127.0.0.1. Ends the test when it cannot, also when two mocks
 * have the same origin. */
#define seam_http_mock_start(...) seam_http_mock_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_http_mock_start_(t, ...) SEAM_HTTP_MOCK_ORIGIN(t, __VA_ARGS__)
#define SEAM_HTTP_MOCK_ORIGIN(t, origin, ...) \
    seam_http_mock_start_at((t), (origin), SEAM_NEW(seam_http_mock_options, __VA_ARGS__))
seam_http_mock *seam_http_mock_start_at(seam_t *t, const char *origin,
                                        SEAM_REF(seam_http_mock_options) options);

/* The origin and the path; for NULL its own "http://127.0.0.1:40123". */
const char *seam_http_mock_url(const seam_http_mock *mock, const char *path);

/* Add a rule, written as its fields: seam_http_expect(mock, .path = "/v1", ...). A rule that cannot be
 * (no reply, both .json and .body, a pattern that does not compile) ends the test at that line. */
#define seam_http_expect(...) seam_http_expect_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_http_expect_(m, ...) seam_http_mock_add((m), SEAM_NEW(seam_http_rule, __VA_ARGS__))
void seam_http_mock_add(seam_http_mock *mock, SEAM_REF(seam_http_rule) rule);

/* Forget all rules, states and calls: for the rows of a table. Unused replies are no failure then. */
void seam_http_mock_reset(seam_http_mock *mock);

/* Let what no rule answers go to the real origin, or to `address` ("127.0.0.1:8080") when that is not NULL;
 * it needs no seam_net_allow. Fields that the reply `overlay` has replace those of the real answer. */
void seam_http_mock_pass(seam_http_mock *mock, const char *address, const seam_http_reply *overlay);

/* ---- what was called -------------------------------------------------------------------------- */

/* One call of the journal; strings live until the (sub)test ends. */
typedef struct seam_http_call {
    const char *method;
    const char *url;
    const char *path;
    const struct seam_http_field *fields; /* their names end with a NULL */
    const char *body;
    size_t      size;
    int         status; /* of the answer; 0: none (a fault) */
    seam_site   rule; /* that answered; its file is NULL when none did */
} seam_http_call;

/* How many calls there were so far, and the nth of them, from 0; NULL behind the last. At most the last
 * 1,000 are kept, with 256 MB of bodies; NULL for one before those. A call counts from when its request has
 * come; until it is answered its status is 0. */
int                   seam_http_mock_count(const seam_http_mock *mock);
const seam_http_call *seam_http_mock_call(const seam_http_mock *mock, int n);

/* Call fn for each call before its answer is sent, on a thread of Seam: what it has done by then the test sees
 * once the program has its answer. It may check. NULL ends it. */
void seam_http_mock_observe(seam_http_mock *mock, void (*fn)(const seam_http_call *call, void *arg),
                            void *arg);

/* ---- record and replay -------------------------------------------------------------------------- */

enum seam_http_record_mode {
    SEAM_HTTP_REPLAY, /* answer from the file; a call that it has not fails the test */
    SEAM_HTTP_RECORD, /* call the real origin and write the file anew; what -update asks of all modes but this */
    SEAM_HTTP_ONCE, /* record when there is no file, else replay */
    SEAM_HTTP_VERIFY /* call the real origin too; another status, field or shape of JSON fails the test */
};

typedef struct seam_http_record_options {
    int         mode                  SEAM_0; /* enum seam_http_record_mode */
    const char *redact[SEAM_HTTP_MAX] SEAM_0; /* never written: "header Authorization", "query key",
                                                 "json /token" */
    bool        all_used              SEAM_0; /* an exchange of the file that was not replayed fails the test */
    const char *address               SEAM_0; /* where the real origin is, such as "127.0.0.1:8080" */
    seam_site   site                  SEAM_0; /* set for you */
} seam_http_record_options;

/* Answer an origin from a file of recorded exchanges, one JSON object a line, beside the test's source. */
#define seam_http_mock_record(...) seam_http_mock_record_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_http_mock_record_(t, origin, ...) SEAM_HTTP_RECORD_FILE(t, origin, __VA_ARGS__)
#define SEAM_HTTP_RECORD_FILE(t, origin, file, ...) \
    seam_http_mock_record_at((t), (origin), (file), SEAM_NEW(seam_http_record_options, __VA_ARGS__))
seam_http_mock *seam_http_mock_record_at(seam_t *t, const char *origin, const char *file,
                                         SEAM_REF(seam_http_record_options) options);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif

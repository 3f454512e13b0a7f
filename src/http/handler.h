/*
 * http/handler.h - run a handler of the user's for an exchange, and send what it answered.
 */
#ifndef HTTP_HANDLER_H
#define HTTP_HANDLER_H

#include "base/arena.h"
#include "http/connection.h"
#include "seam/http.h"

/* Run it, without the loop's lock, on this thread, which is the loop's; then the exchange is answered. What
 * the handler checks is of the test `t`; a fatal in it fails the test and answers with 500. Lock held. `x` may
 * be gone afterwards. */
void http_handler_run(struct http_exchange *x, seam_t *t, seam_http_handler *fn, void *arg);

/* What a handler has answered. */
struct http_answer {
    int status;
    struct http_fields fields;
    struct http_fields trailers;
    const char *body; /* a NUL stands behind it */
    size_t body_size;
    bool closed; /* it asked for the end of the connection; with status 0: without an answer */
    bool reset;
};

/* Run it on this thread for a request that came by no connection; nothing is sent anywhere. What is handed out
 * lives as long as the arena. false when a fatal has ended the handler, with status 500; the test has failed
 * then. */
bool http_handler_call(seam_t *t, const struct http_message *request, const char *peer,
                       seam_http_handler *fn, void *arg, struct arena *arena,
                       struct http_answer *ret);

/* The status that a handler has answered so far; 200 where it has said nothing. */
int http_handler_status(const seam_http_exchange *x);

/* What a .matches of a rule looks at: the request alone. Lives as long as the arena. */
seam_http_exchange *http_handler_view(struct http_exchange *x, seam_t *t, struct arena *arena);

#endif

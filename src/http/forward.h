/*
 * http/forward.h - put requests to the real origin that a mock stands in for, and hand over its answers.
 *
 * libcurl does it, on a thread of its own; it is loaded when the first forwarder is made, since most mocks
 * need none. What that thread connects to passes the hooks.
 *
 * Threads: the loop's lock is held for all of it but forward_stop; `done` is called with it held.
 */
#ifndef HTTP_FORWARD_H
#define HTTP_FORWARD_H

#include "base/err.h"
#include "wire/http.h"

struct forward;

/* The answer, or NULL and why there is none; both live until the call returns. */
typedef void forward_done_fn(void *arg, const struct http_message *answer, const char *error);

struct forward_request {
    const char *scheme;
    const char *host;
    int port;
    const char *to_host; /* connect there instead; NULL: to `host` and `port` */
    int to_port;
    const struct http_message *message; /* borrowed until `done` was called, as the texts are */
    forward_done_fn *done;
    void *arg;
};

int forward_new(struct forward **ret, struct err *err);
void forward_put(struct forward *forward, const struct forward_request *request);

/* End: what is on its way gets an error. Frees it; NULL is fine. Lock not held. */
void forward_stop(struct forward *forward);

#endif

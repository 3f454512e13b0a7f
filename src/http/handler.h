/*
 * http/handler.h - run a handler of the user's for an exchange, and send what it answered.
 */
#ifndef HTTP_HANDLER_H
#define HTTP_HANDLER_H

#include "base/arena.h"
#include "http/connection.h"
#include "seam/http.h"

/* Run it, without the loop's lock, on this thread, which is the loop's; then the exchange is answered. What
 * the handler checks is of the test `t`; a fatal in it fails the test and answers with 500. Lock held. */
void http_handler_run(struct http_exchange *x, seam_t *t, seam_http_handler *fn, void *arg);

/* What a .matches of a rule looks at: the request alone. Lives as long as the arena. */
seam_http_exchange *http_handler_view(struct http_exchange *x, seam_t *t, struct arena *arena);

#endif

/* payment/post.h - one HTTP request that carries JSON, and the answer to it. */
#ifndef PAYMENT_POST_H
#define PAYMENT_POST_H

#include <curl/curl.h>

#include "service/ports.h"

enum { ANSWER_MAX = 4096 }; /* bytes of a body; a charge needs a hundred */

struct post {
    const char *url;
    const char *token; /* shown as "Authorization: Bearer <token>" */
    const char *idempotency_key;
    const char *json;
    int timeout_ms; /* for all of it, from the look-up of the name to the last byte */
};

struct answer {
    int status;
    int64_t retry_after_s; /* 0: it did not say */
    size_t size;
    char body[ANSWER_MAX + 1]; /* ends with a NUL */
};

/* Send it on a handle that keeps connections for the next one. Returns 0 when there is a whole
 * answer, of whatever status, else -1. */
int post_send(CURL *curl, const struct post *post, struct answer *ret_answer,
              struct failure *failure);

#endif

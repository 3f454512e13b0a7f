/*
 * http/mock_pass.h - calls that a mock hands on to the real origin.
 */
#ifndef HTTP_MOCK_PASS_H
#define HTTP_MOCK_PASS_H

#include "http/mock.h"

/* Ask the real origin. `done` is called with the answer, or with NULL and why there is none, as long as the
 * program waits for it. Then, or when it fails at once (-errno, with words), the call is the caller's again. */
typedef void mock_pass_fn(struct mock_call *call, const struct http_message *answer,
                          const char *error);
int mock_pass_ask(struct mock_call *call, mock_pass_fn *done, struct err *err);

/* Make it the call's own answer: what `done` is given goes when it returns. */
void mock_pass_copy(struct mock_call *call, const struct http_message *answer);

/* Hand on what no rule answers: mock->pass is set. */
void mock_pass_on(struct mock_call *call);

/* Have an origin to hand on to, at an address or (NULL) where its name leads. -EINVAL for what is none. */
int mock_pass_open(struct seam_http_mock *mock, const char *address, struct err *err);
void mock_pass_stop(struct seam_http_mock *mock); /* lock not held */

#endif

/*
 * http/rule_call.h - the parts of a request, worked out when a rule first asks for them.
 *
 * Ownership: all lives as long as the call's arena.
 * Threads: one at a time for each call.
 */
#ifndef HTTP_RULE_CALL_H
#define HTTP_RULE_CALL_H

#include "http/match_form.h"
#include "json/node.h"
#include "http/origin.h"
#include "http/rule.h"

struct http_call_parts; /* what has been worked out so far */

struct http_target call_target(struct http_call *call); /* as sent */
const char *call_path(struct http_call *call); /* decoded */

const struct match_pairs *call_query(struct http_call *call);
const struct match_pairs *call_headers(struct http_call *call);
const struct match_pairs *call_cookies(struct http_call *call);

/* The fields of a form, urlencoded or multipart; all parts of a multipart body. `fault` says so when the body
 * is none. */
const struct match_pairs *call_form(struct http_call *call);
const struct match_pairs *call_parts(struct http_call *call);

/* The body, without gzip when that was its Content-Encoding; a NUL stands behind it. */
const char *call_body(struct http_call *call, size_t *ret_size);

/* It as JSON, or NULL with a line that says why it is none. */
const struct json_node *call_json(struct http_call *call, const char **ret_fault);

/* "user:password" of an Authorization field for Basic; NULL: there is none. */
const char *call_basic(struct http_call *call);

/* What the .matches of a rule said of this call: asked once, by rule_choose. */
enum call_verdict { CALL_UNASKED, CALL_NO, CALL_YES };
enum call_verdict call_verdict(const struct http_call *call, const struct rule *rule);
void call_set_verdict(struct http_call *call, const struct rule *rule, bool yes);

#endif

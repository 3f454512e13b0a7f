/* http/rule_test.h - requests and sets of rules for the tests beside it. */
#ifndef HTTP_RULE_TEST_H
#define HTTP_RULE_TEST_H

#include <seam/seam.h>

#include <string.h>

#include "http/rule.h"

/* A request and what it needs; rule_test_fini frees it. */
struct rule_request {
    struct http_call call;
    struct http_message message;
    struct http_field fields[8];
    struct arena arena;
};

/* "POST /v1/a?b=c", fields as "Name: value" (NULL ends them), a body. The host is api.pay.test. */
struct rule_request *rule_request_new(seam_t *t, const char *line, const char *const fields[],
                                      const char *body, size_t size);

/* The same without fields and body, or with both as texts. */
struct rule_request *rule_request_plain(seam_t *t, const char *line);
struct rule_request *rule_request_text(seam_t *t, const char *line, const char *field,
                                       const char *body);

/* A set that lives as long as the test; a rule that cannot be ends it. */
struct rule_set *rule_test_set(seam_t *t);
void rule_test_add(seam_t *t, struct rule_set *set, const seam_http_rule *rule);

/* The status that the set answers with: 501 when none matches, -1 when that is forbidden. */
int rule_test_answer(struct rule_set *set, struct rule_request *request);

#define ADD(t, set, ...)                                                                       \
    rule_test_add((t), (set),                                                                  \
                  &(seam_http_rule){ __VA_ARGS__, .site = { "a_test.c", __LINE__ } })
#define OK .reply = { { .status = 200 } }

#endif

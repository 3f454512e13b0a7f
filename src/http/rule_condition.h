/*
 * http/rule_condition.h - one thing that a rule asks of a request, beyond method, host and path.
 *
 * Ownership: a condition lives in the set's arena; its pattern is freed with the set.
 * Threads: conditions do not change once they are made.
 */
#ifndef HTTP_RULE_CONDITION_H
#define HTTP_RULE_CONDITION_H

#include "json/node.h"
#include "http/rule_call.h"
#include "test/match.h"

enum condition_part {
    /* Those of named values come first. */
    CONDITION_QUERY,
    CONDITION_HEADER,
    CONDITION_COOKIE,
    CONDITION_FORM,
    CONDITION_MULTIPART,
    CONDITION_NO_OTHER_QUERY,
    CONDITION_BASIC,
    CONDITION_BODY,
    CONDITION_BODY_CONTAINS,
    CONDITION_BODY_PATTERN,
    CONDITION_JSON,
    CONDITION_JSON_AT
};

enum condition_test { CONDITION_EQUAL, CONDITION_PRESENT, CONDITION_ABSENT, CONDITION_MATCHES };

struct condition {
    enum condition_part part;
    enum condition_test test; /* of a named value, and of CONDITION_JSON_AT */
    const char *text; /* as the rule has it */
    const char *name;
    const char *value; /* of CONDITION_EQUAL; user and password; the bytes of a body */
    size_t size; /* of it */
    const char *filename; /* of a part; NULL: any or none */
    const char *type;
    const struct match_pattern *pattern;
    struct json_want json; /* of CONDITION_JSON; of CONDITION_JSON_AT the value */
    struct json_pointer pointer;
};

struct conditions {
    const struct condition *at;
    size_t count;
};

/* ---- making: -EINVAL with a sentence. Patterns are left to be compiled: condition_pattern */

/* "Name: value", "Name:", "!Name", "Name ~ pattern". */
int condition_parse_header(struct arena *arena, const char *text, struct condition *ret,
                           struct err *err);

/* "name=value", "name", "!name", "name ~ pattern"; of a part also "name; filename=x; type=y". `label` is the
 * rule's word for it. */
int condition_parse_pair(struct arena *arena, enum condition_part part, const char *label,
                         const char *text, struct condition *ret, struct err *err);

/* "/pointer = json", "/pointer", "!/pointer". */
int condition_parse_json_at(struct arena *arena, const char *text, struct condition *ret,
                            struct err *err);

/* The pattern in the text of a condition that has one to be compiled; NULL: none. */
const char *condition_pattern(const struct condition *condition);

/* ---- asking */

/* Whether it holds; `all` are the rule's, for what CONDITION_NO_OTHER_QUERY leaves out. */
bool condition_holds(const struct condition *condition, const struct conditions *all,
                     struct http_call *call);

/* The values among which a named one is looked for. */
const struct match_pairs *condition_pairs(const struct condition *condition,
                                          struct http_call *call);

/* The pair whose value is the wanted one, or else the first of that name; NULL: there is none. */
const struct match_pair *condition_pair(const struct condition *condition,
                                        struct http_call *call, bool *ret_wanted);

/* The first parameter of the query that no condition of a rule names; NULL: there is none. */
const struct match_pair *condition_other_query(const struct conditions *all,
                                               struct http_call *call);

#endif

/*
 * http/match_form.h - the named values that a request carries: query, cookies, urlencoded and multipart forms.
 *
 * None of these fails: of a text that is malformed as much is taken as can be understood, and `fault` says
 * what could not.
 *
 * Ownership: all that is handed out lives as long as the arena; values of a multipart body and of a header are
 * part of what was passed.
 * Threads: one at a time for each arena.
 */
#ifndef HTTP_MATCH_FORM_H
#define HTTP_MATCH_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum {
    PAIRS_MAX = 10000
}; /* of a request; what comes behind them is left out, as `fault` says */

struct match_pair {
    const char *name;
    const char *value; /* of a part not ended by a NUL */
    size_t size;
    bool is_part; /* of a multipart body */
    const char *filename; /* of a part; NULL: none */
    const char *type; /* of a part, its Content-Type; NULL: none */
};

struct match_pairs {
    const struct match_pair *at; /* in the order in which they came */
    size_t count;
    const char *fault; /* NULL: all was understood */
};

/* "a=b&c=d", decoded; what has no '=' has the value "". */
struct match_pairs match_urlencoded(struct arena *arena, const char *text, size_t size);

/* The value of a Cookie field: "a=b; c=d" (RFC 6265, 4.2.1). Values keep their quotes. */
struct match_pairs match_cookies(struct arena *arena, const char *text);

/* A multipart body (RFC 2046, 5.1; names by RFC 7578), whose Content-Type is `type`. A part without a name has
 * the name "". */
struct match_pairs match_multipart(struct arena *arena, const char *type, const char *body,
                                   size_t size);

/* A parameter of a field's value, such as "boundary" of "multipart/form-data; boundary=x"; NULL: none. */
const char *match_parameter(struct arena *arena, const char *value, size_t size,
                            const char *name);

/* How many parameters there are. */
size_t match_parameter_count(const char *value, size_t size);

/* Whether a Content-Type is this one ("a/b"), or of this kind ("a/"), whatever its parameters. */
bool match_is_type(const char *type, const char *wanted);

#endif

/*
 * http/match_path.h - path templates such as "/users/{id}": each {name} is one whole segment, not empty.
 *
 * Segments are compared decoded, but found in the path as it was sent: "%2F" ends none.
 *
 * Ownership: a template lives as long as its arena. Threads: it does not change; any may use it.
 */
#ifndef HTTP_MATCH_PATH_H
#define HTTP_MATCH_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct path_segment {
    const char *text; /* or the name of the variable */
    bool is_variable;
};

struct path_template {
    const struct path_segment *at;
    size_t count;
};

/* -EINVAL with a sentence: no '/' in front, a '{' that is not the whole segment, a name twice. */
int path_template_parse(struct arena *arena, const char *text, struct path_template *ret,
                        struct err *err);

/* Whether the path, as it was sent, is one of those; `arena` is for decoding. */
bool path_template_holds(const struct path_template *path_template, struct arena *arena,
                         const char *path, size_t size);

/* What a variable stands for in a path that fits, decoded; NULL when there is no such variable. */
const char *path_template_value(const struct path_template *path_template, struct arena *arena,
                                const char *path, size_t size, const char *name);

#endif

/*
 * json/node.h - JSON values as the rules of doubles compare them: equal, a subset, arrays in any order.
 *
 *   text ── jansson ── struct json_node, in an arena ── compared, pointed into, shown
 *
 * Integers are exact, whatever their size; 1 and 1.0 are equal. An object that has a key twice is no JSON.
 *
 * Ownership: nodes live as long as their arena.
 * Threads: nodes do not change once they are made; any may read them.
 */
#ifndef JSON_NODE_H
#define JSON_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum json_kind {
    NODE_NULL,
    NODE_FALSE,
    NODE_TRUE,
    NODE_INTEGER,
    NODE_BIG, /* an integer that needs more than 64 bits: its digits */
    NODE_REAL,
    NODE_STRING,
    NODE_ARRAY,
    NODE_OBJECT
};

struct json_node {
    enum json_kind kind;
    uint32_t count; /* bytes of a text, elements, members */
    union {
        const char *text; /* of a string, or digits; a NUL stands behind it */
        int64_t integer;
        double real;
        const struct json_node *items;
        const struct json_member *members; /* in the order of the text */
    };
    const uint32_t *by_key; /* of a larger object: its members' places, ordered by key */
};

struct json_member {
    const char *key;
    struct json_node node;
};

/* Read a text. -EINVAL with what is wrong, beginning with `label`: one line, and, with `single_quotes`, which
 * are allowed then, the line of the text and a caret. */
int json_node_parse(struct arena *arena, const char *label, const char *text, size_t size,
                    bool single_quotes, const struct json_node **ret, struct err *err);

/* The same text for others to read: strings have double quotes. Returns what it was given when it has no
 * single ones. */
const char *json_text_strict(struct arena *arena, const char *text, size_t size);

/* NULL when there is none. */
const struct json_node *json_node_member(const struct json_node *object, const char *key);

/* Add the value as JSON; `columns`: cut long texts to so many, 0: not. */
void json_node_write(struct buf *to, const struct json_node *node, size_t columns);

/* ---- JSON pointers (RFC 6901) */

struct json_pointer {
    const char *text;
    const char **steps; /* decoded */
    size_t count;
};

int json_pointer_parse(struct arena *arena, const char *text, size_t size,
                       struct json_pointer *ret, struct err *err);

/* What it points to; NULL when there is no such value. */
const struct json_node *json_pointer_find(const struct json_pointer *pointer,
                                          const struct json_node *root);

/* ---- comparing */

enum json_mode {
    JSON_MODE_EQUAL,
    JSON_MODE_SUBSET, /* members of objects that `root` does not name are free */
    JSON_MODE_UNORDERED /* arrays may have their elements in any order */
};

struct json_want {
    const struct json_node *root;
    enum json_mode mode;
    const struct json_pointer *ignore; /* not compared; indexes are those of `root` */
    size_t ignore_count;
};

bool json_want_holds(const struct json_want *want, const struct json_node *got);

/* Called for each value that is no container, or has no counterpart: its path ("$.items[0].id"), and both
 * sides, of which one is NULL where there is none. `path` lives until fn returns. */
typedef void json_row_fn(void *arg, const char *path, const struct json_node *want,
                         const struct json_node *got, bool same);

/* Compare loudly. */
void json_want_rows(const struct json_want *want, const struct json_node *got, json_row_fn *fn,
                    void *arg);

#endif

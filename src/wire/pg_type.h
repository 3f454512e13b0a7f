/*
 * wire/pg_type.h - PostgreSQL's types as a double needs them: names, OIDs, sizes, and values in both of the
 * protocol's formats.
 *
 * Every type has its text format. The binary one is known for bool, int2, int4, int8, float4, float8, text,
 * varchar, bpchar, name, bytea, numeric, date, time, timestamp, timestamptz, interval, uuid, oid, json, jsonb and
 * arrays of int4, int8 and text; of any other it is refused by name.
 */
#ifndef WIRE_PG_TYPE_H
#define WIRE_PG_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/pg.h"

enum pg_kind { /* how values of the type are compared */
               PG_KIND_TEXT,
               PG_KIND_BOOL,
               PG_KIND_INT,
               PG_KIND_FLOAT,
               PG_KIND_NUMERIC,
               PG_KIND_BYTES,
               PG_KIND_TIME, /* date, time, timestamp and so on */
               PG_KIND_UUID,
               PG_KIND_JSON,
               PG_KIND_ARRAY
};

struct pg_type {
    uint32_t oid;
    uint32_t array_oid; /* of arrays of it; 0: none */
    uint32_t element; /* of an array: the type of its elements; else 0 */
    const char *name; /* "int8" */
    const char *
        other; /* SQL's, which the server's messages have: "bigint"; the same where it has no other */
    int size; /* bytes; -1: varies */
    enum pg_kind kind;
    bool binary; /* the format is known here */
};

const struct pg_type *pg_type_of_oid(uint32_t oid); /* NULL: not known here */
const struct pg_type *pg_type_at(size_t n); /* all of them, from 0; NULL behind the last */

/* "numeric(10,2)", "varchar(5)", "int4[]", "timestamp with time zone", "Timestamptz". -EINVAL with words, which
 * name the nearest type, for one that is not known. */
int pg_type_parse(const char *text, const struct pg_type **ret, int *ret_modifier,
                  struct err *err);

/* The columns of a rule: "id int8, \"User Id\" text not null of users.2". In the arena. OIDs of tables are made
 * of their names, the same in each run, above 16384. */
struct pg_columns {
    struct pg_column *at;
    bool *not_null; /* one for each */
    const char **table; /* the name behind "of", one for each; NULL: none */
    size_t count;
};
int pg_columns_parse(const char *text, struct arena *arena, struct pg_columns *ret,
                     struct err *err);

/* A value between the formats. The text has to be one that the server would send (or, for to_binary, take);
 * -EINVAL with the server's words (22P02 "invalid input syntax for type integer: \"abc\""), -ERANGE for 22003,
 * -ENOTSUP when the binary format of the type is not known. */
const char *pg_value_sqlstate(const struct pg_type *type,
                              int code); /* of what these return; NULL: none */
int pg_to_binary(const struct pg_type *type, const char *text, size_t size, struct buf *to,
                 struct err *err);
int pg_to_text(const struct pg_type *type, const void *data, size_t size, struct buf *to,
               struct err *err);

/* The text in the form in which the server would send it back: int without '+' and zeros, numeric with the
 * modifier's scale, bool as t or f, jsonb re-spaced, bytea as \x..., varchar(n) cut as a cast would. What the
 * server would not take is an error as above. `zone`-dependent types are left as they are when they are written
 * as the server does. */
int pg_canonical(const struct pg_type *type, int modifier, const char *text, size_t size,
                 struct buf *to, struct err *err);

/* Whether two texts are the same value of the type: 1.50 and 1.5 as numeric, "T" and "true" as bool, JSON by its
 * content. type NULL: not known, so as number where both are, else byte by byte. */
bool pg_same_value(const struct pg_type *type, const char *a, size_t a_size, const char *b,
                   size_t b_size);

#endif

/* wire/pg_type_parse.h - a type taken from between other words; inner to pg_type_parse.c and pg_columns.c. */
#ifndef WIRE_PG_TYPE_PARSE_H
#define WIRE_PG_TYPE_PARSE_H

#include "wire/pg_type.h"
#include "wire/pg_words.h"

/* Take a type, and go behind it. Errors as pg_type_parse. */
int pg_type_take(struct pg_words *words, const struct pg_type **ret, int *ret_modifier,
                 struct err *err);

#endif

/* wire/pg_type_test.c - types by name, columns of a rule, values that are the same; without a server. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c ../base/err.c pg_lex.c pg_words.c pg_type.c pg_type_parse.c
//seam:sources pg_columns.c pg_number.c pg_numeric.c pg_bytes.c pg_time.c pg_interval.c pg_array.c
//seam:sources pg_json.c pg_binary.c pg_canonical.c pg_same.c

#include "wire/pg_type.h"

#include <errno.h>
#include <seam/seam.h>
#include <string.h>

SEAM_TEST(type_that_cannot_be_says_why)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "strng", "there is no type 'strng'; the nearest is 'text'" },
        { "integr", "there is no type 'integr'; the nearest is 'integer'" },
        { "txt", "there is no type 'txt'; the nearest is 'text'" },
        { "varchar(0)", "length for type varchar must be at least 1" },
        { "numeric(1001)", "NUMERIC precision 1001 must be between 1 and 1000" },
        { "numeric(1,2,3)", "what is in parentheses behind 'numeric' is no modifier of it" },
        { "numeric(1", "the parenthesis behind 'numeric' is not closed" },
        { "int4(3)", "type modifier is not allowed for type \"int4\"" },
        { "timestamp(-1)", "timestamp precision must not be negative" },
        { "void[]", "there are no arrays of 'void'" },
        { "int4 x", "there is 'x' behind the type 'int4'" },
        { "", "there is no type at ''" },
        { "5", "there is no type at '5'" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pg_type *type;
        struct err err;
        int modifier;

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t, pg_type_parse(rows[i].text, &type, &modifier, &err), -EINVAL);
        seam_check_eq(t, err.text, rows[i].words);
    }
}

static void describe(struct buf *to, const struct pg_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        const struct pg_column *column = &columns->at[i];

        buf_printf(to, "%s %s(%d) %d%s", column->name, pg_type_of_oid(column->type)->name,
                   column->modifier, column->type_size,
                   columns->not_null[i] ? " not null" : "");
        if (columns->table[i])
            buf_printf(to, " of %s.%d%s", columns->table[i], column->number,
                       column->table > 16384 ? "" : "?");
        buf_add_text(to, "; ");
    }
}

SEAM_TEST(columns_are_read)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "id int8", "id int8(-1) 8; " },
        { "ID bigint, \"User Id\" text not null of users.2",
          "id int8(-1) 8; User Id text(-1) -1 not null of users.2; " },
        { "p numeric(10,2) of App.\"T\".12, v varchar(5) NOT NULL, a int4[] , t timestamp(3) "
          "with time "
          "zone",
          "p numeric(655366) -1 of app.T.12; v varchar(9) -1 not null; a int4[](-1) -1; "
          "t timestamptz(3) 8; " },
        { "c char, d \"char\", e double precision, f float(3), g bit",
          "c bpchar(5) -1; d char(-1) 1; e float8(-1) 8; f float4(-1) 4; g bit(1) -1; " },
    };
    struct arena arena = { 0 };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf got = BUF_INIT(1000);
        struct pg_columns columns;
        struct err err;

        seam_scope(t, "%s", rows[i].text);
        if (seam_check_ok(t, pg_columns_parse(rows[i].text, &arena, &columns, &err)))
            describe(&got, &columns);
        else
            seam_error(t, "%s", err.text);
        seam_check_eq(t, buf_text(&got), rows[i].want);
        buf_fini(&got);
    }
    arena_fini(&arena);
}

SEAM_TEST(columns_that_cannot_be_say_why)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "", "there is no name of a column at ''" },
        { "id", "column 'id' has no type" },
        { "id int8,", "there is no name of a column at ''" },
        { "id, x int", "column 'id' has no type" },
        { "id integr", "column 'id': there is no type 'integr'; the nearest is 'integer'" },
        { "id int8 of users",
          "behind 'of' of column 'id' there is no TABLE.NUMBER, as in 'users.2'" },
        { "id int8 of users.0",
          "behind 'of' of column 'id' there is no TABLE.NUMBER, as in 'users.2'" },
        { "id int8 null", "there is 'null' behind column 'id'" },
    };
    struct arena arena = { 0 };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pg_columns columns;
        struct err err;

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t, pg_columns_parse(rows[i].text, &arena, &columns, &err), -EINVAL);
        seam_check_eq(t, err.text, rows[i].words);
    }
    arena_fini(&arena);
}

SEAM_TEST(values_are_compared_as_their_type_is)
{
    static const struct {
        const char *type, *a, *b;
        bool same;
    } rows[] = {
        { NULL, "1.50", "1.5", true },
        { NULL, "a", "a", true },
        { NULL, "a", "1", false },
        { "numeric", "1.50", "15e-1", true },
        { "numeric", "-0.0", "0", true },
        { "numeric", "NaN", "nan", true },
        { "numeric", "1", "-1", false },
        { "numeric", "1.01", "1.001", false },
        { "int4", "+007", "7", true },
        { "float8", "1e2", "100", true },
        { "float8", "-0", "0", true },
        { "float8", "NaN", "nan", true },
        { "bool", "T", "true", true },
        { "bool", "off", "f", true },
        { "bool", "on", "f", false },
        { "text", "1.0", "1", false },
        { "bpchar", "a  ", "a", true },
        { "bytea", "\\x4142", "AB", true },
        { "uuid", "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
          true },
        { "timestamptz", "2020-01-01 12:00:00+02", "2020-01-01T10:00:00Z", true },
        { "timestamp", "2020-01-01", "2020-01-01 00:00:00", true },
        { "date", "20200102", "2020-01-02", true },
        { "date", "infinity", "Infinity", true },
        { "interval", "1 hour", "01:00:00", true },
        { "interval", "1 day", "24:00:00", false },
        { "json", "{\"a\": 1, \"b\": [2]}", "{\"b\":[2.0],\"a\":1e0}", true },
        { "jsonb", "{\"a\": 1, \"a\": 2}", "{\"a\":2}", true },
        { "jsonb", "[1, 2]", "[2, 1]", false },
        { "jsonb", "\"\\u00e9\"", "\"\xc3\xa9\"", true },
        { "int4[]", "{1, 2,NULL}", "{+1,02,null}", true },
        { "numeric[]", "{1.0}", "{1}", true },
        { "text[]", "{NULL}", "{\"NULL\"}", false },
        { "int4", "x", "x", true },
        { "inet", "10.0.0.1", "10.0.0.1", true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pg_type *type = NULL;
        int modifier;

        seam_scope(t, "%s %s %s", rows[i].type ? rows[i].type : "?", rows[i].a, rows[i].b);
        if (rows[i].type)
            seam_require_ok(t, pg_type_parse(rows[i].type, &type, &modifier, NULL));
        seam_check_eq(
            t, pg_same_value(type, rows[i].a, strlen(rows[i].a), rows[i].b, strlen(rows[i].b)),
            rows[i].same);
    }
}

/* Bytes of a wrong size or form, from anybody. */
SEAM_TEST(binary_values_that_are_none_are_refused)
{
    static const struct {
        const char *type, *data;
        size_t size;
        int code;
    } rows[] = {
        { "int4", "\0\0\1", 3, -EINVAL },
        { "uuid", "abc", 3, -EINVAL },
        { "numeric", "\0\1\0\0\0\0\0\0", 8, -EINVAL },
        { "numeric", "\0\1\0\0\0\0\0\0\x7f\xff", 10, -EINVAL },
        { "numeric", "\0\0\0\0\1\1\0\0", 8, -EINVAL },
        { "jsonb", "\2{}", 3, -EINVAL },
        { "jsonb", "", 0, -EINVAL },
        { "int4[]", "\0\0\0\1\0\0\0\0\0\0\0\x17", 12, -EINVAL },
        { "int4[]", "\0\0\0\1\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\1", 20, -EINVAL },
        { "int4[]", "\0\0\0\0\0\0\0\0\0\0\0\x19", 12, -EINVAL },
        { "int4[]", "\0\0\0\0\0\0\0\0\0\0\0\x17X", 13, -EINVAL },
        { "inet", "abcd", 4, -ENOTSUP },
        { "numeric[]", "\0\0\0\0\0\0\0\0\0\0\6\xa4", 12, -ENOTSUP },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf got = BUF_INIT(1000);
        const struct pg_type *type;
        struct err err;
        int modifier;

        seam_scope(t, "%zu %s", i, rows[i].type);
        seam_require_ok(t, pg_type_parse(rows[i].type, &type, &modifier, NULL));
        seam_check_eq(t, pg_to_text(type, rows[i].data, rows[i].size, &got, &err),
                      rows[i].code);
        seam_check_contains(t, err.text, type->name);
        seam_check_eq(t, got.size, 0);
        buf_fini(&got);
    }
}

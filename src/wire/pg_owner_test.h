/*
 * wire/pg_owner_test.h - for tests and fuzzing: an owner of a session that knows a few statements, with the answers that
 * PostgreSQL 15 gives.
 */
#ifndef WIRE_PG_OWNER_TEST_H
#define WIRE_PG_OWNER_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pg_server.h"

enum { OWNER_COLUMNS = 2, OWNER_ROWS = 3 };

struct owner_answer {
    const char *sql;
    struct pg_column columns[OWNER_COLUMNS];
    size_t column_count;
    const char *rows[OWNER_ROWS][OWNER_COLUMNS]; /* "$1": the argument */
    size_t row_count;
    uint32_t types[2];
    size_t type_count;
    const char *tag;
    struct pg_error error; /* while it runs */
    bool unknown; /* the error comes when it is parsed */
    char copy;
    int copy_columns;
    const char *copy_out;
    struct pg_error notice; /* before the answer */
    bool waits; /* until it is cancelled */
};

#define OWNER_INT(n)                                                                           \
    {                                                                                          \
        .name = (n), .type = 23, .type_size = 4, .modifier = -1                                \
    }
#define OWNER_TEXT(n)                                                                          \
    {                                                                                          \
        .name = (n), .type = 25, .type_size = -1, .modifier = -1                               \
    }
#define OWNER_TYPED(n, oid, size, typmod)                                                      \
    {                                                                                          \
        .name = (n), .type = (oid), .type_size = (size), .modifier = (typmod)                  \
    }
#define OWNER_OF_TABLE(n, nth, oid, size)                                                      \
    {                                                                                          \
        .name = (n), .table = 1, .number = (nth), .type = (oid), .type_size = (size),          \
        .modifier = -1                                                                         \
    }
#define OWNER_TAG(statement, text)                                                             \
    {                                                                                          \
        .sql = (statement), .tag = (text)                                                      \
    }
#define OWNER_FAILS(statement, ...)                                                            \
    {                                                                                          \
        .sql = (statement), .error = { __VA_ARGS__ }                                           \
    }
#define OWNER_UNKNOWN(statement, ...)                                                          \
    {                                                                                          \
        .sql = (statement), .unknown = true, .error = { __VA_ARGS__ }                          \
    }
#define OWNER_U "create table u (a int primary key, b varchar(3) check (b <> 'no'))"
#define OWNER_ONE(statement, value)                                                            \
    {                                                                                          \
        .sql = (statement), .columns = { OWNER_INT("?column?") }, .column_count = 1,           \
        .rows = { { (value) } }, .row_count = 1                                                \
    }

// clang-format off
static const struct owner_answer owner_answers[] = {
    OWNER_ONE("select 1", "1"),
    OWNER_ONE("select 2", "2"),
    OWNER_ONE("select 3", "3"),
    OWNER_ONE("SELECT 1", "1"),
    { .sql = "select null::text as n", .columns = { OWNER_TEXT("n") }, .column_count = 1,
      .rows = { { NULL } }, .row_count = 1 },
    { .sql = "select 1 where false", .columns = { OWNER_INT("?column?") }, .column_count = 1 },
    { .sql = "select", .rows = { { NULL } }, .row_count = 1, .columns = { OWNER_INT("") } },
    { .sql = "select generate_series(1,3)", .columns = { OWNER_INT("generate_series") }, .column_count = 1,
      .rows = { { "1" }, { "2" }, { "3" } }, .row_count = 3 },
    { .sql = "select $1::int", .columns = { OWNER_INT("int4") }, .column_count = 1,
      .rows = { { "$1" } }, .row_count = 1, .types = { 23 }, .type_count = 1 },
    { .sql = "select $1::int, $2::text", .columns = { OWNER_INT("int4"), OWNER_TEXT("text") }, .column_count = 2,
      .rows = { { "$1", "$2" } }, .row_count = 1, .types = { 23, 25 }, .type_count = 2 },
    { .sql = "select 1/(select 0)", .columns = { OWNER_INT("?column?") }, .column_count = 1,
      .error = { .sqlstate = "22012", .message = "division by zero" } },
    { .sql = "select 6/(2-generate_series(1,3))", .columns = { OWNER_INT("?column?") }, .column_count = 1,
      .rows = { { "6" } }, .row_count = 1,
      .error = { .sqlstate = "22012", .message = "division by zero" } },
    { .sql = "selct", .unknown = true,
      .error = { .sqlstate = "42601", .message = "syntax error at or near \"selct\"", .position = 1 } },
    { .sql = "create temp table t (a int, b text)", .tag = "CREATE TABLE" },
    { .sql = "insert into t values (1,'x'),(2,'y')", .tag = "INSERT 0 2" },
    { .sql = "insert into t values (1),(2),(3) returning 7 as seven", .columns = { OWNER_INT("seven") },
      .column_count = 1, .rows = { { "7" }, { "7" }, { "7" } }, .row_count = 3 },
    { .sql = "update t set a = a where a > 5", .tag = "UPDATE 0" },
    { .sql = "copy t from stdin", .copy = 'G', .copy_columns = 2 },
    { .sql = "copy t (a) from stdin", .copy = 'G', .copy_columns = 1 },
    { .sql = "copy t to stdout", .copy = 'H', .copy_columns = 2, .copy_out = "1\tx\n2\ty\n" },
    { .sql = "do $$ begin raise notice 'n'; end $$", .tag = "DO",
      .notice = { .message = "n", .where = "PL/pgSQL function inline_code_block line 1 at RAISE" } },
    { .sql = "drop table if exists nope", .tag = "DROP TABLE",
      .notice = { .message = "table \"nope\" does not exist, skipping" } },
    { .sql = "select 1.50::numeric(10,2), 'ab'::varchar(5)", .column_count = 2,
      .columns = { OWNER_TYPED("numeric", 1700, -1, 655366), OWNER_TYPED("varchar", 1043, -1, 9) },
      .rows = { { "1.50", "ab" } }, .row_count = 1 },
    { .sql = "select 1 as \"a \"\"b\", 2 as \"a \"\"b\"", .column_count = 2,
      .columns = { OWNER_INT("a \"b"), OWNER_INT("a \"b") }, .rows = { { "1", "2" } }, .row_count = 1 },
    { .sql = "select a, b from t", .column_count = 2,
      .columns = { OWNER_OF_TABLE("a", 1, 23, 4), OWNER_OF_TABLE("b", 2, 25, -1) } },
    { .sql = "values (1),(2)", .columns = { OWNER_INT("column1") }, .column_count = 1,
      .rows = { { "1" }, { "2" } }, .row_count = 2 },
    OWNER_TAG("update t set b = 'z'", "UPDATE 2"),
    OWNER_TAG("delete from t where a = 1", "DELETE 1"),
    { .sql = "delete from t returning a", .columns = { OWNER_OF_TABLE("a", 1, 23, 4) }, .column_count = 1,
      .rows = { { "2" } }, .row_count = 1 },
    OWNER_TAG("truncate t", NULL),
    OWNER_TAG("select 1 as a into temp tt", "SELECT 1"),
    OWNER_TAG("create temp table ta as select 1 as a", "SELECT 1"),
    OWNER_TAG("drop table t", NULL),
    OWNER_TAG("declare c cursor for select generate_series(1,3)", NULL),
    { .sql = "fetch 2 from c", .columns = { OWNER_INT("generate_series") }, .column_count = 1,
      .rows = { { "1" }, { "2" } }, .row_count = 2 },
    { .sql = "fetch 3 from c", .columns = { OWNER_INT("generate_series") }, .column_count = 1 },
    OWNER_TAG("move 1 in c", "MOVE 1"),
    OWNER_TAG("close c", NULL),
    OWNER_TAG("lock table pg_class in access share mode", NULL),
    OWNER_UNKNOWN("select * from nope", "ERROR", "42P01", "relation \"nope\" does not exist", .position = 15),
    OWNER_UNKNOWN("select c from t", "ERROR", "42703", "column \"c\" does not exist", .position = 8),
    OWNER_UNKNOWN("select nope", "ERROR", "42703", "column \"nope\" does not exist", .position = 8),
    OWNER_UNKNOWN("select nope(1)", "ERROR", "42883", "function nope(integer) does not exist", .position = 8,
        .hint = "No function matches the given name and argument types. You might need to add explicit type casts."),
    OWNER_UNKNOWN("select 'abc'::int", "ERROR", "22P02", "invalid input syntax for type integer: \"abc\"",
        .position = 8),
    { .sql = "select 'é'", .columns = { OWNER_TEXT("?column?") }, .column_count = 1,
      .rows = { { "é" } }, .row_count = 1 },
    OWNER_TAG(OWNER_U, NULL),
    OWNER_TAG("insert into u values (1, 'x')", "INSERT 0 1"),
    OWNER_FAILS("insert into u values (1, 'y')", "ERROR", "23505",
        "duplicate key value violates unique constraint \"u_pkey\"", .detail = "Key (a)=(1) already exists.",
        .schema = "public", .table = "u", .constraint = "u_pkey"),
    OWNER_FAILS("insert into u values (null, 'x')", "ERROR", "23502",
        "null value in column \"a\" of relation \"u\" violates not-null constraint",
        .detail = "Failing row contains (null, x).", .schema = "public", .table = "u", .column = "a"),
    OWNER_FAILS("insert into u values (2, 'no')", "ERROR", "23514",
        "new row for relation \"u\" violates check constraint \"u_b_check\"",
        .detail = "Failing row contains (2, no).", .schema = "public", .table = "u", .constraint = "u_b_check"),
    OWNER_FAILS("insert into u values (2, 'long')", "ERROR", "22001", "value too long for type character varying(3)"),
    OWNER_UNKNOWN("select 2147483647 + 1", "ERROR", "22003", "integer out of range"),
    { .sql = "select pg_sleep(60)", .columns = { OWNER_TYPED("pg_sleep", 2278, 4, -1) }, .column_count = 1,
      .waits = true, .error = { "ERROR", "57014", "canceling statement due to user request" } },
    OWNER_FAILS("create temp table late as select 1 as a where pg_sleep(61) is null", "ERROR", "57014",
                "canceling statement due to statement timeout"),
    { .sql = "select pg_terminate_backend(pg_backend_pid())", .column_count = 1,
      .columns = { OWNER_TYPED("pg_terminate_backend", 16, 1, -1) }, .rows = { { "t" } }, .row_count = 1,
      .error = { "FATAL", "57P01", "terminating connection due to administrator command" } },
    { .sql = "select '::1'::inet", .columns = { OWNER_TYPED("inet", 869, -1, -1) },
      .column_count = 1, .rows = { { "::1" } }, .row_count = 1 },
    { .sql = "select true, 2::int2", .column_count = 2,
      .columns = { OWNER_TYPED("?column?", 16, 1, -1), OWNER_TYPED("int2", 21, 2, -1) },
      .rows = { { "t", "2" } }, .row_count = 1 },
    { .sql = "select 3::int8, 1.5::float8", .column_count = 2,
      .columns = { OWNER_TYPED("int8", 20, 8, -1), OWNER_TYPED("float8", 701, 8, -1) },
      .rows = { { "3", "1.5" } }, .row_count = 1 },
    { .sql = "select '2020-01-02'::date, '2020-01-02 03:04:05'::timestamp", .column_count = 2,
      .columns = { OWNER_TYPED("date", 1082, 4, -1), OWNER_TYPED("timestamp", 1114, 8, -1) },
      .rows = { { "2020-01-02", "2020-01-02 03:04:05" } }, .row_count = 1 },
    { .sql = "select '{1,2,NULL}'::int4[], '{\"a\":1}'::jsonb", .column_count = 2,
      .columns = { OWNER_TYPED("int4", 1007, -1, -1), OWNER_TYPED("jsonb", 3802, -1, -1) },
      .rows = { { "{1,2,NULL}", "{\"a\": 1}" } }, .row_count = 1 },
};
// clang-format on

static inline const struct owner_answer *owner_find(const char *sql)
{
    for (size_t i = 0; i < sizeof owner_answers / sizeof *owner_answers; i++)
        if (strcmp(owner_answers[i].sql, sql) == 0)
            return &owner_answers[i];
    return NULL;
}

static const struct pg_error owner_unknown = { .sqlstate = "SM001",
                                               .message =
                                                   "the owner does not know this statement" };

/* What a portal's rows need while it lives. */
struct owner_rows {
    const struct owner_answer *answer;
    const struct pg_argument *arguments;
    size_t count;
    struct buf text; /* of an argument in binary */
};

static inline struct pg_cell owner_cell(struct owner_rows *rows,
                                        const struct pg_argument *argument)
{
    const struct pg_type *type = pg_type_of_oid(argument->type);

    if (!argument->data || argument->format == 0 || !type)
        return (struct pg_cell){ argument->data, argument->size };
    buf_clear(&rows->text);
    pg_to_text(type, argument->data, argument->size, &rows->text, NULL);
    return (struct pg_cell){ buf_text(&rows->text), rows->text.size };
}

static inline int owner_row(void *arg, size_t n, struct pg_cell *cells)
{
    struct owner_rows *rows = arg;

    if (n >= rows->answer->row_count)
        return 0;
    for (size_t i = 0; i < rows->answer->column_count; i++) {
        const char *text = rows->answer->rows[n][i];
        size_t argument = text && text[0] == '$' ? (size_t)(text[1] - '1') : SIZE_MAX;

        cells[i] = (struct pg_cell){ text, text ? strlen(text) : 0 };
        if (argument < rows->count)
            cells[i] = owner_cell(rows, &rows->arguments[argument]);
    }
    return 1;
}

static inline void owner_drop(void *arg)
{
    buf_fini(&((struct owner_rows *)arg)->text);
    free(arg);
}

static inline void owner_result(struct pg_server *server, const struct pg_ask *ask,
                                const struct owner_answer *answer)
{
    struct pg_result result = { .tag = answer->tag };
    struct owner_rows *rows;
    struct pg_rows given;

    result.error = answer->error.sqlstate ? &answer->error : NULL;
    result.copy = answer->copy;
    result.copy_columns = answer->copy_columns;
    result.copy_out = answer->copy_out;
    result.copy_size = answer->copy_out ? strlen(answer->copy_out) : 0;
    if (answer->columns[0].name) {
        rows = malloc(sizeof *rows);
        *rows = (struct owner_rows){ answer, ask->arguments, ask->argument_count,
                                     BUF_INIT(1 << 20) };
        given = (struct pg_rows){ answer->columns, answer->column_count, owner_row, rows,
                                  owner_drop };
        result.rows = &given;
    }
    pg_server_result(server, &result);
}

static inline bool owner_execute(struct pg_server *server, const struct pg_ask *ask)
{
    const struct owner_answer *answer = owner_find(ask->statement->sql);

    if (pg_server_automatic(server) == 0)
        return true;
    if (answer && answer->notice.message)
        pg_server_notice(server, &answer->notice);
    if (answer && answer->waits)
        return false;
    if (!answer || answer->unknown)
        pg_server_fail(server, answer ? &answer->error : &owner_unknown);
    else
        owner_result(server, ask, answer);
    return true;
}

static inline void owner_describe(struct pg_server *server, const struct pg_ask *ask)
{
    const struct owner_answer *answer = owner_find(ask->statement->sql);

    if (pg_server_automatic(server) == 0)
        return;
    if (!answer)
        pg_server_fail(server, &owner_unknown);
    else
        pg_server_describe(server, answer->types, answer->type_count,
                           answer->columns[0].name ? answer->columns : NULL,
                           answer->column_count);
}

static inline void owner_parse(struct pg_server *server, const struct pg_ask *ask)
{
    const struct owner_answer *answer = owner_find(ask->statement->sql);

    if (answer && answer->unknown)
        pg_server_fail(server, &answer->error);
    else
        pg_server_done(server);
}

/* A number has to be one: what is no number is found in its line. */
static inline void owner_copied(struct pg_server *server, const struct pg_ask *ask)
{
    const char *wrong = ask->copy_size > 0 ? memchr(ask->copy_data, 'x', ask->copy_size) : NULL;
    struct pg_error error = { .sqlstate = "22P02",
                              .message = "invalid input syntax for type integer: \"x\"" };
    struct pg_result result = { 0 };
    char where[64];
    int line = 1;

    if (wrong && !ask->copy_failed && owner_find(ask->statement->sql)->copy_columns == 1) {
        for (const char *at = ask->copy_data; at < wrong; at++)
            line += *at == '\n';
        snprintf(where, sizeof where, "COPY t, line %d, column a: \"x\"", line);
        error.where = where;
        result.error = &error;
    }
    pg_server_result(server, &result);
}

/* false: the statement waits for its cancel. */
static inline bool owner_answer(struct pg_server *server, const struct pg_ask *ask)
{
    static const struct pg_error no_database = { .sqlstate = "3D000",
                                                 .message =
                                                     "database \"nope\" does not exist" };

    switch (ask->kind) {
    case PG_ASK_START:
        if (strcmp(ask->start->database, "nope") == 0)
            pg_server_fail(server, &no_database);
        else
            pg_server_accept(server);
        break;
    case PG_ASK_PARSE:
        owner_parse(server, ask);
        break;
    case PG_ASK_DESCRIBE:
        owner_describe(server, ask);
        break;
    case PG_ASK_EXECUTE:
        return owner_execute(server, ask);
    case PG_ASK_COPIED:
        owner_copied(server, ask);
        break;
    default:
        pg_server_done(server);
    }
    return true;
}

#endif

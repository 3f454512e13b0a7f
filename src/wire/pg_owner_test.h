/*
 * wire/pg_owner_test.h - for tests and fuzzing: an owner of a session that knows a few statements, with the answers that
 * PostgreSQL 15 gives.
 */
#ifndef WIRE_PG_OWNER_TEST_H
#define WIRE_PG_OWNER_TEST_H

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
    const char *copy_out;
};

#define OWNER_INT(n)                                                                           \
    {                                                                                          \
        .name = (n), .type = 23, .type_size = 4, .modifier = -1                                \
    }
#define OWNER_TEXT(n)                                                                          \
    {                                                                                          \
        .name = (n), .type = 25, .type_size = -1, .modifier = -1                               \
    }
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
    { .sql = "copy t from stdin", .copy = 'G' },
    { .sql = "copy t to stdout", .copy = 'H', .copy_out = "1\tx\n2\ty\n" },
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

static inline void owner_execute(struct pg_server *server, const struct pg_ask *ask)
{
    const struct owner_answer *answer = owner_find(ask->statement->sql);
    struct pg_result result = { 0 };
    struct owner_rows *rows;
    struct pg_rows given;

    if (pg_server_automatic(server) == 0)
        return;
    if (!answer || answer->unknown) {
        pg_server_fail(server, answer ? &answer->error : &owner_unknown);
        return;
    }
    result.tag = answer->tag;
    result.error = answer->error.sqlstate ? &answer->error : NULL;
    result.copy = answer->copy;
    result.copy_columns = 2;
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

static inline void owner_answer(struct pg_server *server, const struct pg_ask *ask)
{
    static const struct pg_error no_database = { .sqlstate = "3D000",
                                                 .message =
                                                     "database \"nope\" does not exist" };
    struct pg_result result = { 0 };

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
        owner_execute(server, ask);
        break;
    case PG_ASK_COPIED:
        pg_server_result(server, &result);
        break;
    default:
        pg_server_done(server);
    }
}

#endif

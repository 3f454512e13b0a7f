/* wire/pg_columns.c - the columns of a rule; see pg_type.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pg_type_parse.h"

enum { COLUMNS_MAX = 1664, FIRST_OID = 16385 }; /* as the server: more do not fit into a row */

/* FNV-1a. */
static uint32_t oid_of_table(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return FIRST_OID + hash % (UINT32_MAX - FIRST_OID);
}

/* The number behind "of users": ".2" is one token. */
static int take_column_number(struct pg_words *words)
{
    const char *at = words->now.at;
    int number = 0;

    if (pg_words_take(words, "."))
        at = words->now.at;
    else if (*at == '.')
        at++;
    else
        return 0;
    if (words->now.kind != PG_TOKEN_NUMBER || words->now.size > 6)
        return 0;
    number = atoi(at);
    pg_words_skip(words);
    return number;
}

static bool is_name(const struct pg_words *words)
{
    return words->now.kind == PG_TOKEN_WORD || words->now.kind == PG_TOKEN_NAME;
}

/* "users.2", "app.users.2": the number is that of the column in the table, from 1. */
static int take_origin(struct pg_words *words, struct pg_column *column, const char **ret_table,
                       struct err *err)
{
    const char *table = is_name(words) ? pg_words_text(words) : NULL;
    struct pg_words behind = *words;

    if (table && pg_words_take(&behind, ".") && is_name(&behind)) {
        table = arena_printf(words->arena, "%s.%s", table, pg_words_text(&behind));
        *words = behind;
    }
    if (table)
        column->number = take_column_number(words);
    if (column->number <= 0)
        return err_set(err, -EINVAL,
                       "behind 'of' of column '%s' there is no TABLE.NUMBER, as in 'users.2'",
                       column->name);
    column->table = oid_of_table(table);
    *ret_table = table;
    return 0;
}

static int take_column(struct pg_words *words, struct pg_columns *to, struct err *err)
{
    struct pg_column *column = &to->at[to->count];
    const struct pg_type *type;
    struct err why;
    int r;

    if (!is_name(words))
        return err_set(err, -EINVAL, "there is no name of a column at '%.*s'",
                       (int)words->now.size, words->now.at);
    *column = (struct pg_column){ .name = pg_words_text(words) };
    if (pg_words_are_over(words) || pg_words_see(words, ","))
        return err_set(err, -EINVAL, "column '%s' has no type", column->name);
    r = pg_type_take(words, &type, &column->modifier, &why);
    if (r < 0)
        return err_set(err, r, "column '%s': %s", column->name, why.text);
    column->type = type->oid;
    column->type_size = type->size;
    to->not_null[to->count] = pg_words_take_all(words, "not null");
    if (pg_words_take(words, "of")) {
        r = take_origin(words, column, &to->table[to->count], err);
        if (r < 0)
            return r;
    }
    to->count++;
    return 0;
}

static size_t count_commas(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == ',';
    return count;
}

int pg_columns_parse(const char *text, struct arena *arena, struct pg_columns *ret,
                     struct err *err)
{
    struct pg_words words = pg_words_of(text, arena);
    size_t room = count_commas(text) + 1;
    struct pg_columns columns = { .at = arena_zero(arena, room * sizeof *columns.at),
                                  .not_null =
                                      arena_zero(arena, room * sizeof *columns.not_null),
                                  .table = arena_zero(arena, room * sizeof *columns.table) };

    do {
        int r = take_column(&words, &columns, err);

        if (r < 0)
            return r;
    } while (pg_words_take(&words, ","));
    if (words.now.kind != PG_TOKEN_END)
        return err_set(err, -EINVAL, "there is '%.*s' behind column '%s'", (int)words.now.size,
                       words.now.at, columns.at[columns.count - 1].name);
    if (columns.count > COLUMNS_MAX)
        return err_set(err, -EINVAL, "target lists can have at most %d entries", COLUMNS_MAX);
    *ret = columns;
    return 0;
}

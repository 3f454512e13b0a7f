/*
 * pgsql.c - any text as SQL: its tokens and its statements cover it, the normal form is one, and nothing that
 * is said of a statement depends on its white space.
 */

#include "wire/pg_sql.h"

#include "wire/pg_lex.h"

#include "fuzz.h"

static void tokens_cover(const char *sql)
{
    const char *at = sql;

    for (struct pg_token token = pg_lex(at); token.kind != PG_TOKEN_END; token = pg_lex(at)) {
        MUST(token.at == at && token.size > 0);
        at += token.size;
    }
    MUST(*at == '\0');
}

static void statements_cover(const char *sql)
{
    for (const char *at = sql; *at;) {
        size_t next, size = pg_sql_first(at, &next);

        MUST(next == size + (at[size] == ';'));
        MUST(next > 0 && size <= strlen(at));
        at += next;
    }
}

static void see_table(void *arg, const char *table, bool writes)
{
    (void)writes;
    *(size_t *)arg += strlen(table);
}

/* A mistake ends the words, so what is behind one may be read in another way. */
static void normal_is_one(const char *sql, struct arena *arena)
{
    const char *normal = pg_sql_normal(sql, arena);
    struct pg_sql a, b;
    int position = 0;

    MUST(strcmp(pg_sql_normal(normal, arena), normal) == 0);
    pg_sql_classify(&a, sql, arena);
    pg_sql_classify(&b, normal, arena);
    if (pg_sql_mistake(sql, arena, &position)) {
        MUST(position > 0);
        return;
    }
    MUST(!pg_sql_mistake(normal, arena, &position));
    MUST(a.kind == b.kind && strcmp(a.command, b.command) == 0);
    MUST(a.parameters == b.parameters && a.returning == b.returning);
}

static void count_names(void *arg, const char *name, const char *cut)
{
    *(size_t *)arg += strlen(name) - strlen(cut);
}

/* What is wrong lies within the text, or is its end. */
static void mistakes_have_a_place(const char *sql, struct arena *arena)
{
    size_t cut = 0;
    int position = 0;

    if (pg_sql_syntax_error(sql, arena, &position))
        MUST(position > 0 && (size_t)position <= strlen(sql) + 1);
    pg_sql_each_long_name(sql, arena, count_names, &cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    char *sql = fuzz_text(data, size < 4096 ? size : 4096);
    size_t sum = 0;

    tokens_cover(sql);
    statements_cover(sql);
    normal_is_one(sql, &arena);
    mistakes_have_a_place(sql, &arena);
    pg_sql_is_several(sql);
    pg_sql_tables(sql, see_table, &sum);
    arena_fini(&arena);
    free(sql);
    return 0;
}

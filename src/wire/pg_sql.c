/* wire/pg_sql.c - where statements end, and what is no sequence of tokens; see pg_sql.h. */

#include "wire/pg_sql.h"

#include <string.h>

#include "wire/pg_lex.h"

enum { HEAD = 4 };

/* A ';' inside parentheses (CREATE RULE) or inside BEGIN ATOMIC ... END of a function ends nothing. Whether a
 * BEGIN is of that kind is told by the statement's first words, as psql does it. */
struct splitter {
    struct pg_token head[HEAD];
    size_t count;
    size_t parentheses;
    size_t blocks;
};

static bool makes_routine(const struct splitter *splitter)
{
    size_t at = 1;

    if (splitter->count < 2 || !pg_token_is(&splitter->head[0], "create"))
        return false;
    if (splitter->count == HEAD && pg_token_is(&splitter->head[1], "or") &&
        pg_token_is(&splitter->head[2], "replace"))
        at = 3;
    return pg_token_is(&splitter->head[at], "function") ||
           pg_token_is(&splitter->head[at], "procedure");
}

static void see_word(struct splitter *splitter, const struct pg_token *token)
{
    if (splitter->count < HEAD)
        splitter->head[splitter->count++] = *token;
    if (splitter->parentheses > 0 || !makes_routine(splitter))
        return;
    if (pg_token_is(token, "begin"))
        splitter->blocks++;
    else if (splitter->blocks > 0 && pg_token_is(token, "case"))
        splitter->blocks++;
    else if (splitter->blocks > 0 && pg_token_is(token, "end"))
        splitter->blocks--;
}

size_t pg_sql_first(const char *sql, size_t *ret_next)
{
    struct splitter splitter = { 0 };
    struct pg_token token = pg_lex(sql);

    for (; token.kind != PG_TOKEN_END; token = pg_lex(token.at + token.size)) {
        if (token.kind == PG_TOKEN_WORD)
            see_word(&splitter, &token);
        if (pg_token_is(&token, "("))
            splitter.parentheses++;
        if (pg_token_is(&token, ")") && splitter.parentheses > 0)
            splitter.parentheses--;
        if (pg_token_is(&token, ";") && splitter.parentheses == 0 && splitter.blocks == 0)
            break;
    }
    *ret_next = (size_t)(token.at - sql) + token.size;
    return (size_t)(token.at - sql);
}

bool pg_sql_is_several(const char *sql)
{
    int count = 0;

    while (*sql && count < 2) {
        size_t next;
        size_t size = pg_sql_first(sql, &next);
        struct pg_token token = pg_lex_word(sql);

        count += token.at < sql + size;
        sql += next;
    }
    return count > 1;
}

int pg_sql_position(const char *text, const char *at)
{
    int position = 1;

    for (; text < at; text++)
        position += (*text & 0xc0) != 0x80;
    return position;
}

static bool may_be_long(const struct pg_token *token)
{
    return token->size > PG_NAME_MAX &&
           (token->kind == PG_TOKEN_WORD || token->kind == PG_TOKEN_NAME);
}

void pg_sql_each_long_name(const char *sql, struct arena *arena,
                           void (*fn)(void *arg, const char *name, const char *cut), void *arg)
{
    struct pg_token token = pg_lex(sql);

    for (; token.kind != PG_TOKEN_END && !token.mistake;
         token = pg_lex(token.at + token.size)) {
        const char *name, *cut;

        if (!may_be_long(&token))
            continue;
        name = pg_token_whole_text(&token, arena);
        cut = pg_token_text(&token, arena);
        if (strlen(name) > strlen(cut))
            fn(arg, name, cut);
    }
}

const char *pg_sql_mistake(const char *sql, struct arena *arena, int *ret_position)
{
    return pg_sql_scan(sql, arena, ret_position, &(bool){ false });
}

const char *pg_sql_scan(const char *sql, struct arena *arena, int *ret_position,
                        bool *ret_has_long_names)
{
    struct pg_token token = pg_lex(sql);

    while (token.kind != PG_TOKEN_END && !token.mistake) {
        *ret_has_long_names |= may_be_long(&token);
        token = pg_lex(token.at + token.size);
    }
    if (!token.mistake)
        return NULL;
    *ret_position = pg_sql_position(sql, token.at);
    return arena_printf(arena, "%s at or near \"%.*s\"", token.mistake, (int)token.size,
                        token.at);
}

/* pg/error_place.c - where a statement has the name that an error is about; see error_words.h. */

#include <string.h>
#include <strings.h>

#include "pg/error_words.h"
#include "wire/pg_lex.h"

/* Behind bytes of UTF-8. */
static int characters(const char *from, const char *to)
{
    int count = 0;

    for (; from < to; from++)
        count += ((unsigned char)*from & 0xc0) != 0x80;
    return count;
}

static bool is_any(const struct pg_token *token, const char *const words[])
{
    for (size_t i = 0; words[i]; i++)
        if (pg_token_is(token, words[i]))
            return true;
    return false;
}

static bool is_name(const struct pg_token *token)
{
    return token->kind == PG_TOKEN_WORD || token->kind == PG_TOKEN_NAME;
}

/* A token and what is around it. */
struct place {
    struct pg_token token, next;
    struct pg_token before; /* what is before the whole name */
    struct pg_token qualifier; /* size 0: none */
    const char *begin; /* of the whole name */
};

static bool is_equal(const struct pg_token *token, const char *text, struct arena *arena)
{
    return strcmp(pg_token_text(token, arena), text) == 0;
}

static bool is_meant(const struct place *place, enum error_name kind)
{
    static const char *const tables[] = { "from", "join",  "into",  "update", "only",
                                          ",",    "table", "using", NULL };

    switch (kind) {
    case ERROR_TABLE:
        return is_any(&place->before, tables) && !pg_token_is(&place->next, ".");
    case ERROR_COLUMN:
        return !pg_token_is(&place->next, "(") && !pg_token_is(&place->next, ".");
    case ERROR_FUNCTION:
        return pg_token_is(&place->next, "(");
    case ERROR_TYPE:
        return !pg_token_is(&place->next, ".");
    case ERROR_TOKEN:
    case ERROR_STRING:
    default:
        return true;
    }
}

static bool is_found(const struct place *place, enum error_name kind, const char *name,
                     struct arena *arena)
{
    const struct pg_token *token = &place->token;

    if (kind == ERROR_TOKEN)
        return token->size == strlen(name) && memcmp(token->at, name, token->size) == 0;
    if (kind == ERROR_STRING)
        return token->kind == PG_TOKEN_STRING && is_equal(token, name, arena);
    return is_name(token) && is_equal(token, name, arena) && is_meant(place, kind);
}

/* To the token behind, which may be a further part of a name. */
static void step(struct place *place)
{
    struct pg_token last = place->token;

    place->token = place->next;
    place->next = pg_lex_word(place->token.at + place->token.size);
    if (pg_token_is(&last, ".") && place->qualifier.size > 0)
        return; /* the second part of a name */
    if (pg_token_is(&place->token, ".") && is_name(&last)) {
        place->qualifier = last;
        return;
    }
    place->before = last;
    place->begin = place->token.at;
    place->qualifier = (struct pg_token){ .at = last.at };
}

int error_position(const char *sql, enum error_name kind, const char *name, struct arena *arena,
                   const char **ret_qualifier)
{
    struct place place = { .next = pg_lex_word(sql) };

    *ret_qualifier = NULL;
    place.token.at = sql;
    for (step(&place); place.token.size > 0; step(&place)) {
        if (!is_found(&place, kind, name, arena))
            continue;
        if (place.qualifier.size > 0)
            *ret_qualifier = pg_token_text(&place.qualifier, arena);
        return characters(sql, place.begin) + 1;
    }
    return 0;
}

static bool is_in_list(const char *at, const char *column, struct arena *arena)
{
    struct pg_token token = pg_lex_word(at);

    for (; token.size > 0 && !pg_token_is(&token, ")");
         token = pg_lex_word(token.at + token.size))
        if (is_name(&token) && is_equal(&token, column, arena))
            return true;
    return false;
}

static bool is_set(const char *at, const char *column, struct arena *arena)
{
    static const char *const ends[] = { "from", "where", "returning", NULL };
    struct pg_token token = pg_lex_word(at);
    bool begins = true; /* an assignment */

    for (; token.size > 0 && !is_any(&token, ends);
         token = pg_lex_word(token.at + token.size)) {
        if (begins && is_name(&token) && is_equal(&token, column, arena))
            return true;
        begins = pg_token_is(&token, ",") || pg_token_is(&token, "(");
    }
    return false;
}

bool error_is_target(const char *sql, const char *column, struct arena *arena)
{
    struct pg_token token = pg_lex_word(sql);
    bool inserts = pg_token_is(&token, "insert");
    bool updates = pg_token_is(&token, "update");

    for (; token.size > 0 && (inserts || updates); token = pg_lex_word(token.at + token.size)) {
        if (inserts && pg_token_is(&token, "("))
            return is_in_list(token.at + token.size, column, arena);
        if (updates && pg_token_is(&token, "set"))
            return is_set(token.at + token.size, column, arena);
        if (pg_token_is(&token, "values") || pg_token_is(&token, "select"))
            return false;
    }
    return false;
}

struct written {
    struct arena *arena;
    const char *table;
    bool has_several;
};

static void take_table(void *arg, const char *table, bool writes)
{
    struct written *written = arg;

    if (!writes)
        return;
    written->has_several |= written->table && strcmp(written->table, table) != 0;
    written->table = arena_dup(written->arena, table);
}

const char *error_written_table(const char *sql, struct arena *arena)
{
    struct written written = { .arena = arena };

    pg_sql_tables(sql, take_table, &written);
    return written.has_several ? NULL : written.table;
}

const char *error_next_string(const char **at, struct arena *arena)
{
    struct pg_token token = pg_lex_word(*at);

    while (token.size > 0 && token.kind != PG_TOKEN_STRING)
        token = pg_lex_word(token.at + token.size);
    *at = token.at + token.size;
    return token.size > 0 ? pg_token_text(&token, arena) : NULL;
}

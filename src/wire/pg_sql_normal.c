/* wire/pg_sql_normal.c - the form in which statements are compared; see pg_sql.h. */

#include <string.h>

#include "wire/pg_lex.h"
#include "wire/pg_sql.h"

static bool is_dot(const struct pg_token *token)
{
    return token->kind == PG_TOKEN_MARK && *token->at == '.';
}

static bool is_colon(const struct pg_token *token)
{
    return token->kind == PG_TOKEN_MARK && *token->at == ':';
}

/* Between marks and what stands beside them there is none, but where the two would become another token: 1 . 5,
 * : :, := and the like. */
static bool needs_blank(const struct pg_token *left, const struct pg_token *right)
{
    if (left->kind == PG_TOKEN_END)
        return false;
    if (left->kind != PG_TOKEN_MARK && right->kind != PG_TOKEN_MARK)
        return true;
    if (is_dot(left))
        return is_dot(right) || right->kind == PG_TOKEN_NUMBER;
    if (is_colon(left))
        return is_colon(right) || right->kind == PG_TOKEN_OPERATOR;
    return is_dot(right) && left->kind == PG_TOKEN_NUMBER;
}

static char *put_token(char *to, const struct pg_token *token)
{
    bool folds = token->kind == PG_TOKEN_WORD || token->kind == PG_TOKEN_NUMBER;

    for (size_t i = 0; i < token->size; i++) {
        char c = token->at[i];

        *to++ = folds && c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
    }
    return to;
}

/* At most one blank more for each token, and a token has at least one letter. */
const char *pg_sql_normal(const char *sql, struct arena *arena)
{
    char *text = arena_zero(arena, 2 * strlen(sql) + 1), *to = text, *end = text;
    struct pg_token before = { .kind = PG_TOKEN_END };
    struct pg_token token = pg_lex_word(sql);

    for (; token.kind != PG_TOKEN_END; token = pg_lex_word(token.at + token.size)) {
        if (needs_blank(&before, &token))
            *to++ = ' ';
        to = put_token(to, &token);
        before = token;
        if (!pg_token_is(&token, ";"))
            end = to;
    }
    *end = '\0';
    return text;
}

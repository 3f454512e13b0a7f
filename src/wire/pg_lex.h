/*
 * wire/pg_lex.h - a text cut into the tokens that PostgreSQL 15's scanner sees. Inner to pg_sql*.c and pg_columns.c.
 *
 * Tokens lie side by side and cover the text: white space and comments are tokens too. What the server would
 * refuse is a token with `mistake` set; the next one begins behind it.
 *
 * Threads: any; a lexer is a value of its owner's.
 */
#ifndef WIRE_PG_LEX_H
#define WIRE_PG_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum { PG_NAME_MAX = 63 /* bytes */ };

enum pg_token_kind {
    PG_TOKEN_END,
    PG_TOKEN_SPACE,
    PG_TOKEN_COMMENT,
    PG_TOKEN_WORD, /* a key word or a name without quotes */
    PG_TOKEN_NAME, /* "...", U&"..." */
    PG_TOKEN_STRING, /* '...', E'...', B, X, N, U&, $tag$...$tag$; what continues it on the next line too */
    PG_TOKEN_NUMBER,
    PG_TOKEN_PARAMETER, /* $1 */
    PG_TOKEN_OPERATOR,
    PG_TOKEN_MARK, /* ( ) [ ] , ; . .. : :: := */
    PG_TOKEN_OTHER /* a character that begins nothing */
};

struct pg_token {
    enum pg_token_kind kind;
    const char *at;
    size_t size;
    const char *mistake; /* the server's words; NULL: none */
};

/* The token at `at`; its size is 0 at the end of the text only. */
struct pg_token pg_lex(const char *at);

/* The first one that is neither space nor comment. */
struct pg_token pg_lex_word(const char *at);

/* A word, in any case, or a mark. */
bool pg_token_is(const struct pg_token *token, const char *text);

/* What a token says: a word folded to lower case and cut to 63 bytes, a name or a string without its quotes and
 * escapes, any other as it is. In the arena. */
char *pg_token_text(const struct pg_token *token, struct arena *arena);

/* The same without the cut. */
char *pg_token_whole_text(const struct pg_token *token, struct arena *arena);

#endif

/* wire/pg_words.h - going through a statement word by word; inner to pg_sql_*.c. */
#ifndef WIRE_PG_WORDS_H
#define WIRE_PG_WORDS_H

#include "wire/pg_lex.h"

/* The token that is next; END at the end of the text, and at the ';' that ends the statement. */
struct pg_words {
    struct pg_token now;
    struct arena *arena;
};

struct pg_words pg_words_of(const char *sql, struct arena *arena);
void pg_words_skip(struct pg_words *words);
bool pg_words_are_over(const struct pg_words *words);

/* Whether the next word, or mark, is this one; `take` also goes behind it. */
bool pg_words_see(const struct pg_words *words, const char *text);
bool pg_words_take(struct pg_words *words, const char *text);

/* The same for several, with blanks between: "on conflict". */
bool pg_words_take_all(struct pg_words *words, const char *texts);

/* The next token as a name or a value, as pg_token_text has it; NULL at the end. */
const char *pg_words_text(struct pg_words *words);

/* Behind the ')' that belongs to the '(' which is next. Returns what is between, in the arena. */
const char *pg_words_parentheses(struct pg_words *words);

#endif

/* wire/pg_words.c - going through a statement word by word; see pg_words.h. */

#include "wire/pg_words.h"

#include <string.h>

enum { WORD_MAX = 64 };

struct pg_words pg_words_of(const char *sql, struct arena *arena)
{
    return (struct pg_words){ .now = pg_lex_word(sql), .arena = arena };
}

void pg_words_skip(struct pg_words *words)
{
    if (!pg_words_are_over(words))
        words->now = pg_lex_word(words->now.at + words->now.size);
}

bool pg_words_are_over(const struct pg_words *words)
{
    return words->now.kind == PG_TOKEN_END || pg_token_is(&words->now, ";");
}

bool pg_words_see(const struct pg_words *words, const char *text)
{
    return pg_token_is(&words->now, text);
}

bool pg_words_take(struct pg_words *words, const char *text)
{
    if (!pg_words_see(words, text))
        return false;
    pg_words_skip(words);
    return true;
}

bool pg_words_take_all(struct pg_words *words, const char *texts)
{
    struct pg_words at = *words;

    while (*texts) {
        char word[WORD_MAX] = "";
        size_t size = strcspn(texts, " ");

        memcpy(word, texts, size < sizeof word ? size : sizeof word - 1);
        if (!pg_words_take(&at, word))
            return false;
        texts += size + (texts[size] == ' ');
    }
    *words = at;
    return true;
}

const char *pg_words_text(struct pg_words *words)
{
    const char *text;

    if (pg_words_are_over(words))
        return NULL;
    text = pg_token_text(&words->now, words->arena);
    pg_words_skip(words);
    return text;
}

const char *pg_words_parentheses(struct pg_words *words)
{
    const char *begin = words->now.at + 1;
    const char *end = begin;
    size_t depth = 0;

    do {
        end = words->now.at;
        if (pg_words_see(words, "("))
            depth++;
        else if (pg_words_see(words, ")"))
            depth--;
        words->now = pg_lex_word(words->now.at + words->now.size);
    } while (depth > 0 && words->now.kind != PG_TOKEN_END);
    if (depth > 0)
        end = words->now.at;
    return arena_copy(words->arena, begin, end > begin ? (size_t)(end - begin) : 0);
}

/* pg/secret.c - secrets in statements; see secret.h. */

#include "pg/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "test/mask.h"

enum { COLUMNS_MAX = 100, TEXT_MAX = 64 << 20 };

enum place { BEFORE_LIST, IN_COLUMNS, BEHIND_COLUMNS, IN_VALUES };

/* A walk over a statement, from value to value. */
struct walk {
    const char *at;
    bool inserts;
    bool named; /* the word in front is the name of a secret */
    enum place place;
    int depth; /* of parentheses */
    int index; /* in the list */
    bool secret[COLUMNS_MAX]; /* the columns of the INSERT */
};

static bool is_word_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(const char *at, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(at, word, size) == 0;
}

static void take_word(struct walk *walk, const char *word, size_t size)
{
    walk->named = mask_is_secret(word, size);
    if (walk->place == IN_COLUMNS && walk->named && walk->index < COLUMNS_MAX)
        walk->secret[walk->index] = true;
    walk->inserts = walk->inserts || is_word(word, size, "insert");
    if (is_word(word, size, "values")) {
        walk->place = IN_VALUES;
        walk->depth = 0;
    }
}

static void take_sign(struct walk *walk, char c)
{
    if (c == '(' && walk->inserts && walk->place == BEFORE_LIST)
        walk->place = IN_COLUMNS;
    else if (c == ')' && walk->place == IN_COLUMNS)
        walk->place = BEHIND_COLUMNS;
    if (c == '(' && walk->depth++ == 0)
        walk->index = 0;
    walk->depth -= c == ')';
    walk->index += c == ',' && walk->depth == 1;
    if (c != '=' && !isspace((unsigned char)c))
        walk->named = false;
}

static bool value_is_secret(struct walk *walk)
{
    bool listed = walk->place == IN_VALUES && walk->depth == 1 && walk->index < COLUMNS_MAX &&
                  walk->secret[walk->index];
    bool secret = walk->named || listed;

    walk->named = false;
    return secret;
}

static size_t quoted_size(const char *at, char quote)
{
    size_t size = 1;

    while (at[size] && (at[size] != quote || at[size + 1] == quote))
        size += at[size] == quote ? 2 : 1;
    return size + (at[size] == quote);
}

/* Go on to the next value: a literal or a parameter. NULL at the end. */
static const char *next_value(struct walk *walk, size_t *ret_size, bool *ret_secret)
{
    while (*walk->at) {
        const char *at = walk->at;
        size_t size = 1;

        if (*at == '\'' || (*at == '$' && isdigit((unsigned char)at[1]))) {
            size = *at == '\'' ? quoted_size(at, '\'') : 1 + strspn(at + 1, "0123456789");
            walk->at += size;
            *ret_size = size;
            *ret_secret = value_is_secret(walk);
            return at;
        }
        if (*at == '"') {
            size = quoted_size(at, '"');
            take_word(walk, at + 1, size > 2 ? size - 2 : 0);
        } else if (is_word_character(*at)) {
            while (is_word_character(at[size]))
                size++;
            take_word(walk, at, size);
        } else {
            take_sign(walk, *at);
        }
        walk->at += size;
    }
    return NULL;
}

void pg_secret_mask(struct buf *to, const char *sql)
{
    struct walk walk = { .at = sql };
    const char *shown = sql, *value;
    size_t size;
    bool secret;

    while ((value = next_value(&walk, &size, &secret))) {
        if (!secret || *value != '\'')
            continue;
        buf_add(to, shown, (size_t)(value - shown));
        buf_add_text(to, "'***'");
        shown = value + size;
    }
    buf_add_text(to, shown);
}

const char *pg_secret_masked(const char *sql, struct arena *arena)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    const char *copy;

    pg_secret_mask(&text, sql);
    copy = arena_dup(arena, buf_text(&text));
    buf_fini(&text);
    return copy;
}

bool pg_secret_parameter(const char *sql, int n)
{
    struct walk walk = { .at = sql ? sql : "" };
    const char *value;
    size_t size;
    bool secret;

    while ((value = next_value(&walk, &size, &secret)))
        if (secret && *value == '$' && atoi(value + 1) == n)
            return true;
    return false;
}

void pg_secret_parameters(struct buf *to, const char *sql)
{
    struct walk walk = { .at = sql };
    const char *value;
    size_t size;
    bool secret;

    while ((value = next_value(&walk, &size, &secret))) {
        int number = secret && *value == '$' ? atoi(value + 1) : 0;

        if (number > 0)
            buf_add(to, &number, sizeof number);
    }
}

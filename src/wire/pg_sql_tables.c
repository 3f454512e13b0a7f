/* wire/pg_sql_tables.c - the tables that a statement names, as far as its words tell; see pg_sql.h. */

#include <string.h>

#include "base/arena.h"
#include "wire/pg_sql.h"
#include "wire/pg_words.h"

enum { NESTING_MAX = 64 };

struct finder {
    struct pg_words words;
    void (*fn)(void *arg, const char *table, bool writes);
    void *arg;
    struct pg_token before; /* the word before the one that is looked at */
    const char *common[NESTING_MAX]; /* names that WITH gave */
    size_t common_count;
    bool in_call
        [NESTING_MAX]; /* for each parenthesis: FROM in it belongs to a function, as in extract() */
    size_t depth;
    bool defines; /* CREATE, where USING and ON are about something else */
    bool writes; /* FROM and USING belong to DELETE, TABLE to what changes one */
};

static bool is_common(const struct finder *finder, const char *name)
{
    for (size_t i = 0; i < finder->common_count; i++)
        if (strcmp(finder->common[i], name) == 0)
            return true;
    return false;
}

/* A name, perhaps with its schema; NULL when there is none, or when it is that of a function. */
static const char *take_table(struct finder *finder, bool may_have_columns)
{
    struct pg_words *words = &finder->words;
    const char *name;
    bool qualified = false;

    if (words->now.kind != PG_TOKEN_WORD && words->now.kind != PG_TOKEN_NAME)
        return NULL;
    name = pg_words_text(words);
    while (pg_words_take(words, ".")) {
        if (words->now.kind != PG_TOKEN_WORD && words->now.kind != PG_TOKEN_NAME)
            break;
        name = arena_printf(words->arena, "%s.%s", name, pg_words_text(words));
        qualified = true;
    }
    if (pg_words_see(words, "(") && !may_have_columns)
        return NULL;
    return qualified || !is_common(finder, name) ? name : NULL;
}

/* Behind "t", "t *", "t AS a (b, c)": whether a comma goes on with another table. */
static bool take_comma(struct finder *finder)
{
    struct pg_words *words = &finder->words;
    struct pg_words before;

    if (words->now.kind == PG_TOKEN_OPERATOR && *words->now.at == '*')
        pg_words_skip(words);
    if (pg_words_take(words, ","))
        return true;
    before = *words;
    pg_words_take(words, "as");
    if (words->now.kind == PG_TOKEN_WORD || words->now.kind == PG_TOKEN_NAME) {
        pg_words_skip(words);
        if (pg_words_see(words, "("))
            pg_words_parentheses(words);
        if (pg_words_take(words, ","))
            return true;
    }
    *words = before;
    return false;
}

static void take_tables(struct finder *finder, bool writes, bool may_have_columns)
{
    struct pg_words *words = &finder->words;

    do {
        const char *name;

        while (pg_words_take(words, "only") || pg_words_take(words, "lateral") ||
               pg_words_take_all(words, "if exists") ||
               pg_words_take_all(words, "if not exists"))
            ;
        name = take_table(finder, may_have_columns);
        if (name)
            finder->fn(finder->arg, name, writes);
    } while (take_comma(finder));
}

static bool is_before(const struct finder *finder, const char *words)
{
    while (*words) {
        size_t size = strcspn(words, " ");
        char word[16] = "";

        memcpy(word, words, size);
        if (pg_token_is(&finder->before, word))
            return true;
        words += size + (words[size] == ' ');
    }
    return false;
}

/* WITH [RECURSIVE] name [(columns)] AS (: the name is no table. Also the next ones, behind a comma. */
static void take_common(struct finder *finder)
{
    struct pg_words words = finder->words;
    const char *name = pg_words_text(&words);

    if (!name || finder->common_count == NESTING_MAX)
        return;
    if (pg_words_see(&words, "("))
        pg_words_parentheses(&words);
    if (!pg_words_take(&words, "as"))
        return;
    pg_words_take(&words, "not");
    pg_words_take(&words, "materialized");
    if (pg_words_see(&words, "("))
        finder->common[finder->common_count++] = name;
}

static void open_parenthesis(struct finder *finder)
{
    if (finder->depth < NESTING_MAX)
        finder->in_call[finder->depth] =
            is_before(finder, "extract substring trim overlay position");
    finder->depth++;
}

static bool is_in_call(const struct finder *finder)
{
    return finder->depth > 0 && finder->depth <= NESTING_MAX &&
           finder->in_call[finder->depth - 1];
}

/* Look at one word, and go behind it and what belongs to it. */
static void look(struct finder *finder)
{
    struct pg_words *words = &finder->words;
    struct pg_token word = words->now;

    pg_words_skip(words);
    if (pg_token_is(&word, "("))
        open_parenthesis(finder);
    else if (pg_token_is(&word, ")") && finder->depth > 0)
        finder->depth--;
    else if (pg_token_is(&word, "with") || pg_token_is(&word, "recursive") ||
             pg_token_is(&word, ","))
        take_common(finder);
    else if (pg_token_is(&word, "from") && !is_in_call(finder) &&
             !is_before(finder, "distinct"))
        take_tables(finder, is_before(finder, "delete"), false);
    else if (pg_token_is(&word, "join"))
        take_tables(finder, false, false);
    else if (pg_token_is(&word, "using") && !finder->defines)
        take_tables(finder, false, false);
    else if (pg_token_is(&word, "into"))
        take_tables(finder, true, true);
    else if (pg_token_is(&word, "update") &&
             !is_before(finder, "for key do on before after or of"))
        take_tables(finder, true, false);
    else if (pg_token_is(&word, "table") && !is_before(finder, "of"))
        take_tables(finder, finder->writes, true);
    finder->before = word;
}

/* TRUNCATE and LOCK may leave out the word TABLE, COPY has none. */
static void begin(struct finder *finder)
{
    struct pg_words *words = &finder->words;

    finder->defines = pg_words_see(words, "create") || pg_words_see(words, "alter");
    finder->writes = finder->defines || pg_words_see(words, "drop");
    if (pg_words_take(words, "truncate")) {
        pg_words_take(words, "table");
        take_tables(finder, true, false);
    } else if (pg_words_take(words, "lock")) {
        pg_words_take(words, "table");
        take_tables(finder, false, false);
    } else if (pg_words_take(words, "copy") && !pg_words_see(words, "(")) {
        struct pg_words behind;
        const char *name = take_table(finder, true);

        if (pg_words_see(words, "("))
            pg_words_parentheses(words);
        behind = *words;
        if (name)
            finder->fn(finder->arg, name, pg_words_take(&behind, "from"));
        while (!pg_words_are_over(words))
            pg_words_skip(words);
    }
}

void pg_sql_tables(const char *sql, void (*fn)(void *arg, const char *table, bool writes),
                   void *arg)
{
    struct arena arena = { 0 };
    struct finder finder = { .words = pg_words_of(sql, &arena), .fn = fn, .arg = arg };

    begin(&finder);
    while (!pg_words_are_over(&finder.words))
        look(&finder);
    arena_fini(&arena);
}

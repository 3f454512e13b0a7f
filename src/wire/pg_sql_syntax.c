/*
 * wire/pg_sql_syntax.c - the grammar of those statements that a session answers by itself; see pg_sql.h.
 *
 * A rule is words, and between them: [optional], (one|of|several), {any number}, and in capitals what stands for
 * more than one word: see `terminals`. Alternatives are tried in order, and the first one that fits is taken.
 */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_sql.h"
#include "wire/pg_words.h"

enum { WORD_MAX = 32 };

static const struct {
    const char *word, *rule;
} statements[] = {
    { "begin", "[work|transaction] [MODES]" },
    { "start", "transaction [MODES]" },
    { "commit", "(prepared STRING | [work|transaction] [and [no] chain])" },
    { "end", "[work|transaction] [and [no] chain]" },
    { "rollback",
      "(prepared STRING | [work|transaction] (to (savepoint NAME | NAME) | [and [no] "
      "chain]))" },
    { "abort", "[work|transaction] [and [no] chain]" },
    { "savepoint", "NAME" },
    { "release", "(savepoint NAME | NAME)" },
    { "prepare", "(transaction STRING | NAME [LIST] as "
                 "(select|insert|update|delete|merge|values|with|table|OPEN) [REST])" },
    { "execute", "NAME [LIST]" },
    { "deallocate", "(all | prepare all | prepare NAME | NAME)" },
    { "discard", "(all|temp|temporary|plans|sequences)" },
    { "listen", "NAME" },
    { "unlisten", "(* | NAME)" },
    { "notify", "NAME [, STRING]" },
    { "show", "(all | time zone | transaction isolation level | session authorization | VAR)" },
    { "reset",
      "(all | time zone | transaction isolation level | session authorization | VAR)" },
    { "set", "(constraints REST | session characteristics as transaction MODES |"
             " session SETTING | local SETTING | SETTING)" },
};

struct match {
    struct pg_words words;
    struct pg_token furthest; /* that nothing went on with */
};

static bool alternatives(struct match *match, const char **rule);

static bool by_rule(struct match *match, const char *rule)
{
    return alternatives(match, &rule);
}

/* ---- terminals */

/* Key words that are no name: those that no column may have; in front of them those that may be a value of SET. */
static const char *const no_names[] = {
    "authorization", "binary", "collation", "concurrently", "cross",   "current_schema",
    "freeze",        "full",   "ilike",     "inner",        "is",      "isnull",
    "join",          "left",   "like",      "natural",      "notnull", "outer",
    "overlaps",      "right",  "similar",   "tablesample",  "verbose",
};
static const char *const reserved[] = {
    "all",          "analyse",
    "analyze",      "and",
    "any",          "array",
    "as",           "asc",
    "asymmetric",   "both",
    "case",         "cast",
    "check",        "collate",
    "column",       "constraint",
    "create",       "current_catalog",
    "current_date", "current_role",
    "current_time", "current_timestamp",
    "current_user", "default",
    "deferrable",   "desc",
    "distinct",     "do",
    "else",         "end",
    "except",       "false",
    "fetch",        "for",
    "foreign",      "from",
    "grant",        "group",
    "having",       "in",
    "initially",    "intersect",
    "into",         "lateral",
    "leading",      "limit",
    "localtime",    "localtimestamp",
    "not",          "null",
    "offset",       "on",
    "only",         "or",
    "order",        "placing",
    "primary",      "references",
    "returning",    "select",
    "session_user", "some",
    "symmetric",    "table",
    "then",         "to",
    "trailing",     "true",
    "union",        "unique",
    "user",         "using",
    "variadic",     "when",
    "where",        "window",
    "with",
};

static bool is_among(const struct pg_token *token, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pg_token_is(token, words[i]))
            return true;
    return false;
}

static bool take_if(struct match *match, bool fits)
{
    if (fits && !pg_words_are_over(&match->words)) {
        pg_words_skip(&match->words);
        return true;
    }
    if (match->words.now.at > match->furthest.at)
        match->furthest = match->words.now;
    return false;
}

static bool take_word(struct match *match)
{
    const struct pg_token *now = &match->words.now;

    return take_if(match, now->kind == PG_TOKEN_NAME ||
                              (now->kind == PG_TOKEN_WORD &&
                               !is_among(now, reserved, sizeof reserved / sizeof *reserved)));
}

static bool take_name(struct match *match)
{
    if (is_among(&match->words.now, no_names, sizeof no_names / sizeof *no_names))
        return take_if(match, false);
    return take_word(match);
}

static bool take_string(struct match *match)
{
    return take_if(match, match->words.now.kind == PG_TOKEN_STRING);
}

static bool take_number(struct match *match)
{
    return take_if(match, match->words.now.kind == PG_TOKEN_NUMBER);
}

static bool take_open(struct match *match)
{
    return take_if(match, pg_words_see(&match->words, "("));
}

/* Something in parentheses. */
static bool take_list(struct match *match)
{
    size_t depth = 1;

    if (!take_open(match) || pg_words_see(&match->words, ")"))
        return take_if(match, false);
    while (depth > 0) {
        depth += pg_words_see(&match->words, "(");
        depth -= pg_words_see(&match->words, ")");
        if (!take_if(match, true))
            return false;
    }
    return true;
}

static bool take_rest(struct match *match)
{
    if (!take_if(match, true))
        return false;
    while (!pg_words_are_over(&match->words))
        pg_words_skip(&match->words);
    return true;
}

static bool take_modes(struct match *match)
{
    return by_rule(match, "MODE {[,] MODE}");
}

static bool take_mode(struct match *match)
{
    return by_rule(match, "(isolation level (read (committed|uncommitted) | repeatable read | "
                          "serializable) | read (only|write) | [not] deferrable)");
}

static bool take_variable(struct match *match)
{
    return by_rule(match, "NAME {. NAME}");
}

static bool take_value(struct match *match)
{
    return by_rule(match, "(STRING | NUMBER | + NUMBER | - NUMBER | true | false | on | WORD)");
}

static bool take_setting(struct match *match)
{
    return by_rule(
        match, "(transaction snapshot STRING | transaction MODES |"
               " time zone (default | STRING | interval REST | NUMBER | + NUMBER | - NUMBER | "
               "WORD) |"
               " VAR (to|=) (default | VALUE {, VALUE}) | VAR from current |"
               " session authorization (default | STRING | WORD) |"
               " catalog STRING | schema STRING | role (STRING | WORD) |"
               " xml option (document|content) | names [default | STRING])");
}

static const struct {
    const char *name;
    bool (*take)(struct match *match);
} terminals[] = {
    { "NAME", take_name },     { "WORD", take_word },   { "STRING", take_string },
    { "NUMBER", take_number }, { "OPEN", take_open },   { "LIST", take_list },
    { "REST", take_rest },     { "MODES", take_modes }, { "MODE", take_mode },
    { "VAR", take_variable },  { "VALUE", take_value }, { "SETTING", take_setting },
};

static bool take_terminal(struct match *match, const char *name)
{
    size_t i = 0;

    while (strcmp(terminals[i].name, name) != 0)
        i++;
    return terminals[i].take(match);
}

/* ---- rules */

static bool is_literal(const struct pg_token *token, const char *text)
{
    return (token->kind == PG_TOKEN_WORD || token->kind == PG_TOKEN_MARK ||
            token->kind == PG_TOKEN_OPERATOR) &&
           token->size == strlen(text) && strncasecmp(token->at, text, token->size) == 0;
}

static bool element(struct match *match, const char **rule)
{
    char word[WORD_MAX];
    size_t size = strcspn(*rule, " ()[]{}|");

    memcpy(word, *rule, size);
    word[size] = '\0';
    *rule += size;
    return *word >= 'A' && *word <= 'Z' ? take_terminal(match, word)
                                        : take_if(match, is_literal(&match->words.now, word));
}

static bool optional(struct match *match, const char **rule)
{
    struct pg_words before = match->words;

    if (!alternatives(match, rule))
        match->words = before;
    return true;
}

static bool repeated(struct match *match, const char **rule)
{
    const char *begin = *rule;
    struct pg_words before;

    do {
        before = match->words;
        *rule = begin;
    } while (alternatives(match, rule));
    match->words = before;
    return true;
}

/* To the '|' or the bracket that ends the alternative. */
static void skip(const char **rule)
{
    size_t depth = 0;

    for (; **rule; ++*rule) {
        if (strchr("([{", **rule))
            depth++;
        else if (depth == 0 && strchr("|)]}", **rule))
            return;
        else if (strchr(")]}", **rule))
            depth--;
    }
}

static bool sequence(struct match *match, const char **rule)
{
    bool fits = true;

    while (fits) {
        char c = **rule;

        if (!c || strchr("|)]}", c))
            return true;
        if (!strchr(" ([{", c)) {
            fits = element(match, rule);
            continue;
        }
        ++*rule;
        if (c == ' ')
            continue;
        fits = c == '('   ? alternatives(match, rule)
               : c == '[' ? optional(match, rule)
                          : repeated(match, rule);
        ++*rule;
    }
    skip(rule);
    return false;
}

/* *rule is at its closing bracket behind it, whether one fits or none. */
static bool alternatives(struct match *match, const char **rule)
{
    struct pg_words before = match->words;
    bool fits = false;

    for (;; ++*rule) {
        if (fits)
            skip(rule);
        else {
            match->words = before;
            fits = sequence(match, rule);
        }
        if (**rule != '|')
            return fits;
    }
}

/* ---- statements */

static const char *rule_of(const struct pg_token *token)
{
    for (size_t i = 0;
         token->kind == PG_TOKEN_WORD && i < sizeof statements / sizeof *statements; i++)
        if (pg_token_is(token, statements[i].word))
            return statements[i].rule;
    return NULL;
}

/* false: *ret is the token that does not fit. */
static bool statement_fits(const char *sql, struct pg_token *ret)
{
    struct match match = { .words = pg_words_of(sql, NULL) };
    const char *rule = rule_of(&match.words.now);

    if (!rule)
        return true;
    pg_words_skip(&match.words);
    match.furthest = match.words.now;
    if (by_rule(&match, rule)) {
        if (pg_words_are_over(&match.words))
            return true;
        take_if(&match, false);
    }
    *ret = match.furthest;
    return false;
}

const char *pg_sql_syntax_error(const char *sql, struct arena *arena, int *ret_position)
{
    struct pg_token wrong;
    size_t next;

    for (const char *at = sql; *at; at += next) {
        next = strlen(at);
        if (!statement_fits(at, &wrong)) {
            *ret_position = pg_sql_position(sql, wrong.at);
            return wrong.kind == PG_TOKEN_END
                       ? "syntax error at end of input"
                       : arena_printf(arena, "syntax error at or near \"%.*s\"",
                                      (int)wrong.size, wrong.at);
        }
        if (memchr(at, ';', next))
            pg_sql_first(at, &next);
    }
    return NULL;
}

/* wire/pg_sql_command.c - the command of a statement's tag, by its first words; see pg_sql.h. */

#include "wire/pg_sql_command.h"

#include <string.h>

/* What CREATE, ALTER and DROP are about; longer ones before those that they begin with. */
static const struct {
    const char *words, *tag; /* NULL: the words in capitals */
} objects[] = {
    { "access method", NULL },
    { "aggregate", NULL },
    { "cast", NULL },
    { "collation", NULL },
    { "conversion", NULL },
    { "database", NULL },
    { "default privileges", NULL },
    { "domain", NULL },
    { "event trigger", NULL },
    { "extension", NULL },
    { "foreign data wrapper", NULL },
    { "foreign table", NULL },
    { "function", NULL },
    { "group", "ROLE" },
    { "index", NULL },
    { "language", NULL },
    { "large object", NULL },
    { "materialized view", NULL },
    { "operator class", NULL },
    { "operator family", NULL },
    { "operator", NULL },
    { "owned", NULL },
    { "policy", NULL },
    { "procedure", NULL },
    { "publication", NULL },
    { "role", NULL },
    { "routine", NULL },
    { "rule", NULL },
    { "schema", NULL },
    { "sequence", NULL },
    { "server", NULL },
    { "statistics", NULL },
    { "subscription", NULL },
    { "system", NULL },
    { "table", NULL },
    { "tablespace", NULL },
    { "text search configuration", NULL },
    { "text search dictionary", NULL },
    { "text search parser", NULL },
    { "text search template", NULL },
    { "transform", NULL },
    { "trigger", NULL },
    { "type", NULL },
    { "user mapping", NULL },
    { "user", "ROLE" },
    { "view", NULL },
};

/* Statements whose tag is not their first word in capitals. */
static const struct {
    const char *words, *tag;
} commands[] = {
    { "abort", "ROLLBACK" },
    { "analyse", "ANALYZE" },
    { "close all", "CLOSE CURSOR ALL" },
    { "close", "CLOSE CURSOR" },
    { "cluster", "CLUSTER" },
    { "commit prepared", "COMMIT PREPARED" },
    { "deallocate all", "DEALLOCATE ALL" },
    { "deallocate prepare all", "DEALLOCATE ALL" },
    { "declare", "DECLARE CURSOR" },
    { "discard all", "DISCARD ALL" },
    { "discard plans", "DISCARD PLANS" },
    { "discard sequences", "DISCARD SEQUENCES" },
    { "discard temp", "DISCARD TEMP" },
    { "discard temporary", "DISCARD TEMP" },
    { "end", "COMMIT" },
    { "import foreign schema", "IMPORT FOREIGN SCHEMA" },
    { "lock", "LOCK TABLE" },
    { "prepare transaction", "PREPARE TRANSACTION" },
    { "reassign", "REASSIGN OWNED" },
    { "refresh", "REFRESH MATERIALIZED VIEW" },
    { "rollback prepared", "ROLLBACK PREPARED" },
    { "security", "SECURITY LABEL" },
    { "set constraints", "SET CONSTRAINTS" },
    { "start", "START TRANSACTION" },
    { "table", "SELECT" },
    { "truncate", "TRUNCATE TABLE" },
    { "values", "SELECT" },
};

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

static char *capitals(struct arena *arena, const char *text)
{
    char *copy = arena_dup(arena, text);

    for (char *c = copy; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c &= ~32;
    return copy;
}

/* Words between CREATE and what it makes. */
static void skip_modifiers(struct pg_words *words)
{
    static const char *const modifiers[] = {
        "or",       "replace", "temp",      "temporary", "local",      "global",
        "unlogged", "unique",  "recursive", "trusted",   "procedural", "constraint"
    };

    for (size_t i = 0; i < COUNT_OF(modifiers); i++)
        if (pg_words_take(words, modifiers[i]))
            i = (size_t)-1;
    if (pg_words_see(words,
                     "default")) { /* CREATE DEFAULT CONVERSION, but ALTER DEFAULT PRIVILEGES */
        struct pg_words behind = *words;

        pg_words_skip(&behind);
        if (pg_words_see(&behind, "conversion"))
            *words = behind;
    }
}

/* CREATE TABLE ... AS and CREATE MATERIALIZED VIEW tell how many rows they made, as a SELECT does, unless they
 * make none. */
static const char *filled_command(struct pg_words words, const char *empty, const char *plain)
{
    bool filled = false;

    while (!pg_words_are_over(&words)) {
        if (pg_words_see(&words, "(")) {
            pg_words_parentheses(&words);
        } else if (pg_words_take_all(&words, "with no data")) {
            return filled ? empty : plain;
        } else {
            filled |= pg_words_see(&words, "as");
            pg_words_skip(&words);
        }
    }
    return filled ? "SELECT" : plain;
}

static const char *object_command(struct pg_words words, const char *verb)
{
    bool creates = strcmp(verb, "CREATE") == 0;

    skip_modifiers(&words);
    if (creates && pg_words_take(&words, "table"))
        return filled_command(words, "CREATE TABLE AS", "CREATE TABLE");
    if (creates && pg_words_take_all(&words, "materialized view"))
        return filled_command(words, "CREATE MATERIALIZED VIEW", "CREATE MATERIALIZED VIEW");
    for (size_t i = 0; i < COUNT_OF(objects); i++)
        if (pg_words_take_all(&words, objects[i].words))
            return arena_printf(words.arena, "%s %s", verb,
                                objects[i].tag ? objects[i].tag
                                               : capitals(words.arena, objects[i].words));
    return verb;
}

/* GRANT and REVOKE of privileges have an ON; those of roles have none. */
static const char *grant_command(struct pg_words words, const char *verb)
{
    for (; !pg_words_are_over(&words); pg_words_skip(&words))
        if (pg_words_see(&words, "on"))
            return verb;
    return arena_printf(words.arena, "%s ROLE", verb);
}

/* The statement behind WITH name AS (...), ... . */
static const char *with_command(struct pg_words words)
{
    static const char *const verbs[] = { "select", "insert", "update", "delete",
                                         "merge",  "values", "table" };

    while (!pg_words_are_over(&words)) {
        if (pg_words_see(&words, "(")) {
            pg_words_parentheses(&words);
            continue;
        }
        for (size_t i = 0; i < COUNT_OF(verbs); i++)
            if (pg_words_see(&words, verbs[i]))
                return pg_sql_command(words);
        pg_words_skip(&words);
    }
    return "SELECT";
}

const char *pg_sql_command(struct pg_words words)
{
    const char *verb;

    while (pg_words_take(&words, "("))
        ;
    if (pg_words_are_over(&words))
        return "";
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (pg_words_take_all(&words, commands[i].words))
            return commands[i].tag;
    verb = capitals(words.arena, pg_words_text(&words));
    if (strcmp(verb, "WITH") == 0)
        return with_command(words);
    if (strcmp(verb, "CREATE") == 0 || strcmp(verb, "ALTER") == 0 || strcmp(verb, "DROP") == 0)
        return object_command(words, verb);
    if (strcmp(verb, "GRANT") == 0 || strcmp(verb, "REVOKE") == 0)
        return grant_command(words, verb);
    return verb;
}

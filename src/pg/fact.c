/* pg/fact.c - what the rules of a mock claim, compared with kept facts; see mock.h and fact.h. */

#include "pg/fact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "pg/mock.h"
#include "pg/verify.h"
#include "test/t.h"
#include "wire/pg_server.h"

enum { SERVER_OLDEST = 10, SERVER_NEWEST = 40, TEXT_OID = 25 };

/* Guarded by the loop's lock. */
struct pg_facts {
    struct arena arena; /* answers are given on any thread */
    const char *folder; /* NULL: there is none */
    bool counts; /* a mock with migrations means to be verified: what has no fact is said */
    int server; /* 0: any */
    uint64_t schema;
    struct map checked;
    const struct pg_rule *last;
    int missing;
};

void pg_fact_begin(struct seam_pg_mock *mock)
{
    const char *folder = t_source_path(mock->t, mock->site, PG_FACT_FOLDER);
    bool has_facts = access(folder, F_OK) == 0;
    struct pg_facts *facts;
    struct err err;

    if (mock->transcript || (!mock->options.migrations && !has_facts))
        return;
    facts = mock->facts = arena_zero(t_arena(mock->t), sizeof *facts);
    facts->server = mock->options.version ? atoi(mock->options.version) : 0;
    facts->counts = mock->options.migrations != NULL;
    if (!has_facts)
        return;
    facts->folder = folder;
    if (pg_fact_schema(mock->options.migrations, &facts->schema, &err) < 0)
        seam_fatal_at(mock->t, mock->site, "%s", err.text);
}

/* ---- a claim beside a fact */

/* An error that comes while a statement is parsed, and says something of it. */
static bool is_of_parsing(const char *sqlstate)
{
    return sqlstate && strncmp(sqlstate, "42", 2) == 0 && strcmp(sqlstate, "42501") != 0;
}

static bool is_same_type(const struct pg_column *claimed, const char *real)
{
    const struct pg_type *type;
    int modifier;

    if (pg_type_parse(real, &type, &modifier, NULL) < 0)
        return claimed->type == TEXT_OID; /* of the schema's own */
    return claimed->type == type->oid &&
           (claimed->modifier == -1 || claimed->modifier == modifier);
}

static bool are_same_columns(const struct pg_columns *claimed, const struct pg_fact *fact)
{
    if (claimed->count != fact->column_count)
        return false;
    for (size_t i = 0; i < claimed->count; i++)
        if (strcmp(claimed->at[i].name, fact->columns[i].name) != 0 ||
            !is_same_type(&claimed->at[i], fact->columns[i].type) ||
            (claimed->not_null[i] && strcmp(fact->columns[i].nullable, "null") == 0))
            return false;
    return true;
}

/* What is claimed, when the fact says otherwise; NULL. */
static const char *contradicted(struct arena *arena, const struct pg_fact *fact,
                                const struct pg_rule *rule)
{
    const struct pg_said *said = pg_rule_said(rule);
    const struct pg_error *error = pg_rule_error(rule);

    if (fact->sqlstate)
        return error && strcmp(error->sqlstate, fact->sqlstate) == 0 ? NULL
               : error ? arena_printf(arena, "ERROR %s %s", error->sqlstate, error->message)
               : said->columns ? said->columns
                               : said->tag;
    if (error && is_of_parsing(error->sqlstate))
        return arena_printf(arena, "ERROR %s %s", error->sqlstate, error->message);
    if (!pg_rule_has_rows(rule))
        return error || fact->column_count == 0 || said->fault ? NULL : "no columns";
    return are_same_columns(pg_rule_columns(rule), fact) ? NULL : said->columns;
}

static void say(struct seam_pg_mock *mock, const struct pg_fact *fact, const char *path,
                const char *sql, const char *claim, const struct pg_rule *rule)
{
    seam_error_at(mock->t, pg_rule_site(rule),
                  "the double claims what PostgreSQL %d does not do, by a kept fact\n"
                  "statement  %s\n"
                  "claim      %s\n"
                  "truth      %s\n"
                  "fact       %s\n"
                  "try: seam test -verify",
                  fact->server, verify_sql_words(&mock->facts->arena, sql),
                  claim ? claim : "no error", pg_fact_result_words(&mock->facts->arena, fact),
                  strstr(path, PG_FACT_FOLDER));
}

/* ---- finding it */

static bool is_first(struct pg_facts *facts, const struct pg_rule *rule, const char *sql)
{
    uint32_t *at =
        map_at(&facts->checked, arena_printf(&facts->arena, "%p %s", (const void *)rule, sql));

    if (!at)
        arena_give_up(sizeof *at);
    return (*at)++ == 0;
}

/* Of the server that the mock is, or of the newest that was asked. */
static const char *find(struct pg_facts *facts, struct pg_fact *key)
{
    int first = facts->server ? facts->server : SERVER_NEWEST;
    int last = facts->server ? facts->server : SERVER_OLDEST;

    for (key->server = first; key->server >= last; key->server--) {
        const char *path = pg_fact_path(&facts->arena, facts->folder, key);

        if (access(path, F_OK) == 0)
            return path;
    }
    return NULL;
}

static void check(struct seam_pg_mock *mock, const struct pg_statement *statement,
                  const char *sql, const struct pg_rule *rule)
{
    struct pg_facts *facts = mock->facts;
    struct pg_fact key = { .sql = pg_sql_normal(sql, &facts->arena) }, fact;
    const char *path, *claim;
    struct err err;

    key.types =
        statement ? pg_fact_types(&facts->arena, statement->types, statement->type_count) : "";
    path = find(facts, &key);
    if (path && pg_fact_read(path, &facts->arena, &fact, &err) < 0) {
        seam_error_at(mock->t, pg_rule_site(rule), "%s", err.text);
        return;
    }
    if (!path || fact.schema != facts->schema || strcmp(fact.sql, key.sql) != 0) {
        facts->missing++;
        return;
    }
    claim = contradicted(&facts->arena, &fact, rule);
    if (claim)
        say(mock, &fact, path, sql, claim, rule);
}

void pg_fact_check(struct seam_pg_mock *mock, const struct pg_statement *statement,
                   const char *sql, const struct pg_rule *rule)
{
    struct pg_facts *facts = mock->facts;

    if (!facts || (!facts->folder && facts->last == rule))
        return;
    if (statement && statement->is.kind != PG_SQL_OTHER)
        return; /* BEGIN and its kin: nothing of them is kept */
    facts->last = rule;
    if (!facts->folder)
        facts->missing++;
    else if (is_first(facts, rule, sql))
        check(mock, statement, sql, rule);
}

void pg_fact_end(struct seam_pg_mock *mock)
{
    struct pg_facts *facts = mock->facts;

    if (!facts)
        return;
    mock->facts = NULL;
    t_tally(mock->t, TALLY_NO_FACT, facts->counts ? facts->missing : 0, NULL);
    map_fini(&facts->checked);
    arena_fini(&facts->arena);
}

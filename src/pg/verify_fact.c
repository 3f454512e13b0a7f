/* pg/verify_fact.c - under -verify -update, write facts beside the test; see verify.h and fact.h. */

#include <stdlib.h>
#include <string.h>

#include "pg/fact.h"
#include "pg/verify.h"
#include "test/t.h"

/* A path as it is seen from a folder; both are absolute. */
static const char *path_from(struct arena *arena, const char *folder, const char *path)
{
    size_t same = 0;
    const char *up = "";

    for (size_t i = 0; folder[i] == path[i] && path[i]; i++)
        if (path[i] == '/')
            same = i + 1;
    if (strncmp(folder, path, strlen(folder)) == 0 && path[strlen(folder)] == '/')
        return path + strlen(folder) + 1;
    for (const char *at = folder + same; *at; at += strcspn(at, "/"), at += *at == '/')
        up = arena_printf(arena, "%s../", up);
    return arena_printf(arena, "%s%s", up, path + same);
}

void verify_fact_begin(struct pg_verifier *verifier)
{
    struct err err;

    if (!t_wants_update() || !t_wants_verify())
        return;
    if (pg_fact_schema(verifier->migrations
                           ? t_source_path(verifier->t, verifier->site, verifier->migrations)
                           : NULL,
                       &verifier->schema, &err) < 0)
        seam_error_at(verifier->t, verifier->site, "no facts are written: %s", err.text);
    else
        verifier->fact_folder = t_source_path(verifier->t, verifier->site, PG_FACT_FOLDER);
}

static const char *migrations_words(struct pg_verifier *verifier)
{
    const char *here = t_source_path(verifier->t, verifier->site, "");
    size_t size = strlen(here);

    if (!verifier->migrations)
        return "";
    here = arena_copy(&verifier->arena, here, size - (size > 1 && here[size - 1] == '/'));
    return path_from(&verifier->arena, here,
                     t_source_path(verifier->t, verifier->site, verifier->migrations));
}

/* Whether the session agrees that it parses: what its own transaction made the helper does not know. */
static bool agrees(const struct verify_case *of, const struct pg_fact *fact)
{
    return !fact->sqlstate || (of->real.end == 'E' && of->real.error.sqlstate &&
                               strcmp(of->real.error.sqlstate, fact->sqlstate) == 0);
}

static bool is_known(struct pg_verifier *verifier, const char *path)
{
    uint32_t *at = map_at(&verifier->said, path);

    if (!at)
        arena_give_up(sizeof *at);
    return (*at)++ > 0;
}

void verify_fact(struct pg_verifier *verifier, const struct verify_case *of)
{
    struct pg_fact fact = { .migrations = "" };
    const char *path;
    struct pg_error error;
    struct pg_sql is;
    struct err err;

    if (!verifier->fact_folder || !of->claim || !of->claim->rule)
        return;
    pg_sql_classify(&is, of->sql, &verifier->arena);
    if (is.kind != PG_SQL_OTHER)
        return;
    fact.sql = pg_sql_normal(of->sql, &verifier->arena);
    fact.types = of->statement ? pg_fact_types(&verifier->arena, of->statement->types,
                                               of->statement->type_count)
                               : "";
    fact.server = atoi(verifier->server_version);
    fact.schema = verifier->schema;
    fact.migrations = migrations_words(verifier);
    path = pg_fact_path(&verifier->arena, verifier->fact_folder, &fact);
    if (is_known(verifier, path) || !verify_open_helper(verifier, &error))
        return;
    if (pg_fact_derive(&verifier->helper, verify_deadline(verifier), &verifier->arena, &fact,
                       &err) == 0 &&
        agrees(of, &fact) && pg_fact_write(path, &fact, &err) < 0)
        seam_error_at(verifier->t, of->claim->site, "%s", err.text);
}

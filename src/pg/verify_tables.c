/* pg/verify_tables.c - which tables the statements of a test wrote, and where; see verify.h. */

#include <string.h>

#include "pg/verify.h"

/* "public.users" and "users" are the same to us. */
static const char *plain_name(const char *table)
{
    return strncmp(table, "public.", 7) == 0 ? table + 7 : table;
}

/* ---- writing down */

struct writing {
    struct pg_verifier *verifier;
    struct verify_write write;
};

static void add_write(void *arg, const char *table, bool writes)
{
    struct writing *writing = arg;
    struct verify_write *write;

    if (!writes)
        return;
    write = arena_copy(&writing->verifier->arena, &writing->write, sizeof *write);
    write->table = arena_dup(&writing->verifier->arena, plain_name(table));
    write->next = writing->verifier->writes;
    writing->verifier->writes = write;
}

void verify_wrote(struct pg_verifier *verifier, const struct verify_case *of)
{
    struct writing writing = { .verifier = verifier,
                               .write = { .sql = of->sql,
                                          .arguments = of->arguments,
                                          .site = of->claim ? of->claim->site : verifier->site,
                                          .session = of->session->number,
                                          .open = of->session->real.state != 'I' ||
                                                  of->session->unsynced } };

    pg_sql_tables(of->sql, add_write, &writing);
}

/* Several statements, of .seed or .given. */
void verify_wrote_sql(struct pg_verifier *verifier, const char *sql, seam_site site,
                      int session, bool given)
{
    while (*sql) {
        size_t next;
        size_t size = pg_sql_first(sql, &next);
        const char *one = arena_copy(&verifier->arena, sql, size);
        struct writing writing = {
            .verifier = verifier,
            .write = { .sql = one, .site = site, .session = session, .given = given }
        };

        pg_sql_tables(one, add_write, &writing);
        if (next == 0)
            return;
        sql += next;
    }
}

static void add_unsure(void *arg, const char *table, bool writes)
{
    struct pg_verifier *verifier = arg;
    uint32_t *at;

    if (!writes)
        return;
    at = map_at(&verifier->unsure, arena_dup(&verifier->arena, plain_name(table)));
    if (!at)
        arena_give_up(sizeof *at);
    *at = 1;
}

void verify_unsure(struct pg_verifier *verifier, const char *sql)
{
    pg_sql_tables(sql, add_unsure, verifier);
}

/* What was rolled back was never written. */
void verify_transaction_ended(struct pg_verifier *verifier, int session, bool kept)
{
    struct verify_write **at = &verifier->writes;

    while (*at) {
        struct verify_write *write = *at;

        if (write->session == session && write->open && !kept) {
            *at = write->next;
            continue;
        }
        if (write->session == session)
            write->open = false;
        at = &write->next;
    }
}

/* ---- looking up */

static bool is_unsure(const struct pg_verifier *verifier, const char *table)
{
    return map_find(&verifier->unsure, plain_name(table)) != NULL;
}

bool verify_is_written(const struct pg_verifier *verifier, const char *table)
{
    if (is_unsure(verifier, table))
        return false;
    for (const struct verify_write *write = verifier->writes; write; write = write->next)
        if (strcmp(write->table, plain_name(table)) == 0)
            return true;
    return false;
}

struct search {
    struct pg_verifier *verifier;
    bool insert_target; /* counts as well */
    bool is_insert, past_target;
    const char *found;
};

static void look_at(void *arg, const char *table, bool writes)
{
    struct search *search = arg;
    bool is_target = search->is_insert && writes && !search->past_target;

    search->past_target |= is_target;
    if (search->found || (is_target && !search->insert_target))
        return;
    if (!verify_is_written(search->verifier, table))
        search->found = arena_dup(&search->verifier->arena, plain_name(table));
}

const char *verify_unwritten(struct pg_verifier *verifier, const char *sql, bool target)
{
    struct arena arena = { 0 };
    struct search search = { .verifier = verifier, .insert_target = target };
    struct pg_sql is;

    pg_sql_classify(&is, sql, &arena);
    search.is_insert = is.command && strcmp(is.command, "INSERT") == 0;
    pg_sql_tables(sql, look_at, &search);
    arena_fini(&arena);
    return search.found;
}

static bool mentions(const struct verify_write *write, const char *word)
{
    return !word || strstr(write->sql, word) ||
           (write->arguments && strstr(write->arguments, word));
}

const struct verify_write *verify_find_write(const struct pg_verifier *verifier,
                                             const char *table, const char *word, int blocking)
{
    for (const struct verify_write *write = verifier->writes; write; write = write->next)
        if (strcmp(write->table, plain_name(table)) == 0 && mentions(write, word) &&
            (blocking == 0 || (write->open && write->session != blocking)))
            return write;
    return NULL;
}

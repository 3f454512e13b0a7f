/* pg/fact_file.c - facts as files; see fact.h. */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/map.h"
#include "pg/fact.h"
#include "wire/pg_sql.h"

enum { FACT_MAX = 1 << 20, MIGRATIONS_MAX = 64 << 20 };

#define FIRST_LINE "seam fact 1\n"

const char *pg_fact_types(struct arena *arena, const uint32_t *types, size_t count)
{
    const char *text = "";

    while (count > 0 && types[count - 1] == 0)
        count--; /* what is not named and what is not there are the same */
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%" PRIu32, text, i > 0 ? "," : "", types[i]);
    return text;
}

const char *pg_fact_path(struct arena *arena, const char *folder, const struct pg_fact *fact)
{
    uint64_t hash = hash_bytes(HASH_BEGIN, fact->sql, strlen(fact->sql) + 1);

    hash = hash_bytes(hash, fact->types, strlen(fact->types) + 1);
    return arena_printf(arena, "%s/%016" PRIx64 "-pg%d.fact", folder, hash, fact->server);
}

/* ---- the schema */

static int is_migration(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    bool is_sql = size > 4 && strcmp(entry->d_name + size - 4, ".sql") == 0;
    bool is_down = size > 9 && strcmp(entry->d_name + size - 9, ".down.sql") == 0;

    return is_sql && !is_down;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static uint64_t hash_sql(uint64_t hash, const char *sql)
{
    struct arena arena = { 0 };

    while (*sql) {
        size_t next;
        size_t size = pg_sql_first(sql, &next);
        const char *normal = pg_sql_normal(arena_copy(&arena, sql, size), &arena);

        if (*normal)
            hash = hash_bytes(hash, normal, strlen(normal) + 1);
        if (next == 0)
            break;
        sql += next;
    }
    arena_fini(&arena);
    return hash;
}

static int hash_file(const char *path, uint64_t *hash, struct err *err)
{
    struct buf text = BUF_INIT(MIGRATIONS_MAX);
    int r = io_read_file(path, &text);

    if (r == 0)
        *hash = hash_sql(*hash, buf_text(&text));
    buf_fini(&text);
    return r < 0 ? err_system(err, r, "cannot read '%s'", path) : 0;
}

int pg_fact_schema(const char *folder, uint64_t *ret, struct err *err)
{
    struct arena arena = { 0 };
    uint64_t hash = HASH_BEGIN;
    struct dirent **entries;
    int count = folder ? scandir(folder, &entries, is_migration, by_name) : 0;
    int r = 0;

    if (count < 0)
        return err_system(err, -errno, "cannot read the migrations in '%s'", folder);
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = hash_file(arena_printf(&arena, "%s/%s", folder, entries[i]->d_name), &hash,
                          err);
        free(entries[i]);
    }
    if (folder)
        free(entries);
    arena_fini(&arena);
    if (r == 0)
        *ret = hash;
    return r;
}

/* ---- writing */

static void add_text(struct buf *to, const char *text)
{
    if (!text || !*text)
        text = "-";
    for (; *text; text++)
        if (*text == '\\')
            buf_add_text(to, "\\\\");
        else if (*text == '\n')
            buf_add_text(to, "\\n");
        else if (*text == '\t')
            buf_add_text(to, "\\t");
        else
            buf_add_char(to, *text);
}

static void add_line(struct buf *to, const char *key, const char *text)
{
    buf_printf(to, "%s\t", key);
    add_text(to, text);
    buf_add_char(to, '\n');
}

static void add_column(struct buf *to, const struct pg_fact_column *column)
{
    buf_add_text(to, "column\t");
    add_text(to, column->name);
    buf_add_char(to, '\t');
    add_text(to, column->type);
    buf_printf(to, "\t%s\n", column->nullable);
}

static void encode(struct buf *to, const struct pg_fact *fact)
{
    buf_printf(to, FIRST_LINE "server\t%d\nschema\t%016" PRIx64 "\n", fact->server,
               fact->schema);
    add_line(to, "migrations", fact->migrations);
    add_line(to, "types", fact->types);
    add_line(to, "sql", fact->sql);
    if (fact->sqlstate) {
        buf_printf(to, "error\t%s\t", fact->sqlstate);
        add_text(to, fact->message);
        buf_add_char(to, '\n');
        return;
    }
    add_line(to, "parameters", fact->parameters);
    for (size_t i = 0; i < fact->column_count; i++)
        add_column(to, &fact->columns[i]);
}

int pg_fact_write(const char *path, const struct pg_fact *fact, struct err *err)
{
    struct buf text = BUF_INIT(FACT_MAX);
    struct arena arena = { 0 };
    int r;

    encode(&text, fact);
    r = io_make_folders(arena_copy(&arena, path, (size_t)(strrchr(path, '/') - path)), 0777);
    if (r == 0)
        r = text.failed ? -EFBIG : io_write_file(path, text.data, text.size);
    buf_fini(&text);
    arena_fini(&arena);
    return r < 0 ? err_system(err, r, "cannot write '%s'", path) : 0;
}

/* ---- reading */

/* The next text of a line, up to a tab or the line's end; "" behind the last, and for "-". */
static const char *take_text(struct arena *arena, const char **at)
{
    size_t size = strcspn(*at, "\t\n");
    char *text = arena_zero(arena, size + 1), *to = text;

    for (size_t i = 0; i < size; i++) {
        char c = (*at)[i];

        if (c == '\\' && i + 1 < size) {
            c = (*at)[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        *to++ = c;
    }
    *at += size;
    *at += **at == '\t';
    return strcmp(text, "-") == 0 ? "" : text;
}

static void take_column(struct arena *arena, const char **at, struct pg_fact *fact)
{
    struct pg_fact_column *columns = (struct pg_fact_column *)fact->columns;
    struct pg_fact_column column;

    column.name = take_text(arena, at);
    column.type = take_text(arena, at);
    column.nullable = take_text(arena, at);
    if (!*column.nullable)
        column.nullable = "-";
    if (fact->column_count < PG_FACT_COLUMNS)
        columns[fact->column_count++] = column;
}

static void take_line(struct arena *arena, const char *at, struct pg_fact *fact)
{
    const char *key = take_text(arena, &at);

    if (strcmp(key, "server") == 0)
        fact->server = atoi(take_text(arena, &at));
    else if (strcmp(key, "schema") == 0)
        fact->schema = strtoull(take_text(arena, &at), NULL, 16);
    else if (strcmp(key, "migrations") == 0)
        fact->migrations = take_text(arena, &at);
    else if (strcmp(key, "types") == 0)
        fact->types = take_text(arena, &at);
    else if (strcmp(key, "sql") == 0)
        fact->sql = take_text(arena, &at);
    else if (strcmp(key, "parameters") == 0)
        fact->parameters = take_text(arena, &at);
    else if (strcmp(key, "column") == 0)
        take_column(arena, &at, fact);
    else if (strcmp(key, "error") == 0) {
        fact->sqlstate = take_text(arena, &at);
        fact->message = take_text(arena, &at);
    }
}

static size_t count_columns(const char *text)
{
    size_t count = 0;

    while ((text = strstr(text, "\ncolumn\t"))) {
        count++;
        text++;
    }
    return count;
}

static int decode(const char *path, const char *text, struct arena *arena, struct pg_fact *ret,
                  struct err *err)
{
    *ret = (struct pg_fact){ .sql = "", .types = "", .migrations = "", .parameters = "" };
    ret->columns = arena_zero(arena, (count_columns(text) + 1) * sizeof *ret->columns);
    if (strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
        return err_set(err, -EPROTO, "'%s' is no fact of this version of seam", path);
    for (text += strlen(FIRST_LINE); *text; text += strcspn(text, "\n") + 1) {
        take_line(arena, text, ret);
        if (!text[strcspn(text, "\n")])
            break;
    }
    if (!*ret->sql || ret->server == 0)
        return err_set(err, -EPROTO, "'%s' lacks a line; try: seam test -verify -update", path);
    return 0;
}

int pg_fact_read(const char *path, struct arena *arena, struct pg_fact *ret, struct err *err)
{
    struct buf text = BUF_INIT(FACT_MAX);
    int r = io_read_file(path, &text);

    r = r < 0 ? err_system(err, r, "cannot read '%s'", path)
              : decode(path, buf_text(&text), arena, ret, err);
    buf_fini(&text);
    return r;
}

/* ---- */

bool pg_fact_is_same(const struct pg_fact *a, const struct pg_fact *b)
{
    struct buf first = BUF_INIT(FACT_MAX), second = BUF_INIT(FACT_MAX);
    bool same;

    encode(&first, a);
    encode(&second, b);
    same = strcmp(buf_text(&first), buf_text(&second)) == 0;
    buf_fini(&first);
    buf_fini(&second);
    return same;
}

const char *pg_fact_result_words(struct arena *arena, const struct pg_fact *fact)
{
    struct buf words = BUF_INIT(FACT_MAX);
    const char *text;

    if (fact->sqlstate)
        return arena_printf(arena, "ERROR %s %s", fact->sqlstate, fact->message);
    for (size_t i = 0; i < fact->column_count; i++)
        buf_printf(&words, "%s%s %s%s", i > 0 ? ", " : "", fact->columns[i].name,
                   fact->columns[i].type,
                   strcmp(fact->columns[i].nullable, "not null") == 0 ? " not null" : "");
    if (fact->column_count == 0)
        buf_add_text(&words, "no columns");
    text = arena_dup(arena, buf_text(&words));
    buf_fini(&words);
    return text;
}

const char *pg_fact_words(struct arena *arena, const struct pg_fact *fact)
{
    const char *result = pg_fact_result_words(arena, fact);

    return *fact->parameters && !fact->sqlstate
               ? arena_printf(arena, "(%s) %s", fact->parameters, result)
               : result;
}

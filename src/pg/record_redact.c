/* pg/record_redact.c - what a recording never holds; see record.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg/record.h"
#include "pg/secret.h"
#include "test/mask.h"
#include "wire/pg_lex.h"

enum { SQL_MAX = 64 << 20, ARGUMENTS = SEAM_PG_ARGS * 64, COPY_COLUMNS = 64 };

/* ---- parsing */

static int parse_argument(const char *text, const char *number, struct record_redaction *to,
                          struct err *err)
{
    char *end;
    long n = strtol(number, &end, 10);

    if (*end || n < 1 || n >= ARGUMENTS)
        return err_set(err, -EINVAL, ".redact '%s': arguments are numbered from 1 to %d", text,
                       ARGUMENTS - 1);
    to->arguments[n] = true;
    return 0;
}

static int parse_pattern(const char *text, const char *pattern, struct record_redaction *to,
                         struct err *err)
{
    struct match_pattern **at = to->patterns;
    struct err why;
    int r;

    while (*at)
        at++;
    r = match_pattern_new(at, pattern, false, &why);
    return r < 0 ? err_set(err, r, ".redact '%s': %s", text, why.text) : 0;
}

static int parse_one(struct arena *arena, const char *text, struct record_redaction *to,
                     struct err *err)
{
    size_t kind = strcspn(text, " ");
    const char *rest = text + kind + strspn(text + kind, " ");
    const char **name = to->columns;

    if (!*rest)
        kind = 0;
    if (kind == strlen("arg") && memcmp(text, "arg", kind) == 0)
        return parse_argument(text, rest, to, err);
    if (kind == strlen("sql") && memcmp(text, "sql", kind) == 0)
        return parse_pattern(text, rest, to, err);
    if (kind != strlen("column") || memcmp(text, "column", kind) != 0)
        return err_set(err, -EINVAL,
                       ".redact '%s': write \"column name\", \"arg 2\" or \"sql pattern\"",
                       text);
    while (*name)
        name++;
    *name = arena_dup(arena, rest);
    return 0;
}

int record_redaction_parse(struct arena *arena, const char *const *texts,
                           struct record_redaction *ret, struct err *err)
{
    int r = 0;

    *ret = (struct record_redaction){ .columns = { NULL } };
    for (int i = 0; r == 0 && i < SEAM_PG_ARGS && texts[i]; i++)
        r = parse_one(arena, texts[i], ret, err);
    return r;
}

void record_redaction_free(struct record_redaction *redaction)
{
    for (struct match_pattern **at = redaction->patterns; *at; at++) {
        match_pattern_free(*at);
        *at = NULL;
    }
}

/* ---- statements */

/* Every quoted text: which of them the pattern means nobody can say. */
static const char *hide_texts(struct arena *arena, const char *sql)
{
    struct buf out = BUF_INIT(SQL_MAX);
    const char *copy;

    for (struct pg_token token = pg_lex(sql); token.size > 0;
         token = pg_lex(token.at + token.size))
        if (token.kind == PG_TOKEN_STRING)
            buf_add_text(&out, "'REDACTED'");
        else
            buf_add(&out, token.at, token.size);
    copy = arena_dup(arena, buf_text(&out));
    buf_fini(&out);
    return copy;
}

const char *record_redact_sql(const struct record_redaction *redaction, struct arena *arena,
                              const char *sql)
{
    struct buf masked = BUF_INIT(SQL_MAX);
    const char *copy;

    for (struct match_pattern *const *at = redaction->patterns; *at; at++)
        if (match_pattern_found(*at, sql, strlen(sql), NULL))
            return hide_texts(arena, sql);
    pg_secret_mask(&masked, sql);
    copy = arena_dup(arena, buf_text(&masked));
    buf_fini(&masked);
    return copy;
}

/* ---- values */

bool record_hides_argument(const struct record_redaction *redaction, const char *sql, size_t n)
{
    return (n < ARGUMENTS && redaction->arguments[n]) || pg_secret_parameter(sql, (int)n);
}

bool record_hides_column(const struct record_redaction *redaction, const char *name)
{
    for (const char *const *at = redaction->columns; *at; at++)
        if (strcasecmp(*at, name) == 0)
            return true;
    return mask_is_secret(name, strlen(name));
}

/* ---- COPY */

/* The list of columns behind the table's name; the token of its '(', or one that is empty. */
static struct pg_token copy_list(const char *sql)
{
    struct pg_token token = pg_lex_word(sql), end = { PG_TOKEN_END, "", 0, NULL };

    if (!pg_token_is(&token, "copy"))
        return end;
    token = pg_lex_word(token.at + token.size);
    if (pg_token_is(&token, "(")) /* of a query, whose columns nobody names */
        return end;
    while (token.size > 0 && !pg_token_is(&token, "(") && !pg_token_is(&token, "from") &&
           !pg_token_is(&token, "to"))
        token = pg_lex_word(token.at + token.size);
    return pg_token_is(&token, "(") ? token : end;
}

/* Which columns of the list are secrets, as bits. */
static uint64_t hidden_columns(const struct record_redaction *redaction, struct arena *arena,
                               const char *sql)
{
    struct pg_token token = copy_list(sql);
    uint64_t hidden = 0;
    int n = 0;

    while (token.size > 0 && !pg_token_is(&token, ")") && n < COPY_COLUMNS) {
        token = pg_lex_word(token.at + token.size);
        if (token.kind != PG_TOKEN_WORD && token.kind != PG_TOKEN_NAME)
            continue;
        if (record_hides_column(redaction, pg_token_text(&token, arena)))
            hidden |= (uint64_t)1 << n;
        n++;
    }
    return hidden;
}

/* Whether fields lie between tabs: nothing but FROM STDIN or TO STDOUT is behind the list. */
static bool is_plain_copy(const char *sql)
{
    struct pg_token token = copy_list(sql);

    while (token.size > 0 && !pg_token_is(&token, ")"))
        token = pg_lex_word(token.at + token.size);
    for (int words = 0; words < 3 && token.size > 0; words++)
        token = pg_lex_word(token.at + token.size);
    return token.size == 0 || pg_token_is(&token, ";");
}

int record_redact_copy(const struct record_redaction *redaction, const char *sql,
                       const char *data, size_t size, struct buf *to)
{
    struct arena arena = { 0 };
    uint64_t hidden = hidden_columns(redaction, &arena, sql);
    const char *at = data, *end = data + size;
    int n = 0;

    arena_fini(&arena);
    if (hidden == 0)
        return 0;
    if (!is_plain_copy(sql))
        return -EINVAL;
    while (at < end) {
        const char *field = at;

        while (at < end && *at != '\t' && *at != '\n')
            at++;
        if (n < COPY_COLUMNS && (hidden >> n & 1) && at > field)
            buf_add_text(to, "REDACTED");
        else
            buf_add(to, field, (size_t)(at - field));
        if (at == end)
            break;
        n = *at == '\t' ? n + 1 : 0;
        buf_add_char(to, *at++);
    }
    return 1;
}

/* ---- what stands for it */

const char *record_stand_in(uint32_t oid)
{
    const struct pg_type *type = pg_type_of_oid(oid);

    switch (type ? type->kind : PG_KIND_TEXT) {
    case PG_KIND_BOOL:
        return "f";
    case PG_KIND_INT:
    case PG_KIND_FLOAT:
    case PG_KIND_NUMERIC:
        return "0";
    case PG_KIND_BYTES:
        return "\\x";
    case PG_KIND_UUID:
        return "00000000-0000-0000-0000-000000000000";
    case PG_KIND_JSON:
        return "\"REDACTED\"";
    case PG_KIND_ARRAY:
        return "{}";
    case PG_KIND_TIME:
        return strcmp(type->name, "interval") == 0      ? "00:00:00"
               : strcmp(type->name, "date") == 0        ? "2000-01-01"
               : strcmp(type->name, "time") == 0        ? "00:00:00"
               : strcmp(type->name, "timetz") == 0      ? "00:00:00+00"
               : strcmp(type->name, "timestamptz") == 0 ? "2000-01-01 00:00:00+00"
                                                        : "2000-01-01 00:00:00";
    case PG_KIND_TEXT:
        break;
    }
    return "REDACTED";
}

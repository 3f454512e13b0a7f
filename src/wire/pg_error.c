/* wire/pg_error.c - the fields of PostgreSQL's ErrorResponse and NoticeResponse; see pg.h. */

#include "wire/pg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_field(struct buf *to, char field, const char *text)
{
    if (!text)
        return;
    pg_put_byte(to, field);
    pg_put_text(to, text);
}

static void put_number(struct buf *to, char field, int v)
{
    char text[16];

    if (v <= 0)
        return;
    snprintf(text, sizeof text, "%d", v);
    put_field(to, field, text);
}

/* In the server's order. */
void pg_put_error(struct buf *to, char type, const struct pg_error *error)
{
    const char *severity = error->severity;
    size_t begun = pg_begin(to, type);

    if (!severity)
        severity = type == 'E' ? "ERROR" : "NOTICE";
    put_field(to, 'S', severity);
    put_field(to, 'V', severity);
    put_field(to, 'C', error->sqlstate ? error->sqlstate : type == 'E' ? "XX000" : "00000");
    put_field(to, 'M', error->message ? error->message : "");
    put_field(to, 'D', error->detail);
    put_field(to, 'H', error->hint);
    put_field(to, 'W', error->where);
    put_field(to, 's', error->schema);
    put_field(to, 't', error->table);
    put_field(to, 'c', error->column);
    put_field(to, 'd', error->type);
    put_field(to, 'n', error->constraint);
    put_number(to, 'P', error->position);
    put_number(to, 'p', error->internal_position);
    put_field(to, 'q', error->internal_query);
    put_field(to, 'F', error->file);
    put_number(to, 'L', error->line);
    put_field(to, 'R', error->routine);
    pg_put_byte(to, 0);
    pg_end(to, begun);
}

static void set_field(struct pg_error *error, char field, const char *text)
{
    const char **texts[] = {
        ['S'] = &error->severity, ['C'] = &error->sqlstate,       ['M'] = &error->message,
        ['D'] = &error->detail,   ['H'] = &error->hint,           ['W'] = &error->where,
        ['s'] = &error->schema,   ['t'] = &error->table,          ['c'] = &error->column,
        ['d'] = &error->type,     ['n'] = &error->constraint,     ['F'] = &error->file,
        ['R'] = &error->routine,  ['q'] = &error->internal_query, ['V'] = &error->severity,
    };
    int *numbers[] = {
        ['P'] = &error->position, ['p'] = &error->internal_position, ['L'] = &error->line
    };
    size_t i = (unsigned char)field;

    if (i < sizeof texts / sizeof *texts && texts[i])
        *texts[i] = text;
    else if (i < sizeof numbers / sizeof *numbers && numbers[i])
        *numbers[i] = atoi(text);
}

/* 'V', which is never translated, comes behind 'S' and so wins. Fields that are not known are skipped, as the
 * protocol asks for. */
int pg_read_error(const struct pg_frame *frame, struct pg_error *ret)
{
    struct pg_body body = pg_body(frame);
    struct pg_error error = { 0 };
    int field;

    while ((field = pg_get_byte(&body)) != 0)
        set_field(&error, (char)field, pg_get_text(&body));
    if (!pg_body_is_over(&body))
        return -EPROTO;
    *ret = error;
    return 0;
}

/*
 * wire/pg_script_test.h - for tests and fuzzing: a client's messages from text, a server's messages as text.
 *
 * A script has a message a line:
 *
 *   0 3.0 user=u|database=d    start-up packet          x 00000008        bytes; y: instead of a start-up packet
 *   Q select 1                 Query                    d 1\tx\n          CopyData
 *   P name|select $1|23,25     Parse                    f words           CopyFail
 *   B portal|name|1|a,NULL|0,1 Bind: formats of the arguments, those, formats of the result
 *   D S name                   Describe; C S name: Close
 *   E portal|2                 Execute                  S H X c           Sync, Flush, Terminate, CopyDone
 *
 *   W Z(I)                     wait until the reply has this
 *   Z                          wait until the server is in pg_sleep
 *   K 0                        cancel from another connection; another number spoils the key
 *
 * A reply is "T(?column?:23) D(1) C(SELECT 1) Z(I)". What differs from run to run is left out.
 */
#ifndef WIRE_PG_SCRIPT_TEST_H
#define WIRE_PG_SCRIPT_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "wire/pg.h"

/* ---- messages from text */

/* The next of "a|b|c", NUL-terminated in place; "" behind the last. */
static inline char *script_cut(char **at, char by)
{
    char *from = *at, *end = strchr(from, by);

    *at = end ? end + 1 : from + strlen(from);
    if (end)
        *end = '\0';
    return from;
}

static inline int script_count(const char *list)
{
    int count = *list ? 1 : 0;

    for (; *list; list++)
        count += *list == ',';
    return count;
}

static inline void script_numbers(struct buf *to, char *list, bool wide)
{
    pg_put_int16(to, script_count(list));
    while (*list) {
        long v = strtol(script_cut(&list, ','), NULL, 10);

        if (wide)
            pg_put_int32(to, (int32_t)v);
        else
            pg_put_int16(to, (int)v);
    }
}

/* \n, \t, \r, \\ and \xff; returns the size. */
static inline size_t script_unescape(char *text)
{
    char *to = text, *from = text;

    for (; *from; from++) {
        if (*from != '\\' || !from[1]) {
            *to++ = *from;
            continue;
        }
        from++;
        if (*from == 'x' && from[1] && from[2]) {
            char digits[3] = { from[1], from[2], '\0' };

            *to++ = (char)strtol(digits, NULL, 16);
            from += 2;
        } else
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from == 'r' ? '\r' : *from;
    }
    *to = '\0';
    return (size_t)(to - text);
}

static inline void script_values(struct buf *to, char *list)
{
    pg_put_int16(to, script_count(list));
    while (*list) {
        char *value = script_cut(&list, ',');
        size_t size = script_unescape(value);

        if (strcmp(value, "NULL") == 0) {
            pg_put_int32(to, -1);
            continue;
        }
        pg_put_int32(to, (int32_t)size);
        buf_add(to, value, size);
    }
}

static inline void script_start(struct buf *to, char *line)
{
    char *version = script_cut(&line, ' ');
    long major = strtol(version, &version, 10);
    int minor = *version ? atoi(version + 1) : 0;
    size_t begun = pg_begin(to, 0);

    pg_put_int32(to, (int32_t)((uint32_t)major << 16 | (uint32_t)minor));
    while (*line) {
        char *pair = script_cut(&line, '|');

        pg_put_text(to, script_cut(&pair, '='));
        pg_put_text(to, pair);
    }
    pg_put_byte(to, 0);
    pg_end(to, begun);
}

static inline void script_raw(struct buf *to, const char *hex)
{
    while (hex[0] && hex[1]) {
        char digits[3] = { hex[0], hex[1], '\0' };

        buf_add_char(to, (char)strtol(digits, NULL, 16));
        hex += 2;
        hex += *hex == ' ';
    }
}

static inline void script_parse(struct buf *to, char *line)
{
    pg_put_text(to, script_cut(&line, '|'));
    pg_put_text(to, script_cut(&line, '|'));
    script_numbers(to, line, true);
}

static inline void script_bind(struct buf *to, char *line)
{
    pg_put_text(to, script_cut(&line, '|'));
    pg_put_text(to, script_cut(&line, '|'));
    script_numbers(to, script_cut(&line, '|'), false);
    script_values(to, script_cut(&line, '|'));
    script_numbers(to, line, false);
}

static inline void script_message(struct buf *to, char type, char *line)
{
    size_t begun = pg_begin(to, type);

    if (type == 'P')
        script_parse(to, line);
    else if (type == 'B')
        script_bind(to, line);
    else if (type == 'D' || type == 'C') {
        pg_put_byte(to, line[0]);
        pg_put_text(to, line[0] && line[1] ? line + 2 : "");
    } else if (type == 'E') {
        pg_put_text(to, script_cut(&line, '|'));
        pg_put_int32(to, atoi(line));
    } else if (type == 'd')
        buf_add(to, line, script_unescape(line));
    else if (type == 'Q' || type == 'f') {
        script_unescape(line);
        pg_put_text(to, line);
    }
    pg_end(to, begun);
}

/* One line; `line` is used up. */
static inline void script_line(struct buf *to, char *line)
{
    char type = line[0];

    line += strlen(line) > 1 ? 2 : 1;
    if (type == '0')
        script_start(to, line);
    else if (type == 'x' || type == 'y')
        script_raw(to, line);
    else
        script_message(to, type, line);
}

/* ---- messages to text */

static inline void reply_bytes(struct buf *to, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] >= 0x20 && data[i] < 0x7f)
            buf_add_char(to, data[i]);
        else if (data[i] == '\n' || data[i] == '\t')
            buf_add_text(to, data[i] == '\n' ? "\\n" : "\\t");
        else
            buf_printf(to, "\\x%02x", (unsigned char)data[i]);
}

static inline void reply_error(struct buf *to, const struct pg_frame *frame)
{
    struct pg_error error;

    if (pg_read_error(frame, &error) < 0) {
        buf_add_text(to, "?");
        return;
    }
    buf_printf(to, "%s %s %s", error.severity, error.sqlstate, error.message);
    if (error.position > 0)
        buf_printf(to, " @%d", error.position);
    if (error.detail)
        buf_printf(to, "; %s", error.detail);
    if (error.hint)
        buf_printf(to, "; hint: %s", error.hint);
    if (error.where)
        buf_printf(to, "; in %s", error.where);
}

static inline void reply_columns(struct buf *to, struct pg_body *body)
{
    int count = pg_get_int16(body);

    for (int i = 0; i < count && !body->failed; i++) {
        const char *name = pg_get_text(body);
        int32_t table = pg_get_int32(body);
        int number = pg_get_int16(body), format, modifier;
        int32_t type = pg_get_int32(body);

        pg_get_int16(body);
        modifier = pg_get_int32(body);
        format = pg_get_int16(body);
        buf_printf(to, "%s%s:%d", i ? ", " : "", name, type);
        if (table)
            buf_printf(to, "@%d", number);
        if (modifier != -1)
            buf_printf(to, "(%d)", modifier);
        if (format)
            buf_printf(to, "/%d", format);
    }
}

static inline void reply_row(struct buf *to, struct pg_body *body)
{
    int count = pg_get_int16(body);

    for (int i = 0; i < count && !body->failed; i++) {
        int32_t size = pg_get_int32(body);
        const char *data = size >= 0 ? pg_get_bytes(body, (size_t)size) : NULL;

        buf_add_text(to, i ? ", " : "");
        if (data)
            reply_bytes(to, data, (size_t)size);
        else
            buf_add_text(to, "NULL");
    }
}

static inline void reply_numbers(struct buf *to, struct pg_body *body, bool wide)
{
    int count = pg_get_int16(body);

    for (int i = 0; i < count && !body->failed; i++)
        buf_printf(to, "%s%d", i ? "," : "", wide ? pg_get_int32(body) : pg_get_int16(body));
}

static inline void reply_status(struct buf *to, struct pg_body *body)
{
    const char *name = pg_get_text(body), *value = pg_get_text(body);

    buf_printf(to, "%s=%s", name, strcmp(name, "server_version") == 0 ? "..." : value);
}

static inline void reply_body(struct buf *to, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);

    switch (frame->type) {
    case 'E':
    case 'N':
        reply_error(to, frame);
        break;
    case 'T':
        reply_columns(to, &body);
        break;
    case 'D':
        reply_row(to, &body);
        break;
    case 't':
        reply_numbers(to, &body, true);
        break;
    case 'G':
    case 'H':
        buf_printf(to, "%d|", pg_get_byte(&body));
        reply_numbers(to, &body, false);
        break;
    case 'S':
        reply_status(to, &body);
        break;
    case 'R':
        buf_printf(to, "%d", pg_get_int32(&body));
        break;
    case 'v':
        buf_printf(to, "%x", (unsigned)pg_get_int32(&body));
        for (int n = pg_get_int32(&body); n > 0 && !body.failed; n--)
            buf_printf(to, " %s", pg_get_text(&body));
        break;
    case 'A':
        pg_get_int32(&body);
        buf_printf(to, "%s", pg_get_text(&body));
        buf_printf(to, ": %s", pg_get_text(&body));
        break;
    case 'K':
        break;
    default:
        reply_bytes(to, frame->body,
                    frame->size && !frame->body[frame->size - 1] ? frame->size - 1
                                                                 : frame->size);
    }
}

/* How many bytes in front are answers to requests for encryption: no message. */
static inline size_t reply_encryption(const char *data, size_t size)
{
    size_t count = 0;

    while (count < size && data[count] == 'N' && (count + 1 == size || data[count + 1]))
        count++;
    return count;
}

/* All whole messages in `data`, each with a blank behind it. */
static inline void reply_text(struct buf *to, const void *data, size_t size)
{
    struct pg_reader reader;
    struct pg_frame frame;
    enum pg_step step;
    size_t single = reply_encryption(data, size);

    pg_reader_init(&reader, true);
    for (size_t i = 0; i < single; i++)
        buf_add_text(to, "no ");
    pg_feed(&reader, (const char *)data + single, size - single);
    while ((step = pg_next(&reader, &frame)) == PG_FRAME) {
        buf_add_char(to, frame.type);
        if (frame.size > 0) {
            buf_add_char(to, '(');
            reply_body(to, &frame);
            buf_add_char(to, ')');
        }
        buf_add_char(to, ' ');
    }
    if (step == PG_WRONG || reader.at < reader.in.size) {
        buf_add_char(to, '?');
        reply_bytes(to, reader.in.data + reader.at, reader.in.size - reader.at);
        buf_add_char(to, ' ');
    }
    pg_reader_fini(&reader);
}

#endif

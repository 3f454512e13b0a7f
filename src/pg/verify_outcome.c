/* pg/verify_outcome.c - what came of a statement, read from the server's messages; see verify.h. */

#include <stdlib.h>
#include <string.h>

#include "pg/verify.h"
#include "test/quote.h"

enum { SHOWN_VALUE = 60 }; /* columns of an argument that are shown */

static void take_tag(const struct pg_frame *frame, struct pg_outcome *ret)
{
    struct pg_body body = pg_body(frame);

    ret->tag = pg_get_text(&body);
}

/* Whether this message is the last one of an outcome. */
static bool take(const struct pg_message *message, struct pg_outcome *ret)
{
    const struct pg_frame *frame = &message->frame;

    switch (frame->type) {
    case 'T':
    case 'n':
        ret->columns = frame;
        return false;
    case 'D':
        if (ret->row_count++ == 0)
            ret->rows = message;
        return false;
    case 'E':
        pg_read_error(frame, &ret->error);
        break;
    case 'C':
        take_tag(frame, ret);
        break;
    case 'I':
    case 's':
    case 'G':
        break;
    default:
        return false;
    }
    ret->end = frame->type;
    return true;
}

bool pg_outcome_next(const struct pg_message **at, struct pg_outcome *ret)
{
    *ret = (struct pg_outcome){ 0 };
    while (*at && !ret->end) {
        const struct pg_message *message = *at;

        *at = message->next;
        take(message, ret);
    }
    return ret->end != 0;
}

size_t pg_row_cells(const struct pg_frame *row, struct arena *arena, struct pg_cell **ret)
{
    struct pg_body body = pg_body(row);
    size_t count = (size_t)pg_get_int16(&body);
    struct pg_cell *cells = arena_zero(arena, (count + 1) * sizeof *cells);

    for (size_t i = 0; i < count && !body.failed; i++) {
        int32_t size = pg_get_int32(&body);
        const char *bytes = size < 0 ? NULL : pg_get_bytes(&body, (size_t)size);

        cells[i].size = bytes ? (size_t)size : 0;
        cells[i].text = bytes ? arena_copy(arena, bytes, cells[i].size) : NULL;
    }
    *ret = cells;
    return body.failed ? 0 : count;
}

size_t pg_row_description(const struct pg_frame *frame, struct arena *arena,
                          struct pg_column **ret)
{
    struct pg_body body = pg_body(frame);
    size_t count = frame->type == 'T' ? (size_t)pg_get_int16(&body) : 0;
    struct pg_column *columns = arena_zero(arena, (count + 1) * sizeof *columns);

    for (size_t i = 0; i < count && !body.failed; i++) {
        struct pg_column *column = &columns[i];

        column->name = pg_get_text(&body);
        column->table = (uint32_t)pg_get_int32(&body);
        column->number = pg_get_int16(&body);
        column->type = (uint32_t)pg_get_int32(&body);
        column->type_size = pg_get_int16(&body);
        column->modifier = pg_get_int32(&body);
        column->format = pg_get_int16(&body);
    }
    *ret = columns;
    return body.failed ? 0 : count;
}

long pg_tag_count(const char *tag, size_t *ret_words)
{
    const char *blank = strrchr(tag, ' ');
    char *end = NULL;
    long count = blank ? strtol(blank + 1, &end, 10) : -1;

    if (!end || *end || end == blank + 1) {
        *ret_words = strlen(tag);
        return -1;
    }
    *ret_words = (size_t)(blank - tag);
    if (strncmp(tag, "INSERT ", 7) == 0) /* "INSERT 0 1": the OID is no word of it */
        *ret_words = 6;
    return count;
}

/* ---- arguments */

static bool is_number(const char *text, size_t size)
{
    size_t at = size > 0 && text[0] == '-';
    size_t digits = 0;

    for (; at < size; at++)
        if (text[at] >= '0' && text[at] <= '9')
            digits++;
        else if (text[at] != '.')
            return false;
    return digits > 0;
}

static void add_argument(struct buf *to, const char *bytes, size_t size, int format)
{
    if (!bytes)
        buf_add_text(to, "NULL");
    else if (format == 1) {
        buf_add_text(to, "\\x");
        for (size_t i = 0; i < size && i < SHOWN_VALUE / 2; i++)
            buf_printf(to, "%02x", (unsigned char)bytes[i]);
    } else if (is_number(bytes, size))
        buf_add(to, bytes, size);
    else
        quote_add_head(to, bytes, size, SHOWN_VALUE, '\'');
}

const char *verify_arguments(struct arena *arena, const struct pg_frame *bind)
{
    struct buf words = BUF_INIT(64 << 10);
    struct pg_body body = pg_body(bind);
    const char *text;
    int formats, count;
    int *format;

    pg_get_text(&body);
    pg_get_text(&body);
    formats = pg_get_int16(&body);
    format = arena_zero(arena, ((size_t)formats + 1) * sizeof *format);
    for (int i = 0; i < formats; i++)
        format[i] = pg_get_int16(&body);
    count = pg_get_int16(&body);
    for (int i = 0; i < count && !body.failed; i++) {
        int32_t size = pg_get_int32(&body);
        const char *bytes = size < 0 ? NULL : pg_get_bytes(&body, (size_t)size);

        buf_add_text(&words, i > 0 ? ", " : "");
        add_argument(&words, bytes, bytes ? (size_t)size : 0,
                     formats == 0   ? 0
                     : formats == 1 ? format[0]
                     : i < formats  ? format[i]
                                    : 0);
    }
    text = words.size > 0 ? arena_dup(arena, buf_text(&words)) : NULL;
    buf_fini(&words);
    return text;
}

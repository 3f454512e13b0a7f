/* http/cassette_file.c - recorded exchanges as lines of JSON; see cassette.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "http/cassette.h"
#include "http/match_coding.h"

#include "base/hostile.h"

enum { FILE_MAX = 256 << 20 };

/* {"request":{"method":"POST","target":"/v1/charges","body":"..."},
 *  "answer":{"status":200,"fields":[["Content-Type","application/json"]],"body":"..."}}
 * A body that is no text stands as "base64" instead of "body". */

/* ---- writing */

static void add_text(struct buf *to, const char *text, size_t size)
{
    json_node_write(
        to, &(struct json_node){ .kind = NODE_STRING, .count = (uint32_t)size, .text = text },
        0);
}

/* How many bytes of well-formed UTF-8 a character has; 0: it is none. */
static size_t character_size(const unsigned char *at, size_t left)
{
    size_t size = *at < 0x80                  ? 1
                  : *at >= 0xc2 && *at < 0xe0 ? 2
                  : *at >= 0xe0 && *at < 0xf0 ? 3
                  : *at >= 0xf0 && *at < 0xf5 ? 4
                                              : 0;

    if (size == 0 || size > left || *at == 0)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
        (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

static bool is_text(const char *data, size_t size)
{
    for (size_t at = 0, step; at < size; at += step) {
        step = character_size((const unsigned char *)data + at, size - at);
        if (step == 0)
            return false;
    }
    return true;
}

static void add_base64(struct buf *to, const char *data, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t at = 0; at < size; at += 3) {
        uint32_t bits = (uint32_t)(unsigned char)data[at] << 16;

        bits |= at + 1 < size ? (uint32_t)(unsigned char)data[at + 1] << 8 : 0;
        bits |= at + 2 < size ? (uint32_t)(unsigned char)data[at + 2] : 0;
        buf_add_char(to, digits[bits >> 18]);
        buf_add_char(to, digits[bits >> 12 & 63]);
        buf_add_char(to, at + 1 < size ? digits[bits >> 6 & 63] : '=');
        buf_add_char(to, at + 2 < size ? digits[bits & 63] : '=');
    }
}

static void add_body(struct buf *to, const char *body, size_t size)
{
    if (size == 0)
        return;
    if (is_text(body, size)) {
        buf_add_text(to, ",\"body\":");
        add_text(to, body, size);
    } else {
        buf_add_text(to, ",\"base64\":\"");
        add_base64(to, body, size);
        buf_add_char(to, '"');
    }
}

static void add_fields(struct buf *to, const struct http_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        buf_add_text(to, i > 0 ? ",[" : "[");
        add_text(to, fields->at[i].name, strlen(fields->at[i].name));
        buf_add_char(to, ',');
        add_text(to, fields->at[i].value, strlen(fields->at[i].value));
        buf_add_char(to, ']');
    }
}

static void add_line(struct buf *to, const struct tape *tape)
{
    buf_add_text(to, "{\"request\":{\"method\":");
    add_text(to, tape->method, strlen(tape->method));
    buf_add_text(to, ",\"target\":");
    add_text(to, tape->target, strlen(tape->target));
    add_body(to, tape->body, tape->body_size);
    buf_printf(to, "},\"answer\":{\"status\":%d,\"fields\":[", tape->answer.status);
    add_fields(to, &tape->answer.fields);
    buf_add_char(to, ']');
    add_body(to, tape->answer.body, tape->answer.body_size);
    buf_add_text(to, "}}\n");
}

static int write_file(const struct cassette *cassette, const struct buf *data, struct err *err)
{
    const char *slash = strrchr(cassette->path, '/');
    char *folder = strndup(cassette->path, (size_t)(slash - cassette->path));
    int r = folder ? io_make_folders(folder, 0777) : -ENOMEM;

    free(folder);
    if (r == 0)
        r = io_write_file(cassette->path, buf_text(data), data->size);
    return r < 0 ? err_system(err, r, "cannot write the recording '%s'", cassette->path) : 0;
}

int cassette_write(const struct cassette *cassette, size_t *ret_count, struct err *err)
{
    struct buf data = BUF_INIT(FILE_MAX);
    size_t count = 0;
    int r;

    for (size_t i = 0; i < cassette->count; i++) {
        if (cassette->tapes[i]->answer.status == 0)
            continue;
        add_line(&data, cassette->tapes[i]);
        count++;
    }
    if (data.failed)
        r = err_set(err, -EFBIG, "the recording '%s' would be larger than %d MB",
                    cassette->file, FILE_MAX >> 20);
    else
        r = write_file(cassette, &data, err);
    buf_fini(&data);
    if (r == 0)
        *ret_count = count;
    return r;
}

/* ---- reading */

static const char *text_of(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_node_member(object, key);

    return node && node->kind == NODE_STRING ? node->text : NULL;
}

/* false: there is a body, but it cannot be read. */
static bool read_body(struct arena *arena, const struct json_node *object, const char **ret,
                      size_t *ret_size)
{
    const struct json_node *text = json_node_member(object, "body");
    const struct json_node *coded = json_node_member(object, "base64");

    *ret = "";
    *ret_size = 0;
    if (text && text->kind == NODE_STRING) {
        *ret = text->text;
        *ret_size = text->count;
    } else if (coded && coded->kind == NODE_STRING) {
        *ret = coding_unbase64(arena, coded->text, coded->count, ret_size);
    } else {
        return !text && !coded;
    }
    return *ret != NULL;
}

static bool read_fields(struct arena *arena, const struct json_node *list,
                        struct http_fields *ret)
{
    struct http_field *at;

    if (!list || list->kind != NODE_ARRAY)
        return false;
    at = arena_zero(arena, (list->count + 1) * sizeof *at);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct json_node *pair = &list->items[i];

        if (pair->kind != NODE_ARRAY || pair->count != 2 ||
            pair->items[0].kind != NODE_STRING || pair->items[1].kind != NODE_STRING)
            return false;
        at[i] = (struct http_field){ pair->items[0].text, pair->items[1].text };
    }
    *ret = (struct http_fields){ at, list->count };
    return true;
}

/* What is missing or wrong in a line; NULL when nothing is. */
static const char *read_tape(struct arena *arena, const struct json_node *line,
                             struct tape *tape)
{
    const struct json_node *request = json_node_member(line, "request");
    const struct json_node *answer = json_node_member(line, "answer");
    const struct json_node *status = answer ? json_node_member(answer, "status") : NULL;

    tape->method = request ? text_of(request, "method") : NULL;
    tape->target = request ? text_of(request, "target") : NULL;
    if (!tape->method || !tape->target)
        return "it has no request with method and target";
    if (!read_body(arena, request, &tape->body, &tape->body_size))
        return "the body of its request cannot be read";
    if (!status || status->kind != NODE_INTEGER || status->integer < 200 ||
        status->integer > 999)
        return "it has no answer with a status";
    tape->answer = (struct http_message){ .status = (int)status->integer,
                                          .reason = http_reason((int)status->integer),
                                          .minor = 1,
                                          .keep_alive = true };
    if (!read_fields(arena, json_node_member(answer, "fields"), &tape->answer.fields))
        return "the fields of its answer are no list of pairs";
    if (!read_body(arena, answer, &tape->answer.body, &tape->answer.body_size))
        return "the body of its answer cannot be read";
    return NULL;
}

static int read_line(struct cassette *cassette, int number, const char *text, size_t size,
                     struct err *err)
{
    const struct json_node *line;
    struct tape *tape;
    const char *wrong;
    struct err why;

    if (json_node_parse(&cassette->arena, "it", text, size, false, &line, &why) < 0)
        return err_set(err, -EINVAL, "%s:%d: %s", cassette->file, number, why.text);
    tape = cassette_add(cassette);
    tape->line = number;
    wrong = read_tape(&cassette->arena, line, tape);
    return wrong ? err_set(err, -EINVAL, "%s:%d: %s", cassette->file, number, wrong) : 0;
}

int cassette_read(struct cassette *cassette, struct err *err)
{
    struct buf data = BUF_INIT(FILE_MAX);
    int r = io_read_file(cassette->path, &data);
    const char *at = buf_text(&data), *end = at + data.size;
    int number = 0;

    if (r < 0)
        err_system(err, r, "cannot read the recording '%s'", cassette->path);
    while (r == 0 && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((newline ? newline : end) - at);

        number++;
        if (size > 0)
            r = read_line(cassette, number, at, size, err);
        at += size + 1;
    }
    buf_fini(&data);
    return r;
}

/* http/cassette_compare.c - a request beside a recorded one, a real answer beside a recorded one. */

#include <string.h>
#include <strings.h>

#include "http/cassette.h"
#include "test/mask.h"

enum { COLUMNS = 60, ROWS_MAX = 20, JSON_COLUMNS = 60 };

static bool is_json(struct arena *arena, const char *body, size_t size,
                    const struct json_node **ret)
{
    return size > 0 && json_node_parse(arena, "body", body, size, false, ret, NULL) == 0;
}

static bool same_bytes(const struct tape *tape, const struct http_message *request)
{
    return tape->body_size == request->body_size &&
           memcmp(tape->body, request->body, tape->body_size) == 0;
}

static struct json_want want_of(const struct cassette *cassette, const struct json_node *root)
{
    return (struct json_want){ .root = root,
                               .ignore = cassette->redaction.pointers,
                               .ignore_count = cassette->redaction.pointer_count };
}

bool cassette_same_body(const struct cassette *cassette, struct arena *arena,
                        const struct tape *tape, const struct http_message *request)
{
    const struct json_node *want, *got;
    struct json_want wanted;

    if (tape->body_size == 0 || request->body_size == 0)
        return tape->body_size == request->body_size;
    if (same_bytes(tape, request))
        return true;
    if (!is_json(arena, tape->body, tape->body_size, &want) ||
        !is_json(arena, request->body, request->body_size, &got))
        return false;
    wanted = want_of(cassette, want);
    return json_want_holds(&wanted, got);
}

/* ---- what differs */

struct rows {
    struct buf *to;
    int count;
};

static void add_side(struct buf *to, const char *text)
{
    size_t size = text ? strcspn(text, "\r\n") : 0;
    struct buf shown = BUF_INIT(2 * size + 64); /* "k=" may become "k=***" */

    mask_text(&shown, text, size);
    if (!text)
        buf_add_text(to, "(absent)");
    else if (shown.failed)
        buf_add_text(to, "***");
    else if (shown.size > COLUMNS)
        buf_printf(to, "%.*s...", COLUMNS - 3, buf_text(&shown));
    else
        buf_add(to, buf_text(&shown), shown.size);
    buf_fini(&shown);
}

static void add_row(struct rows *rows, const char *what, const char *recorded, const char *now)
{
    if (rows->count++ >= ROWS_MAX)
        return;
    buf_printf(rows->to, "%s  ", what);
    add_side(rows->to, recorded);
    buf_add_text(rows->to, " | ");
    add_side(rows->to, now);
    buf_add_char(rows->to, '\n');
}

static void end_rows(struct rows *rows)
{
    if (rows->count > ROWS_MAX)
        buf_printf(rows->to, "... and %d more\n", rows->count - ROWS_MAX);
}

static void write_node(struct buf *to, const char *path, const struct json_node *node)
{
    if (node && mask_is_secret_path(path))
        buf_add_text(to, "***");
    else if (node)
        json_node_write(to, node, JSON_COLUMNS);
}

static void json_row(void *arg, const char *path, const struct json_node *want,
                     const struct json_node *got, bool same)
{
    struct buf what = BUF_INIT(1024), sides[2] = { BUF_INIT(4096), BUF_INIT(4096) };

    if (same)
        return;
    buf_printf(&what, "json %.500s", path);
    write_node(&sides[0], path, want);
    write_node(&sides[1], path, got);
    add_row(arg, buf_text(&what), want ? buf_text(&sides[0]) : NULL,
            got ? buf_text(&sides[1]) : NULL);
    buf_fini(&what);
    buf_fini(&sides[0]);
    buf_fini(&sides[1]);
}

void cassette_show_difference(const struct cassette *cassette, struct arena *arena,
                              const struct tape *tape, const struct http_message *request,
                              struct buf *to)
{
    const char *target = cassette_redact_target(&cassette->redaction, arena, request->target);
    const struct json_node *want, *got;
    struct rows rows = { .to = to };
    struct json_want wanted;

    if (strcmp(tape->target, target) != 0)
        add_row(&rows, "target", tape->target, target);
    if (cassette_same_body(cassette, arena, tape, request))
        return;
    if (is_json(arena, tape->body, tape->body_size, &want) &&
        is_json(arena, request->body, request->body_size, &got)) {
        wanted = want_of(cassette, want);
        json_want_rows(&wanted, got, json_row, &rows);
    } else {
        add_row(&rows, "body", tape->body_size ? tape->body : NULL,
                request->body_size ? request->body : NULL);
    }
    end_rows(&rows);
}

/* ---- the real origin today */

/* Fields that a program acts on; others, such as Date, are new with each answer. */
static const char *const fields_that_matter[] = { "Allow", "Content-Encoding", "Content-Type",
                                                  "Location", "WWW-Authenticate" };

static const char *kind_of(const struct json_node *node)
{
    switch (node->kind) {
    case NODE_NULL:
        return "null";
    case NODE_FALSE:
    case NODE_TRUE:
        return "a boolean";
    case NODE_INTEGER:
    case NODE_BIG:
    case NODE_REAL:
        return "a number";
    case NODE_STRING:
        return "a string";
    case NODE_ARRAY:
        return "an array";
    case NODE_OBJECT:
        return "an object";
    }
    return "nothing";
}

static void compare_shape(struct rows *rows, const char *path, const struct json_node *recorded,
                          const struct json_node *now);

/* Members that came new are no other shape: a program reads what it knows. */
static void compare_members(struct rows *rows, const char *path,
                            const struct json_node *recorded, const struct json_node *now)
{
    for (uint32_t i = 0; i < recorded->count; i++) {
        const struct json_member *member = &recorded->members[i];
        const struct json_node *other = json_node_member(now, member->key);
        struct buf below = BUF_INIT(4096);

        buf_printf(&below, "%s.%s", path, member->key);
        if (other)
            compare_shape(rows, buf_text(&below), &member->node, other);
        else
            add_row(rows, buf_text(&below), kind_of(&member->node), NULL);
        buf_fini(&below);
    }
}

/* Where one of both is null it is not known what the other may be; of arrays the first elements speak. */
static void compare_shape(struct rows *rows, const char *path, const struct json_node *recorded,
                          const struct json_node *now)
{
    if (recorded->kind == NODE_NULL || now->kind == NODE_NULL)
        return;
    if (strcmp(kind_of(recorded), kind_of(now)) != 0) {
        add_row(rows, path, kind_of(recorded), kind_of(now));
    } else if (recorded->kind == NODE_OBJECT) {
        compare_members(rows, path, recorded, now);
    } else if (recorded->kind == NODE_ARRAY && recorded->count > 0 && now->count > 0) {
        struct buf below = BUF_INIT(4096);

        buf_printf(&below, "%s[0]", path);
        compare_shape(rows, buf_text(&below), &recorded->items[0], &now->items[0]);
        buf_fini(&below);
    }
}

static void compare_fields(const struct cassette *cassette, struct rows *rows,
                           const struct http_fields *recorded, const struct http_fields *now)
{
    for (size_t i = 0; i < sizeof fields_that_matter / sizeof *fields_that_matter; i++) {
        const char *name = fields_that_matter[i];
        const char *was = http_value(recorded, name), *is = http_value(now, name);
        bool hidden = false;

        for (const char *const *at = cassette->redaction.headers; *at; at++)
            hidden |= strcasecmp(*at, name) == 0;
        if (!hidden && (was || is) && (!was || !is || strcmp(was, is) != 0))
            add_row(rows, name, was, is);
    }
}

void cassette_compare(const struct cassette *cassette, struct arena *arena,
                      const struct tape *tape, const struct http_message *now, struct buf *to)
{
    const struct http_message *recorded = &tape->answer;
    const struct json_node *was, *is;
    struct rows rows = { .to = to };

    if (recorded->status != now->status)
        add_row(&rows, "status", arena_printf(arena, "%d", recorded->status),
                arena_printf(arena, "%d", now->status));
    compare_fields(cassette, &rows, &recorded->fields, &now->fields);
    if (is_json(arena, recorded->body, recorded->body_size, &was)) {
        if (is_json(arena, now->body, now->body_size, &is))
            compare_shape(&rows, "$", was, is);
        else
            add_row(&rows, "body", "JSON", "no JSON");
    }
    end_rows(&rows);
}

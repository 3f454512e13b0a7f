/* fake/message_rows.c - a match and a message side by side; see message_match.h. */

#include "fake/message_rows.h"

#include <string.h>

#include "fake/message_key.h"
#include "test/beside.h"
#include "test/mask.h"
#include "test/quote.h"

enum {
    WEIGHT_ROW = 1000,
    WEIGHT_KEY = 4 * WEIGHT_ROW, /* what is sent where says most */
    JSON_ROWS_MAX = 20,
    TABLE_MAX = 1 << 20
};

static const char absent[] = "(absent)";

struct rows {
    const struct message_match *match;
    const seam_message *message;
    struct arena *arena;
    struct beside table;
    size_t weight;
    size_t json_rows, json_same, json_shown;
    bool differs;
};

static void add(struct rows *rows, const char *kind, const char *want, const char *got,
                bool holds)
{
    rows->differs |= !holds;
    rows->weight += holds ? WEIGHT_ROW : 0;
    beside_add(&rows->table, kind, want, got, holds ? BESIDE_OK : BESIDE_DIFFERS);
}

/* ---- texts ------------------------------------------------------------------------------- */

/* A text without secrets, of which that part is shown that differs from `other`. */
static const char *cell(struct rows *rows, const char *prefix, const char *text, size_t size,
                        const char *other, char delimiter)
{
    struct buf masked = BUF_INIT(2 * size + 64);
    const char *shown;

    if (!text)
        return absent;
    mask_text(&masked, text, size);
    shown = masked.failed ? "***"
                          : beside_value(rows->arena, prefix, buf_text(&masked), masked.size,
                                         other, other ? strlen(other) : 0, delimiter);
    buf_fini(&masked);
    return shown;
}

static void add_text(struct rows *rows, const char *kind, const char *want, const char *got)
{
    if (want)
        add(rows, kind, cell(rows, "", want, strlen(want), got, 0),
            cell(rows, "", got, got ? strlen(got) : 0, want, 0), got && strcmp(want, got) == 0);
}

/* How much of two texts is the same at their beginning and their end. */
static size_t likeness(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    size_t most = a_size < b_size ? a_size : b_size, longer = a_size + b_size - most;
    size_t head = 0, tail = 0;

    while (head < most && a[head] == b[head])
        head++;
    while (tail < most - head && a[a_size - 1 - tail] == b[b_size - 1 - tail])
        tail++;
    return longer > 0 ? (head + tail) * WEIGHT_KEY / 2 / longer : 0;
}

static void add_key(struct rows *rows)
{
    const seam_message_match *want = &rows->match->want;
    const char *key = rows->message->routing_key;
    bool holds = want->routing_key
                     ? strcmp(want->routing_key, key) == 0
                     : want->key_pattern && message_key_matches(want->key_pattern, key);

    add_text(rows, "key", want->routing_key, key);
    if (want->key_pattern)
        add(rows, "key", cell(rows, "", want->key_pattern, strlen(want->key_pattern), NULL, 0),
            cell(rows, "", key, strlen(key), NULL, 0), holds);
    if (holds)
        rows->weight += WEIGHT_KEY;
    else if (want->routing_key || want->key_pattern)
        rows->weight +=
            likeness(want->routing_key ? want->routing_key : want->key_pattern, key);
}

static const char *header_cell(struct rows *rows, const char *name, const char *value,
                               const char *other)
{
    bool differs = !other || !value || strcmp(value, other) != 0;

    if (!value)
        return absent;
    if (mask_is_secret(name, strlen(name)))
        return arena_printf(rows->arena, "%s: %s", name,
                            beside_secret(rows->arena, value, strlen(value), differs));
    return cell(rows, arena_printf(rows->arena, "%s: ", name), value, strlen(value), other, 0);
}

static void add_headers(struct rows *rows)
{
    const seam_message_header *headers = rows->match->want.headers;
    size_t count = sizeof rows->match->want.headers / sizeof *headers;

    for (size_t i = 0; i < count && headers[i].name; i++) {
        const char *got = seam_message_header_value(rows->message, headers[i].name);
        const char *want = headers[i].value;

        add(rows, "header",
            want ? header_cell(rows, headers[i].name, want, got)
                 : arena_printf(rows->arena, "%s: (any)", headers[i].name),
            header_cell(rows, headers[i].name, got, want),
            got && (!want || strcmp(want, got) == 0));
    }
}

static void add_body(struct rows *rows)
{
    const seam_message_match *want = &rows->match->want;
    const char *body = rows->message->body;
    size_t size = rows->message->size;

    if (want->text)
        add(rows, "body", cell(rows, "", want->text, strlen(want->text), body, '"'),
            cell(rows, "", body, size, want->text, '"'),
            strlen(want->text) == size && memcmp(want->text, body, size) == 0);
    if (want->contains)
        add(rows, "body",
            cell(rows, "contains ", want->contains, strlen(want->contains), NULL, '"'),
            cell(rows, "", body, size, NULL, '"'),
            memmem(body, size, want->contains, strlen(want->contains)));
    if (want->pattern)
        add(rows, "body", cell(rows, "~ ", want->pattern, strlen(want->pattern), NULL, 0),
            cell(rows, "", body, size, NULL, '"'),
            match_pattern_found(rows->match->pattern, body, size, NULL));
}

/* ---- JSON -------------------------------------------------------------------------------- */

static const char *node_cell(struct rows *rows, const char *path, const struct json_node *node,
                             bool differs)
{
    struct buf text = BUF_INIT(4096);
    const char *shown;

    if (!node)
        return absent;
    if (mask_is_secret_path(path) && node->kind == NODE_STRING)
        return beside_secret(rows->arena, node->text, node->count, differs);
    if (mask_is_secret_path(path))
        return "***";
    json_node_write(&text, node, BESIDE_COLUMNS);
    shown = cell(rows, "", buf_text(&text), text.size, NULL, 0);
    buf_fini(&text);
    return shown;
}

/* Of many rows those that differ. */
static void take_json(void *arg, const char *path, const struct json_node *want,
                      const struct json_node *got, bool same)
{
    struct rows *rows = arg;
    const char *name;

    rows->json_rows++;
    rows->json_same += same;
    if (rows->json_shown >= JSON_ROWS_MAX || (same && rows->json_shown >= JSON_ROWS_MAX / 2))
        return;
    rows->json_shown++;
    name = beside_value(rows->arena, "", path, strlen(path), NULL, 0, 0);
    beside_add(&rows->table, "json",
               arena_printf(rows->arena, "%s  %s", name, node_cell(rows, path, want, !same)),
               node_cell(rows, path, got, !same), same ? BESIDE_OK : BESIDE_DIFFERS);
}

static void add_json(struct rows *rows)
{
    const struct json_want *want = &rows->match->json;
    const struct json_node *got;
    struct err err;

    if (!want->root)
        return;
    if (json_node_parse(rows->arena, "body", rows->message->body, rows->message->size, false,
                        &got, &err) < 0) {
        err.text[strcspn(err.text, "\n")] = '\0';
        add(rows, "json", node_cell(rows, "", want->root, true),
            beside_value(rows->arena, "", err.text, strlen(err.text), NULL, 0, 0), false);
        return;
    }
    json_want_rows(want, got, take_json, rows);
    rows->differs |= rows->json_same < rows->json_rows;
    rows->weight +=
        rows->json_rows ? WEIGHT_ROW * rows->json_same / rows->json_rows : WEIGHT_ROW;
    if (rows->json_rows > rows->json_shown)
        beside_add(
            &rows->table, "json",
            arena_printf(rows->arena, "... and %zu more", rows->json_rows - rows->json_shown),
            "", BESIDE_UNKNOWN);
}

/* ---- */

static void make(struct rows *rows, const struct message_match *match,
                 const seam_message *message, struct arena *arena)
{
    const seam_message_match *want = &match->want;

    *rows = (struct rows){ .match = match, .message = message, .arena = arena };
    rows->table = (struct beside){ "expected", "published", BUF_INIT(TABLE_MAX) };
    add_text(rows, "exchange", want->exchange, message->exchange);
    add_key(rows);
    add_text(rows, "type", want->content_type, message->content_type);
    add_text(rows, "id", want->message_id, message->message_id);
    add_headers(rows);
    add_body(rows);
    add_json(rows);
    if (want->fn)
        beside_add(&rows->table, "fn", "(function)", rows->differs ? "(not asked)" : "said no",
                   rows->differs ? BESIDE_UNKNOWN : BESIDE_DIFFERS);
}

size_t message_match_weight(const struct message_match *match, const seam_message *message,
                            struct arena *arena)
{
    struct rows rows;

    make(&rows, match, message, arena);
    buf_fini(&rows.table.rows);
    return rows.weight;
}

void message_match_beside(const struct message_match *match, const seam_message *message,
                          struct arena *arena, struct buf *to)
{
    struct rows rows;

    make(&rows, match, message, arena);
    beside_write(&rows.table, to);
    buf_fini(&rows.table.rows);
}

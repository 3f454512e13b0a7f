/* http/nearest_row.c - what a table shows for each kind of condition; see nearest.h. */

#include <string.h>

#include "http/nearest.h"
#include "test/mask.h"
#include "test/quote.h"

enum { JSON_ROWS_MAX = 20 };

static const char *const kinds[] = {
    [CONDITION_QUERY] = "query",        [CONDITION_HEADER] = "header",
    [CONDITION_COOKIE] = "cookie",      [CONDITION_FORM] = "form",
    [CONDITION_MULTIPART] = "part",     [CONDITION_NO_OTHER_QUERY] = "query",
    [CONDITION_BASIC] = "auth",         [CONDITION_BODY] = "body",
    [CONDITION_BODY_CONTAINS] = "body", [CONDITION_BODY_PATTERN] = "body",
    [CONDITION_JSON] = "json",          [CONDITION_JSON_AT] = "json",
};

static const char absent[] = "(absent)";

static enum beside_mark mark_of(bool holds)
{
    return holds ? BESIDE_OK : BESIDE_DIFFERS;
}

/* ---- secrets ----------------------------------------------------------------------------- */

static bool is_secret(const struct condition *condition)
{
    return condition->part == CONDITION_COOKIE ||
           mask_is_secret(condition->name, strlen(condition->name));
}

/* "Bearer ***": what is no secret of a header's value stays. `value` may have no NUL behind it. */
static const char *masked(struct arena *arena, const struct condition *condition,
                          const char *prefix, const char *value, size_t size, bool differs)
{
    const char *text = arena_copy(arena, value, size);
    size_t scheme =
        condition->part == CONDITION_HEADER ? mask_scheme(condition->name, text) : 0;

    return arena_printf(arena, "%s%.*s%s", prefix, (int)scheme, text,
                        beside_secret(arena, text + scheme, size - scheme, differs));
}

struct span {
    const char *text;
    size_t size;
};

/* A text without the secrets that are part of it, such as those of a URL. */
static struct span without_secrets(struct arena *arena, const char *text, size_t size)
{
    struct buf whole = BUF_INIT(2 * size + 64); /* "k=" may become "k=***" */
    struct span span = { "***", 3 };

    mask_text(&whole, text, size);
    if (!whole.failed)
        span = (struct span){ arena_copy(arena, buf_text(&whole), whole.size), whole.size };
    buf_fini(&whole);
    return span;
}

/* Like nearest_value, of what both have without secrets. */
static const char *value_cell(struct arena *arena, const char *prefix, const char *value,
                              size_t size, const char *other, size_t other_size, char delimiter)
{
    struct span own = without_secrets(arena, value, size);
    struct span others = other ? without_secrets(arena, other, other_size) : (struct span){ 0 };

    return beside_value(arena, prefix, own.text, own.size, others.text, others.size, delimiter);
}

/* ---- named values ------------------------------------------------------------------------ */

static const char *prefix_of(struct arena *arena, const struct condition *condition,
                             const char *name)
{
    return arena_printf(arena, "%s%s", beside_value(arena, "", name, strlen(name), NULL, 0, 0),
                        condition->part == CONDITION_HEADER ? ": " : "=");
}

/* What the rule wants. `pair` is what the request has; NULL: nothing. */
static const char *wanted_cell(struct arena *arena, const struct condition *condition,
                               const struct match_pair *pair, bool holds)
{
    const char *prefix;

    if (condition->test != CONDITION_EQUAL)
        return beside_value(arena, "", condition->text, strlen(condition->text), NULL, 0, 0);
    prefix = prefix_of(arena, condition, condition->name);
    if (is_secret(condition))
        return masked(arena, condition, prefix, condition->value, condition->size, !holds);
    return value_cell(arena, prefix, condition->value, condition->size,
                      pair ? pair->value : NULL, pair ? pair->size : 0, 0);
}

/* A part for a rule that asks what kind of a part it is. */
static const char *attributes_cell(struct arena *arena, const struct match_pair *pair)
{
    const char *text = pair->name;

    if (pair->filename)
        text = arena_printf(arena, "%s; filename=%s", text, pair->filename);
    if (pair->type)
        text = arena_printf(arena, "%s; type=%s", text, pair->type);
    return beside_value(arena, "", text, strlen(text), NULL, 0, 0);
}

static const char *got_cell(struct arena *arena, const struct condition *condition,
                            const struct match_pair *pair, bool holds)
{
    bool is_equal = condition->test == CONDITION_EQUAL;
    const char *prefix = prefix_of(arena, condition, pair->name);

    if (condition->filename || condition->type)
        return attributes_cell(arena, pair);
    if (is_secret(condition))
        return masked(arena, condition, prefix, pair->value, pair->size, !holds);
    return value_cell(arena, prefix, pair->value, pair->size,
                      is_equal ? condition->value : NULL, condition->size, 0);
}

static void add_named(struct nearest_table *table, const struct condition *condition,
                      bool holds)
{
    struct arena *arena = table->call->arena;
    bool is_wanted;
    const struct match_pair *pair = condition_pair(condition, table->call, &is_wanted);
    const char *fault = condition_pairs(condition, table->call)->fault;
    const char *request = absent;

    if (pair)
        request = got_cell(arena, condition, pair, holds);
    else if (fault)
        request = beside_value(arena, "", fault, strlen(fault), NULL, 0, 0);
    beside_add(&table->beside, kinds[condition->part],
               wanted_cell(arena, condition, pair, holds), request, mark_of(holds));
}

static void add_other_query(struct nearest_table *table, const struct conditions *all)
{
    struct arena *arena = table->call->arena;
    const struct match_pair *other = condition_other_query(all, table->call);
    const char *request = "";

    if (other) {
        const char *prefix = arena_printf(
            arena,
            "%s=", beside_value(arena, "", other->name, strlen(other->name), NULL, 0, 0));

        request = mask_is_secret(other->name, strlen(other->name))
                      ? arena_printf(arena, "%s***", prefix)
                      : value_cell(arena, prefix, other->value, other->size, NULL, 0, 0);
    }
    beside_add(&table->beside, "query", "no other", request, mark_of(!other));
}

/* "user:***" */
static const char *basic_cell(struct arena *arena, const char *text, const char *other)
{
    size_t user = strcspn(text, ":");
    const char *password = text + user + (text[user] == ':');
    bool differs = !other || strcmp(password, other + strcspn(other, ":") +
                                                  (other[strcspn(other, ":")] == ':')) != 0;

    return arena_printf(arena, "%s:%s", beside_value(arena, "", text, user, NULL, 0, 0),
                        beside_secret(arena, password, strlen(password), differs));
}

static void add_basic(struct nearest_table *table, const struct condition *condition,
                      bool holds)
{
    struct arena *arena = table->call->arena;
    const char *basic = call_basic(table->call);

    beside_add(&table->beside, "auth", basic_cell(arena, condition->value, basic),
               basic ? basic_cell(arena, basic, condition->value) : absent, mark_of(holds));
}

/* ---- bodies ------------------------------------------------------------------------------ */

static void add_body(struct nearest_table *table, const struct condition *condition, bool holds)
{
    struct arena *arena = table->call->arena;
    bool is_whole = condition->part == CONDITION_BODY;
    size_t size;
    const char *body = call_body(table->call, &size);
    const char *rule;

    if (condition->part == CONDITION_BODY_PATTERN)
        rule = beside_value(arena, "~ ", condition->value, condition->size, NULL, 0, 0);
    else
        rule = value_cell(arena, is_whole ? "" : "contains ", condition->value, condition->size,
                          is_whole ? body : NULL, size, '"');
    beside_add(&table->beside, "body", rule,
               value_cell(arena, "", body, size, is_whole ? condition->value : NULL,
                          condition->size, '"'),
               mark_of(holds));
}

/* ---- JSON -------------------------------------------------------------------------------- */

/* A value at a place of a secret. */
static const char *secret_node_cell(struct arena *arena, const struct json_node *node,
                                    bool differs)
{
    if (node->kind == NODE_STRING)
        return beside_secret(arena, node->text, node->count, differs);
    return node->kind == NODE_NULL ? "null" : "***";
}

/* Of two long strings where they differ, of any other value the beginning. */
static const char *node_cell(struct arena *arena, const char *path,
                             const struct json_node *node, const struct json_node *other,
                             bool differs)
{
    struct buf text = BUF_INIT(BESIDE_COLUMNS * 4);
    struct span span;
    bool is_cut;

    if (!node)
        return absent;
    if (mask_is_secret_path(path))
        return secret_node_cell(arena, node, differs);
    if (node->kind == NODE_STRING && other && other->kind == NODE_STRING)
        return value_cell(arena, "", node->text, node->count, other->text, other->count, '"');
    json_node_write(&text, node, BESIDE_COLUMNS);
    span = without_secrets(arena, buf_text(&text), text.size);
    is_cut = quote_columns(span.text, span.size, 0) > BESIDE_COLUMNS || text.failed;
    buf_fini(&text);
    if (!is_cut)
        return span.text;
    return arena_printf(arena, "%.*s...",
                        (int)quote_window_from(span.text, span.size, 0, BESIDE_COLUMNS, 0).end,
                        span.text);
}

struct json_row {
    const char *path;
    const char *want;
    const char *got;
    bool same;
};

/* What has been found: the first rows, and the first of those that differ. */
struct json_rows {
    struct arena *arena;
    struct json_row rows[JSON_ROWS_MAX];
    struct json_row differing[JSON_ROWS_MAX];
    size_t count;
    size_t differing_count;
};

static void take_row(void *arg, const char *path, const struct json_node *want,
                     const struct json_node *got, bool same)
{
    struct json_rows *rows = arg;
    struct json_row row = { .same = same };
    bool is_shown =
        rows->count < JSON_ROWS_MAX || (!same && rows->differing_count < JSON_ROWS_MAX);

    if (is_shown) {
        row.path = beside_value(rows->arena, "", path, strlen(path), NULL, 0, 0);
        row.want = node_cell(rows->arena, path, want, got, !same);
        row.got = node_cell(rows->arena, path, got, want, !same);
    }
    if (rows->count < JSON_ROWS_MAX)
        rows->rows[rows->count] = row;
    if (!same && rows->differing_count < JSON_ROWS_MAX)
        rows->differing[rows->differing_count] = row;
    rows->count++;
    rows->differing_count += !same;
}

static void add_json_rows(struct nearest_table *table, const struct json_row *rows,
                          size_t count)
{
    struct arena *arena = table->call->arena;
    size_t columns = 0;

    for (size_t i = 0; i < count; i++)
        if (beside_columns(rows[i].path) > columns)
            columns = beside_columns(rows[i].path);
    for (size_t i = 0; i < count; i++) {
        int blanks = (int)(columns - beside_columns(rows[i].path)) + 2;

        beside_add(&table->beside, "json",
                   arena_printf(arena, "%s%*s%s", rows[i].path, blanks, "", rows[i].want),
                   rows[i].got, mark_of(rows[i].same));
    }
}

static void add_rest(struct nearest_table *table, size_t count, const char *what)
{
    if (count > 0)
        beside_add(&table->beside, "json",
                   arena_printf(table->call->arena, "... and %zu more%s", count, what), "",
                   BESIDE_UNKNOWN);
}

/* All rows when they are few, else those that differ. */
static void show_rows(struct nearest_table *table, const struct json_rows *rows)
{
    size_t shown =
        rows->differing_count < JSON_ROWS_MAX ? rows->differing_count : JSON_ROWS_MAX;

    if (rows->count <= JSON_ROWS_MAX) {
        add_json_rows(table, rows->rows, rows->count);
        return;
    }
    add_json_rows(table, rows->differing, shown);
    add_rest(table, rows->differing_count - shown, "");
    add_rest(table, rows->count - rows->differing_count, " that are the same");
}

void nearest_json(struct nearest_table *table, const struct condition *condition)
{
    struct json_rows rows = { .arena = table->call->arena };
    const char *fault;
    const struct json_node *got = call_json(table->call, &fault);

    if (!got) {
        beside_add(
            &table->beside, "json", node_cell(rows.arena, "", condition->json.root, NULL, true),
            beside_value(rows.arena, "", fault, strlen(fault), NULL, 0, 0), BESIDE_DIFFERS);
        return;
    }
    json_want_rows(&condition->json, got, take_row, &rows);
    show_rows(table, &rows);
}

static void add_json_at(struct nearest_table *table, const struct condition *condition,
                        bool holds)
{
    struct arena *arena = table->call->arena;
    const char *fault;
    const struct json_node *root = call_json(table->call, &fault);
    const struct json_node *got = root ? json_pointer_find(&condition->pointer, root) : NULL;
    const struct json_node *want = condition->json.root;
    const char *pointer = condition->pointer.text;
    const char *rule = condition->text;

    if (want)
        rule = arena_printf(arena, "%s = %s", pointer,
                            node_cell(arena, pointer, want, got, !holds));
    beside_add(&table->beside, "json", rule,
               got    ? arena_printf(arena, "%s = %s", pointer,
                                     node_cell(arena, pointer, got, want, !holds))
               : root ? absent
                      : beside_value(arena, "", fault, strlen(fault), NULL, 0, 0),
               mark_of(holds));
}

/* ---- any condition ----------------------------------------------------------------------- */

void nearest_condition(struct nearest_table *table, const struct condition *condition,
                       const struct conditions *all)
{
    bool holds = condition_holds(condition, all, table->call);

    switch (condition->part) {
    case CONDITION_NO_OTHER_QUERY:
        add_other_query(table, all);
        break;
    case CONDITION_BASIC:
        add_basic(table, condition, holds);
        break;
    case CONDITION_BODY:
    case CONDITION_BODY_CONTAINS:
    case CONDITION_BODY_PATTERN:
        add_body(table, condition, holds);
        break;
    case CONDITION_JSON:
        nearest_json(table, condition);
        break;
    case CONDITION_JSON_AT:
        add_json_at(table, condition, holds);
        break;
    default:
        add_named(table, condition, holds);
        break;
    }
}

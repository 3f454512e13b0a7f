/* pg/rule_json.c - rows from an array of JSON objects, by column name; see rule_set.h. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json/node.h"
#include "pg/rule_set.h"
#include "test/value.h"

enum { JSON_TEXT_MAX = 64 << 20 };

/* ---- a value ----------------------------------------------------------------------------- */

static void add_array(struct buf *to, const struct json_node *array);

/* As an element of an array: '{1,"a b",NULL}'. */
static void add_element(struct buf *to, const struct json_node *node)
{
    if (node->kind == NODE_ARRAY) {
        add_array(to, node);
    } else if (node->kind == NODE_NULL) {
        buf_add_text(to, "NULL");
    } else if (node->kind == NODE_STRING) {
        buf_add_char(to, '"');
        for (size_t i = 0; i < node->count; i++) {
            if (node->text[i] == '"' || node->text[i] == '\\')
                buf_add_char(to, '\\');
            buf_add_char(to, node->text[i]);
        }
        buf_add_char(to, '"');
    } else {
        json_node_write(to, node, 0);
    }
}

static void add_array(struct buf *to, const struct json_node *array)
{
    buf_add_char(to, '{');
    for (size_t i = 0; i < array->count; i++) {
        if (i > 0)
            buf_add_char(to, ',');
        add_element(to, &array->items[i]);
    }
    buf_add_char(to, '}');
}

static bool is_json(const struct pg_type *type)
{
    return type && type->kind == PG_KIND_JSON;
}

/* What has no text of its own in SQL. */
static bool is_odd(const struct pg_type *type, const struct json_node *node)
{
    return node->kind == NODE_OBJECT ||
           (node->kind == NODE_ARRAY && (!type || type->kind != PG_KIND_ARRAY));
}

static int take_node(struct rule_rows *rows, const struct pg_column *column,
                     const struct json_node *node)
{
    const struct pg_type *type = pg_type_of_oid(column->type);
    struct buf text = BUF_INIT(JSON_TEXT_MAX);
    seam_value value = { .kind = SEAM_KIND_TEXT };
    int r;

    if (node->kind == NODE_NULL) {
        value.kind = SEAM_KIND_NULL;
    } else if (node->kind == NODE_TRUE || node->kind == NODE_FALSE) {
        if (is_json(type))
            buf_add_text(&text, node->kind == NODE_TRUE ? "true" : "false");
        else
            value = seam_value_b(node->kind == NODE_TRUE);
    } else if (is_json(type)) {
        json_node_write(&text, node, 0);
    } else if (is_odd(type, node)) {
        return err_set(rows->err, -EINVAL,
                       "json: column '%s' has %s, which its type does not take\n"
                       "try: type jsonb",
                       column->name, node->kind == NODE_OBJECT ? "an object" : "an array");
    } else if (node->kind == NODE_ARRAY) {
        add_array(&text, node);
    } else if (node->kind == NODE_STRING) {
        buf_add(&text, node->text, node->count);
    } else {
        json_node_write(&text, node, 0);
    }
    if (value.kind == SEAM_KIND_TEXT) {
        value.as.p = buf_text(&text);
        value.size = text.size;
    }
    r = rule_rows_cell(rows, &value);
    buf_fini(&text);
    return r;
}

/* ---- a row ------------------------------------------------------------------------------- */

static bool has_column(const struct pg_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->at[i].name, name) == 0)
            return true;
    return false;
}

/* "'id', 'email'" */
static const char *list_columns(const struct rule_rows *rows)
{
    const char *text = "";

    for (size_t i = 0; i < rows->columns->count; i++)
        text = arena_printf(rows->arena, "%s%s'%s'", text, i > 0 ? ", " : "",
                            rows->columns->at[i].name);
    return text;
}

static int check_keys(const struct rule_rows *rows, const struct json_node *row, size_t n)
{
    for (size_t i = 0; i < row->count; i++)
        if (!has_column(rows->columns, row->members[i].key))
            return err_set(rows->err, -EINVAL,
                           "json: row %zu has '%s', which is none of the columns %s", n + 1,
                           row->members[i].key, list_columns(rows));
    return 0;
}

static int take_object(struct rule_rows *rows, const struct json_node *row, size_t n)
{
    static const struct json_node null = { .kind = NODE_NULL };
    int r;

    if (row->kind != NODE_OBJECT)
        return err_set(rows->err, -EINVAL, "json: row %zu is no object\ntry: [{\"%s\": ...}]",
                       n + 1, rows->columns->at[0].name);
    r = check_keys(rows, row, n);
    for (size_t i = 0; r == 0 && i < rows->columns->count; i++) {
        const struct pg_column *column = &rows->columns->at[i];
        const struct json_node *node = json_node_member(row, column->name);

        r = take_node(rows, column, node ? node : &null);
    }
    return r;
}

int rule_rows_json(struct rule_rows *rows, const char *text)
{
    const struct json_node *root;
    int r = json_node_parse(rows->arena, "json", text, strlen(text), true, &root, rows->err);

    if (r < 0)
        return r;
    if (root->kind != NODE_ARRAY)
        return err_set(rows->err, -EINVAL, "json is no array\ntry: [{\"%s\": ...}]",
                       rows->columns->at[0].name);
    for (size_t i = 0; r == 0 && i < root->count; i++)
        r = take_object(rows, &root->items[i], i);
    return r;
}

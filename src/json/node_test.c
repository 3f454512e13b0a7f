/* json/node_test.c - JSON that is equal, a subset or in another order, and the rows that say where not. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources compare.c read.c text.c
//seam:sources ../base/*.c ../events/*.c ../test/*.c

#include "json/node.h"

#include <errno.h>
#include <seam/seam.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct json_node *parse(seam_t *t, struct arena *arena, const char *text)
{
    const struct json_node *node = NULL;
    struct err err;

    if (json_node_parse(arena, "text", text, strlen(text), true, &node, &err) < 0)
        seam_fatal(t, "%s", err.text);
    return node;
}

static void add_row(void *arg, const char *path, const struct json_node *want,
                    const struct json_node *got, bool same)
{
    struct buf *to = arg;

    buf_printf(to, "%s ", path);
    if (want)
        json_node_write(to, want, 0);
    buf_add_text(to, same ? " = " : " | ");
    if (got)
        json_node_write(to, got, 0);
    buf_add_char(to, '\n');
}

struct row {
    enum json_mode mode;
    const char *want, *got;
    const char *rows; /* those that differ; "" means that it holds */
    const char *ignore[2];
};

static void check_row(seam_t *t, const struct row *row)
{
    struct arena arena = { 0 };
    struct buf rows = BUF_INIT(1 << 16);
    struct json_pointer ignore[2];
    struct json_want want = { parse(t, &arena, row->want), row->mode, ignore, 0 };
    const struct json_node *got = parse(t, &arena, row->got);
    struct buf differing = BUF_INIT(1 << 16);

    for (; want.ignore_count < 2 && row->ignore[want.ignore_count]; want.ignore_count++)
        seam_require_ok(t, json_pointer_parse(&arena, row->ignore[want.ignore_count],
                                              strlen(row->ignore[want.ignore_count]),
                                              &ignore[want.ignore_count], NULL));
    json_want_rows(&want, got, add_row, &rows);
    for (const char *line = buf_text(&rows); *line; line = strchr(line, '\n') + 1) {
        const size_t size = strcspn(line, "\n");

        if (memmem(line, size, " | ", 3))
            buf_add(&differing, line, size + 1);
    }
    seam_check_eq(t, buf_text(&differing), row->rows);
    seam_check_eq(t, json_want_holds(&want, got), row->rows[0] == '\0');
    buf_fini(&differing);
    buf_fini(&rows);
    arena_fini(&arena);
}

#define CHECK_ROWS(t, rows)                                                                    \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++) {                               \
        seam_scope(t, "%s as %s", (rows)[i].got, (rows)[i].want);                              \
        check_row(t, &(rows)[i]);                                                              \
    }

SEAM_TEST(json_is_equal)
{
    static const struct row rows[] = {
        { 0, "{'a': 1, 'b': [true, null]}", "{\"b\":[true,null],\"a\":1.0}", "", { NULL } },
        { 0, "{'a': 1}", "{'a': 2}", "$.a 1 | 2\n", { NULL } },
        { 0, "{'a': 1}", "{}", "$.a 1 | \n", { NULL } },
        { 0, "{}", "{'a': 1}", "$.a  | 1\n", { NULL } },
        { 0, "{'a': '1'}", "{'a': 1}", "$.a \"1\" | 1\n", { NULL } },
        { 0, "[1, 2]", "[2, 1]", "$[0] 1 | 2\n$[1] 2 | 1\n", { NULL } },
        { 0, "[1, 2, 3]", "[0, 1, 2, 3]", "$[0]  | 0\n", { NULL } },
        { 0, "[1, 2, 3]", "[1, 3]", "$[1] 2 | \n", { NULL } },
        { 0, "[]", "[1]", "$[0]  | 1\n", { NULL } },
        { 0,
          "{'a': {'b': [{'c': 1}]}}",
          "{'a': {'b': [{'c': 2}]}}",
          "$.a.b[0].c 1 | 2\n",
          { NULL } },
        { 0, "{'a b': 1}", "{'a b': 2}", "$[\"a b\"] 1 | 2\n", { NULL } },
        { 0,
          "9007199254740993",
          "9007199254740992.0",
          "$ 9007199254740993 | 9007199254740992.0\n",
          { NULL } },
        { 0,
          "9223372036854775807",
          "9223372036854775806",
          "$ 9223372036854775807 | 9223372036854775806\n",
          { NULL } },
        { 0, "123456789012345678901", "123456789012345678901", "", { NULL } },
        { 0,
          "123456789012345678901",
          "123456789012345678902",
          "$ 123456789012345678901 | 123456789012345678902\n",
          { NULL } },
        { 0, "'a\\u0000b'", "'a\\u0000c'", "$ \"a\\u0000b\" | \"a\\u0000c\"\n", { NULL } },
        { 0, "{'a': {}}", "{'a': []}", "$.a {} | []\n", { NULL } },
        { 0, "null", "false", "$ null | false\n", { NULL } },
    };

    CHECK_ROWS(t, rows);
}

SEAM_TEST(json_is_a_subset)
{
    static const struct row rows[] = {
        { JSON_MODE_SUBSET, "{'a': 1}", "{'a': 1, 'b': 2}", "", { NULL } },
        { JSON_MODE_SUBSET, "{}", "{'b': 2}", "", { NULL } },
        { JSON_MODE_SUBSET, "{'a': {'x': 1}}", "{'a': {'x': 1, 'y': 2}}", "", { NULL } },
        { JSON_MODE_SUBSET, "{'a': 1}", "{'b': 2}", "$.a 1 | \n", { NULL } },
        { JSON_MODE_SUBSET, "[{'a': 1}]", "[{'a': 1, 'b': 2}]", "", { NULL } },
        { JSON_MODE_SUBSET, "[1]", "[1, 2]", "$[1]  | 2\n", { NULL } },
        { JSON_MODE_SUBSET, "{'a': null}", "{}", "$.a null | \n", { NULL } },
    };

    CHECK_ROWS(t, rows);
}

SEAM_TEST(json_arrays_in_any_order)
{
    static const struct row rows[] = {
        { JSON_MODE_UNORDERED, "[1, 2, 3]", "[3, 1, 2]", "", { NULL } },
        { JSON_MODE_UNORDERED, "[1, 1, 2]", "[1, 2, 2]", "$[1] 1 | 2\n", { NULL } },
        { JSON_MODE_UNORDERED, "[1, 2]", "[2]", "$[0] 1 | \n", { NULL } },
        { JSON_MODE_UNORDERED, "[2]", "[1, 2, 3]", "$[0]  | 1\n$[2]  | 3\n", { NULL } },
        { JSON_MODE_UNORDERED, "[]", "[]", "", { NULL } },
        { JSON_MODE_UNORDERED, "[]", "[1]", "$[0]  | 1\n", { NULL } },
        { JSON_MODE_UNORDERED, "[[1, 2], [3]]", "[[3], [2, 1]]", "", { NULL } },
        { JSON_MODE_UNORDERED,
          "{'a': [{'x': 1, 'y': 2}, {'x': 3}]}",
          "{'a': [{'x': 3}, {'y': 2, 'x': 4}]}",
          "$.a[0].x 1 | 4\n",
          { NULL } },
        { JSON_MODE_UNORDERED, "{'a': [1]}", "{'a': [1], 'b': 2}", "$.b  | 2\n", { NULL } },
    };

    CHECK_ROWS(t, rows);
}

SEAM_TEST(json_paths_that_are_not_compared)
{
    static const struct row rows[] = {
        { 0, "{'a': 1, 'id': 0}", "{'a': 1, 'id': 7}", "", { "/id" } },
        { 0, "{'a': 1}", "{'a': 1, 'id': 7}", "", { "/id" } },
        { 0, "{'a': 1, 'id': 7}", "{'a': 1}", "", { "/id" } },
        { 0, "{'a': 1, 'id': 7}", "{'a': 2}", "$.a 1 | 2\n", { "/id" } },
        { 0,
          "{'x': [{'id': 0}, {'id': 0}]}",
          "{'x': [{'id': 1}, {'id': 2}]}",
          "$.x[1].id 0 | 2\n",
          { "/x/0/id" } },
        { 0, "{'a/b': 1, 'c~d': 2}", "{}", "", { "/a~1b", "/c~0d" } },
        { 0, "1", "2", "", { "" } },
        /* Element 0 is the same as any: it must leave the 2 to the element that needs it. */
        { JSON_MODE_UNORDERED, "[0, 2]", "[2, 5]", "", { "/0" } },
        { JSON_MODE_UNORDERED, "[0, 0, 2]", "[2, 5, 6]", "", { "/0", "/1" } },
        { JSON_MODE_UNORDERED, "[0, 1]", "[2, 5]", "$[1] 1 | 5\n", { "/0" } },
        { JSON_MODE_SUBSET, "{'a': {'b': 1}, 'c': 1}", "{'c': 1}", "", { "/a" } },
    };

    CHECK_ROWS(t, rows);
}

SEAM_TEST(json_rows_also_say_what_is_the_same)
{
    struct arena arena = { 0 };
    struct buf rows = BUF_INIT(1 << 10);
    struct json_want want = { parse(t, &arena, "{'a': 1, 'b': {}, 'c': [2]}"), 0, NULL, 0 };

    json_want_rows(&want, parse(t, &arena, "{'b': {}, 'c': [2], 'a': 3}"), add_row, &rows);
    seam_check_eq(t, buf_text(&rows), "$.a 1 | 3\n$.b {} = {}\n$.c[0] 2 = 2\n");
    buf_clear(&rows);
    want.root = parse(t, &arena, "[1, 2]");
    json_want_rows(&want, parse(t, &arena, "[0, 1, 2]"), add_row, &rows);
    seam_check_eq(t, buf_text(&rows), "$[0]  | 0\n$[0] 1 = 1\n$[1] 2 = 2\n");
    buf_fini(&rows);
    arena_fini(&arena);
}

/* Pairing a thousand elements with none that is the same may not take for ever, nor be said to hold. */
SEAM_TEST(json_large_arrays_end)
{
    struct arena arena = { 0 };
    struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
    struct json_want want = { .mode = JSON_MODE_UNORDERED };

    for (int i = 0; i < 3000; i++) {
        buf_printf(&a, "%c%d", i ? ',' : '[', i);
        buf_printf(&b, "%c%d", i ? ',' : '[', 2999 - i + (i == 0));
    }
    buf_add_char(&a, ']');
    buf_add_char(&b, ']');
    want.root = parse(t, &arena, buf_text(&a));
    seam_check(t, json_want_holds(&want, want.root));
    seam_check(t, !json_want_holds(&want, parse(t, &arena, buf_text(&b))));
    buf_fini(&a);
    buf_fini(&b);
    arena_fini(&arena);
}

SEAM_TEST(json_members_of_a_large_object_are_found)
{
    struct arena arena = { 0 };
    struct buf text = BUF_INIT(1 << 16);
    const struct json_node *object;

    for (int i = 0; i < 300; i++)
        buf_printf(&text, "%c\"k%d\":%d", i ? ',' : '{', (i * 7) % 300, i);
    buf_add_char(&text, '}');
    object = parse(t, &arena, buf_text(&text));
    for (int i = 0; i < 300; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%d", (i * 7) % 300);
        seam_require(t, json_node_member(object, key) != NULL);
        seam_require_eq(t, json_node_member(object, key)->integer, i);
    }
    seam_check_null(t, json_node_member(object, "k300"));
    seam_check_null(t, json_node_member(object, ""));
    buf_fini(&text);
    arena_fini(&arena);
}

SEAM_TEST(json_that_is_none_says_why)
{
    static const struct {
        bool relaxed;
        const char *text, *words;
    } rows[] = {
        { true, "{'a': }",
          "json is not JSON: line 1, column 7: unexpected token near '}'\n"
          "    {'a': }\n"
          "          ^" },
        { true, "", "json is empty, not JSON" },
        { true, " \n", "json is empty, not JSON" },
        { false, "{'a': 1}",
          "json is not JSON: line 1, column 2: string or '}' expected near '''" },
        { true, "{'a': 1, 'a': 2}",
          "json is not JSON: line 1, column 12: duplicate object key near '\"a\"'\n"
          "    {'a': 1, 'a': 2}\n"
          "               ^" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = { 0 };
        const struct json_node *node = NULL;
        struct err err;

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t,
                      json_node_parse(&arena, "json", rows[i].text, strlen(rows[i].text),
                                      rows[i].relaxed, &node, &err),
                      -EINVAL);
        seam_check_eq(t, err.text, rows[i].words);
        seam_check_null(t, node);
        arena_fini(&arena);
    }
}

SEAM_TEST(json_pointer_finds)
{
    static const char text[] =
        "{'a': {'b': [10, {'c/d': 'x', '~': 'y', '': 'z'}]}, '': 'root', '0': 'zero'}";
    static const struct {
        const char *pointer, *value; /* NULL: there is none */
    } rows[] = {
        { "/a/b/0", "10" },
        { "/a/b/1/c~1d", "\"x\"" },
        { "/a/b/1/~0", "\"y\"" },
        { "/a/b/1/", "\"z\"" },
        { "/", "\"root\"" },
        { "/0", "\"zero\"" },
        { "/a/b/2", NULL },
        { "/a/b/01", NULL },
        { "/a/b/-", NULL },
        { "/a/b/", NULL },
        { "/a/b/0/x", NULL },
        { "/x", NULL },
        { "/a/b/99999999999999999999", NULL },
    };
    struct arena arena = { 0 };
    const struct json_node *root = parse(t, &arena, text);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf value = BUF_INIT(100);
        const struct json_node *node;
        struct json_pointer pointer;

        seam_scope(t, "%s", rows[i].pointer);
        seam_require_ok(t, json_pointer_parse(&arena, rows[i].pointer, strlen(rows[i].pointer),
                                              &pointer, NULL));
        node = json_pointer_find(&pointer, root);
        seam_check_eq(t, node != NULL, rows[i].value != NULL);
        if (node)
            json_node_write(&value, node, 0);
        seam_check_eq(t, buf_text(&value), rows[i].value ? rows[i].value : "");
        buf_fini(&value);
    }
    arena_fini(&arena);
}

SEAM_TEST(json_pointer_that_is_none_says_why)
{
    struct arena arena = { 0 };
    struct json_pointer pointer;
    struct err err;

    seam_check_eq(t, json_pointer_parse(&arena, "a", 1, &pointer, &err), -EINVAL);
    seam_check_eq(t, err.text, "JSON pointer 'a' does not begin with '/'");
    seam_check_eq(t, json_pointer_parse(&arena, "/a~2", 4, &pointer, &err), -EINVAL);
    seam_check_eq(t, err.text, "JSON pointer '/a~2' has a '~' that is neither ~0 nor ~1");
    seam_check_eq(t, json_pointer_parse(&arena, "/a~", 3, &pointer, &err), -EINVAL);
    arena_fini(&arena);
}

SEAM_TEST(json_is_written_for_others_to_read)
{
    static const struct {
        const char *text, *strict;
    } rows[] = {
        { "{\"a\": 1.50}", "{\"a\": 1.50}" },
        { "{'a': 123456789012345678901}", "{\"a\": 123456789012345678901}" },
        { "{'a': 'it\\'s \"x\"'}", "{\"a\": \"it's \\\"x\\\"\"}" },
    };
    struct arena arena = { 0 };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_check_eq(t, json_text_strict(&arena, rows[i].text, strlen(rows[i].text)),
                      rows[i].strict);
    arena_fini(&arena);
}

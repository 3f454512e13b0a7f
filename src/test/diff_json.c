/* test/diff_json.c - two texts compared as JSON; see diff.h. */

#include "test/diff.h"

#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "test/json_source.h"
#include "test/library.h"
#include "test/quote.h"
#include "test/value.h"

enum {
    ROWS_MAX = 20,
    PATH_COLUMNS = 40, /* of a path that takes more than twice as many */
    KEY_COLUMNS = 32, /* of one key in it */
    VALUE_COLUMNS = 48,
    PATH_CAP = 1 << 19 /* bytes; jansson reads at most 2048 levels */
};

struct row {
    const char *path;
    const char *got;
    const char *want;
};

struct comparison {
    const struct jansson *jansson;
    struct arena arena; /* of the rows' texts */
    struct buf path; /* of the values that are being compared */
    struct row rows[ROWS_MAX];
    size_t count; /* of differences, which may be more than there are rows */
};

/* The digits of an integer that json_source.h made an object of; NULL for any other value. */
static const char *big_integer(const struct jansson *jansson, json_t *json)
{
    json_t *digits;

    if (!json_is_object(json) || jansson->object_size(json) != 1)
        return NULL;
    digits = jansson->object_get(json, JSON_BIG_KEY);
    return json_is_string(digits) ? jansson->string_value(digits) : NULL;
}

/* ---- equality ---------------------------------------------------------------------------- */

static bool is_same(const struct jansson *jansson, json_t *a, json_t *b);

static bool is_same_object(const struct jansson *jansson, json_t *a, json_t *b)
{
    const char *big_a = big_integer(jansson, a);
    const char *big_b = big_integer(jansson, b);

    if (big_a || big_b)
        return big_a && big_b && strcmp(big_a, big_b) == 0;
    if (jansson->object_size(a) != jansson->object_size(b))
        return false;
    for (void *at = jansson->object_iter(a); at; at = jansson->object_iter_next(a, at))
        if (!is_same(jansson, jansson->object_iter_value(at),
                     jansson->object_get(b, jansson->object_iter_key(at))))
            return false;
    return true;
}

static bool is_same_array(const struct jansson *jansson, json_t *a, json_t *b)
{
    size_t size = jansson->array_size(a);

    if (size != jansson->array_size(b))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_same(jansson, jansson->array_get(a, i), jansson->array_get(b, i)))
            return false;
    return true;
}

static bool is_same_string(const struct jansson *jansson, json_t *a, json_t *b)
{
    size_t size = jansson->string_length(a);

    return size == jansson->string_length(b) &&
           memcmp(jansson->string_value(a), jansson->string_value(b), size) == 0;
}

/* Exactly: the integer is not rounded to a double. */
static bool is_same_mixed(long long integer, double real)
{
    return real >= -0x1p63 && real < 0x1p63 && (double)(long long)real == real &&
           (long long)real == integer;
}

static bool is_same_number(const struct jansson *jansson, json_t *a, json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return jansson->integer_value(a) == jansson->integer_value(b);
    if (json_is_integer(a))
        return is_same_mixed(jansson->integer_value(a), jansson->real_value(b));
    if (json_is_integer(b))
        return is_same_mixed(jansson->integer_value(b), jansson->real_value(a));
    return jansson->real_value(a) == jansson->real_value(b);
}

static bool is_same(const struct jansson *jansson, json_t *a, json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return is_same_number(jansson, a, b);
    if (!a || !b || json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_object(a))
        return is_same_object(jansson, a, b);
    if (json_is_array(a))
        return is_same_array(jansson, a, b);
    if (json_is_string(a))
        return is_same_string(jansson, a, b);
    return true;
}

/* ---- a value as a short text ------------------------------------------------------------- */

/* One that is integral stays apart from an integer. */
static void add_real(struct buf *out, double value)
{
    size_t begin = out->size;

    value_show_double(out, value);
    if (!out->failed && !strpbrk(buf_text(out) + begin, ".e"))
        buf_add_text(out, ".0");
}

static void add_value(const struct jansson *jansson, struct buf *out, json_t *json);

static void add_object(const struct jansson *jansson, struct buf *out, json_t *object)
{
    const char *before = "{";

    for (void *at = jansson->object_iter(object); at && !out->failed;
         at = jansson->object_iter_next(object, at)) {
        const char *key = jansson->object_iter_key(at);

        buf_add_text(out, before);
        quote_add_head(out, key, strlen(key), KEY_COLUMNS, '"');
        buf_add_char(out, ':');
        add_value(jansson, out, jansson->object_iter_value(at));
        before = ",";
    }
    buf_add_text(out, *before == '{' ? "{}" : "}");
}

static void add_array(const struct jansson *jansson, struct buf *out, json_t *array)
{
    size_t size = jansson->array_size(array);

    buf_add_char(out, '[');
    for (size_t i = 0; i < size && !out->failed; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        add_value(jansson, out, jansson->array_get(array, i));
    }
    buf_add_char(out, ']');
}

/* Add compact JSON, strings with C's escapes. Ends, wherever it is, when `out` is full. */
static void add_value(const struct jansson *jansson, struct buf *out, json_t *json)
{
    const char *big = big_integer(jansson, json);

    if (out->failed)
        return;
    if (big)
        buf_add_text(out, big);
    else if (json_is_object(json))
        add_object(jansson, out, json);
    else if (json_is_array(json))
        add_array(jansson, out, json);
    else if (json_is_string(json))
        quote_add_head(out, jansson->string_value(json), jansson->string_length(json),
                       VALUE_COLUMNS, '"');
    else if (json_is_integer(json))
        buf_printf(out, "%lld", jansson->integer_value(json));
    else if (json_is_real(json))
        add_real(out, jansson->real_value(json));
    else
        buf_add_text(out, json_is_true(json) ? "true" : json_is_false(json) ? "false" : "null");
}

/* Of two long strings show where they differ. */
static void add_string_beside(const struct jansson *jansson, struct buf *out, json_t *json,
                              json_t *other)
{
    const char *text = jansson->string_value(json);
    size_t size = jansson->string_length(json);
    size_t at = quote_difference(text, size, jansson->string_value(other),
                                 jansson->string_length(other));

    quote_add(out, text, size, quote_window(text, size, at, VALUE_COLUMNS, '"'), '"');
}

/* What stands in a row for a value that differs from `other`; NULL is a value that is not
 * there. */
static const char *describe(struct comparison *comparison, json_t *json, json_t *other)
{
    bool are_strings = json_is_string(json) && json_is_string(other);
    struct buf text = BUF_INIT(are_strings ? 4 * VALUE_COLUMNS + 8 : VALUE_COLUMNS);
    const char *shown;

    if (!json)
        return "(absent)";
    if (are_strings)
        add_string_beside(comparison->jansson, &text, json, other);
    else
        add_value(comparison->jansson, &text, json);
    shown = arena_printf(&comparison->arena, "%s%s", buf_text(&text), text.failed ? "..." : "");
    buf_fini(&text);
    return shown;
}

/* ---- the differences --------------------------------------------------------------------- */

static void compare(struct comparison *comparison, json_t *got, json_t *want);

/* Of a long path the end matters. It is visible text already: it is cut, not quoted again. */
static const char *describe_path(struct comparison *comparison)
{
    const char *path = buf_text(&comparison->path);
    size_t size = comparison->path.size;
    struct quote_window window = quote_window(path, size, size, 2 * PATH_COLUMNS, 0);

    return arena_printf(&comparison->arena, "%s%s", window.begin > 0 ? "..." : "",
                        path + window.begin);
}

static void add_difference(struct comparison *comparison, json_t *got, json_t *want)
{
    if (comparison->count < ROWS_MAX)
        comparison->rows[comparison->count] =
            (struct row){ describe_path(comparison), describe(comparison, got, want),
                          describe(comparison, want, got) };
    comparison->count++;
}

/* Compare what lies one step deeper; the path ends at `size` again afterwards. */
static void compare_below(struct comparison *comparison, size_t size, json_t *got, json_t *want)
{
    compare(comparison, got, want);
    comparison->path.size = size;
    comparison->path.data[size] = '\0';
}

static void compare_member(struct comparison *comparison, const char *key, json_t *got,
                           json_t *want)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t size = comparison->path.size;
    size_t length = strlen(key);

    if (length > 0 && length <= KEY_COLUMNS && strspn(key, plain) == length) {
        buf_printf(&comparison->path, ".%s", key);
    } else {
        buf_add_char(&comparison->path, '[');
        quote_add_head(&comparison->path, key, length, KEY_COLUMNS, '"');
        buf_add_char(&comparison->path, ']');
    }
    compare_below(comparison, size, got, want);
}

static void compare_objects(struct comparison *comparison, json_t *got, json_t *want)
{
    const struct jansson *jansson = comparison->jansson;

    for (void *at = jansson->object_iter(want); at; at = jansson->object_iter_next(want, at)) {
        const char *key = jansson->object_iter_key(at);

        compare_member(comparison, key, jansson->object_get(got, key),
                       jansson->object_iter_value(at));
    }
    for (void *at = jansson->object_iter(got); at; at = jansson->object_iter_next(got, at)) {
        const char *key = jansson->object_iter_key(at);

        if (!jansson->object_get(want, key))
            compare_member(comparison, key, jansson->object_iter_value(at), NULL);
    }
}

/* Where one has more elements, look first for where they were put in: one element at the front
 * shall be one difference, not a row for each element behind it. */
static void compare_arrays(struct comparison *comparison, json_t *got, json_t *want)
{
    const struct jansson *jansson = comparison->jansson;
    size_t got_end = jansson->array_size(got);
    size_t want_end = jansson->array_size(want);
    size_t at = 0;

    if (got_end != want_end) {
        while (at < got_end && at < want_end &&
               is_same(jansson, jansson->array_get(got, at), jansson->array_get(want, at)))
            at++;
        while (got_end > at && want_end > at &&
               is_same(jansson, jansson->array_get(got, got_end - 1),
                       jansson->array_get(want, want_end - 1))) {
            got_end--;
            want_end--;
        }
    }
    for (; at < got_end || at < want_end; at++) {
        size_t size = comparison->path.size;

        buf_printf(&comparison->path, "[%zu]", at);
        compare_below(comparison, size, at < got_end ? jansson->array_get(got, at) : NULL,
                      at < want_end ? jansson->array_get(want, at) : NULL);
    }
}

static void compare(struct comparison *comparison, json_t *got, json_t *want)
{
    bool is_big =
        big_integer(comparison->jansson, got) || big_integer(comparison->jansson, want);

    if (json_is_object(got) && json_is_object(want) && !is_big)
        compare_objects(comparison, got, want);
    else if (json_is_array(got) && json_is_array(want))
        compare_arrays(comparison, got, want);
    else if (!is_same(comparison->jansson, got, want))
        add_difference(comparison, got, want);
}

/* ---- the table --------------------------------------------------------------------------- */

/* Of text that is visible already: its backslashes take one column each. */
static int columns_of(const char *text)
{
    size_t columns = quote_columns(text, strlen(text), 0);

    for (; *text; text++)
        columns -= *text == '\\';
    return (int)columns;
}

static int wider(int columns, const char *text)
{
    int other = columns_of(text);

    return other > columns ? other : columns;
}

static void add_row(struct buf *out, const struct row *row, int path_columns, int got_columns)
{
    buf_printf(out, "%s%*s  %s%*s  %s\n", row->path, path_columns - columns_of(row->path), "",
               row->got, got_columns - columns_of(row->got), "", row->want);
}

static void add_rows(struct buf *out, const struct comparison *comparison)
{
    static const struct row title = { "path", "got", "want" };
    size_t shown = comparison->count < ROWS_MAX ? comparison->count : ROWS_MAX;
    int path_columns = columns_of(title.path);
    int got_columns = columns_of(title.got);

    for (size_t i = 0; i < shown; i++) {
        path_columns = wider(path_columns, comparison->rows[i].path);
        got_columns = wider(got_columns, comparison->rows[i].got);
    }
    add_row(out, &title, path_columns, got_columns);
    for (size_t i = 0; i < shown; i++)
        add_row(out, &comparison->rows[i], path_columns, got_columns);
    if (comparison->count > shown)
        buf_printf(out, "... and %zu more differences\n", comparison->count - shown);
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool is_blank(const struct json_source *source)
{
    for (size_t i = 0; i < source->size; i++)
        if (!memchr(" \t\r\n", source->text[i], 4))
            return false;
    return true;
}

/* The value, or NULL when there is none and `out` says why. */
static json_t *parse(const struct jansson *jansson, struct buf *out,
                     const struct json_source *source)
{
    struct buf copy =
        BUF_INIT(4 * source->size + 64); /* what a copy may need is less than 3 times */
    json_error_t error = { .position = 0 };
    json_t *json = NULL;

    if (!source->text || is_blank(source)) {
        buf_printf(out, "%s is %s, not JSON\n", source->label, source->text ? "empty" : "NULL");
        return NULL;
    }
    json_source_copy(&copy, source);
    if (!copy.failed)
        json =
            jansson->loadb(copy.data, copy.size,
                           JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json)
        json_source_fault(out, source, (size_t)error.position,
                          copy.failed ? "out of memory" : error.text);
    buf_fini(&copy);
    return json;
}

static bool diff_values(const struct jansson *jansson, struct buf *out, json_t *got,
                        json_t *want)
{
    struct comparison comparison = { .jansson = jansson, .path = BUF_INIT(PATH_CAP) };

    if (buf_add_char(&comparison.path, '$') < 0) {
        buf_add_text(out, "out of memory\n");
        return false;
    }
    compare(&comparison, got, want);
    if (comparison.count > 0)
        add_rows(out, &comparison);
    buf_fini(&comparison.path);
    arena_fini(&comparison.arena);
    return comparison.count == 0;
}

bool diff_json(struct buf *out, const char *got, size_t got_size, const char *want,
               size_t want_size)
{
    const struct json_source got_source = { "got", got, got_size, .single_quotes = false };
    const struct json_source want_source = { "want", want, want_size, .single_quotes = true };
    struct err err;
    const struct jansson *jansson = library_jansson(&err);
    json_t *got_json;
    json_t *want_json;
    bool is_equal;

    if (!jansson) {
        buf_printf(out, "%s\n", err.text);
        return false;
    }
    got_json = parse(jansson, out, &got_source);
    want_json = parse(jansson, out, &want_source);
    is_equal = got_json && want_json && diff_values(jansson, out, got_json, want_json);
    jansson->delete (got_json);
    jansson->delete (want_json);
    return is_equal;
}

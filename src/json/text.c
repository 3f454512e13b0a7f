/* json/text.c - nodes written as JSON, and JSON pointers; see node.h. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json/node.h"
#include "test/quote.h"
#include "test/value.h"

/* ---- writing ----------------------------------------------------------------------------- */

static void write_character(struct buf *to, unsigned char c)
{
    static const char letters[] = "\b\f\n\r\t\"\\";
    static const char escapes[] = "bfnrt\"\\";
    const char *letter = c ? strchr(letters, c) : NULL;

    if (letter)
        buf_printf(to, "\\%c", escapes[letter - letters]);
    else if (c < 0x20)
        buf_printf(to, "\\u%04x", c);
    else
        buf_add_char(to, (char)c);
}

static void write_text(struct buf *to, const char *text, size_t size, size_t columns)
{
    if (columns > 0) {
        quote_add_head(to, text, size, columns, '"');
        return;
    }
    buf_add_char(to, '"');
    for (size_t i = 0; i < size; i++)
        write_character(to, (unsigned char)text[i]);
    buf_add_char(to, '"');
}

/* One that is integral stays apart from an integer. */
static void write_real(struct buf *to, double value)
{
    size_t begin = to->size;

    value_show_double(to, value);
    if (!to->failed && !strpbrk(buf_text(to) + begin, ".e"))
        buf_add_text(to, ".0");
}

static void write_object(struct buf *to, const struct json_node *object, size_t columns)
{
    buf_add_char(to, '{');
    for (uint32_t i = 0; i < object->count && !to->failed; i++) {
        const struct json_member *member = &object->members[i];

        if (i > 0)
            buf_add_char(to, ',');
        write_text(to, member->key, strlen(member->key), columns);
        buf_add_char(to, ':');
        json_node_write(to, &member->node, columns);
    }
    buf_add_char(to, '}');
}

static void write_array(struct buf *to, const struct json_node *array, size_t columns)
{
    buf_add_char(to, '[');
    for (uint32_t i = 0; i < array->count && !to->failed; i++) {
        if (i > 0)
            buf_add_char(to, ',');
        json_node_write(to, &array->items[i], columns);
    }
    buf_add_char(to, ']');
}

void json_node_write(struct buf *to, const struct json_node *node, size_t columns)
{
    static const char *const words[] = { "null", "false", "true" };

    switch (node->kind) {
    case NODE_NULL:
    case NODE_FALSE:
    case NODE_TRUE:
        buf_add_text(to, words[node->kind]);
        break;
    case NODE_INTEGER:
        buf_printf(to, "%" PRId64, node->integer);
        break;
    case NODE_BIG:
        buf_add(to, node->text, node->count);
        break;
    case NODE_REAL:
        write_real(to, node->real);
        break;
    case NODE_STRING:
        write_text(to, node->text, node->count, columns);
        break;
    case NODE_ARRAY:
        write_array(to, node, columns);
        break;
    case NODE_OBJECT:
        write_object(to, node, columns);
        break;
    }
}

/* ---- pointers ---------------------------------------------------------------------------- */

/* One step, with ~1 for '/' and ~0 for '~'. NULL when a '~' stands for nothing. */
static char *decode_step(struct arena *arena, const char *text, size_t size)
{
    char *step = arena_zero(arena, size + 1);
    size_t to = 0;

    for (size_t at = 0; at < size; at++) {
        if (text[at] != '~') {
            step[to++] = text[at];
            continue;
        }
        if (++at == size || (text[at] != '0' && text[at] != '1'))
            return NULL;
        step[to++] = text[at] == '0' ? '~' : '/';
    }
    return step;
}

static size_t count_steps(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += text[i] == '/';
    return count;
}

int json_pointer_parse(struct arena *arena, const char *text, size_t size,
                       struct json_pointer *ret, struct err *err)
{
    struct json_pointer pointer = { .text = arena_copy(arena, text, size) };

    if (size > 0 && text[0] != '/')
        return err_set(err, -EINVAL, "JSON pointer '%s' does not begin with '/'", pointer.text);
    pointer.steps = arena_zero(arena, count_steps(text, size) * sizeof *pointer.steps);
    for (size_t at = 0; at < size;) {
        const char *begin = text + at + 1;
        const char *end = memchr(begin, '/', size - at - 1);
        size_t length = end ? (size_t)(end - begin) : size - at - 1;
        char *step = decode_step(arena, begin, length);

        if (!step)
            return err_set(err, -EINVAL,
                           "JSON pointer '%s' has a '~' that is neither ~0 nor ~1",
                           pointer.text);
        pointer.steps[pointer.count++] = step;
        at += length + 1;
    }
    *ret = pointer;
    return 0;
}

/* The index that a step names in an array; no leading zeros (RFC 6901, 4). */
static const struct json_node *find_item(const struct json_node *array, const char *step)
{
    uint64_t index = 0;

    if (!*step || (step[0] == '0' && step[1]))
        return NULL;
    for (; *step >= '0' && *step <= '9' && index < array->count; step++)
        index = index * 10 + (uint64_t)(*step - '0');
    return *step == '\0' && index < array->count ? &array->items[index] : NULL;
}

const struct json_node *json_pointer_find(const struct json_pointer *pointer,
                                          const struct json_node *root)
{
    const struct json_node *at = root;

    for (size_t i = 0; i < pointer->count && at; i++) {
        if (at->kind == NODE_ARRAY)
            at = find_item(at, pointer->steps[i]);
        else
            at = json_node_member(at, pointer->steps[i]);
    }
    return at;
}

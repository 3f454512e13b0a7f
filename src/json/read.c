/* json/read.c - JSON texts to nodes, by jansson; see node.h. */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json/node.h"
#include "test/json_source.h"
#include "test/library.h"

enum { INDEX_FROM = 12 }; /* members; of fewer a look at each is as fast */

struct reading {
    const struct jansson *jansson;
    struct arena *arena;
};

static void take(const struct reading *reading, struct json_node *to, json_t *json);

/* ---- members by key ---------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b, void *members)
{
    const struct json_member *at = members;

    return strcmp(at[*(const uint32_t *)a].key, at[*(const uint32_t *)b].key);
}

static const uint32_t *order_members(struct arena *arena, struct json_member *members,
                                     uint32_t count)
{
    uint32_t *by_key = arena_zero(arena, count * sizeof *by_key);

    for (uint32_t i = 0; i < count; i++)
        by_key[i] = i;
    qsort_r(by_key, count, sizeof *by_key, compare_keys, members);
    return by_key;
}

static const struct json_node *search(const struct json_node *object, const char *key)
{
    uint32_t begin = 0;
    uint32_t end = object->count;

    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;
        const struct json_member *member = &object->members[object->by_key[middle]];
        int order = strcmp(key, member->key);

        if (order == 0)
            return &member->node;
        if (order < 0)
            end = middle;
        else
            begin = middle + 1;
    }
    return NULL;
}

const struct json_node *json_node_member(const struct json_node *object, const char *key)
{
    if (object->kind != NODE_OBJECT)
        return NULL;
    if (object->by_key)
        return search(object, key);
    for (uint32_t i = 0; i < object->count; i++)
        if (strcmp(object->members[i].key, key) == 0)
            return &object->members[i].node;
    return NULL;
}

/* ---- values ------------------------------------------------------------------------------ */

static void take_text(const struct reading *reading, struct json_node *to, enum json_kind kind,
                      json_t *string)
{
    size_t size = reading->jansson->string_length(string);

    to->kind = kind;
    to->count = (uint32_t)size;
    to->text = arena_copy(reading->arena, reading->jansson->string_value(string), size);
}

static void take_array(const struct reading *reading, struct json_node *to, json_t *array)
{
    size_t count = reading->jansson->array_size(array);
    struct json_node *items = arena_zero(reading->arena, count * sizeof *items);

    for (size_t i = 0; i < count; i++)
        take(reading, &items[i], reading->jansson->array_get(array, i));
    to->kind = NODE_ARRAY;
    to->count = (uint32_t)count;
    to->items = items;
}

static void take_object(const struct reading *reading, struct json_node *to, json_t *object)
{
    const struct jansson *jansson = reading->jansson;
    size_t count = jansson->object_size(object);
    struct json_member *members = arena_zero(reading->arena, count * sizeof *members);
    json_t *digits = count == 1 ? jansson->object_get(object, JSON_BIG_KEY) : NULL;
    size_t i = 0;

    if (json_is_string(digits)) {
        take_text(reading, to, NODE_BIG, digits);
        return;
    }
    for (void *at = jansson->object_iter(object); at;
         at = jansson->object_iter_next(object, at), i++) {
        members[i].key = arena_dup(reading->arena, jansson->object_iter_key(at));
        take(reading, &members[i].node, jansson->object_iter_value(at));
    }
    to->kind = NODE_OBJECT;
    to->count = (uint32_t)count;
    to->members = members;
    if (count >= INDEX_FROM)
        to->by_key = order_members(reading->arena, members, to->count);
}

static void take(const struct reading *reading, struct json_node *to, json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        take_object(reading, to, json);
        break;
    case JSON_ARRAY:
        take_array(reading, to, json);
        break;
    case JSON_STRING:
        take_text(reading, to, NODE_STRING, json);
        break;
    case JSON_INTEGER:
        to->kind = NODE_INTEGER;
        to->integer = reading->jansson->integer_value(json);
        break;
    case JSON_REAL:
        to->kind = NODE_REAL;
        to->real = reading->jansson->real_value(json);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        to->kind = json_is_true(json)    ? NODE_TRUE
                   : json_is_false(json) ? NODE_FALSE
                                         : NODE_NULL;
        break;
    }
}

/* ---- texts ------------------------------------------------------------------------------- */

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!memchr(" \t\r\n", text[i], 4))
            return false;
    return true;
}

static int say_fault(struct err *err, const struct json_source *source,
                     const json_error_t *error)
{
    struct buf words = BUF_INIT(sizeof err->text);
    size_t size;

    json_source_fault(&words, source, (size_t)error->position, error->text);
    size =
        source->single_quotes ? words.size - (words.size > 0) : strcspn(buf_text(&words), "\n");
    err_set(err, -EINVAL, "%.*s", (int)size, buf_text(&words));
    buf_fini(&words);
    return -EINVAL;
}

static json_t *load(const struct jansson *jansson, const struct json_source *source,
                    struct err *err)
{
    struct buf copy =
        BUF_INIT(4 * source->size + 64); /* what it may need is less than 3 times */
    json_error_t error = { .position = 0 };
    json_t *json = NULL;

    json_source_copy(&copy, source);
    if (copy.failed)
        err_set(err, -ENOMEM, "%s is too large to be read as JSON", source->label);
    else
        json =
            jansson->loadb(copy.data, copy.size,
                           JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json && !copy.failed)
        say_fault(err, source, &error);
    buf_fini(&copy);
    return json;
}

int json_node_parse(struct arena *arena, const char *label, const char *text, size_t size,
                    bool single_quotes, const struct json_node **ret, struct err *err)
{
    const struct json_source source = { label, text, size, single_quotes, false };
    const struct jansson *jansson = library_jansson(err);
    struct json_node *node;
    json_t *json;

    if (!jansson)
        return -ENOENT;
    if (is_blank(text, size))
        return err_set(err, -EINVAL, "%s is empty, not JSON", label);
    json = load(jansson, &source, err);
    if (!json)
        return -EINVAL;
    node = arena_zero(arena, sizeof *node);
    take(&(struct reading){ jansson, arena }, node, json);
    jansson->delete (json);
    *ret = node;
    return 0;
}

const char *json_text_strict(struct arena *arena, const char *text, size_t size)
{
    const struct json_source source = { "", text, size, true, true };
    struct buf copy = BUF_INIT(4 * size + 64);
    const char *strict = text;

    if (memchr(text, '\'', size)) {
        json_source_copy(&copy, &source);
        if (copy.failed)
            arena_give_up(size);
        strict = arena_copy(arena, copy.data, copy.size);
    }
    buf_fini(&copy);
    return strict;
}

/* wire/amqp_text.c - frames of AMQP 0-9-1 as lines of text, and back; see amqp.h. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/amqp.h"

/* ---- showing ----------------------------------------------------------------------------- */

static void add_bytes(struct buf *to, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (isprint((unsigned char)data[i]) && data[i] != '\\')
            buf_add_char(to, data[i]);
        else
            buf_printf(to, "\\x%02x", (unsigned)(unsigned char)data[i]);
}

static void add_value(struct buf *to, const char *name, size_t name_size, char type,
                      const struct amqp_value *value)
{
    buf_printf(to, " %.*s=", (int)name_size, name);
    if (type == 't')
        amqp_table_show(value->data, value->size, to);
    else if (type == 'S' || type == 'X')
        add_bytes(to, value->data, value->size);
    else
        buf_printf(to, "%" PRIu64, value->number);
}

void amqp_method_show(const struct amqp_method *method, struct buf *to)
{
    const char *name = method->spec->names;

    buf_add_text(to, method->spec->name);
    for (size_t i = 0; method->spec->types[i]; i++) {
        size_t size = strcspn(name, " ");
        const struct amqp_value *value = &method->values[i];

        if (value->number || value->size > 0)
            add_value(to, name, size, method->spec->types[i], value);
        name += size + strspn(name + size, " ");
    }
}

static char type_of(enum amqp_property property)
{
    if (property == AMQP_HEADERS)
        return 't';
    return property == AMQP_DELIVERY_MODE || property == AMQP_PRIORITY ||
                   property == AMQP_TIMESTAMP
               ? 'L'
               : 'S';
}

static void show_content(const struct amqp_content *content, struct buf *to)
{
    buf_printf(to, "header size=%" PRIu64, content->body_size);
    for (int i = 0; i < AMQP_PROPERTIES; i++) {
        const char *name = amqp_property_name((enum amqp_property)i);

        if (content->properties.set & 1u << i)
            add_value(to, name, strlen(name), type_of((enum amqp_property)i),
                      &content->properties.at[i]);
    }
}

void amqp_frame_show(const struct amqp_frame *frame, struct arena *arena, struct buf *to)
{
    struct amqp_method method;
    struct amqp_content content;
    uint32_t id;

    buf_printf(to, "%d ", frame->channel);
    if (frame->type == AMQP_FRAME_METHOD &&
        amqp_method_read(arena, frame->payload, frame->size, &method, &id) == 0) {
        amqp_method_show(&method, to);
    } else if (frame->type == AMQP_FRAME_HEADER &&
               amqp_content_read(arena, frame->payload, frame->size, &content) == 0) {
        show_content(&content, to);
    } else {
        if (frame->type == AMQP_FRAME_BODY)
            buf_add_text(to, "body ");
        else if (frame->type == AMQP_FRAME_HEARTBEAT)
            buf_add_text(to, "heartbeat");
        else
            buf_printf(to, "type %d ", frame->type);
        add_bytes(to, frame->payload, frame->size);
    }
}

/* ---- parsing: for tests ------------------------------------------------------------------ */

/* Up to a blank, but for those inside of braces. */
static size_t word_size(const char *at)
{
    int depth = 0;
    size_t size = 0;

    for (; at[size] && (at[size] != ' ' || depth > 0); size++)
        depth += at[size] == '{' ? 1 : at[size] == '}' ? -1 : 0;
    return size;
}

/* The value of a name in "name=value name=value"; "\x20" is a blank. NULL: it is not there. */
static const char *find_value(const char *words, const char *name, size_t name_size,
                              struct arena *arena, size_t *ret_size)
{
    while (*words) {
        size_t size = word_size(words);

        if (size > name_size && words[name_size] == '=' &&
            memcmp(words, name, name_size) == 0) {
            char *copy = arena_copy(arena, words + name_size + 1, size - name_size - 1);
            char *to = copy;

            for (char *at = copy; *at; at++)
                if (at[0] == '\\' && at[1] == 'x' && at[2] && at[3]) {
                    char hex[3] = { at[2], at[3], '\0' };

                    *to++ = (char)strtoul(hex, NULL, 16);
                    at += 3;
                } else {
                    *to++ = *at;
                }
            *to = '\0';
            *ret_size = (size_t)(to - copy);
            return copy;
        }
        words += size + strspn(words + size, " ");
    }
    return NULL;
}

/* "{name:I=7,other:S=text,inner:F={...}}" */
static void parse_table(const char *text, struct buf *to)
{
    text += *text == '{';
    while (*text && *text != '}') {
        size_t name_size = strcspn(text, ":");
        char name[64] = "", type, value[256] = "";
        struct buf inner = BUF_INIT(4096);
        size_t size = 0;
        int depth = 0;

        memcpy(name, text, name_size < sizeof name ? name_size : sizeof name - 1);
        if (!text[name_size])
            return;
        type = text[name_size + 1];
        text += name_size + (text[name_size + 1] ? 3 : 1);
        for (; text[size] && (depth > 0 || !strchr(",}", text[size])); size++)
            depth += text[size] == '{' ? 1 : text[size] == '}' ? -1 : 0;
        memcpy(value, text, size < sizeof value ? size : sizeof value - 1);
        if (type == 'F')
            parse_table(value, &inner);
        if (type == 'F')
            amqp_add_field_bytes(to, name, type, buf_text(&inner), inner.size);
        else if (type == 'S')
            amqp_add_field_text(to, name, value);
        else
            amqp_add_field_number(to, name, type, strtoll(value, NULL, 0));
        buf_fini(&inner);
        text += size;
        text += *text == ',';
    }
}

static struct amqp_value parse_value(const char *words, const char *name, size_t name_size,
                                     char type, struct arena *arena)
{
    struct amqp_value value = { .data = "" };
    const char *text = find_value(words, name, name_size, arena, &value.size);
    struct buf table = BUF_INIT(1 << 16);

    if (!text)
        return value;
    value.data = text;
    if (type == 't') {
        parse_table(text, &table);
        value.data = arena_copy(arena, buf_text(&table), table.size);
        value.size = table.size;
    } else if (type != 'S' && type != 'X') {
        value = (struct amqp_value){ .number = strtoull(text, NULL, 0), .data = "" };
    }
    buf_fini(&table);
    return value;
}

static void parse_method(const struct amqp_method_spec *spec, int channel, const char *words,
                         struct arena *arena, struct buf *to)
{
    struct amqp_method method = { .spec = spec };
    const char *name = spec->names;
    size_t at = amqp_frame_begin(to, AMQP_FRAME_METHOD, channel);

    for (size_t i = 0; spec->types[i]; i++) {
        size_t size = strcspn(name, " ");

        method.values[i] = parse_value(words, name, size, spec->types[i], arena);
        name += size + strspn(name + size, " ");
    }
    amqp_method_write(to, &method);
    amqp_frame_end(to, at);
}

static void parse_header(int channel, const char *words, struct arena *arena, struct buf *to)
{
    struct amqp_properties properties = { 0 };
    size_t at = amqp_frame_begin(to, AMQP_FRAME_HEADER, channel), size;
    struct amqp_value class_id = parse_value(words, "class", 5, 's', arena);

    for (int i = 0; i < AMQP_PROPERTIES; i++) {
        const char *name = amqp_property_name((enum amqp_property)i);

        if (!find_value(words, name, strlen(name), arena, &size))
            continue;
        properties.at[i] =
            parse_value(words, name, strlen(name), type_of((enum amqp_property)i), arena);
        properties.set |= 1u << i;
    }
    amqp_add_short(to, class_id.number ? (unsigned)class_id.number : 60);
    amqp_add_short(to, 0);
    amqp_add_longlong(to, parse_value(words, "size", 4, 'L', arena).number);
    amqp_properties_write(to, &properties);
    amqp_frame_end(to, at);
}

static int parse_bytes(const char *text, struct buf *to, struct err *err)
{
    while (*text) {
        char *end;
        unsigned long byte = strtoul(text, &end, 16);

        if (end == text || byte > 255)
            return err_set(err, -EINVAL, "'%s' are no bytes", text);
        buf_add_char(to, (char)byte);
        text = end + strspn(end, " ");
    }
    return 0;
}

int amqp_frame_parse(const char *line, struct arena *arena, struct buf *to, struct err *err)
{
    char *rest;
    int channel = (int)strtol(line, &rest, 10);
    size_t size, at;
    const char *name, *words;
    const struct amqp_method_spec *spec;

    if (line[0] == 'x' && line[1] == ' ')
        return parse_bytes(line + 2, to, err);
    rest += strspn(rest, " ");
    size = strcspn(rest, " ");
    name = arena_copy(arena, rest, size);
    words = rest + size + strspn(rest + size, " ");
    spec = amqp_spec_named(name);
    if (spec) {
        parse_method(spec, channel, words, arena, to);
    } else if (strcmp(name, "header") == 0) {
        parse_header(channel, words, arena, to);
    } else if (strcmp(name, "body") == 0 || strcmp(name, "heartbeat") == 0) {
        at = amqp_frame_begin(to, *name == 'b' ? AMQP_FRAME_BODY : AMQP_FRAME_HEARTBEAT,
                              channel);
        buf_add_text(to, words);
        amqp_frame_end(to, at);
    } else {
        return err_set(err, -EINVAL, "'%s' is no frame", line);
    }
    return 0;
}
